"""The slim strip that says how far the reading of a text is, and lets a person cancel it."""

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import ElidedLabel, named

APPEARS_AFTER_MS = 200  # of work: what is done sooner does not flash


class ReadingBar(QFrame):
    """Takes no room while nothing is read."""

    def __init__(self, texts: TextOpener, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("readingBar")
        self._texts = texts
        self._theme = theme
        self._words = ElidedLabel()
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.progress = named(QProgressBar(textVisible=False), "readingProgress", says="Reading")
        self.progress.setRange(0, 100)
        self._cancel = named(
            QPushButton("Cancel"), "cancelReading", tip="Stop reading; what is open stays open and goes on"
        )
        self._layout = QHBoxLayout(self)
        self._layout.addWidget(self._words, 1)
        self._layout.addWidget(self.progress, 1)
        self._layout.addWidget(self._cancel)
        self._delay = QTimer(self, singleShot=True, interval=APPEARS_AFTER_MS)
        self._delay.timeout.connect(self.show)
        self._cancel.clicked.connect(texts.cancel)
        texts.busy_changed.connect(self._begin_or_end)
        texts.progressed.connect(self._tell)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.hide()

    @property
    def sentence(self) -> str:
        """What is being told; empty if nothing."""
        return self._words.text() if not self.isHidden() else ""

    @Slot(bool)
    def _begin_or_end(self, busy: bool) -> None:
        if busy:
            self._tell("Reading", 0.0)
            self._delay.start()
        else:
            self._delay.stop()
            self.hide()

    @Slot(str, float)
    def _tell(self, doing: str, share: float) -> None:
        percent = round(100 * min(max(share, 0.0), 1.0))
        self.progress.setValue(percent)
        self._words.setText(f"{doing} ‘{self._texts.name}’ … {percent} %")

    @Slot()
    def _restyle(self) -> None:
        px, c = self._theme.px, self._theme.colours
        self._layout.setContentsMargins(px(16), px(4), px(16), px(4))
        self._layout.setSpacing(px(16))
        self._cancel.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.progress.setFixedHeight(px(8))
        self.progress.setMaximumWidth(px(480))
        self.setStyleSheet(
            f"#readingBar {{ background: {c.card}; border-bottom: 1px solid {c.line}; }}"
            f"QProgressBar {{ background: {c.well}; border: none; border-radius: {px(4)}px; }}"
            f"QProgressBar::chunk {{ background: {c.model}; border-radius: {px(4)}px; }}"
        )
