"""What is pointed at, clicked and searched for in the table, as what is marked and selected everywhere."""

import numpy as np
from PySide6.QtCore import QObject, Slot

from embedviz.gui.contexts import looked_up_ids
from embedviz.gui.looked_up import LookedUp
from embedviz.gui.row_order import RowOrder
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import is_of_example
from embedviz.gui.table_pictures import TablePictures
from embedviz.gui.table_tools import TableTools


class TablePointing(QObject):
    """Tells the state which token is meant: by its row, or by the position that it stands at."""

    def __init__(
        self,
        state: AppState,
        pictures: TablePictures,
        side: LookedUp,
        order: RowOrder,
        tools: TableTools,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._pictures = pictures
        self._cell = side.cell
        self._order = order
        self._tools = tools
        self.is_of_tokens = True  # else the rows are those of positions
        heatmap = pictures.heatmap
        heatmap.hovered.connect(self._show_cell)
        heatmap.row_clicked.connect(self._select_row)
        pictures.row_pointed.connect(self._hover)
        pictures.row_chosen.connect(self._select)
        side.pointed.connect(self._show_side_cell)
        tools.find_wanted.connect(self._go_to_token)
        tools.all_wanted.connect(heatmap.reset_view)

    @Slot(int, int)
    def _show_cell(self, place: int, column: int) -> None:
        row = self._order.token(place)
        self._cell.point_at(self._state, row, column)
        self._hover(row)

    @Slot(str, int, int)
    def _show_side_cell(self, table: str, row: int, column: int) -> None:
        self._cell.point_at(self._state, row, column, table)

    @Slot(int)
    def _hover(self, row: int) -> None:
        self._state.set_hovered(row if self.is_of_tokens else -1)

    @Slot(int)
    def _select_row(self, place: int) -> None:
        self._select(self._order.token(place))

    @Slot(int)
    def _select(self, row: int) -> None:
        """Select the nearest such token of the own line, or the one that stands at a position of its context."""
        state = self._state
        if not self.is_of_tokens:
            back = len(looked_up_ids(state)) - row  # both end with the selected token
            place = state.context_range.stop - back
            if back > 0 and place >= state.context_range.start and not is_of_example(state):
                state.select(place)
            return
        places = np.flatnonzero(state.line_ids == row)
        if len(places):
            state.select(int(places[np.argmin(np.abs(places - state.selected))]))
        state.set_hovered(row)

    @Slot(str)
    def _go_to_token(self, wanted: str) -> None:
        document = self._state.document
        if document is None:
            return
        labels = document.tokenizer.labels
        matches = [i for i, token in enumerate(document.tokenizer.vocabulary) if wanted in (token, labels[i])]
        if not matches and wanted.isdecimal() and int(wanted) < document.vocab_size:
            matches = [int(wanted)]
        place = self._order.row(matches[0]) if matches else None
        if place is None:
            self._tools.say(f"‘{wanted}’ is not among the rows shown.")
            return
        self._tools.say("")
        self._state.set_hovered(matches[0])
        self._pictures.heatmap.center_on(place)
