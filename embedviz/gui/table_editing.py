"""Hands on the lookup table: what is clicked, dragged and typed in its pictures, as wishes for HandEditor."""

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QMenu

from embedviz.analysis.figures import counted
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.hand_words import Cell, row_name
from embedviz.gui.looked_up import LookedUp
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.row_order import RowOrder
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import ticks_of

EDITABLE_MODES = ("weights", "plane")
MARKED_MODES = ("weights", "plane", "softmax", "change", "gradient")  # pictures of what the model makes
WRONG_MODE = "The table is changed by hand in the mode Weights."
BETWEEN, NEW_LINE = " · ", "\n"  # parts of the legend
DRAG_PIXELS = 200.0  # from the middle of the colours to their end


class TableEditing(QObject):
    """Holds a cell, marks what hands have changed, and asks for more."""

    legend_changed = Signal(str, str)  # what the ticks mean that are shown, in short and in full

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
        side.cell_clicked.connect(self._hold_cell)
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

    @Slot()
    def show_marks(self) -> None:
        """Mark cells and rows in the order in which they are shown."""
        row = self._order.row
        cells, frozen = (self._hand.cells, self._hand.frozen) if self._mode in MARKED_MODES else ({}, frozenset())
        changed = ((row(cell[0]), cell[1]) for cell in cells)
        ticks = ticks_of(self._state)
        self._heatmap.set_marks(
            TableMarks(
                frozenset((place, column) for place, column in changed if place is not None),
                frozenset(self._order.rows(frozen)),
                self._order.rows(ticks.with_gradient),
                self._order.rows(ticks.without),
            )
        )
        self._side.set_by_hand(cells, frozen)
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

    @Slot(int, int)
    def _hold_cell(self, token: int, column: int) -> None:
        """Hold a cell; the one that is held already is let go."""
        self._hold(None if self._readout.held == (token, column) else (token, column))

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

    def _type_into(self, cell: Cell) -> None:
        self._hold(cell)
        if self._is_editable():
            self._readout.field.begin_typing()
            self._readout.refresh(self._state)

    @Slot(str)
    def _take_typed(self, text: str) -> None:
        held = self._readout.held
        if held is not None and self._hand.set_cell(*held, text):
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
            self._hand.begin_drag(*held)

    @Slot(float)
    def _drag(self, pixels: float) -> None:
        if self._hand.is_dragging:
            self._hand.drag_by(pixels * self._limit / DRAG_PIXELS)

    # --- rows ---------------------------------------------------------------------------------------

    @Slot(int, int, QPoint)
    def _show_menu_at_place(self, row: int, column: int, where: QPoint) -> None:
        self._show_menu(self._order.token(row), column, where)

    @Slot(int, int, QPoint)
    def _show_menu(self, token: int, column: int, where: QPoint) -> None:
        """Show what can be done with a row, and with the cell in it that is pointed at."""
        document = self._state.document
        if document is None or token < 0:
            return
        menu = QMenu(self._heatmap)
        menu.setObjectName("rowMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        verb = "Thaw" if token in self._hand.frozen else "Freeze"
        freeze = menu.addAction(f"{verb} {row_name(token, document.tokenizer.labels)}")
        freeze.setObjectName("freezeRow")
        freeze.triggered.connect(lambda: self._hand.toggle_frozen(token))
        if column >= 0:
            change = menu.addAction("Change this cell…")
            change.setObjectName("changeCell")
            change.setEnabled(self._mode in EDITABLE_MODES)
            change.triggered.connect(lambda: self._type_into((token, column)))
        menu.popup(where)
