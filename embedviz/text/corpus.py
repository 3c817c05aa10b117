"""Corpus: the training text, read and checked once; what cannot be trained on is refused in a sentence."""

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import islice
from pathlib import Path

from embedviz.errors import EmbedvizError
from embedviz.text.cleaning import LineEnds, too_few_symbols, without_mark
from embedviz.text.decoding import Encoding, RefusedError, Sniffer, decode
from embedviz.text.progress import Progress, quiet
from embedviz.text.reading import Wanted, printable, read_bytes, too_large

LIMIT = 64 * 2**20
"""The most that is read of a text, in bytes."""

PART = 1 << 16
"""Characters in one part of a text: handled in well under a millisecond, so that other threads get their turn."""

# Before white space that follows something else no tokenizer joins anything. The separators U+001C to U+001F
# are white space to Python alone.
_CUT = re.compile(r"\S[^\S\x1c-\x1f]")


class TextError(EmbedvizError):
    """A text cannot be read, or cannot be trained on."""


@dataclass(frozen=True, init=False)
class Corpus:
    """A text to train on; with `per_line`, a list of items (names, words) of which each stands on a line.

    It has no byte order mark and only LF as line end; `carriage_returns` counts the CRs that were in it.
    It is kept in UTF-8, part by part: one emoji makes every character of its string take 4 bytes.
    """

    name: str
    data: tuple[bytes, ...] = field(repr=False)  # UTF-8, lone surrogates too; PART characters each, but the last
    n_characters: int  # code points
    per_line: bool
    path: Path | None
    carriage_returns: int
    encoding: str  # in words
    remarks: tuple[str, ...]  # sentences for a person: on the encoding, on line ends

    def __init__(
        self,
        name: str,
        text: str | Iterable[str],  # whole, or in pieces of any size
        per_line: bool = False,
        *,
        path: Path | None = None,
        carriage_returns: int = 0,
        encoding: str = "UTF-8",
        remarks: tuple[str, ...] = (),
    ) -> None:
        data: list[bytes] = []
        n_characters = 0
        for part in _parts((text,) if isinstance(text, str) else text):
            data.append(part.encode("utf-8", "surrogatepass"))
            n_characters += len(part)
        for attribute, value in (
            ("name", name),
            ("data", tuple(data)),
            ("n_characters", n_characters),
            ("per_line", per_line),
            ("path", path),
            ("carriage_returns", carriage_returns),
            ("encoding", encoding),
            ("remarks", remarks),
        ):
            object.__setattr__(self, attribute, value)  # the class is frozen for everybody else

    @property
    def text(self) -> str:
        """The whole text, put together anew: for a large one use `parts`, `chunks` or `beginning`."""
        return "".join(self.parts)

    @property
    def parts(self) -> Iterator[str]:
        """The text in parts of PART characters each, but for the last."""
        return (part.decode("utf-8", "surrogatepass") for part in self.data)

    @property
    def items(self) -> tuple[str, ...]:
        """The lines that are not blank, without white space around them; for a large list use `chunks`."""
        return tuple(self._items())

    @property
    def stream_text(self) -> str:
        r"""What is tokenized: the text, or its items with "\n" before, between and after them."""
        return "".join(self._stream())

    @cached_property
    def n_stream_characters(self) -> int:
        """How many code points `stream_text` has."""
        return sum(map(len, self._stream()))

    def chunks(self, size: int = 1 << 15) -> Iterator[str]:
        """Yield `stream_text` in pieces of `size` characters or somewhat more, cut where no token is.

        That is before white space that follows something else. Where there is none within 8 * `size`
        characters, it is cut just there.
        """
        waiting = ""
        for piece in self._stream():
            waiting += piece
            start = 0
            while stop := _cut(waiting, start + size, start + 8 * size):
                yield waiting[start:stop]
                start = stop
            waiting = waiting[start:]
        if waiting:
            yield waiting

    def beginning(self, count: int) -> str:
        """Return the first `count` characters after leading white space."""
        begun = ""
        for part in self.parts:
            begun = begun + part if begun else part.lstrip()
            if len(begun) >= count:
                break
        return begun[:count]

    def as_items(self) -> "Corpus":
        """Return the text as a list of items; raises TextError if there are fewer than two."""
        if len(list(islice(self._items(), 2))) < 2:
            raise TextError(f"'{self.name}' is no list: it has only one line that is not blank.")
        return _changed(self, per_line=True)

    def as_text(self) -> "Corpus":
        """Return the text as one running text."""
        return _changed(self, per_line=False)

    def _stream(self) -> Iterator[str]:
        if not self.per_line:
            yield from self.parts
            return
        yield "\n"
        for lines in self._lines():
            yield "".join(f"{item}\n" for line in lines if (item := line.strip()))

    def _items(self) -> Iterator[str]:
        return (item for lines in self._lines() for line in lines if (item := line.strip()))

    def _lines(self) -> Iterator[list[str]]:
        begun: list[str] = []  # the pieces of a line that goes on in the next part
        for part in self.parts:
            first, *others = part.split("\n")
            begun.append(first)
            if others:
                yield ["".join(begun), *others[:-1]]
                begun = [others[-1]]
        yield ["".join(begun)]


def read_corpus(path: str | os.PathLike[str], progress: Progress = quiet) -> Corpus:
    """Read a file of text: UTF-8, UTF-16 or, with a remark, Latin-1 as Windows writes it.

    Raises TextError for whatever is no regular file (which is not opened), cannot be read, changes meanwhile,
    is larger than LIMIT or binary, or has fewer than two distinct symbols.
    """
    path = Path(path)
    name = printable(path.name or str(path))
    sniffer = Sniffer()
    try:
        data = read_bytes(path, _wanted(), sniffer.feed, progress)
        encoding = sniffer.encoding()
        return _checked(decode(_used_up(data, progress), encoding), name, path, encoding)
    except RefusedError as error:
        raise TextError(f"'{name}' {error}.", error.details) from error.__cause__ or error


def corpus_from_text(text: str, name: str = "Pasted text", progress: Progress = quiet) -> Corpus:
    """Make a corpus of text that came from no file; raises TextError as `read_corpus` does."""
    name = printable(name)
    return _checked(_checked_parts(text, name, progress), name)


def looks_like_items(text: str) -> bool:
    """Tell whether a text is a list with one item a line (names, words) rather than running text.

    It is if it has many lines, and nearly all are short, without the punctuation of sentences and programs,
    and of one word, of two, or written like a name of several. Only the beginning of a large text is looked at.
    """
    head = text[:_HEAD]
    if len(head) < len(text):  # the last line may be cut
        head = head[: head.rfind("\n") + 1]
    lines = [line for raw in head.split("\n") if (line := raw.strip())]
    if len(lines) < 20 or sorted(map(len, lines))[len(lines) // 2] > 20:
        return False
    return sum(map(_is_item, lines)) >= 0.95 * len(lines)


_HEAD = 200_000
# By what an item does not have: in many scripts names hold marks that are no letters to `re`.
_WORDS = re.compile(
    r"""(?:[^\s.,;:!?…"“”„«»()\[\]{}<>=+*/\\|#@$%^&~`_。、，；：！？「」『』（）।؟،]+(?: (?!$)|$)){1,5}"""
)


def _is_item(line: str) -> bool:
    if len(line) > 40 or not _WORDS.fullmatch(line):
        return False
    first, *inner, last = words if len(words := line.split(" ")) > 1 else [line, line]
    # "Rio de Janeiro", but no line of a poem: of three words and more, those that are not short have capitals.
    return not inner or not any(
        word[0].islower() for word in (first, last, *(word for word in inner if len(word) > 3))
    )


def _changed(corpus: Corpus, **changes: object) -> Corpus:
    # Not dataclasses.replace: the text, which is large, is shared and not made anew.
    other = object.__new__(Corpus)
    for found in fields(corpus):
        object.__setattr__(other, found.name, changes.get(found.name, getattr(corpus, found.name)))
    return other


def _parts(pieces: Iterable[str]) -> Iterator[str]:
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PART:
            text = "".join(waiting)
            whole = size - size % PART
            yield from (text[start : start + PART] for start in range(0, whole, PART))
            waiting, size = [text[whole:]], size - whole
    if size:
        yield "".join(waiting)


def _cut(text: str, first: int, last: int) -> int:
    """Return where to cut `text` from `first` to `last`; 0 where more of it has to be known."""
    if found := _CUT.search(text, first - 1, last + 1):
        return found.start() + 1
    return last if len(text) > last else 0


def _wanted() -> Wanted:
    return Wanted("a text", "a file of text", LIMIT)


def _used_up(data: deque[bytes], progress: Progress) -> Iterator[bytes]:
    # Each piece is dropped once it is text: bytes and text are never both there in full.
    total = len(data)
    while data:
        progress("Reading", 1 - 0.5 * len(data) / total)
        yield data.popleft()


def _checked_parts(text: str, name: str, progress: Progress) -> Iterator[str]:
    size = 0
    for start in range(0, len(text), PART):
        progress("Reading", start / len(text))
        part = text[start : start + PART]
        try:
            size += len(part.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise TextError(
                f"'{name}' is not text: character {start + error.start + 1:,} is only half of one "
                "(a lone surrogate).",
                str(error),
            ) from error
        if max(size, len(text)) > LIMIT:
            refused = too_large(_wanted(), max(size, len(text)))
            raise TextError(f"'{name}' {refused}.", refused.details)
        if (place := part.find("\0")) >= 0:
            raise TextError(f"'{name}' is not text: character {start + place + 1:,} is NUL.")
        yield part


def _checked(
    pieces: Iterable[str], name: str, path: Path | None = None, encoding: Encoding | None = None
) -> Corpus:
    line_ends = LineEnds()
    corpus = Corpus(
        name,
        line_ends.made_lf(without_mark(pieces)),
        path=path,
        encoding=encoding.title if encoding else "UTF-8",
        remarks=(encoding.remark,) if encoding and encoding.remark else (),
    )
    if problem := too_few_symbols(corpus.parts):
        raise TextError(f"'{name}' {problem}.")
    count = line_ends.carriage_returns  # known only now that all pieces went through
    if not count:
        return corpus
    ends = "1 line end" if count == 1 else f"{count:,} line ends"
    remark = f"{ends} with a carriage return (CR LF, or CR alone) became LF."
    return _changed(corpus, carriage_returns=count, remarks=(*corpus.remarks, remark))
