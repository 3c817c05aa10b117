"""The Lookup table panel: the table as a heatmap, and the context's rows pulled out of it."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from embedviz.analysis.ordering import by_frequency
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.controller import RunController
from embedviz.gui.looked_up import NO_LIMIT, LookedUp
from embedviz.gui.plots.colorbar import ColorBar
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.row_order import RowOrder
from embedviz.gui.state import AppState, Phase
from embedviz.gui.table_editing import TableEditing
from embedviz.gui.table_phase import is_of_example, shown_ids, shown_token
from embedviz.gui.table_tools import TableTools
from embedviz.gui.table_view import MODES, TableFrame, TableModes, modes_of
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Segments, named

if TYPE_CHECKING:
    from embedviz.gui.plots.plane import TokenPlane

SIDE_WIDTH = 248  # designed pixels of the column beside the heatmap


class LookupTablePanel(Card):
    """Shows the frame that the state shows, in the mode and the order chosen here."""

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        hand: HandEditor,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Lookup table", theme, parent)
        self.setObjectName("lookupTablePanel")
        self._state = state
        self._controller = controller
        self._modes = TableModes()
        self._frame: TableFrame | None = None
        self._title = ""
        self._why_empty = ""
        self._order = RowOrder()
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
        self.tools = TableTools(theme)
        self.body.addWidget(self.tools)
        self._editing = TableEditing(state, hand, self.heatmap, self.side, self._order, self)
        self._connect()
        self._restyle()
        self.mode.set_available(modes_of(state.config))

    def _connect(self) -> None:
        state = self._state
        self.mode.chosen.connect(self._change_mode)
        self.tools.order_changed.connect(self._arrange)
        self.tools.order_chosen_again.connect(self._arrange_again)
        self.tools.find_wanted.connect(self._go_to_token)
        self.tools.all_wanted.connect(self.heatmap.reset_view)
        self._editing.legend_changed.connect(self.tools.set_legend)
        self.heatmap.hovered.connect(self._show_cell)
        self.heatmap.row_clicked.connect(self._select_row)
        self.heatmap.view_changed.connect(self._show_title)
        self.side.pointed.connect(self._show_strip_cell)
        state.document_changed.connect(self._take_document)
        state.run_changed.connect(self._take_run)
        state.selection_changed.connect(self._show_context)
        state.hovered_changed.connect(self._outline)
        state.trace_shown.connect(self._take_phase)
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
            self._order.forget_similarity()
            self._editing.let_go()  # another table may lack that cell
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
            self._editing.set_mode(self.mode.value, 1.0)
            self.cell.refresh(self._state)
            return
        self._frame = made
        if self._order.waits_for(made):
            self._arrange()
            return
        size, columns = made.values.shape
        shown = "" if len(self._order.ids) == size else f", {len(self._order.ids):,} rows shown"
        self._title = f"token_embedding_table · {size:,} × {columns:,} · {made.title}{shown}"
        in_order, numbers = (
            array if array is None or self._order.is_plain(size) else array[self._order.ids]
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
        self._editing.set_mode(self.mode.value, made.levels[1])
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
    def _take_phase(self) -> None:
        self._show_context()
        self._show_title()

    @Slot()
    def _outline(self) -> None:
        state = self._state
        read = [token for token in shown_ids(state) if token is not None]
        wanted = [*read, *([state.hovered_token] if state.hovered_token >= 0 else [])]
        places = (self._order.row(token) for token in dict.fromkeys(wanted))
        selected = shown_token(state)
        self.heatmap.set_outlined([row for row in places if row is not None], self._order.row(selected))
        if self._plane is not None:
            self._plane.set_marked(read, -1 if selected is None else selected, state.hovered_token)

    def row_pictures(self) -> list[tuple[QRect, QPixmap] | None]:
        """Return where on screen the rows are that are looked up, in order; None for what is out of sight."""
        return [self.heatmap.row_picture(self._order.row(token)) for token in shown_ids(self._state)]

    # --- order --------------------------------------------------------------------------------------

    @property
    def _picture(self) -> tuple[str, Snapshot | None]:
        """What is shown now, as the order "by similarity" remembers it."""
        return self.mode.value, self._state.snapshot

    @Slot()
    def _arrange(self) -> None:
        document = self._state.document
        if document is None:
            return
        tools = self.tools
        hides = tools.hides_unused
        self._order.arrange(document, tools.order, self._frame, self._picture, hides_unused=hides)
        self._label()
        self.refresh()
        self._editing.show_marks()

    def _label(self) -> None:
        """Name rows by their tokens; columns too where they stand for tokens, else they are numbered."""
        columns = self._labels if self._state.config.model == "bigram" else None
        self.heatmap.set_labels([self._labels[i] for i in self._order.ids.tolist()], columns)

    @Slot()
    def _arrange_again(self) -> None:
        """Sort by the similarity of now when that is chosen again."""
        if self.tools.order == "similarity" and not self._order.is_by_similarity_in(self._picture):
            self._arrange()

    @Slot(str)
    def _go_to_token(self, wanted: str) -> None:
        document = self._state.document
        if document is None:
            return
        matches = [
            i for i, token in enumerate(document.tokenizer.vocabulary) if wanted in (token, self._labels[i])
        ]
        if not matches and wanted.isdecimal() and int(wanted) < document.vocab_size:
            matches = [int(wanted)]
        row = self._order.row(matches[0]) if matches else None
        if row is None:
            self.tools.say(f"‘{wanted}’ is not among the rows shown.")
            return
        self.tools.say("")
        self._state.set_hovered(matches[0])
        self.heatmap.center_on(row)

    # --- from the person ----------------------------------------------------------------------------

    @Slot(str)
    def _change_mode(self, mode: str) -> None:
        self._controller.set_wants_gradients(mode == "gradient")
        self.refresh()

    @Slot(int)
    def _select_row(self, row: int) -> None:
        self._select_token(self._order.token(row))

    @Slot(int)
    def _select_token(self, token: int) -> None:
        state = self._state
        places = np.flatnonzero(state.line_ids == token)
        if len(places):
            state.select(int(places[np.argmin(np.abs(places - state.selected))]))
        state.set_hovered(token)

    @Slot(int, int)
    def _show_cell(self, row: int, column: int) -> None:
        token = self._order.token(row)
        self.cell.point_at(self._state, token, column)
        self._state.set_hovered(token)

    @Slot(int, int)
    def _show_strip_cell(self, token: int, column: int) -> None:
        self.cell.point_at(self._state, token, column)

    @Slot()
    def _show_title(self) -> None:
        if self._frame is not None:
            of_example = "rows of the batch's example" if is_of_example(self._state) else ""
            parts = (self._title, self.heatmap.pooling_note, of_example)
            self.subtitle.setText(" · ".join(part for part in parts if part))

    @Slot()
    def _restyle(self) -> None:
        self._fit_side()

    def _fit_side(self) -> None:
        """Give the column beside the table as much as the table, where that is narrow."""
        width = self.theme.px(SIDE_WIDTH)
        is_narrow = self._state.config.model != "bigram"
        self.side.setMinimumWidth(width)
        self.side.setMaximumWidth(NO_LIMIT if is_narrow else width)
        self._middle.setStretchFactor(self.side, 1 if is_narrow else 0)
