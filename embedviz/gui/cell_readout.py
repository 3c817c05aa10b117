"""One cell in numbers, the one pointed at or the one held: what the table, the model and the text say there."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedWidget, QWidget

from embedviz.analysis.figures import figure
from embedviz.edits import HandEdit
from embedviz.gui.documents import Document
from embedviz.gui.hand_words import TABLES, Cell, from_to, row_name
from embedviz.gui.state import AppState
from embedviz.gui.theme import Role, Theme
from embedviz.gui.value_field import ValueField
from embedviz.gui.widgets import LiveLabel, caption, named

ROWS = ("logit", "softmax", "in the text")
OF_LOGITS = ("softmax", "in the text")  # what only the cells of a table of logits have
TITLE = "Cell under the pointer"
NO_CELL = "Point at a cell; a click holds it."
NO_CELL_YET = "Click holds it, Ctrl+drag changes it."  # where cells can be changed
HELD_HINT, KEYS_HINT = "Drag the cell, or type here.", "Drag or F2 · Esc: back to the phases"
HINT_TIP = "Drag the cell that is held, or any with Ctrl, or press F2 or Return and type. Esc lets it go."
FIELD_TIP = "Type a number and press Return, or drag it sideways (slower with Shift). Esc leaves it as it is."


class CellReadout(QWidget):
    """Names one cell (row i, column j) of the table, and keeps its numbers current while training moves them.

    The number of a cell that is held can be changed here: `field` tells what is asked for. The cell that is held
    is always one of the table that is shown; one that is pointed at may be of another.
    """

    menu_wanted = Signal(str, int, int, QPoint)  # table, row and column; where on the screen

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(TITLE)
        self._theme = theme
        self._table = "token"
        self._pointed: tuple[str, Cell] | None = None  # table, row and column
        self._held: Cell | None = None
        self._is_editable = False
        self._changed: Mapping[str, Mapping[Cell, HandEdit]] = {table: {} for table in TABLES}
        self._frozen: Mapping[str, Collection[int]] = dict.fromkeys(TABLES, ())
        self._title = LiveLabel(TITLE)
        self._where = caption(NO_CELL, elided=True)
        self._values = {name: LiveLabel() for name in ROWS}
        self._names = {name: caption(name) for name in ROWS}
        self.field = named(ValueField(), "cellValue", says="Value of the cell", tip=FIELD_TIP)
        self._value = QStackedWidget()  # as high with the label as with the field: nothing jumps
        self._value.addWidget(self._values["logit"])
        self._value.addWidget(self.field)
        self._hint = named(caption(elided=True), "cellHint", tip=HINT_TIP)
        self._has_keys = False
        self._by_hand = caption(elided=True)
        self._problem = named(QLabel(wordWrap=True), "cellProblem")
        self._also_name, self._also = caption(), QLabel()
        self._also_values: NDArray[np.float32] | None = None
        self._lay_out()
        self.set_also("", None)
        self.say("")
        theme.changed.connect(self._restyle)
        self._restyle()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(self._theme.px(2))
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._title, 0, 0, 1, 2)
        grid.addWidget(self._where, 1, 0, 1, 2)
        for row, (name, label) in enumerate(self._values.items(), start=2):
            grid.addWidget(self._names[name], row, 0)
            if name == "logit":
                grid.addWidget(self._value, row, 1, Qt.AlignmentFlag.AlignLeft)
            else:
                grid.addWidget(label, row, 1)
        below = len(ROWS) + 2
        grid.addWidget(self._also_name, below, 0)
        grid.addWidget(self._also, below, 1)
        grid.addWidget(self._hint, below + 1, 0, 1, 2)
        grid.addWidget(self._by_hand, below + 2, 0, 1, 2)
        grid.addWidget(self._problem, below + 3, 0, 1, 2)

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that is shown, from top to bottom."""
        return (self._where.text(), *(label.text() for label in self._values.values()))

    @property
    def by_hand(self) -> str:
        """What is said of hands: "by hand: −0.31 → +2.00 at step 120"."""
        return self._by_hand.text()

    @property
    def hint(self) -> str:
        """What is said of hands and keys while a cell is held; "" otherwise."""
        return self._hint.text() if self._held is not None else ""

    @property
    def problem(self) -> str:
        """Why nothing was changed."""
        return self._problem.text()

    @property
    def held(self) -> Cell | None:
        """The cell that is shown when none is pointed at; row and column, ids."""
        return self._held

    @property
    def cell(self) -> Cell | None:
        """The cell that is shown; while a number is typed or dragged, the one that it is for."""
        return None if (place := self._place) is None else place[1]

    @property
    def _place(self) -> tuple[str, Cell] | None:
        """The cell that is shown, and which table it is of."""
        held = None if self._held is None else (self._table, self._held)
        return held if self.field.hasFocus() else self._pointed or held

    def set_table(self, table: str) -> None:
        """Take which table is shown: "token" or "position"; shown at the next refresh."""
        self._table = table

    def set_also(self, name: str, values: NDArray[np.float32] | None) -> None:
        """Show one number more, called `name`, of `values` (R, C) of the table that is shown; None for no more."""
        self._also_values = values
        self._also_name.setText(name)
        for label in (self._also_name, self._also):
            label.setVisible(values is not None)

    def set_by_hand(
        self, changed: Mapping[str, Mapping[Cell, HandEdit]], frozen: Mapping[str, Collection[int]]
    ) -> None:
        """Take which cells of each table hands changed, and which rows are frozen; shown at the next refresh."""
        self._changed, self._frozen = changed, frozen

    def set_editable(self, on: bool) -> None:
        """Let the number of a cell that is held be changed, or not; shown at the next refresh."""
        self._is_editable = on

    @Slot(bool)
    def set_keys(self, on: bool) -> None:
        """Take whether the table has the keyboard, so that the hint can tell how to leave."""
        self._has_keys = on
        self._show_hint()

    def _show_hint(self) -> None:
        self._hint.setText(KEYS_HINT if self._has_keys else HELD_HINT)
        self._hint.setVisible(self._held is not None and self._is_editable)

    def say(self, problem: str) -> None:
        """Say why nothing was changed; "" for nothing to say."""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    def point_at(self, state: AppState, row: int, column: int, table: str = "") -> None:
        """Show a cell of `table`, else of the one shown; the cell that is held, or nothing, if it is negative."""
        self._pointed = (table or self._table, (row, column)) if row >= 0 and column >= 0 else None
        self.refresh(state)

    def hold(self, state: AppState, cell: Cell | None) -> None:
        """Show `cell`, ids, whenever none is pointed at."""
        self._held = cell
        self.say("")
        self.refresh(state)

    def refresh(self, state: AppState) -> None:
        """Take the numbers of the frame that is shown."""
        document = state.document
        size = document.vocab_size if document else 0
        has_logits = state.config.reads == "token"
        self._names["logit"].setText("logit" if has_logits else "value")
        for name in OF_LOGITS:
            self._names[name].setVisible(has_logits)
            self._values[name].setVisible(has_logits)
        self._show_hint()
        columns = size if has_logits else state.config.n_embd
        place = self._place
        is_held = place is not None and self._held is not None and place == (self._table, self._held)
        self._title.setText("Cell that is held" if is_held else TITLE)
        rows = size if place is None or place[0] == "token" else state.run.config.block_size
        if place is None or document is None or place[1][0] >= rows or place[1][1] >= columns:
            self._value.setCurrentWidget(self._values["logit"])
            self._where.setText(NO_CELL_YET if self._is_editable else NO_CELL)
            self._by_hand.setText("")
            for label in (*self._values.values(), self._also):
                label.setText("–")
            return
        self._show_cell(state, document, place[0], *place[1])

    def _show_cell(self, state: AppState, document: Document, table: str, row: int, column: int) -> None:
        snapshot, labels = state.snapshot, document.tokenizer.labels
        has_logits = state.config.reads == "token"
        second = f" ‘{labels[column]}’" if has_logits else ""
        step = f", step {snapshot.step:,}" if snapshot else ""
        frozen = " frozen" if row in self._frozen[table] else ""
        self._where.setText(f"{row_name(row, labels, table)}{frozen}, column {column}{second}{step}")
        edit = self._changed[table].get((row, column))
        words = f"by hand: {from_to(edit.before, edit.value)} at step {edit.step:,}" if edit else ""
        self._by_hand.setText(words)
        is_held = table == self._table and (row, column) == self._held
        is_field = self._is_editable and is_held and snapshot is not None
        self._value.setCurrentWidget(self.field if is_field else self._values["logit"])
        if snapshot is not None and table in snapshot.tables:
            numbers = snapshot.tables[table][row].astype(np.float64)  # (C,)
            weights = np.exp(numbers - numbers.max())  # (C,)
            number = figure(float(numbers[column]), signed=True)
            self._values["logit"].setText(number)
            if is_field:
                self.field.show_number(number)
            self._values["softmax"].setText(figure(float(weights[column] / weights.sum())))
        if self._also_values is not None:
            is_known = table == self._table
            self._also.setText(figure(float(self._also_values[row, column]), signed=True) if is_known else "–")
        if has_logits:
            times = document.pairs[row, column]
            share = times / max(1, int(document.pairs.row_sums[row]))
            self._values["in the text"].setText(f"{figure(share)} ({times:,} times)")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the cell's row."""
        place = self._place
        event.setAccepted(place is not None)
        if place is not None:
            self.menu_wanted.emit(place[0], *place[1], event.globalPos())

    @Slot()
    def _restyle(self) -> None:
        self._title.setFont(self._theme.font(Role.BODY, bold=True))
        self._also.setFont(self._theme.font(Role.BODY, bold=True))
        self.field.setFont(self._theme.font(Role.BODY, bold=True))
        self._problem.setFont(self._theme.font(Role.CAPTION))
        self._problem.setStyleSheet(f"color: {self._theme.colours.warning};")
        for name, label in self._values.items():
            label.setFont(self._theme.font(Role.BODY, bold=True))
            if name == "in the text":
                label.setStyleSheet(f"color: {self._theme.colours.data};")
            elif name == "softmax":
                label.setStyleSheet(f"color: {self._theme.colours.model};")
            else:
                label.setStyleSheet(f"color: {self._theme.colours.ink};")  # in a stack only this keeps it bold
        self.field.setStyleSheet(f"padding: 0 {self._theme.px(6)}px;")
