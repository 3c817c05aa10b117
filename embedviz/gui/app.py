"""Puts the window together: one QApplication, one state, one worker; errors end in notices."""

import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from embedviz import catalog
from embedviz.errors import EmbedvizError
from embedviz.gui.controller import RunController
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.window import MainWindow
from embedviz.gui.worker import TrainingWorker

DESIGNED_SIZE = (1440, 900)
FRAME_HEIGHT = 40  # pixels for the title that the system puts on a window, as far as one can know beforehand
READ_AT_ONCE_BYTES = 2**20  # a larger text is read behind the first window


@dataclass(frozen=True)
class Parts:
    """Everything that a running window is made of; `close` ends all of it."""

    window: MainWindow
    state: AppState
    controller: RunController
    worker: TrainingWorker
    notices: Notices
    theme: Theme
    settings: Settings

    def close(self) -> None:
        """Close the window, end the trainer and the thread."""
        self.window.close()


def make_application(arguments: list[str] | None = None) -> QApplication:
    """Return the application with its names and style set."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(arguments or ["embedviz"])
    app.setApplicationName("embedviz")
    app.setApplicationDisplayName("embedviz")
    app.setDesktopFileName("embedviz")
    app.setStyle("Fusion")
    return app


def make_window(settings: Settings, *, mode: str | None = None, scale: float | None = None) -> Parts:
    """Make the window with all its parts; nothing runs yet. `mode` and `scale` overrule what is remembered."""
    theme = Theme(mode or settings.text("theme", "system"), scale or settings.number("scale", 1.0))
    theme.apply()
    state = AppState()
    notices = Notices()
    worker = TrainingWorker()
    controller = RunController(state, worker, notices)
    window = MainWindow(state, controller, notices, settings, theme)
    room = window.screen().availableSize() - QSize(0, FRAME_HEIGHT)
    window.resize(QSize(*DESIGNED_SIZE).boundedTo(room))
    return Parts(window, state, controller, worker, notices, theme, settings)


class Beginning(QObject):
    """What waits until the first window is painted: the trainer, then the plotting library."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        parts.window.first_painted.connect(self._begin)

    @Slot()
    def _begin(self) -> None:
        self._parts.controller.begin()
        panel = self._parts.window.panel("Training")
        assert isinstance(panel, TrainingPanel)
        panel.loss.load()


class ErrorHook(QObject):
    """Tells of every exception that nobody caught, on the main thread, whichever thread it came on."""

    caught = Signal(str, str)

    def __init__(self, notices: Notices) -> None:
        super().__init__()
        self._notices = notices
        self.caught.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        sentence = (
            error.sentence
            if isinstance(error, EmbedvizError)
            else f"Something inside embedviz went wrong ({kind.__name__}); what was open stays open."
        )
        details = "".join(traceback.format_exception(kind, error, trace))
        if sys.stderr is not None:
            sys.stderr.write(details)
        self.caught.emit(sentence, details)

    def restore(self) -> None:
        """Give back the hooks of before."""
        sys.excepthook, threading.excepthook = self._before
        self.deleteLater()

    def _thread_hook(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._hook(args.exc_type, args.exc_value, args.exc_traceback)

    @Slot(str, str)
    def _show(self, sentence: str, details: str) -> None:
        self._notices.show(Notice(sentence, details, topic="error"))


def _is_large(path: Path) -> bool:
    """Tell whether reading takes longer than a first picture may be late."""
    try:
        return path.stat().st_size > READ_AT_ONCE_BYTES
    except (OSError, ValueError):
        return False  # opening it will say what is wrong


def run(text: Path | None = None) -> int:
    """Open the window, with a text of one's own or with the first sample; return when it is closed."""
    app = make_application(sys.argv[:1])
    settings = Settings()
    parts = make_window(settings)
    hook = ErrorHook(parts.notices)
    beginning = Beginning(parts)
    is_large = text is not None and _is_large(text)
    if text is None or is_large or not parts.window.texts.open_path(text, wait=True):
        refusal = parts.notices.pending.copy()
        parts.window.texts.open_sample(catalog.DEFAULT_SAMPLE, wait=True)
        for notice in refusal:  # opening the sample took it away
            parts.notices.show(notice)
    parts.window.restore()
    parts.window.show()
    if text is not None and is_large:
        parts.window.texts.open_path(text)
    if not settings.is_writable:
        parts.notices.show(Notice("Settings cannot be saved here: they last until the window is closed."))
    signal.signal(signal.SIGINT, lambda *_: QApplication.quit())
    awake = QTimer(interval=250)  # lets Python see Ctrl+C while nothing else happens
    awake.timeout.connect(beginning.objectName)
    awake.start()
    app.aboutToQuit.connect(parts.controller.end)
    code = app.exec()
    parts.controller.end()
    hook.restore()
    return code
