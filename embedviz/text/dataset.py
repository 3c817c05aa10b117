"""Dataset: the ids a run trains and validates on; both processes get the same one, by construction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.text.corpus import TextError
from embedviz.text.progress import Progress, quiet

Ids = NDArray[np.integer]
Places = NDArray[np.integer]  # int32 where that is enough

_CHUNK = 1 << 18  # tokens gathered at once, so that their 8-byte positions take little memory


@dataclass(frozen=True, eq=False)
class Dataset:
    """Token ids, split; `boundary_id` is set where the text is a list of items.

    In a list of items a boundary token stands before, between and after the items of each part, so that
    every item is seen with its beginning and its end, and no context crosses from one into the next.
    """

    train_ids: Ids  # (N,), read-only, of type id_dtype(vocab_size)
    val_ids: Ids  # (M,), the same; M = 0 where nothing is held out
    vocab_size: int
    boundary_id: int | None = None


def id_dtype(vocab_size: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest unsigned type that holds every id from 0 to `vocab_size` - 1."""
    for dtype in (np.uint8, np.uint16, np.uint32):
        if vocab_size - 1 <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    raise ValueError(f"a vocabulary of {vocab_size} tokens has no type")


def make_dataset(
    ids: Ids,
    vocab_size: int,
    val_fraction: float,
    *,
    boundary_id: int | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> Dataset:
    """Split `ids` (T,) into a training part and the `val_fraction` of it that is held out.

    Running text is cut in two. A list of items (`boundary_id` is given, and stands around each of them) is
    shuffled by `seed` and split by item. A held-out part too short to have a next token is not held out.
    Ids that are read-only and of the smallest type already are not copied. Raises TextError if there is too
    little to train on.
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}, not from 0 to below 1")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise ValueError(f"an id lies outside 0 to {vocab_size - 1}")
    ids = ids.astype(id_dtype(vocab_size), copy=ids.flags.writeable)
    if boundary_id is None:
        train_ids, val_ids = _split_text(ids, val_fraction)
    else:
        train_ids, val_ids = _split_items(ids, val_fraction, boundary_id, seed, progress)
    train_ids.flags.writeable = val_ids.flags.writeable = False
    return Dataset(train_ids, val_ids, vocab_size, boundary_id)


def _split_text(ids: Ids, val_fraction: float) -> tuple[Ids, Ids]:
    if len(ids) < 2:
        raise TextError(f"The text is too short: it has {len(ids)} of the 2 tokens that training needs.")
    n = max(int((1 - val_fraction) * len(ids)), 2)
    if len(ids) - n < 2:
        n = len(ids)
    return ids[:n], ids[n:]


def _split_items(
    ids: Ids, val_fraction: float, boundary_id: int, seed: int, progress: Progress
) -> tuple[Ids, Ids]:
    if not len(ids) or ids[0] != boundary_id or ids[-1] != boundary_id:
        ids = np.pad(ids, 1, constant_values=boundary_id)  # frames what is not; no item is empty, see below
    boundaries = _places(ids, boundary_id)  # item i is between the boundaries i and i + 1
    items = np.arange(len(boundaries) - 1, dtype=boundaries.dtype)[np.diff(boundaries) > 1]
    if not len(items):
        raise TextError("The list is too short: it has no items.")
    np.random.default_rng(seed).shuffle(items)
    n = max(int((1 - val_fraction) * len(items)), 1)
    parts = [_join(ids, boundaries, part, progress) for part in (items[:n], items[n:])]
    return parts[0], parts[1]


def _places(ids: Ids, boundary_id: int) -> Places:
    # A list of names has millions of items: their places take 4 bytes each where that is enough.
    dtype = np.dtype(np.int32 if len(ids) < 2**31 else np.int64)
    chunks = range(0, len(ids), _CHUNK)
    found = [
        (np.flatnonzero(ids[start : start + _CHUNK] == boundary_id) + start).astype(dtype) for start in chunks
    ]
    return np.concatenate(found)


def _join(ids: Ids, boundaries: Places, items: Places, progress: Progress) -> Ids:
    slabs = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    size = sum(int((boundaries[slab + 1] - boundaries[slab]).sum()) for slab in slabs)
    joined = np.empty(size + 1 if slabs else 0, dtype=ids.dtype)
    joined[:1] = ids[0]  # a boundary, as is the last token of each piece
    done = 1
    for slab in slabs:
        progress("Splitting", done / len(joined))
        starts = boundaries[slab].astype(np.int64) + 1
        sizes = boundaries[slab + 1] + 1 - starts  # an item and the boundary after it
        ends = np.cumsum(sizes)
        first = before = 0
        while first < len(slab):
            last = max(int(np.searchsorted(ends, before + _CHUNK)), first + 1)
            stop = int(ends[last - 1])
            if last == first + 1:  # perhaps a long one
                joined[done + before : done + stop] = ids[starts[first] : starts[first] + sizes[first]]
            else:
                shifts = starts[first:last] - (ends[first:last] - sizes[first:last])
                places = np.repeat(shifts, sizes[first:last]) + np.arange(before, stop)
                joined[done + before : done + stop] = ids.take(places)
            first, before = last, stop
        done += before
    return joined
