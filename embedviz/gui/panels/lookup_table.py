"""The Lookup table panel: the table as a heatmap, and the context's rows pulled out of it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from embedviz.analysis.ordering import by_frequency, by_similarity
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import looked_up_ids
from embedviz.gui.controller import RunController
from embedviz.gui.looked_up import NO_LIMIT, LookedUp
from embedviz.gui.plots.colorbar import ColorBar
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.state import AppState, Phase
from embedviz.gui.table_view import MODES, TableFrame, TableModes, modes_of
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Choice, Segments, caption, named

if TYPE_CHECKING:
    from embedviz.gui.plots.plane import TokenPlane

SIDE_WIDTH = 248  # designed pixels of the column beside the heatmap
ORDERS = (("id", "rows by id"), ("frequency", "by frequency"), ("similarity", "by similarity"))


class LookupTablePanel(Card):
    """Shows the frame that the state shows, in the mode and the order chosen here."""

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__("Lookup table", theme, parent)
        self.setObjectName("lookupTablePanel")
        self._state = state
        self._controller = controller
        self._modes = TableModes()
        self._frame: TableFrame | None = None
        self._title = ""
        self._why_empty = ""
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)  # display row -> id
        self._similar_in: tuple[str, Snapshot | None] | None = None  # what the order "by similarity" is of
        self._place: dict[int, int] = {}  # id -> display row
        self._labels: list[str] = []
        self.mode = Segments(MODES, theme)
        self.header.addWidget(self.mode)
        self.heatmap = Heatmap(theme)
        self.heatmap.setObjectName("lookupHeatmap")
        self._plane: TokenPlane | None = None
        self._pictures = QStackedWidget()
        self._pictures.addWidget(self.heatmap)
        self.legend = ColorBar(theme)
        self.side = LookedUp(state, theme)
        self.strip, self.cell = self.side.strip, self.side.cell
        self._middle = QHBoxLayout()
        self._middle.setSpacing(theme.px(8))
        self._middle.addWidget(self._pictures, 1)
        self._middle.addWidget(self.legend)
        self._middle.addWidget(self.side)
        self.body.addLayout(self._middle, 1)
        self.body.addLayout(self._make_tools())
        self._connect()
        self._restyle()
        self.mode.set_available(modes_of(state.config))

    def _make_tools(self) -> QHBoxLayout:
        self._sort = named(
            Choice(),
            "rowOrder",
            says="Order of the rows",
            tip="The order of the rows (columns stay by id); “by similarity” is that of when it was chosen",
        )
        for name, title in ORDERS:
            self._sort.addItem(title, name)
        self._hide = named(
            QCheckBox("hide unused"),
            "hideUnused",
            tip="Leave out the rows of tokens that the training part never looks up",
        )
        self._find = named(
            QLineEdit(placeholderText="Find…", clearButtonEnabled=True),
            "findToken",
            says="Find a token in the table",
            tip="A token or its id, then Enter: its row is marked and brought into view",
        )
        self._all = named(QPushButton("Show all"), "showAll", tip="Undo zooming and moving (double click)")
        self._found = caption(elided=True)
        row = QHBoxLayout()
        row.addWidget(self._sort)
        row.addWidget(self._hide)
        row.addWidget(self._find)
        row.addWidget(self._all)
        row.addWidget(self._found, 1)
        return row

    def _connect(self) -> None:
        state = self._state
        self.mode.chosen.connect(self._change_mode)
        self._sort.currentIndexChanged.connect(self._arrange)
        self._sort.activated.connect(self._arrange_again)
        self._hide.toggled.connect(self._arrange)
        self._find.returnPressed.connect(self._go_to_token)
        self._all.clicked.connect(self.heatmap.reset_view)
        self.heatmap.hovered.connect(self._show_cell)
        self.heatmap.row_clicked.connect(self._select_row)
        self.heatmap.view_changed.connect(self._show_title)
        self.side.pointed.connect(self._show_strip_cell)
        state.document_changed.connect(self._take_document)
        state.run_changed.connect(self._take_run)
        state.selection_changed.connect(self._show_context)
        state.hovered_changed.connect(self._outline)
        state.colours_changed.connect(self._take_colours)
        state.frame_shown.connect(self.refresh)
        self.theme.changed.connect(self._restyle)
        self._run_id = ""

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _take_document(self) -> None:
        document = self._state.document
        self._labels = list(document.tokenizer.labels) if document else []
        self._modes.reset()
        self._frame = None  # that of another vocabulary
        self._arrange()

    @Slot()
    def _take_run(self) -> None:
        if self._state.run.phase is Phase.PAUSED:
            self._modes.settle()
        if self._state.run.run_id != self._run_id:
            self._run_id = self._state.run.run_id
            self._modes.reset()
            self._similar_in = None
            self.mode.set_available(modes_of(self._state.config))
            self._label()
            self._fit_side()

    @Slot()
    def _take_colours(self) -> None:
        self._modes.colour_blind = self._state.colour_blind
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Draw the frame that the state shows."""
        made = self._modes.frame(self.mode.value, self._state)
        if isinstance(made, str):
            self._frame, self._why_empty = None, made
            self.legend.set_empty(" ")  # it would tell of the frame before
            self.heatmap.set_empty(made)
            self.subtitle.setText("")
            self._pictures.setCurrentWidget(self.heatmap)
            self._show_context()
            self.cell.set_also("", None)
            self.cell.refresh(self._state)
            return
        self._frame = made
        if self._similar_in is None and self._sort.currentData() == "similarity" and made.values.any():
            self._arrange()  # zeros are all alike: there is something to sort by only now
            return
        size, columns = made.values.shape
        shown = "" if len(self._order) == size else f", {len(self._order):,} rows shown"
        self._title = f"token_embedding_table · {size:,} × {columns:,} · {made.title}{shown}"
        in_order, numbers = (
            array if array is None or self._is_plain else array[self._order]
            for array in (made.values, made.numbers)
        )
        assert in_order is not None
        self.heatmap.set_empty("")
        self.legend.set_empty("")
        self.heatmap.set_data(in_order, made.levels, made.colormap, numbers)
        if self.mode.value == "plane":
            assert self._state.document is not None
            often_first = by_frequency(self._state.document.counts)
            self.plane.set_points(self._labels, made.values, made.levels[1], often_first)
            self._pictures.setCurrentWidget(self.plane)
        else:
            self._pictures.setCurrentWidget(self.heatmap)
        self._show_title()
        self.legend.set_levels(made.levels, made.colormap, made.ticks)
        self._show_context()
        is_another = self.mode.value in ("change", "gradient")  # a number that the readout lacks
        self.cell.set_also(self.mode.value, made.values if is_another else None)
        self.cell.refresh(self._state)

    @property
    def plane(self) -> "TokenPlane":
        """The places of rows of two numbers, made when first looked at: the first window does without."""
        if self._plane is None:
            from embedviz.gui.plots.plane import TokenPlane

            self._plane = named(TokenPlane(self.theme), "tokenPlane")
            self._pictures.addWidget(self._plane)
            self._plane.hovered.connect(self._state.set_hovered)
            self._plane.clicked.connect(self._select_token)
        return self._plane

    @Slot()
    def _show_context(self) -> None:
        self._outline()
        self.side.show_rows(self._frame, self._why_empty)

    @Slot()
    def _outline(self) -> None:
        state = self._state
        read = [token for token in looked_up_ids(state) if token is not None]
        wanted = [*read, *([state.hovered_token] if state.hovered_token >= 0 else [])]
        rows = [self._place[i] for i in dict.fromkeys(wanted) if i in self._place]
        selected = state.selected_id
        self.heatmap.set_outlined(rows, self._place.get(selected) if selected is not None else None)
        if self._plane is not None:
            self._plane.set_marked(read, -1 if selected is None else selected, state.hovered_token)

    # --- order --------------------------------------------------------------------------------------

    @property
    def _is_plain(self) -> bool:
        return len(self._order) == len(self._labels) and self._sort.currentData() == "id"

    @Slot()
    def _arrange(self) -> None:
        document = self._state.document
        if document is None:
            return
        how = self._sort.currentData()
        order = np.arange(document.vocab_size)
        if how == "frequency":
            order = by_frequency(document.counts)
        elif how == "similarity" and self._frame is not None:
            order = by_similarity(self._frame.values)
            if self._frame.values.any():
                self._similar_in = self.mode.value, self._state.snapshot
        if self._hide.isChecked():
            order = order[document.pairs.row_sums[order] > 0]
        self._order = order
        self._place = {token: row for row, token in enumerate(order.tolist())}
        self._label()
        self.refresh()

    def _label(self) -> None:
        """Name rows by their tokens; columns too where they stand for tokens, else they are numbered."""
        columns = self._labels if self._state.config.model == "bigram" else None
        self.heatmap.set_labels([self._labels[i] for i in self._order.tolist()], columns)

    @Slot()
    def _arrange_again(self) -> None:
        """Sort by the similarity of now when that is chosen again."""
        if self._sort.currentData() == "similarity" and self._similar_in != (
            self.mode.value,
            self._state.snapshot,
        ):
            self._arrange()

    @Slot()
    def _go_to_token(self) -> None:
        document, wanted = self._state.document, self._find.text()
        if document is None or not wanted:
            return
        matches = [
            i for i, token in enumerate(document.tokenizer.vocabulary) if wanted in (token, self._labels[i])
        ]
        if not matches and wanted.isdecimal() and int(wanted) < document.vocab_size:
            matches = [int(wanted)]
        row = self._place.get(matches[0]) if matches else None
        if row is None:
            self._found.setText(f"‘{wanted}’ is not among the rows shown.")
            return
        self._found.setText("")
        self._state.set_hovered(matches[0])
        self.heatmap.center_on(row)

    # --- from the person ----------------------------------------------------------------------------

    @Slot(str)
    def _change_mode(self, mode: str) -> None:
        self._controller.set_wants_gradients(mode == "gradient")
        self.refresh()

    @Slot(int)
    def _select_row(self, row: int) -> None:
        self._select_token(int(self._order[row]))

    @Slot(int)
    def _select_token(self, token: int) -> None:
        state = self._state
        places = np.flatnonzero(state.line_ids == token)
        if len(places):
            state.select(int(places[np.argmin(np.abs(places - state.selected))]))
        state.set_hovered(token)

    @Slot(int, int)
    def _show_cell(self, row: int, column: int) -> None:
        inside = 0 <= row < len(self._order)
        self.cell.point_at(self._state, int(self._order[row]) if inside else -1, column)
        self._state.set_hovered(int(self._order[row]) if inside else -1)

    @Slot(int, int)
    def _show_strip_cell(self, token: int, column: int) -> None:
        self.cell.point_at(self._state, token, column)

    @Slot()
    def _show_title(self) -> None:
        note = self.heatmap.pooling_note
        if self._frame is not None:
            self.subtitle.setText(f"{self._title} · {note}" if note else self._title)

    @Slot()
    def _restyle(self) -> None:
        self._fit_side()
        self._find.setFixedWidth(self.theme.px(104))

    def _fit_side(self) -> None:
        """Give the column beside the table as much as the table, where that is narrow."""
        width = self.theme.px(SIDE_WIDTH)
        is_narrow = self._state.config.model != "bigram"
        self.side.setMinimumWidth(width)
        self.side.setMaximumWidth(NO_LIMIT if is_narrow else width)
        self._middle.setStretchFactor(self.side, 1 if is_narrow else 0)
