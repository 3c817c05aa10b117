"""The column beside the table: the rows that are looked up, as the model puts them together, and a cell."""

from collections.abc import Collection, Mapping

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.edits import HandEdit
from embedviz.gui.cell_readout import CellReadout
from embedviz.gui.contexts import adds_positions, in_a_row, row_scale, rows_of
from embedviz.gui.hand_words import Cell
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.concatenation import ConcatenationBand
from embedviz.gui.plots.heatmap_marks import TableMarks
from embedviz.gui.plots.strip import RowStrip
from embedviz.gui.state import AppState
from embedviz.gui.summed_rows import SummedRows
from embedviz.gui.table_phase import is_of_example, shown_ids
from embedviz.gui.table_view import TableFrame
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import LiveLabel, caption

SIDE_WIDTH = 248  # designed pixels
LOWEST_ROW, HIGHEST_ROW = 26, 84  # designed pixels, of the strip
MOST_ROWS = 3  # that are sure to have room
LOW, LOWEST = 300, 240  # designed pixels: below them the line of ids, then the cell give their room to the rows
NO_LIMIT = 16_777_215  # what Qt calls QWIDGETSIZE_MAX
NOTHING = "–"  # the label of what stands before the beginning


class LookedUp(QWidget):
    """Shows the rows of the context in the frame that the panel shows."""

    pointed = Signal(str, int, int)  # table, row and column; -1, -1 when no cell is
    cell_clicked = Signal(str, int, int)  # the same
    menu_wanted = Signal(str, int, int, QPoint)  # the same, column -1 at a label; where on the screen

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._ids: list[int | None] = []
        self._keeps_cell = False
        self._changed: Mapping[str, Mapping[Cell, HandEdit]] = {}
        self._frozen: Mapping[str, Collection[int]] = {}
        self._title = LiveLabel("Rows looked up")
        self._line = caption(elided=True)
        self.strip = RowStrip(theme)
        self.strip.setObjectName("rowStrip")
        self._joined_title = LiveLabel("Side by side")
        self.joined = ConcatenationBand(theme)
        self.joined.setObjectName("concatenation")
        self.sums = SummedRows(state, theme)
        self.cell = CellReadout(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(8), 0, 0, 0)
        layout.setSpacing(theme.px(4))
        layout.addWidget(self._title)
        layout.addWidget(self._line)
        layout.addWidget(self.strip, 1)
        layout.addWidget(self._joined_title)
        layout.addWidget(self.joined)
        layout.addWidget(self.sums, 1)
        for widget in (self._joined_title, self.joined, self.sums):
            widget.hide()  # until a model needs it: it takes room
        layout.addWidget(self.cell)
        layout.addStretch(0)
        self.strip.hovered.connect(self._point)
        self.strip.cell_clicked.connect(self._click)
        self.strip.menu_wanted.connect(self._ask_menu)
        self.joined.hovered.connect(self._point)
        self.sums.pointed.connect(self.pointed)
        self.sums.cell_clicked.connect(self.cell_clicked)
        self.sums.menu_wanted.connect(self.menu_wanted)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_rows(self, frame: TableFrame | None, why_empty: str, weights: tuple[float, float]) -> None:
        """Show the rows of the context in `frame`; if there is none, `why_empty`.

        A model that adds positions has the sums of the weights instead, in colours between the levels `weights`.
        """
        state, document = self._state, self._state.document
        self._ids = shown_ids(state)
        self._mark()
        is_joined, is_summed = state.config.reads == "block", adds_positions(state.config)
        shown: dict[QWidget, bool] = {self._joined_title: is_joined, self.joined: is_joined, self.sums: is_summed}
        for widget, on in {**shown, self._title: not is_summed, self.strip: not is_summed}.items():
            widget.setVisible(on)
        if is_summed:
            self._give_room()
            self.sums.show_sums(weights, self._diverging, why_empty)
            return
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
        is_scaled = row_scale(state.config) != 1
        words_of = f"Rows  ({time}, {channels}), then × √{channels}"
        self._title.setText(words_of if is_scaled else f"Rows looked up  ({time}, {channels})")
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

    def fit_width(self) -> int:
        """Be as wide as the table where that is narrow, else no wider than needed; return the share to ask for."""
        width = self._theme.px(SIDE_WIDTH)
        is_narrow = self._state.config.reads != "token"
        self.setMinimumWidth(width)
        self.setMaximumWidth(NO_LIMIT if is_narrow else width)
        return 1 if is_narrow else 0

    def set_by_hand(
        self, changed: Mapping[str, Mapping[Cell, HandEdit]], frozen: Mapping[str, Collection[int]]
    ) -> None:
        """Mark cells of each table that were changed by hand, and frozen rows."""
        self._changed, self._frozen = changed, frozen
        self.cell.set_by_hand(changed, frozen)
        self.sums.set_by_hand(changed, frozen)
        self._mark()

    @property
    def _diverging(self) -> str:
        return colormaps.DIVERGING_SAFE if self._state.colour_blind else colormaps.DIVERGING

    def keep_cell(self, on: bool) -> None:
        """Show the numbers of the cell even where there is little room: somebody wants to change them."""
        self._keeps_cell = on
        self._give_room()

    def _mark(self) -> None:
        places: dict[int, list[int]] = {}
        for place, token in enumerate(self._ids):
            if token is not None:
                places.setdefault(token, []).append(place)
        cells, rows = self._changed.get("token", {}), self._frozen.get("token", ())
        changed = frozenset((place, cell[1]) for cell in cells for place in places.get(cell[0], ()))
        frozen = frozenset(place for token in rows for place in places.get(token, ()))
        self.strip.set_marks(TableMarks(changed, frozen))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what matters least where there is little room."""
        super().resizeEvent(event)
        self._give_room()

    def _give_room(self) -> None:
        is_roomy, is_summed = self._state.config.reads == "token", adds_positions(self._state.config)
        self._line.setVisible(not is_summed and (is_roomy or self.height() > self._theme.px(LOW)))
        lowest = self._theme.px(LOW if self._state.config.reads == "window" else LOWEST)
        self.cell.setVisible(self._keeps_cell or is_roomy or self.height() > lowest)

    @Slot(int, int)
    def _point(self, row: int, column: int) -> None:
        token = self._token(row)
        self.pointed.emit("token", *((-1, -1) if token is None else (token, column)))

    @Slot(int, int)
    def _click(self, row: int, column: int) -> None:
        token = self._token(row)
        if token is not None:
            self.cell_clicked.emit("token", token, column)

    @Slot(int, int, QPoint)
    def _ask_menu(self, row: int, column: int, where: QPoint) -> None:
        token = self._token(row)
        if token is not None:
            self.menu_wanted.emit("token", token, column, where)

    def _token(self, row: int) -> int | None:
        return self._ids[row] if 0 <= row < len(self._ids) else None

    @Slot()
    def _restyle(self) -> None:
        for title in (self._title, self._joined_title):
            title.setFont(self._theme.font(Role.BODY, bold=True))
