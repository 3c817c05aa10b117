import math

import numpy as np
import pytest
from plot_events import leave, move
from PySide6.QtCore import Qt

from embedviz.analysis.rope import rotate
from embedviz.gui.plots.rotation import RotationDials

Key = Qt.Key


@pytest.fixture
def make(qtbot, any_theme):
    def made(size=8, position=5, room=(320, 220)):
        dials = RotationDials(any_theme)
        qtbot.addWidget(dials)
        dials.resize(*room)
        vector = np.random.default_rng(2).normal(size=size).astype(np.float32)
        dials.set_vector("the query of ‘e’", vector, position)
        return dials, vector

    return made


def test_arrows_are_the_pairs_of_the_rotated_vector(make):
    dials, vector = make()
    turned = rotate(vector[None].astype(float), [5])[0]
    for pair in range(4):
        assert dials.arrow(pair) == pytest.approx(tuple(turned[2 * pair : 2 * pair + 2]))


def test_position_0_leaves_all_as_it_is_and_more_positions_turn_further(make):
    dials, vector = make(position=0)
    assert dials.arrow(0) == pytest.approx(tuple(vector[:2]))
    dials.set_vector("q", vector, 3)
    assert dials.turned[0] == pytest.approx(3.0)
    assert dials.turned[3] == pytest.approx(3.0 / 1000)


def test_the_arrow_is_painted_where_it_points(make, any_theme):
    dials, _ = make(size=2, position=0)
    dials.set_vector("q", np.array([1.0, 0.0], np.float32), 0)
    rect = dials.dial_rect(0)
    colour = any_theme.colour("model")
    assert distance(dials, rect.center().x() + rect.width() / 4, rect.center().y(), colour) < 40
    dials.set_vector("q", np.array([0.0, 1.0], np.float32), 0)  # the second axis goes up
    assert distance(dials, rect.center().x(), rect.top() + rect.height() / 4, colour) < 40
    assert distance(dials, rect.center().x(), rect.bottom() - rect.height() / 4, colour) > 40


def distance(dials, x, y, colour):
    """Return how far the most similar pixel near a point is from a colour."""
    image = dials.grab().toImage()
    near = [image.pixelColor(int(x) + i, int(y) + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]

    def parts(c):
        return np.array([c.red(), c.green(), c.blue()])

    return min(np.abs(parts(pixel) - parts(colour)).max() for pixel in near)


@pytest.mark.parametrize("size", [2, 8, 64, 256, 1024])
@pytest.mark.parametrize("room", [(230, 200), (320, 220), (470, 380)])
def test_dials_that_are_shown_are_inside_and_apart(make, size, room):
    dials, _ = make(size, room=room)
    shown = dials.shown_pairs()
    assert shown[0] == 0
    rects = [dials.dial_rect(pair) for pair in shown]
    assert all(dials.rect().toRectF().contains(rect) for rect in rects)
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[i + 1 :])
    hidden = set(range(size // 2)) - set(shown)
    assert all(dials.dial_rect(pair).isEmpty() for pair in hidden)


def test_pointing_names_the_pair_and_its_speed(make):
    dials, _ = make()
    move(dials, dials.dial_rect(1).center())
    degrees = math.degrees(0.1)
    assert dials.sentence(1) == f"numbers 2, 3: {degrees:.2f}° a position, {5 * degrees:.1f}° at 5"
    assert dials.describe().endswith(dials.sentence(1))
    leave(dials)
    assert dials.describe().endswith("4 pairs of the query of ‘e’ at position 5: 57.3° to 0.0573° a position")


def test_keys_go_from_dial_to_dial(make, qtbot):
    dials, vector = make()
    seen = []
    for key in (
        Key.Key_Right,
        Key.Key_Right,
        Key.Key_End,
        Key.Key_Right,
        Key.Key_Left,
        Key.Key_Home,
        Key.Key_Left,
    ):
        qtbot.keyClick(dials, key)
        seen.append(dials._at)
    assert seen == [0, 1, 3, 3, 2, 0, 0]
    qtbot.keyClick(dials, Key.Key_End)
    dials.set_vector("q", vector[:4], 0)
    assert dials._at is None


def test_a_vector_of_zeros_and_none_at_all_are_painted(make, qtbot, any_theme):
    dials, _ = make()
    before = dials.grab().toImage()
    dials.set_vector("q", np.zeros(8, np.float32), 3)
    assert dials.grab().toImage() != before
    empty = RotationDials(any_theme)
    qtbot.addWidget(empty)
    empty.grab()
    assert empty.describe() == ""
