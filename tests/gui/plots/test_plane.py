import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import click, leave, move, pixel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.gui.plots.plane import TokenPlane
from embedviz.gui.plots.plane_places import labelled, stamped

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


def test_both_axes_have_the_same_scale_and_show_the_limit(make):
    plane = make()
    middle, right, left, up, down = plane.positions()
    assert right[0] - middle[0] == pytest.approx(middle[1] - up[1])
    assert middle[0] - left[0] == pytest.approx(down[1] - middle[1])
    assert middle.tolist() == [plane.plot_rect().center().x(), plane.plot_rect().center().y()]
    reach = 3.0 * plane.scale
    assert reach <= min(plane.plot_rect().width(), plane.plot_rect().height()) / 2


def test_points_stay_where_they_are_while_the_limit_does(make):
    plane = make()
    before = plane.positions()[1].tolist()
    plane.set_points(tuple("mrlud"), CROSS * np.float32([[1], [1], [1.4], [1], [1]]), 3.0, np.arange(5))
    assert plane.positions()[1].tolist() == before


def test_the_order_decides_whose_label_is_drawn(make):
    same = np.zeros((3, 2), dtype=np.float32)
    plane = make(same, "abc", order=np.array([1, 2, 0]))
    assert plane.labelled_tokens().tolist() == [1]
    plane.set_marked([0], 2, -1)
    assert plane.labelled_tokens().tolist() == [2, 0]  # always, and they leave no room for 1


def test_a_token_without_room_is_a_dot(make, any_theme):
    apart = np.array([[-2, 0], [-2, 0], [2, 2]], dtype=np.float32)
    plane = make(np.vstack([apart, [[2.6, -2.6]]]).astype(np.float32), "Mabc", order=np.array([0, 1, 2, 3]))
    assert plane.labelled_tokens().tolist() == [0, 2, 3]
    image = stamped(np.array([[5.0, 5.0]]), (20, 20), QColor("red"), 1.6, 1.0).image
    assert image.pixelColor(5, 5) == QColor("red")
    assert image.pixelColor(12, 12).alpha() == 0


def test_the_selected_token_is_filled_with_ink(make, any_theme):
    plane = make()
    plane.set_marked([1, 3], 3, -1)
    box = plane.label_rect(3)
    assert pixel(plane, QPointF(box.left() - any_theme.px(2), box.center().y())) == any_theme.colour("ink")
    context = plane.label_rect(1)
    assert pixel(plane, QPointF(context.left() - 1, context.center().y())) == any_theme.colour("card")


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
    assert plane.describe() == "2 tokens between −3 and +3"


def test_it_says_in_words_what_it_shows(make):
    plane = make()
    plane.set_marked([], 1, 4)
    assert plane.describe() == "5 tokens between −3 and +3; selected r  (+2.00, 0); at d  (0, −2.00)"
    plane.set_points(tuple("mrlud"), CROSS * 50, 3.0, np.arange(5))
    assert ", 4 outside the picture" in plane.describe()


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
def test_no_label_hides_another_and_the_first_in_order_has_one(places, seed):
    centres = np.array(places)
    rng = np.random.default_rng(seed)
    widths, order = rng.integers(4, 60, len(centres)).astype(np.float64), rng.permutation(len(centres))
    kept = labelled(centres, (widths, 12.0), (300.0, 200.0), order, [])
    inside = [i for i in order if 0 <= centres[i, 0] <= 300 and 0 <= centres[i, 1] <= 200]
    assert set(kept) <= set(inside)
    assert kept.tolist()[:1] == [int(i) for i in inside[:1]]
    visible = (
        np.clip(centres[kept, 0] - widths[kept] / 2, 0, 300),
        np.clip(centres[kept, 0] + widths[kept] / 2, 0, 300),
    )
    for a in range(len(kept)):
        for b in range(a):
            apart = visible[1][a] <= visible[0][b] or visible[1][b] <= visible[0][a]
            assert apart or abs(centres[kept[a], 1] - centres[kept[b], 1]) >= 12.0


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    plane = TokenPlane(theme)
    qtbot.addWidget(plane)
    plane.resize(200, 200)
    blank = plane.grab().toImage()
    plane.set_empty("The trainer is warming up.")
    assert plane.grab().toImage() != blank
