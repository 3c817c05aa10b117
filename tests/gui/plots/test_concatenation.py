from itertools import pairwise

import numpy as np
import pytest
from plot_events import leave, move, pixel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.concatenation import ConcatenationBand

LEVELS = (-4.0, 4.0)
Key = Qt.Key


@pytest.fixture
def make(qtbot, any_theme):
    def made(parts=3, columns=10, missing=0, width=420):
        band = ConcatenationBand(any_theme)
        qtbot.addWidget(band)
        band.resize(width, band.sizeHint().height())
        values = np.linspace(-4, 4, parts * columns, dtype=np.float32).reshape(parts, columns)
        values[:missing] = 0
        present = [part >= missing for part in range(parts)]
        band.set_parts(list("emma" * parts)[:parts], values, LEVELS, "CET-D1", present)
        return band, values

    return made


def colour_of(value):
    red, green, blue, _ = colormaps.table("CET-D1")[colormaps.indices(np.float32(value), LEVELS)]
    return QColor(int(red), int(green), int(blue))


def test_cells_of_all_parts_have_the_tables_colours(make):
    band, values = make()
    image = band.grab().toImage()
    for part in range(3):
        for column in (0, 4, 9):
            place = band.cell_rect(part, column).center()
            assert image.pixelColor(int(place.x()), int(place.y())) == colour_of(values[part, column])


@pytest.mark.parametrize(("parts", "columns"), [(3, 10), (8, 64), (16, 128)])
def test_seams_are_seen_between_the_parts(make, any_theme, parts, columns):
    band, _ = make(parts, columns, width=640)
    rects = [band.part_rect(part) for part in range(parts)]
    image = band.grab().toImage()
    y = int(rects[0].center().y())
    for left, right in pairwise(rects):
        gap = range(round(left.right()), round(right.left()))
        assert len(gap) == any_theme.px(3)
        colours = [image.pixelColor(x, y) for x in gap]
        assert any_theme.colour("card") in colours
        assert any_theme.colour("muted") in colours
    assert band.rect().toRectF().contains(rects[-1])


def test_parts_without_room_for_seams_are_pooled_in_one_row(make):
    band, _ = make(parts=300, columns=10, width=420)
    image = band.grab().toImage()
    first, last = band.part_rect(0), band.part_rect(299)
    y = int(first.center().y())
    low, high = image.pixelColor(int(first.left()) + 1, y), image.pixelColor(int(last.right()) - 2, y)
    assert low.blue() > low.red()
    assert high.red() > high.blue()


def test_a_missing_part_is_hatched_and_has_no_letter(make, any_theme):
    band, _ = make(missing=1)
    assert [band.label(part) for part in range(3)] == ["–", "m", "m"]
    rect = band.part_rect(0).toRect()
    image = band.grab().toImage()
    seen = {image.pixelColor(x, rect.center().y()).name() for x in range(rect.left(), rect.right())}
    assert any_theme.colour("well").name() in seen
    assert len(seen) > 1  # the hatching
    assert colour_of(0.0).name() not in seen


def test_pointing_tells_part_and_column(make):
    band, _ = make()
    seen = []
    band.hovered.connect(lambda part, column: seen.append((part, column)))
    move(band, band.cell_rect(1, 7).center())
    move(band, band.cell_rect(2, 9).center())
    move(band, QPointF(2, 2))
    move(band, band.cell_rect(0, 0).center())
    leave(band)
    assert seen == [(1, 7), (2, 9), (-1, -1), (0, 0), (-1, -1)]


def test_keys_move_over_the_seams(make, qtbot):
    band, _ = make()
    seen = []
    band.hovered.connect(lambda part, column: seen.append((part, column)))
    for key in (Key.Key_Right, Key.Key_End, Key.Key_Right, Key.Key_PageUp, Key.Key_Right, Key.Key_Home):
        qtbot.keyClick(band, key)
    assert seen == [(0, 0), (2, 9), (1, 9), (2, 0), (0, 0)]


def test_fewer_parts_let_go_of_the_cell_pointed_at(make):
    band, values = make()
    move(band, band.cell_rect(2, 3).center())
    seen = []
    band.hovered.connect(lambda part, column: seen.append((part, column)))
    band.set_parts(["e"], values[:1], LEVELS, "CET-D1", [True])
    assert seen == [(-1, -1)]


def test_a_tick_is_under_every_seam(make, any_theme):
    band, _ = make()
    for part in (1, 2):
        rect = band.part_rect(part)
        x = band.part_rect(part - 1).right() + (rect.left() - band.part_rect(part - 1).right()) / 2
        assert pixel(band, QPointF(int(x), rect.bottom() + 1)) == any_theme.colour("muted")


def test_it_says_in_words_what_it_shows(make):
    band, _ = make(missing=1)
    assert band.accessibleName() == "Concatenation"
    assert band.describe() == "30 numbers in 3 parts of 10: – m m"
    move(band, band.cell_rect(1, 2).center())
    assert band.describe().endswith("; at part 2, m, column 2")


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    band = ConcatenationBand(theme)
    qtbot.addWidget(band)
    band.resize(300, 90)
    blank = band.grab().toImage()
    band.set_empty("Select a token of your line.")
    assert band.grab().toImage() != blank
