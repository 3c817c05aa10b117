"""The packaged app as people get it: archived, unpacked into a folder that cannot be written, and started."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from app_world import (
    TRAINER,
    WINDOW,
    Copy,
    another_user,
    archive,
    desktop,
    end,
    in_use,
    is_built,
    make,
    mapped,
    processes,
    start,
    wait_until,
    x_display,
)
from build_tools import ROOT
from fake_desk import ID
from PySide6.QtCore import QSettings

from embedviz import __version__, catalog
from embedviz.gui.crash_reports import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="an archive, processes and a menu as on Linux"),
]
UNPACKED, PACKED = 650e6, 230e6  # bytes at most, with torch for CPUs
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture(scope="module")
def packed() -> Path:
    """Give the archive of the app, made now unless that was done since the last change of a source."""
    if not is_built():
        make("app")
    if archive() is None:
        make("app-archive")
    path = archive()
    assert path is not None
    return path


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Give a folder that other users may enter, as they may not pytest's."""
    with tempfile.TemporaryDirectory(prefix="embedviz-trial-") as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


@pytest.fixture(scope="module")
def app(packed: Path, place: Path) -> Iterator[Path]:
    """Give the unpacked app: with spaces and other letters in its path, and not to be written."""
    top = place / "Ünter richt ß 漢 (1)"
    top.mkdir()
    subprocess.run(["tar", "-xzf", packed, "-C", top], check=True)
    subprocess.run(["chmod", "-R", "a-w", top], check=True)
    (folder,) = top.iterdir()
    with in_use(folder):
        yield folder
    subprocess.run(["chmod", "-R", "u+w", top], check=True)


@pytest.fixture
def user(place: Path, tmp_path: Path) -> Iterator[Path]:
    """Give an empty home, in a folder where everybody may write."""
    own = Path(tempfile.mkdtemp(dir=place))
    own.chmod(0o777)
    (own / "home").mkdir()
    yield own / "home"
    shutil.rmtree(own)


@pytest.fixture(autouse=True)
def _ended(app: Path) -> Iterator[None]:
    """Let nothing run from one test to the next."""
    with in_use(app):
        yield
        left = processes(app)
    assert not left


def test_what_the_archive_holds(packed: Path, app: Path) -> None:
    assert app.name == f"embedviz-{__version__}"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=app, check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", f"{packed.name}.sha256"], cwd=packed.parent, check=True)
    files = [path for path in app.rglob("*") if path.is_file() and not path.is_symlink()]
    listed = {line[66:] for line in (app / "SHA256SUMS").read_text().splitlines()}
    assert {path.relative_to(app).as_posix() for path in files} == listed | {"SHA256SUMS"}
    assert (app / "VERSION.txt").read_text().startswith(f"embedviz {__version__}\n")
    assert len((app / "licences" / "INDEX.txt").read_text()) > 1000
    assert sum(path.stat().st_size for path in files) <= UNPACKED
    assert packed.stat().st_size <= PACKED


def test_nothing_in_it_names_the_folder_it_was_built_in(app: Path) -> None:
    files = (path for path in app.rglob("*") if path.is_file())
    assert [path for path in files if os.fsencode(ROOT) + b"/" in path.read_bytes()] == []


def test_the_self_test_passes_for_another_user_without_home_display_or_programs(app: Path, user: Path) -> None:
    out = user.parent / "self-test.json"
    environment = {"HOME": "/nonexistent", "PATH": "/nonexistent"}
    command = [app / WINDOW, "--self-test", "--out", out]
    ended = subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, check=False, **another_user()
    )
    report = json.loads(out.read_text())
    failed = {check["name"]: check["error"] for check in report["checks"] if not check["ok"]}
    assert (failed, ended.returncode) == ({}, 0)
    assert (report["ok"], report["packaged"], report["platform"]) == (True, True, "offscreen")
    assert ended.stdout == ""
    assert "stylesheet" not in ended.stderr  # Qt could not read the theme's, which has paths in it
    done = {check["name"] for check in report["checks"]}
    kinds = {
        "model": catalog.MODELS, "start": catalog.STARTS, "optimizer": catalog.OPTIMIZERS,
        "tokenizer": catalog.TOKENIZERS, "schedule": catalog.SCHEDULES, "sample": catalog.SAMPLES,
    }  # fmt: skip
    assert {f"{kind} {name}" for kind, table in kinds.items() for name in table} <= done


def test_a_window_has_one_trainer_and_neither_loads_what_is_the_others(app: Path, user: Path) -> None:
    copy = start(app, env=desktop(user, **OFFSCREEN))
    trainer = copy.wait_for_trainer()
    assert processes(app) == {copy.window.pid: WINDOW, trainer.pid: TRAINER}
    assert copy.most == 2
    assert ("libQt6" in mapped(copy.window), "libtorch" in mapped(copy.window)) == (True, False)
    assert ("libQt6" in mapped(trainer), "libtorch" in mapped(trainer)) == (False, True)
    assert copy.end(signal.SIGINT) == 0


def test_a_window_outlives_its_trainer(app: Path, user: Path) -> None:
    copy = start(app, env=desktop(user, **OFFSCREEN))
    copy.wait_for_trainer().kill()
    wait_until(lambda: not copy.window.children(), "the trainer's funeral")
    assert copy.end(signal.SIGINT) == 0  # as only a window that still listens does


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "logged out"])
def test_nothing_outlives_a_window(app: Path, user: Path, how: signal.Signals) -> None:
    temporary = user.with_name("tmp")
    temporary.mkdir()
    copy = start(app, env=desktop(user, TMPDIR=str(temporary), **OFFSCREEN))
    trainer = copy.wait_for_trainer()
    crashes = user / ".local" / "share" / "embedviz" / "crashes"
    assert len(list(crashes.iterdir())) == 1
    copy.end(how)
    assert list(temporary.iterdir()) + list(Path("/dev/shm").glob(f"embedviz-{trainer.pid}-*")) == []
    assert find(crashes) == []  # the next start tells of no crash


def test_it_starts_with_its_standard_streams_closed(app: Path, user: Path) -> None:
    command = ["/bin/sh", "-c", 'exec "$0" <&- >&- 2>&-', app / WINDOW]
    copy = start(app, *command, env=desktop(user, **OFFSCREEN))
    copy.wait_for_trainer()
    assert copy.most == 2
    assert copy.end(signal.SIGINT) == 0


def test_it_starts_where_home_cannot_be_written(app: Path, user: Path) -> None:
    user.chmod(0o555)
    copy = start(app, env=desktop(user, **OFFSCREEN), cwd="/", **another_user())
    copy.wait_for_trainer()
    assert copy.end(signal.SIGINT) == 0
    assert list(user.iterdir()) == []


def test_two_copies_at_once_each_have_a_run_and_leave_whole_settings(app: Path, user: Path) -> None:
    copies = [start(app, env=desktop(user, **OFFSCREEN)) for _ in range(2)]
    trainers = {copy.wait_for_trainer().pid for copy in copies}
    assert len(trainers) == 2
    assert max(copy.most for copy in copies) <= 4
    assert end(copies, signal.SIGINT) == [0, 0]  # both write at once
    assert "geometry" in read_settings(user)


def read_settings(user: Path) -> dict[str, object]:
    """Return what the app has saved."""
    settings = QSettings(str(user / ".config" / "embedviz" / "embedviz.ini"), QSettings.Format.IniFormat)
    assert settings.status() == QSettings.Status.NoError
    return {key: settings.value(key) for key in settings.allKeys()}


def test_the_command_line_is_handed_over_to_the_trainer(app: Path, user: Path) -> None:
    link = user / "embedviz"
    link.symlink_to(app / WINDOW)
    for program in (app / WINDOW, link):
        version = command(program, "--version", user=user)
        assert (version.returncode, version.stdout) == (0, f"embedviz {__version__}\n")
        train = command(program, "train", "--text", "sample:names", "--steps", "20", "--json", user=user)
        assert (train.returncode, train.stderr) == (0, "")
        assert json.loads(train.stdout.splitlines()[-1])["step"] == 20
        refused = command(program, "train", "--text", "nowhere.txt", user=user)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "nowhere.txt" in refused.stderr


def command(program: Path, *words: str, user: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *words], cwd=user, env=desktop(user), capture_output=True, text=True, check=False
    )


def test_installed_it_opens_a_text_from_the_menu_and_leaves_nothing_when_removed(app: Path, user: Path) -> None:
    gio = shutil.which("gio")
    assert gio, "gio is missing: on Debian or Ubuntu, 'apt-get install libglib2.0-bin' as root."
    text = user.parent / "Größe 5% 'a'.txt"
    text.write_text("The cat sat on the mat. " * 50)
    script(app / "install.sh", user)
    installed = user / ".local" / "share" / "embedviz" / "app"
    entry = user / ".local" / "share" / "applications" / f"{ID}.desktop"
    with x_display() as display, in_use(installed):
        subprocess.run([gio, "launch", entry, text], env=desktop(user, DISPLAY=display), check=True)
        wait_until(lambda: WINDOW in processes(installed).values(), "the window program")
        (window,) = (pid for pid, name in processes(installed).items() if name == WINDOW)
        copy = Copy(installed, psutil.Process(window))
        copy.wait_for_trainer()
        copy.end(signal.SIGINT)
        assert read_settings(user)["recent"] == str(text)
        linked = start(installed, user / ".local" / "bin" / "embedviz", env=desktop(user, DISPLAY=display))
        linked.wait_for_trainer()
        assert linked.end(signal.SIGINT) == 0
    script(installed / "uninstall.sh", user, "--purge")
    assert [path for path in user.rglob("*") if not path.is_dir()] == []


def script(path: Path, user: Path, *options: str) -> None:
    """Run a script with what a shell finds everywhere."""
    subprocess.run(["/bin/sh", path, *options], env=desktop(user, PATH="/usr/bin:/bin"), check=True)
