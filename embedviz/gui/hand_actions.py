"""Undo, redo and freezing in the menu: what they would do, in their titles."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from embedviz.gui.by_hand import HandEditor
from embedviz.gui.hand_words import edit_in_words, row_name
from embedviz.gui.state import AppState


class HandActions(QObject):
    """Keeps the actions "undo", "redo" and "freeze" true to the run."""

    def __init__(
        self, state: AppState, hand: HandEditor, actions: Mapping[str, QAction], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._hand = hand
        self._actions = actions
        self._tips = {name: actions[name].toolTip() for name in ("undo", "redo", "freeze")}
        self._step = -1
        for signal in (state.run_changed, state.selection_changed, state.document_changed, state.trace_shown):
            signal.connect(self._show)
        for signal in (hand.changed, hand.meant_changed):
            signal.connect(self._show)
        state.frame_shown.connect(self._show_step)
        self._show()

    @Slot()
    def _show_step(self) -> None:
        """Say anew what undoing takes back, once steps were taken."""
        if self._hand.edits and self._state.run.step != self._step:
            self._show()

    @Slot()
    def _show(self) -> None:
        state, hand = self._state, self._hand
        self._step = state.run.step
        labels = state.document.tokenizer.labels if state.document else ()
        columns = labels if state.config.reads == "token" else None
        undone = ""
        if hand.can_undo:
            last = hand.edits[-1]
            back = f" and go back to step {last.step:,}" if 0 <= last.step < state.run.step else ""
            undone = f": {edit_in_words(last, labels, columns)}{back}"
        self._say("undo", f"Undo{undone}", hand.can_undo)
        again = f": {edit_in_words(hand.undone, labels, columns)}" if hand.can_redo and hand.undone else ""
        self._say("redo", f"Redo{again}", hand.can_redo)
        title, meant = "Freeze the selected row", hand.meant
        if meant is not None:
            table, row = meant
            title = f"{'Thaw' if row in hand.frozen_of(table) else 'Freeze'} {row_name(row, labels, table)}"
        self._say("freeze", title, meant is not None and not hand.why_not)

    def _say(self, name: str, title: str, is_enabled: bool) -> None:
        action = self._actions[name]
        action.setText(title.replace("&", "&&"))
        action.setEnabled(is_enabled)
        tip = f"{title}. {self._tips[name]}" if is_enabled else self._tips[name]
        action.setToolTip(tip)
        action.setStatusTip(tip)
