"""Presenting: full screen, larger, nothing but the panels; keys work wherever the focus is; "." blanks."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from embedviz.gui.theme import Theme
from embedviz.gui.widgets import named

LARGER = 1.3
NARROW_WIDTH = 1280  # designed pixels that the panels need side by side: presenting must not turn them into tabs


class Presentation(QObject):
    """Switches a window to presenting and back. While it is on, it sees every key first."""

    def __init__(self, window: QMainWindow, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._scale_before = 1.0
        self._maximized_before = False
        self._blank: QWidget | None = None
        self.is_on = False

    @property
    def is_blank(self) -> bool:
        """True while the screen is blanked."""
        return self._blank is not None

    def toggle(self) -> None:
        """Begin or end."""
        window = self._window
        self.is_on = not self.is_on
        for widget in (window.menuBar(), window.statusBar()):
            widget.setVisible(not self.is_on)
        app = QApplication.instance()
        assert app is not None
        if self.is_on:
            self._scale_before = self._theme.scale
            self._maximized_before = window.isMaximized()
            app.installEventFilter(self)
            window.showFullScreen()
            room = window.screen().size().width() / (NARROW_WIDTH * self._theme.scale)
            self._theme.set_scale(self._theme.scale * min(LARGER, max(1.0, room)))
        else:
            app.removeEventFilter(self)
            self._unblank()
            window.showMaximized() if self._maximized_before else window.showNormal()
            self._theme.set_scale(self._scale_before)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take Esc and "."; keep text fields from claiming the keys of the table of actions."""
        if event.type() == QEvent.Type.Resize and watched is self._window and self._blank is not None:
            self._blank.setGeometry(self._window.rect())
        if isinstance(event, QKeyEvent) and isinstance(watched, QWidget) and watched.window() is self._window:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.ignore()
                return True
            if event.type() == QEvent.Type.KeyPress:
                if event.key() == Qt.Key.Key_Escape:
                    self.toggle()
                    return True
                if event.key() == Qt.Key.Key_Period:
                    self._unblank() if self.is_blank else self._make_blank()
                    return True
        return False

    def _make_blank(self) -> None:
        blank = named(QWidget(self._window, autoFillBackground=True), "blank")
        palette = blank.palette()
        palette.setColor(QPalette.ColorRole.Window, Qt.GlobalColor.black)
        blank.setPalette(palette)
        blank.setStyleSheet("background: black;")
        blank.setGeometry(self._window.rect())
        blank.show()
        blank.raise_()
        self._blank = blank

    def _unblank(self) -> None:
        if self._blank is not None:
            self._blank.deleteLater()
            self._blank = None
