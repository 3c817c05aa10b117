"""The own line: the field that it is typed into, and the cutting of long ones behind the window."""

from functools import partial
from typing import cast

from PySide6.QtCore import QMimeData, QObject, Signal, Slot
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from embedviz.errors import EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.state import AppState
from embedviz.text.progress import Progress
from embedviz.text.tokenizers import Line, Tokenizer

LINE_LIMIT = 20_000  # characters of the own line; the rest of a paste is left out, and that is said


class OwnLine(QPlainTextEdit):
    """The field of the own line. Files that are dropped on it go to the window, which opens them."""

    overflowed = Signal(str)  # all of a paste that did not fit

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self._was_cut = False
        self.textChanged.connect(self._notice_room)

    @property
    def text(self) -> str:
        """What was typed; toPlainText() would make a space of a no-break space."""
        return self.document().toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    @property
    def was_cut(self) -> bool:
        """True while not all that was typed or pasted is in the own line."""
        return self._was_cut

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take text, but no files."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert as much of a text as fits, as plain text: laying out millions of characters takes for ever."""
        text = source.text()
        room = LINE_LIMIT - len(self.text) + len(self.textCursor().selectedText())
        fits = len(text) <= room
        self.insertPlainText(text[: max(0, room)])
        if not fits:
            self._was_cut = True
            self.overflowed.emit(text)

    @Slot()
    def _notice_room(self) -> None:
        size = len(self.text)
        self._was_cut = size > LINE_LIMIT or (self._was_cut and size == LINE_LIMIT)


class LineCutter(QObject):
    """Cuts lines that are too long for a frame on another thread; the newest wins."""

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._background = Background(self)
        state.line_wanted.connect(self._cut)
        state.line_changed.connect(self._background.cancel)  # a newer one was cut at once
        state.document_changed.connect(self._background.cancel)

    @property
    def busy(self) -> bool:
        """True while a line is being cut."""
        return self._background.is_busy

    @Slot(str)
    def _cut(self, line: str) -> None:
        document = self._state.document
        if document is not None:
            self._background.run(partial(_encode, document.tokenizer, line), self._take, self._fail)

    def _take(self, line: object) -> None:
        self._state.set_encoded_line(cast(Line, line))

    def _fail(self, error: EmbedvizError) -> None:
        raise error  # no line may fail: this goes where everything unexpected goes


def _encode(tokenizer: Tokenizer, line: str, progress: Progress) -> Line:
    progress("Cutting", 0.0)
    return tokenizer.encode_line(line)
