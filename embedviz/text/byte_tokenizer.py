"""ByteTokenizer: one token for every byte of UTF-8, so that any text at all has its tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids
from embedviz.text.glyphs import glyph
from embedviz.text.progress import Progress, quiet
from embedviz.text.tokenizers import (
    Line,
    check_boundary,
    checked_ids,
    gathered,
    mended,
    saved_boundary,
    spans_of_bytes,
    utf8,
)

GRAPHIC = frozenset(map(chr, (*range(0x20, 0x7F), 0x09, 0x0A)))  # what has a glyph that every font has
_SHOWN = tuple(glyph(chr(byte)) if chr(byte) in GRAPHIC else f"{byte:02X}" for byte in range(256))
_TOKENS = tuple(chr(byte) if byte < 0x80 else f"{byte:02X}" for byte in range(256))
_CAPTIONS = tuple(f"0x{byte:02X} {byte}" for byte in range(256))


@dataclass(frozen=True)
class ByteTokenizer:
    """The id of a byte is its value: V is 256, whatever the text."""

    boundary_id: int | None = None

    name: ClassVar[str] = "byte"
    vocabulary: ClassVar[tuple[str, ...]] = _TOKENS
    labels: ClassVar[tuple[str, ...]] = _SHOWN
    vocab_size: ClassVar[int] = 256
    unknown_id: ClassVar[int | None] = None
    policy: ClassVar[str] = (
        "Every byte of UTF-8 is a token: one for a letter of English, two to four for other characters. "
        "Any text comes back exactly as it was."
    )

    def __post_init__(self) -> None:
        check_boundary(self.boundary_id, self.vocab_size)

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        config: RunConfig | None = None,  # noqa: ARG003 - nothing is to be chosen
        progress: Progress = quiet,  # noqa: ARG003 - nothing is to be learned
    ) -> Self:
        r"""Return the one byte tokenizer; in a list of items "\n" is the boundary."""
        return cls(ord("\n") if corpus.per_line else None)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        return cls(saved_boundary(saved, cls.name))

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""
        return {"name": self.name, "boundary_id": self.boundary_id}

    def encode(self, text: str) -> Ids:
        """Return the bytes (T,), uint8; raises UnknownTokenError for half a character (a lone surrogate)."""
        return np.frombuffer(utf8(text, self.vocab_size), dtype=np.uint8)

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the bytes (T,) of a text in pieces; raises UnknownTokenError as `encode` does."""
        return gathered(chunks, self.encode, self.vocab_size)

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, half characters as U+FFFD; never raises.

        The byte that completes a character is labelled with all of it.
        """
        whole = mended(text)
        data = whole.encode("utf-8")
        spans = spans_of_bytes(data, np.ones(len(data), dtype=np.int64))
        ids = np.frombuffer(data, dtype=np.uint8).astype(np.int64)  # (T,)
        labels = [_SHOWN[byte] for byte in data]
        for place in np.flatnonzero((ids >= 0x80) & (spans[:, 0] < spans[:, 1])).tolist():
            labels[place] = glyph(whole[spans[place, 0]])
        return Line(text, ids, spans, tuple(labels), tuple(_CAPTIONS[byte] for byte in data))

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): the code points of each byte; empty but for the byte that completes one."""
        data = mended(text).encode("utf-8")
        return spans_of_bytes(data, np.ones(len(data), dtype=np.int64))

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,), U+FFFD where they are no UTF-8; raises IndexError."""
        return checked_ids(ids, self.vocab_size).astype(np.uint8).tobytes().decode("utf-8", "replace")
