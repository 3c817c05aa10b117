import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import click, leave, move, pixel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.gui.plots.plane import TokenPlane
from embedviz.gui.plots.plane_axes import tick_words
from embedviz.gui.plots.plane_places import CELL, SIDES, Crowd, labelled, stamped
from embedviz.gui.plots.plane_range import SHRINK_AFTER, StableRange, round_step

Key = Qt.Key
CROSS = np.array([[0, 0], [2, 0], [-2, 0], [0, 2], [0, -2]], dtype=np.float32)  # middle, right, left, up, down


@pytest.fixture
def make(qtbot, any_theme):
    def made(values=CROSS, labels="mrlud", limit=3.0, order=None):
        plane = TokenPlane(any_theme)
        qtbot.addWidget(plane)
        plane.resize(500, 400)
        plane.set_points(tuple(labels), values, limit, np.arange(len(values)) if order is None else order)
        return plane

    return made


def test_both_axes_have_the_same_scale_and_hug_the_tokens(make):
    plane = make(CROSS + np.float32([10, -3]), limit=15.0)
    middle, right, left, up, down = plane.positions()
    assert right[0] - middle[0] == pytest.approx(middle[1] - up[1])
    assert middle[0] - left[0] == pytest.approx(down[1] - middle[1])
    assert middle.tolist() == pytest.approx([plane.plot_rect().center().x(), plane.plot_rect().center().y()])
    assert down[1] - up[1] > 0.8 * plane.plot_rect().height()


def test_points_stay_where_they_are_while_others_move_a_little(make):
    plane = make()
    before = plane.positions()[1].tolist()
    plane.set_points(tuple("mrlud"), CROSS * np.float32([[1], [1], [0.9], [1], [1]]), 3.0, np.arange(5))
    assert plane.positions()[1].tolist() == before


def test_another_run_has_other_axes_at_once(make):
    plane = make(CROSS * 4, limit=10.0)
    plane.set_points(tuple("mrlud"), CROSS * 3.5, 10.0, np.arange(5))
    wide = plane.scale
    plane.set_points(tuple("mrlud"), CROSS * 3.5, 7.0, np.arange(5))
    assert plane.scale > wide


def test_the_order_decides_whose_label_is_drawn(make):
    same = np.zeros((40, 2), dtype=np.float32)
    plane = make(same, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN", order=np.array([1, 2, 0, *range(3, 40)]))
    shown = plane.labelled_tokens().tolist()
    assert shown[:3] == [1, 2, 0]
    assert len(shown) < 40  # the others are the same dot
    plane.set_marked([30], 31, -1)
    assert plane.labelled_tokens().tolist()[:3] == [31, 30, 1]


def test_a_token_without_room_is_a_dot(make, any_theme):
    plane = make()
    x, y = plane.positions()[1]
    assert pixel(plane, QPointF(x, y)) == any_theme.colour("muted")
    image = stamped(np.array([[5.0, 5.0]]), (20, 20), QColor("red"), 1.6, 1.0).image
    assert image.pixelColor(5, 5) == QColor("red")
    assert image.pixelColor(12, 12).alpha() == 0


def test_a_crowd_of_letters_has_its_labels(make, any_theme):
    values = np.random.default_rng(1).normal(size=(27, 2)).astype(np.float32)
    plane = make(values, "abcdefghijklmnopqrstuvwxyz.", limit=3.0)
    plane.resize(any_theme.px(700), any_theme.px(560))
    assert len(plane.labelled_tokens()) == 27
    dots = plane.positions()
    for token in range(27):
        box = plane.label_rect(token)
        assert not any(box.contains(x, y) for x, y in dots)


def test_marked_labels_cover_no_dot(make):
    values = np.array([[0, 0], [0.2, 0], [-0.25, 0.05], [2, 2], [-2, -2]], dtype=np.float32)
    plane = make(values)
    plane.set_marked([0, 1], 1, -1)
    for token in (0, 1):
        assert not any(plane.label_rect(token).contains(x, y) for x, y in plane.positions())


def test_labels_stay_on_their_side_while_the_tokens_move(make):
    values = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    plane = make(values, [f"t{i}" for i in range(60)])
    before = [plane.label_rect(i).center() - QPointF(*plane.positions()[i]) for i in range(60)]
    shown = set(plane.labelled_tokens().tolist())
    plane.set_points(tuple(f"t{i}" for i in range(60)), values + np.float32(0.001), 3.0, np.arange(60))
    after = [plane.label_rect(i).center() - QPointF(*plane.positions()[i]) for i in range(60)]
    both = shown & set(plane.labelled_tokens().tolist())
    same = [i for i in both if (before[i] - after[i]).manhattanLength() < 1e-6]
    assert len(same) > 0.8 * len(shown)


def test_the_selected_token_is_filled_with_ink(make, any_theme):
    plane = make()
    plane.set_marked([1, 3], 3, -1)
    inside = any_theme.px(5)
    box = plane.label_rect(3)
    assert pixel(plane, QPointF(box.left() + inside, box.center().y())) == any_theme.colour("ink")
    context = plane.label_rect(1)
    assert pixel(plane, QPointF(context.left() + inside - 2, context.center().y())) == any_theme.colour("card")


def test_pointing_and_clicking_tell_the_token(make):
    plane = make()
    hovered, clicked = [], []
    plane.hovered.connect(hovered.append)
    plane.clicked.connect(clicked.append)
    places = [QPointF(x, y) for x, y in plane.positions()]
    move(plane, places[2])
    move(plane, places[3] + QPointF(3, 3))
    click(plane, places[3])
    leave(plane)
    click(plane, (places[0] + places[1]) / 2)  # far from any
    assert hovered == [2, 3, -1]
    assert clicked == [3]


def test_arrows_go_to_the_nearest_token_on_that_side(make, qtbot):
    plane = make()
    hovered, clicked = [], []
    plane.hovered.connect(hovered.append)
    plane.clicked.connect(clicked.append)
    keys = (Key.Key_Home, Key.Key_Up, Key.Key_Up, Key.Key_Down, Key.Key_Left, Key.Key_Right, Key.Key_Return)
    for key in keys:
        qtbot.keyClick(plane, key)
    assert hovered == [0, 3, 0, 2, 0]
    assert clicked == [0]


def test_fewer_tokens_let_go_of_the_one_pointed_at(make):
    plane = make()
    move(plane, QPointF(*plane.positions()[4]))
    plane.set_points(tuple("mr"), CROSS[:2], 3.0, np.arange(2))
    assert plane.describe().startswith("2 tokens, column 0 from ")
    assert "; at" not in plane.describe()


def test_it_says_in_words_what_it_shows(make):
    plane = make()
    plane.set_marked([], 1, 4)
    assert plane.describe() == (
        "5 tokens, column 0 from −2.40 to +2.40, column 1 from −2.40 to +2.40; "
        "selected r  (+2.00, 0); at d  (0, −2.00)"
    )


def test_pointing_at_a_label_means_its_token(make):
    plane = make()
    assert plane.place_at(*plane.label_rect(2).center().toTuple()) == 2


def test_what_is_not_a_number_is_left_out(make):
    values = CROSS.copy()
    values[1] = np.nan
    plane = make(values)
    plane.set_marked([1], 1, 1)
    plane.grab()
    assert 1 not in plane.labelled_tokens()


def test_ten_thousand_tokens_are_painted(make):
    values = np.random.default_rng(1).normal(size=(10_000, 2)).astype(np.float32)
    plane = make(values, [f"t{i}" for i in range(10_000)], limit=4.5)
    plane.set_marked([9_999], 9_998, -1)
    plane.grab()
    assert {9_998, 9_999} <= set(plane.labelled_tokens().tolist())


@given(
    st.lists(st.tuples(st.floats(-20, 320), st.floats(-20, 220)), min_size=1, max_size=60),
    st.integers(0, 2**32 - 1),
)
def test_no_label_hides_another_or_a_dot(places, seed):
    points = np.array(places)
    rng = np.random.default_rng(seed)
    sizes = np.stack([rng.integers(4, 60, len(points)), np.full(len(points), 12)], axis=1).astype(np.float64)
    crowd = Crowd(points, sizes, (300.0, 200.0), 3.0, 1.0)
    kept = labelled(crowd, rng.permutation(len(points)), [], {})
    inside = {i for i, (x, y) in enumerate(places) if 0 <= x <= 300 and 0 <= y <= 200}
    assert set(kept) <= inside
    boxes = {}
    for token, side in kept.items():
        left, top = crowd.corner(token, side)
        width, height = sizes[token]
        assert left >= 0
        assert top >= 0
        assert left + width <= 300
        assert top + height <= 200
        boxes[token] = left, top, left + width, top + height
        for x, y in points[sorted(inside)]:
            assert not (left < x < left + width and top < y < top + height)
    for a, one in boxes.items():
        for b, other in boxes.items():
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert a == b or apart


def test_a_strong_label_is_drawn_even_where_it_has_no_room():
    crowd = Crowd(np.full((2, 2), 5.0), np.full((2, 2), 9.0), (10.0, 10.0), 3.0, 1.0)
    assert set(labelled(crowd, np.arange(2), [1], {})) == {1}
    assert len(set(SIDES)) == len(SIDES)


@given(st.floats(50, 60), st.floats(50, 60))
def test_a_lone_dot_has_its_label_right_of_it(x, y):
    crowd = Crowd(np.array([[x, y]]), np.full((1, 2), 9.0), (100.0, 100.0), 3.0, CELL)
    assert labelled(crowd, np.arange(1), [], {}) == {0: 0}


def test_a_range_grows_at_once_and_shrinks_late():
    axis = StableRange()
    axis.update(np.float32([3, 5]), 1.0)
    assert 2.5 < axis.low <= 3
    assert 5 <= axis.high < 5.5
    low = axis.low
    axis.update(np.float32([3, 7]), 1.0)
    assert axis.low == low
    assert axis.high >= 7
    for frame in range(SHRINK_AFTER):
        assert axis.high >= 7, frame
        axis.update(np.float32([3, 5]), 1.0)
    assert axis.high < 5.5
    axis.update(np.float32([4, 4.1]), 1.0)  # much smaller: not a step of training
    assert axis.low > 3.9
    axis.update(np.float32([4, np.nan, np.inf]), 1.0)
    axis.update(np.float32([np.nan]), 1.0)
    assert axis.low < axis.high


@pytest.mark.parametrize(("least", "step"), [(0.011, 0.02), (0.2, 0.2), (3, 5), (6, 10), (1, 1)])
def test_steps_are_round(least, step):
    assert round_step(least) == pytest.approx(step)


def test_numbers_of_an_axis_have_the_decimals_that_they_need():
    assert [tick_words(value, 0.05) for value in (-0.1, 0.0, 0.15)] == ["−0.10", "0", "+0.15"]
    assert tick_words(1200, 200) == "+1,200"


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    plane = TokenPlane(theme)
    qtbot.addWidget(plane)
    plane.resize(200, 200)
    blank = plane.grab().toImage()
    plane.set_empty("The trainer is warming up.")
    assert plane.grab().toImage() != blank
