"""In which order the rows of the table are shown, and which of them."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.ordering import by_frequency, by_similarity
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.gui.table_view import TableFrame

ORDERS = (("id", "rows by id"), ("frequency", "by frequency"), ("similarity", "by similarity"))


class RowOrder:
    """`ids` names the token of each display row; "by similarity" is that of the frame it was asked for."""

    def __init__(self) -> None:
        self.ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._places: NDArray[np.int64] = np.zeros(0, np.int64)  # (V,), -1 for rows that are not shown
        self._how = "id"
        self._similar_in: tuple[str, Snapshot | None] | None = None

    def arrange(
        self,
        document: Document,
        how: str,
        frame: TableFrame | None,
        of: tuple[str, Snapshot | None],
        *,
        hides_unused: bool,
    ) -> None:
        """Sort by "id", "frequency" or "similarity" (in `frame`, which shows `of`: a mode and a snapshot)."""
        order = np.arange(document.vocab_size)
        if how == "frequency":
            order = by_frequency(document.counts)
        elif how == "similarity" and frame is not None:
            order = by_similarity(frame.values)
            if frame.values.any():
                self._similar_in = of
        if hides_unused:
            order = order[document.pairs.row_sums[order] > 0]
        self.ids, self._how = order, how
        self._places = np.full(document.vocab_size, -1)
        self._places[order] = np.arange(len(order))

    def number(self, count: int) -> None:
        """Show `count` rows that are numbered, as positions are, in their order."""
        self.ids, self._how = np.arange(count), "id"
        self._places = np.arange(count)

    def forget_similarity(self) -> None:
        """Begin another run: its rows are yet to be compared."""
        self._similar_in = None

    def waits_for(self, frame: TableFrame) -> bool:
        """Tell whether rows could be compared only now: zeros are all alike."""
        return self._how == "similarity" and self._similar_in is None and bool(frame.values.any())

    def is_by_similarity_in(self, of: tuple[str, Snapshot | None]) -> bool:
        """Tell whether the rows are in the order of their similarity in just that picture."""
        return self._similar_in == of

    def is_plain(self, size: int) -> bool:
        """Tell whether all `size` rows stand in the order of their ids."""
        return len(self.ids) == size and self._how == "id"

    def token(self, row: int) -> int:
        """Return the id of a display row, or its position; -1 beside them."""
        return int(self.ids[row]) if 0 <= row < len(self.ids) else -1

    def row(self, token: int | None) -> int | None:
        """Return the display row of an id; None if it is not shown."""
        if token is None or not 0 <= token < len(self._places):
            return None
        row = int(self._places[token])
        return row if row >= 0 else None

    def rows(self, tokens: Collection[int]) -> tuple[int, ...]:
        """Return the display rows of ids, those that are shown."""
        known = np.fromiter(tokens, np.int64, len(tokens))
        places = self._places[known[known < len(self._places)]]
        return tuple(places[places >= 0].tolist())
