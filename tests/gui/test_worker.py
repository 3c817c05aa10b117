"""The thread that owns the trainer, with real trainers, and with stand-ins where torch would only take time."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.client import MOST_WAITING, TrainerGoneError
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.worker import TrainerDeath, TrainingWorker
from embedviz.text.dataset import make_dataset

PATIENCE_MS = 20_000
MB = 2**20

SHOWS_EVERY_STEP = """
from embedviz.engine import entry, server, telling
telling.SNAPSHOT_SPACING_S = server.SHORTEST_SLICE_S = 0
telling.SNAPSHOT_SHARE = 1
entry.main()
"""

# Answers at once: Pause with a hundred Paused and then a loss, StopRun with Stopped, Advance by dying.
ANSWERS = """
import os, numpy
from embedviz.engine import messages as m
from embedviz.engine.channel import Channel
channel = Channel(0, 1)
channel.send(m.Ready(os.getpid(), ""))
losses = 0
while (command := channel.receive()) is not None:
    if isinstance(command, m.Pause):
        for step in range(100):
            channel.send(m.Paused(command.run_id, step, "asked"))
        channel.send(m.Losses(command.run_id, losses, numpy.zeros(1)))
        losses += 1
    elif isinstance(command, m.StopRun):
        channel.send(m.Stopped(command.run_id))
    elif isinstance(command, m.Advance):
        os.write(2, b"something broke")
        os._exit(3)
"""

MakeWorker = Callable[..., TrainingWorker]


class Listener(QObject):
    """Keeps what a worker says, and in which threads it is said."""

    def __init__(self, worker: TrainingWorker) -> None:
        super().__init__()
        self.events: list[object] = []
        self.deaths: list[TrainerDeath] = []
        self.threads: set[QThread] = set()
        worker.event_received.connect(self._on_event)
        worker.died.connect(self._on_death)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    @Slot(object)
    def _on_event(self, event: object) -> None:
        self.threads.add(QThread.currentThread())
        self.events.append(event)

    @Slot(object)
    def _on_death(self, death: TrainerDeath) -> None:
        self.threads.add(QThread.currentThread())
        self.deaths.append(death)


@pytest.fixture
def make_worker(qapp: object) -> Iterator[MakeWorker]:
    """Give a function that makes a worker, with code to run in the trainer's place; all are stopped."""
    workers: list[TrainingWorker] = []

    def make(code: str | None = None) -> TrainingWorker:
        workers.append(TrainingWorker([sys.executable, "-c", code] if code else None))
        return workers[-1]

    yield make
    for worker in workers:
        worker.stop()
        worker.deleteLater()


def begin(qtbot: QtBot, worker: TrainingWorker) -> m.Ready:
    """Start the worker; return what its trainer says first."""
    with qtbot.waitSignal(worker.event_received, timeout=PATIENCE_MS) as heard:
        worker.start()
    ready = heard.args[0]
    assert isinstance(ready, m.Ready)
    assert ready.pid == worker.pid
    return ready


def wait_for(qtbot: QtBot, worker: TrainingWorker, kind: type, *commands: m.Command) -> Any:
    """Send `commands`, process events until one of `kind` is heard, and return it."""
    check = lambda event: isinstance(event, kind)  # noqa: E731  # what pytest-qt asks for
    with qtbot.waitSignal(worker.event_received, timeout=PATIENCE_MS, check_params_cb=check) as heard:
        for command in commands:
            worker.send(command)
    return heard.args[0]


def block_until(worker: TrainingWorker, condition: Callable[[], bool]) -> None:
    """Do what a busy window does: nothing, with no event processed, until `condition`."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline
        assert not worker.wait(2)  # the thread goes on


def start_run(run_id: str, **settings: Any) -> tuple[m.LoadDataset, m.StartRun]:
    ids = np.random.default_rng(0).integers(0, 65, 20_000)
    text = make_dataset(ids, 65, 0.1)
    return m.LoadDataset("text", text), m.StartRun(run_id, "text", RunConfig(**settings))


# --- start and stop ---------------------------------------------------------------------------------


def test_start_stop_and_start_again(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker()
    listener = Listener(worker)
    first = psutil.Process(begin(qtbot, worker).pid)
    assert worker.isRunning()
    assert worker.last_heard is not None
    worker.stop()
    assert not worker.isRunning()
    assert not first.is_running()
    assert worker.pid is worker.last_heard is None
    worker.stop()
    second = begin(qtbot, worker).pid
    assert second != first.pid
    started = wait_for(qtbot, worker, m.Started, *start_run("a"))
    assert started.run_id == "a"
    worker.stop()
    assert not psutil.pid_exists(second)
    assert listener.kinds() == ["Ready", "Ready", "Started"]
    assert listener.deaths == []
    assert listener.threads == {worker.thread()}


def test_stopping_what_never_started(make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    worker.stop()
    assert not worker.isRunning()


def test_stopping_at_once(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    listener = Listener(worker)
    for _ in range(5):
        worker.start()
        worker.stop()
        assert not worker.isRunning()
    begin(qtbot, worker)
    worker.stop()
    assert listener.deaths == []


def test_what_is_said_too_early_is_said_when_the_trainer_stands(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    worker.send(m.StartRun("a", "text", RunConfig()))
    worker.send(m.StopRun("a"))
    with qtbot.waitSignal(
        worker.event_received, timeout=PATIENCE_MS, check_params_cb=lambda event: event == m.Stopped("a")
    ):
        worker.start()


def test_what_is_said_too_early_is_bounded(make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    for _ in range(MOST_WAITING):
        worker.send(m.Pause("a"))
    with pytest.raises(TrainerGoneError):
        worker.send(m.Pause("a"))


# --- death ------------------------------------------------------------------------------------------


def test_a_killed_trainer_is_noticed_within_a_second(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker()
    listener = Listener(worker)
    trainer = psutil.Process(begin(qtbot, worker).pid)
    wait_for(qtbot, worker, m.Playing, *start_run("a"), m.Play("a"))
    record = worker.record("a")
    assert record is not None
    qtbot.waitUntil(lambda: record.checkpoint is not None, timeout=PATIENCE_MS)
    with qtbot.waitSignal(worker.died, timeout=5000):
        trainer.kill()
        killed_at = time.monotonic()
    assert time.monotonic() - killed_at < 1.5
    assert [death.exit_code for death in listener.deaths] == [-signal.SIGKILL]
    assert not worker.isRunning()
    assert worker.pid is None
    assert worker.record("a") is record  # what is needed to go on
    assert listener.threads == {worker.thread()}

    begin(qtbot, worker)
    checkpoint = record.checkpoint
    assert checkpoint is not None
    load, start = start_run("a")
    started = wait_for(qtbot, worker, m.Started, load, m.StartRun("a", "text", start.config, checkpoint))
    assert started.step == checkpoint.step
    assert worker.record("a") is record
    paused = wait_for(qtbot, worker, m.Paused, m.Advance("a", 10))
    assert paused.step == checkpoint.step + 10
    assert record.losses.last_step == paused.step - 1


def test_a_trainer_that_is_ended_on_purpose(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    worker.end_trainer()  # there is none
    begin(qtbot, worker)
    with qtbot.waitSignal(worker.died, timeout=PATIENCE_MS) as heard:
        worker.end_trainer()
    assert heard.args[0].exit_code == -signal.SIGKILL


def test_the_last_words_are_told(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    begin(qtbot, worker)
    with qtbot.waitSignal(worker.died, timeout=PATIENCE_MS) as heard:
        worker.send(m.Advance("a"))
    assert heard.args[0] == TrainerDeath(3, "something broke")


def test_a_trainer_that_talks_nonsense_is_ended(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker("import os; os.write(1, b'x' * 100); os.read(0, 1); os._exit(0)")
    with qtbot.waitSignal(worker.died, timeout=PATIENCE_MS) as heard:
        worker.start()
    assert heard.args[0].details.startswith("The trainer and the window misunderstood each other.")
    assert not worker.isRunning()


def test_a_trainer_that_cannot_be_started(qtbot: QtBot) -> None:
    worker = TrainingWorker(["/no/such/program"])
    with qtbot.waitSignal(worker.died, timeout=PATIENCE_MS) as heard:
        worker.start()
    assert heard.args[0].exit_code is None
    assert "/no/such/program" in heard.args[0].details
    worker.stop()


def test_starting_again_as_soon_as_it_died(qtbot: QtBot, make_worker: MakeWorker) -> None:
    """QThread.start() does nothing while run() has not returned: `died` must not come before."""
    worker = make_worker("raise SystemExit(5)")
    listener = Listener(worker)
    again = worker.died.connect(lambda _death: worker.start())
    worker.start()
    qtbot.waitUntil(lambda: len(listener.deaths) >= 10, timeout=PATIENCE_MS)
    worker.disconnect(again)
    worker.stop()
    assert {death.exit_code for death in listener.deaths} == {5}


def test_a_mistake_of_our_own_ends_the_trainer_and_is_not_swallowed(
    qtbot: QtBot, make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make_worker(ANSWERS)
    monkeypatch.setattr(worker, "_sort", lambda _event: 1 / 0)
    with qtbot.captureExceptions() as exceptions, qtbot.waitSignal(worker.died, timeout=PATIENCE_MS):
        worker.start()
    assert [kind for kind, *_ in exceptions] == [ZeroDivisionError]
    assert worker.pid is None


# --- events -----------------------------------------------------------------------------------------


def test_nothing_of_a_stopped_run_arrives(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    listener = Listener(worker)
    begin(qtbot, worker)
    worker.send(m.StartRun("a", "text", RunConfig()))
    worker.send(m.StartRun("b", "text", RunConfig()))
    record = worker.record("a")
    assert record is not None
    worker.send(m.Pause("a"))
    block_until(worker, lambda: record.losses.count == 1)  # a hundred events are on their way by now
    worker.send(m.StopRun("a"))
    worker.send(m.Pause("a"))  # a hundred more, said by a trainer that has not heard of the stop
    wait_for(qtbot, worker, m.Paused, m.Pause("b"))
    assert worker.record("a") is None
    assert [event for event in listener.events if getattr(event, "run_id", None) == "a"] == [m.Stopped("a")]


def test_nothing_of_a_run_reaches_its_successor(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    listener = Listener(worker)
    begin(qtbot, worker)
    worker.send(m.StartRun("a", "text", RunConfig()))
    record = worker.record("a")
    assert record is not None
    worker.send(m.Pause("a"))
    block_until(worker, lambda: record.losses.count == 1)
    worker.send(m.StartRun("a", "text", RunConfig()))
    assert worker.record("a") is not record
    wait_for(qtbot, worker, m.Stopped, m.StopRun("b"))
    assert listener.kinds() == ["Ready", "Stopped"]


def test_nothing_arrives_after_stopping(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    listener = Listener(worker)
    begin(qtbot, worker)
    worker.send(m.StartRun("a", "text", RunConfig()))
    record = worker.record("a")
    assert record is not None
    worker.send(m.Pause("a"))
    block_until(worker, lambda: record.losses.count == 1)
    worker.stop()
    begin(qtbot, worker)
    assert listener.kinds() == ["Ready", "Ready"]


def test_a_death_that_was_not_told_yet_is_not_told_after_stopping(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(ANSWERS)
    listener = Listener(worker)
    begin(qtbot, worker)
    worker.send(m.Advance("a"))
    assert worker.wait(PATIENCE_MS)
    worker.stop()
    begin(qtbot, worker)
    assert listener.deaths == []


def test_a_thousand_snapshots_while_the_window_is_busy(qtbot: QtBot, make_worker: MakeWorker) -> None:
    worker = make_worker(SHOWS_EVERY_STEP)
    listener = Listener(worker)
    begin(qtbot, worker)
    wait_for(qtbot, worker, m.Started, *start_run("a"))
    record = worker.record("a")
    assert record is not None
    wait_for(qtbot, worker, m.Playing, m.Play("a"))
    block_until(worker, lambda: record.snapshots_seen >= 100)
    heard, seen = len(listener.events), record.snapshots_seen
    before_bytes = psutil.Process().memory_info().rss

    block_until(worker, lambda: record.snapshots_seen >= seen + 1000)
    grown_bytes = psutil.Process().memory_info().rss - before_bytes
    newest = record.take_snapshot()
    assert isinstance(newest, Snapshot)
    assert newest.step >= seen + 1000
    worker.send(m.Pause("a"))
    paused = wait_for(qtbot, worker, m.Paused)
    last: list[Snapshot] = []

    def shows_the_end() -> bool:
        snapshot = record.take_snapshot()
        last.extend([snapshot] if snapshot else [])
        return bool(last) and last[-1].step == paused.step

    qtbot.waitUntil(shows_the_end, timeout=PATIENCE_MS)
    assert record.take_snapshot() is None  # there was one place, and it is empty
    assert [type(event) for event in listener.events[heard:]] == [m.Paused]
    assert record.losses.count == paused.step  # none was lost with the snapshots that were
    assert record.losses.last_step == paused.step - 1
    assert record.readings()[-1].step == paused.step
    assert record.checkpoint is not None
    assert record.checkpoint.step == paused.step
    assert grown_bytes < 10 * MB  # a thousand tables are 17 MB
