"""Attention in a card: cells from 0 to 1, a row for each head, tokens named below; and rows that have no room."""

from itertools import pairwise

import numpy as np
import pytest
from plot_events import pixel
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_pictures import HEADS, bands, drawn_part, rows_drawn
from embedviz.gui.plots.phase_strip import PhaseStrip
from embedviz.gui.plots.phase_weights import ColumnLabels

WEIGHTS = np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 0.125, 0.0, 0.875]], np.float32)  # (H, T)
IDS = np.array([7, 4, -1, 11])


def letter(token: int) -> str:
    return chr(97 + token)


def weights(picture=WEIGHTS, ids=IDS, **more) -> PhaseCard:
    return PhaseCard(
        "block-1-attention", "Attention", "(2, 4)", "weights", picture, columns=ids, labels=letter, **more
    )


def rows(count: int, **more) -> PhaseCard:
    values = np.zeros((count, 5), np.float32)
    values[: count // 2] = -1
    values[count // 2 :] = 1
    return PhaseCard("norm", "Norm", "(T, C)", "signed", values, **more)


@pytest.fixture
def make(qtbot, any_theme):
    def made(card, size=(300, 200)) -> PhaseStrip:
        strip = PhaseStrip(any_theme)
        qtbot.addWidget(strip)
        strip.resize(*(round(side * any_theme.scale) for side in size))
        strip.set_phases([card])
        return strip

    return made


def test_cells_have_the_colours_of_their_shares_whatever_the_largest_is(make, any_theme):
    for scale in (1.0, 0.5):
        card = weights(WEIGHTS * np.float32(scale))
        strip = make(card)
        cells = ColumnLabels(card, strip.picture_rect(0), any_theme).cells
        for head, place in enumerate(bands(2, cells, any_theme, *HEADS)):
            for column in range(4):
                at = QPointF(place.left() + (column + 0.5) / 4 * place.width(), place.center().y())
                share = np.float32(card.picture[head, column])
                red, green, blue, _ = colormaps.table(colormaps.SEQUENTIAL)[colormaps.indices(share, (0.0, 1.0))]
                assert pixel(strip, at) == QColor(int(red), int(green), int(blue))


def test_columns_are_named_where_all_have_room(theme):
    area = QRectF(10, 20, 200, 60)
    labels = ColumnLabels(weights(), area, theme)
    assert {column: words for column, (words, _) in labels.places.items()} == {0: "h", 1: "e", 2: "–", 3: "l"}
    assert labels.strongest[0] == 3
    for column, (_, place) in labels.places.items():
        assert place.center().x() == pytest.approx(10 + (column + 0.5) * 50)
        assert area.contains(place)
        assert not place.intersects(labels.cells)


@pytest.mark.parametrize("width", [30, 60, 90, 200])
def test_in_a_crowd_the_strongest_are_named_and_apart(theme, width):
    generator = np.random.default_rng(3)
    powers = np.exp(generator.normal(0, 2, (4, 128)))
    picture = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    card = weights(picture, np.arange(128) % 26, marks=(60,))
    area = QRectF(0, 0, width, 60)
    places = ColumnLabels(card, area, theme).places
    assert int(picture.max(0).argmax()) in places
    found = sorted((place.left(), place.right()) for _, place in places.values())
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert all(picture[:, column].max() >= 0.1 or column == 60 for column in places)
    assert all(area.contains(place) for _, place in places.values())


def test_a_low_picture_has_no_names_and_all_cells(theme):
    area = QRectF(0, 0, 200, 14)
    labels = ColumnLabels(weights(), area, theme)
    assert labels.places == {}
    assert labels.cells == area


def test_nothing_is_named_without_ids(theme):
    assert ColumnLabels(weights(ids=None), QRectF(0, 0, 200, 60), theme).places == {}


def test_the_tip_says_where_each_head_looks(make):
    tip = make(weights()).tool_tip(0)
    assert "Head 1: most from ‘h’ at 0, 0.500." in tip
    assert "Head 2: most from ‘l’ at 3, 0.875." in tip
    assert "Colours go from 0 to 1; each row adds up to 1." in tip


@pytest.mark.parametrize("picture", [np.full((2, 4), np.nan), np.zeros((0, 4)), np.zeros((2, 0)), np.eye(3)[:1]])
def test_whatever_the_weights_are_they_are_painted(make, picture):
    strip = make(weights(picture.astype(np.float32), marks=(1, 9)))
    strip.grab()
    assert "nan" not in strip.tool_tip(0)


# ---- rows that have no room


def test_the_last_rows_are_drawn_where_not_all_have_room(make, any_theme):
    card = rows(64)
    strip = make(card, (200, 92))
    rect = strip.picture_rect(0)
    last = strip.rows_drawn(0)
    assert last == rows_drawn(card, rect, any_theme)
    assert 1 < last <= 32
    assert rect.height() / last >= any_theme.px(2)
    assert f"Drawn: the last {last} of 64 rows." in strip.tool_tip(0)
    red, green, blue, _ = colormaps.table(colormaps.DIVERGING)[-2]
    highest = QColor(int(red), int(green), int(blue))
    for share in (0.2, 0.5, 0.9):  # the first half is -1, all of the others +1
        assert pixel(strip, QPointF(rect.center().x(), rect.top() + share * rect.height())) == highest


def test_all_rows_are_drawn_where_they_have_room(theme):
    rect = QRectF(0, 0, 100, 4 * theme.px(2))
    assert rows_drawn(rows(4), rect, theme) == 4
    assert drawn_part(rows(4), rect, theme) == ""
    assert rows_drawn(rows(5), rect, theme) == 4
    assert rows_drawn(rows(4, marks=(1,)), rect, theme) < 4  # the mark below them takes room
    assert drawn_part(rows(2), QRectF(0, 0, 100, theme.px(2)), theme) == "Drawn: the last of 2 rows."


def test_heads_are_never_left_out(theme):
    assert rows_drawn(weights(), QRectF(0, 0, 100, 2), theme) == 2
