"""The vocabulary as a table: tokens with their ids, counts and shares; sorted and searched as arrays."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot

from embedviz.gui.documents import Document
from embedviz.text.glyphs import glyph

HEADERS = ("token", "id", "count", "share")

Index = QModelIndex | QPersistentModelIndex


class VocabularyModel(QAbstractTableModel):
    """Tokens, ids, counts in the training part, and their share of it.

    It sorts and searches by itself: a proxy would ask it for each of 65,536 rows, many times.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._tokens: tuple[str, ...] = ()
        self._counts: NDArray[np.int64] = np.zeros(0, np.int64)  # (V,)
        self._total = 0
        self._pattern = ""
        self._order = (2, Qt.SortOrder.DescendingOrder)
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)  # the ids that are shown, in their order

    def set_document(self, document: Document) -> None:
        """List another vocabulary."""
        self.beginResetModel()
        self._labels, self._tokens = document.tokenizer.labels, document.tokenizer.vocabulary
        self._counts, self._total = document.counts, len(document.dataset.train_ids)
        self._rows = self._found()
        self.endResetModel()

    @Slot(str)
    def set_pattern(self, pattern: str) -> None:
        """Show only the tokens that hold `pattern`, and the one of which it is the id; all if it is empty."""
        self._pattern = pattern
        self.beginResetModel()
        self._rows = self._found()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by id or count; equal counts stay in the order of ids."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        ids = [self.id_at(index) for index in before]
        self._rows = self._found()
        places = {int(token): place for place, token in enumerate(self._rows)} if before else {}
        self.changePersistentIndexList(
            before, [self.index(places[i], index.column()) for i, index in zip(ids, before, strict=True)]
        )
        self.layoutChanged.emit()

    def id_at(self, index: Index) -> int:
        """Return the id of the token in a row; -1 for no row."""
        return int(self._rows[index.row()]) if index.isValid() else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        """One row a token."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Token, id, count, share."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        """Name the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return HEADERS[section]
        return None

    def data(self, index: Index, role: int = 0) -> object:
        """Return what a cell shows."""
        token, column = int(self._rows[index.row()]), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            count = int(self._counts[token])
            share = count / max(1, self._total)
            return (self._labels[token], str(token), f"{count:,}", f"{share:.2%}")[column]
        return None

    def _found(self) -> NDArray[np.int64]:
        """Return the ids that fit the pattern, sorted."""
        rows = np.arange(len(self._labels))
        if self._pattern:
            shown = "".join(map(glyph, self._pattern))  # a blank asks for the token "space", shown as its glyph
            hits = [
                self._pattern in token or shown in label or self._pattern in label
                for token, label in zip(self._tokens, self._labels, strict=True)
            ]
            if self._pattern.isascii() and self._pattern.isdigit() and int(self._pattern) < len(hits):
                hits[int(self._pattern)] = True
            rows = rows[hits]
        column, order = self._order
        keys = rows if column < 2 else self._counts[rows]
        return rows[np.argsort(keys if order == Qt.SortOrder.AscendingOrder else -keys, kind="stable")]
