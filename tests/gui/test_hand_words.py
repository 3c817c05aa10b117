"""Edits by hand in words, and numbers as people type them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz.analysis.figures import figure
from embedviz.edits import HandEdit
from embedviz.gui.by_hand import number_in
from embedviz.gui.hand_words import (
    changed_cells,
    edit_in_words,
    edits_in_words,
    from_to,
    frozen_rows,
    once_frozen_rows,
    row_name,
)


def cell_edit(row: int, column: int, after: float, before: float = 0.25, step: int = 20) -> HandEdit:
    return HandEdit("cell", "token", row, column, after, before, step)


@given(st.floats(-1e4, 1e4, width=32), st.integers(3, 9))
def test_numbers_as_this_app_prints_them_can_be_typed(number: float, digits: int) -> None:
    printed = figure(number, signed=True, digits=digits)
    read = number_in(printed)
    if "·" in printed:
        assert read is None  # 1.23·10⁻⁷ is for reading
    else:
        assert read is not None
        assert figure(read, signed=True, digits=digits) == printed


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("−0.31", -0.31),
        (" +2 ", 2),
        ("1,234", 1234),
        ("0,5", 0.5),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("-12,345.5", -12345.5),
    ]
    + [(text, None) for text in ("", "1_000", "inf", "0x10", "1,2,3", "two")],
)
def test_numbers_as_people_write_them(typed: str, number: float | None) -> None:
    assert number_in(typed) == number


def freeze(row: int, step: int = 0, kind: str = "freeze") -> HandEdit:
    return HandEdit("thaw" if kind == "thaw" else "freeze", "token", row, step=step)


def test_edits_in_words() -> None:
    labels = ["a", "b", "e"]
    cells = cell_edit(0, 1, 2.0), cell_edit(0, 1, 3.0), cell_edit(1, 1, 3.0)
    assert edits_in_words(()) == ""
    assert edits_in_words(cells[:2]) == "1 cell changed by hand"
    assert edits_in_words((*cells, freeze(2)), labels) == "2 cells changed, row ‘e’ frozen by hand"
    assert edits_in_words((freeze(2),)) == "row 2 frozen by hand"
    assert edits_in_words((freeze(0), freeze(1)), labels) == "2 rows frozen by hand"
    assert edits_in_words((freeze(2), freeze(2, 5, "thaw")), labels) == "row ‘e’ frozen for a while by hand"
    assert edits_in_words((freeze(2, 5), freeze(2, 5, "thaw")), labels) == ""  # no step was taken meanwhile
    assert edits_in_words((cell_edit(0, 1, 2.0, before=2.0),)) == ""  # a drag that was called off


def test_what_the_edits_leave() -> None:
    last = cell_edit(0, 1, 3.0, before=2.0)
    other_table = replace(last, table="position", row=7)
    made = (cell_edit(0, 1, 2.0), freeze(4), last, freeze(5), freeze(4, 9, "thaw"), other_table)
    assert changed_cells(made) == {(0, 1): last}
    assert frozen_rows(made) == {5}
    assert once_frozen_rows(made) == {4}
    assert changed_cells(made, "position") == {(7, 1): other_table}


def test_an_edit_in_words() -> None:
    assert edit_in_words(cell_edit(1, 0, 5.0, before=3.2), "ab", None) == "row ‘b’, column 0, +3.20 → +5.00"
    assert edit_in_words(freeze(1), "ab", "ab") == "row ‘b’ frozen"
    assert edit_in_words(freeze(1, kind="thaw"), "ab", "ab") == "row ‘b’ thawed"


def test_rows_of_the_position_table_are_said_by_their_positions() -> None:
    labels = ["a", "b", "e"]
    frozen = replace(freeze(1), table="position")
    changed = replace(cell_edit(1, 0, 5.0, before=3.2), table="position")
    assert row_name(1, labels, "position") == "position 1"
    assert edit_in_words(frozen, labels, None) == "position 1 frozen"
    assert edit_in_words(changed, labels, None) == "position 1, column 0, +3.20 → +5.00"
    assert edits_in_words((frozen,), labels) == "position 1 frozen by hand"
    assert edits_in_words((changed, cell_edit(1, 0, 5.0)), labels) == "2 cells changed by hand"
    assert edits_in_words((frozen, freeze(1)), labels) == "2 rows frozen by hand"


@given(st.floats(-1e4, 1e4, width=32), st.floats(-1e4, 1e4, width=32))
def test_before_and_after_differ_in_print(before: float, after: float) -> None:
    words = from_to(before, after)
    if " → " in words:
        first, second = words.split(" → ")
        assert first != second
    else:
        assert np.isclose(before, after, rtol=1e-8, atol=0)
