"""FileTokenizer: any tokenizer.json, as other tools save it; what is none is refused in a sentence."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.text import tokenizer_library
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.decoding import RefusedError
from embedviz.text.file_cutter import Cutter
from embedviz.text.glyphs import bytes_label, label
from embedviz.text.progress import Progress, quiet
from embedviz.text.reading import Wanted, printable, read_bytes
from embedviz.text.tokenizer_library import LibraryError
from embedviz.text.tokenizers import (
    UNKNOWN,
    Line,
    TokenizerFileError,
    UnknownTokenError,
    VocabularyError,
    check_boundary,
    checked_ids,
    gathered,
    mended,
    saved_boundary,
    spans_to,
    utf8,
)

if TYPE_CHECKING:
    import tokenizers

LIMIT = 64 * 2**20
"""The most that is read of a tokenizer.json, in bytes."""

MOST_TOKENS = 262_144
"""The largest vocabulary."""


@dataclass(frozen=True)
class FileTokenizer:
    """A tokenizer that was made elsewhere: `definition` is the text of its tokenizer.json.

    Special tokens are not added, nothing is truncated or padded. With a `boundary_id` every line is encoded
    by itself. Raises TokenizerFileError, whose sentence begins with `title`, for what cannot be used.
    """

    definition: str
    boundary_id: int | None = None
    title: str = "The saved tokenizer"

    name: ClassVar[str] = "file"
    policy: ClassVar[str] = (
        "Text is cut as the file says, without special tokens around it; a long text goes in pieces of some ten "
        "thousand characters. What the file's own rules change or drop does not come back."
    )

    def __post_init__(self) -> None:
        if not self._ids_by_token:
            raise TokenizerFileError(f"{self.title} cannot be used: its vocabulary is empty.")
        if self.vocab_size < 2:
            raise TokenizerFileError(f"{self.title} cannot be used: its vocabulary has only one token.")
        if self.vocab_size > MOST_TOKENS:
            raise TokenizerFileError(
                f"{self.title} cannot be used: its ids go up to {self.vocab_size - 1:,}, "
                f"but a vocabulary may have {MOST_TOKENS:,} tokens."
            )
        check_boundary(self.boundary_id, self.vocab_size)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Self:
        """Return the tokenizer of the file `config.tokenizer_file`; raises TokenizerFileError.

        In a list of items the token of the line end is the boundary; without one it is refused.
        """
        progress("Reading the tokenizer", 0.0)
        found = cls.from_file(config.tokenizer_file, progress)
        if not corpus.per_line:
            return found
        if found.line_end_id is None:
            raise TokenizerFileError(
                f"{found.title} has no token for the end of a line, and a list needs one around its items."
            )
        return dataclasses.replace(found, boundary_id=found.line_end_id)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], progress: Progress = quiet) -> Self:
        """Return the tokenizer of a file; raises TokenizerFileError for whatever is none."""
        path = Path(path)
        title = f"'{printable(path.name or str(path))}'"
        return cls(_read(path, title, progress), title=title)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        boundary_id, definition, title = (
            saved_boundary(saved, cls.name),
            saved.get("tokenizer"),
            saved.get("title"),
        )
        if not isinstance(definition, str) or not isinstance(title, str):
            raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
        try:
            return cls(definition, boundary_id, title)
        except TokenizerFileError as error:
            raise VocabularyError("The saved vocabulary is damaged.", error.sentence) from error

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run: the whole file."""
        return {
            "name": self.name,
            "tokenizer": self.definition,
            "boundary_id": self.boundary_id,
            "title": self.title,
        }

    @cached_property
    def vocab_size(self) -> int:
        """V: one more than the highest id; ids below it may be unused."""
        return max(self._ids_by_token.values()) + 1

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The tokens, by id: as text where they stand for bytes, else as the file has them."""
        return tuple(
            f"(unused {i})" if token is None else token if data is None else tokenizer_library.text_of(data)
            for i, (token, data) in enumerate(zip(self._tokens, self._bytes, strict=True))
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The tokens as they are shown, by id."""
        return tuple(
            f"(unused {i})" if token is None else (bytes_label(data) if data else label(token)) or "(empty)"
            for i, (token, data) in enumerate(zip(self._tokens, self._bytes, strict=True))
        )

    @cached_property
    def unknown_id(self) -> int | None:
        """The token that stands for whatever the vocabulary lacks; None without one."""
        with tokenizer_library.guarded():
            model = self._library.model
            if hasattr(model, "unk_token"):
                return self._ids_by_token.get(model.unk_token or "")
            found = json.loads(model.__getstate__()).get("unk_id")
        return found if isinstance(found, int) and found < self.vocab_size else None

    @cached_property
    def line_end_id(self) -> int | None:
        r"""The token that is "\n" and nothing else; None without one."""
        try:
            (tried,) = tokenizer_library.encode(self._library, ["\n"])
            named = (self._ids_by_token.get(token, UNKNOWN) for token in ("\n", "Ċ", "<0x0A>"))
            return next(i for i in (*tried, *named) if i != UNKNOWN and self.decode([i]) == "\n")
        except (LibraryError, StopIteration):
            return None

    def encode(self, text: str) -> Ids:
        """Return the ids (T,); raises UnknownTokenError for what the file's tokenizer refuses."""
        utf8(text, self.vocab_size)
        lines = [text] if self.boundary_id is None else text.split("\n")
        try:
            found = self._cutter.ask([line for line in lines if line])
        except LibraryError as error:
            raise UnknownTokenError(text, self._cutter.first_refused(text), self.vocab_size) from error
        ids: list[int] = []
        for number, line in enumerate(lines):
            if number and self.boundary_id is not None:
                ids.append(self.boundary_id)
            if line:
                ids += next(found)
        return np.array(ids, dtype=id_dtype(self.vocab_size))  # (T,)

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the ids (T,) of a text in pieces; raises UnknownTokenError as `encode` does."""
        return gathered(_lines(chunks) if self.boundary_id is not None else chunks, self.encode, self.vocab_size)

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, UNKNOWN for a word that the file's tokenizer refuses; never raises.

        Half characters are taken for U+FFFD. What is dropped from the text belongs to the token after it.
        """
        ids, ends = self._cutter.cut(mended(text))
        spans = spans_to(ends)
        labels, captions = [], []
        for i, (start, end) in zip(ids, spans.tolist(), strict=True):
            lacking = i in (UNKNOWN, self.unknown_id)
            stands = text[start:end]
            labels.append(label(stands.strip() or stands) or self.labels[i] if lacking else self.labels[i])
            captions.append("?" if i == UNKNOWN else f"{i} {self.labels[i]}" if lacking else str(i))
        return Line(text, np.array(ids, dtype=np.int64), spans, tuple(labels), tuple(captions))

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): the code points of each token; of a character in parts, the last one has it."""
        return spans_to(self._cutter.cut(mended(text))[1])

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,), as the file's decoder makes it; raises IndexError."""
        lines: list[list[int]] = [[]]
        for i in checked_ids(ids, self.vocab_size).tolist():
            if i == self.boundary_id:
                lines.append([])
            else:
                lines[-1].append(i)
        return "\n".join(map(self._decoded, lines))

    def _decoded(self, ids: list[int]) -> str:
        try:
            with tokenizer_library.guarded():
                return str(self._library.decode(ids, skip_special_tokens=False))
        except LibraryError:
            return "".join(self.vocabulary[i] for i in ids)

    @cached_property
    def _ids_by_token(self) -> dict[str, int]:
        return self._library.get_vocab(with_added_tokens=True)

    @cached_property
    def _tokens(self) -> tuple[str | None, ...]:
        tokens: list[str | None] = [None] * self.vocab_size
        for token, i in self._ids_by_token.items():
            tokens[i] = token
        for i, added in self._library.get_added_tokens_decoder().items():
            tokens[i] = added.content  # some files give one id to two tokens: this is the one that counts
        return tuple(tokens)

    @cached_property
    def _bytes(self) -> tuple[bytes | None, ...]:
        """The bytes that each token stands for; None where it stands for none."""
        if not tokenizer_library.is_byte_level(self._library):
            return (None,) * self.vocab_size
        added = self._library.get_added_tokens_decoder()
        return tuple(
            None
            if token is None
            else token.encode("utf-8")
            if i in added
            else tokenizer_library.token_bytes(token)
            for i, token in enumerate(self._tokens)
        )

    @cached_property
    def _cutter(self) -> Cutter:
        return Cutter(self._library, self._bytes, self.boundary_id)

    @cached_property
    def _library(self) -> "tokenizers.Tokenizer":
        try:
            return tokenizer_library.load(self.definition)
        except LibraryError as error:
            raise TokenizerFileError(_reason(self.title, self.definition), str(error)) from error


def _lines(chunks: Iterable[str]) -> Iterator[str]:
    """Yield the same text in pieces that end where a line ends: no line is encoded in two parts."""
    begun: list[str] = []
    for chunk in chunks:
        lines, end, rest = chunk.rpartition("\n")
        if end:
            yield "".join((*begun, lines, end))
            begun.clear()
        begun.append(rest)
    yield "".join(begun)


def _reason(title: str, definition: str) -> str:
    try:
        found = json.loads(definition)
    except (ValueError, RecursionError):
        return f"{title} is no tokenizer: it is not JSON."
    if not isinstance(found, dict) or "model" not in found:
        return f"{title} is no tokenizer: it is JSON, but says nothing of a 'model'."
    return f"{title} is no tokenizer that can be used here: the tokenizers library refuses it."


def _read(path: Path, title: str, progress: Progress) -> str:
    def tell(_doing: str, done: float) -> None:
        progress("Reading the tokenizer", done)

    try:
        data = b"".join(read_bytes(path, Wanted("a tokenizer", "a tokenizer.json", LIMIT), progress=tell))
    except RefusedError as error:
        raise TokenizerFileError(f"{title} {error}.", error.details) from error.__cause__ or error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TokenizerFileError(f"{title} is no tokenizer: it is not JSON.", str(error)) from error
