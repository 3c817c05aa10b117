"""The window's end: starts a trainer process, talks to it, and buries it."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from embedviz.engine import messages as m
from embedviz.engine.channel import Channel
from embedviz.engine.snapshots import Snapshot, SnapshotFile, remove_stale
from embedviz.errors import EmbedvizError
from embedviz.files import is_packaged, trainer_program

MOST_WAITING = 1024  # commands that the trainer has not read yet
STDERR_LINES = 40
GRACE_S = 1.0  # between asking the trainer to go and ending it

ClientEvent: TypeAlias = (
    Snapshot
    | m.Ready
    | m.Started
    | m.Losses
    | m.Measured
    | m.CheckpointTaken
    | m.Playing
    | m.Paused
    | m.Rewound
    | m.Traced
    | m.Edited
    | m.Moved
    | m.Predicted
    | m.Stopped
    | m.Failed
)


class TrainerGoneError(EmbedvizError):
    """There is no trainer process to talk to."""


def trainer_command() -> list[str]:
    """Return the command line that starts a trainer: this program again, from source or packaged."""
    if is_packaged():
        return [str(trainer_program()), "--trainer"]
    return [sys.executable, "-m", "embedviz", "--trainer"]


class TrainerClient:
    """One trainer process. send() from any thread; events() on one."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        """Start the process. Raises TrainerGoneError if the system cannot."""
        remove_stale()
        self._files: dict[str, SnapshotFile] = {}
        self._outbox: queue.Queue[m.Command | None] = queue.Queue(MOST_WAITING)
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        try:
            self._process = subprocess.Popen(
                list(command or trainer_command()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=trainer_program().parent if is_packaged() else None,  # torch looks around where it is
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise TrainerGoneError("The trainer could not be started.", str(error)) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._channel = Channel(os.dup(self._process.stdout.fileno()), os.dup(self._process.stdin.fileno()))
        self._process.stdout.close()
        self._process.stdin.close()
        self._threads = [
            threading.Thread(target=self._write, name="to the trainer", daemon=True),
            threading.Thread(target=self._drain_stderr, name="trainer's stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._deciding = threading.Lock()
        self._reading = self._closed = False
        self.last_heard = time.monotonic()

    @property
    def pid(self) -> int:
        """The trainer's process id."""
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """The last lines that the trainer printed."""
        return "".join(self._stderr)

    @property
    def exit_code(self) -> int | None:
        """What the trainer ended with (negative: the signal); None while it lives."""
        return self._process.poll()

    def send(self, command: m.Command) -> None:
        """Queue `command`; never waits. Raises TrainerGoneError if too many are waiting."""
        try:
            self._outbox.put_nowait(command)
        except queue.Full as error:
            raise TrainerGoneError("The trainer does not read its commands any more.") from error

    def events(self) -> Iterator[ClientEvent]:
        """Yield what the trainer says until it is gone; snapshots are copied out as soon as they are there."""
        with self._deciding:
            if self._closed:
                return
            self._reading = True
        try:
            while (event := self._channel.receive()) is not None:
                self.last_heard = time.monotonic()
                if isinstance(event, m.SnapshotWritten):
                    if event.losses is not None:
                        yield event.losses
                    yield self._take(event)
                    continue
                if isinstance(event, m.Started):
                    self._forget(event.run_id)
                    path = Path(event.snapshot_path)
                    self._files[event.run_id] = SnapshotFile.open(path, event.snapshot_bytes)
                elif isinstance(event, m.Stopped):
                    self._forget(event.run_id)
                yield event  # type: ignore[misc]  # commands never come back
        finally:
            self._release()

    def close(self) -> None:
        """End the trainer: ask, wait a moment, end it. Nothing of it stays behind."""
        with self._deciding:
            self._closed = True
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait(None)
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        with contextlib.suppress(queue.Full):  # it may have been full before, and may be empty by now
            self._outbox.put_nowait(None)
        for thread in self._threads:
            thread.join()
        if not self._reading:  # else events() sees the end of file and does it
            self._release()
        remove_stale()  # what a trainer that was killed could not

    def kill(self) -> None:
        """End the trainer at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def _take(self, event: m.SnapshotWritten) -> Snapshot:
        file = self._files[event.run_id]
        arrays = file.read(event.layout)
        file.free()
        return snapshot_of(event, arrays)

    def _release(self) -> None:
        self._channel.close()
        for run_id in list(self._files):
            self._forget(run_id)

    def _forget(self, run_id: str) -> None:
        file = self._files.pop(run_id, None)
        if file is not None:
            file.close()

    def _write(self) -> None:
        try:
            while (command := self._outbox.get()) is not None:
                self._channel.send(command)
        except OSError:
            pass  # the trainer is gone; events() ends and says so
        self._channel.close_writing()

    def _drain_stderr(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._stderr.append(line.decode(errors="replace"))


def snapshot_of(event: m.SnapshotWritten, arrays: dict[str, m.Array]) -> Snapshot:
    """Return the snapshot whose `arrays` were read from the file."""
    return Snapshot(
        event.run_id,
        event.step,
        event.steps_per_second,
        event.reading,
        _named(arrays, "table "),
        _named(arrays, "gradient "),
        arrays["contexts"],
        arrays["logits"],
        _named(arrays, "activations of "),
        _named(arrays, "layer "),
        _named(arrays, "attention "),
        event.attention_layer,
    )


def _named(arrays: dict[str, m.Array], prefix: str) -> dict[str, m.Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
