"""How long the packaged app takes from the double-click to its first picture, beside others in the same run."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.displays import x_server
from tests.benchmarks.harness import REPOSITORY, Figure, median, with_bytecode

PROGRAM = REPOSITORY / "dist" / "embedviz" / "embedviz"
STARTS = {
    "packaged": [str(PROGRAM)],
    "from source": [sys.executable, "-m", "embedviz"],
    "bare window": [sys.executable, "-m", "tests.benchmarks.bare_window"],
}
ROUNDS = 7
LOOK_S = 0.002


def app_start(folder: Path) -> Iterator[Figure]:
    """Start to first painted window: packaged, from source, and a bare window, by turns; warm."""
    if sys.platform != "linux" or not PROGRAM.exists():
        print("dist/embedviz is not here: 'make app' makes it; its start is left out", file=sys.stderr)
        return
    with x_server() as display:
        screens = {"offscreen": {"QT_QPA_PLATFORM": "offscreen"}}
        if display is not None:
            screens["Xvfb"] = {"QT_QPA_PLATFORM": "xcb", "DISPLAY": display}
        for screen, variables in screens.items():
            homes = {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data")}
            environment = with_bytecode(folder) | homes | variables
            rounds = [
                {name: _seconds(command, environment) for name, command in STARTS.items()}
                for _ in range(ROUNDS + 1)
            ][1:]
            for name in STARTS:
                target = "<= 0.8" if name == "packaged" else ""
                yield Figure(f"start, {screen}: {name}", median([times[name] for times in rounds]), "s", target)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds to the first painted window; the process is over then.

    Of embedviz they go on until its trainer is there: some ms more, and the packaged app needs no way to tell.
    """
    begin = time.perf_counter()
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        if command is STARTS["bare window"]:
            process.stdout.readline()
            return time.perf_counter() - begin
        while not _has_child(process.pid):
            if process.poll() is not None:
                raise RuntimeError(f"'{command[0]}' ended with {process.returncode}")
            time.sleep(LOOK_S)
        seconds = time.perf_counter() - begin
        while process.poll() is None:  # until the trainer is gone too: neither is in the way of the next
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
        return seconds


def _has_child(pid: int) -> bool:
    return any(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
