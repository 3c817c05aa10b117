"""The text that was sampled: one's own in ink, what the model wrote in blue, what the text has too underlined."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMimeData, QPoint, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from embedviz.gui.samples import Sample
from embedviz.gui.theme import Theme

Piece = tuple[str, str]  # a text and what it is: "own", "written", "stretch", "mark"

MOST_ROWS = 5  # of items: a few more than there is room for beside the bars
HARD = "\u00a0"  # a space that no line ends at
BETWEEN = f"{HARD}· "  # items
KNOWN = f"{HARD}✓"


class SampledText(QPlainTextEdit):
    """What was written, to read, select and copy: one's own in ink, the model's in blue.

    It is so many whole lines high, and its end is in sight unless the person has scrolled away from it.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pieces: list[Piece] = []
        self._is_writing = False
        self._least_rows = self._rows = 3
        self._has_items = False
        self._follows = True
        self._is_placing = 0
        self._width = 0
        self.document().setDocumentMargin(0)  # what is above and below it is the style sheet's
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # _fit shows it
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # lines are wrapped
        self.setUndoRedoEnabled(False)
        self.verticalScrollBar().valueChanged.connect(self._take_scrolling)

    def set_rows(self, rows: int) -> None:
        """Be so many lines high; more are scrolled to. Items take as many as they need, and MOST_ROWS at most."""
        if rows != self._least_rows:
            self._least_rows = rows
            self._begin_small()
            self._fit()

    def show_samples(self, samples: tuple[Sample, ...], *, is_writing: bool) -> None:
        """Show `samples`; only what is new is written, so that a selection stays."""
        pieces = pieces_of(samples)
        if not self._is_writing and is_writing:  # another time
            self._follows = True
            self._begin_small()
        self._is_writing = is_writing
        self._has_items = len(samples) > 1
        with self._placing():
            self._show_pieces(pieces)
        self._fit()
        self.viewport().update()

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy items a line each."""
        data = QMimeData()
        chosen = self.textCursor().selectedText().replace("\u2029", "\n")
        data.setText(chosen.replace(BETWEEN, "\n").replace(HARD, " ") if self._has_items else chosen)
        return data

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the end in sight."""
        with self._placing():
            super().resizeEvent(event)
        if self.width() != self._width:
            self._width = self.width()
            self._begin_small()
        self._fit()

    @contextmanager
    def _placing(self) -> Iterator[None]:
        """Have the text scroll as it needs, which the person has no part in; then go to its end if it follows."""
        self._is_placing += 1
        try:
            yield
            if self._follows:
                self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        finally:
            self._is_placing -= 1

    @Slot()
    def _take_scrolling(self) -> None:
        if not self._is_placing:
            bar = self.verticalScrollBar()
            self._follows = bar.value() == bar.maximum()

    def _begin_small(self) -> None:
        self._rows = self._least_rows
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _fit(self) -> None:
        """Take the height, and the scroll bar, that the text needs: while it is written both only come.

        Left to Qt the bar comes and goes for ever where the text fits in the width that it leaves free only.
        """
        needed = self._lines() if self.isVisible() else 0
        if self._has_items:
            least = self._rows if self._is_writing else self._least_rows
            self._rows = max(least, min(MOST_ROWS, needed))
        around = self.height() - self.contentsRect().height()
        height = self.fontMetrics().lineSpacing() * self._rows + 1 + around  # 1: else Qt scrolls a line too far
        with self._placing():
            if height != self.minimumHeight() or height != self.maximumHeight():
                self.setFixedHeight(height)
            if needed > self._rows:
                self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)

    def _lines(self) -> int:
        lines, block = 0, self.document().firstBlock()
        while block.isValid():
            self.blockBoundingRect(block)  # lays it out
            lines += block.lineCount()
            block = block.next()
        return lines

    def _show_pieces(self, pieces: list[Piece]) -> None:
        chosen = self.textCursor()
        anchor, position = chosen.anchor(), chosen.position()
        self._write(pieces)
        if anchor != position:  # what ended at the end would grow with it
            last = self.document().characterCount() - 1
            chosen.setPosition(min(anchor, last))
            chosen.setPosition(min(position, last), QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(chosen)

    def restyle(self) -> None:
        """Take the colours anew."""
        self.setFont(self._theme.font())
        pieces, self._pieces = self._pieces, []
        self.ensurePolished()
        with self._placing():
            self.clear()
            self._write(pieces)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a caret at the end while more is to come."""
        super().paintEvent(event)
        if not self._is_writing:
            return
        end = QTextCursor(self.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        place = self.cursorRect(end)
        painter = QPainter(self.viewport())
        painter.setPen(QPen(self._theme.colour("model"), self._theme.px(2)))
        painter.drawLine(place.topLeft() + QPoint(1, 1), place.bottomLeft() + QPoint(1, -1))
        painter.end()

    def _write(self, pieces: list[Piece]) -> None:
        same = 0
        while same < min(len(pieces), len(self._pieces)) and pieces[same] == self._pieces[same]:
            same += 1
        kept = "".join(text for text, _ in pieces[:same])
        rest = pieces[same:]
        if rest and same == len(self._pieces) - 1:
            (old, kind), (new, new_kind) = self._pieces[same], rest[0]
            if kind == new_kind and new.startswith(old):  # it only grew
                kept += old
                rest = [(new[len(old) :], kind), *rest[1:]]
        cursor = QTextCursor(self.document())
        cursor.setPosition(len(kept.encode("utf-16-le", "surrogatepass")) // 2)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        for text, kind in rest:
            cursor.insertText(text, self._format(kind))
        self._pieces = pieces

    def _format(self, kind: str) -> QTextCharFormat:
        form = QTextCharFormat()
        form.setForeground(self._theme.colour({"own": "ink", "mark": "muted"}.get(kind, "model")))
        form.setFontUnderline(kind == "stretch")
        return form


def pieces_of(samples: tuple[Sample, ...]) -> list[Piece]:
    """Return what is shown of `samples`: items one after the other, one alone with what is known of it."""
    pieces: list[Piece] = []
    for place, sample in enumerate(samples):
        if place:
            pieces.append((BETWEEN, "mark"))
        pieces.append((sample.own, "own"))
        if sample.stretch is not None:
            first, last = sample.stretch.start, sample.stretch.start + sample.stretch.length
            pieces.append((sample.written[:first], "written"))
            pieces.append((sample.written[first:last], "stretch"))
            pieces.append((sample.written[last:], "written"))
        else:
            pieces.append((sample.written, "written"))
        if len(samples) > 1:
            is_over = place < len(samples) - 1 or sample.is_known is not None
            pieces.append(("–" if is_over and not sample.text else "", "mark"))
            pieces.append((KNOWN if sample.is_known else "", "mark"))
        elif sample.is_known is not None:
            pieces.append(("  ✓ in the text" if sample.is_known else "  new", "mark"))
    return [piece for piece in pieces if piece[0]]
