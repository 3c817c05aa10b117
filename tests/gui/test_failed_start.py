"""A start that fails is told in a box where nobody reads stderr, and nowhere else."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from embedviz.errors import EmbedvizError
from embedviz.gui import crash_reports, failed_start, folders
from embedviz.gui.crash_log import CrashLog, crash_folder

FAIL = """
import sys
from embedviz.gui import window
def fail(*_): raise RuntimeError("no window today")
window.MainWindow.__init__ = fail
from embedviz.cli import main
sys.exit(main([]))
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Boxes:
    """Presses a button of each box that comes, and remembers what the box said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, list[str]]] = []
        self.presses: list[str] = []
        ask = QMessageBox.exec

        def look(box: QMessageBox) -> None:
            self.said.append((box.text(), sorted(button.text().replace("&", "") for button in box.buttons())))
            wanted = self.presses.pop(0) if self.presses else "Close"
            next(button for button in box.buttons() if button.text().replace("&", "") == wanted).click()

        def exec_box(box: QMessageBox) -> int:
            QTimer.singleShot(0, lambda: look(box))
            return ask(box)

        monkeypatch.setattr(QMessageBox, "exec", exec_box)


@pytest.fixture
def boxes(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Boxes:
    monkeypatch.setattr(failed_start, "UNSEEN", ())
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # as a desktop starts programs
    return Boxes(monkeypatch)


def fail(
    error: Exception, *, safe: bool = False, before: Callable[[CrashLog], object] = lambda _log: None
) -> None:
    """Start as the command line does, and fail."""

    def start() -> None:
        with CrashLog(crash_folder()) as log:
            log.watch()
            before(log)
            with failed_start.told(log, safe=safe):
                raise error

    with pytest.raises(type(error)):
        start()


def test_it_is_told_and_logged_once(boxes: Boxes) -> None:
    fail(RuntimeError("no window today"))
    sentence = "embedviz could not start: something inside it went wrong (RuntimeError)."
    assert boxes.said == [(sentence, sorted(["Close", failed_start.FOLDER, failed_start.SAFE_MODE]))]
    (report,) = crash_reports.find(crash_folder())
    assert report.text.count("Traceback") == 1
    assert "no window today" in report.text


def test_what_has_a_sentence_of_its_own_says_that(boxes: Boxes) -> None:
    fail(EmbedvizError("The file ‘x’ that belongs to embedviz is missing."))
    assert boxes.said == [
        ("The file ‘x’ that belongs to embedviz is missing.", sorted(["Close", failed_start.SAFE_MODE]))
    ]


def test_safe_mode_that_fails_offers_no_safe_mode(boxes: Boxes) -> None:
    fail(RuntimeError("again"), safe=True)
    assert [buttons for _, buttons in boxes.said] == [["Close", failed_start.FOLDER]]


def test_safe_mode_is_started_as_a_process_of_its_own(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    assert failed_start.safe_start() == [sys.executable, "-m", "embedviz", "--safe-mode"]
    file = tmp_path / "started"
    script = f"import os, pathlib; pathlib.Path({str(file)!r}).write_text(os.environ['HOME'])"
    monkeypatch.setattr(failed_start, "safe_start", lambda: [sys.executable, "-c", script])
    boxes.presses = [failed_start.SAFE_MODE]
    fail(RuntimeError("again"))
    qtbot.waitUntil(lambda: file.exists() and file.read_text() == os.environ["HOME"])


def test_the_packaged_app_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert failed_start.safe_start() == [sys.executable, "--safe-mode"]


def test_the_box_stays_after_the_folder_was_opened(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(folders, "open_folder", lambda folder: opened.append(folder) is None)
    boxes.presses = [failed_start.FOLDER, "Close"]
    fail(RuntimeError("again"))
    assert opened == [crash_folder()]
    assert len(boxes.said) == 2


def test_on_a_terminal_it_is_read_there(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    fail(RuntimeError("again"))
    assert boxes.said == []


def test_without_any_stderr_it_is_told(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    fail(RuntimeError("again"))
    assert len(boxes.said) == 1


def test_a_window_that_was_seen_has_started(boxes: Boxes) -> None:
    fail(RuntimeError("at the end"), before=CrashLog.note_window)
    assert boxes.said == []


def test_a_half_made_window_is_not_in_the_way(boxes: Boxes, qtbot: QtBot) -> None:
    half = QWidget()
    qtbot.addWidget(half)
    half.show()
    fail(RuntimeError("again"))
    assert not half.isVisible()


def test_a_box_that_cannot_be_shown_changes_nothing(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_too(*_: object) -> None:
        raise RuntimeError("no box either")

    monkeypatch.setattr(QMessageBox, "exec", fail_too)
    fail(ValueError("the first"))
    (report,) = crash_reports.find(crash_folder())
    assert "no box either" not in report.text


def test_without_a_screen_nobody_is_waited_for() -> None:
    assert isinstance(QApplication.instance(), QApplication | None)
    ended = subprocess.run([sys.executable, "-c", FAIL], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "no window today" in ended.stderr
    (report,) = crash_reports.find(crash_folder())
    assert report.has_ended
    assert report.text.count("Traceback") == 1
