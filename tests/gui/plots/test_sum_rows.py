"""SumRows: an equation a line, where its cells are, what it says, and what it leaves out."""

import re

import numpy as np
import pytest
from plot_events import click
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from embedviz.gui.plots.sum_rows import BLOCKS, POSITION, SUM, TOKEN, SumRows
from embedviz.gui.plots.sum_words import SumLine, equation

C = 4
WORDS = "the cats"


def blocks(rows: int = len(WORDS)):
    rng = np.random.default_rng(0)
    tokens, positions = rng.normal(size=(2, rows, C)).astype(np.float32)
    return tokens, positions, tokens + positions


def filled(plot: SumRows, selected: int | None = None, words: str = WORDS) -> None:
    lines = [SumLine(word, place) for place, word in enumerate(words)]
    plot.set_sums(lines, blocks(len(words)), (-3.0, 3.0), "CET-D1", selected)


@pytest.fixture
def plot(qtbot, theme) -> SumRows:
    plot = SumRows(theme)
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    filled(plot)
    plot.show()
    return plot


def test_each_cell_is_where_it_says(plot: SumRows) -> None:
    seen = set()
    for line in plot.shown_rows():
        for column in range(BLOCKS * C):
            middle = plot.cell_rect(line, column).center()
            assert plot.place_at(middle.x(), middle.y()) == (line, column)
            seen.add((middle.x(), middle.y()))
    assert len(seen) == len(WORDS) * BLOCKS * C


def test_blocks_stand_beside_each_other_with_room_for_the_signs(plot: SumRows) -> None:
    first, second, third = (plot.block_rect(block) for block in (TOKEN, POSITION, SUM))
    assert first.right() < second.left() < second.right() < third.left()
    assert first.height() == second.height() == third.height()
    assert plot.width() >= third.right()
    between = (first.right() + second.left()) / 2
    assert plot.place_at(between, first.center().y()) is None


def test_the_colours_of_the_sum_are_those_of_its_numbers(plot: SumRows) -> None:
    rows = np.zeros((2, C), np.float32)
    rows[0] = 1.0
    plot.set_sums([SumLine("a", 0), SumLine("b", 1)], (rows, -rows, rows - rows), (-1.0, 1.0), "CET-D1", None)
    image = plot.grab().toImage()

    def colour(line: int, block: int) -> str:
        middle = plot.cell_rect(line, block * C + 1).center().toPoint()
        return str(image.pixelColor(middle).name())

    assert len({colour(0, TOKEN), colour(0, POSITION), colour(0, SUM)}) == 3
    assert colour(0, SUM) == colour(1, SUM) == colour(1, TOKEN)  # all zeros


def test_an_equation_is_true_as_it_is_printed() -> None:
    line = SumLine("e", 3)
    assert equation(line, 2, 0.12, -0.05, 0.07) == "+0.120 − 0.0500 = +0.0700 · ‘e’ at position 3, column 2"
    rng = np.random.default_rng(1)
    for token, position in rng.normal(size=(200, 2)).astype(np.float32).tolist():
        total = float(np.float32(token) + np.float32(position))
        printed = equation(line, 0, token, position, total).partition(" · ")[0].replace("−", "-").replace(" ", "")
        left, _, right = printed.partition("=")
        first, sign, second = re.fullmatch(r"([+-][0-9.]+)([+-])([0-9.]+)", left).groups()
        added = float(first) + float(sign + second)
        assert added == pytest.approx(float(right), abs=0.51 * 10 ** -len(right.partition(".")[2]))


def test_pointing_tells_the_equation(plot: SumRows, qtbot) -> None:
    tokens, positions, sums = blocks()
    with qtbot.waitSignal(plot.hovered) as told:
        QTest.keyClick(plot, Qt.Key.Key_Down)
    line, column = told.args
    assert (line, column) == (len(WORDS) - 1, 0)  # the last, which is the selected token's
    expected = equation(SumLine("s", 7), 0, tokens[7, 0], positions[7, 0], sums[7, 0])
    assert plot.equation(7, 0) == plot.equation(7, SUM * C) == expected
    assert expected in plot.describe()


def test_arrows_go_through_all_three_blocks_and_stop_at_the_ends(plot: SumRows) -> None:
    for key in [Qt.Key.Key_Right] * (BLOCKS * C + 3) + [Qt.Key.Key_Up] * 3:
        QTest.keyClick(plot, key)
    assert plot.at == (len(WORDS) - 4, BLOCKS * C - 1)
    for key in [Qt.Key.Key_Left] * 20 + [Qt.Key.Key_Up] * 20:
        QTest.keyClick(plot, key)
    assert plot.at == (0, 0)


def test_a_click_tells_the_cell(plot: SumRows, qtbot) -> None:
    with qtbot.waitSignal(plot.cell_clicked) as told:
        click(plot, plot.cell_rect(2, C + 1).center())
    assert told.args == [2, C + 1]


def test_where_not_all_lines_have_room_the_last_are_shown_and_it_is_said(plot: SumRows) -> None:
    assert plot.note == ""
    words = WORDS * 8
    filled(plot, words=words)
    shown = plot.shown_rows()
    assert shown.stop == len(words)
    assert 1 < len(shown) < len(words)
    assert plot.note == f"the last {len(shown)} of {len(words)} rows"
    assert plot.note in plot.describe()
    assert plot.cell_rect(0, 0).isEmpty()
    assert not plot.cell_rect(len(words) - 1, 0).isEmpty()


def test_the_selected_line_and_marks_are_drawn(plot: SumRows) -> None:
    plain = plot.grab().toImage()
    filled(plot, selected=7)
    selected = plot.grab().toImage()
    assert selected != plain
    plot.set_marks(frozenset({(1, 2)}), frozenset())
    changed = plot.grab().toImage()
    assert changed != selected
    plot.set_marks(frozenset({(1, 2)}), frozenset({(1, POSITION)}))
    assert plot.grab().toImage() != changed


def test_heads_say_the_shape_where_all_have_room_for_it(plot: SumRows) -> None:
    assert [words for _, words in plot._placed_heads()] == ["token (8, 4)", "position (8, 4)", "sum (8, 4)"]
    assert plot.shape_note == ""
    plot.resize(200, 300)
    assert plot.shape_note == "each (8, 4)"


def test_without_a_context_it_says_why(plot: SumRows) -> None:
    plot.set_empty("Select a token.")
    middle = plot.cell_rect(0, 0).center()
    click(plot, middle)
    assert plot.at is None
    filled(plot)  # data takes the sentence away
    assert "Select" not in plot.describe()
