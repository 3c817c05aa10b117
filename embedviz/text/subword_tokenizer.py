"""SubwordTokenizer: a byte-level BPE (byte pairs, merged) that is learned from the training text."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.text import tokenizer_library
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.glyphs import bytes_label
from embedviz.text.progress import Progress, quiet
from embedviz.text.tokenizer_library import LibraryError
from embedviz.text.tokenizers import (
    Line,
    VocabularyError,
    check_boundary,
    checked_ids,
    gathered,
    mended,
    saved_boundary,
    spans_of_bytes,
    told,
    utf8,
)

if TYPE_CHECKING:
    import tokenizers


LEAST = 257
"""The smallest vocabulary of subwords: every byte, and one pair of them."""


@dataclass(frozen=True)
class SubwordTokenizer:
    """Byte pairs, merged where they are frequent. `definition` is the library's JSON.

    Raises VocabularyError for a definition that is not of this kind.
    """

    definition: str
    boundary_id: int | None = None

    name: ClassVar[str] = "subword"
    unknown_id: ClassVar[int | None] = None
    policy: ClassVar[str] = (
        "The bytes of each word, with the space before it, are joined to tokens by the merges learned from the "
        "text, the most frequent pair first; no token reaches from a word into a mark or into the next word. "
        "Every byte is a token too: any text comes back exactly as it was."
    )

    def __post_init__(self) -> None:
        tokens = set(self.tokens)
        if not (self.tokens and all(self.token_bytes) and tokens.issuperset(tokenizer_library.byte_tokens())):
            raise VocabularyError("The saved vocabulary is damaged.", "It is no byte-level one.")
        check_boundary(self.boundary_id, self.vocab_size)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Self:
        r"""Learn `config.vocab_size` tokens, fewer if the text has no more; "\n" is the boundary of a list.

        Nothing is told, and nothing can be cancelled, while the library learns from the words that it was given:
        some seconds, after the last chunk, for a large vocabulary of a large text.

        Raises VocabularyError for fewer than LEAST.
        """
        if config.vocab_size < LEAST:
            raise VocabularyError(
                f"A vocabulary of subwords has to be at least {LEAST}, not {config.vocab_size:,}: "
                "256 bytes, and one pair of them."
            )
        chunks = told(corpus, "Learning the subwords", progress)
        learned = cls(tokenizer_library.train(chunks, config.vocab_size))
        boundary = tokenizer_library.byte_tokens()[ord("\n")]
        return cls(learned.definition, learned.tokens.index(boundary)) if corpus.per_line else learned

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        boundary_id, definition = saved_boundary(saved, cls.name), saved.get("tokenizer")
        if not isinstance(definition, str):
            raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
        found = cls(definition, boundary_id)
        if len(found.merges) != found.vocab_size - 256:
            raise VocabularyError("The saved vocabulary is damaged.", "Not every merge makes a token of its own.")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""
        return {"name": self.name, "tokenizer": self.definition, "boundary_id": self.boundary_id}

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.tokens)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The texts of the tokens, by id; the bytes in hex where they are no text."""
        return tuple(tokenizer_library.text_of(data) for data in self.token_bytes)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The tokens as they are shown, by id."""
        return tuple(map(bytes_label, self.token_bytes))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The tokens as the library writes them, by id: one visible character for each byte."""
        vocabulary = self._library.get_vocab(with_added_tokens=True)
        tokens = tuple(sorted(vocabulary, key=vocabulary.__getitem__))
        return tokens if sorted(vocabulary.values()) == list(range(len(tokens))) else ()

    @cached_property
    def merges(self) -> tuple[tuple[str, str], ...]:
        """The pairs that are merged, in order, as the library writes them."""
        pairs = json.loads(self.definition)["model"]["merges"]
        return tuple((left, right) for left, right in pairs)

    def encode(self, text: str) -> Ids:
        """Return the ids (T,); raises UnknownTokenError for half a character (a lone surrogate)."""
        utf8(text, self.vocab_size)
        ids: list[int] = []
        for pieces in tokenizer_library.batches(text):
            for found in tokenizer_library.encode(self._library, pieces):
                ids += found
        return np.array(ids, dtype=id_dtype(self.vocab_size))  # (T,)

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the ids (T,) of a text in pieces; raises UnknownTokenError as `encode` does."""
        return gathered(chunks, self.encode, self.vocab_size)

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, half characters as U+FFFD; never raises."""
        ids = self.encode(mended(text)).astype(np.int64)
        found = ids.tolist()
        labels = tuple(map(self.labels.__getitem__, found))
        return Line(text, ids, self._spans(mended(text), found), labels, tuple(map(str, found)))

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): the code points of each token; of a character in parts, the last one has it."""
        return self._spans(mended(text), self.encode(mended(text)).tolist())

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,), U+FFFD where they are no UTF-8; raises IndexError."""
        found = checked_ids(ids, self.vocab_size).tolist()
        return b"".join(map(self.token_bytes.__getitem__, found)).decode("utf-8", "replace")

    def _spans(self, text: str, ids: list[int]) -> NDArray[np.int64]:
        sizes = np.array([len(self.token_bytes[i]) for i in ids], dtype=np.int64)  # (T,)
        return spans_of_bytes(text.encode("utf-8"), sizes)

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """The bytes of the tokens, by id."""
        return tuple(tokenizer_library.token_bytes(token) or b"" for token in self.tokens)

    @cached_property
    def _library(self) -> "tokenizers.Tokenizer":
        try:
            return tokenizer_library.load(self.definition)
        except LibraryError as error:
            raise VocabularyError("The saved vocabulary is damaged.", str(error)) from error
