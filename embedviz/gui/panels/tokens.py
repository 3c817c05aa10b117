"""The Tokens panel: the own line, its tokens as chips, and the vocabulary with its counts."""

from pathlib import Path

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Slot
from PySide6.QtGui import QAction, QHelpEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QStackedWidget,
    QTableView,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.own_line import LINE_LIMIT, LineCutter, OwnLine
from embedviz.gui.plots.chips import ChipView
from embedviz.gui.state import AT_ONCE, AppState
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.tokenizer_choice import TokenizerChoice
from embedviz.gui.vocabulary import VocabularyModel
from embedviz.gui.widgets import Card, Figure, Segments, caption, named
from embedviz.text.tokenizers import UNKNOWN

LINE_ROWS, FEW_LINE_ROWS = 3, 2
ROOMY_HEIGHT = 480  # designed pixels: in a lower panel the chips need the room more than the field does


class TokensPanel(Card):
    """Choose a tokenizer, type a line, see its tokens, select one; or search the vocabulary."""

    def __init__(
        self,
        state: AppState,
        texts: TextOpener,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Tokens", theme, parent)
        self.setObjectName("tokensPanel")
        self._state = state
        self._texts = texts
        self.cutter = LineCutter(state, self)
        self._title = ""
        self._is_setting = False
        self.segments = Segments(
            (
                ("line", "Own line", "Type a line and see its tokens"),
                ("vocabulary", "Vocabulary", "Every token of the text, with its count"),
            ),
            theme,
        )
        self.header.addWidget(self.segments)
        self.tokenizers = TokenizerChoice(state, texts, actions, theme)
        self.body.insertWidget(1, self.tokenizers)
        self.body.removeWidget(self.subtitle)
        below = QHBoxLayout()
        below.addWidget(self.subtitle, 1)
        below.addWidget(self.tokenizers.more)
        self.body.insertLayout(2, below)
        self.subtitle.installEventFilter(self)
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
        self.edit = named(OwnLine(), "ownLine", says="Own line")
        self.edit.setPlaceholderText("Type anything: it is cut into tokens as you type.")
        self.edit.textChanged.connect(self._take_line)
        self.edit.overflowed.connect(self._texts.offer)
        self.edit.overflowed.connect(self._show_notice)
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
        self.search.textChanged.connect(self._vocabulary.set_pattern)
        self.table = named(QTableView(sortingEnabled=True, showGrid=False), "vocabularyTable", says="Vocabulary")
        self.table.setModel(self._vocabulary)
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
        if self._is_setting:
            return  # it comes from the state
        self._state.set_line(self.edit.text[:LINE_LIMIT])

    @Slot(str)
    def _show_page(self, name: str) -> None:
        self._pages.setCurrentIndex(0 if name == "line" else 1)

    @Slot(QModelIndex, QModelIndex)
    def _point_at(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self._state.set_hovered(self._vocabulary.id_at(current))

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        document = self._state.document
        if document is None:
            return
        corpus, tokenizer = document.corpus, document.tokenizer
        parts = [corpus.name, "one item per line" if corpus.per_line else ""]
        if corpus.encoding != "UTF-8":
            parts.append(corpus.encoding)
        if corpus.carriage_returns:
            parts.append(f"{corpus.carriage_returns:,} CR normalised")
        if tokenizer.name == "file":
            parts.append(Path(document.config.tokenizer_file).name)
        self._title = ", ".join(filter(None, parts))
        self.subtitle.setText(f"{self._title} · {tokenizer.policy}")
        self.subtitle.setAccessibleDescription(" ".join(corpus.remarks))
        self._vocabulary.set_document(document)
        self._figures["characters"].set_value(_short(corpus.n_characters))
        self._figures["tokens"].set_value(_short(document.tokens))
        self._figures["vocabulary"].set_value(f"{document.vocab_size:,}")
        self._figures["chars / token"].set_value(f"{document.characters_per_token:.2f}")

    @Slot()
    def _show_line(self) -> None:
        state, line = self._state, self._state.encoded
        if self.edit.text[:LINE_LIMIT] != line.text:
            self._is_setting = True
            self.edit.setPlainText(line.text)
            self._is_setting = False
        unknown_id = state.document.tokenizer.unknown_id if state.document else None
        self.chips.set_tokens(line.labels, line.ids, line.captions, unknown_id)
        self.chips.set_empty(self._why_no_chips())
        self._show_notice()

    def _why_no_chips(self) -> str:
        if len(self._state.line_ids):
            return ""
        if self.cutter.busy or len(self._state.line) > AT_ONCE:
            return "This long line is being cut into tokens."
        if self._state.line:
            return "This tokenizer makes no token of this line."
        return "Type a line above: its tokens appear here."

    @Slot()
    def _show_notice(self) -> None:
        """Say what is to be known of the line: what has no row, and what was left out."""
        parts = []
        unknown = int((self._state.line_ids == UNKNOWN).sum())
        if unknown:
            which = "1 token is" if unknown == 1 else f"{unknown:,} tokens are"
            parts.append(f"{which} not in this text's vocabulary: no row to look up.")
        if self.edit.was_cut:
            parts.append(f"Only the first {LINE_LIMIT:,} characters are shown.")
        self._notice.setText(" ".join(parts))
        self._notice.setVisible(bool(parts))

    @Slot()
    def _show_selection(self) -> None:
        self.chips.set_selection(self._state.selected, self._state.context_range)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say in the subtitle's tooltip what was remarked when the text was read."""
        if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
            return super().eventFilter(watched, event)
        from html import escape  # whose table of names takes its time: not before somebody asks

        paragraphs = "".join(f"<p>{escape(remark)}</p>" for remark in self._remarks())  # rich text is wrapped
        QToolTip.showText(event.globalPos(), paragraphs, self.subtitle)
        return True

    def _remarks(self) -> list[str]:
        document = self._state.document
        if document is None:
            return []
        corpus = document.corpus
        return [self._title, document.tokenizer.policy, f"Read as {corpus.encoding}.", *corpus.remarks]

    @Slot()
    def _restyle(self) -> None:
        self.edit.setFont(self.theme.font())
        self._fit_line()
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + self.theme.px(8))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the field as many rows as there is room for."""
        super().resizeEvent(event)
        self._fit_line()

    def _fit_line(self) -> None:
        rows = LINE_ROWS if self.height() >= self.theme.px(ROOMY_HEIGHT) else FEW_LINE_ROWS
        self.edit.setFixedHeight(self.edit.fontMetrics().lineSpacing() * rows + self.theme.px(24))


def _short(count: int) -> str:
    """Return a count in full, or in millions where the panel would have to grow for it."""
    return f"{count:,}" if count < 10_000_000 else f"{count / 1e6:.1f} M"
