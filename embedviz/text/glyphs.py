"""How a token is shown, so that no token looks like nothing or like another."""

import unicodedata
from functools import lru_cache

LONGEST_LABEL = 48
"""Characters of a label; the middle of a longer token is left out."""

_NAMED = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍", "\x7f": "␡", "\xa0": "⍽"}
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks without ink
_NO_INK = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def glyph(token: str) -> str:
    """Return `token` as it is shown: every character visible, a leading mark on a dotted circle."""
    shown = "".join(map(_glyph, token))
    return "◌" + shown if shown and unicodedata.category(shown[0]).startswith("M") else shown


def label(token: str) -> str:
    """Return the glyphs of `token`, with "…" for the middle of one longer than LONGEST_LABEL."""
    if len(token) > LONGEST_LABEL:
        return f"{glyph(token[: LONGEST_LABEL // 2])}…{glyph(token[1 - LONGEST_LABEL // 2 :])}"
    return glyph(token)


def bytes_label(data: bytes) -> str:
    """Return the glyphs of what is UTF-8, else the bytes in hex, as in "E2 80"."""
    try:
        return label(data.decode("utf-8"))
    except UnicodeDecodeError:
        shown = data.hex(" ").upper()
        return shown if len(shown) <= LONGEST_LABEL else f"{shown[:23]} … {shown[-23:]}"


@lru_cache(1 << 14)
def _glyph(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x20:
        return chr(0x2400 + code)  # Control Pictures stand in the order of the controls
    if (
        unicodedata.category(character) in _NO_INK
        or character in _INVISIBLE
        or "VARIATION SELECTOR" in unicodedata.name(character, "")
    ):
        return f"U+{code:04X}"
    return character
