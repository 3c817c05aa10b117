"""Pairs: how often each token follows each other one, kept as the few cells of a (V, V) that are not 0."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedviz.text.dataset import Ids
from embedviz.text.progress import Progress, quiet

Counts = NDArray[np.int64]
Run = tuple[Counts, Counts]  # codes (P,), sorted, each once; and their counts (P,)

_CHUNK = 1 << 18  # pairs handled at once: each takes some 40 bytes meanwhile
_DENSE = 1 << 20  # cells of a table that is cheaper to fill than pairs are to sort


@dataclass(frozen=True, eq=False)
class PairCounts:
    """How often each token follows each other one: a sparse (V, V). Arrays are read-only.

    The pair (first, second) has the code first * V + second; `codes` are sorted and hold only pairs that occur.
    """

    vocab_size: int
    codes: Counts  # (P,)
    counts: Counts  # (P,)

    @classmethod
    def count(cls, ids: Ids, vocab_size: int, progress: Progress = quiet) -> "PairCounts":
        """Count the pairs of neighbours in `ids` (T,). The extra memory grows with the pairs, not with T."""
        count = _count_dense if vocab_size**2 <= _DENSE else _count_sparse
        codes, counts = count(ids, vocab_size, progress)
        codes.flags.writeable = counts.flags.writeable = False
        return cls(vocab_size, codes, counts)

    @cached_property
    def total(self) -> int:
        """How many pairs there are in all."""
        return int(self.counts.sum())

    @cached_property
    def row_sums(self) -> Counts:
        """How often anything follows each token, (V,), read-only."""
        ends = np.searchsorted(self.codes, np.arange(self.vocab_size + 1) * self.vocab_size)  # (V + 1,)
        until = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.counts)))  # (P + 1,)
        sums = until[ends[1:]] - until[ends[:-1]]  # (V,)
        sums.flags.writeable = False
        return sums

    def row(self, first: int) -> Counts:
        """Return how often each token follows `first`, (V,)."""
        begin, end = np.searchsorted(self.codes, (first * self.vocab_size, (first + 1) * self.vocab_size))
        row = np.zeros(self.vocab_size, np.int64)  # (V,)
        row[self.codes[begin:end] - first * self.vocab_size] = self.counts[begin:end]
        return row

    def probabilities(self, first: int) -> NDArray[np.float64]:
        """Return how likely each token follows `first`, (V,): sums to 1, or is all 0 where nothing follows."""
        row = self.row(first)
        return row / np.float64(max(int(row.sum()), 1))

    def __getitem__(self, pair: tuple[int, int]) -> int:
        code = pair[0] * self.vocab_size + pair[1]
        place = int(np.searchsorted(self.codes, code))
        return int(self.counts[place]) if place < len(self.codes) and self.codes[place] == code else 0

    def dense(self) -> Counts:
        """Return all counts, (V, V): 8 bytes for each cell."""
        table = np.zeros((self.vocab_size, self.vocab_size), np.int64)  # (V, V)
        table.reshape(-1)[self.codes] = self.counts
        return table


def _codes(ids: Ids, start: int, vocab_size: int) -> Counts:
    following = ids[start + 1 : start + 1 + _CHUNK]
    codes = ids[start : start + len(following)] * np.int64(vocab_size)
    codes += following
    return codes


def _count_dense(ids: Ids, vocab_size: int, progress: Progress) -> Run:
    table = np.zeros(vocab_size**2, np.int64)  # (V * V,)
    for start in range(0, len(ids) - 1, _CHUNK):
        progress("Counting", start / len(ids))
        table += np.bincount(_codes(ids, start, vocab_size), minlength=len(table))
    codes = np.flatnonzero(table)  # (P,)
    return codes, table[codes]


def _count_sparse(ids: Ids, vocab_size: int, progress: Progress) -> Run:
    # A run is merged with one of its own size, so that a pair is moved few times however long the text is.
    runs: list[Run] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for start in range(0, len(ids) - 1, _CHUNK):
        progress("Counting", start / len(ids))
        runs.append(np.unique(_codes(ids, start, vocab_size), return_counts=True))
        while len(runs) > 1 and len(runs[-2][0]) < 2 * len(runs[-1][0]):
            runs.append(_merged(runs.pop(), runs.pop()))
    while len(runs) > 1:
        runs.append(_merged(runs.pop(), runs.pop()))
    return runs[0]


def _merged(one: Run, other: Run) -> Run:
    # In stretches of codes, so that what sorting needs does not grow with the runs.
    if not len(one[0]) or not len(other[0]):
        return one if len(one[0]) else other
    codes = np.empty(len(one[0]) + len(other[0]), np.int64)
    counts = np.empty_like(codes)
    size = 0
    if len(one[0]) < len(other[0]):
        one, other = other, one
    cuts = [*one[0][_CHUNK::_CHUNK], max(one[0][-1], other[0][-1]) + 1]
    begins = (0, 0)
    for cut in cuts:
        ends = (int(np.searchsorted(one[0], cut)), int(np.searchsorted(other[0], cut)))
        spans = [slice(begin, end) for begin, end in zip(begins, ends, strict=True)]
        found = np.concatenate((one[0][spans[0]], other[0][spans[1]]))
        order = np.argsort(found, kind="stable")  # quick: two sorted runs
        found = found[order]
        times = np.concatenate((one[1][spans[0]], other[1][spans[1]]))[order]
        firsts = np.flatnonzero(np.concatenate(([True], found[1:] != found[:-1])))
        codes[size : size + len(firsts)] = found[firsts]
        counts[size : size + len(firsts)] = np.add.reduceat(times, firsts)
        size += len(firsts)
        begins = ends
    codes.resize(size, refcheck=False)  # in place: there is not room for a third copy
    counts.resize(size, refcheck=False)
    return codes, counts
