from itertools import pairwise

import numpy as np
import pytest
from plot_events import leave, move, pixel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.strip import RowStrip


@pytest.fixture
def make(qtbot, any_theme):
    def made(count=3, columns=65, size=(300, 320), selected=2):
        strip = RowStrip(any_theme)
        qtbot.addWidget(strip)
        strip.resize(*size)
        values = np.linspace(-4, 4, count * columns, dtype=np.float32).reshape(count, columns)
        strip.set_rows(
            list("thefoxes")[:count], list(range(40, 40 + count)), values, (-4.0, 4.0), "CET-D1", selected
        )
        return strip, values

    return made


def test_cells_have_the_tables_colours(make):
    strip, values = make()
    image = strip.grab().toImage()
    for row in range(3):
        for column in (0, 13, 40, 64):
            place = strip.cell_rect(row, column).center()
            red, green, blue, _ = colormaps.table("CET-D1")[colormaps.indices(values[row, column], (-4.0, 4.0))]
            assert image.pixelColor(int(place.x()), int(place.y())) == QColor(int(red), int(green), int(blue))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_bands_are_apart_inside_and_equal(make, any_theme, count):
    strip, _ = make(count, size=(300, round(330 * any_theme.scale)))
    bands = [strip.row_rect(row) for row in range(count)]
    assert strip.shown_rows() == range(count)
    assert len({band.height() for band in bands}) == 1
    for one, other in pairwise(bands):
        assert one.bottom() < other.top()
    assert all(strip.rect().toRectF().contains(band) for band in bands)
    assert bands[0].height() <= any_theme.px(56)


def test_rows_without_room_are_owned_up_to(make):
    strip, _ = make(8, size=(300, 90), selected=7)
    shown = strip.shown_rows()
    assert 0 < len(shown) < 8
    assert shown.stop == 8
    assert strip.row_rect(0).isEmpty()
    assert strip.rect().toRectF().contains(strip.row_rect(7))
    strip.grab()


def test_the_selected_row_is_outlined_in_ink(make, any_theme):
    strip, _ = make()
    for row, outlined in [(1, False), (2, True)]:
        band = strip.row_rect(row)
        above = QPointF(band.center().x(), band.top() - any_theme.px(1) - 1)
        assert (pixel(strip, above) == any_theme.colour("ink")) is outlined


def test_pointing_tells_row_and_column(make):
    strip, _ = make()
    seen = []
    strip.hovered.connect(lambda row, column: seen.append((row, column)))
    move(strip, strip.cell_rect(1, 17).center())
    move(strip, strip.cell_rect(2, 64).center())
    move(strip, QPointF(1, 1))
    leave(strip)
    assert seen == [(1, 17), (2, 64), (-1, -1)]


def test_arrows_point_at_cells(make, qtbot):
    strip, _ = make()
    seen = []
    strip.hovered.connect(lambda row, column: seen.append((row, column)))
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(strip, key)
    assert seen == [(2, 0), (2, 1), (1, 1), (2, 1)]


def test_fewer_rows_let_go_of_the_cell_pointed_at(make):
    strip, values = make()
    move(strip, strip.cell_rect(2, 3).center())
    with_one = values[:1]
    seen = []
    strip.hovered.connect(lambda row, column: seen.append((row, column)))
    strip.set_rows(["t"], [40], with_one, (-4.0, 4.0), "CET-D1", None)
    assert seen == [(-1, -1)]
    strip.grab()


def test_many_columns_are_pooled_and_not_skipped(make):
    strip, _ = make(1, columns=3000, selected=None)
    band = strip.row_rect(0)
    image = strip.grab().toImage()
    y = int(band.center().y())
    left = image.pixelColor(int(band.left()) + 1, y)
    right = image.pixelColor(int(band.right()) - 2, y)
    assert left.blue() > left.red()
    assert right.red() > right.blue()


def test_it_says_in_words_what_it_shows(make):
    strip, _ = make()
    assert strip.accessibleName() == "Rows looked up"
    assert strip.describe() == "3 rows: t h e; selected row e"


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    strip = RowStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(200, 200)
    blank = strip.grab().toImage()
    strip.set_empty("Select a token of your line: its row appears here.")
    assert strip.grab().toImage() != blank
