"""Counts and floors against closed forms, and against the numbers known of real texts."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text import statistics
from embedviz.text.char_tokenizer import CharTokenizer
from embedviz.text.corpus import Corpus, read_corpus
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import (
    conditional_entropy,
    smoothed_log_probabilities,
    table_loss,
    token_counts,
    unigram_entropy,
)

IDS = st.lists(st.integers(0, 4), min_size=2, max_size=80).map(np.array)
LN2 = math.log(2)


def dataset_of(corpus: Corpus) -> Dataset:
    tokenizer = CharTokenizer.from_corpus(corpus)
    return make_dataset(tokenizer.encode(corpus.text), tokenizer.vocab_size, 0.1)


def pairs_of(table: list[list[int]]) -> PairCounts:
    """Return the pair counts that a dense table holds."""
    counts = np.array(table)
    codes = np.flatnonzero(counts)
    return PairCounts(len(counts), codes, counts.reshape(-1)[codes])


@settings(deadline=None)
@given(IDS, st.integers(1, 9))
def test_token_counts_are_what_a_loop_counts(ids, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_CHUNK", chunk)
        tokens = token_counts(ids, 5)
    assert np.array_equal(tokens, [(ids == token).sum() for token in range(5)])
    assert tokens.dtype == np.int64


def test_nothing_counted():
    none = PairCounts.count(np.array([1]), 3)
    assert math.isnan(conditional_entropy(none))
    assert math.isnan(unigram_entropy(token_counts(np.array([], dtype=np.uint8), 3)))
    assert math.isnan(table_loss(np.zeros((3, 3)), none))


def test_entropies_in_closed_form():
    # a is followed by b or c equally often, b and c always by a: ln 2 at half of all places.
    pairs = PairCounts.count(np.array([0, 1, 0, 2] * 25 + [0]), 3)
    assert conditional_entropy(pairs) == pytest.approx(LN2 / 2, abs=1e-14)
    assert unigram_entropy(np.array([2, 1, 1])) == pytest.approx(1.5 * LN2, abs=1e-15)
    assert unigram_entropy(np.full(65, 7)) == pytest.approx(math.log(65), abs=1e-14)
    assert unigram_entropy(np.array([9, 0])) == 0
    assert conditional_entropy(PairCounts.count(np.array([0, 1] * 50), 2)) == 0


@settings(deadline=None)
@given(IDS)
def test_the_floor_is_the_loss_of_the_counted_probabilities_and_no_table_is_below(ids):
    pairs = PairCounts.count(ids, 5)
    floor = conditional_entropy(pairs)
    with np.errstate(divide="ignore"):
        best = np.log([pairs.probabilities(token) for token in range(5)])
    assert table_loss(best, pairs) == pytest.approx(floor, abs=1e-12)
    noise = np.random.default_rng(0).normal(size=(5, 5))
    for table in (noise, np.zeros((5, 5)), smoothed_log_probabilities(pairs)):
        assert table_loss(table, pairs) >= floor - 1e-12
    assert floor <= unigram_entropy(pairs.dense().sum(axis=0)) + 1e-12  # context never hurts


@settings(deadline=None)
@given(IDS, st.floats(-1e5, 1e5))
def test_the_loss_ignores_a_constant_per_row(ids, shift):
    pairs = PairCounts.count(ids, 5)
    table = np.random.default_rng(1).normal(size=(5, 5))
    assert table_loss(table + shift, pairs) == pytest.approx(table_loss(table, pairs), abs=1e-9)


@pytest.mark.parametrize("vocab_size", [27, 65, 256])
def test_a_table_of_zeros_loses_ln_v(vocab_size):
    pairs = PairCounts.count(np.arange(500) % vocab_size, vocab_size)
    zeros = np.zeros((vocab_size, vocab_size), dtype=np.float32)
    assert table_loss(zeros, pairs) == pytest.approx(math.log(vocab_size), abs=1e-14)


def test_a_loss_in_closed_form():
    table = np.log([[0.9, 0.1], [0.2, 0.8]])
    counts = pairs_of([[3, 1], [0, 4]])
    expected = -(3 * math.log(0.9) + math.log(0.1) + 4 * math.log(0.8)) / 8
    assert table_loss(table, counts) == pytest.approx(expected, abs=1e-14)


def test_extreme_tables_are_silent():
    counts = pairs_of([[1, 0], [1, 1]])
    assert table_loss(np.array([[1e4, 0.0], [-1e4, -1e4]]), counts) == pytest.approx(2 / 3 * LN2)
    assert table_loss(np.array([[-np.inf, 0.0], [0.0, 0.0]]), counts) == math.inf
    assert math.isnan(table_loss(np.array([[np.nan, 0.0], [0.0, 0.0]]), counts))
    assert math.isnan(table_loss(np.full((2, 2), np.inf), counts))


@settings(deadline=None)
@given(IDS, st.integers(1, 30))
def test_sums_do_not_depend_on_how_much_is_summed_at_once(ids, chunk):
    pairs = PairCounts.count(ids, 5)
    table = np.random.default_rng(2).normal(size=(5, 5))
    expected = table_loss(table, pairs), conditional_entropy(pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_CHUNK", chunk)
        assert (table_loss(table, pairs), conditional_entropy(pairs)) == pytest.approx(expected, abs=1e-13)


def test_smoothing_in_closed_form():
    counts = pairs_of([[1, 3], [0, 0]])
    assert np.exp(smoothed_log_probabilities(counts)) == pytest.approx(np.array([[2 / 6, 4 / 6], [0.5, 0.5]]))
    halves = np.exp(smoothed_log_probabilities(counts, add=0.5))
    assert halves == pytest.approx(np.array([[1.5 / 5, 3.5 / 5], [0.5, 0.5]]))


# Each text with its floor on the first 90 %, and on the rest the losses of counts + 1 and of the unigram.
# The first: 900 training tokens "abac...", so 899 pairs, 450 of them after an a, 225 of those to each side.
_TINY_SMOOTH = -(25 * math.log(226 / 453) * 2 + 25 * math.log(226 / 228) + 24 * math.log(225 / 227)) / 99
_TINY_UNIGRAM = -(49 * math.log(1 / 2) + 50 * math.log(1 / 4)) / 99
KNOWN = [(Corpus("tiny", "abac" * 250), 450 * LN2 / 899, _TINY_SMOOTH, _TINY_UNIGRAM, 1e-12)]
for found in Path(__file__).parents[3].glob("shared/data/tinyshakespeare.txt"):  # beside some checkouts
    KNOWN.append((read_corpus(found), 2.4519, 2.4819, 3.3473, 5e-5))


@pytest.mark.parametrize(
    ("corpus", "floor", "smoothed", "unigram", "tolerance"), KNOWN, ids=[row[0].name for row in KNOWN]
)
def test_known_texts(corpus, floor, smoothed, unigram, tolerance):
    dataset = dataset_of(corpus)
    size = dataset.vocab_size
    train, val = PairCounts.count(dataset.train_ids, size), PairCounts.count(dataset.val_ids, size)
    assert conditional_entropy(train) == pytest.approx(floor, abs=tolerance)
    assert table_loss(smoothed_log_probabilities(train), val) == pytest.approx(smoothed, abs=tolerance)
    tokens = token_counts(dataset.train_ids, size)
    rows = np.tile(np.log(tokens / tokens.sum()), (size, 1))
    assert table_loss(rows, val) == pytest.approx(unigram, abs=tolerance)
