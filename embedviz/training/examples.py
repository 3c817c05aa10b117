"""Which example of a batch is followed through a step: the watched context if the batch has it, else the first.

Of a batch of windows as many rows are shown as one can look at. Of a step over the whole text it is a window
around the first place where the longest ending of the watched context stands; for a model that reads windows the
text is a batch too, of windows side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedviz.models.base import LanguageModel
from embedviz.training.batches import Batches
from embedviz.training.contexts import pad, reads_window

ROWS_SHOWN = 32
PLACES_SHOWN = 24  # of a whole text
NO_PLACE = -1

_ROWS_BEFORE = 8  # the followed one, where the batch is cut
_CHUNK = 1 << 20  # tokens searched at a time, which stay in the cache

Ids: TypeAlias = NDArray[np.integer]
Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Example:
    """One prediction of the coming step, and as much of its batch as is shown."""

    ids: Rows  # (b, T)
    targets: Rows  # (b, T)
    starts: Rows  # (b,), where in the training part the rows begin; NO_PLACE before it
    first_row: int  # of the batch, that is shown
    batch_size: int  # rows in all
    losses: int  # that are averaged
    row: int  # of the rows shown
    place: int  # of the last token that is read
    position: int  # of that token in the training part
    read: Rows  # (t,), the tokens as the model is given them
    target: int
    tokens: int  # of the training part
    is_watched: bool
    is_whole: bool  # all of the watched context stands there; else as much of its end as the model reads, or more


class Examples:
    """Finds the example to follow in the coming batches of one run."""

    def __init__(self, model: LanguageModel, batches: Batches, boundary_id: int | None) -> None:
        self._model = model
        self._batches = batches
        self._boundary_id = boundary_id
        self._text = batches.ids[batches.padding :]  # (N,)
        self._found: tuple[bytes, int] = b"", NO_PLACE  # the context looked for last in the text, and its place

    def next(self, context: Rows) -> Example:
        """Return the example of the coming step; `context` (T,) is as the model reads it, or empty.

        Where batches are drawn this draws one: put the generator back.
        """
        if not self._model.config.whole_text:
            return self._of_batch(context)
        return self._of_windows(context) if reads_window(self._model) else self._of_text(context)

    def _of_batch(self, context: Rows) -> Example:
        starts = self._batches.draw_starts()  # (B,)
        idx, targets = (array.cpu().numpy() for array in self._batches.at(starts))  # (B, T)
        size, block_size = idx.shape
        everywhere = self._model.predicts_everywhere
        found = in_batch(idx, context, self._model.context_length if everywhere else block_size)
        row, place = found or (0, block_size - 1)
        matched = common_ending(idx[row, : place + 1], context) if found else 0
        shown = _rows_shown(row, size)
        first = shown.start
        real = starts.numpy() - self._batches.padding  # (B,)
        return Example(
            ids=np.array(idx[shown]),
            targets=np.array(targets[shown]),
            starts=np.maximum(real[shown], NO_PLACE),
            first_row=first,
            batch_size=size,
            losses=size * block_size if everywhere else size,
            row=row - first,
            place=place,
            position=int(real[row]) + place,
            read=np.array(idx[row, self._first_read(place, matched) : place + 1]),
            target=int(targets[row, place]),
            tokens=len(self._text),
            is_watched=found is not None,
            is_whole=self._is_whole(matched, context),
        )

    def _of_windows(self, context: Rows) -> Example:
        """Follow a row of the windows that the text is cut into; the last, if it is shorter, is only counted."""
        block_size, tokens = self._model.config.block_size, len(self._text)
        size = (tokens - 1) // block_size  # rows of full length
        row, place = self._place_in_text(context, self._search_windows), len(context[-block_size:]) - 1
        is_watched = row >= 0
        if not is_watched:
            row, place = 0, block_size - 1
        shown = _rows_shown(row, size)
        first, last = shown.start * block_size, min(shown.stop, size) * block_size
        ids = self._text[first : last + 1].long().cpu().numpy()  # (b * T + 1,)
        idx, targets = (part.reshape(-1, block_size).copy() for part in (ids[:-1], ids[1:]))  # (b, T)
        row -= shown.start
        return Example(
            ids=idx,
            targets=targets,
            starts=np.arange(first, last, block_size),
            first_row=shown.start,
            batch_size=-(-(tokens - 1) // block_size),
            losses=tokens - 1,
            row=row,
            place=place,
            position=first + row * block_size + place,
            read=idx[row, : place + 1].copy(),
            target=int(targets[row, place]),
            tokens=tokens,
            is_watched=is_watched,
            is_whole=is_watched,
        )

    def _of_text(self, context: Rows) -> Example:
        """Show a window of the text, with the example in its middle."""
        last = len(self._text) - 1  # has no target
        found = self._place_in_text(context, self._search)
        position = min(self._model.config.block_size, last) - 1 if found < 0 else found
        width = min(PLACES_SHOWN, last)
        first = max(0, min(position - width // 2, last - width))
        window = self._text[first : first + width + 1].long().cpu().numpy()  # (T + 1,)
        matched = 0
        if found >= 0:
            matched = common_ending(
                _array(self._text[max(0, position + 1 - len(context)) : position + 1]), context
            )
        begin = self._first_read(position, matched)
        read = self._text[begin : position + 1].long().cpu()[None]  # (1, t)
        if not self._model.predicts_everywhere:
            read = pad(read, self._model.config.block_size, self._boundary_id)
        return Example(
            ids=window[None, :-1].copy(),
            targets=window[None, 1:].copy(),
            starts=np.array([first]),
            first_row=0,
            batch_size=1,
            losses=last,
            row=0,
            place=position - first,
            position=position,
            read=read[0].numpy(),
            target=int(window[position - first + 1]),
            tokens=len(self._text),
            is_watched=found >= 0,
            is_whole=self._is_whole(matched, context),
        )

    def _first_read(self, place: int, matched: int) -> int:
        """Return where the tokens begin that are told of: what the model reads, or as many as are as watched."""
        block_size = self._model.config.block_size
        told = min(matched, block_size) if matched and self._model.predicts_everywhere else block_size
        return max(0, place + 1 - max(self._model.context_length, told))

    def _is_whole(self, matched: int, context: Rows) -> bool:
        """Tell whether so many tokens are the whole context; a model of one block reads it all, wherever it is."""
        longest = max(self._model.config.block_size, self._model.context_length)  # more is never watched
        return not self._model.predicts_everywhere or matched >= min(len(context), longest)

    def _place_in_text(self, context: Rows, search: Callable[[Rows], int]) -> int:
        """Return what `search` finds of `context`; it is looked for once, which takes 0.1 s in 64 MB."""
        if not len(context):
            return NO_PLACE
        key = context.tobytes()
        if self._found[0] != key:
            self._found = key, search(context)
        return self._found[1]

    def _search_windows(self, context: Rows) -> int:
        """Return the first row that begins with `context`: what a model reads depends on where its window does."""
        block_size = self._model.config.block_size
        size = (len(self._text) - 1) // block_size
        windows = _array(self._text[: size * block_size]).reshape(size, block_size)
        rows = np.arange(size)
        for place, token in enumerate(context[-block_size:].tolist()):
            rows = rows[windows[rows, place] == token]
        return int(rows[0]) if len(rows) else NO_PLACE

    def _search(self, context: Rows) -> int:
        """Return where the last token of `context` stands."""
        block_size, boundary_id = self._model.config.block_size, self._boundary_id
        text = _array(self._text)
        if self._model.predicts_everywhere:
            context = context[-max(block_size, self._model.context_length) :]
            return in_text(text, context, min(self._model.context_length, len(context)))
        if boundary_id is not None:  # what stands before an item is the boundary, once in the text
            context = context[max((context == boundary_id).nonzero()[0], default=0) :]
        elif len(context) < block_size:  # with nothing before it: at the beginning, or nowhere
            here = len(context) < len(text) and np.array_equal(text[: len(context)], context)
            return len(context) - 1 if here else NO_PLACE
        return in_text(text, context, len(context))


def _rows_shown(row: int, size: int) -> slice:
    """Return as many of `size` rows as one can look at, `row` among them."""
    first = max(0, min(row - _ROWS_BEFORE, size - ROWS_SHOWN))
    return slice(first, first + ROWS_SHOWN)


def in_batch(idx: Rows, context: Rows, context_length: int) -> tuple[int, int] | None:
    """Return row and place in `idx` (B, T) where the longest ending of `context` (t,) ends, the first of these.

    None if a model that reads `context_length` tokens would read something else everywhere.
    """
    if not len(context):
        return None
    read = min(context_length, len(context))
    rows, places = (idx == int(context[-1])).nonzero()
    if read < context_length:  # it would read whatever stands before
        rows, places = rows[places == read - 1], places[places == read - 1]
    for length in range(1, len(context)):
        fits = places >= length
        fits[fits] = idx[rows[fits], places[fits] - length] == context[-1 - length]
        if not fits.any():
            if length < read:
                return None
            break
        rows, places = rows[fits], places[fits]
    return (int(rows[0]), int(places[0])) if len(rows) else None


def in_text(ids: Ids, context: Rows, shortest: int) -> int:
    """Return where in `ids` (N,) the longest ending of `context` first ends, with a token after it.

    NO_PLACE if not even the last `shortest` tokens stand there.
    """
    found, longest = NO_PLACE, shortest - 1
    for start in range(0, len(ids) - 1, _CHUNK):
        places = np.flatnonzero(ids[start : min(start + _CHUNK, len(ids) - 1)] == int(context[-1])) + start
        for length in range(1, len(context) + 1):
            if not len(places):
                break
            if length > longest:
                found, longest = int(places[0]), length
            if length < len(context):
                places = places[places >= length]
                places = places[ids[places - length] == int(context[-1 - length])]
        if longest == len(context):
            break
    return found


def common_ending(ids: Ids, context: Rows) -> int:
    """Return how many of the last tokens of `ids` (N,) and `context` (T,) are the same."""
    length = min(len(ids), len(context))
    if not length:
        return 0
    differ = np.flatnonzero(ids[::-1][:length] != context[::-1][:length])
    return int(differ[0]) if len(differ) else length


def _array(ids: Tensor) -> Ids:
    """Return `ids` (N,) as an array that shares their memory where that is the computer's own."""
    array: Ids = ids.cpu().numpy()
    return array


def as_read(example: Example, device: torch.device) -> Tensor:
    """Return what the model reads of an example, as a batch of one (1, t)."""
    return torch.from_numpy(example.read)[None].to(device)
