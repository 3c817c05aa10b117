"""The Tokens panel: the own line, its tokens as chips, and the vocabulary with its counts."""

from PySide6.QtCore import (
    QAbstractTableModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Slot,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.documents import Document
from embedviz.gui.plots.chips import ChipView
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Figure, Segments, caption, named
from embedviz.text.glyphs import glyph
from embedviz.text.tokenizers import UNKNOWN

LINE_LIMIT = 5000  # characters of the own line; the rest of a paste is cut off, and said so
LINE_ROWS = 3

Index = QModelIndex | QPersistentModelIndex


class TokensPanel(Card):
    """Type a line, see its tokens, select one; or search the vocabulary."""

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Tokens", theme, parent)
        self.setObjectName("tokensPanel")
        self._state = state
        self.segments = Segments(
            (
                ("line", "Own line", "Type a line and see its tokens"),
                ("vocabulary", "Vocabulary", "Every token of the text, with its count"),
            ),
            theme,
        )
        self.header.addWidget(self.segments)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._make_line_page())
        self._pages.addWidget(self._make_vocabulary_page())
        self.body.addWidget(self._pages, 1)
        self._figures = {
            name: Figure(name, theme) for name in ("characters", "tokens", "vocabulary", "chars / token")
        }
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        for figure in self._figures.values():
            row.addWidget(figure)
        self.body.addLayout(row)
        self.segments.chosen.connect(self._show_page)
        state.document_changed.connect(self._show_document)
        state.line_changed.connect(self._show_line)
        state.selection_changed.connect(self._show_selection)
        theme.changed.connect(self._restyle)
        self._restyle()

    def _make_line_page(self) -> QWidget:
        self.edit = named(OwnLine(tabChangesFocus=True), "ownLine", says="Own line")
        self.edit.setPlaceholderText("Type anything: it is cut into tokens as you type.")
        self.edit.textChanged.connect(self._take_line)
        self.chips = ChipView(self.theme)
        self.chips.setObjectName("chips")
        self.chips.selected.connect(self._state.select)
        self._notice = caption()
        self._notice.setWordWrap(True)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit)
        layout.addWidget(self.chips, 1)
        layout.addWidget(self._notice)
        return page

    def _make_vocabulary_page(self) -> QWidget:
        self.search = QLineEdit(placeholderText="Find a token or an id", clearButtonEnabled=True)
        named(self.search, "vocabularySearch", says="Find a token or an id in the vocabulary")
        self._vocabulary = VocabularyModel(self)
        self._filtered = VocabularyFilter(self)
        self._filtered.setSourceModel(self._vocabulary)
        self.search.textChanged.connect(self._filtered.set_pattern)
        self.table = named(QTableView(sortingEnabled=True, showGrid=False), "vocabularyTable", says="Vocabulary")
        self.table.setModel(self._filtered)
        self.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().currentRowChanged.connect(self._point_at)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        return page

    # --- from the person ----------------------------------------------------------------------------

    @Slot()
    def _take_line(self) -> None:
        text = self.edit.text
        self._state.set_line(text[:LINE_LIMIT])

    @Slot(str)
    def _show_page(self, name: str) -> None:
        self._pages.setCurrentIndex(0 if name == "line" else 1)

    @Slot(QModelIndex, QModelIndex)
    def _point_at(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self._state.set_hovered(self._filtered.mapToSource(current).row() if current.isValid() else -1)

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        document = self._state.document
        if document is None:
            return
        corpus = document.corpus
        self.subtitle.setText(f"{corpus.name}, one item per line" if corpus.per_line else corpus.name)
        self._vocabulary.set_document(document)
        self._figures["characters"].set_value(f"{len(corpus.text):,}")
        self._figures["tokens"].set_value(f"{document.tokens:,}")
        self._figures["vocabulary"].set_value(f"{document.vocab_size:,}")
        self._figures["chars / token"].set_value(f"{document.characters_per_token:.2f}")

    @Slot()
    def _show_line(self) -> None:
        state = self._state
        if self.edit.text[:LINE_LIMIT] != state.line:
            self.edit.blockSignals(True)
            self.edit.setPlainText(state.line)
            self.edit.blockSignals(False)
        ids = state.line_ids
        glyphs = [glyph(state.line[begin:end]) for begin, end in state.line_spans.tolist()]
        self.chips.set_tokens(glyphs, ids.tolist())
        self.chips.set_empty("" if len(ids) else "Type a line above: its tokens appear here.")
        self._show_notice()

    def _show_notice(self) -> None:
        state = self._state
        parts = []
        unknown = int((state.line_ids == UNKNOWN).sum())
        if unknown:
            which = "1 token is" if unknown == 1 else f"{unknown} tokens are"
            parts.append(f"{which} not in this text's vocabulary: no row to look up.")
        if len(self.edit.text) > LINE_LIMIT:
            parts.append(f"Only the first {LINE_LIMIT:,} characters are shown.")
        self._notice.setText(" ".join(parts))
        self._notice.setVisible(bool(parts))

    @Slot()
    def _show_selection(self) -> None:
        self.chips.set_selection(self._state.selected, self._state.context_range)

    @Slot()
    def _restyle(self) -> None:
        self.edit.setFont(self.theme.font())
        lines = self.edit.fontMetrics().lineSpacing() * LINE_ROWS
        self.edit.setFixedHeight(lines + self.theme.px(24))
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + self.theme.px(8))


class OwnLine(QPlainTextEdit):
    """The field of the own line. Files that are dropped on it go to the window, which opens them."""

    @property
    def text(self) -> str:
        """What was typed; toPlainText() would make a space of a no-break space."""
        return self.document().toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take text, but no files."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)


class VocabularyModel(QAbstractTableModel):
    """Tokens, ids, counts in the training part, and their share of it."""

    HEADERS = ("token", "id", "count", "share")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None

    def set_document(self, document: Document) -> None:
        """List another vocabulary."""
        self.beginResetModel()
        self._document = document
        self.endResetModel()

    def rowCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        """One row a token."""
        return self._document.vocab_size if self._document else 0

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Token, id, count, share."""
        return len(self.HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        """Name the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.HEADERS[section]
        return None

    def data(self, index: Index, role: int = 0) -> object:
        """Return what a cell shows, or (UserRole) what it is sorted by."""
        document = self._document
        if document is None:
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        count = int(document.counts[row])
        values = (row, row, count, count)
        if role == Qt.ItemDataRole.UserRole:
            return values[column]
        if role == Qt.ItemDataRole.DisplayRole:
            share = count / max(1, len(document.dataset.train_ids))
            return (glyph(document.tokenizer.vocabulary[row]), str(row), f"{count:,}", f"{share:.2%}")[column]
        return None


class VocabularyFilter(QSortFilterProxyModel):
    """Sorts by number; keeps the rows whose token, glyph or id is asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSortRole(Qt.ItemDataRole.UserRole)
        self._pattern = ""

    @Slot(str)
    def set_pattern(self, pattern: str) -> None:
        """Keep only what fits `pattern`; everything if it is empty."""
        self._pattern = pattern
        self.invalidate()

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        """Tell whether the token's glyph holds the pattern, or its id is the pattern."""
        if not self._pattern:
            return True
        model = self.sourceModel()
        text = str(model.data(model.index(row, 0), Qt.ItemDataRole.DisplayRole))
        # A blank asks for the token "space", which is shown as its glyph.
        wanted = self._pattern if self._pattern.strip() else "".join(map(glyph, self._pattern))
        return wanted in text or self._pattern == str(row)
