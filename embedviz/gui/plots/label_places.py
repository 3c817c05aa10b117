"""Where the labels of an axis go: every k-th that fits, and always those that are asked for."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

_NICE = [k * 10**power for power in range(9) for k in (1, 2, 5)]


@dataclass(frozen=True)
class Mark:
    """A label along an axis: whose it is, from where to where, and the middle of its row or column."""

    index: int
    start: float
    length: float
    anchor: float
    strong: bool

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.start + self.length


def place(
    shown: range,
    strong: Sequence[int],
    anchor: Callable[[int], float],
    length: Callable[[int, bool], float],
    low: float,
    high: float,
    pitch: float,
    usual: float,
    *,
    nice: bool = False,
) -> list[Mark]:
    """Return the labels to draw between `low` and `high`, none overlapping another.

    `strong` are indices in order of importance: they are placed first, moved apart where they would overlap,
    and displace the others, of which every k-th is kept, k such that labels of length `usual` fit cells of
    `pitch` (`nice`: 1, 2, 5, 10 and so on, for labels that are numbers). `anchor` gives the middle of a cell,
    `length` how long its label is (index, strong).
    """
    marks: list[Mark] = []
    room = high - low
    for index in dict.fromkeys(strong):
        if index in shown and length(index, True) <= room:
            size = length(index, True)
            room -= size
            marks.append(Mark(index, 0.0, size, min(max(anchor(index), low), high), True))
    marks = _spread(sorted(marks, key=lambda mark: mark.index), low, high)
    every = max(1, ceil(usual / pitch - 1e-6))
    if nice:
        every = next(k for k in _NICE if k >= every)
    first = ceil(shown.start / every) * every
    weak: list[Mark] = []
    end = low - 1e-6
    for index in range(first, shown.stop, every):
        size, middle = length(index, False), anchor(index)
        start = middle - size / 2
        if start < end or start + size > high + 1e-6:
            continue
        beside = bisect_left(marks, start + size, key=_start_of)  # the first strong one that begins after it
        if beside and marks[beside - 1].end > start:
            continue
        weak.append(Mark(index, start, size, middle, False))
        end = start + size
    return weak + marks


def _start_of(mark: Mark) -> float:
    return mark.start


def _spread(marks: list[Mark], low: float, high: float) -> list[Mark]:
    """Move marks, in order, as little as parts them; groups that touch are moved as one."""
    groups: list[tuple[float, list[Mark]]] = []
    for mark in marks:
        members = [mark]
        start = _group_start(members, low, high)
        while groups and groups[-1][0] + sum(m.length for m in groups[-1][1]) > start:
            members = groups.pop()[1] + members
            start = _group_start(members, low, high)
        groups.append((start, members))
    placed = []
    for start, members in groups:
        for mark in members:
            placed.append(Mark(mark.index, start, mark.length, mark.anchor, mark.strong))
            start += mark.length
    return placed


def _group_start(members: list[Mark], low: float, high: float) -> float:
    before, wished = 0.0, 0.0
    for mark in members:
        wished += mark.anchor - mark.length / 2 - before
        before += mark.length
    return max(low, min(wished / len(members), high - before))
