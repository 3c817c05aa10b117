"""The column beside the table: the rows that are looked up, side by side as the model reads them, and a cell."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.gui.cell_readout import CellReadout
from embedviz.gui.contexts import in_a_row, looked_up_ids, rows_of
from embedviz.gui.plots.concatenation import ConcatenationBand
from embedviz.gui.plots.strip import RowStrip
from embedviz.gui.state import AppState
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

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._ids: list[int | None] = []
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
        self.joined.hovered.connect(self._point)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_rows(self, frame: TableFrame | None, why_empty: str) -> None:
        """Show the rows of the context in `frame`; if there is none, `why_empty`."""
        state, document = self._state, self._state.document
        self._ids = looked_up_ids(state)
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
        selected = len(words) - 1 if state.selected_id is not None else None
        self.strip.set_rows(words, self._ids, looked_up, frame.levels, frame.colormap, selected)
        if is_joined:
            self._joined_title.setText(f"Side by side  ({time * channels},)")
            present = [token is not None for token in self._ids]
            self.joined.set_empty("")
            self.joined.set_parts(words, looked_up, frame.levels, frame.colormap, present)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what matters least where there is little room."""
        super().resizeEvent(event)
        self._give_room()

    def _give_room(self) -> None:
        is_joined = self._state.config.model != "bigram"
        self._line.setVisible(not is_joined or self.height() > self._theme.px(LOW))
        self.cell.setVisible(not is_joined or self.height() > self._theme.px(LOWEST))

    @Slot(int, int)
    def _point(self, row: int, column: int) -> None:
        token = self._ids[row] if 0 <= row < len(self._ids) else None
        self.pointed.emit(*((-1, -1) if token is None else (token, column)))

    @Slot()
    def _restyle(self) -> None:
        for title in (self._title, self._joined_title):
            title.setFont(self._theme.font(Role.BODY, bold=True))
