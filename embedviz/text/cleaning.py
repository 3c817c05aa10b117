"""What a text is freed from before it is kept, and whether what is left is worth training on; piece by piece."""

import io
from collections.abc import Iterable, Iterator

from embedviz.text.glyphs import glyph


class LineEnds:
    """Makes every line end LF; counts in `carriage_returns` the CRs that were there, as they go by."""

    def __init__(self) -> None:
        self.carriage_returns = 0

    def made_lf(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the pieces with LF for CR LF and for CR alone."""
        decoder = io.IncrementalNewlineDecoder(None, translate=True)  # knows of a CR LF that is torn
        for piece in pieces:
            self.carriage_returns += piece.count("\r")
            yield decoder.decode(piece)
        yield decoder.decode("", final=True)


def without_mark(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces without byte order marks at the beginning.

    There may be several: a program that knows nothing of marks puts its own before that of the file.
    """
    begun = False
    for piece in pieces:
        kept = piece if begun else piece.lstrip("\ufeff")
        begun = begun or bool(kept)
        yield kept


def too_few_symbols(parts: Iterable[str]) -> str:
    """Return what is wrong with a text of fewer than two distinct symbols, as goes after its name; "" if nothing.

    As if by the stripped text, but part by part: what counts is whether it has a second symbol inside.
    """
    symbol = ""
    count = 0
    is_empty = True
    gap = False  # white space since the last symbol
    for part in parts:
        is_empty = False
        core = part.strip()
        if core:
            symbol = symbol or core[0]
            gap = bool(count) and (gap or part[0].isspace())
            if gap or core.count(symbol) < len(core):
                return ""
            count += len(core)
        gap = gap or part[-1].isspace()
    if not count:
        return "is empty" if is_empty else "holds nothing but white space"
    if count == 1:
        return "has only one character: there is nothing that could follow it"
    return f"has only one symbol, '{glyph(symbol)}': there is nothing to tell apart"
