"""Dataset: the ids a run trains and validates on; both processes get the same one, by construction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.text.corpus import TextError

Ids = NDArray[np.integer]

_CHUNK = 1 << 20  # tokens gathered at once, so that their 8-byte positions take little memory


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
    ids: Ids, vocab_size: int, val_fraction: float, *, boundary_id: int | None = None, seed: int = 0
) -> Dataset:
    """Split `ids` (T,) into a training part and the `val_fraction` of it that is held out.

    Running text is cut in two. A list of items (`boundary_id` is given, and stands around each of them) is
    shuffled by `seed` and split by item. A held-out part too short to have a next token is not held out.
    Raises TextError if there is too little to train on.
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}, not from 0 to below 1")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocab_size:
        raise ValueError(f"an id lies outside 0 to {vocab_size - 1}")
    ids = ids.astype(id_dtype(vocab_size), copy=ids.flags.writeable)
    if boundary_id is None:
        train_ids, val_ids = _split_text(ids, val_fraction)
    else:
        train_ids, val_ids = _split_items(ids, val_fraction, boundary_id, seed)
    train_ids.flags.writeable = val_ids.flags.writeable = False
    return Dataset(train_ids, val_ids, vocab_size, boundary_id)


def _split_text(ids: Ids, val_fraction: float) -> tuple[Ids, Ids]:
    if len(ids) < 2:
        raise TextError(f"The text is too short: it has {len(ids)} of the 2 tokens that training needs.")
    n = max(int((1 - val_fraction) * len(ids)), 2)
    if len(ids) - n < 2:
        n = len(ids)
    return ids[:n], ids[n:]


def _split_items(ids: Ids, val_fraction: float, boundary_id: int, seed: int) -> tuple[Ids, Ids]:
    ids = np.pad(ids, 1, constant_values=boundary_id)  # frames what is not; no item is empty, see below
    boundaries = np.flatnonzero(ids == boundary_id)
    starts, sizes = boundaries[:-1] + 1, np.diff(boundaries)  # an item and the boundary after it
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    if not len(starts):
        raise TextError("The list is too short: it has no items.")
    order = np.random.default_rng(seed).permutation(len(starts))
    starts, sizes = starts[order], sizes[order]
    n = max(int((1 - val_fraction) * len(starts)), 1)
    return _join(ids, starts[:n], sizes[:n]), _join(ids, starts[n:], sizes[n:])


def _join(ids: Ids, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Ids:
    # ids[0] is a boundary, and so is the last token of each piece.
    ends = np.cumsum(sizes)
    joined = np.full(ends[-1] + 1 if len(ends) else 0, ids[0], dtype=ids.dtype)
    first = done = 0
    while first < len(starts):
        last = max(int(np.searchsorted(ends, done + _CHUNK)), first + 1)
        stop = int(ends[last - 1])
        shifts = starts[first:last] - (ends[first:last] - sizes[first:last])
        joined[done + 1 : stop + 1] = ids[np.repeat(shifts, sizes[first:last]) + np.arange(done, stop)]
        first, done = last, stop
    return joined
