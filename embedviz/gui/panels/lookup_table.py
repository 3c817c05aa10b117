"""The Lookup table panel: a table as a picture, and the context's rows pulled out of it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from embedviz.analysis.ordering import by_frequency
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.acts import Acts
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.controller import RunController
from embedviz.gui.looked_up import LookedUp
from embedviz.gui.plots.colorbar import ColorBar
from embedviz.gui.row_order import RowOrder
from embedviz.gui.state import AppState, Phase
from embedviz.gui.table_editing import TableEditing
from embedviz.gui.table_phase import is_of_example, shown_ids, shown_token
from embedviz.gui.table_pictures import TablePictures
from embedviz.gui.table_pointing import TablePointing
from embedviz.gui.table_tools import TableTools
from embedviz.gui.table_view import MODES, TABLES, TableFrame, TableModes, modes_of, tables_of, title_of
from embedviz.gui.theme import Theme
from embedviz.gui.whole_views import TITLES, WholeViews
from embedviz.gui.widgets import Card, Segments

if TYPE_CHECKING:
    from embedviz.gui.plots.plane import TokenPlane

TITLE = "Lookup table"


class LookupTablePanel(Card):
    """Shows the frame that the state shows, in the mode, of the table and in the order chosen here."""

    recut_wanted = Signal(object)  # RunConfig of a run that needs the text cut or split anew

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        hand: HandEditor,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(TITLE, theme, parent)
        self.setObjectName("lookupTablePanel")
        self._state = state
        self._controller = controller
        self._modes = TableModes()
        self._frame: TableFrame | None = None
        self._title = ""
        self._why_empty = ""
        self._run_id = ""
        self._order = RowOrder()
        self._labels: list[str] = []
        self.table = Segments(TABLES, theme)
        self.mode = Segments(MODES, theme)
        self.title.setMinimumWidth(theme.px(64))  # else the switches would need more room than there may be
        self.header.addWidget(self.table)
        self.header.addWidget(self.mode)
        self.pictures = TablePictures(self._order, theme)
        self.heatmap = self.pictures.heatmap
        self.legend = ColorBar(theme)
        self.side = LookedUp(state, theme)
        self.strip, self.cell = self.side.strip, self.side.cell
        self.tools = TableTools(theme)
        self.acts = Acts(state, controller, theme)
        self.views = WholeViews(state, controller, theme)
        self._editing = TableEditing(state, hand, self.heatmap, self.side, self._order, self)
        self._pointing = TablePointing(state, self.pictures, self.side, self._order, self.tools, self)
        self._lay_out()
        self._connect()
        self._take_config()

    def _lay_out(self) -> None:
        self._middle = QHBoxLayout()
        self._middle.setSpacing(self.theme.px(8))
        self._middle.addWidget(self.pictures, 1)
        self._middle.addWidget(self.legend)
        self._middle.addWidget(self.side)
        self._place = QWidget()  # all that a view in the table's place hides
        place = QVBoxLayout(self._place)
        place.setContentsMargins(0, 0, 0, 0)
        place.setSpacing(self.theme.px(8))
        place.addLayout(self._middle, 1)
        place.addWidget(self.tools)
        place.addWidget(self.acts)
        self.body.addWidget(self._place, 1)
        self.body.addWidget(self.views, 1)

    def _connect(self) -> None:
        state = self._state
        self.mode.chosen.connect(self._change_mode)
        self.table.chosen.connect(self._change_table)
        self.tools.order_changed.connect(self._arrange)
        self.tools.order_chosen_again.connect(self._arrange_again)
        self.acts.recut_wanted.connect(self.recut_wanted)
        self._editing.legend_changed.connect(self.tools.set_legend)
        self._editing.table_wanted.connect(self.table.set_value)
        self.heatmap.view_changed.connect(self._show_title)
        state.document_changed.connect(self._take_document)
        state.run_changed.connect(self._take_run)
        state.selection_changed.connect(self._show_context)
        state.hovered_changed.connect(self._outline)
        state.trace_shown.connect(self._take_phase)
        state.colours_changed.connect(self.refresh)
        state.frame_shown.connect(self.refresh)
        self.theme.changed.connect(self._fit_side)

    @property
    def plane(self) -> "TokenPlane":
        """The rows as points."""
        return self.pictures.plane

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
            self._take_config()
            self._label()

    def _take_config(self) -> None:
        """Offer what means something for the model."""
        config = self._state.config
        self.mode.set_available(modes_of(config))
        tables = tables_of(config)
        self.table.set_available(tables)
        self.table.setVisible(len(tables) > 1 and not self.views.shown)
        self.acts.setVisible(config.reads == "window")
        self._fit_side()

    @Slot()
    def refresh(self) -> None:
        """Draw the frame that the state shows."""
        if self.views.shown:
            return
        made = self._modes.frame(self.mode.value, self._state, self.table.value)
        if isinstance(made, str):
            self._frame, self._why_empty = None, made
            self.legend.set_empty(" ")  # it would tell of the frame before
            self.pictures.set_empty(made)
            self.subtitle.setText("")
            self._finish(None, 1.0)
            return
        self._frame = made
        if self._order.waits_for(made):
            self._arrange()
            return
        self._fit_order(len(made.values))
        self._title = title_of(made, self.table.value, self._state.config, len(self._order.ids))
        self.legend.set_empty("")
        self.pictures.show_frame(made)
        if self.mode.value == "plane":
            assert self._state.document is not None
            counts = self._state.document.counts
            first = by_frequency(counts) if self.table.value == "token" else self._order.ids
            self.pictures.show_points(made, self._names, first)
        self._show_title()
        self.legend.set_levels(made.levels, made.colormap, made.ticks)
        self._finish(made, made.levels[1])

    def _finish(self, frame: TableFrame | None, limit: float) -> None:
        """Show what stands beside the picture."""
        self._show_context()
        is_another = self.mode.value in ("change", "gradient")  # a number that the readout lacks
        self.cell.set_also(self.mode.value if frame else "", frame.values if frame and is_another else None)
        self._editing.set_mode(self.mode.value, limit)
        self.cell.refresh(self._state)

    @Slot()
    def _show_context(self) -> None:
        if self.views.shown:
            return
        self._outline()
        self.side.show_rows(self._frame, self._why_empty, self._modes.weight_levels(self._state.snapshot))

    @Slot()
    def _take_phase(self) -> None:
        self._show_context()
        self._show_title()

    @Slot()
    def _outline(self) -> None:
        state = self._state
        ids = shown_ids(state)
        if self.table.value == "position":
            self.pictures.set_outlined((), len(ids) - 1 if ids else None, -1)
            return
        read = [token for token in ids if token is not None]
        self.pictures.set_outlined(read, shown_token(state), state.hovered_token)

    def row_pictures(self) -> list[tuple[QRect, QPixmap] | None]:
        """Return where on screen the rows are that are looked up, in order; None for what is out of sight."""
        ids = shown_ids(self._state)
        return self.pictures.row_pictures(ids if self.table.value == "token" else [None] * len(ids))

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
        if self.table.value == "position":
            self._order.number(self._state.run.config.block_size)
        else:
            how, hides = self.tools.order, self.tools.hides_unused
            self._order.arrange(document, how, self._frame, self._picture, hides_unused=hides)
        self._label()
        self.refresh()
        self._editing.show_marks()

    def _fit_order(self, rows: int) -> None:
        """Show as many positions as there are: a run that is about to begin may have others."""
        if self.table.value == "position" and len(self._order.ids) != rows:
            self._order.number(rows)
            self._label()

    @property
    def _names(self) -> list[str]:
        """The names of the table's rows: tokens, or positions."""
        if self.table.value == "token":
            return self._labels
        return [str(position) for position in self._order.ids.tolist()]

    def _label(self) -> None:
        """Name rows; columns too where they stand for tokens, else they are numbered."""
        names, columns = self._names, self._labels if self._state.config.reads == "token" else None
        self.heatmap.set_labels([names[i] for i in self._order.ids.tolist()], columns)

    @Slot()
    def _arrange_again(self) -> None:
        """Sort by the similarity of now when that is chosen again."""
        if self.tools.order == "similarity" and not self._order.is_by_similarity_in(self._picture):
            self._arrange()

    # --- from the person ----------------------------------------------------------------------------

    @Slot(str)
    def _change_mode(self, mode: str) -> None:
        self._controller.set_wants_gradients(mode == "gradient")
        self.views.show_view(mode)
        is_table = not self.views.shown
        self._place.setVisible(is_table)
        self.subtitle.setVisible(is_table)
        self.table.setVisible(is_table and len(tables_of(self._state.config)) > 1)
        self.title.setText(TITLES.get(mode, TITLE))
        self.refresh()

    @Slot(str)
    def _change_table(self, table: str) -> None:
        self._pointing.is_of_tokens = table == "token"
        self.tools.set_of_tokens(table == "token")
        self._editing.set_table(table)
        self._frame = None
        self._order.forget_similarity()  # the box still says how rows are sorted: so they are
        self._arrange()

    @Slot()
    def _show_title(self) -> None:
        if self._frame is not None:
            of_example = "rows of the batch's example" if is_of_example(self._state) else ""
            parts = (self._title, self.pictures.note, of_example)
            self.subtitle.setText(" · ".join(part for part in parts if part))

    @Slot()
    def _fit_side(self) -> None:
        self._middle.setStretchFactor(self.side, self.side.fit_width())
