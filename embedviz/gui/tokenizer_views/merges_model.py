"""The merges of a subword vocabulary as a table, and how a merge is written."""

from html import escape

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from embedviz.gui.theme import Theme
from embedviz.text.merges import Merge

NUMBER, PAIR, BECOMES, COUNT = range(4)  # columns
HARD_SPACE = "\N{NO-BREAK SPACE}"
Index = QModelIndex | QPersistentModelIndex


class MergesModel(QAbstractTableModel):
    """The merges in their order; those that are done are in ink, the others muted."""

    HEADERS = ("merge", "pair", "becomes", "count")

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._merges: tuple[Merge, ...] = ()
        self._done = 0

    def set_merges(self, merges: tuple[Merge, ...]) -> None:
        """List other merges, none of them done."""
        self.beginResetModel()
        self._merges, self._done = merges, 0
        self.endResetModel()

    def set_done(self, done: int) -> None:
        """Show so many of them as done."""
        first, last = sorted((done, self._done))
        self._done = done
        if first < last:
            self.dataChanged.emit(self.index(first, 0), self.index(last - 1, len(self.HEADERS) - 1))

    def rowCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        """One row a merge."""
        return len(self._merges)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return 4: number, pair, what it becomes, how often it stood in the text."""
        return len(self.HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        """Name the columns."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.HEADERS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _side(section)
        return None

    def data(self, index: Index, role: int = 0) -> object:
        """Return what a cell shows and how."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            merge = self._merges[row]
            pair = f"{merge.left} + {merge.right}"
            return (f"{row + 1:,}", pair, merge.label, f"{merge.count:,}")[column]
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(self._theme.colour("ink" if row < self._done else "muted"))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            merge = self._merges[row]
            return f"<p><b>{escape(equation(merge))}</b></p><p>{escape(merge.why)}</p>"
        return None


def quoted(token: str) -> str:
    """Return a token in quotes, in which no line breaks."""
    return f"‘{token}’".replace(" ", HARD_SPACE)


def equation(merge: Merge) -> str:
    """Return "‘t’ + ‘h’ → ‘th’": punctuation is seen to be a token."""
    return f"{quoted(merge.left)} + {quoted(merge.right)} → {quoted(merge.label)}"


def _side(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column in (PAIR, BECOMES) else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)
