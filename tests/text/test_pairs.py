"""Pair counts against a loop, on both ways of counting, and across chunks of every size."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text import pairs as pairs_module
from embedviz.text.pairs import PairCounts
from embedviz.text.progress import Cancelled

IDS = st.lists(st.integers(0, 4), max_size=80).map(np.array)


def counted(ids: np.ndarray, vocab_size: int) -> np.ndarray:
    table = np.zeros((vocab_size, vocab_size), dtype=np.int64)
    for first, second in pairwise(ids.tolist()):
        table[first, second] += 1
    return table


@settings(deadline=None)
@given(IDS, st.integers(1, 9), st.sampled_from([0, 25]))
def test_counts_are_what_a_loop_counts(ids, chunk, dense):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_module, "_CHUNK", chunk)
        patch.setattr(pairs_module, "_DENSE", dense)
        pairs = PairCounts.count(ids.astype(np.uint8), 5)
    expected = counted(ids, 5)
    assert pairs.codes.tolist() == np.flatnonzero(expected).tolist()
    assert pairs.counts.tolist() == expected[expected > 0].tolist()
    assert np.array_equal(pairs.dense(), expected)
    assert pairs.total == max(len(ids) - 1, 0)
    assert pairs.row_sums.tolist() == expected.sum(axis=1).tolist()
    for first in range(5):
        assert pairs.row(first).tolist() == expected[first].tolist()
        total = expected[first].sum()
        np.testing.assert_allclose(pairs.probabilities(first), expected[first] / max(total, 1), rtol=1e-15)
        assert [pairs[first, second] for second in range(5)] == expected[first].tolist()


def test_the_largest_vocabulary_of_the_settings_takes_no_table():
    rng = np.random.default_rng(0)
    ids = (rng.zipf(1.3, 100_000) % 65_536).astype(np.uint16)
    ids[:2] = 65_535
    pairs = PairCounts.count(ids, 65_536)
    codes, counts = np.unique(ids[:-1].astype(np.int64) * 65_536 + ids[1:], return_counts=True)
    assert np.array_equal(pairs.codes, codes)
    assert np.array_equal(pairs.counts, counts)
    assert pairs[65_535, 65_535] == counts[codes.searchsorted(2**32 - 1)]
    assert pairs.row_sums.sum() == pairs.total == len(ids) - 1


@pytest.mark.parametrize("vocab_size", [256, 2000])  # the one is counted in a table, the other sorted
def test_small_types_do_not_overflow(vocab_size):
    pairs = PairCounts.count(np.array([255, 254, 255], dtype=np.uint8), vocab_size)
    assert pairs[255, 254] == pairs[254, 255] == 1
    assert pairs.total == 2


def test_nothing_counted():
    none = PairCounts.count(np.array([1], dtype=np.uint8), 3)
    assert none.total == none[1, 1] == 0
    assert none.row_sums.tolist() == none.row(1).tolist() == [0, 0, 0]
    assert none.probabilities(1).tolist() == [0.0, 0.0, 0.0]
    assert none.dense().tolist() == [[0] * 3] * 3


def test_what_was_counted_is_read_only():
    pairs = PairCounts.count(np.array([0, 1, 0]), 2)
    for array in (pairs.codes, pairs.counts, pairs.row_sums):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


@pytest.mark.parametrize("vocab_size", [5, 5000])
def test_counting_tells_how_far_it_is_and_can_be_cancelled(monkeypatch, vocab_size):
    monkeypatch.setattr(pairs_module, "_CHUNK", 10)
    told = []

    def progress(doing, done):
        told.append((doing, done))
        if len(told) == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        PairCounts.count(np.zeros(100, dtype=np.uint16), vocab_size, progress)
    assert told == [("Counting", 0.0), ("Counting", 0.1), ("Counting", 0.2), ("Counting", 0.3)]
