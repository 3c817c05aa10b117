"""Whatever nobody caught ends in one notice: a sentence to read, details for the curious, and life goes on."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk, FakeWorker

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.errors import EmbedvizError
from embedviz.gui import app
from embedviz.gui.app import Beginning, ErrorHook
from embedviz.gui.settings import Settings


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


class Visitor:
    """Looks at the window that app.run() opens, then closes it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parts: app.Parts | None = None
        self.seen: dict[str, object] = {}
        make = app.make_window

        def make_window(settings: Settings) -> app.Parts:
            self.parts = make(settings, mode="light")
            self.parts.window.first_painted.connect(self._look)
            return self.parts

        monkeypatch.setattr(app, "make_window", make_window)
        monkeypatch.setattr(app, "TrainingWorker", FakeWorker)

    def _look(self) -> None:
        QTimer.singleShot(0, self._leave)

    def _leave(self) -> None:
        parts = self.parts
        assert parts is not None
        document = parts.state.document
        assert document is not None
        worker = parts.worker
        assert isinstance(worker, FakeWorker)
        self.seen = {
            "text": document.corpus.name,
            "sentences": [notice.sentence for notice in parts.notices.pending],
            "starts": worker.starts,
            "sent": [type(command) for command in worker.sent],
        }
        parts.window.close()


@pytest.fixture
def visitor(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest has a handler of its own
    made = Visitor(monkeypatch)
    yield made
    if made.parts is not None:
        for thing in (made.parts.window, made.parts.controller, made.parts.state, made.parts.theme):
            thing.deleteLater()


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


def test_settings_that_cannot_be_kept_are_said_so(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "is_writable", property(lambda _: False))
    assert app.run() == 0
    assert visitor.seen["sentences"] == ["Settings cannot be saved here: they last until the window is closed."]


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
