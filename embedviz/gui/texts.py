"""Opening texts: samples, files, the clipboard; whatever goes wrong is one notice, and what was open stays."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget

from embedviz import catalog
from embedviz.errors import EmbedvizError
from embedviz.gui.controller import RunController
from embedviz.gui.documents import Document, is_offered_as_items, read_sample
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.text.corpus import Corpus, corpus_from_text, read_corpus


class TextOpener(QObject):
    """The one way by which a text becomes the training text."""

    recent_changed = Signal()

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        notices: Notices,
        settings: Settings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._state = state
        self._controller = controller
        self._notices = notices
        self._settings = settings
        self._window = window

    def open_sample(self, name: str) -> bool:
        """Open a sample of the catalogue."""
        return self._open(lambda: read_sample(name))

    def open_path(self, path: Path) -> bool:
        """Open a text file; tell whether that went well."""
        opened = self._open(lambda: read_corpus(path))
        if opened:
            self._settings.add_recent(path)
            self.recent_changed.emit()
        return opened

    def open_text(self, text: str, name: str = "Pasted text") -> bool:
        """Open a text that was pasted or dropped."""
        return self._open(lambda: corpus_from_text(text, name))

    @Slot()
    def paste(self) -> None:
        """Open what the clipboard holds."""
        text = QGuiApplication.clipboard().text()
        if text:
            self.open_text(text)
        else:
            self._notices.show(Notice("The clipboard holds no text: copy some first.", topic="text"))

    @Slot()
    def choose(self) -> None:
        """Let the person choose a file."""
        recent = self._settings.recent()
        folder = str(recent[0].parent) if recent else str(Path.home())
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a text to train on", folder, "Texts (*.txt *.md *.csv);;All files (*)"
        )
        if name:
            self.open_path(Path(name))

    def set_per_line(self, on: bool) -> bool:
        """Read the open text as a list of items, one a line, or as running text."""
        document = self._state.document
        if document is None or document.corpus.per_line == on:
            return True
        return self._open(lambda: document.corpus.as_items() if on else document.corpus.as_text())

    def _open(self, read: Callable[[], Corpus]) -> bool:
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            corpus = read()
            document = Document.make(corpus, self._state.config.replace(per_line=corpus.per_line))
        except EmbedvizError as error:
            self._notices.show(Notice(error.sentence, error.details, topic="text"))
            return False
        finally:
            QApplication.restoreOverrideCursor()
        if not self._may_replace():
            return False
        self._notices.withdraw("text")
        self._controller.open_document(document, document.first_line())
        if is_offered_as_items(corpus):
            self._notices.show(
                Notice(
                    f"‘{corpus.name}’ looks like a list with one item per line.",
                    topic="text",
                    action="Train on items",
                    on_action=self._accept_items,
                )
            )
        return True

    def _accept_items(self) -> None:
        self.set_per_line(True)

    def _may_replace(self) -> bool:
        if self._state.run.phase not in (Phase.PLAYING, Phase.PAUSING):
            return True
        answer = QMessageBox.question(
            self._window,
            "embedviz",
            f"Training is under way (step {self._state.run.step:,}). Another text starts a new run from step 0.",
            QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Ok

    @staticmethod
    def samples() -> list[catalog.Sample]:
        """Return the samples there are."""
        return list(catalog.SAMPLES.values())
