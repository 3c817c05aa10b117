import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text.glyphs import glyph


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("a", "a"),
        ("é", "é"),
        ("🙂", "🙂"),
        (" ", "␣"),
        ("\n", "↵"),
        ("\t", "⇥"),
        ("\r", "␍"),
        ("\xa0", "⍽"),
        ("\0", "␀"),
        ("\x1b", "␛"),
        ("\x1f", "␟"),
        ("\x7f", "␡"),
        ("\x85", "U+0085"),
        ("\xad", "U+00AD"),
        ("\u2009", "U+2009"),  # thin space
        ("\u200b", "U+200B"),  # zero-width space
        ("\u200d", "U+200D"),  # zero-width joiner
        ("\u2028", "U+2028"),
        ("\u202e", "U+202E"),  # turns the rest of a label around
        ("\ufeff", "U+FEFF"),
        ("\ufe0f", "U+FE0F"),  # variation selector: a mark without ink
        ("\U000e0100", "U+E0100"),
        ("\u3164", "U+3164"),  # a filler: a letter without ink
        ("\ud800", "U+D800"),
        ("\ue000", "U+E000"),
        ("\u0301", "◌\u0301"),
        ("\u093e", "◌\u093e"),  # a vowel sign, which takes room
        ("e\u0301", "e\u0301"),
        (" the", "␣the"),
        ("", ""),
    ],
)
def test_how_a_token_is_shown(token, shown):
    assert glyph(token) == shown


@settings(deadline=None)
@given(st.characters())
def test_nothing_is_shown_as_nothing(character):
    shown = glyph(character)
    assert shown.isprintable()
    assert not any(unicodedata.category(part) in {"Zs", "Cf", "Cc", "Cs"} for part in shown)
    assert not unicodedata.combining(shown[0])
