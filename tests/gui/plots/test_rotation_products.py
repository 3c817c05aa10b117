import numpy as np
import pytest
from plot_events import click, leave, move
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from embedviz.analysis.figures import figure
from embedviz.analysis.rope import dot_products
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.rotation_products import DotProducts, product_colours

Key = Qt.Key


@pytest.fixture
def make(qtbot, any_theme):
    def made(count=8, distance=2, size=300):
        grid = DotProducts(any_theme)
        qtbot.addWidget(grid)
        grid.resize(size, size)
        query, key = np.random.default_rng(5).normal(size=(2, 8)).astype(np.float32)
        products = dot_products(query, key, count)
        grid.set_products(("‘e’", "‘h’"), products, (4, distance), 10.0, "CET-D1")
        return grid, products

    return made


def pixel_of(grid, row, column):
    place = grid.cell_rect(row, column).center()
    return grid.grab().toImage().pixelColor(int(place.x()), int(place.y()))


def test_cells_have_the_products_colours_and_what_is_ahead_is_blank(make, any_theme):
    grid, products = make()
    for row, column in ((0, 0), (5, 1), (7, 6)):
        red, green, blue, _ = colormaps.table("CET-D1")[colormaps.indices(products[row, column], (-10.0, 10.0))]
        assert pixel_of(grid, row, column) == QColor(int(red), int(green), int(blue))
    assert pixel_of(grid, 2, 6) == any_theme.colour("card")


def test_a_diagonal_has_one_colour(make):
    grid, _ = make(distance=0)
    assert len({pixel_of(grid, row, row - 3).name() for row in range(3, 8)}) == 1


@pytest.mark.parametrize("count", [8, 64])
def test_the_diagonal_of_the_distance_is_marked(make, count):
    grid, products = make(count, distance=2)
    before = grid.grab().toImage()
    grid.set_products(("‘e’", "‘h’"), products, (4, 5), 10.0, "CET-D1")
    assert grid.grab().toImage() != before


@pytest.mark.parametrize("count", [8, 64])
def test_the_row_of_the_querys_position_is_marked(make, any_theme, count):
    grid, products = make(count, distance=2)
    for row in (6, 3):
        grid.set_products(("‘e’", "‘h’"), products, (row, 2), 10.0, "CET-D1")
        image, place = grid.grab().toImage(), grid.cell_rect(row, 0)
        ends = {image.pixelColor(int(place.left()) + by, int(place.center().y())).name() for by in (-2, -1, 0, 1)}
        assert any_theme.colour("ink").name() in ends
        assert f"‘e’ at {row}, " in grid.describe()


def test_positions_beyond_the_grid_mark_nothing_and_are_said(make, qtbot):
    grid, products = make(8, distance=2)
    grid.set_products(("‘e’", "‘h’"), products, (100, 90), 10.0, "CET-D1")
    grid.grab()
    assert "distance 90 is beyond them" in grid.describe()
    qtbot.keyClick(grid, Key.Key_Down)
    assert grid._at == (7, 0)


def test_a_click_chooses_the_cell(make):
    grid, _ = make()
    seen = []
    grid.cell_chosen.connect(lambda *cell: seen.append(cell))
    click(grid, grid.cell_rect(7, 3).center())
    click(grid, grid.cell_rect(3, 7).center())
    assert seen == [(7, 3)]


def test_keys_walk_where_there_are_products(make, qtbot):
    grid, _ = make(distance=2)
    seen = []
    grid.cell_chosen.connect(lambda *cell: seen.append(cell))
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Right, Key.Key_Left, Key.Key_Left, Key.Key_Up):
        qtbot.keyClick(grid, key)
    assert seen == [(4, 2), (5, 2), (5, 3), (5, 2), (5, 1), (4, 1)]
    assert grid._at == (4, 1)


def test_it_says_in_words_what_it_shows(make):
    grid, products = make()
    assert grid.describe().startswith("query of ‘e’ at 4, key of ‘h’, at 8 positions each; at distance 2 ")
    move(grid, grid.cell_rect(6, 2).center())
    value = figure(float(products[6, 2]), signed=True, digits=4)
    assert grid.describe().endswith(f"{value} (distance 4)")
    assert "query ‘e’ at 6 · key ‘h’ at 2: " in grid.describe()
    leave(grid)
    assert "distance 4" not in grid.describe()


def test_colours_for_eyes_that_do_not_part_red_from_green():
    assert product_colours(True) != product_colours(False)


def test_nothing_is_painted_as_nothing(qtbot, any_theme):
    grid = DotProducts(any_theme)
    qtbot.addWidget(grid)
    grid.grab()
    assert grid.describe() == ""
    qtbot.keyClick(grid, Key.Key_Down)
    assert grid._at is None
