"""The attention view: which numbers of which context it shows, and how rows and tokens belong together."""

import numpy as np
import pytest
from attention_world import LLAMA, FakeController, open_text, snapshot_of
from plots.plot_events import click, leave, move
from PySide6.QtCore import Qt

from embedviz.analysis.figures import figure
from embedviz.analysis.levels import nice_limit
from embedviz.config import RunConfig
from embedviz.gui.attention_frame import NO_ATTENTION, NO_LAYER, NO_TOKEN
from embedviz.gui.attention_lines import wrapped
from embedviz.gui.attention_view import AttentionView
from embedviz.gui.theme import Theme


@pytest.fixture
def make(qtbot, qapp, tmp_path):
    def made(config=LLAMA, line="the cat", size=(700, 330), **text):
        state = open_text(tmp_path / "text.txt", config, line, **text)
        controller = FakeController(state)
        view = AttentionView(state, controller, Theme("light"))
        qtbot.addWidget(view)
        view.resize(*size)
        view.set_active(True)
        view.show()
        return view, state, controller

    return made


def words(view):
    return [line.text() for line in view.lines if line.isVisible()]


def test_it_asks_only_while_it_is_looked_at(make):
    view, _, controller = make()
    view.set_active(False)
    view.set_active(True)
    view.layer.setCurrentIndex(1)
    view.set_active(False)
    assert controller.asked == [0, -1, 0, 1, -1]


def test_the_selected_row_is_printed_for_each_head_the_largest_first(make):
    view, state, _ = make()
    snapshot = snapshot_of(state)
    state.show_snapshot(snapshot)
    assert len(words(view)) == 4
    weights = snapshot.attention["weights"][1, 6]
    largest = int(weights.argmax())
    label = "the␣cat"[largest]
    assert words(view)[1].startswith(f"‘t’ at 6 in head 2: ‘{label}’ at {largest} {weights[largest]:.2f} · ")
    assert " 0.00" not in words(view)[1]


def test_many_heads_have_the_line_of_the_one_pointed_at_or_enlarged(make):
    view, state, _ = make(LLAMA.replace(n_head=8))
    state.show_snapshot(snapshot_of(state))
    named = [line for line in words(view) if " in head " in line]  # what has no room in a line stands in the next
    assert [line[:20] for line in named] == ["‘t’ at 6 in head 1: "]
    move(view.maps, view.maps.cell_rect(5, 3, 1).center())
    assert words(view)[0].startswith("‘t’ at 6 in head 6: ")
    view.head.setCurrentIndex(3)
    leave(view.maps)
    assert view.maps.enlarged == 2
    assert words(view)[0].startswith("‘t’ at 6 in head 3: ")
    view.maps.enlarge(-1)
    assert view.head.currentText() == "All heads"


def test_a_click_on_a_row_selects_its_token_and_the_map_stays(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    click(view.maps, view.maps.cell_rect(0, 3, 1).center())
    assert state.selected == 3
    assert words(view)[0].startswith("‘␣’ at 3 in head 1: ")
    shorter = snapshot_of(state)
    assert shorter.attention["weights"].shape == (4, 4, 4)
    state.show_snapshot(shorter)
    assert "weights (4, 7, 7)" in view._title.text()  # the numbers are the same, and rows after it can be clicked
    click(view.maps, view.maps.cell_rect(0, 5, 0).center())
    assert state.selected == 5


def test_the_map_of_a_clicked_row_stays_in_later_steps(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    read = state.line_ids.copy()
    click(view.maps, view.maps.cell_rect(0, 3, 1).center())
    for step in (121, 122):
        state.show_snapshot(snapshot_of(state, step, longer=read))
        assert f"weights (4, 7, 7) · 7 tokens · step {step}" in view._title.text()
        assert words(view)[0].startswith("‘␣’ at 3 in head 1: ")
    assert view.maps._selected == 3
    click(view.maps, view.maps.cell_rect(0, 5, 0).center())
    assert state.selected == 5


def test_without_a_longer_one_another_step_shows_the_context_that_is_selected_then(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    state.select(3)
    state.show_snapshot(snapshot_of(state, step=121))
    assert "weights (4, 4, 4) · 4 tokens · step 121" in view._title.text()


def test_of_a_longer_context_what_stands_in_the_line_no_more_is_cut_off(make):
    view, state, _ = make()
    read = state.line_ids.copy()
    state.set_line("the c")
    state.select(3)
    state.show_snapshot(snapshot_of(state, step=121, longer=read))
    frame = view._frame
    assert frame is not None
    assert (frame.labels, frame.places) == (tuple("the␣c"), (0, 1, 2, 3, 4))
    assert frame.weights.shape == (4, 5, 5)
    state.set_line("the dog")
    state.select(3)
    state.show_snapshot(snapshot_of(state, step=122, longer=read))
    assert view._frame is not None
    assert view._frame.labels == tuple("the␣")


def test_a_longer_context_replaces_the_map_when_it_comes(make):
    view, state, _ = make()
    state.select(2)
    state.show_snapshot(snapshot_of(state))
    state.select(6)
    assert "weights (4, 3, 3)" in view._title.text()  # still that of before
    assert words(view) == []  # and it has no row for the token
    state.show_snapshot(snapshot_of(state))
    assert "weights (4, 7, 7)" in view._title.text()


def test_a_context_that_begins_elsewhere_is_another_map(make):
    view, state, _ = make(LLAMA.replace(block_size=4))
    state.show_snapshot(snapshot_of(state))
    state.select(4)  # its context begins two tokens before
    state.show_snapshot(snapshot_of(state))
    frame = view._frame
    assert frame is not None
    assert frame.places == (1, 2, 3, 4)


def test_another_line_lets_go_of_the_map(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    state.set_line("mat on the cat")
    assert view._frame is None
    assert "warming up" in view.maps._empty


def test_rows_are_at_their_positions_where_only_the_last_tokens_are_sent(make):
    view, state, _ = make(LLAMA.replace(block_size=256), line="the cat sat " * 20)
    state.show_snapshot(snapshot_of(state))
    frame = view._frame
    assert frame is not None
    assert (frame.first, len(frame.labels), len(frame.read)) == (112, 128, 240)
    assert frame.row_of(239) == 127
    assert frame.row_of(111) is None
    assert "the last 128 of 240 tokens" in view._title.text()
    assert words(view)[0].startswith("‘␣’ at 239 in head 1: ")


def test_a_boundary_before_an_item_has_a_row_that_selects_nothing(make):
    view, state, _ = make(LLAMA.replace(per_line=True), line="tom", text="tom\nmoe\nmot\n" * 8)
    state.show_snapshot(snapshot_of(state))
    frame = view._frame
    assert frame is not None
    assert frame.labels == ("↵", "t", "o", "m")
    assert frame.places == (-1, 0, 1, 2)
    click(view.maps, view.maps.cell_rect(0, 0, 0).center())
    assert state.selected == 2
    click(view.maps, view.maps.cell_rect(0, 1, 0).center())
    assert state.selected == 0


def test_pointing_marks_the_token_looked_at_everywhere(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    move(view.maps, view.maps.cell_rect(1, 5, 2).center())
    assert state.hovered_token == state.line_ids[2]
    leave(view.maps)
    assert state.hovered_token == -1
    state.set_hovered(int(state.line_ids[0]))  # as by another panel
    assert view.maps._marked == (0, 6)  # both t


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (RunConfig(), NO_ATTENTION),
        (RunConfig().with_model("mlp"), NO_ATTENTION),
        (RunConfig().with_model("transformer").replace(n_layer=0), NO_LAYER),
    ],
)
def test_a_model_without_attention_says_so_and_asks_for_nothing(make, config, sentence):
    view, state, controller = make(config)
    assert view.maps._empty == sentence
    assert not view.layer.isVisible()
    assert not view.head.isVisible()
    assert controller.asked == []
    state.select(2)
    assert words(view) == []


def test_it_says_why_it_waits(make):
    view, state, _ = make()
    assert view.maps._empty == "The trainer is warming up: attention comes with its next step."
    state.show_snapshot(snapshot_of(state, layer=1))  # of another layer than is looked at
    assert view._frame is None
    state.set_line("")
    assert view.maps._empty == NO_TOKEN


def test_a_snapshot_of_the_run_before_is_not_shown(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    state.config = LLAMA.replace(n_head=8)
    state.update_run(run_id="run-2", config=state.config)
    assert view._frame is None
    assert view.head.count() == 9


def test_a_long_token_is_named_without_its_middle(make):
    view, state, _ = make(
        LLAMA.replace(tokenizer="word"), line="so incomprehensibilities", text="so incomprehensibilities\n" * 9
    )
    state.show_snapshot(snapshot_of(state))
    assert view._frame is not None
    assert view._frame.named(len(view._frame.labels) - 1).startswith("‘incompr…lities’ at ")


def test_fewer_layers_go_back_to_one_that_is_there(make):
    view, state, controller = make(LLAMA.replace(n_layer=4))
    view.layer.setCurrentIndex(3)
    state.config = LLAMA
    state.update_run(run_id="run-2", config=LLAMA)
    assert view.layer.count() == 2
    assert controller.asked[-1] == view.layer.currentIndex() == 0


def test_the_numbers_stand_right_under_the_maps(make, qtbot):
    view, state, _ = make(size=(1000, 480))
    state.show_snapshot(snapshot_of(state))
    qtbot.waitUntil(lambda: view.lines[0].y() - view.maps.geometry().bottom() < 16)
    assert view.lines[-1].geometry().bottom() <= view.height()


def test_choices_are_reached_by_keys(make):
    view, _, _ = make()
    for widget in (view.layer, view.head, view.maps):
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert widget.accessibleName()


def test_rows_of_a_kept_map_are_those_of_the_shorter_context(make):
    view, state, _ = make()
    state.show_snapshot(snapshot_of(state))
    state.select(3)
    shorter = snapshot_of(state).attention["weights"]
    frame = view._frame
    assert frame is not None
    np.testing.assert_array_equal(frame.weights[:, :4, :4], shorter)


def test_few_tokens_have_colours_from_0_to_1_and_many_those_up_to_the_largest(make):
    view, state, _ = make(LLAMA.replace(block_size=64), line="the cat sat on " * 8)
    state.select(15)
    state.show_snapshot(snapshot_of(state))
    assert view.scale.currentText() == "0 to 1"
    assert view._legend.texts == ("1", "0.5", "0")
    state.select(63)
    snapshot = snapshot_of(state)
    snapshot.attention["weights"][:] = np.tril(np.ones((64, 64))) / np.arange(1, 65)[:, None]  # all alike
    state.show_snapshot(snapshot)
    assert view.scale.currentText() == "to the largest"
    top = nice_limit(1 / 17)  # of the first row that is not an early one
    assert view.maps._cells[0].is_scale((0.0, top), "viridis")
    assert view._legend.texts == (f"≥ {figure(top)}", figure(top / 2), "0")


def test_the_scale_that_a_person_chose_stays(make, qtbot):
    view, state, _ = make(LLAMA.replace(block_size=64), line="the cat sat on " * 8)
    state.select(63)
    state.show_snapshot(snapshot_of(state))
    view.scale.setFocus()
    qtbot.keyClick(view.scale, Qt.Key.Key_Up)
    assert view.scale.currentText() == "0 to 1"
    state.show_snapshot(snapshot_of(state, step=121))
    assert (view.scale.currentText(), view._legend.texts[0]) == ("0 to 1", "1")


def test_numbers_that_a_line_has_no_room_for_go_on_below_it_or_are_counted(make):
    view, state, _ = make(LLAMA.replace(n_head=1, block_size=64), line="the cat sat on " * 8, size=(760, 400))
    state.select(63)
    snapshot = snapshot_of(state)
    state.show_snapshot(snapshot)
    found = words(view)
    assert len(found) >= 2
    metrics = view.lines[0].fontMetrics()
    assert all(metrics.horizontalAdvance(line) <= view.width() for line in found)
    entries = " · ".join(found).partition("head 1: ")[2].split(" · ")
    shown = [entry for entry in entries if not entry.endswith(" more")]
    worth = int((snapshot.attention["weights"][0, 63] >= 0.005).sum())
    assert len(shown) < worth
    assert entries[-1] == f"{worth - len(shown)} more"
    view.head.setCurrentIndex(1)
    assert len(words(view)) >= 2


def test_entries_are_wrapped_whole():
    entries = ["aa", "bb", "cc", "dd"]

    def fits(line):
        return len(line) <= 12

    assert wrapped("x: ", entries, fits, 3) == ["x: aa · bb", "cc · dd"]
    assert wrapped("x: ", entries, fits, 1) == ["x: aa · 3 more"]
    assert wrapped("x: ", entries, lambda _: False, 2) == ["x: aa", "bb · 2 more"]
    assert wrapped("x: ", [], fits, 2) == ["x: "]
