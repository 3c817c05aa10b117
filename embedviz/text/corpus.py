"""Corpus: the training text, read and checked once; what cannot be trained on is refused in a sentence."""

import codecs
import os
import re
import stat
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median

from embedviz.errors import EmbedvizError
from embedviz.text.glyphs import glyph

LIMIT = 64 * 2**20
"""The most that is read of a text, in bytes of UTF-8."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class TextError(EmbedvizError):
    """A text cannot be read, or cannot be trained on."""


@dataclass(frozen=True)
class Corpus:
    """A text to train on; with `per_line`, a list of items (names, words) of which each stands on a line.

    `text` has no byte order mark and only LF as line end; `carriage_returns` counts the CRs that were in it.
    """

    name: str
    text: str
    per_line: bool = False
    path: Path | None = None
    carriage_returns: int = 0

    @property
    def n_characters(self) -> int:
        """How many code points the text has."""
        return len(self.text)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The lines that are not blank, without white space around them."""
        return tuple(item for line in self.text.split("\n") if (item := line.strip()))

    @property
    def stream_text(self) -> str:
        r"""What is tokenized: the text, or its items with "\n" before, between and after them."""
        return "\n".join(("", *self.items, "")) if self.per_line else self.text

    def as_items(self) -> "Corpus":
        """Return the text as a list of items; raises TextError if there are fewer than two."""
        if len(self.items) < 2:
            raise TextError(f"'{self.name}' is no list: it has only one line that is not blank.")
        return replace(self, per_line=True)

    def as_text(self) -> "Corpus":
        """Return the text as one running text."""
        return replace(self, per_line=False)


def read_corpus(path: str | os.PathLike[str]) -> Corpus:
    """Read a file of UTF-8 text, with or without a byte order mark.

    Raises TextError for whatever is no regular file (which is not opened), cannot be read, is larger than
    LIMIT, binary or not UTF-8, or has fewer than two distinct symbols.
    """
    path = Path(path)
    name = _printable(path.name or str(path))
    data = _read_bytes(path, name)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TextError(
            f"'{name}' is not UTF-8 text: the mark at offset 0 is that of UTF-16; save it again as UTF-8."
        )
    if (offset := data.find(0)) >= 0:
        raise TextError(f"'{name}' is not text: it has a NUL byte at offset {offset:,}.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(
            f"'{name}' is not UTF-8 text: the byte 0x{data[error.start]:02X} at offset {error.start:,} "
            "belongs to no character; save it again as UTF-8.",
            str(error),
        ) from error
    return _checked(text, name, path)


def corpus_from_text(text: str, name: str = "Pasted text") -> Corpus:
    """Make a corpus of text that came from no file; raises TextError as `read_corpus` does."""
    name = _printable(name)
    try:
        size = len(text) if len(text) > LIMIT else len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise TextError(
            f"'{name}' is not text: character {error.start + 1:,} is only half of one (a lone surrogate).",
            str(error),
        ) from error
    if size > LIMIT:
        raise _too_large(name, size)
    if (offset := text.find("\0")) >= 0:
        raise TextError(f"'{name}' is not text: character {offset + 1:,} is NUL.")
    return _checked(text, name)


def looks_like_items(text: str) -> bool:
    """Tell whether a text is a list with one item a line (names, words) rather than running text.

    It is if it has many lines, and nearly all are short, without a space and without the punctuation of
    sentences and programs. Only the beginning of a large text is looked at.
    """
    head = text[:_HEAD]
    if len(head) < len(text):  # the last line may be cut
        head = head[: head.rfind("\n") + 1]
    lines = [line for raw in head.split("\n") if (line := raw.strip())]
    if len(lines) < 20 or median(map(len, lines)) > 20:
        return False
    return sum(_ITEM.fullmatch(line) is not None for line in lines) >= 0.95 * len(lines)


_HEAD = 200_000
# By what an item does not have: in many scripts names hold marks that are no letters to `re`.
_ITEM = re.compile(r"""[^\s.,;:!?…"“”„«»()\[\]{}<>=+*/\\|#@$%^&~`_。、，；：！？「」『』（）।؟،]{1,40}""")


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        status = path.stat()
        # Looked at before it is opened: opening a pipe may block for ever, opening a device may do things.
        if stat.S_ISDIR(status.st_mode):
            raise TextError(f"'{name}' is a folder: choose a file of text.")
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
            raise TextError(f"'{name}' is not a file but {kind}: choose a file of text.")
        if status.st_size > LIMIT:
            raise _too_large(name, status.st_size)
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TextError(f"'{name}' was not found.", str(error)) from error
    except PermissionError as error:
        raise TextError(f"'{name}' cannot be read: you have no permission to.", str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: the name itself holds a NUL
        raise TextError(f"'{name}' could not be read.", str(error)) from error
    if len(data) > LIMIT:  # it grew since it was looked at
        raise _too_large(name, len(data))
    return data


def _too_large(name: str, size: int) -> TextError:
    return TextError(
        f"'{name}' is too large: a text may have {LIMIT / 2**20:.3g} MiB.", f"It has at least {size:,} bytes."
    )


def _checked(text: str, name: str, path: Path | None = None) -> Corpus:
    text = text.removeprefix("\ufeff")
    carriage_returns = text.count("\r")
    if carriage_returns:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    core = text.strip()
    if not core:
        raise TextError(f"'{name}' {'holds nothing but white space' if text else 'is empty'}.")
    if len(core) == 1:
        raise TextError(f"'{name}' has only one character: there is nothing that could follow it.")
    if core.count(core[0]) == len(core):
        raise TextError(f"'{name}' has only one symbol, '{glyph(core[0])}': there is nothing to tell apart.")
    return Corpus(name, text, path=path, carriage_returns=carriage_returns)


def _printable(name: str) -> str:
    # A file name may hold line ends, or bytes that are no text (as lone surrogates): neither can be shown.
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
