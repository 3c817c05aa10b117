"""Small texts whose losses are known in closed form."""

import numpy as np
import pytest

from embedviz.text.dataset import Dataset, make_dataset


@pytest.fixture
def text() -> Dataset:
    """Make a random text over 5 tokens in which some tokens follow others more often; a fifth is held out."""
    random = np.random.default_rng(0)
    ids = np.zeros(600, dtype=np.uint8)
    for t in range(1, len(ids)):
        ids[t] = (ids[t - 1] + random.choice(5, p=[0.1, 0.5, 0.2, 0.15, 0.05])) % 5
    return make_dataset(ids, vocab_size=5, val_fraction=0.2)
