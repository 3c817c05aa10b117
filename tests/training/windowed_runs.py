"""Runs of models that read windows, small ones, one of each kind and switch."""

import numpy as np

from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset, make_dataset

VOCABULARY = 7
SMALL = {"n_embd": 8, "block_size": 5, "batch_size": 4}
TOKEN_POSITION = RunConfig().with_model("token-position").replace(**SMALL)
TRANSFORMER = RunConfig().with_model("transformer").replace(**SMALL, n_head=2, n_layer=2)
LLAMA = RunConfig().with_model("llama").replace(**SMALL, n_head=2, n_layer=1)

CONFIGS = {
    "token-position": TOKEN_POSITION,
    "token-position-frozen": TOKEN_POSITION.replace(freeze_embeddings=True, weight_decay=0.1),
    "transformer": TRANSFORMER,
    "transformer-scaled": TRANSFORMER.replace(scale_embeddings=True, n_layer=1, init="normal-1"),
    "skeleton": TRANSFORMER.replace(n_layer=0, position="none"),
    "llama-tied": LLAMA.replace(tie=True, init="normal-1"),
    "llama-tied-frozen": LLAMA.replace(tie=True, freeze_embeddings=True, weight_decay=0.1, position="learned"),
}


def some_ids(length: int, seed: int = 0) -> np.ndarray:
    """Return a text in which some tokens are likelier than others after any other."""
    random = np.random.default_rng(seed)
    ids = np.zeros(length, np.uint8)
    for t in range(1, length):
        ids[t] = (ids[t - 1] + random.choice(VOCABULARY - 1, p=[0.1, 0.5, 0.2, 0.1, 0.05, 0.05])) % VOCABULARY
    return ids


def running_text(length: int = 400, val_fraction: float = 0.2) -> Dataset:
    """Return such a text, some of it held out."""
    return make_dataset(some_ids(length), VOCABULARY, val_fraction)


def items(count: int = 60) -> Dataset:
    """Return a list of items of one to eight tokens, with the boundary 0 around them."""
    random = np.random.default_rng(1)
    ids = [0]
    for _ in range(count):
        ids += [*random.integers(1, VOCABULARY, random.integers(1, 9)).tolist(), 0]
    return make_dataset(np.array(ids, np.uint8), VOCABULARY, 0.2, boundary_id=0)
