"""Checks of what is left of a crash: a process of this program crashes, and its report is read in the window."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton

from embedviz.files import is_packaged
from embedviz.gui import crash_reports
from embedviz.gui.crash_log import crash_folder
from embedviz.gui.driving import wait_until
from embedviz.gui.self_tests.crashing import NOTE
from embedviz.gui.self_tests.meeting import meet
from embedviz.gui.self_tests.painted import painted
from embedviz.gui.self_tests.trial import PATIENCE_S, Check, CheckError, Trial

FAULTS = ("Fatal Python error: ", "Windows fatal exception: ")
HOMES = {"win32": "LOCALAPPDATA", "darwin": "HOME"}  # where the folder for data is found; elsewhere:
HOME = "XDG_DATA_HOME"


def checks() -> list[Check]:
    """Return the checks of this file."""
    return [Check("crash report", _read_report, needs_trainer=False)]


def _read_report(trial: Trial) -> None:
    """Let a process crash in a home of its own; find, read and delete its report."""
    home = trial.folder / "home"
    home.mkdir(exist_ok=True)
    with _living_in(home):
        folder = crash_folder()
        if folder is None or not folder.is_relative_to(home):
            raise CheckError(f"The crash log would be in ‘{folder}’, which is not for trying.")
        code = _crash(home)
    reports = crash_reports.find(folder)
    if len(reports) != 1:
        raise CheckError(f"{len(reports)} reports were found of a process that ended with {code}.")
    (report,) = reports
    if not report.has_ended or NOTE not in report.text or not any(fault in report.text for fault in FAULTS):
        raise CheckError(f"The report does not tell of a crash: ‘{report.text[-200:]}’.")
    trial.note(code=code, characters=len(report.text))
    _open(trial, report)
    if report.path.exists():
        raise CheckError("The report is still there though it was deleted.")


def _crash(home: Path) -> int:
    """Run this program until it has crashed; return its exit code."""
    program = [sys.executable] if is_packaged() else [sys.executable, "-m", "embedviz"]
    crashing = subprocess.Popen(
        [*program, "self-test", "--crash"],
        cwd=home if is_packaged() else None,  # from source it may be found by where one is
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not wait_until(lambda: crashing.poll() is not None, PATIENCE_S):
            raise CheckError(f"A process that should crash has not within {PATIENCE_S:.0f} s.")
    finally:
        crashing.kill()
        code = crashing.wait()
    return code


def _open(trial: Trial, report: crash_reports.Report) -> None:
    """Read the report in the window, and delete it there."""
    from embedviz.gui.report_dialog import ReportDialog  # as the window does: late

    dialog = ReportDialog([report], trial.theme, trial.window)

    def look(found: QDialog) -> bool:
        text, delete = found.findChild(QPlainTextEdit, "reportText"), found.findChild(QPushButton, "reportDelete")
        if text is None or delete is None or report.text.strip() not in text.toPlainText():
            raise CheckError("The report is not to be read.")
        painted("The report of a crash", found)
        painted("The text of the report", text.viewport())
        delete.click()
        return True

    try:
        meet(dialog.open, look)
    finally:
        dialog.deleteLater()


@contextmanager
def _living_in(home: Path) -> Iterator[None]:
    """Let `home` be where the user's data are, for this process and those that it starts."""
    name = HOMES.get(sys.platform, HOME)
    before = os.environ.get(name)
    os.environ[name] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
