"""One line in every tokenizer at once: its tokens under its characters, and what each choice costs."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from embedviz.analysis.figures import figure
from embedviz.gui.plots.alignment import AlignmentView
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import caption, named
from embedviz.text.tokenizers import UNKNOWN, Line, Tokenizer

HEADERS = ("Tokenizer", "Tokens", "Per character", "Vocabulary", "V × V table")
EMPTY_LINE = "Type a line in the Tokens panel: every tokenizer cuts it here."
FLOAT_BYTES = 4  # tables are float32
NOTHING = "–"


class PoliciesArea(QScrollArea):
    """A label as high as its words, and less, with a scroll bar, where there is no room for all of it."""

    LEAST = 4  # lines

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label = label
        self.setWidget(label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setStyleSheet("QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }")

    def fit(self) -> None:
        """Take the height that the words need in this width, if it is there."""
        if not self._label.text():
            return
        needed = self._label.heightForWidth(max(1, self.viewport().width()))
        self.setMaximumHeight(needed)
        self.setMinimumHeight(min(needed, self.LEAST * self._label.fontMetrics().lineSpacing()))

    def sizeHint(self) -> QSize:
        """Return room for all."""
        return QSize(self._label.sizeHint().width(), self.maximumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self.fit()


class SideBySide(QFrame):
    """The aligned lanes above, below a table with a row for each tokenizer, and what each does, in words."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._theme = theme
        self._tokenizers: Mapping[str, Tokenizer] = {}
        self._titles: Mapping[str, str] = {}
        self._lines: Mapping[str, Line] = {}
        self._n_embd = 1
        self._text = ""
        self.alignment = named(AlignmentView(theme), "alignment")
        self.table = named(QTableWidget(0, len(HEADERS) + 1), "tokenizerTable", says="Tokenizers compared")
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setFrameShape(QTableWidget.Shape.NoFrame)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)  # Tab goes on, and does not stay in the table for ever
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.table.horizontalScrollBar().rangeChanged.connect(self._fit_table)
        self.policies = named(caption(), "tokenizerPolicies")
        self.policies.setTextFormat(Qt.TextFormat.RichText)
        self.policies.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.problems = named(QLabel(), "tokenizerProblems")
        self.problems.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.policies, self.problems):
            label.setWordWrap(True)
        self.problems.hide()
        self._room = named(PoliciesArea(self.policies), "policiesArea", says="What each tokenizer does")
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self.alignment, 1)
        self._layout.addWidget(self.table)
        self._layout.addWidget(self._room)
        self._layout.addWidget(self.problems)
        theme.changed.connect(self._space)
        self._space()

    def set_tokenizers(
        self,
        tokenizers: Mapping[str, Tokenizer],
        titles: Mapping[str, str],
        problems: Mapping[str, str],
        n_embd: int,
    ) -> None:
        """Compare `tokenizers`, called `titles` on screen; `problems` say why others are not there."""
        self._tokenizers, self._titles, self._n_embd = tokenizers, titles, n_embd
        self._lines = {}
        said = [f"{titles[name]}: {sentence}" for name, sentence in problems.items()]
        self.problems.setText("\n".join(said))
        self.problems.setVisible(bool(said))
        self._fill()

    def set_lines(self, text: str, lines: Mapping[str, Line]) -> None:
        """Show `text` as each tokenizer cuts it, by the tokenizers' names."""
        self._text, self._lines = text, lines
        named_lines = [(self._titles[name], self._in_its_own_words(name, line)) for name, line in lines.items()]
        unknown = [(line.ids < 0) | (line.ids == self._unknown_id(name)) for name, line in lines.items()]
        self.alignment.set_lanes(text, named_lines, unknown)
        self.alignment.set_empty("" if text else EMPTY_LINE)
        self._fill()

    def _unknown_id(self, name: str) -> int:
        unknown = self._tokenizers[name].unknown_id
        return -1 if unknown is None else unknown

    def _in_its_own_words(self, name: str, line: Line) -> Line:
        """Return `line` with the vocabulary's labels: a byte that ends a character is a byte here, as "A9"."""
        labels, unknown = self._tokenizers[name].labels, (UNKNOWN, self._unknown_id(name))
        each = zip(line.ids.tolist(), line.labels, strict=True)
        return replace(line, labels=tuple(label if i in unknown else labels[i] for i, label in each))

    def _fill(self) -> None:
        for column, words in enumerate((*HEADERS, f"V × {self._n_embd:,} table")):
            header = QTableWidgetItem(words)
            header.setFont(self._theme.font(Role.CAPTION))
            header.setTextAlignment(_side(column))
            self.table.setHorizontalHeaderItem(column, header)
        self.table.setRowCount(len(self._tokenizers))
        for row, (name, tokenizer) in enumerate(self._tokenizers.items()):
            for column, words in enumerate(self._row(name, tokenizer)):
                item = QTableWidgetItem(words)
                item.setToolTip(f"<p>{escape(tokenizer.policy)}</p>")
                item.setTextAlignment(_side(column))
                self.table.setItem(row, column, item)
        said = [
            f'<p style="margin: 0 0 {self._theme.px(3)}px 0"><b>{escape(self._titles[name])}</b>'
            f"&nbsp; {escape(tokenizer.policy)}</p>"
            for name, tokenizer in self._tokenizers.items()
        ]
        self.policies.setText("".join(said))
        self._space()

    def _row(self, name: str, tokenizer: Tokenizer) -> tuple[str, ...]:
        size, line = tokenizer.vocab_size, self._lines.get(name)
        tokens = NOTHING if line is None else f"{len(line.ids):,}"
        each = NOTHING if line is None or not self._text else figure(len(line.ids) / len(self._text))
        return (
            self._titles[name],
            tokens,
            each,
            f"{size:,}",
            table_in_words(size, size),
            table_in_words(size, self._n_embd),
        )

    @Slot()
    def _space(self) -> None:
        px = self._theme.px
        self._layout.setContentsMargins(px(16), px(12), px(16), px(12))
        self._layout.setSpacing(px(8))
        self.problems.setStyleSheet(f"color: {self._theme.colours.warning};")
        c = self._theme.colours
        self.table.setStyleSheet(
            f"QTableView::item {{ padding: 0 {px(4)}px; }}"
            f"QTableView {{ selection-background-color: {c.well}; selection-color: {c.ink}; }}"
            f"QTableView:focus {{ selection-background-color: {c.model}; selection-color: {c.on_accent}; }}"
            f"QHeaderView::section {{ padding: {px(4)}px {px(6)}px; }}"
        )
        high = max(px(28), self.table.fontMetrics().height() + px(8))
        self.table.verticalHeader().setDefaultSectionSize(high)
        header = self.table.horizontalHeader()
        names = [self.table.fontMetrics().horizontalAdvance(self._titles[name]) for name in self._tokenizers]
        header.setMinimumSectionSize(min(px(200), max(names, default=px(48)) + px(16)))
        header.setFixedHeight(high + px(4))
        self._fit_table()
        self._room.fit()

    @Slot()
    def _fit_table(self) -> None:
        """Make the table as high as its rows, and the scroll bar where there is one."""
        header, rows = self.table.horizontalHeader().height(), self.table.verticalHeader().length()
        bar = self.table.horizontalScrollBar()
        self.table.setFixedHeight(header + rows + 2 + (bar.sizeHint().height() if bar.maximum() > 0 else 0))


def _side(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def table_in_words(rows: int, columns: int) -> str:
    """Return "1,000 × 10 · 40 KB": the shape of a float32 table, and the memory it takes (1 KB is 1,000 bytes)."""
    return f"{rows:,} × {columns:,} · {bytes_in_words(rows * columns * FLOAT_BYTES)}"


def bytes_in_words(number: int) -> str:
    """Return "17 KB", "4.0 MB": two significant digits, whole numbers from 10 on."""
    value, unit = float(number), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if round(value, 0 if value >= 10 else 1) < 1000:
            break
        value, unit = value / 1000, larger
    return f"{number} {unit}" if unit == "bytes" else f"{figure(value, digits=2)} {unit}"
