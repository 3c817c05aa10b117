"""What of a sampled text stands in the training text too, word for word."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedviz.text.corpus import Corpus
from embedviz.text.progress import Progress, quiet

SHORTEST = 4
"""Characters of a stretch that is worth telling."""

_BITS = 16  # of the hash of SHORTEST characters
_FACTOR = np.uint32(2654435761)  # 2^32 over the golden ratio, as in Knuth's multiplicative hashing
_DOING = "Looking it up in the text"


class Stretch(NamedTuple):
    """A part of a sampled text: where it begins and how long it is, in code points."""

    start: int
    length: int


def items_in_text(corpus: Corpus, items: Collection[str], progress: Progress = quiet) -> frozenset[str]:
    """Return those of `items` that stand in the list as they are, alone on their line."""
    missing = {f"\n{item}\n": item for item in items if item and "\n" not in item}
    found: set[str] = set()
    keep = max(map(len, missing), default=1) - 1
    for window in _windows(corpus.chunks(), keep, corpus.n_characters, progress):
        here = [line for line in missing if line in window]
        found.update(missing.pop(line) for line in here)
        if not missing:
            break
    return frozenset(found)


def longest_stretch(corpus: Corpus, sample: str, progress: Progress = quiet) -> Stretch | None:
    """Return the longest part of `sample` that stands in the text too, the first of equally long ones.

    None if that is shorter than SHORTEST. Takes one pass: a hash of each SHORTEST characters says where the
    text may be a part of the sample, and only there, the longest such places first, it is looked at closely.
    """
    if len(sample) < SHORTEST:
        return None
    known = np.zeros(1 << _BITS, bool)
    known[_hashes(sample)] = True
    best: Stretch | None = None
    pieces = corpus.chunks() if corpus.per_line else corpus.parts
    for window in _windows(pieces, len(sample) - 1, corpus.n_characters, progress):
        best = _best_in(window, sample, known, best)
        if best is not None and best.length == len(sample):
            break
    return best


def _windows(pieces: Iterator[str], keep: int, total: int, progress: Progress) -> Iterator[str]:
    """Yield the pieces, each with the last `keep` characters before it: what lies across a cut is seen too."""
    before, done = "", 0
    for piece in pieces:
        window = before + piece
        yield window
        before = window[-keep:] if keep else ""
        done += len(piece)
        progress(_DOING, min(1.0, done / max(total, 1)))


def _hashes(text: str) -> NDArray[np.uint32]:
    """Return a hash of each SHORTEST characters of `text` (T,): (T - SHORTEST + 1,), each below 2^_BITS."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)  # (T,)
    count = len(points) - SHORTEST + 1
    mixed = points[:count].copy()
    for place in range(1, SHORTEST):
        mixed *= np.uint32(31)
        mixed += points[place : place + count]
    mixed *= _FACTOR
    mixed >>= np.uint32(32 - _BITS)
    return mixed


def _best_in(window: str, sample: str, known: NDArray[np.bool_], best: Stretch | None) -> Stretch | None:
    if len(window) < SHORTEST:
        return best
    hits = np.flatnonzero(np.diff(known[_hashes(window)], prepend=False, append=False))
    starts, ends = hits[::2], hits[1::2]  # (R,): runs of places from which the text may be like the sample
    for run in np.argsort(starts - ends, kind="stable").tolist():  # the longest first
        start, end = int(starts[run]), int(ends[run]) + SHORTEST - 1
        if best is not None and end - start < best.length + (best.start == 0):
            break
        best = _compared(window[start:end], sample, best)
    return best


def _compared(segment: str, sample: str, best: Stretch | None) -> Stretch | None:
    """Return the longest part of `sample` in `segment` if that is longer than `best`, or as long and earlier."""
    length = best.length if best is not None else SHORTEST - 1
    if best is not None and len(segment) == length:  # only as a whole, which is quick to look up: it is often so
        earlier = sample.find(segment, 0, best.start + length - 1)
        return best if earlier < 0 else Stretch(earlier, length)
    for start in range(len(sample)):
        if best is not None and start < best.start and sample[start : start + length] in segment:
            best = Stretch(start, length)
        while start + length < len(sample) and sample[start : start + length + 1] in segment:
            length += 1
            best = Stretch(start, length)
    return best
