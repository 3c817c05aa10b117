"""The column beside the table: the rows that are looked up, side by side as the model reads them, and a cell."""

from collections.abc import Collection, Mapping

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.edits import HandEdit
from embedviz.gui.cell_readout import CellReadout
from embedviz.gui.contexts import in_a_row, rows_of
from embedviz.gui.hand_words import Cell
from embedviz.gui.plots.concatenation import ConcatenationBand
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.plots.strip import RowStrip
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import is_of_example, shown_ids
from embedviz.gui.table_view import TableFrame
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import LiveLabel, caption

LOWEST_ROW, HIGHEST_ROW = 26, 84  # designed pixels, of the strip
MOST_ROWS = 3  # that are sure to have room
LOW, LOWEST = 300, 240  # designed pixels: below them the line of ids, then the cell give their room to the rows
NO_LIMIT = 16_777_215  # what Qt calls QWIDGETSIZE_MAX
NOTHING = "–"  # the label of what stands before the beginning


class LookedUp(QWidget):
    """Shows the rows of the context in the frame that the panel shows."""

    pointed = Signal(int, int)  # token id and column; -1, -1 when no cell is
    cell_clicked = Signal(int, int)  # the same
    menu_wanted = Signal(int, int, QPoint)  # the same, column -1 at a label; where on the screen

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._ids: list[int | None] = []
        self._keeps_cell = False
        self._changed: Mapping[Cell, HandEdit] = {}
        self._frozen: Collection[int] = ()
        self._title = LiveLabel("Rows looked up")
        self._line = caption(elided=True)
        self.strip = RowStrip(theme)
        self.strip.setObjectName("rowStrip")
        self._joined_title = LiveLabel("Side by side")
        self.joined = ConcatenationBand(theme)
        self.joined.setObjectName("concatenation")
        self.cell = CellReadout(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(8), 0, 0, 0)
        layout.setSpacing(theme.px(4))
        layout.addWidget(self._title)
        layout.addWidget(self._line)
        layout.addWidget(self.strip, 1)
        layout.addWidget(self._joined_title)
        layout.addWidget(self.joined)
        layout.addWidget(self.cell)
        layout.addStretch(0)
        self.strip.hovered.connect(self._point)
        self.strip.cell_clicked.connect(self._click)
        self.strip.menu_wanted.connect(self._ask_menu)
        self.joined.hovered.connect(self._point)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_rows(self, frame: TableFrame | None, why_empty: str) -> None:
        """Show the rows of the context in `frame`; if there is none, `why_empty`."""
        state, document = self._state, self._state.document
        self._ids = shown_ids(state)
        self._mark()
        is_joined = state.config.model != "bigram"
        for widget in (self._joined_title, self.joined):
            widget.setVisible(is_joined)
        # As many rows as ever, where the model reads a block: what is below can follow close behind.
        rows = state.run.config.block_size
        self.strip.setMaximumHeight(self._theme.px(HIGHEST_ROW) * rows if is_joined else NO_LIMIT)
        self.strip.setMinimumHeight(self._theme.px(LOWEST_ROW) * min(rows, MOST_ROWS) if is_joined else 0)
        self._give_room()
        if frame is None or document is None or not self._ids:
            self.strip.set_empty(why_empty if self._ids else "Select a token of your line: its row appears here.")
            self.joined.set_empty(" ")
            self._title.setText("Rows looked up")
            self._joined_title.setText("Side by side")
            self._line.setText("")
            return
        labels = document.tokenizer.labels
        words = [NOTHING if token is None else labels[token] for token in self._ids]
        listed = ", ".join(NOTHING if token is None else str(token) for token in self._ids)
        looked_up = rows_of(frame.values, self._ids)  # (T, C)
        time, channels = looked_up.shape
        self._title.setText(f"Rows looked up  ({time}, {channels})")
        self._line.setText(f"“{in_a_row(words)}” → ids {listed}")
        self.strip.set_empty("")
        has_last = is_of_example(state) or state.selected_id is not None
        selected = len(words) - 1 if has_last else None
        self.strip.set_rows(words, self._ids, looked_up, frame.levels, frame.colormap, selected)
        if is_joined:
            self._joined_title.setText(f"Side by side  ({time * channels},)")
            present = [token is not None for token in self._ids]
            self.joined.set_empty("")
            self.joined.set_parts(words, looked_up, frame.levels, frame.colormap, present)

    def set_by_hand(self, changed: Mapping[Cell, HandEdit], frozen: Collection[int]) -> None:
        """Mark cells that were changed by hand, and frozen rows, by ids."""
        self._changed, self._frozen = changed, frozen
        self.cell.set_by_hand(changed, frozen)
        self._mark()

    def keep_cell(self, on: bool) -> None:
        """Show the numbers of the cell even where there is little room: somebody wants to change them."""
        self._keeps_cell = on
        self._give_room()

    def _mark(self) -> None:
        places: dict[int, list[int]] = {}
        for place, token in enumerate(self._ids):
            if token is not None:
                places.setdefault(token, []).append(place)
        changed = frozenset((place, cell[1]) for cell in self._changed for place in places.get(cell[0], ()))
        frozen = frozenset(place for token in self._frozen for place in places.get(token, ()))
        self.strip.set_marks(TableMarks(changed, frozen))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what matters least where there is little room."""
        super().resizeEvent(event)
        self._give_room()

    def _give_room(self) -> None:
        is_joined = self._state.config.model != "bigram"
        self._line.setVisible(not is_joined or self.height() > self._theme.px(LOW))
        self.cell.setVisible(self._keeps_cell or not is_joined or self.height() > self._theme.px(LOWEST))

    @Slot(int, int)
    def _point(self, row: int, column: int) -> None:
        token = self._token(row)
        self.pointed.emit(*((-1, -1) if token is None else (token, column)))

    @Slot(int, int)
    def _click(self, row: int, column: int) -> None:
        token = self._token(row)
        if token is not None:
            self.cell_clicked.emit(token, column)

    @Slot(int, int, QPoint)
    def _ask_menu(self, row: int, column: int, where: QPoint) -> None:
        token = self._token(row)
        if token is not None:
            self.menu_wanted.emit(token, column, where)

    def _token(self, row: int) -> int | None:
        return self._ids[row] if 0 <= row < len(self._ids) else None

    @Slot()
    def _restyle(self) -> None:
        for title in (self._title, self._joined_title):
            title.setFont(self._theme.font(Role.BODY, bold=True))
