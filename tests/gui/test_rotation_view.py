"""The RoPE view: a query that turns, and products that depend on the distance alone."""

import numpy as np
import pytest
from attention_world import LLAMA, FakeController, open_text, snapshot_of
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from embedviz.analysis.figures import figure
from embedviz.analysis.rope import rotate
from embedviz.gui.attention_frame import NO_ATTENTION
from embedviz.gui.rotation_view import NO_ROPE, RotationView, product_at, two_places
from embedviz.gui.theme import Theme


@pytest.fixture
def make(qtbot, qapp, tmp_path):
    def made(config=LLAMA, line="the cat", size=(700, 330)):
        state = open_text(tmp_path / "text.txt", config, line)
        controller = FakeController(state)
        view = RotationView(state, controller, Theme("light"))
        qtbot.addWidget(view)
        view.resize(*size)
        view.set_active(True)
        view.show()
        return view, state, controller

    return made


def words(view):
    return [label.text() for label in view.numbers if label.text()]


def test_it_asks_only_while_it_is_looked_at(make):
    view, _, controller = make()
    view.layer.setCurrentIndex(1)
    view.set_active(False)
    assert controller.asked == [0, 1, -1]


def test_it_begins_with_the_selected_token_and_the_one_before_it(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    assert view._query.text() == "query of ‘t’ at 6 ·"
    assert view.key.currentText() == "key of ‘a’ at 5"
    assert (view.position.value(), view.position.maximum(), view.distance.value()) == (6, 7, 1)


def test_the_dials_show_the_heads_query_at_the_sliders_position(make):
    view, state, _ = make()
    snapshot = snapshot_of(state)
    state.show_snapshot(snapshot)
    view.head.setCurrentIndex(2)
    view.position.setValue(3)
    turned = rotate(snapshot.attention["queries"][2, 6][None], [3])[0]
    for pair in range(4):
        assert view.dials.arrow(pair) == pytest.approx(tuple(turned[2 * pair : 2 * pair + 2].tolist()), abs=1e-5)
    assert view._at.text() == "Query turned to position 3"


def test_products_are_of_the_turned_query_and_key(make):
    view, state, _ = make()
    snapshot = snapshot_of(state)
    state.show_snapshot(snapshot)
    query, key = snapshot.attention["queries"][0, 6], snapshot.attention["keys"][0, 5]
    expected = rotate(np.tile(query, (8, 1)), np.arange(8)) @ rotate(np.tile(key, (8, 1)), np.arange(8)).T
    np.testing.assert_allclose(view.products._products, expected, atol=1e-6)


def test_the_same_distance_gives_the_same_product_and_its_own_without_rotation(make):
    view, state, _ = make(LLAMA.replace(block_size=32), line="the cat sat on")
    snapshot = snapshot_of(state)
    state.show_snapshot(snapshot)
    view.key.setCurrentIndex(8)
    view.distance.setValue(5)
    first, second, difference, plain = words(view)
    assert first.startswith("positions 13, 8: ")
    assert second.startswith("positions 31, 26: ")
    assert first.partition(": ")[2][:5] == second.partition(": ")[2][:5]
    value = difference.removeprefix("difference ")
    assert value == "0" or "10⁻" in value
    product = float(snapshot.attention["queries"][0, 13] @ snapshot.attention["keys"][0, 8])
    assert plain == f"unturned, anywhere: {figure(product, signed=True, digits=4)}"


def test_another_distance_another_product(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    found = set()
    for distance in range(8):
        view.distance.setValue(distance)
        found.add(words(view)[0].partition(": ")[2])
    assert len(found) > 6
    assert "There is no other place so far apart." in words(view)  # the last: from 7 to 0


def test_a_click_in_the_grid_sets_the_position_and_the_distance(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    view.products.cell_chosen.emit(5, 1)
    assert (view.position.value(), view.distance.value()) == (5, 4)
    assert words(view)[0].startswith("positions 5, 1: ")


def test_the_slider_marks_a_row_of_the_grid_and_moves_the_pair(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    view.distance.setValue(2)
    for position in (5, 3):
        view.position.setValue(position)
        assert view.products._row == position
        assert words(view)[0].startswith(f"positions {position}, {position - 2}: ")
    view.position.setValue(1)
    assert words(view)[0].startswith("positions 2, 0: ")  # no key is two before it


def test_choices_stay_while_training_goes_on_and_begin_anew_with_another_token(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    view.position.setValue(2)
    view.distance.setValue(3)
    view.key.setCurrentIndex(1)
    state.show_snapshot(snapshot_of(state, step=121))
    assert (view.position.value(), view.distance.value(), view.key.currentIndex()) == (2, 3, 1)
    state.select(4)
    state.show_snapshot(snapshot_of(state, step=121))
    assert (view.position.value(), view.distance.value(), view.key.currentText()) == (4, 1, "key of ‘␣’ at 3")
    assert view.key.count() == 5


def test_the_first_token_meets_itself(make):
    view, state, _ = make()
    state.select(0)
    state.show_snapshot(snapshot_of(state))
    assert view.key.currentText() == "key of ‘t’ at 0"
    assert view.distance.value() == 0


def test_where_not_all_pairs_have_room_it_says_how_many_are_shown(make, qtbot):
    view, state, _ = make(LLAMA.replace(n_embd=512))
    state.show_snapshot(snapshot_of(state))
    qtbot.waitUntil(lambda: view.dials.width() < 300)  # laid out
    shown = len(view.dials.shown_pairs())
    assert shown < 64
    assert f"({shown} of 64 pairs are shown)" in view._sentence.text()
    view.resize(2400, 1600)
    qtbot.waitUntil(lambda: "pairs are shown" not in view._sentence.text())
    assert len(view.dials.shown_pairs()) == 64


def test_models_whose_positions_do_not_turn_say_so(make):
    for config, why in ((LLAMA.with_model("transformer"), NO_ROPE), (LLAMA.with_model("bigram"), NO_ATTENTION)):
        view, state, controller = make(config)
        assert view.dials._empty == why
        assert controller.asked == []
        assert not view.products.isVisible()
        state.select(2)
        view.position.setValue(1)


def test_arrow_keys_of_the_slider_are_its_own(make, qtbot):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    plain = Qt.KeyboardModifier.NoModifier
    event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Left, plain)
    event.ignore()
    QApplication.sendEvent(view.position, event)
    assert event.isAccepted()
    qtbot.keyClick(view.position, Qt.Key.Key_Left)
    assert view.position.value() == 5


@pytest.mark.parametrize("apart", range(16))
def test_both_places_are_so_far_apart_and_within_the_context(apart):
    places = two_places(apart, 9, 15)
    assert all(m - n == apart and 0 <= n <= m <= 15 for m, n in places)
    assert len(set(places)) == len(places) == (1 if apart == 15 else 2)
    assert places[0] == ((9, 9 - apart) if apart <= 9 else (apart, 0))


def test_a_product_at_two_positions_is_that_of_complex_numbers():
    query, key = np.random.default_rng(6).normal(size=(2, 8))
    speed = 10000.0 ** (-np.arange(0, 8, 2) / 8)
    q, k = query[::2] + 1j * query[1::2], key[::2] + 1j * key[1::2]
    expected = float(np.real(q * np.exp(1j * 11 * speed) * np.conj(k * np.exp(1j * 4 * speed))).sum())
    assert product_at(query, key, 11, 4) == pytest.approx(expected)


def test_numbers_of_fields_stand_off_the_edge(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    assert view.distance.lineEdit().textMargins().left() >= 6
