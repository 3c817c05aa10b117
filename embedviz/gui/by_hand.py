"""HandEditor: what a person changes in the lookup table, as commands; and what the trainer says was changed."""

import itertools
import math
import re
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.gui.controller import RunController
from embedviz.gui.hand_words import TABLES, Cell, changed_cells, frozen_rows
from embedviz.gui.state import AppState, Phase
from embedviz.gui.table_phase import shown_ids, shown_token

LARGEST = 1e4  # that a cell can be set to; the trainer refuses more
FRAME_MS = 16  # while a value is dragged: one command a frame
WHY_NOT = {
    Phase.WARMING: "The trainer is warming up: the table can be changed by hand when it is ready.",
    Phase.LOST: "The trainer has ended: go on from its last step to change the table by hand.",
    Phase.REFUSED: "This run was not started: there is no table to change by hand.",
}
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


@dataclass
class _Drag:
    """A cell whose value follows the pointer."""

    run_id: str
    table: str
    row: int
    column: int
    start: float
    gesture: int
    wanted: float
    sent: float


class HandEditor(QObject):
    """Cells are set, rows frozen, edits undone, in the run that is shown.

    It only asks: nothing counts as changed before the trainer has said so.
    """

    changed = Signal()  # other edits, or another run
    meant_changed = Signal()  # another table is shown
    said = Signal(str)  # a sentence that says why nothing was done; "" when something is

    def __init__(self, state: AppState, controller: RunController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._controller = controller
        self._gestures = itertools.count(1)
        self._drag: _Drag | None = None
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._send_dragged)
        self.edits: tuple[HandEdit, ...] = ()
        self._cells: dict[str, dict[Cell, HandEdit]] = {table: {} for table in TABLES}
        self._frozen: dict[str, frozenset[int]] = dict.fromkeys(TABLES, frozenset())
        self._undone: list[HandEdit] = []
        self._table = "token"  # that is shown
        state.run_changed.connect(self._take_run)

    # --- what there is ------------------------------------------------------------------------------

    @property
    def frozen(self) -> frozenset[int]:
        """The rows of the token table that are frozen."""
        return self._frozen["token"]

    def cells_of(self, table: str) -> dict[Cell, HandEdit]:
        """Return the last edit of each cell of a table that hands changed."""
        return self._cells[table]

    def frozen_of(self, table: str) -> frozenset[int]:
        """Return the rows of a table that are frozen."""
        return self._frozen[table]

    @property
    def meant(self) -> tuple[str, int] | None:
        """Table and row that are outlined where they are shown: the selected token's, or that of its position."""
        if self._table == "token":
            token = shown_token(self._state)
            return None if token is None else (self._table, token)
        ids = shown_ids(self._state)
        return (self._table, len(ids) - 1) if ids else None

    def set_table(self, table: str) -> None:
        """Take which table is shown."""
        if table != self._table:
            self._table = table
            self.meant_changed.emit()

    @property
    def why_not(self) -> str:
        """A sentence that says why the table cannot be changed now; "" if it can."""
        run = self._state.run
        if run.phase in WHY_NOT:
            return WHY_NOT[run.phase]
        return "" if run.run_id and self._state.snapshot is not None else WHY_NOT[Phase.WARMING]

    @property
    def can_undo(self) -> bool:
        """True if there is an edit to take back."""
        return bool(self.edits) and not self.why_not

    @property
    def can_redo(self) -> bool:
        """True if an edit was taken back last."""
        return self._state.run.can_redo and not self.why_not

    @property
    def undone(self) -> HandEdit | None:
        """The edit that would be made again, if it was taken back in this window."""
        return self._undone[-1] if self._undone and self._state.run.can_redo else None

    @property
    def is_dragging(self) -> bool:
        """True while a value follows the pointer."""
        return self._drag is not None

    # --- what a person asks for ---------------------------------------------------------------------

    def set_cell(self, row: int, column: int, text: str, table: str = "token") -> bool:
        """Set a cell to the number that was typed; False, and a sentence, if it is none or too large."""
        if not self._is_possible():
            return False
        value = number_in(text)
        if value is None:
            self.said.emit(f"‘{text.strip()}’ is no number: nothing changed.")
            return False
        if abs(value) > LARGEST:
            self.said.emit(f"A cell holds ±{LARGEST:,.0f} at most.")
            return False
        self._send_cell(table, row, column, value, next(self._gestures))
        return True

    def begin_drag(self, row: int, column: int, table: str = "token") -> bool:
        """Let a cell's value follow the pointer; False, and a sentence, if it cannot."""
        self.end_drag()
        if not self._is_possible():
            return False
        start = self._value(table, row, column)
        run_id = self._state.run.run_id
        self._drag = _Drag(run_id, table, row, column, start, next(self._gestures), start, start)
        return True

    def drag_by(self, amount: float) -> None:
        """Set the cell that is dragged to `amount` more than it was when the drag began, once a frame."""
        if self._drag is not None:
            wanted = self._drag.start + amount
            self._drag.wanted = max(-LARGEST, min(LARGEST, wanted))
            if not self._frame.isActive():
                self._send_dragged()

    def end_drag(self, keep: bool = True) -> None:
        """Let go of the cell at the value that it has, or (`keep` False) at the one it had before."""
        if self._drag is not None:
            if not keep:
                self._drag.wanted = self._drag.start
            self._send_dragged()
            self._drag = None
            self._frame.stop()

    def toggle_frozen(self, row: int, table: str = "token") -> None:
        """Freeze a row: training leaves it as it is from now on; or thaw it."""
        if self._is_possible():
            self._send(HandEdit("thaw" if row in self.frozen_of(table) else "freeze", table, row))

    @Slot()
    def undo(self) -> None:
        """Take the last edit back, and the steps that were taken since."""
        self.end_drag()
        if self._is_possible() and self.edits:
            self._controller.send(m.Undo(self._state.run.run_id))

    @Slot()
    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self.end_drag()
        if self._is_possible() and self._state.run.can_redo:
            self._controller.send(m.Redo(self._state.run.run_id))

    # --- the trainer --------------------------------------------------------------------------------

    def _is_possible(self) -> bool:
        self.said.emit(self.why_not)
        return not self.why_not

    def _value(self, table: str, row: int, column: int) -> float:
        assert self._state.snapshot is not None
        return float(self._state.snapshot.tables[table][row, column])

    def _send_cell(self, table: str, row: int, column: int, value: float, gesture: int) -> None:
        self._send(HandEdit("cell", table, row, column, value, gesture=gesture))

    def _send(self, edit: HandEdit) -> None:
        self._controller.send(m.Edit(self._state.run.run_id, edit))

    @Slot()
    def _send_dragged(self) -> None:
        drag = self._drag
        if drag is None or drag.wanted == drag.sent:
            return
        drag.sent = drag.wanted
        self._send_cell(drag.table, drag.row, drag.column, drag.wanted, drag.gesture)
        self._frame.start()

    @Slot()
    def _take_run(self) -> None:
        run = self._state.run
        if self._drag is not None and (self.why_not or run.run_id != self._drag.run_id):
            self._drag = None  # the cell is gone, and what it was set to with it
            self.said.emit(self.why_not)
        if run.edits == self.edits:
            return
        self._remember_undone(run.edits)
        self.edits = run.edits
        for table in TABLES:
            self._cells[table] = changed_cells(run.edits, table)
            self._frozen[table] = frozen_rows(run.edits, table)
        self.changed.emit()

    def _remember_undone(self, edits: tuple[HandEdit, ...]) -> None:
        if not self._state.run.can_redo:
            self._undone.clear()
        elif edits == self.edits[:-1]:
            self._undone.append(self.edits[-1])
        elif self._undone and edits[:-1] == self.edits:
            self._undone.pop()


def number_in(text: str) -> float | None:
    """Return the finite number that `text` is, as people and this app write it: "−0.31", "1,234", "0,5"."""
    plain = text.strip().replace("−", "-").replace("\u202f", "").replace(" ", "")
    plain = plain.replace(",", "" if _THOUSANDS.fullmatch(plain) else ".")
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in plain else None
