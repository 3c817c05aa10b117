"""Tells of a failed start, in a box, whoever has no terminal to read it in. Qt is not loaded for it before."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from embedviz.errors import EmbedvizError
from embedviz.files import is_packaged
from embedviz.gui.crash_log import CrashLog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMessageBox

UNSEEN = ("offscreen", "minimal", "minimalegl", "vnc")  # platforms of Qt on which nobody would close a box
SAFE_MODE = "Start in safe mode"
FOLDER = "Open folder of crash logs"
HINT = "Safe mode starts without the saved settings, and leaves them as they are."


@contextmanager
def told(log: CrashLog, *, safe: bool) -> Iterator[None]:
    """Say in a box why no window came, if it did not; the exception goes on. A display has to be there."""
    try:
        yield
    except Exception as error:
        log.tell_of(error)
        if not (log.has_window or _is_read(sys.stderr)):
            with suppress(Exception):  # then there is nothing left that could tell
                _tell(error, log, safe)
        raise


def sentence(error: Exception) -> str:
    """Return what a person is told."""
    if isinstance(error, EmbedvizError):
        return error.sentence
    return f"embedviz could not start: something inside it went wrong ({type(error).__name__})."


def safe_start() -> list[str]:
    """Return the command line of a start in safe mode."""
    return [sys.executable, *([] if is_packaged() else ["-m", "embedviz"]), "--safe-mode"]


def _is_read(stream: object) -> bool:
    """Tell whether somebody reads what is written to `stream`."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]  # None has no such thing
    except (AttributeError, ValueError, OSError):
        return False


def _tell(error: Exception, log: CrashLog, safe: bool) -> None:
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(["embedviz"])
        app.setApplicationName("embedviz")
    if app.platformName() in UNSEEN:
        return
    for widget in app.topLevelWidgets():
        widget.hide()  # half made
    box = _make_box(error, log, safe)
    while True:
        box.exec()
        pressed = box.clickedButton()
        words = pressed.text() if pressed is not None else ""
        if words == FOLDER:
            _open_folder(box, log)
            continue
        if words == SAFE_MODE:
            _start_in_safe_mode()
        return


def _make_box(error: Exception, log: CrashLog, safe: bool) -> "QMessageBox":
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(QMessageBox.Icon.Critical, "embedviz", sentence(error))
    box.setObjectName("failedStart")
    roles = QMessageBox.ButtonRole
    close = box.addButton(QMessageBox.StandardButton.Close)
    box.setEscapeButton(close)
    box.setDefaultButton(close)
    if not safe:
        box.setInformativeText(HINT)
        box.setDefaultButton(box.addButton(SAFE_MODE, roles.AcceptRole))
    if log.holds_report:
        box.addButton(FOLDER, roles.ActionRole)
    return box


def _open_folder(box: "QMessageBox", log: CrashLog) -> None:
    from embedviz.gui.folders import open_folder

    if log.path is not None and not open_folder(log.path.parent):
        box.setInformativeText(f"Nothing on this machine opens folders: it is {log.path.parent}.")


def _start_in_safe_mode() -> None:
    """Start another embedviz; it lives on when this one ends."""
    from PySide6.QtCore import QProcess, QProcessEnvironment

    program, *arguments = safe_start()
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYINSTALLER_RESET_ENVIRONMENT", "1")  # a packaged app of its own, and no part of this one
    other = QProcess()
    other.setProgram(program)
    other.setArguments(arguments)
    other.setProcessEnvironment(environment)
    other.startDetached()
