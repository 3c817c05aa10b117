"""From the bytes of a file to text: the encoding that a mark states, or else the bytes show."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

MOST_CONTROLS = 0.02
"""The largest share of control characters that a text has; those of layout and of terminals do not count."""

_CONTROLS = bytes({*range(32), 0x7F} - set(b"\t\n\v\f\r\x1b"))
_UPPER_CONTROLS = bytes(range(0x80, 0xA0))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"  # what Windows-1252 leaves open
_CONTROL = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_UPPER_CONTROL = re.compile(b"[" + re.escape(_CONTROLS + _UPPER_CONTROLS) + b"]")
_CONTROL_CHARACTER = re.compile("[" + re.escape((_CONTROLS + _UPPER_CONTROLS).decode("latin-1")) + "]")


class RefusedError(Exception):
    """What was to be read cannot be; the message goes after its name ("is not text: ...")."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Encoding:
    """How bytes are read as text: the codec, its name in words, and what a person should know of the choice."""

    codec: str
    title: str
    remark: str = ""
    broken: str = ""  # what is said where the bytes are not of this encoding after all
    is_cut: bool = False  # the last character is not whole: it is left out


_UTF_8 = Encoding("utf-8", "UTF-8")
_UTF_32_LE = Encoding("utf-32-le", "UTF-32")
_MARKED = {  # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: _UTF_32_LE,
    codecs.BOM_UTF32_BE: Encoding("utf-32-be", "UTF-32"),
    codecs.BOM_UTF16_LE: Encoding("utf-16-le", "UTF-16"),
    codecs.BOM_UTF16_BE: Encoding("utf-16-be", "UTF-16"),
    codecs.BOM_UTF8: Encoding("utf-8", "UTF-8 with a byte order mark"),
}


class Sniffer:
    """Finds out the encoding of bytes that it is fed in pieces of even size (the last may be odd)."""

    def __init__(self) -> None:
        self._head = b""
        self._size = 0
        self._histogram = np.zeros((2, 256), np.int64)  # of the bytes at even and at odd offsets
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._not_utf8: tuple[int, int] | None = None  # offset and value of the first byte that is not UTF-8
        self._is_cut = False  # that byte begins a character which the end of the file breaks off
        self._has_wide = False  # characters of several bytes, besides byte order marks
        self._utf32 = codecs.getincrementaldecoder("utf-32-le")()
        self._is_utf32 = True  # so far
        self._first_nul: int | None = None
        self._first_control: int | None = None
        self._first_upper_control: int | None = None

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes."""
        if len(self._head) < 4:  # the longest mark
            self._head += piece[:4]
        data = np.frombuffer(piece, np.uint8)
        for parity in (0, 1):
            self._histogram[parity] += np.bincount(data[parity::2], minlength=256)
        if self._first_nul is None and (place := piece.find(0)) >= 0:
            self._first_nul = self._size + place
        if self._first_control is None and (found := _CONTROL.search(piece)):
            self._first_control = self._size + found.start()
        if self._first_upper_control is None and (found := _UPPER_CONTROL.search(piece)):
            self._first_upper_control = self._size + found.start()
        self._size += len(piece)
        self._check_utf8(piece)
        self._check_utf32(piece)

    def encoding(self) -> Encoding:
        """Return the encoding of all that was fed. Raises RefusedError if it is no text."""
        self._check_utf8(b"", final=True)
        self._check_utf32(b"", final=True)
        marked = self._marked()
        if marked is not None and marked.codec != "utf-8":
            return marked
        if self._first_nul is not None:
            return self._unmarked_utf16(f"is not text: it has a NUL byte at offset {self._first_nul:,}")
        if self._not_utf8 is None:
            self._refuse_controls(_CONTROLS, self._first_control)
            return marked or _UTF_8
        offset, value = self._not_utf8
        if self._is_cut and (self._has_wide or (marked and offset > len(codecs.BOM_UTF8))):
            self._refuse_controls(_CONTROLS, self._first_control)
            return self._cut_short(marked or _UTF_8, offset)
        if marked is not None:
            raise RefusedError(
                f"is damaged: its mark says UTF-8, but the byte 0x{value:02X} at offset {offset:,} "
                "belongs to no character"
            )
        return self._eight_bits(f"It is not UTF-8 (the byte 0x{value:02X} at offset {offset:,})")

    def _marked(self) -> Encoding | None:
        found = [encoding for mark, encoding in _MARKED.items() if self._head.startswith(mark)]
        if found[:1] == [_UTF_32_LE] and not self._is_utf32:
            del found[0]  # it is UTF-16 that begins with NUL
        return found[0] if found else None

    def _check_utf8(self, piece: bytes, *, final: bool = False) -> None:
        if self._not_utf8 is not None:
            return
        try:
            text = self._utf8.decode(piece, final)
        except UnicodeDecodeError as error:
            # The decoder holds back the beginning of a character: the bytes it speaks of end where we are.
            self._not_utf8 = self._size - len(error.object) + error.start, error.object[error.start]
            self._is_cut = final
        else:
            self._has_wide = self._has_wide or not (text.isascii() or text.replace("\ufeff", "").isascii())

    def _check_utf32(self, piece: bytes, *, final: bool = False) -> None:
        if self._is_utf32:  # what is something else shows it at once
            try:
                self._utf32.decode(piece, final)
            except UnicodeDecodeError:
                self._is_utf32 = False

    def _cut_short(self, encoding: Encoding, offset: int) -> Encoding:
        left_out = self._size - offset
        last = "its last byte was" if left_out == 1 else f"its last {left_out} bytes were"
        remark = f"It ends inside a character of UTF-8: {last} left out."
        return replace(encoding, remark=remark, is_cut=True)

    def _unmarked_utf16(self, otherwise: str) -> Encoding:
        # Blanks and line ends alone make a tenth of most scripts; a few zeros show something only in few bytes.
        zeros, units = self._histogram[:, 0], self._size / 2
        most = int(zeros.max())
        if self._size % 2 or most < max(0.1 * units, min(8, units / 2)) or most < 0.95 * zeros.sum():
            raise RefusedError(otherwise)
        codec = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        return Encoding(codec, "UTF-16 without a byte order mark", broken=otherwise)

    def _eight_bits(self, why: str) -> Encoding:
        used = self._histogram.sum(axis=0) > 0  # (256,)
        upper = used[list(_UPPER_CONTROLS)].any()
        if upper and not used[list(_UNDEFINED)].any():
            self._refuse_neither(_CONTROLS, self._first_control)
            title = "Windows-1252, Latin-1 with the quotation marks of Windows"
            return Encoding("cp1252", title, f"{why}, and was read as {title}.")
        self._refuse_neither(_CONTROLS + _UPPER_CONTROLS, self._first_upper_control)
        return Encoding("latin-1", "Latin-1", f"{why}, and was read as Latin-1.")

    def _refuse_neither(self, controls: bytes, first: int | None) -> None:
        try:
            self._refuse_controls(controls, first)
        except RefusedError as error:
            raise RefusedError(
                "is neither UTF-8 nor text of one byte a character: if it is text, save it as UTF-8", str(error)
            ) from error

    def _refuse_controls(self, controls: bytes, first: int | None) -> None:
        share = int(self._histogram[:, list(controls)].sum()) / max(1, self._size)
        if share > MOST_CONTROLS and first is not None:
            raise _too_many_controls(share, first)


def decode(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """Yield the text of `pieces`. Raises RefusedError where they turn out not to be of this encoding."""
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    wide = _WideCheck(encoding) if encoding.codec.startswith(("utf-16", "utf-32")) else None
    size = offset = 0  # of what was given to the decoder; of the first byte that it has made no text of
    for piece in _and_end(pieces):
        size += len(piece)
        try:
            text = decoder.decode(piece, not piece and not encoding.is_cut)
        except UnicodeDecodeError as error:
            place = size - len(error.object) + error.start
            raise RefusedError(
                encoding.broken
                or f"is damaged: its mark says {encoding.title}, but the bytes at offset {place:,} "
                "belong to no character",
                str(error),
            ) from error
        if wide is not None:
            wide.look_at(text, offset)
            offset = size - len(decoder.getstate()[0])
        yield text
    if wide is not None:
        wide.end()


class _WideCheck:
    """Looks at the characters of an encoding whose bytes say little: for NUL, and for too many controls."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._characters = self._controls = 0
        self._first: int | None = None

    def look_at(self, text: str, offset: int) -> None:
        """Look at the text that begins at the byte `offset`."""
        if (place := text.find("\0")) >= 0:
            offset += self._bytes(text[:place])
            raise RefusedError(
                self._encoding.broken or f"is not text: it has a NUL character at offset {offset:,}"
            )
        self._characters += len(text)
        if found := _CONTROL_CHARACTER.search(text):
            self._controls += len(_CONTROL_CHARACTER.findall(text))
            if self._first is None:
                self._first = offset + self._bytes(text[: found.start()])

    def end(self) -> None:
        """Refuse what has too many controls."""
        if self._first is not None and self._controls > MOST_CONTROLS * self._characters:
            raise _too_many_controls(self._controls / self._characters, self._first)

    def _bytes(self, text: str) -> int:
        return len(text.encode(self._encoding.codec))


def _and_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from filter(None, pieces)
    yield b""


def _too_many_controls(share: float, offset: int) -> RefusedError:
    return RefusedError(
        f"is not text: {100 * share:.0f} % of it are control characters, the first at offset {offset:,}"
    )
