"""Windows of text: where they come from, and that a seed decides them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from embedviz.text.dataset import make_dataset
from embedviz.training.batches import Batches, to_tensor


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(2, 40), st.integers(1, 12), st.integers(1, 20))
def test_every_window_is_a_piece_of_the_text(length: int, batch_size: int, block_size: int) -> None:
    ids = torch.arange(100, 100 + length)
    batches = Batches(ids, batch_size, block_size, generator())
    assert batches.block_size == min(block_size, length - 1)
    idx, targets = batches.draw()
    assert idx.shape == targets.shape == (batch_size, batches.block_size)
    assert idx.dtype == targets.dtype == torch.int64
    assert torch.equal(targets, idx + 1)
    assert torch.equal(idx[:, :1] + torch.arange(batches.block_size), idx)
    assert 100 <= idx.min() <= targets.max() < 100 + length


def test_where_windows_begin_can_be_asked_first() -> None:
    whole, apart = (Batches(torch.arange(1000), 8, 4, generator(3)) for _ in range(2))
    starts = apart.draw_starts()
    idx, targets = whole.draw()
    assert torch.equal(idx[:, 0], starts)
    assert all(torch.equal(*pair) for pair in zip(apart.at(starts), (idx, targets), strict=True))
    assert torch.equal(whole.generator.get_state(), apart.generator.get_state())
    listed = Batches(torch.tensor([0, 11, 12, 0], dtype=torch.uint8), 1, 3, generator(), boundary_id=0)
    assert (listed.padding, listed.ids.tolist()) == (2, [0, 0, 0, 11, 12, 0])
    assert listed.at(torch.tensor([1]))[0].tolist() == [[0, 0, 11]]


def test_every_window_is_drawn() -> None:
    idx, _ = Batches(torch.arange(10), 2000, 4, generator()).draw()
    starts, counts = idx[:, 0].unique(return_counts=True)
    assert starts.tolist() == [0, 1, 2, 3, 4, 5]
    assert counts.min() > 2000 / 6 - 5 * 17  # 5 sigma


def test_the_generator_decides() -> None:
    ids = torch.arange(1000)
    draws = [Batches(ids, 8, 4, generator(seed)).draw()[0] for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_ids_of_every_type(dtype: type[np.unsignedinteger]) -> None:
    ids = np.array([0, 255, 3], dtype=dtype)
    ids.flags.writeable = False
    idx, targets = Batches(to_tensor(ids), 1, 8, generator()).draw()
    assert (idx.tolist(), targets.tolist()) == ([[0, 255]], [[255, 3]])


def test_no_pair_crosses_from_one_item_into_the_next() -> None:
    # Three items whose tokens are told apart by their tens; 0 is the boundary.
    ids = np.array([0, 11, 12, 0, 21, 0, 31, 32, 33, 0], dtype=np.uint8)
    dataset = make_dataset(ids, 34, 0.0, boundary_id=0)
    idx, targets = Batches(to_tensor(dataset.train_ids), 500, 3, generator()).draw()
    same_item = idx // 10 == targets // 10
    at_a_boundary = (idx == 0) | (targets == 0)
    assert bool((same_item | at_a_boundary).all())
