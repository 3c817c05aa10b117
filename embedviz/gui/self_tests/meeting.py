"""Meets a dialog: does what opens it, looks at it, and closes it, whether the program waits for it or not."""

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog

from embedviz.errors import EmbedvizError
from embedviz.gui.driving import wait_until

PATIENCE_S = 30.0
LOOK_EVERY_MS = 20


class NoDialogError(EmbedvizError):
    """No dialog came, or it did not show what it should."""


def meet(action: Callable[[], object], look: Callable[[QDialog], bool]) -> None:
    """Do what opens a dialog, and close that once `look` at it returns True.

    Raises what `look` raises, and NoDialogError in vain. A dialog that the program waits for ends in here too:
    it is looked at from a timer, which goes on while `action` waits.
    """
    outcome: list[Exception | None] = []
    deadline = time.perf_counter() + PATIENCE_S

    def look_again() -> None:
        dialog = open_dialog()
        try:
            if dialog is not None and look(dialog):
                outcome.append(None)
            elif time.perf_counter() > deadline:
                outcome.append(NoDialogError(f"{_name(dialog)} in {PATIENCE_S:.0f} s."))
        except Exception as error:  # noqa: BLE001  # raised below: here Qt would swallow it
            outcome.append(error)
        if outcome:
            timer.stop()
            if dialog is not None and dialog.isVisible():
                dialog.reject()

    timer = QTimer(interval=LOOK_EVERY_MS)
    timer.timeout.connect(look_again)
    timer.start()
    action()
    wait_until(lambda: bool(outcome), PATIENCE_S + 1)
    timer.stop()
    if outcome and outcome[0] is not None:
        raise outcome[0]


def open_dialog() -> QDialog | None:
    """Return the dialog that is open, if one is."""
    dialogs = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog))
    return next((dialog for dialog in dialogs if dialog.isVisible()), None)


def _name(dialog: QDialog | None) -> str:
    return f"‘{dialog.windowTitle()}’ did not show what it should" if dialog is not None else "No dialog opened"
