"""Tokenizers: from text to ids and back; what all of them promise, and what they share."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.glyphs import glyph
from embedviz.text.progress import Progress, quiet

UNKNOWN = -1
"""In the ids of an own line: what the vocabulary lacks, where it has no <unk> either."""

_BLOCK = 1 << 20  # ids gathered in one piece
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class VocabularyError(EmbedvizError):
    """A vocabulary cannot be used."""


class TokenizerFileError(EmbedvizError):
    """A file is no tokenizer that can be used."""


class Place(NamedTuple):
    """Where a piece of a text begins: characters, line ends, and characters of its line, before it."""

    offset: int = 0
    lines: int = 0
    column: int = 0

    def after(self, piece: str) -> "Place":
        """Return where the piece after `piece` begins."""
        lines, last = piece.count("\n"), piece.rfind("\n")
        column = self.column + len(piece) if last < 0 else len(piece) - last - 1
        return Place(self.offset + len(piece), self.lines + lines, column)


BEGINNING = Place()


class UnknownTokenError(EmbedvizError):
    """A text holds a character that the vocabulary lacks; `offset` counts code points from 0.

    `text` may be a piece of the text; `place` is where that begins.
    """

    def __init__(self, text: str, offset: int, vocab_size: int, place: Place = BEGINNING) -> None:
        here = place.after(text[:offset])
        self.character = text[offset]
        self.offset = here.offset
        self.line = here.lines + 1
        self.column = here.column + 1
        super().__init__(
            f"'{glyph(self.character)}' (line {self.line:,}, character {self.column:,} of that line) "
            f"is not among the {vocab_size:,} tokens of the vocabulary.",
            f"U+{ord(self.character):04X} at offset {self.offset}",
        )


@dataclass(frozen=True, eq=False)
class Line:
    """A person's own line, encoded: `ids` has UNKNOWN for what the vocabulary lacks. Arrays are read-only.

    Spans cover the text exactly and in order, in code points. A token that is a part of a character has an
    empty one, the token that completes the character the rest. Only a line of no token covers nothing.
    """

    text: str
    ids: NDArray[np.int64]  # (T,)
    spans: NDArray[np.int64]  # (T, 2)
    labels: tuple[str, ...]  # (T,): large on a chip
    captions: tuple[str, ...]  # (T,): small under it

    def __post_init__(self) -> None:
        self.ids.flags.writeable = self.spans.flags.writeable = False


class Tokenizer(Protocol):
    """What every tokenizer can do; offsets count code points (Qt counts UTF-16 units)."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The tokens, by id."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The tokens as they are shown, by id: never empty, every character visible."""

    @property
    def vocab_size(self) -> int:
        """V."""

    @property
    def boundary_id(self) -> int | None:
        """The token that stands around the items of a list; None in running text."""

    @property
    def unknown_id(self) -> int | None:
        """The token that stands for whatever the vocabulary lacks; None without one."""

    @property
    def policy(self) -> str:
        """How text is cut, what is not kept, what comes back as it was: a sentence or two."""

    def encode(self, text: str) -> Ids:
        """Return the ids (T,), of type `id_dtype(vocab_size)`; raises UnknownTokenError."""

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the ids (T,) of a text in pieces, and take little memory besides; raises UnknownTokenError."""

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, half characters (lone surrogates) included; never raises."""

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): where the characters of each token begin, and end (exclusive)."""

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids`; raises IndexError for one outside 0 to V - 1."""

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError."""

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Self:
        """Return the tokenizer of a training text; raises EmbedvizError where `config` allows none."""


def told(corpus: Corpus, doing: str, progress: Progress) -> Iterator[str]:
    """Yield the chunks of `corpus`, and tell `progress` of each one that is done with."""
    done, total = 0, max(corpus.n_stream_characters, 1)
    for chunk in corpus.chunks():
        yield chunk
        done += len(chunk)
        progress(doing, min(done / total, 1.0))


def gathered(chunks: Iterable[str], encode: Callable[[str], Ids], vocab_size: int) -> Ids:
    """Return the ids (T,) of all chunks; an UnknownTokenError names the place in the whole text."""
    blocks: deque[Ids] = deque()
    total = room = 0
    for piece in _encoded(chunks, encode, vocab_size):
        total += len(piece)
        while len(piece):
            if not room:
                blocks.append(np.empty(_BLOCK, dtype=id_dtype(vocab_size)))
                room = _BLOCK
            part = piece[:room]
            blocks[-1][_BLOCK - room :][: len(part)] = part
            piece = piece[len(part) :]
            room -= len(part)
    ids = np.empty(total, dtype=id_dtype(vocab_size))  # (T,)
    for start in range(0, total, _BLOCK):  # each block is given back before the next is copied
        ids[start : start + _BLOCK] = blocks.popleft()[: total - start]
    return ids


def _encoded(chunks: Iterable[str], encode: Callable[[str], Ids], vocab_size: int) -> Iterator[Ids]:
    place = BEGINNING
    for chunk in chunks:
        try:
            yield encode(chunk)
        except UnknownTokenError as error:
            raise UnknownTokenError(chunk, error.offset, vocab_size, place) from None
        place = place.after(chunk)


def checked_ids(ids: Ids | Sequence[int], vocab_size: int) -> NDArray[np.integer]:
    """Return `ids` as an array (T,); raises IndexError for one outside 0 to V - 1."""
    checked = np.asarray(ids, dtype=None if len(ids) else np.int64)
    if checked.size and (checked.min() < 0 or checked.max() >= vocab_size):
        raise IndexError(f"ids go from 0 to {vocab_size - 1}, not {checked.min()} to {checked.max()}")
    return checked


def mended(text: str) -> str:
    """Return `text` with U+FFFD in place of each half character (lone surrogate), which no UTF-8 has."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def utf8(text: str, vocab_size: int) -> bytes:
    """Return `text` in UTF-8; raises UnknownTokenError for half a character (a lone surrogate)."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnknownTokenError(text, error.start, vocab_size) from error


def spans_of_bytes(data: bytes, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (T, 2): the code points covered by tokens of `sizes` (T,) bytes of the UTF-8 `data`, in order."""
    begins = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80  # (N,): not inside a character
    whole = np.cumsum(begins)  # (N,): characters begun up to each byte
    whole[:-1] -= ~begins[1:]  # ... and whole: the next byte begins another
    return spans_to(np.concatenate(([0], whole))[np.cumsum(sizes)])  # (T, 2)


def spans_to(ends: NDArray[np.integer] | Sequence[int]) -> NDArray[np.int64]:
    """Return (T, 2): the spans that end at `ends` (T,), each beginning where the last one ended."""
    spans = np.zeros((len(ends), 2), dtype=np.int64)  # (T, 2)
    spans[:, 1] = ends
    spans[1:, 0] = spans[:-1, 1]
    return spans


def saved_boundary(saved: dict[str, Any], name: str, vocab_size: int | None = None) -> int | None:
    """Return the boundary of a saved tokenizer called `name`; raises VocabularyError if it is damaged."""
    boundary_id = saved.get("boundary_id")
    if saved.get("name") != name or not (boundary_id is None or type(boundary_id) is int):
        raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
    if vocab_size is not None:
        check_boundary(boundary_id, vocab_size)
    return boundary_id


def check_boundary(boundary_id: int | None, vocab_size: int) -> None:
    """Raise VocabularyError for a boundary that is no token."""
    if boundary_id is not None and not 0 <= boundary_id < vocab_size:
        raise VocabularyError(f"The boundary is token {boundary_id}, which the vocabulary lacks.")
