"""Two tables in the panel: which is shown, changed by hand, pointed at; their sums; a token at two positions."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSignalBlocker, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from test_fake_trainer import Desk
from window_tables import CHANNELS, TIME, show_step, tables_at, to_windows

from embedviz.analysis.figures import figure
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.gui.contexts import looked_up_ids, sums_of
from embedviz.gui.limits import table_problem
from embedviz.gui.plots.sum_rows import POSITION, SUM
from embedviz.gui.plots.sum_words import SumLine
from embedviz.gui.predictions import watched
from embedviz.gui.start import start_snapshot
from embedviz.gui.tables import NumbersDialog
from embedviz.gui.two_positions import apart, two_sums

LIST = "anna\nemma\nolivia\nmia\n" * 6
Key = Qt.Key


def shown(desk: Desk):
    """Return the numbers that the heatmap shows."""
    rows, columns = desk.table.heatmap.table_shape()
    return np.array([[desk.table.heatmap.value_at(r, c) for c in range(columns)] for r in range(rows)])


def switches(desk: Desk) -> set[str]:
    """Return the options of the panel's header that can be chosen."""
    buttons = desk.table.findChildren(QPushButton)
    names = {button.objectName() for button in buttons if button.isVisible()}
    return {name.removeprefix("segment_") for name in names if name.startswith("segment_")}


# --- which table ------------------------------------------------------------------------------------


def test_a_model_that_adds_positions_has_two_tables_to_choose_from(desk: Desk) -> None:
    assert not desk.table.table.isVisible()
    to_windows(desk)
    snapshot = show_step(desk, 5)
    assert desk.table.table.isVisible()
    np.testing.assert_array_equal(shown(desk).astype(np.float32), snapshot.tables["token"])
    assert f"token_embedding_table · {desk.document.vocab_size} × {CHANNELS}" in desk.words(desk.table)
    desk.switch(desk.table, "position")
    np.testing.assert_array_equal(shown(desk).astype(np.float32), snapshot.tables["position"])
    assert f"position_embedding_table · {TIME} × {CHANNELS} · step 5" in desk.words(desk.table)


@pytest.mark.parametrize(("model", "position"), [("transformer", "none"), ("llama", "rope"), ("mlp", "learned")])
def test_other_models_have_one(desk: Desk, model: str, position: str) -> None:
    to_windows(desk)
    show_step(desk, 1)
    desk.switch(desk.table, "position")
    to_windows(desk, model, position=position, n_embd=8)
    show_step(desk, 1)
    assert not desk.table.table.isVisible()
    assert desk.table.heatmap.table_shape() == (desk.document.vocab_size, 8)  # and it is the tokens'


def test_the_colours_of_the_weights_mean_the_same_in_both(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    levels = desk.table.legend.texts
    desk.switch(desk.table, "position")
    assert desk.table.legend.texts == levels


def test_change_and_gradient_are_of_the_table_that_is_shown(desk: Desk) -> None:
    to_windows(desk)
    before, after = show_step(desk, 5), show_step(desk, 6)
    desk.switch(desk.table, "position")
    desk.switch(desk.table, "change")
    expected = after.tables["position"] - before.tables["position"]
    np.testing.assert_allclose(shown(desk), expected, rtol=1e-6)
    desk.switch(desk.table, "gradient")
    assert "gradient that it followed" in desk.table.heatmap._empty


def test_a_frozen_table_says_that_it_is(desk: Desk) -> None:
    to_windows(desk, freeze_embeddings=True, tie=True)
    show_step(desk, 5)
    assert "step 5 · frozen · also the head" in desk.words(desk.table)
    desk.switch(desk.table, "gradient")
    assert desk.table.heatmap._empty == "The table is frozen: it gets no gradient."


def test_a_run_of_another_block_size_has_as_many_positions(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.switch(desk.table, "position")
    for block_size in (3, 12):
        to_windows(desk, block_size=block_size)
        show_step(desk, 1)
        assert desk.table.heatmap.table_shape() == (block_size, CHANNELS)
        assert str(block_size - 1) in desk.table.heatmap.shown_labels()


def test_what_is_for_rows_of_tokens_goes_with_them(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.switch(desk.table, "position")
    assert not desk.table.tools._find.isVisible()
    assert desk.table.tools._all.isVisible()
    desk.switch(desk.table, "token")
    assert desk.table.tools._find.isVisible()


def test_the_order_of_the_tokens_is_the_same_when_one_comes_back(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    box = desk.table.tools._sort
    for how in ("frequency", "similarity"):
        box.setCurrentIndex(box.findData(how))
        before = shown(desk)
        desk.switch(desk.table, "position")
        np.testing.assert_array_equal(shown(desk).astype(np.float32), tables_at(desk, 5)["position"])
        desk.switch(desk.table, "token")
        np.testing.assert_array_equal(shown(desk), before)


def test_positions_of_two_numbers_are_points(desk: Desk) -> None:
    to_windows(desk, n_embd=2)
    snapshot = show_step(desk, 5)
    desk.switch(desk.table, "position")
    desk.switch(desk.table, "plane")
    assert desk.table.plane.isVisible()
    np.testing.assert_array_equal(desk.table.plane._values, snapshot.tables["position"])


def test_megabytes_are_drawn_as_they_came(desk: Desk) -> None:
    to_windows(desk)
    snapshot = show_step(desk, 5)
    assert desk.table.heatmap._values is snapshot.tables["token"]  # a copy at each frame takes time
    desk.switch(desk.table, "position")
    assert desk.table.heatmap._values is snapshot.tables["position"]


# --- pointing and selecting -------------------------------------------------------------------------


def test_a_click_on_a_position_selects_the_token_that_stands_there(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.tokens.edit.setPlainText("the cat")
    desk.switch(desk.table, "position")
    desk.click(desk.table.heatmap, desk.table.heatmap.cell_rect(2, 1).center())
    assert desk.state.selected == 2
    desk.click(desk.table.heatmap, desk.table.heatmap.cell_rect(6, 1).center())
    assert desk.state.selected == 2  # the context ends there now: nothing stands at 6


def test_a_cell_of_the_position_table_is_told_as_one(desk: Desk) -> None:
    to_windows(desk)
    snapshot = show_step(desk, 5)
    desk.switch(desk.table, "position")
    desk.table.side.keep_cell(True)
    desk.point_at(desk.table.heatmap, desk.table.heatmap.cell_rect(3, 1).center())
    assert desk.table.cell.texts[0] == "position 3, column 1, step 5"
    assert desk.table.cell.texts[1] == figure(float(snapshot.tables["position"][3, 1]), signed=True)
    assert desk.state.hovered_token == -1


# --- by hand ----------------------------------------------------------------------------------------


def test_a_number_of_the_position_table_is_changed_by_hand(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.switch(desk.table, "position")
    desk.focus(desk.table.heatmap)
    desk.press(Key.Key_Right)
    assert desk.table.heatmap.cursor_cell is not None
    row, column = desk.table.heatmap.cursor_cell
    desk.press(Key.Key_F2)
    desk.type("1.5")
    desk.press(Key.Key_Return)
    assert [command.edit for command in desk.sent(m.Edit)] == [
        HandEdit("cell", "position", row, column, 1.5, gesture=1)
    ]


def test_marks_are_those_of_the_table_that_is_shown(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    edits = (
        HandEdit("cell", "position", 2, 1, 3.0, 0.5, 5),
        HandEdit("freeze", "position", 4, step=5),
        HandEdit("cell", "token", 6, 3, 3.0, 0.5, 5),
    )
    desk.worker.say(m.Edited(desk.state.run.run_id, 5, edits, False))
    heatmap = desk.table.heatmap
    assert (heatmap.marks.changed, heatmap.marks.frozen) == ({(6, 3)}, frozenset())
    desk.switch(desk.table, "position")
    assert (heatmap.marks.changed, heatmap.marks.frozen) == ({(2, 1)}, {4})
    changed, frozen = desk.table.side.sums.rows.marks
    assert (2, POSITION * CHANNELS + 1) in changed
    assert (4, POSITION) in frozen


@pytest.mark.qt_log_ignore(r"^This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)")
def test_the_row_of_a_position_is_frozen(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    rows = desk.table.side.sums.rows
    place = rows.cell_rect(1, POSITION * CHANNELS).center().toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, rows.mapToGlobal(place))
    QApplication.sendEvent(rows, event)
    (menu,) = desk.window.findChildren(QMenu, "rowMenu")
    freeze = menu.actions()[0]
    assert freeze.text() == "Freeze position 1"
    with desk.qtbot.waitSignal(menu.destroyed):
        menu.close()
        freeze.trigger()
    assert desk.sent(m.Edit)[-1].edit == HandEdit("freeze", "position", 1)


def test_a_click_in_the_sums_holds_the_cell_in_its_own_table(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    rows = desk.table.side.sums.rows
    desk.click(rows, rows.cell_rect(1, POSITION * CHANNELS + 2).center())
    assert desk.table.table.value == "position"
    assert desk.table.cell.held == (1, 2)
    assert desk.table.heatmap.held == (1, 2)
    desk.switch(desk.table, "token")
    assert desk.table.cell.held is None  # what was held is not there any more
    QApplication.processEvents()  # the lines have their room back
    desk.click(rows, rows.cell_rect(1, SUM * CHANNELS + 2).center())
    assert desk.table.cell.held is None  # a sum is in no table


# --- the sums ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [False, True])
def test_the_column_adds_up_what_the_model_adds_up(desk: Desk, scale: bool) -> None:
    to_windows(desk, scale_embeddings=scale)
    snapshot = show_step(desk, 5)
    desk.tokens.edit.setPlainText("the cat")
    ids, rows = looked_up_ids(desk.state), desk.table.side.sums.rows
    tokens, positions, sums = rows._blocks
    factor = np.float32(np.sqrt(CHANNELS)) if scale else np.float32(1)
    np.testing.assert_array_equal(tokens, snapshot.tables["token"][ids] * factor)
    np.testing.assert_array_equal(positions, snapshot.tables["position"][: len(ids)])
    np.testing.assert_array_equal(sums, tokens + positions)
    assert rows._heads[0] == ("token × √4" if scale else "token")
    assert rows._lines[2] == SumLine("e", 2)
    assert rows.limit >= np.abs(np.concatenate([tokens, positions, sums])).max()


def test_pointing_at_a_sum_says_it_as_an_equation_and_reads_the_cell_out(desk: Desk) -> None:
    to_windows(desk)
    snapshot = show_step(desk, 5)
    desk.tokens.edit.setPlainText("the cat")
    sums = desk.table.side.sums
    assert sums.words.startswith("“the␣cat”")
    desk.point_at(sums.rows, sums.rows.cell_rect(2, POSITION * CHANNELS + 1).center())
    assert sums.words.endswith(" · ‘e’ at position 2, column 1")
    assert desk.table.cell.texts[0].startswith("position 2, column 1")
    assert desk.table.cell.texts[1] == figure(float(snapshot.tables["position"][2, 1]), signed=True)
    desk.point_at(sums.rows, QPointF(0, 0))
    assert sums.words.startswith("“the␣cat”")


def test_the_line_is_in_the_words_of_the_vocabulary_it_was_shown_with(desk: Desk) -> None:
    """Another text brings another vocabulary, and may lay the line out anew before the sums of it are there."""
    desk.see(lambda: desk.texts.apply(desk.state.config.with_model("token-position")))  # reads bytes
    desk.answer()
    desk.tokens.edit.setPlainText("the cat")
    show_step(desk, 5)
    sums, before = desk.table.side.sums, desk.document
    desk.see(lambda: desk.texts.apply(desk.state.config.with_model("transformer")))
    after = desk.document
    assert after.vocab_size < ord("t") < before.vocab_size
    desk.see(lambda: desk.texts.apply(desk.state.config.with_model("token-position")))
    desk.answer()
    show_step(desk, 5)
    with QSignalBlocker(desk.state):
        desk.state.set_document(after, "the cat")
    sums.rows.room_changed.emit()
    assert sums.words.startswith("“the␣cat”")


def test_the_sums_stay_those_of_the_weights_in_other_modes(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    after = show_step(desk, 6)
    desk.switch(desk.table, "change")
    ids = looked_up_ids(desk.state)
    np.testing.assert_array_equal(desk.table.side.sums.rows._blocks[0], after.tables["token"][ids])


def test_without_positions_the_rows_stand_alone(desk: Desk) -> None:
    to_windows(desk, "llama", n_embd=8, scale_embeddings=True)
    show_step(desk, 5)
    assert desk.table.strip.isVisible()
    assert not desk.table.side.sums.isVisible()
    assert "Rows  (8, 8), then × √8" in desk.words(desk.table)


def test_no_sums_of_more_tokens_than_positions(desk: Desk) -> None:
    config = to_windows(desk)
    snapshot = show_step(desk, 5)
    assert sums_of(snapshot, config, [0] * (TIME + 1)) is None
    assert sums_of(None, config, [0]) is None


# --- what the model reads ---------------------------------------------------------------------------


def test_running_text_is_read_as_it_is(desk: Desk) -> None:
    to_windows(desk)
    desk.tokens.edit.setPlainText("cat")
    assert looked_up_ids(desk.state) == [desk.document.tokenizer.vocabulary.index(c) for c in "cat"]


def test_an_item_is_read_with_one_boundary_before_it_if_there_is_room(desk: Desk) -> None:
    desk.open_text(LIST)
    desk.see(lambda: desk.texts.set_per_line(True))
    to_windows(desk, block_size=4)
    boundary = desk.document.dataset.boundary_id
    ids = {word: [desk.document.tokenizer.vocabulary.index(c) for c in word] for word in ("mia", "anna", "ivia")}
    desk.tokens.edit.setPlainText("mia")
    assert looked_up_ids(desk.state) == [boundary, *ids["mia"]]
    desk.tokens.edit.setPlainText("anna")
    assert looked_up_ids(desk.state) == ids["anna"]
    desk.tokens.edit.setPlainText("olivia")
    assert looked_up_ids(desk.state) == ids["ivia"]
    desk.tokens.edit.setPlainText("mia")
    show_step(desk, 5)
    desk.switch(desk.table, "position")
    desk.click(desk.table.heatmap, desk.table.heatmap.cell_rect(2, 0).center())
    assert desk.state.selected == 1  # the boundary stands at 0
    desk.click(desk.table.heatmap, desk.table.heatmap.cell_rect(0, 0).center())
    assert desk.state.selected == 1  # which is none of the line's tokens


# --- one token at two positions ---------------------------------------------------------------------


def test_the_token_stands_at_two_of_its_own_places(desk: Desk) -> None:
    to_windows(desk)
    snapshot = show_step(desk, 5)
    desk.tokens.edit.setPlainText("tea to t")
    desk.switch(desk.table, "two")
    two = desk.table.side.sums.two
    assert two.places == (0, 7)
    token = desk.document.tokenizer.vocabulary.index("t")
    row, positions = snapshot.tables["token"][token], snapshot.tables["position"][[0, 7]]
    np.testing.assert_array_equal(two.rows._blocks[SUM], row + positions)
    assert two.numbers.text() == apart(row + positions)
    assert "The same row of the token table" in desk.words(two)


def test_positions_are_chosen_and_stay_until_another_run(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.tokens.edit.setPlainText("cat")
    desk.switch(desk.table, "two")
    two = desk.table.side.sums.two
    assert two.places == (0, 1)  # a t stands there but once
    two.second.setValue(5)
    np.testing.assert_array_equal(two.rows._blocks[POSITION], tables_at(desk, 5)["position"][[0, 5]])
    desk.tokens.edit.setPlainText("tat")
    show_step(desk, 6)
    assert two.places == (0, 5)
    to_windows(desk)
    show_step(desk, 1)
    assert two.places == (0, 2)


def test_how_far_apart_the_sums_are_is_how_far_apart_the_positions_are(desk: Desk) -> None:
    to_windows(desk)
    snapshot = show_step(desk, 5)
    sums = two_sums(desk.state, 3, (1, 6))
    assert sums is not None
    between = np.linalg.norm(snapshot.tables["position"][1] - snapshot.tables["position"][6])
    assert np.linalg.norm(sums.sums[0] - sums.sums[1]) == pytest.approx(between, rel=1e-6)
    assert apart(np.array([[3, 0], [0, 4]], np.float32)) == "Sums: distance 5.00, cosine 0"
    assert apart(np.zeros((2, 2), np.float32)).endswith("cosine none")


def test_without_a_token_two_positions_say_what_is_missing(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.switch(desk.table, "two")
    desk.tokens.edit.setPlainText("")
    assert "Select a token" in desk.table.side.sums.two.rows._empty


# --- what stands in the table's place ---------------------------------------------------------------


def test_modes_are_those_of_the_model(desk: Desk) -> None:
    to_windows(desk)
    assert "attention" not in switches(desk)
    to_windows(desk, "transformer")
    assert {"attention", "weights"} <= switches(desk)
    assert "rotation" not in switches(desk)
    to_windows(desk, "llama", n_embd=8)
    assert {"attention", "rotation"} <= switches(desk)


@pytest.mark.parametrize(("mode", "title"), [("attention", "Attention"), ("rotation", "Rotation")])
def test_a_view_takes_the_table_s_place_and_asks_only_while_it_is_there(desk: Desk, mode: str, title: str) -> None:
    to_windows(desk, "llama", n_embd=8)
    show_step(desk, 5)
    assert desk.sent(m.Watch)[-1].attention == -1
    desk.switch(desk.table, mode)
    assert desk.sent(m.Watch)[-1].attention == 0
    assert desk.table.title.text() == title
    assert not desk.table.heatmap.isVisible()
    assert not desk.table.acts.isVisible()
    show_step(desk, 6)
    desk.switch(desk.table, "weights")
    assert desk.sent(m.Watch)[-1].attention == -1
    assert desk.table.title.text() == "Lookup table"
    assert desk.table.heatmap.isVisible()
    np.testing.assert_array_equal(shown(desk).astype(np.float32), tables_at(desk, 6)["token"])


def test_a_model_without_attention_brings_the_table_back(desk: Desk) -> None:
    to_windows(desk, "transformer")
    show_step(desk, 5)
    desk.switch(desk.table, "attention")
    to_windows(desk)
    show_step(desk, 1)
    assert desk.table.mode.value == "weights"
    assert desk.table.heatmap.isVisible()
    assert desk.table.table.isVisible()
    assert desk.sent(m.Watch)[-1].attention == -1


@pytest.mark.parametrize("model", ["token-position", "transformer", "llama"])
def test_what_follows_is_known_from_the_trainer_alone(desk: Desk, model: str) -> None:
    config = to_windows(desk, model, n_embd=8)
    assert start_snapshot("run-1", config, desk.document, desk.state.context_ids) is None
    snapshot = show_step(desk, 5)
    token = desk.state.selected_id
    assert token is not None
    assert watched(desk.state, token, snapshot) is not None  # the logits of just this context came with the frame
    desk.tokens.edit.setPlainText("dog")  # and those of another context did not yet
    assert desk.state.selected_id is not None
    assert watched(desk.state, desk.state.selected_id, snapshot) is None


def test_the_size_of_a_table_is_that_of_its_width() -> None:
    wide = RunConfig().with_model("transformer").replace(n_embd=1024)
    assert table_problem(wide, 20_000) == ""
    assert "A table of 65,536 x 1,024 takes 268 MB" in table_problem(wide, 65_536)


# --- in numbers -------------------------------------------------------------------------------------


def test_both_tables_and_attention_are_among_the_numbers(desk: Desk) -> None:
    to_windows(desk, "transformer")
    desk.tokens.edit.setPlainText("cat")
    weights = np.tril(np.ones((4, 3, 3), np.float32))
    show_step(desk, 5, attention={"weights": weights}, attention_layer=1)
    dialog = NumbersDialog(desk.state, desk.theme)
    desk.qtbot.addWidget(dialog)
    titles = [dialog.tabs.tabText(i) for i in range(dialog.tabs.count())]
    assert {"Lookup table", "Position table", "Attention of layer 2"} <= set(titles)
    model = dialog.tabs.widget(titles.index("Attention of layer 2")).model()
    assert (model.rowCount(), model.columnCount()) == (4, 3)
    assert model.headerData(2, Qt.Orientation.Horizontal) == "t  2"
    positions = dialog.tabs.widget(titles.index("Position table")).model()
    assert positions.headerData(7, Qt.Orientation.Vertical) == "position 7"


def test_the_switch_of_the_tables_stays_away_while_something_else_is_shown(desk: Desk) -> None:
    to_windows(desk, "transformer", n_embd=8, n_head=2)
    show_step(desk, 5)
    desk.switch(desk.table, "attention")
    assert not desk.table.table.isVisible()
    desk.controller.restart(desk.state.config.replace(lr=0.5))
    desk.answer()
    assert desk.table.mode.value == "attention"
    assert not desk.table.table.isVisible()
    desk.switch(desk.table, "weights")
    assert desk.table.table.isVisible()


def test_the_key_freezes_the_position_that_is_outlined(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 5)
    desk.tokens.edit.setPlainText("the cat")
    desk.state.select(4)
    desk.switch(desk.table, "position")
    assert desk.action("freeze").text() == "Freeze position 4"
    desk.press(Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert desk.sent(m.Edit)[-1].edit == HandEdit("freeze", "position", 4)
    desk.worker.say(m.Edited(desk.state.run.run_id, 5, (HandEdit("freeze", "position", 4, step=5),), False))
    assert desk.action("freeze").text() == "Thaw position 4"
    desk.switch(desk.table, "token")
    assert desk.action("freeze").text().startswith("Freeze row ")


def test_points_of_a_plane_stand_for_no_mean_of_rows(desk: Desk) -> None:
    to_windows(desk, "transformer", n_embd=2, n_head=1, block_size=1024)
    show_step(desk, 5)
    desk.switch(desk.table, "position")
    assert "shows the mean of" in desk.words(desk.table)
    desk.switch(desk.table, "plane")
    assert "shows the mean of" not in desk.words(desk.table)
    desk.switch(desk.table, "weights")
    assert "shows the mean of" in desk.words(desk.table)


def test_numbers_of_both_positions_stand_off_the_edge(desk: Desk) -> None:
    two = desk.table.side.sums.two
    assert all(spin.lineEdit().textMargins().left() >= 6 for spin in (two.first, two.second))
