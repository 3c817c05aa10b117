"""The real packaged app, what a desktop starts it with, and its processes, watched from outside."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from build_tools import ROOT

BUILT = ROOT / "dist" / "embedviz"
WINDOW, TRAINER = "embedviz", "embedviz-trainer"
PATIENCE_S = 60.0  # what is waited for takes a second or two where nothing else has the cores
LOOK_S = 0.005
NOBODY = 65534


def make(target: str) -> None:
    """Run `make` on a target; what it says is shown if it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    ended = subprocess.run(
        ["make", target], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def is_built() -> bool:
    """Tell whether the app is there, and newer than all that it is made of."""
    made = BUILT / "VERSION.txt"
    sources = [ROOT / "build_app.spec", ROOT / "pyproject.toml"]
    for folder in ("embedviz", "resources"):
        sources += [path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    files = (path for path in sources if path.is_file())
    return made.exists() and all(path.stat().st_mtime <= made.stat().st_mtime for path in files)


def archive() -> Path | None:
    """Return the archive of the app as it is built now, if there is one."""
    made = (BUILT / "VERSION.txt").stat().st_mtime
    found = [path for path in BUILT.parent.glob("embedviz-*.tar.gz") if path.stat().st_mtime > made]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def desktop(home: Path, **more: str) -> dict[str, str]:
    """Return what a desktop gives to a program, and no more: there is no Python, nor anything else, on PATH."""
    given = {"HOME": str(home), "USER": "pupil", "LOGNAME": "pupil", "PATH": str(home / "no programs")}
    return given | {"LANG": "C.UTF-8", "XDG_CACHE_HOME": str(home.with_name("cache"))} | more


def processes(folder: Path) -> dict[int, str]:
    """Return the running programs of `folder`: their names, by process."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it is gone, or was a number that is not a process
            program = (entry / "exe").readlink() if entry.name.isdigit() else Path()
            if program.parent == folder:
                found[int(entry.name)] = program.name
    return found


def mapped(process: psutil.Process) -> str:
    """Return the names of all files that a process has in its memory; nothing if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/maps").read_text()
    return ""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again, since other processes tell nobody. Fails if `what` does not come."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        pause.wait(LOOK_S)


class Copy:
    """One copy of the app that runs in a folder: a window and, once that is painted, a trainer."""

    def __init__(self, folder: Path, window: psutil.Process) -> None:
        self.folder = folder
        self.window = window
        self.most = 0
        """The most processes of the folder at once, of all looks while something was waited for."""

    def wait_for_trainer(self) -> psutil.Process:
        """Return the trainer once there is a run in the window, which reads what was computed: both work."""
        found: list[psutil.Process] = []

        def works() -> bool:
            assert self.window.is_running(), "the window is gone"
            assert self.window.status() != psutil.STATUS_ZOMBIE, "the window is gone"
            self.most = max(self.most, len(processes(self.folder)))
            found[:] = self.window.children()
            return bool(found) and f"/embedviz-{found[0].pid}-" in mapped(self.window)

        wait_until(works, "a run in the window")
        (trainer,) = found
        return trainer

    def end(self, how: signal.Signals) -> int | None:
        """Send the window a signal, wait until it and its children are gone; return its exit code, if told."""
        return end([self], how)[0]


def end(copies: Sequence[Copy], how: signal.Signals) -> list[int | None]:
    """Send all windows a signal at once, as Copy.end does to one."""
    everyone = [process for copy in copies for process in (copy.window, *copy.window.children())]
    for copy in copies:
        copy.window.send_signal(how)
    gone, left = psutil.wait_procs(everyone, timeout=PATIENCE_S)
    assert not left
    codes = {process.pid: process.returncode for process in gone}
    return [codes[copy.window.pid] for copy in copies]


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """End whatever of `folder` still runs after the block: nobody else knows that folder."""
    try:
        yield
    finally:
        left = [psutil.Process(pid) for pid in processes(folder)]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=PATIENCE_S)


def start(folder: Path, *command: str | Path, **how: object) -> Copy:
    """Start a copy by `command`, by default by its window program; Copy.end or in_use ends it."""
    words = [str(word) for word in command] or [str(folder / WINDOW)]
    return Copy(folder, psutil.Popen(words, **how))


@contextmanager
def x_display() -> Iterator[str]:
    """Give the name of a display that nobody sees."""
    program = shutil.which("Xvfb")
    assert program, "Xvfb is missing: on Debian or Ubuntu, 'apt-get install xvfb' as root."
    read, write = os.pipe()
    words = [program, "-displayfd", str(write), "-screen", "0", "1366x768x24", "-nolisten", "tcp"]
    with subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL) as server, os.fdopen(read) as told:
        os.close(write)
        try:
            yield f":{told.readline().strip()}"
        finally:
            server.terminate()


def another_user() -> dict[str, object]:
    """Return what has Popen start a program as nobody, if that is allowed; else it is somebody without rights."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
