"""By hand: cells typed and dragged, rows frozen, undone and done again, and what the window says of it."""

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from test_fake_trainer import Desk, Table

from embedviz.analysis.figures import figure
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.gui import by_hand
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.plots.phase_strip import PhaseStrip

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton
PLAIN, ALT, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
CELL = (3, 5)
opens_a_menu = pytest.mark.qt_log_ignore(
    r"^This plugin does not support (propagateSizeHints|raise)\(\)",
    r"^This plugin does not support grabbing the keyboard",
)


@pytest.fixture
def at_20(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Give a window whose run is paused at step 20."""
    monkeypatch.setattr(by_hand, "FRAME_MS", 1)
    desk.pause(20)
    return desk


def value(desk: Desk, cell: tuple[int, int] = CELL) -> float:
    return float(desk.snapshot.tables["token"][cell])


def edits(desk: Desk) -> list[HandEdit]:
    """Return what was asked for, oldest first."""
    return [command.edit for command in desk.sent(m.Edit)]


def confirm(desk: Desk, *made: HandEdit, can_redo: bool = False, step: int = 20) -> None:
    """Let the trainer tell all edits of the run, and send the table with them."""
    desk.worker.say(m.Edited("run-1", step, made, can_redo))
    desk.show(step, edited(desk.table_at(step), *made))


def edited(table: Table, *made: HandEdit) -> Table:
    table = table.copy()
    for edit in made:
        if edit.kind == "cell":
            table[edit.row, edit.column] = edit.value
    return table


def cell_edit(row: int, column: int, after: float, before: float = 0.25, step: int = 20) -> HandEdit:
    return HandEdit("cell", "token", row, column, after, before, step)


def middle(desk: Desk, cell: tuple[int, int] = CELL) -> QPointF:
    return desk.table.heatmap.cell_rect(*cell).center()


def hold(desk: Desk, cell: tuple[int, int] = CELL) -> None:
    desk.click(desk.table.heatmap, middle(desk, cell))
    desk.point_at(desk.table.heatmap, QPointF(1, 1))


def mouse(widget: QWidget, kind: QEvent.Type, at: QPointF, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else LEFT
    QApplication.sendEvent(widget, QMouseEvent(kind, at, widget.mapToGlobal(at), button, held, modifiers))


def begin_drag(desk: Desk, widget: QWidget, at: QPointF, modifiers: Qt.KeyboardModifier = ALT) -> None:
    desk.focus(widget) if widget is desk.table.heatmap else None
    mouse(widget, QEvent.Type.MouseButtonPress, at, modifiers)


def drag_to(widget: QWidget, at: QPointF, modifiers: Qt.KeyboardModifier = ALT) -> None:
    mouse(widget, QEvent.Type.MouseMove, at, modifiers)


def let_go(widget: QWidget, at: QPointF) -> None:
    mouse(widget, QEvent.Type.MouseButtonRelease, at, ALT)


def open_menu(desk: Desk, widget: QWidget, at: QPointF) -> QMenu:
    place = at.toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)
    (menu,) = desk.window.findChildren(QMenu, "rowMenu")
    return menu


def choose(desk: Desk, menu: QMenu, name: str) -> None:
    (action,) = (action for action in menu.actions() if action.objectName() == name)
    with desk.qtbot.waitSignal(menu.destroyed):
        menu.close()
        action.trigger()


# --- typing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter, Key.Key_F2])
def test_a_key_on_the_cell_cursor_lets_one_type_a_value(at_20: Desk, key: Qt.Key) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    desk.focus(heatmap)
    desk.press(Key.Key_Right)
    assert heatmap.cursor_cell is not None
    row, column = heatmap.cursor_cell
    desk.press(key)
    assert desk.table.cell.field.hasFocus()
    assert desk.table.cell.field.selectedText() == figure(value(desk, (row, column)), signed=True)
    desk.type("-2.5")
    desk.press(Key.Key_Return)
    (edit,) = edits(desk)
    assert (edit.kind, edit.table, edit.row, edit.column, edit.value) == ("cell", "token", row, column, -2.5)
    assert heatmap.hasFocus()
    desk.press(Key.Key_Down)  # the cursor goes on from that cell
    assert heatmap.cursor_cell == (row, column)
    desk.press(Key.Key_Down)
    assert heatmap.cursor_cell == (row + 1, column)


def test_a_click_holds_a_cell_whose_value_can_then_be_typed(at_20: Desk) -> None:
    desk, field = at_20, at_20.table.cell.field
    assert not field.isVisible()
    hold(desk)
    assert field.isVisible()
    assert desk.table.cell.texts[0].startswith("row 3 ‘")
    desk.click(field)
    assert field.hasFocus()
    desk.type("1,5")
    desk.press(Key.Key_Return)
    assert [edit.value for edit in edits(desk)] == [1.5]
    hold(desk)  # again: it is let go
    assert not field.isVisible()
    assert desk.table.cell.texts[0] == "Click holds it, Ctrl+drag changes it."


def test_the_pointer_shows_other_cells_while_one_is_held(at_20: Desk) -> None:
    desk = at_20
    hold(desk)
    desk.point_at(desk.table.heatmap, middle(desk, (1, 2)))
    assert desk.table.cell.texts[0].startswith("row 1 ‘")
    assert not desk.table.cell.field.isVisible()
    desk.point_at(desk.table.heatmap, QPointF(1, 1))
    assert desk.table.cell.texts[0].startswith("row 3 ‘")
    desk.click(desk.table.cell.field)
    desk.point_at(desk.table.heatmap, middle(desk, (1, 2)))  # not while somebody types
    assert desk.table.cell.texts[0].startswith("row 3 ‘")


def test_typing_is_left_alone_by_new_frames_and_the_number_is_not(at_20: Desk) -> None:
    desk, field = at_20, at_20.table.cell.field
    hold(desk)
    desk.show(21)
    assert field.text() == figure(value(desk), signed=True)
    desk.click(field)
    desk.type("7.2")
    desk.show(22)
    assert field.text() == "7.2"
    desk.press(Key.Key_Escape)
    assert field.text() == figure(value(desk), signed=True)
    assert edits(desk) == []
    assert desk.table.heatmap.hasFocus()
    desk.press(Key.Key_Escape)
    assert desk.table.cell.held is None


def test_return_without_another_number_changes_nothing(at_20: Desk) -> None:
    hold(at_20)
    at_20.click(at_20.table.cell.field)
    at_20.press(Key.Key_Return)
    assert edits(at_20) == []
    assert not at_20.table.cell.field.hasFocus()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("abc", "‘abc’ is no number: nothing changed."),
        ("nan", "‘nan’ is no number: nothing changed."),
        ("1e400", "‘1e400’ is no number: nothing changed."),
        ("10000.1", "A cell holds ±10,000 at most."),
        ("-1e5", "A cell holds ±10,000 at most."),
    ],
)
def test_what_is_no_number_or_too_large_is_told_and_changes_nothing(
    at_20: Desk, typed: str, sentence: str
) -> None:
    desk = at_20
    hold(desk)
    desk.click(desk.table.cell.field)
    desk.type(typed)
    desk.press(Key.Key_Return)
    assert desk.table.cell.problem == sentence
    assert desk.table.cell.field.text() == typed  # it can be mended
    assert edits(desk) == []
    desk.press(Key.Key_Escape)
    assert desk.table.cell.problem == ""
    desk.click(desk.table.cell.field)
    desk.type("-10000")
    desk.press(Key.Key_Return)
    assert desk.table.cell.problem == ""
    assert [edit.value for edit in edits(desk)] == [-10_000]


def test_each_typed_value_is_an_edit_of_its_own(at_20: Desk) -> None:
    for typed in ("1", "2"):
        at_20.window.hand.set_cell(*CELL, typed)
    first, second = edits(at_20)
    assert first.gesture != second.gesture


# --- dragging ---------------------------------------------------------------------------------------


def test_alt_and_drag_changes_the_value_as_one_gesture(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    before, limit = value(desk), float(desk.table.legend.texts[0].replace(",", ""))
    at = middle(desk)
    begin_drag(desk, heatmap, at)
    assert heatmap.cursor().shape() == Qt.CursorShape.SizeHorCursor
    for moved in (40, 100):
        drag_to(heatmap, at + QPointF(moved, 3))
        desk.qtbot.waitUntil(
            lambda moved=moved: edits(desk)[-1].value == pytest.approx(before + limit * moved / 200)
        )
    let_go(heatmap, at + QPointF(100, 3))
    assert {(edit.row, edit.column) for edit in edits(desk)} == {CELL}
    assert len({edit.gesture for edit in edits(desk)}) == 1
    assert heatmap.view.shown_rows == range(desk.document.vocab_size)  # the table was not moved
    begin_drag(desk, heatmap, at)
    drag_to(heatmap, at - QPointF(10, 0))
    let_go(heatmap, at)
    assert len({edit.gesture for edit in edits(desk)}) == 2  # the next drag is another
    assert heatmap.cursor().shape() != Qt.CursorShape.SizeHorCursor


@pytest.mark.parametrize("keys", [Qt.KeyboardModifier.ControlModifier, ALT])
def test_a_drag_with_ctrl_or_alt_changes_the_value_of_any_cell(at_20: Desk, keys: Qt.KeyboardModifier) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    begin_drag(desk, heatmap, middle(desk), keys)
    drag_to(heatmap, middle(desk) + QPointF(40, 0), keys)
    let_go(heatmap, middle(desk))
    assert {(edit.row, edit.column) for edit in edits(desk)} == {CELL}


def test_the_held_cell_is_dragged_as_it_is(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    hold(desk)
    before, at = value(desk), middle(desk)
    begin_drag(desk, heatmap, at, PLAIN)
    drag_to(heatmap, at + QPointF(40, 0), PLAIN)
    let_go(heatmap, at + QPointF(40, 0))
    assert {(edit.row, edit.column) for edit in edits(desk)} == {CELL}
    assert edits(desk)[-1].value > before
    assert desk.table.cell.held == CELL  # a drag is no click


def test_escape_leads_from_the_table_back_to_the_phases(at_20: Desk) -> None:
    desk, heatmap, readout = at_20, at_20.table.heatmap, at_20.table.cell
    assert readout.hint == ""
    desk.focus(heatmap)
    hold(desk)
    assert readout.hint.endswith("Esc: back to the phases")
    desk.press(Key.Key_Right)  # the cell cursor's
    assert heatmap.cursor_cell is not None
    desk.press(Key.Key_Escape)
    assert not heatmap.hasFocus()
    assert readout.held is None
    hold(desk)
    heatmap.clearFocus()
    assert "Esc" not in readout.hint
    desk.focus(heatmap)
    desk.click(desk.window.findChild(PhaseStrip))
    assert not heatmap.hasFocus()


def test_a_drag_sends_one_value_a_frame_and_the_last_one_always(at_20: Desk) -> None:
    desk, hand = at_20, at_20.window.hand
    start = value(desk)
    assert hand.begin_drag(*CELL)
    for amount in range(1, 101):
        hand.drag_by(amount)
    assert len(edits(desk)) == 1  # the others wait for the frame
    hand.end_drag()
    assert [edit.value for edit in edits(desk)] == [start + 1, start + 100]
    desk.qtbot.waitUntil(lambda: not hand._frame.isActive())
    assert len(edits(desk)) == 2


def test_a_drag_ends_at_what_a_cell_can_hold(at_20: Desk) -> None:
    hand = at_20.window.hand
    hand.begin_drag(*CELL)
    hand.drag_by(-1e9)
    hand.end_drag()
    assert edits(at_20)[-1].value == -1e4


def test_escape_ends_a_drag_at_the_value_of_before(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    before, at = value(desk), middle(desk)
    begin_drag(desk, heatmap, at)
    drag_to(heatmap, at + QPointF(60, 0))
    desk.press(Key.Key_Escape)
    assert edits(desk)[-1].value == before
    assert edits(desk)[-1].gesture == edits(desk)[0].gesture
    sent = len(edits(desk))
    drag_to(heatmap, at + QPointF(90, 0))
    let_go(heatmap, at + QPointF(90, 0))
    assert len(edits(desk)) == sent


def test_shift_makes_a_drag_fine(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    before, at = value(desk), middle(desk)
    limit = float(desk.table.legend.texts[0])
    begin_drag(desk, heatmap, at, ALT | SHIFT)
    drag_to(heatmap, at + QPointF(100, 0), ALT | SHIFT)
    let_go(heatmap, at)
    assert edits(desk)[-1].value == pytest.approx(before + limit * 100 / 2000)


def test_the_number_in_the_readout_is_dragged_too(at_20: Desk) -> None:
    desk, field = at_20, at_20.table.cell.field
    hold(desk)
    before, at = value(desk), QPointF(20, 8)
    assert field.cursor().shape() == Qt.CursorShape.SizeHorCursor
    mouse(field, QEvent.Type.MouseButtonPress, at)
    drag_to(field, at + QPointF(30, 0), PLAIN)
    assert edits(desk)[-1].value > before
    QTest.keyClick(field, Key.Key_Escape)
    assert edits(desk)[-1].value == before
    mouse(field, QEvent.Type.MouseButtonRelease, at)
    assert not field.hasFocus()
    mouse(field, QEvent.Type.MouseButtonPress, at)
    drag_to(field, at - QPointF(30, 0), PLAIN)
    mouse(field, QEvent.Type.MouseButtonRelease, at)
    assert edits(desk)[-1].value < before
    assert not field.hasFocus()  # Space plays, and Ctrl+Z undoes


def test_a_plain_drag_still_moves_the_table(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    heatmap.zoom_about(middle(desk), 3.0)
    shown = heatmap.view.left_column
    at = heatmap.view.rect.center()
    begin_drag(desk, heatmap, at, PLAIN)
    drag_to(heatmap, at - QPointF(60, 0), PLAIN)
    let_go(heatmap, at)
    assert heatmap.view.left_column != shown
    assert edits(desk) == []


# --- when it is not possible ------------------------------------------------------------------------


def test_without_a_trainer_nothing_is_changed_and_the_reason_is_told(at_20: Desk) -> None:
    desk = at_20
    hold(desk)
    desk.worker.die()
    desk.press(Key.Key_F2)
    assert desk.table.cell.problem.startswith("The trainer has ended")
    desk.click(desk.table.cell.field)
    desk.type("3")
    desk.press(Key.Key_Return)
    assert desk.table.cell.problem.startswith("The trainer has ended")
    begin_drag(desk, desk.table.heatmap, middle(desk))
    drag_to(desk.table.heatmap, middle(desk) + QPointF(50, 0))
    let_go(desk.table.heatmap, middle(desk))
    desk.press(Key.Key_R, CTRL)
    assert edits(desk) == []
    assert not desk.action("freeze").isEnabled()


def test_before_the_trainer_is_warm_nothing_is_changed(fresh_desk: Desk) -> None:
    assert not fresh_desk.window.hand.set_cell(*CELL, "3")
    assert fresh_desk.table.cell.problem.startswith("The trainer is warming up")
    assert fresh_desk.sent(m.Edit) == []


def test_a_drag_ends_with_the_trainer(at_20: Desk) -> None:
    hand = at_20.window.hand
    hand.begin_drag(*CELL)
    hand.drag_by(0.5)
    at_20.worker.die()
    assert not hand.is_dragging
    sent = len(edits(at_20))
    hand.drag_by(0.75)
    hand.end_drag()
    assert len(edits(at_20)) == sent


@pytest.mark.parametrize("mode", ["softmax", "counts", "change", "gradient"])
def test_only_weights_are_changed(at_20: Desk, mode: str) -> None:
    desk = at_20
    hold(desk)
    desk.switch(desk.table, mode)
    desk.show(21, gradients={"token": desk.table_at(3)})
    assert not desk.table.cell.field.isVisible()
    desk.focus(desk.table.heatmap)
    desk.press(Key.Key_F2)
    assert desk.table.cell.problem == "The table is changed by hand in the mode Weights."
    begin_drag(desk, desk.table.heatmap, middle(desk))
    drag_to(desk.table.heatmap, middle(desk) + QPointF(50, 0))
    let_go(desk.table.heatmap, middle(desk))
    assert edits(desk) == []
    desk.switch(desk.table, "weights")
    assert desk.table.cell.problem == ""


# --- what is shown of it ----------------------------------------------------------------------------


def test_an_edit_shows_at_once_though_no_step_was_taken(at_20: Desk) -> None:
    desk = at_20
    desk.state.select(0)
    token = desk.state.selected_id
    assert token is not None
    before = desk.table.heatmap.value_at(token, 5)
    confirm(desk, cell_edit(token, 5, 9.0))
    assert desk.snapshot.step == 20
    assert desk.table.heatmap.value_at(token, 5) == 9.0 != before
    label = desk.document.tokenizer.labels[5]
    top = desk.following.bars.describe().split(";")[1]
    assert label in top  # the bars follow: nearly all probability is there


def test_a_cell_changed_by_hand_is_marked_until_it_is_undone(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    desk.tokens.edit.setPlainText("cat")
    token = desk.state.selected_id
    assert token is not None
    hold(desk, (token, 2))
    corner = heatmap.cell_rect(token, 2).topRight() + QPointF(-2.5, 2.5)
    ink = desk.theme.colour("ink").name()

    def at_corner() -> str:
        return heatmap.grab().toImage().pixelColor(corner.toPoint()).name()

    heatmap.hold(None)  # whose line would be there too
    assert at_corner() != ink
    confirm(desk, cell_edit(token, 2, 2.0, before=-0.3125))
    heatmap.hold(None)
    assert at_corner() == ink
    assert heatmap.marks.changed == {(token, 2)}
    assert desk.table.strip.marks.changed == {(2, 2)}
    assert desk.table.cell.by_hand == "by hand: −0.312 → +2.00 at step 20"
    desk.point_at(heatmap, middle(desk, (token, 2)))
    desk.qtbot.waitUntil(lambda: "changed by hand" in heatmap.accessibleDescription())
    confirm(desk, can_redo=True)
    assert heatmap.marks == desk.table.strip.marks == TableMarks()
    assert desk.table.cell.by_hand == ""


def test_marks_follow_the_order_of_the_rows(at_20: Desk) -> None:
    desk = at_20
    confirm(desk, cell_edit(3, 5, 2.0), HandEdit("freeze", "token", 4, step=20))
    desk.table.tools._sort.setCurrentIndex(1)  # by frequency
    order = desk.table._order
    assert desk.table.heatmap.marks.changed == {(order.row(3), 5)}
    assert desk.table.heatmap.marks.frozen == {order.row(4)}
    hold(desk, (2, 1))
    desk.table.tools._sort.setCurrentIndex(0)
    assert desk.table.heatmap.held == (order.row(desk.table.cell.held[0] if desk.table.cell.held else -1), 1)


def test_counts_of_the_text_have_no_marks_of_hands(at_20: Desk) -> None:
    confirm(at_20, cell_edit(3, 5, 2.0))
    at_20.switch(at_20.table, "counts")
    assert at_20.table.heatmap.marks == TableMarks()
    at_20.switch(at_20.table, "softmax")
    assert at_20.table.heatmap.marks.changed == {CELL}


def test_the_title_of_the_window_tells_of_hands(at_20: Desk) -> None:
    assert at_20.window.windowTitle() == "cats.txt – embedviz"
    confirm(at_20, cell_edit(3, 5, 2.0))
    assert at_20.window.windowTitle() == "cats.txt – edited by hand – embedviz"
    confirm(at_20)
    assert at_20.window.windowTitle() == "cats.txt – embedviz"


def test_another_text_knows_nothing_of_hands(at_20: Desk) -> None:
    desk = at_20
    hold(desk)
    confirm(desk, cell_edit(3, 5, 2.0))
    desk.open_text("banana bandana")
    assert desk.window.hand.edits == ()
    assert desk.table.cell.held is None
    assert desk.table.heatmap.marks == TableMarks()
    assert "edited" not in desk.window.windowTitle()


def test_another_run_holds_no_cell_that_it_may_lack(at_20: Desk) -> None:
    hold(at_20, (2, 9))
    at_20.controller.restart(at_20.state.config.replace(model="mlp", n_embd=4, init="normal-1"))
    assert at_20.table.cell.held is None
    assert at_20.table.heatmap.held is None


# --- freezing ---------------------------------------------------------------------------------------


@opens_a_menu
def test_the_menu_of_a_row_freezes_and_thaws_it(at_20: Desk) -> None:
    desk, heatmap = at_20, at_20.table.heatmap
    label = desk.document.tokenizer.labels[3]
    menu = open_menu(desk, heatmap, QPointF(heatmap.view.rect.left() - 4, middle(desk).y()))  # at its label
    assert [action.text() for action in menu.actions()] == [f"Freeze row 3 ‘{label}’"]
    choose(desk, menu, "freezeRow")
    assert edits(desk) == [HandEdit("freeze", "token", 3)]
    confirm(desk, HandEdit("freeze", "token", 3, step=20))
    assert heatmap.marks.frozen == {3}
    menu = open_menu(desk, heatmap, middle(desk))
    assert [action.text() for action in menu.actions()] == [f"Thaw row 3 ‘{label}’", "Change this cell…"]
    choose(desk, menu, "freezeRow")
    assert edits(desk)[-1] == HandEdit("thaw", "token", 3)


@opens_a_menu
def test_the_menu_of_a_cell_lets_one_type(at_20: Desk) -> None:
    choose(at_20, open_menu(at_20, at_20.table.heatmap, middle(at_20)), "changeCell")
    assert at_20.table.cell.held == CELL
    assert at_20.window.focusWidget() is at_20.table.cell.field


@opens_a_menu
def test_the_rows_looked_up_have_the_same_menu_and_marks(at_20: Desk) -> None:
    desk, strip = at_20, at_20.table.strip
    desk.tokens.edit.setPlainText("cat")
    token = desk.document.tokenizer.vocabulary.index("a")
    choose(desk, open_menu(desk, strip, QPointF(8, strip.row_rect(1).center().y())), "freezeRow")
    assert edits(desk) == [HandEdit("freeze", "token", token)]
    confirm(desk, HandEdit("freeze", "token", token, step=20))
    assert strip.marks.frozen == {1}
    desk.click(strip, strip.cell_rect(1, 4).center())
    desk.point_at(strip, QPointF(1, 1))
    assert desk.table.cell.held == (token, 4)
    assert "’ frozen, column 4" in desk.table.cell.texts[0]
    assert desk.table.cell.by_hand == ""
    choose(desk, open_menu(desk, desk.table.cell, QPointF(5, 5)), "freezeRow")
    assert edits(desk)[-1] == HandEdit("thaw", "token", token)


def test_a_frozen_row_has_its_label_whatever_happens(at_20: Desk) -> None:
    desk = at_20
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    desk.open_text(many * 2 + "ab" * 400)
    desk.answer()
    heatmap = desk.table.heatmap
    token = next(row for row in range(400) if desk.document.tokenizer.labels[row] not in heatmap.shown_labels())
    desk.worker.say(m.Edited("run-2", 0, (HandEdit("freeze", "token", token, step=0),), False))
    assert desk.document.tokenizer.labels[token] in heatmap.shown_labels()


def test_a_key_freezes_the_selected_row(at_20: Desk) -> None:
    desk = at_20
    desk.state.select(0)
    token = desk.state.selected_id
    assert token is not None
    label = desk.document.tokenizer.labels[token]
    assert desk.action("freeze").text() == f"Freeze row {token} ‘{label}’"
    desk.focus(desk.table.heatmap)
    desk.press(Key.Key_R, CTRL)
    assert edits(desk) == [HandEdit("freeze", "token", token)]
    confirm(desk, HandEdit("freeze", "token", token, step=20))
    assert desk.action("freeze").text() == f"Thaw row {token} ‘{label}’"
    desk.press(Key.Key_R, CTRL)
    assert edits(desk)[-1].kind == "thaw"
    desk.tokens.edit.setPlainText("Ω")
    assert not desk.action("freeze").isEnabled()


# --- undo, redo -------------------------------------------------------------------------------------


def test_undo_and_redo_by_keys_say_what_they_do(at_20: Desk) -> None:
    desk, undo, redo = at_20, at_20.action("undo"), at_20.action("redo")
    row, column = (f"‘{desk.document.tokenizer.labels[i]}’" for i in CELL)
    edit = cell_edit(*CELL, 5.0, before=3.2)
    desk.focus(desk.table.heatmap)
    assert not undo.isEnabled()
    assert not redo.isEnabled()
    desk.press(Key.Key_Z, CTRL)
    assert desk.sent(m.Undo) == []
    confirm(desk, edit)
    assert undo.text() == f"Undo: row {row}, column {column}, +3.20 → +5.00"
    desk.press(Key.Key_Z, CTRL)
    assert desk.sent(m.Undo) == [m.Undo("run-1")]
    confirm(desk, can_redo=True)
    assert undo.text() == "Undo"
    assert redo.text() == f"Redo: row {row}, column {column}, +3.20 → +5.00"
    for key, modifiers in ((Key.Key_Y, CTRL), (Key.Key_Z, CTRL | SHIFT)):
        desk.press(key, modifiers)
    assert desk.sent(m.Redo) == [m.Redo("run-1")] * 2
    confirm(desk, edit)
    assert not redo.isEnabled()


def test_redo_names_each_of_several_undone_edits(at_20: Desk) -> None:
    desk = at_20
    first, second = cell_edit(1, 1, 1.0), HandEdit("freeze", "token", 2, step=20)
    labels = desk.document.tokenizer.labels
    confirm(desk, first, second)
    confirm(desk, first, can_redo=True)
    assert desk.action("redo").text() == f"Redo: row ‘{labels[2]}’ frozen"
    confirm(desk, can_redo=True)
    assert desk.action("redo").text().startswith(f"Redo: row ‘{labels[1]}’, column")
    confirm(desk, first, can_redo=True)
    assert desk.action("redo").text() == f"Redo: row ‘{labels[2]}’ frozen"


def test_undo_tells_that_steps_are_taken_back_too(at_20: Desk) -> None:
    desk = at_20
    confirm(desk, HandEdit("freeze", "token", 3, step=20))
    label = desk.document.tokenizer.labels[3]
    assert desk.action("undo").text() == f"Undo: row ‘{label}’ frozen"
    desk.show(23)
    assert desk.action("undo").text() == f"Undo: row ‘{label}’ frozen and go back to step 20"
    assert "go back to step 20" in desk.action("undo").toolTip()


def test_text_fields_undo_their_own_text(at_20: Desk) -> None:
    desk = at_20
    confirm(desk, cell_edit(3, 5, 2.0))
    desk.focus(desk.tokens.edit)
    line = desk.state.line
    desk.type("the")
    desk.press(Key.Key_Z, CTRL)
    assert desk.state.line == line
    hold(desk)
    desk.click(desk.table.cell.field)
    desk.type("77")
    desk.press(Key.Key_Z, CTRL)
    assert desk.table.cell.field.text() != "77"
    assert desk.sent(m.Undo) == []
