"""The text that was sampled: one's own in ink, what the model wrote in blue, what the text has too underlined."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from embedviz.gui.samples import Sample
from embedviz.gui.theme import Theme

Piece = tuple[str, str]  # a text and what it is: "own", "written", "stretch", "mark"


class SampledText(QPlainTextEdit):
    """What was written, to read, select and copy: one's own in ink, the model's in blue."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pieces: list[Piece] = []
        self._is_writing = False
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setUndoRedoEnabled(False)

    def show_samples(self, samples: tuple[Sample, ...], *, is_writing: bool) -> None:
        """Show `samples`, a line each; only what is new is written, so that a selection stays."""
        pieces = pieces_of(samples)
        bar = self.verticalScrollBar()
        follow = is_writing and bar.value() == bar.maximum()
        self._is_writing = is_writing
        chosen = self.textCursor()
        anchor, position = chosen.anchor(), chosen.position()
        self._write(pieces)
        if anchor != position:  # what ended at the end would grow with it
            last = self.document().characterCount() - 1
            chosen.setPosition(min(anchor, last))
            chosen.setPosition(min(position, last), QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(chosen)
        if follow:
            bar.setValue(bar.maximum())
        self.viewport().update()

    def restyle(self) -> None:
        """Take the colours anew."""
        self.setFont(self._theme.font())
        pieces, self._pieces = self._pieces, []
        self.clear()
        self._write(pieces)

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
    """Return what is shown of `samples`: each on a line, with what is known of it."""
    pieces: list[Piece] = []
    for sample in samples:
        if pieces:
            pieces.append(("\n", "mark"))
        pieces.append((sample.own, "own"))
        if sample.stretch is not None:
            first, last = sample.stretch.start, sample.stretch.start + sample.stretch.length
            pieces.append((sample.written[:first], "written"))
            pieces.append((sample.written[first:last], "stretch"))
            pieces.append((sample.written[last:], "written"))
        else:
            pieces.append((sample.written, "written"))
        if sample.is_known is not None:
            pieces.append(("  ✓ in the text" if sample.is_known else "  new", "mark"))
    return [piece for piece in pieces if piece[0]]
