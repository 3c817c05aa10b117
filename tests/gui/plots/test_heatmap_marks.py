"""Marks on cells and rows, and hands on a table: what is drawn, and what is asked for."""

import numpy as np
import pytest
from plot_events import LEFT, PLAIN, move, press, release
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.plots.strip import RowStrip

Key = Qt.Key
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def make(qtbot, any_theme):
    def make(rows, size=(400, 400)):
        heatmap = Heatmap(any_theme)
        qtbot.addWidget(heatmap)
        heatmap.resize(*size)
        heatmap.set_labels([str(k) for k in range(rows)], None)
        heatmap.set_data(np.zeros((rows, 12), np.float32), (-1.0, 1.0), "CET-D1")
        heatmap.show()
        return heatmap

    return make


def inked(widget, theme, rect):
    """Return how many pixels of a part of a widget have the colour of ink."""
    image = widget.grab(rect.toAlignedRect()).toImage()
    ink = theme.colour("ink").rgb()
    return sum(image.pixel(x, y) == ink for x in range(image.width()) for y in range(image.height()))


def gutter(heatmap, row):
    """Return where a row's tick is: left of all labels."""
    rect = heatmap.row_rect(row)
    return rect.adjusted(-rect.left(), 0, -rect.left() - rect.width() + heatmap._theme.px(7), 0)


def test_a_changed_cell_has_a_corner_of_ink_and_its_neighbours_have_none(make, any_theme):
    heatmap = make(12)
    heatmap.set_marks(TableMarks(changed=frozenset({(3, 4)})))
    cells = [(row, column) for row in range(2, 5) for column in range(3, 6)]
    with_ink = [
        cell for cell in cells if inked(heatmap, any_theme, heatmap.cell_rect(*cell).adjusted(2, 1, -1, -2))
    ]
    assert with_ink == [(3, 4)]
    corner = heatmap.cell_rect(3, 4)
    half = corner.adjusted(corner.width() / 2, 1, -1, -corner.height() / 2)
    assert inked(heatmap, any_theme, half) > 4
    assert inked(heatmap, any_theme, corner.adjusted(1, corner.height() / 2, -corner.width() / 2, -1)) == 0


def test_a_frozen_row_has_a_hatched_bar_between_its_label_and_its_cells(make, any_theme):
    heatmap = make(12)
    px = any_theme.px

    def beside(row):
        rect = heatmap.row_rect(row)
        return inked(heatmap, any_theme, rect.adjusted(-px(5), 2, -rect.width(), -2))

    assert beside(5) == 0
    heatmap.set_marks(TableMarks(frozen=frozenset({5})))
    bar = px(5) * (heatmap.row_rect(5).height() - 4)
    assert 0.2 * bar < beside(5) < 0.9 * bar  # hatched: neither empty nor full
    assert beside(4) == beside(6) == 0


def test_ticks_are_filled_and_hollow(make, any_theme):
    heatmap = make(12)
    heatmap.set_marks(TableMarks(ticked=(2, 3), hollow=(7,)))
    full, hollow = inked(heatmap, any_theme, gutter(heatmap, 2)), inked(heatmap, any_theme, gutter(heatmap, 7))
    assert full == any_theme.px(4) * any_theme.px(5)
    assert 0 < hollow < full
    assert inked(heatmap, any_theme, gutter(heatmap, 5)) == 0


def test_ticks_of_thousands_of_rows_share_pixels(make, any_theme):
    heatmap = make(5000)
    heatmap.set_marks(TableMarks(ticked=tuple(range(2500))))
    rect = heatmap.view.rect
    upper, lower = rect.adjusted(0, 0, 0, -rect.height() / 2), rect.adjusted(0, rect.height() / 2 + 4, 0, 0)
    for part, share in ((upper, 1), (lower, 0)):
        narrow = part.adjusted(-part.left(), 0, -part.left() - part.width() + any_theme.px(7), 0)
        assert inked(heatmap, any_theme, narrow) >= share * (part.height() - 2) * any_theme.px(4)
        assert bool(inked(heatmap, any_theme, narrow)) == bool(share)


def test_marks_are_said(make, qtbot):
    heatmap = make(12)
    heatmap.set_marks(TableMarks(frozenset({(3, 4)}), frozenset({3}), (3,), (5,)))
    move(heatmap, heatmap.cell_rect(3, 4).center())
    assert heatmap.describe().endswith("row 3, column 4: 0, changed by hand, frozen by hand, with a gradient")
    move(heatmap, heatmap.cell_rect(5, 4).center())
    assert heatmap.describe().endswith("row 5, column 4: 0, moved without a gradient")


def test_another_table_has_no_marks(make):
    heatmap = make(12)
    heatmap.set_marks(TableMarks(frozenset({(11, 11)}), frozenset({11})))
    heatmap.hold((11, 11))
    heatmap.set_data(np.zeros((5, 3), np.float32), (-1.0, 1.0), "CET-D1")
    assert heatmap.marks == TableMarks()
    assert heatmap.held is None


def test_the_strip_has_corners_and_bars_too(qtbot, any_theme):
    strip = RowStrip(any_theme)
    qtbot.addWidget(strip)
    strip.resize(300, 200)
    values = np.zeros((3, 8), np.float32)
    strip.set_rows(["a", "b", "c"], [0, 1, 2], values, (-1.0, 1.0), "CET-D1", None)
    cell, band = strip.cell_rect(1, 5), strip.row_rect(1)
    beside = band.adjusted(-any_theme.px(5), 2, -band.width(), -2)
    assert inked(strip, any_theme, cell) == inked(strip, any_theme, beside) == 0
    strip.set_marks(TableMarks(frozenset({(1, 5)}), frozenset({1})))
    assert inked(strip, any_theme, cell) > 4
    assert inked(strip, any_theme, beside) > 4
    move(strip, cell.center())
    assert strip.describe().endswith("at row b, column 5, changed by hand, frozen by hand")


# --- hands ------------------------------------------------------------------------------------------


def alt(widget, kind, point):
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    QApplication.sendEvent(widget, QMouseEvent(kind, point, widget.mapToGlobal(point), button, LEFT, ALT))


@pytest.fixture
def told(make):
    """Give a table and what it tells of hands, in order."""
    heatmap, seen = make(12), []
    heatmap.value_drag_began.connect(lambda row, column: seen.append(("began", row, column)))
    heatmap.value_dragged.connect(lambda amount: seen.append(("dragged", amount)))
    heatmap.value_drag_ended.connect(lambda kept: seen.append(("ended", kept)))
    heatmap.cell_clicked.connect(lambda row, column: seen.append(("clicked", row, column)))
    heatmap.edit_wanted.connect(lambda row, column: seen.append(("edit", row, column)))
    heatmap.menu_wanted.connect(lambda row, column, _: seen.append(("menu", row, column)))
    heatmap.let_go_wanted.connect(lambda: seen.append(("let go",)))
    return heatmap, seen


def test_a_drag_with_alt_tells_how_far_it_went(told):
    heatmap, seen = told
    at = heatmap.cell_rect(3, 4).center()
    alt(heatmap, QEvent.Type.MouseButtonPress, at)
    alt(heatmap, QEvent.Type.MouseMove, at + QPointF(12, 90))
    alt(heatmap, QEvent.Type.MouseMove, at + QPointF(-5, 90))
    release(heatmap, at)
    assert seen == [("began", 3, 4), ("dragged", 12), ("dragged", -5), ("ended", True)]


def test_escape_calls_a_drag_off_once(told):
    heatmap, seen = told
    at = heatmap.cell_rect(3, 4).center()
    alt(heatmap, QEvent.Type.MouseButtonPress, at)
    QTest.keyClick(heatmap, Key.Key_Escape)
    release(heatmap, at)
    assert seen == [("began", 3, 4), ("ended", False)]


def test_a_drag_ends_where_the_table_is_hidden(told):
    heatmap, seen = told
    alt(heatmap, QEvent.Type.MouseButtonPress, heatmap.cell_rect(3, 4).center())
    heatmap.hide()
    assert seen == [("began", 3, 4), ("ended", True)]


def test_a_click_tells_its_cell(told):
    heatmap, seen = told
    press(heatmap, heatmap.cell_rect(3, 4).center())
    release(heatmap, heatmap.cell_rect(3, 4).center())
    assert seen == [("clicked", 3, 4)]


def test_the_held_cell_is_dragged_without_a_key_and_a_click_on_it_is_a_click(told):
    heatmap, seen = told
    heatmap.hold((3, 4))
    at = heatmap.cell_rect(3, 4).center()
    press(heatmap, at)
    move(heatmap, at + QPointF(1, 0), LEFT)
    release(heatmap, at)
    assert seen == [("clicked", 3, 4)]
    press(heatmap, at)
    move(heatmap, at + QPointF(30, 0), LEFT)
    release(heatmap, at + QPointF(30, 0))
    assert seen[1:] == [("began", 3, 4), ("dragged", 30), ("ended", True)]


def test_escape_lets_a_held_cell_go_and_is_nobody_s_else(told):
    heatmap, seen = told
    QTest.keyClick(heatmap, Key.Key_Escape)
    assert seen == []
    heatmap.hold((2, 2))
    QTest.keyClick(heatmap, Key.Key_Escape)
    assert seen == [("let go",)]


def test_keys_begin_at_the_held_cell(told):
    heatmap, seen = told
    heatmap.hold((2, 7))
    QTest.keyClick(heatmap, Key.Key_F2, PLAIN)
    assert seen == [("edit", 2, 7)]


@pytest.mark.parametrize(("x", "expected"), [(0.5, ("menu", 6, 5)), (-0.03, ("menu", 6, -1))])
def test_the_menu_is_that_of_the_row_under_the_pointer(told, x, expected):
    heatmap, seen = told
    rect = heatmap.view.rect
    point = QPointF(rect.left() + x * rect.width(), heatmap.row_rect(6).center().y())
    if x > 0:
        point.setX(heatmap.cell_rect(6, 5).center().x())
    ask(heatmap, point.toPoint(), QContextMenuEvent.Reason.Mouse)
    assert seen == [expected]


def test_the_menu_key_is_for_the_cursor(told):
    heatmap, seen = told
    heatmap.hold((4, 1))
    ask(heatmap, QPoint(0, 0), QContextMenuEvent.Reason.Keyboard)
    assert seen == [("menu", 4, 1)]


def test_an_empty_table_is_left_alone(told):
    heatmap, seen = told
    heatmap.set_empty("Nothing yet.")
    QTest.keyClick(heatmap, Key.Key_F2, PLAIN)
    alt(heatmap, QEvent.Type.MouseButtonPress, QPointF(200, 200))
    release(heatmap, QPointF(200, 200))
    ask(heatmap, QPoint(200, 200), QContextMenuEvent.Reason.Mouse)
    assert seen == []


def ask(widget, point, reason):
    QApplication.sendEvent(widget, QContextMenuEvent(reason, point, widget.mapToGlobal(point)))
