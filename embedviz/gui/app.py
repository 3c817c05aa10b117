"""Puts the window together: one QApplication, one state, one worker; errors end in notices."""

import gc
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot, qVersion
from PySide6.QtWidgets import QApplication, QLabel

from embedviz import catalog
from embedviz.errors import EmbedvizError
from embedviz.gui import crash_reports
from embedviz.gui.controller import RunController, how_it_ended
from embedviz.gui.crash_log import TRAINER_ENDED, WENT_ON, CrashLog, crash_folder
from embedviz.gui.icons import app_icon
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState
from embedviz.gui.theme import MAXIMUM_SCALE, MINIMUM_SCALE, Theme
from embedviz.gui.widgets import named
from embedviz.gui.window import MainWindow
from embedviz.gui.worker import TrainerDeath, TrainingWorker

READ_AT_ONCE_BYTES = 2**20  # a larger text is read behind the first window
SAFE = "Safe mode: saved settings are left aside, and stay as they are."
UNSAVED = "Settings cannot be saved here: they last until the window is closed."


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
    # Without a display name: Qt would put it, behind another dash, into the title of each window that lacks it.
    app.setDesktopFileName("org.embedviz.embedviz")
    app.setStyle("Fusion")
    app.setWindowIcon(app_icon())
    return app


def make_window(settings: Settings, *, mode: str | None = None, scale: float | None = None) -> Parts:
    """Make the window with all its parts; nothing runs yet. `mode` and `scale` overrule what is remembered."""
    theme = Theme(mode or settings.text("theme", "system"), scale or _remembered_scale(settings))
    theme.apply()
    state = AppState()
    notices = Notices()
    worker = TrainingWorker()
    controller = RunController(state, worker, notices)
    window = MainWindow(state, controller, notices, settings, theme)
    return Parts(window, state, controller, worker, notices, theme, settings)


def _remembered_scale(settings: Settings) -> float:
    """Return the scale of the last time; 1 if it is none that could be chosen, as in a damaged file."""
    scale = settings.number("scale", 1.0)
    return scale if MINIMUM_SCALE <= scale <= MAXIMUM_SCALE else 1.0


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
    """Tells of every exception that nobody caught, on the main thread, whichever thread it came on.

    Each is in the crash log, if there is one.
    """

    caught = Signal(str, str)

    def __init__(self, notices: Notices, log: CrashLog | None = None) -> None:
        super().__init__()
        self._notices = notices
        self._log = log
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
        if self._log is not None:
            self._log.add(WENT_ON, details)
        with suppress(OSError, ValueError):  # the terminal is gone
            if sys.stderr is not None and not (self._log and self._log.is_stderr):
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


def run(text: Path | None = None, *, safe: bool = False, log: CrashLog | None = None) -> int:
    """Open the window, with a text of one's own or with the first sample; return when it is closed.

    With `safe` saved settings are neither read nor written. `log` hears of whatever goes wrong.
    """
    if log is not None:
        log.listen_to_qt()
    app = make_application(sys.argv[:1])
    settings = Settings.in_memory() if safe else Settings()
    parts = make_window(settings)
    hook = ErrorHook(parts.notices, log)
    beginning = Beginning(parts)
    is_large = _open_first(parts, text)
    parts.window.first_painted.connect(_collect_garbage)
    parts.window.restore()
    parts.window.show()
    if text is not None and is_large:
        parts.window.texts.open_path(text)
    _tell_of_settings(parts, safe)
    _offer_reports(parts)
    if log is not None:
        log.note(f"Qt {qVersion()}, PySide6 {pyside_version}, drawn by {app.platformName()}")
        parts.window.first_painted.connect(log.note_window)
        parts.controller.trainer_crashed.connect(partial(_log_trainer, log))
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Ctrl+C, the end of a session, that of a terminal
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: QApplication.quit())
    awake = QTimer(interval=250)  # lets Python see signals while nothing else happens
    awake.timeout.connect(beginning.objectName)
    awake.start()
    app.aboutToQuit.connect(parts.controller.end)
    code = app.exec()
    parts.controller.end()
    hook.restore()
    return code


def _collect_garbage() -> None:
    """Begin to collect garbage: all that stands by now stays, and no collection needs to look through it again."""
    gc.freeze()
    gc.enable()


def _open_first(parts: Parts, text: Path | None) -> bool:
    """Open what the first picture is of; return whether `text` is too large to be that."""
    is_large = text is not None and _is_large(text)
    if text is None or is_large or not parts.window.texts.open_path(text, wait=True):
        refusal = parts.notices.pending.copy()
        parts.window.texts.open_sample(catalog.DEFAULT_SAMPLE, wait=True)
        for notice in refusal:  # opening the sample took it away
            parts.notices.show(notice)
    return is_large


def _tell_of_settings(parts: Parts, safe: bool) -> None:
    """Say where nothing will be remembered, and why."""
    if safe:
        parts.notices.show(Notice(SAFE))
        parts.window.statusBar().addPermanentWidget(named(QLabel("Safe mode"), "safeMode", tip=SAFE))
    elif not parts.settings.is_writable:
        parts.notices.show(Notice(UNSAVED))


def _log_trainer(log: CrashLog, death: TrainerDeath) -> None:
    log.add(TRAINER_ENDED, f"It ended with {how_it_ended(death)}.\n{death.details}")


def _offer_reports(parts: Parts) -> None:
    """Offer what crashes left, until it was offered for once in a window that could be seen."""
    found = crash_reports.find(crash_folder())
    if not found:
        return
    reports = list(found)

    def show() -> None:
        from embedviz.gui.report_dialog import ReportDialog  # the first window does without it

        dialog = ReportDialog(reports, parts.theme, parts.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def mark() -> None:
        reports[:] = crash_reports.mark_offered(reports)

    sentence = crash_reports.sentence(reports, datetime.now())
    parts.notices.show(Notice(sentence, topic="crash", action="Show report", on_action=show))
    parts.window.first_painted.connect(mark)
