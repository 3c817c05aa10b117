"""What all tests share: the real home is neither read nor written, and a test that leaves things behind fails."""

import gc
import os
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

PATIENCE_S = 3.0  # for threads and processes that are about to end
FAILED = pytest.StashKey[bool]()
HOME = {
    "HOME": "",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_DIRS": "config-dirs",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give every test a home of its own, with settings of its own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable, folder in HOME.items():
            patch.setenv(variable, str(home / folder))
        if "PySide6.QtCore" in sys.modules:
            from PySide6.QtCore import QSettings  # remembers where the home was when it was first used

            for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
                for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
                    QSettings.setPath(form, scope, str(home / "config"))
        yield home


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaks a thread (QThreads that run Python included), a child process or a window."""
    before = _threads() | _children() | _windows()
    yield
    if request.node.stash.get(FAILED, False):
        return  # its traceback keeps things alive
    left = [what for thing, what in _windows().items() if thing not in before]
    if left:  # or only waiting for the garbage collector
        gc.collect()
        left = [what for thing, what in _windows().items() if thing not in before]
    if busy := _new(before):
        _wait_for_threads(before, time.monotonic() + PATIENCE_S)
        psutil.wait_procs([child for child in _children() if child not in before], timeout=PATIENCE_S)
        busy = _new(before)
    left += busy
    if left:
        pytest.fail("left behind: " + ", ".join(left))


def _new(before: dict[object, str]) -> list[str]:
    return [what for thing, what in (_threads() | _children()).items() if thing not in before]


def _threads() -> dict[object, str]:
    frames = sys._current_frames()
    return {("thread", ident): f"a thread in {frame.f_code.co_qualname}" for ident, frame in frames.items()}


def _wait_for_threads(before: Mapping[object, str], deadline: float) -> None:
    """Wait until the threads that are not in `before` are over, each by its own means."""
    for thread in threading.enumerate():
        is_foreign = isinstance(thread, threading._DummyThread)  # Qt's: Python cannot wait for its end
        if ("thread", thread.ident) not in before and not is_foreign:
            thread.join(max(0.0, deadline - time.monotonic()))
    if "PySide6.QtCore" not in sys.modules:
        return
    from PySide6.QtCore import QThread, QThreadPool
    from shiboken6 import isValid

    # By type(), since isinstance() asks the object, and a proxy of what is gone would raise.
    threads = [thing for thing in gc.get_objects() if issubclass(type(thing), QThread) and isValid(thing)]
    for thread in threads:
        if thread.isRunning() and thread is not QThread.currentThread():
            thread.wait(round(max(0.0, deadline - time.monotonic()) * 1000))
    QThreadPool.globalInstance().waitForDone(round(max(0.0, deadline - time.monotonic()) * 1000))


def _children() -> dict[object, str]:
    children = psutil.Process().children()
    return {child: str(child) for child in children if child.status() != psutil.STATUS_ZOMBIE}


def _windows() -> dict[object, str]:
    """Return the top-level widgets by address, once Qt has deleted what it was told to."""
    if "PySide6.QtWidgets" not in sys.modules:
        return {}
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication
    from shiboken6 import getCppPointer

    if QApplication.instance() is None:
        return {}
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    widgets = [widget for widget in QApplication.topLevelWidgets() if widget.parent() is None]
    return {getCppPointer(widget)[0]: f"{type(widget).__name__} {widget.objectName()!r}" for widget in widgets}
