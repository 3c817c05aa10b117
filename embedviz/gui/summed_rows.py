"""The rows of a context added to those of their positions; and one token at two positions."""

from collections.abc import Collection, Mapping

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.analysis.levels import StableLimit
from embedviz.edits import HandEdit
from embedviz.gui.contexts import Sums, in_a_row, row_scale, sums_of
from embedviz.gui.hand_words import Cell
from embedviz.gui.plots.sum_rows import POSITION, TOKEN, SumRows
from embedviz.gui.plots.sum_words import SumLine
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import is_of_example, shown_ids
from embedviz.gui.table_view import largest_of
from embedviz.gui.theme import Theme
from embedviz.gui.two_positions import TwoPositions
from embedviz.gui.widgets import Segments, caption, named

VIEWS = (
    ("context", "Context", "Each row of the context plus that of its position"),
    ("two", "Two positions", "The selected token at two positions"),
)
NO_ROWS = "Select a token of your line: its rows appear here."
NOTHING = "–"


class SummedRows(QWidget):
    """Shows token + position = sum for the context that is looked up, and tells which cell of a table is meant."""

    pointed = Signal(str, int, int)  # table, row and column; -1, -1 when no cell of a table is
    cell_clicked = Signal(str, int, int)  # the same
    menu_wanted = Signal(str, int, int, QPoint)  # the same, and where on the screen

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._ids: list[int | None] = []
        self._words: list[str] = []  # of these, in the vocabulary that they were shown with
        self._shown: tuple[tuple[float, float], str, str] = ((-1.0, 1.0), "CET-D1", "")
        self._limit = StableLimit(shrinks=False)
        self._run_id = ""
        self._changed: Mapping[str, Mapping[Cell, HandEdit]] = {}
        self._frozen: Mapping[str, Collection[int]] = {}
        self.view = Segments(VIEWS, theme)
        self.rows = named(SumRows(theme), "sumRows")
        self._line = caption(elided=True)
        self.two = named(TwoPositions(state, theme), "twoPositions")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.px(4))
        layout.addWidget(self.view)
        layout.addWidget(self.rows, 1)
        layout.addWidget(self._line)
        layout.addWidget(self.two, 1)
        self._connect()
        self._switch()

    def _connect(self) -> None:
        self.view.chosen.connect(self._switch)
        self.rows.hovered.connect(self._point)
        self.rows.cell_clicked.connect(self._click)
        self.rows.menu_wanted.connect(self._ask_menu)
        self.two.pointed.connect(self._point_at_two)
        self.two.changed.connect(self._show_again)
        self.rows.room_changed.connect(self._show_line)

    @property
    def words(self) -> str:
        """What is said below the lines."""
        return self._line.text()

    def show_sums(self, levels: tuple[float, float], colormap: str, why_empty: str) -> None:
        """Show the sums of the step that is shown, in the colours of the tables' weights; else `why_empty`."""
        state, document = self._state, self._state.document
        if state.run.run_id != self._run_id:
            self._run_id = state.run.run_id
            self._limit.reset()
        self._shown = levels, colormap, why_empty
        self._ids = shown_ids(state)
        self._mark()
        sums = sums_of(state.snapshot, state.config, self._ids)
        if sums is None or document is None:
            self.rows.set_empty(why_empty if self._ids else NO_ROWS)
            self._words = []
            self._line.setText("")
            self.two.show_sums(levels, colormap)
            return
        levels = self._levels(sums, levels)
        labels = document.tokenizer.labels
        self._words = [NOTHING if token is None else labels[token] for token in self._ids]
        lines = [SumLine(word, place) for place, word in enumerate(self._words)]
        scale = row_scale(state.config)
        head = "token" if scale == 1 else f"token × √{state.config.n_embd}"
        has_last = is_of_example(state) or state.selected_id is not None
        self.rows.set_empty("")
        blocks = sums.tokens, sums.positions, sums.sums
        self.rows.set_sums(lines, blocks, levels, colormap, len(lines) - 1 if has_last else None, head)
        self._show_line()
        self.two.show_sums(levels, colormap)

    def set_by_hand(
        self, changed: Mapping[str, Mapping[Cell, HandEdit]], frozen: Mapping[str, Collection[int]]
    ) -> None:
        """Mark cells that were changed by hand, and frozen rows, of either table."""
        self._changed, self._frozen = changed, frozen
        self._mark()

    def _levels(self, sums: Sums, levels: tuple[float, float]) -> tuple[float, float]:
        """Return the tables' levels, or wider ones if sums go beyond these."""
        largest = max(largest_of(rows) for rows in (sums.tokens, sums.positions, sums.sums))
        limit = max(levels[1], self._limit.update(largest))
        return -limit, limit

    @Slot()
    def _show_line(self) -> None:
        """Say the equation that is pointed at; else what is read, and what the picture leaves out."""
        if not self._words:
            self._line.setText("")
            return
        if (at := self.rows.at) is not None:
            self._line.setText(self.rows.equation(*at))
            return
        words = in_a_row(self._words)
        limit = self.rows.limit
        step = f"weights of step {self._state.snapshot.step:,}" if self._state.snapshot else ""
        scale = "" if limit == self._shown[0][1] else f"colours to ±{limit:g}"
        parts = [f"“{words}”", self.rows.note, self.rows.shape_note, scale, step]
        self._line.setText(" · ".join(part for part in parts if part))

    def _mark(self) -> None:
        columns = self._state.config.n_embd
        changed: set[Cell] = set()
        frozen: set[Cell] = set()
        for table, block in (("token", TOKEN), ("position", POSITION)):
            lines: dict[int | None, list[int]] = {}
            for line, row in enumerate(self._ids):
                lines.setdefault(row if table == "token" else line, []).append(line)
            for row, column in self._changed.get(table, {}):
                changed |= {(line, block * columns + column) for line in lines.get(row, ())}
            frozen |= {(line, block) for row in self._frozen.get(table, ()) for line in lines.get(row, ())}
        self.rows.set_marks(frozenset(changed), frozenset(frozen))

    def _cell(self, line: int, column: int) -> tuple[str, int, int] | None:
        """Return the table, row and column that a cell of the lines is a copy of; None for a sum."""
        if not 0 <= line < len(self._ids):
            return None
        block, column = divmod(column, max(1, self.rows.columns))
        token = self._ids[line]
        if block == TOKEN and token is not None:
            return "token", token, column
        return ("position", line, column) if block == POSITION else None

    @Slot(int, int)
    def _point(self, line: int, column: int) -> None:
        self._show_line()
        self.pointed.emit(*(self._cell(line, column) or ("", -1, -1)))

    @Slot(int, int)
    def _point_at_two(self, line: int, column: int) -> None:
        rows = self.two.rows
        block, column = divmod(column, max(1, rows.columns))
        if line < 0 or block not in (TOKEN, POSITION):
            self.pointed.emit("", -1, -1)
        elif block == TOKEN:
            self.pointed.emit("token", self.two.token, column)
        else:
            self.pointed.emit("position", self.two.places[line], column)

    @Slot(int, int)
    def _click(self, line: int, column: int) -> None:
        if (cell := self._cell(line, column)) is not None:
            self.cell_clicked.emit(*cell)

    @Slot(int, int, QPoint)
    def _ask_menu(self, line: int, column: int, where: QPoint) -> None:
        if (cell := self._cell(line, column)) is not None:
            self.menu_wanted.emit(*cell, where)

    @Slot()
    def _switch(self) -> None:
        is_two = self.view.value == "two"
        for widget in (self.rows, self._line):
            widget.setVisible(not is_two)
        self.two.setVisible(is_two)

    @Slot()
    def _show_again(self) -> None:
        self.show_sums(*self._shown)
