"""Background: results on the right thread, the newest job wins, cancelled ones say nothing, no thread stays."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from embedviz.errors import EmbedvizError
from embedviz.gui import background as module
from embedviz.gui.background import Background
from embedviz.text.progress import Progress


class Witness:
    """Keeps what is called, and on which thread."""

    def __init__(self) -> None:
        self.results: list[object] = []
        self.errors: list[EmbedvizError] = []
        self.threads: list[QThread] = []

    def done(self, result: object) -> None:
        self.results.append(result)
        self.threads.append(QThread.currentThread())

    def failed(self, error: EmbedvizError) -> None:
        self.errors.append(error)
        self.threads.append(QThread.currentThread())


class Gate:
    """A job that goes on telling of its progress until the gate is opened or it is cancelled."""

    def __init__(self, result: object = "through") -> None:
        self.result = result
        self.began = threading.Event()
        self.open = threading.Event()
        self.left = threading.Event()

    def __call__(self, progress: Progress) -> object:
        self.began.set()
        try:
            while not self.open.wait(0.002):
                progress("Waiting", 0.5)
        finally:
            self.left.set()
        return self.result


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.stop()
    made.deleteLater()


@pytest.fixture
def witness() -> Witness:
    return Witness()


def test_a_result_arrives_on_the_thread_that_asked(qtbot: QtBot, background: Background, witness: Witness) -> None:
    there: list[int] = []

    def job(_progress: Progress) -> object:
        there.append(threading.get_ident())
        return 42

    with qtbot.waitSignal(background.busy_changed, check_params_cb=lambda busy: not busy):
        background.run(job, witness.done, witness.failed)
        assert background.is_busy
    assert (witness.results, witness.errors) == ([42], [])
    assert witness.threads == [QThread.currentThread()]
    assert there != [threading.get_ident()]
    assert not background.is_busy


def test_no_thread_before_the_first_job_and_one_for_all(
    qtbot: QtBot, background: Background, witness: Witness
) -> None:
    before = threading.active_count()
    background.cancel()
    assert threading.active_count() == before
    idents: set[object] = set()
    for _ in range(3):
        count = len(witness.results)
        background.run(lambda _progress: threading.get_ident(), witness.done, witness.failed)
        qtbot.waitUntil(lambda count=count: len(witness.results) > count)  # type: ignore[misc]
    idents.update(witness.results)
    assert len(idents) == 1


def test_progress_is_told(qtbot: QtBot, background: Background, witness: Witness) -> None:
    gate = Gate()
    with qtbot.waitSignal(background.progressed) as told:
        background.run(gate, witness.done, witness.failed)
    assert told.args == ["Waiting", 0.5]
    gate.open.set()
    qtbot.waitUntil(lambda: witness.results == ["through"])


def test_an_error_with_a_sentence(qtbot: QtBot, background: Background, witness: Witness) -> None:
    error = EmbedvizError("It is no text.")

    def job(_progress: Progress) -> object:
        raise error

    background.run(job, witness.done, witness.failed)
    qtbot.waitUntil(lambda: not background.is_busy)
    assert (witness.results, witness.errors) == ([], [error])
    assert witness.threads == [QThread.currentThread()]


def test_any_other_error_goes_to_the_hook_on_the_thread_that_asked(
    qtbot: QtBot, background: Background, witness: Witness
) -> None:
    class Panic(BaseException):
        pass

    def job(_progress: Progress) -> object:
        raise Panic

    with qtbot.captureExceptions() as caught:
        background.run(job, witness.done, witness.failed)
        qtbot.waitUntil(lambda: not background.is_busy)
    assert [kind for kind, _, _ in caught] == [Panic]
    assert (witness.results, witness.errors) == ([], [])
    background.run(lambda _progress: 1, witness.done, witness.failed)  # and the thread lives
    qtbot.waitUntil(lambda: witness.results == [1])


def test_a_cancelled_job_ends_and_says_nothing(qtbot: QtBot, background: Background, witness: Witness) -> None:
    gate = Gate()
    background.run(gate, witness.done, witness.failed)
    assert gate.began.wait(5)
    with qtbot.waitSignal(background.busy_changed) as changed:
        background.cancel()
    assert changed.args == [False]
    assert gate.left.wait(5)
    background.run(lambda _progress: "next", witness.done, witness.failed)
    qtbot.waitUntil(lambda: witness.results == ["next"])
    assert witness.errors == []


def test_the_newest_job_wins(qtbot: QtBot, background: Background, witness: Witness) -> None:
    told: list[bool] = []
    background.busy_changed.connect(told.append)
    first, skipped = Gate("first"), Gate("skipped")
    background.run(first, witness.done, witness.failed)
    assert first.began.wait(5)
    background.run(skipped, witness.done, witness.failed)
    background.run(lambda _progress: "last", witness.done, witness.failed)
    qtbot.waitUntil(lambda: not background.is_busy)
    assert witness.results == ["last"]
    assert told == [True, False]  # busy all the while
    assert first.left.is_set()
    assert not skipped.began.is_set()


def test_a_result_that_was_overtaken_on_its_way_is_void(
    qtbot: QtBot, background: Background, witness: Witness
) -> None:
    gate = Gate("late")
    gate.open.set()
    background.run(gate, witness.done, witness.failed)
    assert gate.left.wait(5)  # its result is on its way, but no event was processed yet
    background.run(lambda _progress: "newest", witness.done, witness.failed)
    qtbot.waitUntil(lambda: not background.is_busy)
    assert witness.results == ["newest"]


def test_what_is_done_may_ask_for_the_next_job(qtbot: QtBot, background: Background, witness: Witness) -> None:
    told: list[bool] = []
    background.busy_changed.connect(told.append)
    background.run(
        lambda _progress: 1,
        lambda _result: background.run(lambda _progress: 2, witness.done, witness.failed),
        witness.failed,
    )
    qtbot.waitUntil(lambda: witness.results == [2])
    qtbot.waitUntil(lambda: told == [True, False])


def test_stopping_in_the_middle_leaves_no_thread(qtbot: QtBot, witness: Witness) -> None:
    background = Background()
    gate = Gate()
    background.run(gate, witness.done, witness.failed)
    assert gate.began.wait(5)
    background.stop()
    assert gate.left.is_set()
    background.stop()
    background.run(gate, witness.done, witness.failed)
    assert not background.is_busy
    assert (witness.results, witness.errors) == ([], [])
    background.deleteLater()


def test_a_job_that_never_ends_is_left_behind(
    qtbot: QtBot, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    background = Background()
    began, still_there, left = threading.Event(), threading.Event(), threading.Event()

    def job(progress: Progress) -> object:
        began.set()
        still_there.wait(5)  # as a read from a dead drive: it tells of no progress
        left.set()
        progress("Reading", 1.0)
        return "late"

    background.run(job, witness.done, witness.failed)
    assert began.wait(5)
    background.stop()
    assert not left.is_set()
    background.deleteLater()
    del background
    still_there.set()  # whatever comes of it now has nobody to go to
    assert left.wait(5)
    assert (witness.results, witness.errors) == ([], [])


DEAD_DRIVE = """
import os, sys
from PySide6.QtCore import QCoreApplication
from embedviz.gui import background

background.PATIENCE_S = 0.01
app = QCoreApplication([])
jobs = background.Background(app)

def read(progress):
    progress("Reading", 0.0)
    os.read(os.pipe()[0], 1)

def end(*_):
    jobs.stop()
    app.quit()

jobs.progressed.connect(end)
jobs.run(read, print, print)
sys.exit(app.exec())
"""


def test_the_program_ends_though_a_job_does_not() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", DEAD_DRIVE]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
