"""Whatever nobody caught ends in one notice: a sentence to read, details for the curious, and life goes on."""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSettings, Signal, Slot, qVersion
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk
from visiting import Visitor

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.errors import EmbedvizError
from embedviz.gui import app, controller, crash_reports
from embedviz.gui.app import Beginning, ErrorHook
from embedviz.gui.crash_log import TRAINER_ENDED, WENT_ON, WINDOW_OPEN, CrashLog, crash_folder
from embedviz.gui.report_dialog import ReportDialog
from embedviz.gui.state import Phase


@pytest.fixture
def hook(desk: Desk) -> Iterator[ErrorHook]:
    before = sys.excepthook, threading.excepthook
    made = ErrorHook(desk.notices)
    yield made
    made.restore()
    assert (sys.excepthook, threading.excepthook) == before


class Clumsy(QObject):
    """Has slots that fail."""

    asked = Signal()

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error
        self.asked.connect(self.fail)

    @Slot()
    def fail(self) -> None:
        raise self._error


def test_an_exception_in_a_slot_is_one_notice(
    desk: Desk, hook: ErrorHook, capsys: pytest.CaptureFixture[str]
) -> None:
    clumsy = Clumsy(ZeroDivisionError("division by zero"))
    for _ in range(3):
        clumsy.asked.emit()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    sentence = "Something inside embedviz went wrong (ZeroDivisionError); what was open stays open."
    assert desk.sentences == [sentence]
    assert desk.window.notice_bar.sentence == sentence
    assert "in fail" in desk.notices.pending[0].details
    assert "division by zero" in capsys.readouterr().err  # nothing is swallowed
    desk.show(5)  # and it goes on
    assert "step 5" in desk.words(desk.table)


def test_an_exception_in_a_thread_is_one_notice(
    desk: Desk, hook: ErrorHook, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("in a thread")

    shown_on: list[threading.Thread] = []
    desk.notices.changed.connect(lambda: shown_on.append(threading.current_thread()))
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert desk.sentences == []  # it is on its way to the main thread
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    assert shown_on == [threading.main_thread()]
    assert "KeyError" in desk.sentences[0]
    assert "in a thread" in desk.notices.pending[0].details
    assert "in a thread" in capsys.readouterr().err


def test_an_exception_while_painting_is_one_notice(
    desk: Desk, hook: ErrorHook, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_painter: QPainter, _exposed: object) -> None:
        raise IndexError("while painting")

    monkeypatch.setattr(desk.table.legend, "draw", fail)
    desk.table.legend.update()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    desk.table.legend.update()
    desk.show(5)
    assert len(desk.sentences) == 1
    assert "IndexError" in desk.sentences[0]
    assert "while painting" in capfd.readouterr().err


def test_an_error_with_a_sentence_of_its_own_says_that(
    desk: Desk, hook: ErrorHook, capsys: pytest.CaptureFixture[str]
) -> None:
    clumsy = Clumsy(EmbedvizError("The table would take 10 GB.", "V = 50,257"))
    clumsy.asked.emit()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    assert desk.sentences == ["The table would take 10 GB."]
    assert "Traceback" in capsys.readouterr().err


def test_an_error_can_be_dismissed_and_comes_back_when_it_happens_again(
    desk: Desk, hook: ErrorHook, capsys: pytest.CaptureFixture[str]
) -> None:
    clumsy = Clumsy(ValueError("again"))
    for _ in range(2):
        clumsy.asked.emit()
        desk.qtbot.waitUntil(lambda: bool(desk.sentences))
        desk.click(desk.child(QPushButton, "noticeDismiss"))
        assert desk.sentences == []
    assert capsys.readouterr().err.count("ValueError: again") == 2


def test_a_windowed_build_has_no_stderr(desk: Desk, hook: ErrorHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    clumsy = Clumsy(ValueError("nowhere to write"))
    clumsy.asked.emit()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))


def test_an_interrupt_quits(desk: Desk, hook: ErrorHook, monkeypatch: pytest.MonkeyPatch) -> None:
    quits: list[bool] = []
    monkeypatch.setattr(QApplication, "quit", lambda: quits.append(True))
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert quits == [True]
    assert desk.sentences == []


# --- the app as a whole -----------------------------------------------------------------------------


@pytest.fixture
def visitor(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    made = Visitor(monkeypatch)
    yield made
    made.put_away()


def test_the_app_opens_a_sample_by_itself(visitor: Visitor) -> None:
    hooks = sys.excepthook, threading.excepthook
    assert app.run() == 0
    assert visitor.seen["text"] == catalog.SAMPLES[catalog.DEFAULT_SAMPLE].title
    assert visitor.seen["sentences"] == []
    assert visitor.seen["starts"] == 1
    assert m.StartRun in visitor.seen["sent"]  # type: ignore[operator]
    assert (sys.excepthook, threading.excepthook) == hooks
    assert visitor.parts is not None
    assert not visitor.parts.worker.isRunning()


def test_the_app_opens_the_text_it_is_given(visitor: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "banana.txt"
    path.write_text("banana bandana " * 5)
    assert app.run(path) == 0
    assert visitor.seen["text"] == "banana.txt"


def test_a_bad_text_on_the_command_line_is_a_notice_in_the_window(visitor: Visitor, tmp_path: Path) -> None:
    assert app.run(tmp_path / "nowhere.txt") == 0
    assert visitor.seen["text"] == catalog.SAMPLES[catalog.DEFAULT_SAMPLE].title
    assert visitor.seen["sentences"] == ["'nowhere.txt' was not found."]


def test_a_home_that_cannot_be_written_is_one_notice(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")  # permissions would not keep root out
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "file" / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))
    chosen = []

    def choose(parts: app.Parts) -> None:
        parts.settings.set("less_motion", True)
        parts.settings.sync()
        chosen.append(parts.settings.flag("less_motion"))

    visitor.act = choose
    with CrashLog(crash_folder()) as log:
        assert log.path is None
        assert app.run(log=log) == 0
    assert visitor.seen["sentences"] == ["Settings cannot be saved here: they last until the window is closed."]
    assert chosen == [True]


def test_what_a_crash_left_is_offered_once(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = crash_folder()
    assert folder is not None
    with pytest.raises(ZeroDivisionError), CrashLog(folder):
        raise ZeroDivisionError("while importing")
    texts = []

    def read(parts: app.Parts) -> None:
        parts.window.findChild(QPushButton, "noticeAction").click()
        dialog = parts.window.findChild(ReportDialog)
        texts.append(dialog.findChild(QPlainTextEdit, "reportText").toPlainText())
        dialog.findChild(QPushButton, "reportCopy").click()
        texts.append(QGuiApplication.clipboard().text())
        dialog.findChild(QPushButton, "reportDelete").click()

    visitor.act = read
    assert app.run() == 0
    assert len(visitor.before) == 1
    assert visitor.before[0].startswith("embedviz ended unexpectedly on ")
    assert texts[0].startswith("This was before the window was open.")
    assert "ZeroDivisionError: while importing" in texts[0]
    assert texts[1] == texts[0]
    assert list(folder.iterdir()) == []


def test_an_offer_that_nobody_takes_is_not_made_again(visitor: Visitor) -> None:
    folder = crash_folder()
    assert folder is not None
    with CrashLog(folder) as log:
        log.add(WENT_ON, "KeyError: 'x'")
    assert app.run() == 0
    assert visitor.before[0].startswith("embedviz reported an error on ")
    visitor.put_away()
    assert app.run() == 0
    assert visitor.before == []
    assert len(list(folder.iterdir())) == 1  # it is kept


def test_the_log_of_a_run_without_errors_is_removed(visitor: Visitor) -> None:
    texts = []

    with CrashLog(crash_folder()) as log:
        assert log.path is not None
        path = log.path
        visitor.act = lambda _parts: texts.append(path.read_text())
        assert app.run(log=log) == 0
    assert f"Qt {qVersion()}" in texts[0]
    assert WINDOW_OPEN in texts[0]
    assert not path.exists()


def test_what_nobody_caught_is_in_the_log(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = CrashLog(tmp_path)
    hook = ErrorHook(desk.notices, log)
    clumsy = Clumsy(ValueError("in a slot"))
    clumsy.asked.emit()
    hook.restore()
    log.close()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    (report,) = crash_reports.find(tmp_path)
    assert not report.has_ended
    assert "in fail" in report.text
    assert "ValueError: in a slot" in report.text
    assert "ValueError: in a slot" in capsys.readouterr().err


def test_a_terminal_that_is_gone_changes_nothing(
    desk: Desk, hook: ErrorHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError("Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    clumsy = Clumsy(ValueError("again"))
    clumsy.asked.emit()
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))


def test_the_trainer_and_the_curve_wait_for_the_first_picture(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    beginning = Beginning(desk.parts)
    desk.open_sample("fables")
    assert desk.worker.starts == 0
    assert desk.training.loss.curve is None
    with desk.qtbot.waitSignal(desk.window.first_painted):
        desk.window.show()
    assert desk.worker.starts == 1
    assert desk.training.loss.curve is not None
    beginning.deleteLater()


def test_a_trainer_that_crashed_is_in_the_log_with_its_last_words(visitor: Visitor) -> None:
    folder = crash_folder()
    visitor.act = lambda parts: parts.worker.die(-11, "Fatal: out of luck")  # type: ignore[attr-defined]
    with CrashLog(folder) as log:
        assert app.run(log=log) == 0
    (report,) = crash_reports.find(folder)
    assert not report.has_ended
    assert f"{TRAINER_ENDED}\nIt ended with signal 11.\nFatal: out of luck" in report.text


def test_a_trainer_that_was_ended_on_purpose_is_not_in_the_log(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "SILENCE_S", 0.0)

    def end(parts: app.Parts) -> None:
        parts.state.update_run(phase=Phase.PLAYING)
        parts.controller._check_silence()
        parts.window.notice_bar.findChild(QPushButton, "noticeAction").click()
        assert parts.worker.kills == 1  # type: ignore[attr-defined]
        parts.worker.die(-9)  # type: ignore[attr-defined]
        assert parts.state.run.phase is Phase.LOST

    visitor.act = end
    with CrashLog(crash_folder()) as log:
        assert app.run(log=log) == 0
    assert crash_reports.find(crash_folder()) == []


def test_no_window_gets_the_name_of_the_app_put_behind_its_title(desk: Desk) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    name = application.applicationName()
    application.setApplicationName("another")
    assert application.applicationDisplayName() == "another"  # so it has none of its own
    application.setApplicationName(name)
