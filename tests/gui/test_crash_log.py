"""What a process writes that crashes, and what the next one makes of it: real processes that really crash."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths

from embedviz.errors import EmbedvizError
from embedviz.gui import crash_log, crash_reports
from embedviz.gui.crash_log import LIMIT, WENT_ON, CrashLog, crash_folder
from embedviz.gui.crash_reports import SAFE_MODE

BEGIN = "import sys, os, signal, ctypes; from embedviz.gui import crash_log; log = crash_log.begin();"
CRASH = "ctypes.string_at(0)"
WAIT = "print('there', flush=True); sys.stdin.read();"
HERE = Path(__file__).parent


@pytest.fixture
def folder() -> Path:
    found = crash_folder()
    assert found is not None
    return found


def python(script: str, *, begin: str = BEGIN) -> subprocess.CompletedProcess[str]:
    """Run `script` in a process with a crash log."""
    return subprocess.run(
        [sys.executable, "-c", begin + script], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def living() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Give a function that starts a process with a crash log and returns when it has one; it waits for stdin."""
    processes: list[subprocess.Popen[str]] = []

    def start(then: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", BEGIN + WAIT + then]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


# --- how a process ends -----------------------------------------------------------------------------


def test_a_hard_crash_is_offered_with_the_place_where_it_happened(folder: Path) -> None:
    assert python(CRASH).returncode == -signal.SIGSEGV
    (report,) = crash_reports.find(folder)
    assert report.has_ended
    assert "Fatal Python error: Segmentation fault" in report.text
    assert "string_at" in report.text
    assert re.search(r"^Python \d", report.text, re.MULTILINE)
    assert "Current thread" in report.text


def test_qt_s_last_words_are_in_it(folder: Path) -> None:
    begin = BEGIN + "os.environ['QT_QPA_PLATFORM'] = 'nonsense'; log.listen_to_qt();"
    ended = python("from PySide6.QtGui import QGuiApplication; QGuiApplication([])", begin=begin)
    assert ended.returncode == -signal.SIGABRT
    assert "no Qt platform plugin could be initialized" in ended.stderr  # as ever
    (report,) = crash_reports.find(folder)
    assert report.has_ended
    assert f"{crash_log.QT_ENDED}\nThis application failed to start because no Qt platform" in report.text
    assert "Fatal Python error: Aborted" in report.text


def test_what_else_qt_says_goes_to_stderr_and_is_no_report(folder: Path) -> None:
    ended = python("log.listen_to_qt(); from PySide6.QtCore import qWarning; qWarning('a screen is odd')")
    assert "a screen is odd" in ended.stderr
    assert crash_reports.find(folder) == []


def test_an_exception_while_importing_ends_it(folder: Path) -> None:
    ended = python("\nwith log:\n    import nothing.of.this.name")
    assert ended.returncode == 1
    assert "ModuleNotFoundError" in ended.stderr
    (report,) = crash_reports.find(folder)
    assert report.has_ended
    assert "ModuleNotFoundError" in report.text


def test_an_error_after_which_it_went_on_is_no_crash(folder: Path) -> None:
    with CrashLog(folder) as log:
        log.add(WENT_ON, "ValueError: odd")
    (report,) = crash_reports.find(folder)
    assert not report.has_ended
    assert "ValueError: odd" in report.text


def test_an_error_before_a_crash_is_a_crash(folder: Path) -> None:
    python(f"log.add(crash_log.WENT_ON, 'ValueError: odd'); {CRASH}")
    (report,) = crash_reports.find(folder)
    assert report.has_ended
    assert report.text.index("ValueError: odd") < report.text.index("Fatal Python error")


def test_what_the_command_line_says_is_no_report(folder: Path) -> None:
    with pytest.raises(EmbedvizError), CrashLog(folder):
        raise EmbedvizError("There is no display.")
    assert crash_reports.find(folder) == []
    assert list(folder.iterdir()) == []


def test_what_nobody_could_read_on_a_terminal_is_one(folder: Path) -> None:
    begin = "import sys; sys.stderr = None;" + BEGIN
    ended = python(
        "\nfrom embedviz.errors import EmbedvizError\nwith log: raise EmbedvizError('Dry.')", begin=begin
    )
    assert ended.returncode == 1
    (report,) = crash_reports.find(folder)
    assert report.has_ended
    assert "Dry." in report.text


def test_a_proper_end_leaves_nothing(folder: Path) -> None:
    ended = python("\nwith log: assert log.path.is_file(); log.note('by the way'); print('well', file=sys.stderr)")
    assert (ended.returncode, ended.stderr) == (0, "well\n")
    assert list(folder.iterdir()) == []


def test_an_end_by_the_system_is_nothing_to_offer(folder: Path) -> None:
    assert python("os.kill(os.getpid(), signal.SIGKILL)").returncode == -signal.SIGKILL
    assert len(list(folder.iterdir())) == 1
    assert crash_reports.find(folder) == []
    assert list(folder.iterdir()) == []


def test_zeros_that_a_power_cut_leaves_are_nothing_to_offer(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "2026-11-20T14-03-05-77-0.log").write_bytes(b"\0" * 4096)
    assert crash_reports.find(folder) == []
    assert list(folder.iterdir()) == []


def test_the_real_window_crashes_and_says_that_it_was_open(folder: Path) -> None:
    script = f"""
import ctypes, os, sys
sys.path.insert(0, {str(HERE)!r})
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QTimer
from test_fake_trainer import FakeWorker
from embedviz import cli
from embedviz.gui import app
make = app.make_window
def make_window(settings):
    parts = make(settings)
    parts.window.first_painted.connect(lambda: QTimer.singleShot(0, lambda: ctypes.string_at(0)))
    return parts
app.make_window, app.TrainingWorker = make_window, FakeWorker
cli.main([])
"""
    assert python(script, begin="").returncode == -signal.SIGSEGV
    (report,) = crash_reports.find(folder)
    assert "Fatal Python error: Segmentation fault" in report.text
    assert "drawn by offscreen" in report.text
    assert report.has_ended
    assert not report.is_of_start
    assert SAFE_MODE not in crash_reports.whole_text([report])


def test_a_crash_before_the_window_names_the_safe_mode(folder: Path) -> None:
    python(CRASH)
    reports = crash_reports.find(folder)
    assert reports[0].is_of_start
    assert crash_reports.whole_text(reports).startswith(SAFE_MODE)


# --- several at once --------------------------------------------------------------------------------


def test_the_file_of_a_living_process_is_left_alone(
    folder: Path, living: Callable[[str], subprocess.Popen[str]]
) -> None:
    first, second = living("log.add(crash_log.WENT_ON, 'odd'); log.close()"), living("ctypes.string_at(0)")
    assert crash_reports.find(folder) == []
    assert len(list(folder.iterdir())) == 2
    for process in (first, second):
        process.communicate()
    assert sorted(report.has_ended for report in crash_reports.find(folder)) == [False, True]


def test_its_own_file_is_that_of_a_living_process(folder: Path) -> None:
    with CrashLog(folder) as log:
        log.add(WENT_ON, "odd")
        assert crash_reports.find(folder) == []
    assert len(crash_reports.find(folder)) == 1


def test_a_child_does_not_hold_what_its_parent_held(
    folder: Path, living: Callable[[str], subprocess.Popen[str]]
) -> None:
    sleeper = "import subprocess; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE);"
    assert python(sleeper + CRASH).returncode == -signal.SIGSEGV
    assert len(crash_reports.find(folder)) == 1


def test_a_second_log_in_the_same_moment_has_a_file_of_its_own(folder: Path) -> None:
    with CrashLog(folder) as first, CrashLog(folder) as second:
        assert first.path is not None
        assert second.path is not None
        assert first.path != second.path


# --- where nothing can be written -------------------------------------------------------------------


def test_a_loop_of_exceptions_does_not_fill_the_disk(folder: Path) -> None:
    with CrashLog(folder) as log:
        for k in range(5_000):
            log.add(WENT_ON, f"ValueError: {k}\n" + "x" * 200)
    (report,) = crash_reports.find(folder)
    assert LIMIT <= report.path.stat().st_size <= LIMIT + 100
    assert "ValueError: 0\n" in report.text
    assert report.text.endswith("(This file is full: more was left out.)\n")


def test_a_full_disk_does_no_harm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # which would want to write, too
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20));"
    ended = python("\nwith log: log.add(crash_log.WENT_ON, 'odd'); print('on it goes')", begin=limit + BEGIN)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "on it goes\n", "")


def test_without_a_folder_a_crash_is_told_on_stderr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    ended = python("log.add(crash_log.WENT_ON, 'odd'); print(log.path, flush=True);" + CRASH)
    assert ended.returncode == -signal.SIGSEGV
    assert ended.stdout == "None\n"
    assert "Fatal Python error: Segmentation fault" in ended.stderr
    assert crash_reports.find(crash_folder()) == []


def test_without_a_home_it_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setattr(Path, "home", refuse)
    assert crash_folder() is None
    assert crash_reports.find(None) == []
    with CrashLog(None) as log:
        log.add(WENT_ON, "odd")
        assert log.path is None


@pytest.mark.parametrize("named", [None, "", "relative", "/somewhere/else"])
def test_the_folder_is_where_qt_says(home: Path, monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    if named is None:
        monkeypatch.delenv("XDG_DATA_HOME")
    else:
        monkeypatch.setenv("XDG_DATA_HOME", named)
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    assert str(crash_log.data_folder()) == place


# --- a windowed process has neither stdout nor stderr -----------------------------------------------


@pytest.mark.parametrize("absent", ["None", "open(os.devnull, 'w'); sys.stderr.close(); sys.stdout.close()"])
def test_what_is_said_to_nobody_is_taken(folder: Path, absent: str) -> None:
    begin = f"import os, sys; sys.stdout = sys.stderr = {absent};" + BEGIN
    say = "print('out'); print('err', file=sys.stderr); sys.stderr.flush(); sys.stdout.flush();"
    ended = python(say + "os._exit(len(open(log.path).read().split('err')))", begin=begin)
    assert ended.returncode == 2  # what is said to stderr is in the file
    assert crash_reports.find(folder) == []  # but is no report by itself
    assert python(say + CRASH, begin=begin).returncode == -signal.SIGSEGV
    (report,) = crash_reports.find(folder)
    assert "err\n" in report.text
    assert "out\n" not in report.text


def test_closed_descriptors_are_not_given_to_other_files(folder: Path) -> None:
    look = "log.note(' '.join(os.readlink(f'/proc/self/fd/{n}') for n in range(3)));"
    command = 'exec "$0" -c "$1" <&- >&- 2>&-'
    ended = subprocess.run(["sh", "-c", command, sys.executable, BEGIN + look + CRASH], timeout=60, check=False)
    assert ended.returncode == -signal.SIGSEGV
    (report,) = crash_reports.find(folder)
    assert "/dev/null /dev/null /dev/null" in report.text
    assert "Segmentation fault" in report.text
