"""Copy as PyTorch: a plain script that rebuilds a run from its text on, and prints the same losses.

Only text is made here, of parts in the order in which they run: data, model, start, steps.
"""

import re
from itertools import pairwise

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.export import pytorch_data, pytorch_models, pytorch_start, pytorch_steps
from embedviz.export.source import TextSource

_IMPORTS = (  # as they are sorted: what is imported, and what says that it is needed
    ("import math", r"\bmath\."),
    ("import re", r"\bre\."),
    ("import sys", r"\bsys\."),
    ("import unicodedata", r"\bunicodedata\."),
    ("from collections import Counter", r"\bCounter\("),
    ("from pathlib import Path", r"\bPath\("),
    ("", ""),
    ("import numpy as np", r"\bnp\."),
    ("import torch  # 2.4 or later", r"\btorch\."),
    ("import torch.nn.functional as F", r"\bF\."),
    (
        "from tokenizers import Tokenizer, models, pre_tokenizers, trainers",
        r"\btrainers\.",
    ),
    ("from tokenizers import Tokenizer", r"\bTokenizer\.from_file"),
    ("from torch import nn", r"\bnn\.(?!functional)"),
)

_DEFINED = ("def ", "class ", "@")

_HEAD = '''\
"""{model} in plain PyTorch: a run of embedviz, from its text on. Prints the loss before each step."""
'''

_THREADS = "torch.set_num_threads({threads})  # as in the run: other numbers of threads round otherwise\n"

_GENERATOR = '''\
def make_generator(purpose):
    """Return random numbers for one purpose: a larger batch, say, then leaves the start as it was."""
    entropy = np.random.SeedSequence([SEED, *purpose.encode()]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(entropy[0] >> 1))
'''


def as_pytorch(config: RunConfig, source: TextSource, vocab_size: int, steps: int = 20) -> str:
    """Return a script that takes the first `steps` steps of the run, and prints the loss before each.

    It needs torch and numpy, and `tokenizers` for subwords and tokenizers from a file; its first argument is
    the path of the text. `vocab_size` is only told. What was changed by hand is not in it. It computes as the run
    does, in the same order and shapes: what only rounds otherwise grows within few steps where a start is large.
    """
    data = pytorch_data.write(config, source, vocab_size)
    after = [
        *pytorch_models.write(config, source.per_line),
        *pytorch_start.write(config),
        *pytorch_steps.write(config, source.per_line),
    ]
    draws = any("make_generator(" in part for part in after)
    body = _joined([*data, *([_GENERATOR] if draws else []), *after])
    constants = f"STEPS = {steps}\n" + (f"SEED = {config.seed}\n" if re.search(r"\bSEED\b", body) else "")
    if config.threads and not pytorch_steps.device_call(config):
        constants += _THREADS.format(threads=config.threads)
    return f"{_HEAD.format(model=catalog.MODELS[config.model].title)}\n{_imports(body)}\n{constants}\n{body}"


def _joined(parts: list[str]) -> str:
    """Return the parts below each other: two empty lines around what is defined, one between all else."""
    script = parts[0]
    for before, part in pairwise(parts):
        is_apart = before.startswith(_DEFINED) or part.startswith(_DEFINED)
        script += ("\n\n" if is_apart else "\n") + part
    return script


def _imports(body: str) -> str:
    lines = [line for line, sign in _IMPORTS if re.search(sign, body)]
    return "\n".join(lines) + "\n"
