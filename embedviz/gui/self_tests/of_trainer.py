"""Checks of the trainer's process: it starts, it is replaced when it is killed, and it ends with the window."""

import contextlib
import os
import signal
import sys

from PySide6.QtWidgets import QPushButton

from embedviz.gui.driving import wait_until
from embedviz.gui.self_tests.of_runs import FEW, small
from embedviz.gui.self_tests.painted import painted
from embedviz.gui.self_tests.trial import PATIENCE_S, START_PATIENCE_S, Check, CheckError, Trial
from embedviz.gui.state import Phase

KILLED_AT = 20  # steps


def first_checks() -> list[Check]:
    """Return what comes before all that needs a trainer."""
    return [Check("trainer starts", _see_start, needs_trainer=False)]


def last_checks() -> list[Check]:
    """Return what comes at the end; after it there is no window any more."""
    return [Check("trainer replaced", _replace), Check("end", _end, needs_trainer=False)]


def _see_start(trial: Trial) -> None:
    """See the trainer of the first window ready, and its first run at step 0, on the device that it chose."""
    state = trial.state
    trial.wait("the trainer", lambda: state.run.phase is Phase.PAUSED and trial.shown(0), START_PATIENCE_S)
    pid = trial.worker.pid
    if pid is None or pid == os.getpid():
        raise CheckError("The trainer is no process of its own.")
    trial.pids.add(pid)
    trial.device = state.run.config.device
    if not trial.controller.torch_version:
        raise CheckError("The trainer did not say which torch it has.")
    trial.note(pid=pid, devices=len(trial.controller.devices), threads=state.run.config.threads)


def _replace(trial: Trial) -> None:
    """Kill the trainer, and go on from its last checkpoint with another one, as the window offers it."""
    state = trial.state
    trial.start(small("mlp"))
    trial.take(KILLED_AT)
    trial.wait("the checkpoint", lambda: _kept(trial) == KILLED_AT)
    old = trial.worker.pid
    assert old is not None
    trial.expects_death = True
    os.kill(old, getattr(signal, "SIGKILL", signal.SIGTERM))  # which ends it at once on Windows, too
    trial.wait("the trainer's end", lambda: state.run.phase is Phase.LOST)
    painted("The window without a trainer", trial.window)
    bar = trial.window.notice_bar
    button = bar.findChild(QPushButton, "noticeAction")
    if "ended unexpectedly" not in bar.sentence or button is None or not button.isVisible():
        raise CheckError(f"The window does not offer to go on: it says ‘{bar.sentence}’.")
    button.click()
    trial.wait(
        "another trainer", lambda: state.run.phase is Phase.PAUSED and trial.shown(KILLED_AT), START_PATIENCE_S
    )
    trial.expects_death = False
    new = trial.worker.pid
    if new is None or new == old:
        raise CheckError("There is no other trainer.")
    trial.pids.add(new)
    trial.note(killed=old, pid=new, loss=trial.take(FEW), step=state.run.step)


def _kept(trial: Trial) -> int | None:
    record = trial.state.record
    return record.checkpoint.step if record is not None and record.checkpoint is not None else None


def _end(trial: Trial) -> None:
    """Close the window, and see that no trainer is left of all there were."""
    trial.window.close()
    if not wait_until(lambda: not any(map(is_running, trial.pids)), PATIENCE_S):
        raise CheckError(
            f"A trainer is still there: {', '.join(str(pid) for pid in trial.pids if is_running(pid))}."
        )
    trial.note(trainers=len(trial.pids), unasked_ends=trial.deaths)


def is_running(pid: int) -> bool:
    """Tell whether there is a process of this id."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
        if not handle:
            return False
        ended = kernel.WaitForSingleObject(handle, 0) == 0
        kernel.CloseHandle(handle)
        return not ended
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody has it, or somebody else
        os.kill(pid, 0)
        return True
    return False
