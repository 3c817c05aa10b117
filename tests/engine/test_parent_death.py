"""However the window dies, and whatever the trainer is doing: it is gone within a second, with its files."""

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from engine_window import PATIENCE_S

from embedviz.engine.snapshots import folders

SCRIPT = Path(__file__).with_name("parent_of_trainer.py")
TASKS = ["load", "idle", "play", "long step"]
SECONDS_TO_GO = 1.0


class Parent:
    """A process that owns a trainer, and what it prints."""

    def __init__(self, task: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), task], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.heard: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.trainer = psutil.Process(int(self._next()))

    def wait_for(self, event: str) -> None:
        """Wait until the parent hears `event`."""
        while not self.heard or self.heard[-1] != event:
            self.heard.append(self._next())

    def hear_the_rest(self) -> None:
        """Read what was printed before the parent was killed."""
        self._reader.join()
        while (line := self._lines.get_nowait()) is not None:
            self.heard.append(line)

    def end(self) -> None:
        """Kill the parent, and the trainer if it is still there."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        with contextlib.suppress(psutil.NoSuchProcess):
            self.trainer.kill()

    def _next(self) -> str:
        line = self._lines.get(timeout=PATIENCE_S)
        assert line is not None, "the parent ended by itself"
        return line

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.strip())
        self._lines.put(None)


@pytest.fixture
def parent(request: pytest.FixtureRequest) -> Iterator[Parent]:
    parent = Parent(request.param)
    yield parent
    parent.end()


def wait_until_busy(parent: Parent, task: str) -> None:
    """Wait until the trainer is in the midst of `task`."""
    if task == "load":
        wait_while(parent.trainer, lambda: not any("torch" in library for library in libraries(parent.trainer)))
    elif task == "idle":
        parent.wait_for("Snapshot")  # the first is all there is to say while paused
    elif task == "play":
        parent.wait_for("Losses")
    else:
        parent.wait_for("Playing")
        before_s = cpu_s(parent.trainer)
        wait_while(parent.trainer, lambda: cpu_s(parent.trainer) < before_s + 0.3)


def wait_while(process: psutil.Process, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while condition():
        assert time.monotonic() < deadline
        with pytest.raises(psutil.TimeoutExpired):
            process.wait(0.002)


def assert_gone_in_time(process: psutil.Process) -> None:
    """Wait for the end of a process that is nobody's child any more; what nobody reaps has ended, too."""
    orphaned_at = time.monotonic()
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() - orphaned_at < SECONDS_TO_GO, "it outlives its parent"
            psutil.wait_procs([process], timeout=0.01)


def libraries(process: psutil.Process) -> list[str]:
    return [mapped.path for mapped in process.memory_maps()]


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def files_of(pid: int) -> list[Path]:
    return [path for folder in folders() for path in folder.glob(f"embedviz-{pid}-*")]


def kill_and_look(parent: Parent, task: str) -> None:
    parent.process.kill()
    assert_gone_in_time(parent.trainer)
    assert files_of(parent.trainer.pid) == []
    parent.hear_the_rest()
    if task == "load":
        assert parent.heard == []  # it was not ready yet
    elif task == "long step":
        assert parent.heard[-1] == "Playing"  # the step, of which nothing was heard, was not over


@pytest.mark.parametrize(("parent", "task"), [(task, task) for task in TASKS], indirect=["parent"], ids=TASKS)
def test_a_trainer_does_not_outlive_its_parent(parent: Parent, task: str) -> None:
    wait_until_busy(parent, task)
    kill_and_look(parent, task)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_no_trainer_ever_outlives_its_parent(task: str) -> None:
    for _ in range(5):
        parent = Parent(task)
        try:
            wait_until_busy(parent, task)
            kill_and_look(parent, task)
        finally:
            parent.end()


@pytest.mark.slow
def test_a_trainer_ends_whenever_its_parent_does() -> None:
    """From its very first moment on, and into its first steps."""
    for after_s in (0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 2.5):
        parent = Parent("play")
        try:
            with pytest.raises(psutil.TimeoutExpired):
                parent.trainer.wait(after_s)
            parent.process.kill()
            assert_gone_in_time(parent.trainer)
            assert files_of(parent.trainer.pid) == []
        finally:
            parent.end()
