"""Keeps a window within its screen, also when that is another one: a projector comes, and a laptop's is left."""

from PySide6.QtCore import QEvent, QObject, QSize, Slot
from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QWidget

FRAME_HEIGHT = 40  # pixels for the title that the system puts on a window, as far as one can know beforehand


def room_on(screen: QScreen) -> QSize:
    """Return the largest size of a window, without its frame, that a screen shows whole."""
    return screen.availableSize() - QSize(0, FRAME_HEIGHT)


class ScreenFit(QObject):
    """Bounds the smallest size of `window`, and the window itself if its screen shrinks or is exchanged."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._wanted = QSize()
        self._screen: QScreen | None = None
        window.installEventFilter(self)

    def set_least(self, size: QSize) -> None:
        """Let the window be no smaller than `size`, as far as the screen has room for it."""
        self._wanted = size
        self._window.setMinimumSize(size.boundedTo(room_on(self._window.screen())))

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the window from screen to screen, once it is on one."""
        if event.type() == QEvent.Type.Show and self._screen is None:
            self._follow(self._window.screen())
            handle = self._window.windowHandle()
            if handle is not None:
                handle.screenChanged.connect(self._change)
        return False

    def _follow(self, screen: QScreen) -> None:
        if self._screen is not None:
            self._screen.availableGeometryChanged.disconnect(self._fit)
        self._screen = screen
        screen.availableGeometryChanged.connect(self._fit)

    @Slot(QScreen)
    def _change(self, screen: QScreen) -> None:
        self._follow(screen)
        self._fit()

    @Slot()
    def _fit(self) -> None:
        """Take no more room than the screen has; what is maximised or full the system fits itself."""
        window = self._window
        self.set_least(self._wanted)
        if not (window.isMaximized() or window.isFullScreen()):
            window.resize(window.size().boundedTo(room_on(window.screen())))
