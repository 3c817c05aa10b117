import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import click, double_click, drag, leave, move, turn_wheel
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.heatmap_view import GridView


@pytest.fixture
def heatmap(qtbot, theme):
    made = Heatmap(theme)
    qtbot.addWidget(made)
    made.resize(600, 600)
    names = [str(k) for k in range(65)]
    made.set_labels(names, names)
    made.set_data(np.zeros((65, 65), np.float32), (-1.0, 1.0), "CET-D1")
    made.show()
    return made


@pytest.fixture
def cells(heatmap):
    seen = []
    heatmap.hovered.connect(lambda row, column: seen.append((row, column)))
    return seen


def test_pointing_at_a_cell_tells_its_row_and_column(heatmap, cells):
    for cell in [(0, 0), (64, 64), (7, 33)]:
        move(heatmap, heatmap.cell_rect(*cell).center())
    assert cells == [(0, 0), (64, 64), (7, 33)]


def test_leaving_or_pointing_beside_the_table_tells_minus_one(heatmap, cells):
    move(heatmap, heatmap.cell_rect(3, 3).center())
    move(heatmap, QPointF(2, 2))
    move(heatmap, heatmap.cell_rect(3, 3).center())
    leave(heatmap)
    assert cells == [(3, 3), (-1, -1), (3, 3), (-1, -1)]


def test_the_same_cell_is_told_once(heatmap, cells):
    middle = heatmap.cell_rect(3, 3).center()
    move(heatmap, middle)
    move(heatmap, middle + QPointF(1, 1))
    assert cells == [(3, 3)]


def test_the_wheel_zooms_about_the_pointer(heatmap, cells):
    point = heatmap.cell_rect(20, 40).center()
    before = heatmap.view.cell_width
    assert turn_wheel(heatmap, point, 5)
    assert heatmap.view.cell_width == pytest.approx(before * 1.2**5)
    assert heatmap.cell_rect(20, 40).center().x() == pytest.approx(point.x())
    assert heatmap.cell_rect(20, 40).center().y() == pytest.approx(point.y())
    assert cells == [(20, 40)]


def test_hovering_is_right_after_zooming_and_dragging(heatmap, cells):
    turn_wheel(heatmap, heatmap.cell_rect(30, 30).center(), 6)
    there = heatmap.view.rect.center()
    row, column = heatmap.view.cell_at(there.x(), there.y())
    shift = QPointF(3 * heatmap.view.cell_width, -2 * heatmap.view.cell_height)
    drag(heatmap, there, there + shift)
    assert heatmap.cell_rect(row, column).contains(there + shift)
    move(heatmap, there)
    assert cells[-1] == (row + 2, column - 3)


def test_the_table_cannot_be_dragged_out_of_sight(heatmap):
    turn_wheel(heatmap, heatmap.view.rect.center(), 4)
    drag(heatmap, QPointF(300, 300), QPointF(9000, 9000))
    assert heatmap.cell_rect(0, 0).topLeft() == heatmap.view.rect.topLeft()


def test_a_drag_is_no_click_and_a_click_no_drag(heatmap):
    clicked = []
    heatmap.row_clicked.connect(clicked.append)
    drag(heatmap, QPointF(300, 300), QPointF(340, 340))
    assert clicked == []
    click(heatmap, heatmap.cell_rect(12, 5).center())
    assert clicked == [12]


def test_a_double_click_shows_all(heatmap):
    turn_wheel(heatmap, QPointF(300, 300), 4)
    assert len(heatmap.view.shown_rows) < 65
    double_click(heatmap, QPointF(300, 300))
    assert heatmap.view.shown_rows == range(65)
    assert heatmap.view.shown_columns == range(65)


def test_the_wheel_is_left_to_others_where_it_can_do_nothing(heatmap):
    assert not turn_wheel(heatmap, QPointF(300, 300), -1)


def test_zooming_ends_where_cells_are_large(heatmap, theme):
    turn_wheel(heatmap, QPointF(300, 300), 100)
    assert min(heatmap.view.cell_width, heatmap.view.cell_height) == pytest.approx(theme.px(64))


def test_centering_makes_a_row_readable(heatmap, theme):
    heatmap.center_on(40)
    assert heatmap.view.cell_height >= theme.px(16) - 1e-6
    assert heatmap.row_rect(40).center().y() == pytest.approx(heatmap.view.rect.center().y())
    heatmap.center_on(20, 30)
    assert heatmap.cell_rect(20, 30).center().x() == pytest.approx(heatmap.view.rect.center().x())


def test_a_tall_table_is_zoomed_where_it_is_crowded_first():
    area = QRectF(0, 0, 512, 800)
    fit = GridView(8000, 256, area)
    nearer = GridView(8000, 256, area, zoom=5)
    assert nearer.cell_height == pytest.approx(5 * fit.cell_height)
    assert nearer.cell_width == fit.cell_width
    near = GridView(8000, 256, area, zoom=100)
    assert near.cell_height == pytest.approx(near.cell_width)


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.floats(1, 50),
    st.tuples(st.floats(-10, 4000), st.floats(-10, 4000)),
)
def test_every_cell_on_screen_is_found_at_its_middle(rows, columns, zoom, centre):
    view = GridView(rows, columns, QRectF(40, 20, 700, 500), zoom=zoom, centre=centre)
    assert view.top_row >= 0
    assert view.left_column >= 0
    assert view.area.contains(view.rect)
    middle_row = view.shown_rows[len(view.shown_rows) // 2]
    middle_column = view.shown_columns[len(view.shown_columns) // 2]
    rect = view.cells_rect(middle_row, middle_column, 1, 1).intersected(view.rect)
    assert view.cell_at(rect.center().x(), rect.center().y()) == (middle_row, middle_column)


def test_arrows_move_a_cell_cursor(qtbot, heatmap, cells):
    heatmap.set_outlined([10], 10)
    qtbot.keyClick(heatmap, Qt.Key.Key_Right)
    qtbot.keyClick(heatmap, Qt.Key.Key_Right)
    qtbot.keyClick(heatmap, Qt.Key.Key_Down)
    qtbot.keyClick(heatmap, Qt.Key.Key_Left)
    qtbot.keyClick(heatmap, Qt.Key.Key_Up)
    assert cells == [(10, 0), (10, 1), (11, 1), (11, 0), (10, 0)]


def test_the_cursor_stays_on_screen(qtbot, heatmap):
    heatmap.center_on(20, 20)
    for _ in range(40):
        qtbot.keyClick(heatmap, Qt.Key.Key_Down)
    row, column = heatmap.cursor_cell
    assert row == 60 or row == 59
    assert heatmap.view.rect.contains(heatmap.cell_rect(row, column).center())


def test_keys_zoom(qtbot, heatmap):
    qtbot.keyClick(heatmap, Qt.Key.Key_Plus)
    qtbot.keyClick(heatmap, Qt.Key.Key_Plus)
    assert len(heatmap.view.shown_rows) < 65
    qtbot.keyClick(heatmap, Qt.Key.Key_Minus)
    qtbot.keyClick(heatmap, Qt.Key.Key_0)
    assert heatmap.view.shown_rows == range(65)


@pytest.mark.parametrize(
    ("key", "modifiers", "claimed"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, True),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, False),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.ShiftModifier, True),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier, False),
        (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, False),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, False),
    ],
)
def test_only_its_own_keys_are_kept_from_the_windows_shortcuts(heatmap, key, modifiers, claimed):
    event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, key, modifiers)
    event.ignore()
    QApplication.sendEvent(heatmap, event)
    assert event.isAccepted() is claimed


def test_the_focus_ring_shows_for_the_keyboard_only(qtbot, heatmap, theme):
    heatmap.activateWindow()
    corner = heatmap.rect().center()
    corner.setX(0)
    heatmap.setFocus(Qt.FocusReason.MouseFocusReason)
    assert heatmap.grab().toImage().pixelColor(corner) == theme.colour("card")
    heatmap.clearFocus()
    heatmap.setFocus(Qt.FocusReason.TabFocusReason)
    assert heatmap.grab().toImage().pixelColor(corner) == theme.colour("model")


def test_another_shape_shows_all_and_forgets_the_cell(heatmap, cells):
    heatmap.center_on(3, 3)
    move(heatmap, heatmap.cell_rect(3, 3).center())
    heatmap.set_data(np.zeros((2, 2), np.float32), (0.0, 1.0), "viridis")
    assert heatmap.view.shown_rows == range(2)
    assert cells == [(3, 3), (-1, -1)]


def test_moving_and_resizing_is_told(heatmap, qtbot):
    with qtbot.waitSignal(heatmap.view_changed):
        heatmap.center_on(3)
    with qtbot.waitSignal(heatmap.view_changed):
        heatmap.resize(400, 500)
