"""TrainingWorker: the QThread that trains, by owning a trainer process and listening to it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, Signal, Slot

from embedviz.engine import messages as m
from embedviz.engine.client import MOST_WAITING, TrainerClient, TrainerGoneError
from embedviz.engine.record import RunRecord
from embedviz.errors import EmbedvizError


@dataclass(frozen=True)
class TrainerDeath:
    """The trainer process is gone without having been asked to go."""

    exit_code: int | None
    details: str


class TrainingWorker(QThread):
    """Starts a trainer process, passes commands on, sorts what comes back.

    Rare events arrive as `event_received` with a frozen dataclass. What comes often (snapshots, losses,
    readings, checkpoints) goes into the run's RunRecord, which the views look at on their frame timer: one
    signal per snapshot would starve the window. start() may be called again after the trainer died.

    Both signals are emitted on this object's own thread: once a StopRun was sent from there nothing of that
    run arrives but Stopped, and nothing at all once stop() has returned.
    """

    event_received = Signal(object)
    died = Signal(object)  # TrainerDeath
    _arrived = Signal(object, object)  # an event and its run's record, on their way to this object's thread

    def __init__(self, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        """Take the trainer's command line, or None for this program's own."""
        super().__init__(parent)
        self._command = command
        self._lock = threading.Lock()
        self._client: TrainerClient | None = None
        self._early: list[m.Command] = []  # said before the process stood
        self._records: dict[str, RunRecord] = {}
        self._stopping = False
        self._death: TrainerDeath | None = None
        self._arrived.connect(self._pass_on)
        self.finished.connect(self._tell_of_death)  # not before: now start() works

    @property
    def pid(self) -> int | None:
        """The trainer's process id, while there is one."""
        client = self._client
        return client.pid if client else None

    @property
    def last_heard(self) -> float | None:
        """When the trainer last said something, in seconds of time.monotonic()."""
        client = self._client
        return client.last_heard if client else None

    def record(self, run_id: str) -> RunRecord | None:
        """Return what is kept of a run that was started and not stopped."""
        return self._records.get(run_id)

    def send(self, command: m.Command) -> None:
        """Pass `command` on; never waits. What is said too early is said as soon as the process stands.

        Raises TrainerGoneError if too many are waiting.
        """
        if isinstance(command, m.StartRun):
            if command.checkpoint is None or command.run_id not in self._records:
                self._records[command.run_id] = RunRecord()
        elif isinstance(command, m.StopRun):
            self._records.pop(command.run_id, None)
        with self._lock:
            if self._client is None:
                if len(self._early) >= MOST_WAITING:
                    raise TrainerGoneError("There is no trainer to read its commands.")
                self._early.append(command)
                return
            client = self._client
        client.send(command)

    def run(self) -> None:
        """Listen until the trainer is gone (Qt calls this on the new thread)."""
        try:
            client = TrainerClient(self._command)
        except TrainerGoneError as error:
            self._death = TrainerDeath(None, error.details)
            return
        with self._lock:
            self._client = client
            for command in self._early:
                client.send(command)
            self._early.clear()
        problem = ""
        try:
            if not self._stopping:
                for event in client.events():
                    self._sort(event)
        except EmbedvizError as error:
            problem = f"{error.sentence} {error.details}"
        finally:
            with self._lock:
                self._client = None
            client.close()
            self._death = TrainerDeath(client.exit_code, f"{problem}\n{client.stderr_tail}".strip())

    def stop(self) -> None:
        """End the trainer and this thread; returns when both are gone. May be called twice."""
        self._stopping = True
        with self._lock:
            client = self._client
        if client is not None:
            client.close()
        self.wait()
        self._stopping = False
        self._death = None
        QCoreApplication.removePostedEvents(self, QEvent.Type.MetaCall.value)  # what was on its way

    def end_trainer(self) -> None:
        """End the trainer at once, whatever it is doing; `died` follows."""
        client = self._client
        if client is not None:
            client.kill()

    def _sort(self, event: object) -> None:
        run_id = getattr(event, "run_id", None)
        record = self._records.get(run_id) if run_id is not None else None
        if run_id is not None and record is None and not isinstance(event, m.Stopped):
            return  # late, of a run that was stopped
        if record is not None:
            if isinstance(event, m.Started):
                record.start(event.step, event.reading, event.edits)
            elif record.absorb(event):
                return
        self._arrived.emit(event, record)

    @Slot(object, object)
    def _pass_on(self, event: object, record: RunRecord | None) -> None:
        run_id = getattr(event, "run_id", None)
        if run_id is None or isinstance(event, m.Stopped) or self._records.get(run_id) is record:
            self.event_received.emit(event)

    @Slot()
    def _tell_of_death(self) -> None:
        death, self._death = self._death, None
        if death is not None:
            self.died.emit(death)
