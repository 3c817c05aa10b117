"""CharTokenizer: one token for every code point of the training text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.glyphs import glyph
from embedviz.text.progress import Progress, quiet
from embedviz.text.tokenizers import (
    UNKNOWN,
    Line,
    UnknownTokenError,
    VocabularyError,
    check_boundary,
    checked_ids,
    gathered,
    saved_boundary,
    told,
)

_CHUNK = 1 << 18  # code points handled at once: small enough for the cache, and memory stays bounded


@dataclass(frozen=True)
class CharTokenizer:
    """One token for every code point. Raises VocabularyError for an unusable vocabulary."""

    vocabulary: tuple[str, ...]
    boundary_id: int | None = None

    name: ClassVar[str] = "char"
    unknown_id: ClassVar[int | None] = None
    policy: ClassVar[str] = (
        "Every character (code point) of the text is a token, white space and case included. "
        "What the text lacks is unknown; all else comes back exactly as it was."
    )

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
        check_boundary(self.boundary_id, self.vocab_size)

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        config: RunConfig | None = None,  # noqa: ARG003 - it has nothing to say here
        progress: Progress = quiet,
    ) -> Self:
        r"""Return the tokenizer whose vocabulary is the sorted characters of the text.

        In a list of items "\n" is the boundary.
        """
        seen = np.zeros(0x110000, dtype=bool)  # one flag for each code point of Unicode
        for chunk in told(corpus, "Learning the vocabulary", progress):
            for points in _code_points(chunk):
                seen[points] = True
        vocabulary = tuple(map(chr, np.flatnonzero(seen).tolist()))
        return cls(vocabulary, vocabulary.index("\n") if corpus.per_line else None)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        boundary_id, vocabulary = saved_boundary(saved, cls.name), saved.get("vocabulary")
        if not isinstance(vocabulary, list | tuple) or not all(isinstance(token, str) for token in vocabulary):
            raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
        return cls(tuple(vocabulary), boundary_id)

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""
        return {"name": self.name, "vocabulary": list(self.vocabulary), "boundary_id": self.boundary_id}

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.vocabulary)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The characters as they are shown, by id."""
        return tuple(map(glyph, self.vocabulary))

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

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the ids (T,) of a text in pieces, and take little memory besides; raises UnknownTokenError."""
        return gathered(chunks, self.encode, self.vocab_size)

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, UNKNOWN for what the vocabulary lacks; never raises."""
        ids = np.concatenate([np.empty(0, dtype=np.int64), *self._look_up(text)])  # (T,)
        found = ids.tolist()
        labels = [self.labels[i] if i >= 0 else glyph(text[place]) for place, i in enumerate(found)]
        captions = [str(i) if i >= 0 else "?" for i in found]
        return Line(text, ids, self.spans(text), tuple(labels), tuple(captions))

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): where each token begins and ends (exclusive), in code points."""
        starts = np.arange(len(text), dtype=np.int64)
        return np.stack((starts, starts + 1), axis=1)  # (T, 2)

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,); raises IndexError for one outside 0 to V - 1."""
        points: NDArray[np.uint32] = self._points[checked_ids(ids, self.vocab_size)]  # (T,)
        return points.tobytes().decode("utf-32-le", "surrogatepass")

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
