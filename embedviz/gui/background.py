"""Work that takes long, on a thread of its own: the window lives on, and the newest request wins."""

import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from embedviz.errors import EmbedvizError
from embedviz.text.progress import Cancelled, Progress, resting

TELL_EVERY_S = 0.04  # progress is told no oftener: a signal for each piece of work would starve the window
PATIENCE_S = 2.0  # for a job that is to end; one that never does must not keep the window from closing

Job: TypeAlias = Callable[[Progress], object]


@dataclass(eq=False)
class _Task:
    """What the thread knows of a job. Nothing of Qt is in it: the thread may be the last to hold it."""

    job: Job
    is_void: bool = False


@dataclass(frozen=True)
class _Request:
    task: _Task
    done: Callable[[object], None]
    failed: Callable[[EmbedvizError], None]


class Background(QObject):
    """One job at a time on a thread of its own; a newer job, or cancel(), makes the older one's result void.

    A job gets a Progress, which it calls often: that is how it is cancelled. It runs on the other thread, so
    it must not touch, nor hold, anything of Qt. The thread is started by the first job and ended by stop().
    """

    progressed = Signal(str, float)  # what is being done, and the share of it that is done
    busy_changed = Signal(bool)
    _told = Signal(object, str, float)  # a task and its progress, on their way to this object's thread
    _ended = Signal(object, object)  # a task and its result, or its _Failure

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request: _Request | None = None
        self._thread: _Thread | None = None
        self._is_over = False
        self._was_busy = False  # as it was last told
        self._told.connect(self._pass_on)
        self._ended.connect(self._finish)

    @property
    def is_busy(self) -> bool:
        """True while there is a job whose result is wanted."""
        return self._request is not None

    def run(self, job: Job, done: Callable[[object], None], failed: Callable[[EmbedvizError], None]) -> None:
        """Do `job` on the thread, then call `done` with its result or `failed` with its error, on this one.

        A job that was cancelled or overtaken calls neither; what else it raises goes to sys.excepthook.
        After stop() nothing happens.
        """
        if self._is_over:
            return
        self._make_void()
        self._request = _Request(_Task(job), done, failed)
        if self._thread is None:
            self._thread = _Thread(self._told.emit, self._ended.emit)
            app = QCoreApplication.instance()
            if app is not None:
                app.aboutToQuit.connect(self.stop)
            self._thread.start()
        self._thread.tasks.put(self._request.task)
        self._tell_busy()

    @Slot()
    def cancel(self) -> None:
        """Forget the job; it ends when it next tells of its progress."""
        self._make_void()
        self._tell_busy()

    @Slot()
    def stop(self) -> None:
        """Cancel, and end the thread, for good; returns when it is gone. May be called twice.

        A job that tells of no progress, because what it reads from is dead, is left behind after PATIENCE_S.
        """
        self._is_over = True
        self.cancel()
        if self._thread is not None:
            self._thread.tasks.put(None)
            self._thread.join(PATIENCE_S)
            self._thread.let_go()
            self._thread = None  # no circle is left to the garbage collector

    def _make_void(self) -> None:
        if self._request is not None:
            self._request.task.is_void = True
            self._request = None

    def _tell_busy(self) -> None:
        if self.is_busy != self._was_busy:
            self._was_busy = self.is_busy
            self.busy_changed.emit(self.is_busy)

    @Slot(object, str, float)
    def _pass_on(self, task: _Task, doing: str, share: float) -> None:
        if not task.is_void:
            self.progressed.emit(doing, share)

    @Slot(object, object)
    def _finish(self, task: _Task, result: object) -> None:
        request = self._request
        if request is None or request.task is not task:
            return  # late: it was cancelled or overtaken
        self._request = None
        try:
            if not isinstance(result, _Failure):
                request.done(result)
            elif isinstance(result.error, EmbedvizError):
                request.failed(result.error)
            else:
                sys.excepthook(type(result.error), result.error, result.error.__traceback__)
        finally:
            self._tell_busy()  # unless what was done asked for more


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class _Thread(threading.Thread):
    """Does one task after the other until it is given None.

    It is a daemon of Python's and no QThread: a read from a network drive that is gone may never return, and
    nothing can end the thread that waits for it. Qt would abort the program about such a QThread; a daemon
    dies with the process.
    """

    def __init__(
        self, tell: Callable[[_Task, str, float], object], end: Callable[[_Task, object], object]
    ) -> None:
        super().__init__(daemon=True)
        self.tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._tell = tell
        self._end = end

    def run(self) -> None:
        """Python calls this on the new thread."""
        while self._do_next():
            pass

    def let_go(self) -> None:
        """Hold nothing of Qt any more: if it is left behind, it may live longer than that."""
        self._tell = self._end = _nobody

    def _do_next(self) -> bool:
        task = self.tasks.get()
        if task is None:
            return False
        if not task.is_void:
            result = self._do(task)
            if not task.is_void:
                self._end(task, result)
        return True  # task and result die here, and not when the next one comes

    def _do(self, task: _Task) -> object:
        told = 0.0

        def tell(doing: str, share: float) -> None:
            nonlocal told
            if task.is_void:
                raise Cancelled
            now = time.monotonic()
            if now - told >= TELL_EVERY_S:
                told = now
                self._tell(task, doing, share)

        try:
            return task.job(resting(tell))
        except Cancelled:
            task.is_void = True
            return None
        except BaseException as error:  # noqa: BLE001  # a library's panic is no Exception; the hook gets it all
            return _Failure(error)


def _nobody(*_: object) -> None:
    """Take what nobody waits for any more."""
