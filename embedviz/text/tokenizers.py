"""Tokenizers: from text to ids and back; each is one class with the same contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.errors import EmbedvizError
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.glyphs import glyph

UNKNOWN = -1
"""In the ids of an own line: what the vocabulary lacks."""

_CHUNK = 1 << 18  # code points handled at once: small enough for the cache, and memory stays bounded


class VocabularyError(EmbedvizError):
    """A vocabulary cannot be used."""


class UnknownTokenError(EmbedvizError):
    """A text holds a character that the vocabulary lacks; `offset` counts code points from 0."""

    def __init__(self, text: str, offset: int, vocab_size: int) -> None:
        self.character = text[offset]
        self.offset = offset
        self.line = text.count("\n", 0, offset) + 1
        self.column = offset - text.rfind("\n", 0, offset)
        super().__init__(
            f"'{glyph(self.character)}' (line {self.line:,}, character {self.column:,} of that line) "
            f"is not among the {vocab_size:,} tokens of the vocabulary.",
            f"U+{ord(self.character):04X} at offset {offset}",
        )


@dataclass(frozen=True, eq=False)
class Line:
    """A person's own line, encoded: `ids` has UNKNOWN for what the vocabulary lacks. Arrays are read-only."""

    text: str
    ids: NDArray[np.int64]  # (T,)
    spans: NDArray[np.int64]  # (T, 2)


class Tokenizer(Protocol):
    """What every tokenizer can do; offsets count code points (Qt counts UTF-16 units)."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The tokens, by id."""

    @property
    def vocab_size(self) -> int:
        """V."""

    @property
    def boundary_id(self) -> int | None:
        """The token that stands around the items of a list; None in running text."""

    def encode(self, text: str) -> Ids:
        """Return the ids (T,), of type `id_dtype(vocab_size)`; raises UnknownTokenError."""

    def encode_line(self, text: str) -> Line:
        """Return ids and spans of any line; never raises."""

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
    def from_corpus(cls, corpus: Corpus) -> Self:
        """Return the tokenizer of a training text."""


@dataclass(frozen=True)
class CharTokenizer:
    """One token for every code point. Raises VocabularyError for an unusable vocabulary."""

    vocabulary: tuple[str, ...]
    boundary_id: int | None = None

    name: ClassVar[str] = "char"

    def __post_init__(self) -> None:
        if not self.vocabulary:
            raise VocabularyError("A vocabulary needs at least one token, but this one is empty.")
        seen: set[str] = set()
        for token in self.vocabulary:
            if len(token) != 1:
                raise VocabularyError(f"'{glyph(token)}' cannot be a token here: each is one character.")
            if token in seen:
                raise VocabularyError(f"'{glyph(token)}' is in the vocabulary twice.")
            seen.add(token)
        if self.boundary_id is not None and not 0 <= self.boundary_id < self.vocab_size:
            raise VocabularyError(f"The boundary is token {self.boundary_id}, which the vocabulary lacks.")

    @classmethod
    def from_corpus(cls, corpus: Corpus) -> Self:
        r"""Return the tokenizer whose vocabulary is the sorted characters of the text.

        In a list of items "\n" is the boundary.
        """
        seen = np.zeros(0x110000, dtype=bool)  # one flag for each code point of Unicode
        for points in _code_points(corpus.stream_text):
            seen[points] = True
        vocabulary = tuple(map(chr, np.flatnonzero(seen).tolist()))
        return cls(vocabulary, vocabulary.index("\n") if corpus.per_line else None)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        vocabulary, boundary_id = saved.get("vocabulary"), saved.get("boundary_id")
        sound = (
            saved.get("name") == cls.name
            and isinstance(vocabulary, list | tuple)
            and all(isinstance(token, str) for token in vocabulary)
            and (boundary_id is None or type(boundary_id) is int)
        )
        if not sound:
            raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
        return cls(tuple(saved["vocabulary"]), boundary_id)

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""
        return {"name": self.name, "vocabulary": list(self.vocabulary), "boundary_id": self.boundary_id}

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.vocabulary)

    def encode(self, text: str) -> Ids:
        """Return the ids (T,), of type `id_dtype(vocab_size)`; raises UnknownTokenError."""
        if self._byte_table is not None:
            try:
                data = text.encode("latin-1").translate(self._byte_table)
            except UnicodeEncodeError:
                pass  # it is not the first unknown character, perhaps: the slow way finds that
            else:
                # With 256 tokens every byte is known; with fewer, 255 stands for those that are not.
                if self.vocab_size == 256 or b"\xff" not in data:
                    return np.frombuffer(data, dtype=np.uint8)
        ids = np.empty(len(text), dtype=id_dtype(self.vocab_size))  # (T,)
        start = 0
        for found in self._look_up(text):
            if found.min() == UNKNOWN:
                raise UnknownTokenError(text, start + int(found.argmin()), self.vocab_size)
            ids[start : start + len(found)] = found
            start += len(found)
        return ids

    def encode_line(self, text: str) -> Line:
        """Return ids and spans of any line, UNKNOWN for what the vocabulary lacks; never raises."""
        ids = np.concatenate([np.empty(0, dtype=np.int64), *self._look_up(text)])  # (T,)
        spans = self.spans(text)
        ids.flags.writeable = spans.flags.writeable = False
        return Line(text, ids, spans)

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): where each token begins and ends (exclusive), in code points."""
        starts = np.arange(len(text), dtype=np.int64)
        return np.stack((starts, starts + 1), axis=1)  # (T, 2)

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,); raises IndexError for one outside 0 to V - 1."""
        ids = np.asarray(ids)
        if ids.size == 0:
            return ""
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise IndexError(f"ids go from 0 to {self.vocab_size - 1}, not {ids.min()} to {ids.max()}")
        return self._points[ids].tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def _points(self) -> NDArray[np.uint32]:
        return np.array([ord(token) for token in self.vocabulary], dtype="<u4")  # (V,)

    @cached_property
    def _byte_table(self) -> bytes | None:
        if max(self.vocabulary) > "\xff":
            return None
        table = bytearray(b"\xff" * 256)
        for token_id, token in enumerate(self.vocabulary):
            table[ord(token)] = token_id
        return bytes(table)

    @cached_property
    def _ids_by_point(self) -> NDArray[np.int32]:
        table = np.full(int(self._points.max()) + 2, UNKNOWN, dtype=np.int32)
        table[self._points] = np.arange(self.vocab_size)
        return table

    def _look_up(self, text: str) -> Iterator[NDArray[np.int32]]:
        # The table ends with UNKNOWN: mode "clip" takes whatever lies beyond to it.
        return (self._ids_by_point.take(points, mode="clip") for points in _code_points(text))


def _code_points(text: str) -> Iterator[NDArray[np.uint32]]:
    for start in range(0, len(text), _CHUNK):
        data = text[start : start + _CHUNK].encode("utf-32-le", "surrogatepass")
        yield np.frombuffer(data, dtype="<u4")
