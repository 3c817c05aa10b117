import itertools

import numpy as np
import pytest
from plot_events import click, double_click, leave, move
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.attention_maps import AttentionMaps

Key = Qt.Key
LABELS = list("the␣cat")


@pytest.fixture
def make(qtbot, any_theme):
    def made(heads=4, count=7, first=0, size=(700, 260), labels=None):
        maps = AttentionMaps(any_theme)
        qtbot.addWidget(maps)
        maps.resize(*size)
        weights = np.tril(np.random.default_rng(1).random((heads, count, count)))
        weights = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
        maps.set_maps(labels or (LABELS * count)[:count], first, weights, count - 1)
        return maps, weights

    return made


def colour_of(weight):
    red, green, blue, _ = colormaps.table("viridis")[colormaps.indices(np.float32(weight), (0.0, 1.0))]
    return QColor(int(red), int(green), int(blue))


def at(image, point):
    return image.pixelColor(int(point.x()), int(point.y()))


def test_cells_have_the_colours_from_0_to_1_and_what_is_ahead_is_blank(make, any_theme):
    maps, weights = make()
    image = maps.grab().toImage()
    for head, row, column in ((0, 0, 0), (1, 4, 2), (3, 5, 5), (2, 3, 0)):
        assert at(image, maps.cell_rect(head, row, column).center()) == colour_of(weights[head, row, column])
    assert at(image, maps.cell_rect(1, 2, 5).center()) == any_theme.colour("card")
    assert colour_of(0.0) != any_theme.colour("card")


@pytest.mark.parametrize("heads", [1, 2, 4, 8, 12, 32])
@pytest.mark.parametrize("count", [1, 8, 128])
@pytest.mark.parametrize("size", [(700, 240), (980, 400)])
def test_maps_of_all_heads_are_square_inside_and_apart(make, heads, count, size):
    maps, _ = make(heads, count, size=size)
    rects = [maps.view(head).rect for head in range(heads)]
    for rect in rects:
        assert maps.rect().toRectF().contains(rect)
        assert rect.width() == pytest.approx(rect.height())
    for i, one in enumerate(rects):
        assert not any(one.intersects(other) for other in rects[i + 1 :])


def test_the_selected_row_is_outlined_in_ink_in_every_head(make, any_theme):
    maps, weights = make()
    maps.set_maps(LABELS, 0, weights, 4)
    image = maps.grab().toImage()
    for head in range(4):
        rect = maps.cell_rect(head, 4, 0)
        left = {at(image, QPointF(rect.left() - off, rect.center().y())).name() for off in (1, 2, 3)}
        assert any_theme.colour("ink").name() in left


def test_the_selected_tokens_label_is_always_there(make):
    maps, _ = make(4, 64)
    maps.set_maps([f"t{i}" for i in range(64)], 0, maps._weights, 37)
    maps.grab()
    named = [text for _, text, mark in maps._axes.placed(maps.view(0), [37], []) if mark.strong]
    assert named == ["t37"]


def test_column_labels_that_do_not_all_fit_stand_apart(make, any_theme):
    maps, _ = make(4, 64)
    placed = [rect for rect, _, _ in maps._beside.placed(maps.view(1), [], [])]
    gaps = [b.left() - a.right() for a, b in itertools.pairwise(placed)]
    assert 2 <= len(placed) < 64
    assert min(gaps) >= any_theme.px(6) - 1


@pytest.mark.parametrize("count", [64, 100])
def test_labels_that_are_left_out_are_dots_between_the_others(make, count):
    maps, _ = make(4, count, labels=list("abcdefghij" * 10)[:count])
    axes, view = maps._axes, maps.view(0)
    rows = [rect for rect, _, _ in axes.placed(view, [], []) if rect.bottom() > view.area.top()]
    gaps = [b.top() - a.bottom() for a, b in itertools.pairwise(rows)]
    assert 2 <= len(rows) < count
    assert min(gaps) >= 4
    dots = axes.dots(view, [], [])
    beside = [dot for dot in dots if dot.x() < view.area.left() and dot.y() > view.area.top()]
    assert len(beside) == len(gaps)
    assert not any(rect.contains(dot) for dot in dots for rect, _, _ in axes.placed(view, [], []))


def test_where_all_labels_have_room_there_are_no_dots(make):
    maps, _ = make(1, 7, size=(400, 400))
    assert maps._axes.dots(maps.view(0), [], []) == []


def test_colours_may_end_at_less_than_1(make):
    maps, weights = make()
    maps.set_maps(LABELS, 0, weights / 8, 6, (0.0, 0.125))
    image = maps.grab().toImage()
    assert at(image, maps.cell_rect(1, 4, 2).center()) == colour_of(weights[1, 4, 2])


def test_pointing_tells_head_row_and_column_and_says_so(make):
    maps, weights = make(first=3)
    seen = []
    maps.hovered.connect(lambda *look: seen.append(look))
    move(maps, maps.cell_rect(1, 5, 3).center())
    assert maps.pointed == (1, 5, 3)
    weight = f"{weights[1, 5, 3]:.3g}"
    assert maps.sentence((1, 5, 3)).startswith(f"head 2: ‘a’ at 8 looks at ‘␣’ at 6: {weight}")
    assert maps.sentence((1, 5, 3)).endswith("(its row adds up to 1)")
    assert maps.sentence((1, 5, 3)) in maps.describe()
    move(maps, maps.cell_rect(1, 2, 5).center())  # ahead: nothing to look at
    move(maps, maps.cell_rect(0, 0, 0).center())
    leave(maps)
    assert seen == [(1, 5, 3), (-1, -1, -1), (0, 0, 0), (-1, -1, -1)]


def test_a_row_of_which_a_part_is_further_back_says_so(make):
    maps, weights = make()
    maps.set_maps(LABELS, 100, weights * np.float32(0.5), 6)
    assert "adds up to 0.500, the rest is further back" in maps.sentence((0, 3, 1))


def test_a_click_anywhere_in_a_row_tells_it(make):
    maps, _ = make()
    seen = []
    maps.row_clicked.connect(seen.append)
    for place in ((0, 5, 2), (3, 1, 6), (2, 0, 0)):
        click(maps, maps.cell_rect(*place).center())
    click(maps, QPointF(maps.width() - 2, maps.height() - 2))
    assert seen == [5, 1, 0]


def test_a_double_click_enlarges_a_head_and_shows_all_again(make):
    maps, weights = make()
    seen = []
    maps.enlarged_changed.connect(seen.append)
    small = maps.view(2).rect.width()
    double_click(maps, maps.cell_rect(2, 3, 1).center())
    assert maps.enlarged == 2
    assert maps.view(2).rect.width() > 2 * small
    assert "head 3 is enlarged" in maps.describe()
    corner = maps.cell_rect(2, 3, 1).topLeft() + QPointF(3, 3)  # beside the number
    assert at(maps.grab().toImage(), corner) == colour_of(weights[2, 3, 1])
    double_click(maps, maps.cell_rect(2, 3, 1).center())
    assert seen == [2, -1]


def test_keys_walk_within_what_can_be_looked_at_and_from_head_to_head(make, qtbot):
    maps, _ = make()
    seen = []
    for key in (
        Key.Key_Down,  # enters at the selected row
        Key.Key_Up,
        Key.Key_Right,
        Key.Key_PageDown,
        Key.Key_Left,
        Key.Key_Left,  # over the edge to the head before
        Key.Key_Right,  # and back
        Key.Key_PageUp,
        Key.Key_PageUp,  # there is none before
    ):
        qtbot.keyClick(maps, key)
        seen.append(maps.pointed)
    assert seen == [
        (0, 6, 0),
        (0, 5, 0),
        (0, 5, 1),
        (1, 5, 1),
        (1, 5, 0),
        (0, 5, 5),
        (1, 5, 0),
        (0, 5, 0),
        (0, 5, 0),
    ]
    qtbot.keyClick(maps, Key.Key_Up)
    assert maps.pointed == (0, 4, 0)


def test_going_up_stays_below_the_diagonal(make, qtbot):
    maps, _ = make()
    move(maps, maps.cell_rect(0, 4, 4).center())
    qtbot.keyClick(maps, Key.Key_Up)
    assert maps.pointed == (0, 3, 3)


def test_return_enlarges_the_head_of_the_cursor(make, qtbot):
    maps, _ = make()
    move(maps, maps.cell_rect(3, 4, 4).center())
    qtbot.keyClick(maps, Key.Key_Return)
    assert maps.enlarged == 3
    qtbot.keyClick(maps, Key.Key_PageUp)  # only this one is to be seen
    assert maps.pointed == (3, 4, 4)
    qtbot.keyClick(maps, Key.Key_Return)
    assert maps.enlarged == -1


def test_fewer_heads_and_tokens_let_go_of_what_was_pointed_at(make):
    maps, weights = make()
    maps.enlarge(3)
    move(maps, maps.cell_rect(3, 6, 6).center())
    maps.set_maps(LABELS[:3], 0, weights[:2, :3, :3], 2)
    assert (maps.enlarged, maps.pointed) == (-1, None)
    assert "2 heads of 3 tokens: t h e" in maps.describe()


def test_it_says_what_the_selected_token_looks_at_most(make):
    maps, weights = make()
    strongest = int(weights[2, 6].argmax())
    assert f"head 3 at ‘{LABELS[strongest]}’ at {strongest}" in maps.describe()


def test_a_height_that_is_not_needed_is_not_used(make):
    maps, _ = make(count=2, size=(980, 400))
    used = maps.height_in(400)
    assert used < 360
    assert used >= max(maps.view(head).rect.bottom() for head in range(4))


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    maps = AttentionMaps(theme)
    qtbot.addWidget(maps)
    maps.resize(400, 200)
    blank = maps.grab().toImage()
    maps.set_empty("This model has no attention.")
    assert maps.grab().toImage() != blank
    click(maps, QPointF(50, 50))
    qtbot.keyClick(maps, Key.Key_Return)
    assert maps.enlarged == -1
