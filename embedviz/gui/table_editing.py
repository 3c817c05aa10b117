"""Hands on the lookup table: what is clicked, dragged and typed in its pictures, as wishes for HandEditor."""

import numpy as np
from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QMenu

from embedviz.analysis.figures import counted
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.hand_words import TABLES, Cell, row_name
from embedviz.gui.looked_up import LookedUp
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.row_order import RowOrder
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import OF_GRADIENTS, Ticks, ticks_of

EDITABLE_MODES = ("weights", "plane")
MARKED_MODES = ("weights", "plane", "softmax", "change", "gradient")  # pictures of what the model makes
WRONG_MODE = "The table is changed by hand in the mode Weights."
BETWEEN, NEW_LINE = " · ", "\n"  # parts of the legend
DRAG_PIXELS = 200.0  # from the middle of the colours to their end


class TableEditing(QObject):
    """Holds a cell, marks what hands have changed, and asks for more."""

    legend_changed = Signal(str, str)  # what the ticks mean that are shown, in short and in full
    table_wanted = Signal(str)  # the table to be shown, since a cell in it is worked on

    def __init__(
        self,
        state: AppState,
        hand: HandEditor,
        heatmap: Heatmap,
        side: LookedUp,
        order: RowOrder,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._hand = hand
        self._heatmap = heatmap
        self._side = side
        self._readout = side.cell
        self._order = order
        self._table = "token"
        self._mode = "weights"
        self._limit = 1.0
        self._readout.set_editable(True)
        self._connect()

    def _connect(self) -> None:
        heatmap, side, field = self._heatmap, self._side, self._readout.field
        heatmap.cell_clicked.connect(self._hold_place)
        heatmap.edit_wanted.connect(self._type_at_place)
        heatmap.let_go_wanted.connect(self.let_go)
        heatmap.value_drag_began.connect(self._begin_drag_at_place)
        heatmap.value_dragged.connect(self._drag)
        heatmap.value_drag_ended.connect(self._hand.end_drag)
        heatmap.keys_changed.connect(self._readout.set_keys)
        heatmap.menu_wanted.connect(self._show_menu_at_place)
        side.cell_clicked.connect(self._hold_cell_of)
        side.menu_wanted.connect(self._show_menu)
        self._readout.menu_wanted.connect(self._show_menu)
        field.committed.connect(self._take_typed)
        field.left.connect(self._leave_field)
        field.drag_began.connect(self._begin_drag)
        field.dragged.connect(self._drag)
        field.drag_ended.connect(self._hand.end_drag)
        self._hand.changed.connect(self.show_marks)
        self._hand.said.connect(self._readout.say)
        self._state.document_changed.connect(self.let_go)
        self._state.trace_shown.connect(self.show_marks)

    # --- what is shown ------------------------------------------------------------------------------

    def set_mode(self, mode: str, limit: float) -> None:
        """Take what the panel shows, and the number at the end of its colours: it scales drags."""
        self._limit = limit
        if mode != self._mode:
            self._mode = mode
            self._readout.set_editable(mode in EDITABLE_MODES)
            self._readout.say("")
            self.show_marks()

    def set_table(self, table: str) -> None:
        """Take which table the panel shows."""
        if table != self._table:
            self._table = table
            self._readout.set_table(table)
            self._hand.set_table(table)
            self.let_go()

    @Slot()
    def show_marks(self) -> None:
        """Mark cells and rows in the order in which they are shown."""
        row, hand = self._order.row, self._hand
        is_marked = self._mode in MARKED_MODES
        cells = {table: hand.cells_of(table) if is_marked else {} for table in TABLES}
        all_frozen = {table: hand.frozen_of(table) if is_marked else frozenset() for table in TABLES}
        frozen = all_frozen[self._table]
        changed = ((row(cell[0]), cell[1]) for cell in cells[self._table])
        ticks = ticks_of(self._state) if self._table == "token" else _ticks_of(self._table, self._state)
        self._heatmap.set_marks(
            TableMarks(
                frozenset((place, column) for place, column in changed if place is not None),
                frozenset(self._order.rows(frozen)),
                self._order.rows(ticks.with_gradient),
                self._order.rows(ticks.without),
            )
        )
        self._side.set_by_hand(cells, all_frozen)
        self._readout.refresh(self._state)
        self._mark_held()
        legend, said = ticks.legend, ticks.words
        if legend and frozen:
            legend += f"{BETWEEN if NEW_LINE in legend else NEW_LINE}{len(frozen):,} frozen"
            said = f"{said} {counted(len(frozen), 'row')} frozen by hand."
        self.legend_changed.emit(legend, said)

    # --- holding a cell -----------------------------------------------------------------------------

    @Slot()
    def let_go(self) -> None:
        """Hold no cell any more."""
        self._hold(None)

    def _hold(self, cell: Cell | None) -> None:
        self._readout.hold(self._state, cell)
        self._side.keep_cell(cell is not None)
        self._mark_held()

    def _mark_held(self) -> None:
        held = self._readout.held
        place = None if held is None else self._order.row(held[0])
        self._heatmap.hold(None if held is None or place is None else (place, held[1]))

    def _hold_cell(self, row: int, column: int) -> None:
        """Hold a cell; the one that is held already is let go."""
        self._hold(None if self._readout.held == (row, column) else (row, column))

    @Slot(str, int, int)
    def _hold_cell_of(self, table: str, row: int, column: int) -> None:
        """Have the table shown, and hold a cell of it."""
        self.table_wanted.emit(table)
        self._hold_cell(row, column)

    @Slot(int, int)
    def _hold_place(self, row: int, column: int) -> None:
        self._hold_cell(self._order.token(row), column)

    # --- changing its number ------------------------------------------------------------------------

    def _is_editable(self) -> bool:
        """Tell whether numbers can be changed here and now; say why not."""
        why_not = self._hand.why_not or ("" if self._mode in EDITABLE_MODES else WRONG_MODE)
        self._readout.say(why_not)
        return not why_not

    @Slot(int, int)
    def _type_at_place(self, row: int, column: int) -> None:
        self._type_into((self._order.token(row), column))

    def _type_into(self, cell: Cell, table: str = "") -> None:
        self.table_wanted.emit(table or self._table)
        self._hold(cell)
        if self._is_editable():
            self._readout.field.begin_typing()
            self._readout.refresh(self._state)

    @Slot(str)
    def _take_typed(self, text: str) -> None:
        held = self._readout.held
        if held is not None and self._hand.set_cell(*held, text, self._table):
            self._readout.field.accept()

    @Slot()
    def _leave_field(self) -> None:
        """Give the keys back to the table."""
        self._readout.say("")
        if self._readout.field.hasFocus():
            self._heatmap.setFocus(Qt.FocusReason.OtherFocusReason)
        self._readout.refresh(self._state)

    @Slot(int, int)
    def _begin_drag_at_place(self, row: int, column: int) -> None:
        self._hold((self._order.token(row), column))
        self._begin_drag()

    @Slot()
    def _begin_drag(self) -> None:
        held = self._readout.held
        if held is not None and self._is_editable():
            self._hand.begin_drag(*held, self._table)

    @Slot(float)
    def _drag(self, pixels: float) -> None:
        if self._hand.is_dragging:
            self._hand.drag_by(pixels * self._limit / DRAG_PIXELS)

    # --- rows ---------------------------------------------------------------------------------------

    @Slot(int, int, QPoint)
    def _show_menu_at_place(self, row: int, column: int, where: QPoint) -> None:
        self._show_menu(self._table, self._order.token(row), column, where)

    @Slot(str, int, int, QPoint)
    def _show_menu(self, table: str, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a row, and with the cell in it that is pointed at."""
        document = self._state.document
        if document is None or row < 0:
            return
        menu = QMenu(self._heatmap)
        menu.setObjectName("rowMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        verb = "Thaw" if row in self._hand.frozen_of(table) else "Freeze"
        freeze = menu.addAction(f"{verb} {row_name(row, document.tokenizer.labels, table)}")
        freeze.setObjectName("freezeRow")
        freeze.triggered.connect(lambda: self._hand.toggle_frozen(row, table))
        if column >= 0:
            change = menu.addAction("Change this cell…")
            change.setObjectName("changeCell")
            change.setEnabled(self._mode in EDITABLE_MODES)
            change.triggered.connect(lambda: self._type_into((row, column), table))
        menu.popup(where)


def _ticks_of(table: str, state: AppState) -> Ticks:
    """Return which rows of another table than the tokens' have a tick in the phase that is looked at."""
    phase, trace = state.phase, state.trace
    if phase is None or trace is None or phase.name not in OF_GRADIENTS:
        return Ticks()
    has = trace.arrays.get(f"{table} rows with gradient")  # (R,)
    if has is None:
        return Ticks()
    rows = tuple(np.flatnonzero(has).tolist())
    words = f"{len(rows):,} of {len(has):,} rows have a gradient (ticks)."
    return Ticks(rows, legend=f"▪ gradient: {len(rows):,} of {len(has):,}", words=words)
