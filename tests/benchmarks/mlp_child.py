"""Child: optimiser steps of an MLP session, beside a textbook loop in the same process."""

import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.config import RunConfig
from embedviz.text.corpus import read_corpus
from embedviz.text.preparation import prepare
from embedviz.training.session import TrainingSession
from tests.benchmarks.harness import answer
from tests.benchmarks.textbook import textbook_steps

STEPS = 2000
CONFIG = RunConfig(
    model="mlp",
    n_embd=10,
    hidden=200,
    block_size=3,
    batch_size=32,
    init="normal-1",
    optimizer="adamw",
    lr=0.01,
    weight_decay=0.01,
    device="cpu",
    threads=1,
)


class Textbook(nn.Module):
    """The MLP of the lectures, of torch's own layers."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        inputs = CONFIG.block_size * CONFIG.n_embd
        self.token_embedding_table = nn.Embedding(vocab_size, CONFIG.n_embd)
        self.hidden = nn.Linear(inputs, CONFIG.hidden)
        self.output = nn.Linear(CONFIG.hidden, vocab_size)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.token_embedding_table(idx)
        logits = self.output(torch.tanh(self.hidden(rows.view(len(idx), -1))))
        return logits, F.cross_entropy(logits, targets)


def main() -> None:
    dataset = prepare(read_corpus(Path(sys.argv[1])), CONFIG).dataset
    data = torch.tensor(dataset.train_ids.astype("int64"))
    session = TrainingSession(CONFIG, dataset)
    for line in sys.stdin:
        what = json.loads(line)["what"]
        if what != "mlp":
            raise ValueError(f"there is no figure '{what}' here")
        begin = time.perf_counter()
        for _ in range(STEPS):
            next(session)
        ours = STEPS / (time.perf_counter() - begin)
        model, batch_size, block_size = Textbook(dataset.vocab_size), CONFIG.batch_size, CONFIG.block_size
        plain = textbook_steps(
            model, data, batch_size=batch_size, block_size=block_size, lr=1e-2, steps=STEPS, last=True
        )
        answer({"steps_per_second": ours, "ratio": ours / plain})


main()
