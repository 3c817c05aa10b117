"""The window's part, played by the tests: what a trainer says, in order, and what follows from it."""

import contextlib
import os
import queue
import threading
import time
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.channel import Channel
from embedviz.engine.client import TrainerClient, snapshot_of
from embedviz.engine.entry import Inbox
from embedviz.engine.server import Server
from embedviz.engine.snapshots import Snapshot, SnapshotFile
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training.session import TrainingSession

PATIENCE_S = 30.0  # for what should take moments: only a failing test waits so long

Kind = TypeVar("Kind")
Floats = NDArray[np.float64]


def toy_dataset(vocab_size: int = 12, tokens: int = 3000, seed: int = 5) -> Dataset:
    """Return a text in which some tokens are likelier than others after any other."""
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.geometric(0.25, tokens) - 1, vocab_size - 1)
    ids[1::3] = (ids[::3][: len(ids[1::3])] + 1) % vocab_size
    return make_dataset(ids, vocab_size, val_fraction=0.1)


def straight_run(config: RunConfig, dataset: Dataset, steps: int) -> tuple[Floats, dict[str, NDArray[np.float32]]]:
    """Return losses (steps,) and tables of a run that nobody ever interrupted, looked at or rewound."""
    session = TrainingSession(config, dataset)
    losses = np.array([next(session).loss for _ in range(steps)])
    return losses, session.tables()


def assert_same_tables(found: object, expected: dict[str, NDArray[np.float32]]) -> None:
    """Compare bit by bit."""
    assert isinstance(found, Snapshot)
    assert found.tables.keys() == expected.keys()
    for name, table in expected.items():
        assert found.tables[name].tobytes() == table.tobytes()


class Conversation:
    """Keeps what was heard, in order; wait_for() listens on until the next of a kind."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self._arriving: queue.Queue[object] = queue.Queue()  # None: the other side is gone

    def send(self, *commands: m.Command) -> None:
        """Say something."""
        raise NotImplementedError

    def wait_for(self, kind: type[Kind], run_id: str | None = None) -> Kind:
        """Listen until an event of `kind` (of this run) arrives."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            event = self._listen(deadline, f"{kind.__name__} of {run_id or 'any run'}")
            if isinstance(event, kind) and run_id in (None, getattr(event, "run_id", None)):
                return event

    def wait_for_snapshot(self, run_id: str, step: int) -> Snapshot:
        """Listen until the snapshot of this step arrives."""
        deadline = time.monotonic() + PATIENCE_S
        while (snapshot := self.wait_for(Snapshot, run_id)).step != step:
            assert time.monotonic() < deadline, f"no snapshot of step {step}, but of {snapshot.step}"
        return snapshot

    def snapshot_of(self, run_id: str, step: int) -> Snapshot:
        """Return the snapshot of this step, heard already or not."""
        for snapshot in self.of(Snapshot, run_id):
            if snapshot.step == step:
                return snapshot
        return self.wait_for_snapshot(run_id, step)

    def catch_up(self, run_id: str) -> None:
        """Listen until everything sent so far has been carried out, and answered."""
        request = len(self.heard)
        self.send(m.Predict(run_id, request, np.zeros(1, np.int64)))
        while self.wait_for(m.Predicted, run_id).request != request:
            pass

    def of(self, kind: type[Kind], run_id: str | None = None) -> list[Kind]:
        """Return what was heard of `kind` (of this run)."""
        return [
            event
            for event in self.heard
            if isinstance(event, kind) and run_id in (None, getattr(event, "run_id", None))
        ]

    def start(
        self,
        run_id: str,
        dataset: Dataset,
        config: RunConfig,
        checkpoint: Checkpoint | None = None,
    ) -> m.Started:
        """Load the text, start a run on it, wait until it stands."""
        self.send(
            m.LoadDataset(f"text of {run_id}", dataset),
            m.StartRun(run_id, f"text of {run_id}", config, checkpoint),
        )
        return self.wait_for(m.Started, run_id)

    def losses(self, run_id: str) -> Floats:
        """Return the losses of a run, joined; fails if one was left out or said twice."""
        first: int | None = None
        joined: list[float] = []
        for event in self.heard:
            if getattr(event, "run_id", None) != run_id:
                continue
            if isinstance(event, m.Started):
                first, joined = event.step, []
            elif isinstance(event, m.Rewound):
                assert first is not None
                assert event.step <= first + len(joined)
                first, joined = min(first, event.step), joined[: max(event.step - first, 0)]
            elif isinstance(event, m.Losses):
                assert first is not None
                assert event.first_step == first + len(joined)
                joined += event.losses.tolist()
        return np.array(joined)

    def _listen(self, deadline: float, what: str) -> object:
        try:
            event = self._arriving.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise AssertionError(f"no {what} in time; last heard: {self._last_words()}") from None
        assert event is not None, f"the trainer is gone, no {what}; last heard: {self._last_words()}"
        event = self._attend_to(event)
        self.heard.append(event)
        return event

    def _attend_to(self, event: object) -> object:
        return event

    def _last_words(self) -> list[str]:
        return [f"{type(event).__name__} of {getattr(event, 'run_id', None)}" for event in self.heard[-8:]]


class Window(Conversation):
    """Talks to a Server on a thread of this process; keeps snapshots back, credit and all, if told to."""

    def __init__(self) -> None:
        super().__init__()
        down, up = os.pipe(), os.pipe()
        self.channel = Channel(up[0], down[1])
        self.opens_files = self.takes_snapshots = True
        self.gone = threading.Event()
        self._far_channel = Channel(down[0], up[1])
        self.inbox = Inbox(self._far_channel, on_gone=self._when_gone)
        self._files: dict[str, SnapshotFile] = {}
        self._serving: threading.Thread | None = None
        self._hearing = threading.Thread(target=self._hear)
        self._hearing.start()

    def serve(self) -> None:
        """Let the server begin."""
        self._serving = threading.Thread(target=lambda: Server(self.inbox).serve())
        self._serving.start()
        self.wait_for(m.Ready)

    def send(self, *commands: m.Command) -> None:
        for command in commands:
            self.channel.send(command)

    def leave(self) -> None:
        """Be gone, and wait until the server has noticed."""
        self.channel.close_writing()
        assert self.gone.wait(PATIENCE_S)
        if self._serving is not None:
            self._serving.join()
        self._far_channel.close()
        self._hearing.join()
        self.channel.close()
        for file in self._files.values():
            file.close()

    def take(self, run_id: str) -> None:
        """Let the next snapshot of the run be written."""
        self._files[run_id].free()

    def _when_gone(self) -> None:
        self.gone.set()
        with contextlib.suppress(queue.Full):  # wakes a server that waits for a command
            self.inbox.commands.put_nowait(m.Pause("nobody"))

    def _hear(self) -> None:
        while (event := self.channel.receive()) is not None:
            if isinstance(event, m.SnapshotWritten) and event.losses is not None:
                self._arriving.put(event.losses)  # as the client does
            self._arriving.put(event)
        self._arriving.put(None)

    def _attend_to(self, event: object) -> object:
        if not self.opens_files:
            return event
        if isinstance(event, m.Started):
            if event.run_id in self._files:
                self._files.pop(event.run_id).close()
            self._files[event.run_id] = SnapshotFile.open(Path(event.snapshot_path), event.snapshot_bytes)
        if isinstance(event, m.Stopped) and event.run_id in self._files:
            self._files.pop(event.run_id).close()
        if not isinstance(event, m.SnapshotWritten):
            return event
        arrays = self._files[event.run_id].read(event.layout)
        if self.takes_snapshots:
            self.take(event.run_id)
        return snapshot_of(event, arrays)


class Line(Conversation):
    """Talks to a trainer process; `ended` is set, at `ended_at`, when its events end."""

    def __init__(self, client: TrainerClient) -> None:
        super().__init__()
        self.client = client
        self.ended = threading.Event()
        self.ended_at = 0.0
        self.problem: BaseException | None = None
        self._hearing = threading.Thread(target=self._hear)
        self._hearing.start()

    def send(self, *commands: m.Command) -> None:
        for command in commands:
            self.client.send(command)

    def hang_up(self) -> None:
        """Close the client."""
        self.client.close()
        self._hearing.join()

    def _hear(self) -> None:
        try:
            for event in self.client.events():
                self._arriving.put(event)
        except Exception as error:  # noqa: BLE001  # the test that waits for something shows it
            self.problem = error
        self.ended_at = time.monotonic()
        self.ended.set()
        self._arriving.put(None)
