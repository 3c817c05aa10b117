"""What install.sh refuses, and what it leaves behind when it is stopped half-way: a whole app, or nothing."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fake_desk import Desk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def is_one_sentence(said: str) -> bool:
    return said.count("\n") == 1 and said.endswith(".\n")


def test_without_a_home_a_sentence_says_so(desk: Desk) -> None:
    for home in ("", "relative", str(desk.home / "missing")):
        said = desk.run("install.sh", code=2, HOME=home)
        assert is_one_sentence(said)
        assert "home" in said.lower()


def test_under_sudo_nothing_is_installed(desk: Desk, tmp_path: Path) -> None:
    path = desk.with_fake("id", "echo 0\n")
    assert "without sudo" in desk.run("install.sh", code=2, SUDO_USER="ada", PATH=path)
    assert desk.everything() == []


def test_a_full_disk_leaves_nothing_and_one_sentence(desk: Desk) -> None:
    said = subprocess.run(
        ["sh", "-c", 'ulimit -f 64 && exec sh "$0"', str(desk.folder / "install.sh")],
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert is_one_sentence(said.stderr)
    assert "no room for 1 MB" in said.stderr
    assert desk.everything() == []


@pytest.mark.parametrize(
    "fake",
    [
        ("cp", f'case "$*" in */.local/share/icons/*) exit 1 ;; esac; exec {shutil.which("cp")} "$@"\n'),
        ("sed", f'case "$*" in *%%*) exit 4 ;; esac; exec {shutil.which("sed")} "$@"\n'),
        ("sed", f'case "$*" in *s/^/folder*) exit 4 ;; esac; exec {shutil.which("sed")} "$@"\n'),
    ],
    ids=["icons", "entry", "record"],
)
def test_a_disk_that_is_full_at_the_last_moment_leaves_the_old_version(desk: Desk, fake: tuple[str, str]) -> None:
    desk.run("install.sh")
    before = desk.everything(), desk.entry.read_bytes()
    (desk.folder / "_internal" / "new").write_text("of the new version")
    path = desk.with_fake(*fake)
    said = desk.run("install.sh", code=2, PATH=path)
    assert is_one_sentence(said)
    assert "cannot be written" in said
    assert (desk.everything(), desk.entry.read_bytes()) == before


def test_where_nothing_can_be_made_a_sentence_says_so(desk: Desk) -> None:
    (desk.home / ".local").write_text("a file where a folder should be")
    said = desk.run("install.sh", code=2)
    assert is_one_sentence(said)
    assert "cannot be made" in said
    assert desk.everything() == [".local"]


@pytest.mark.parametrize("killed_by", ["KILL", "TERM"])
def test_a_copy_that_is_interrupted_leaves_the_old_version(desk: Desk, killed_by: str) -> None:
    desk.run("install.sh")
    path = desk.with_fake("cp", f'for last; do :; done; echo half >"$last/embedviz"; kill -{killed_by} $PPID\n')
    number = {"KILL": -signal.SIGKILL, "TERM": 1}[killed_by]
    desk.run("install.sh", code=number, PATH=path)
    assert desk.start() == [str(desk.app / "embedviz")]
    if killed_by == "TERM":
        assert [each.name for each in desk.app.parent.glob("app*")] == ["app"]
    desk.run("install.sh")
    assert [each.name for each in desk.app.parent.glob("app*")] == ["app"]
    desk.run("uninstall.sh")
    assert desk.everything() == []


@pytest.mark.parametrize("after", ["install.sh", "uninstall.sh"])
def test_a_kill_between_two_renames_is_made_good(desk: Desk, after: str) -> None:
    desk.run("install.sh")
    path = desk.with_fake("mv", f'{shutil.which("mv")} "$@"; case $2 in *.old.*) kill -KILL $PPID ;; esac\n')
    desk.run("install.sh", code=-signal.SIGKILL, PATH=path)
    assert not desk.app.exists()
    desk.run(after)
    if after == "install.sh":
        assert desk.start() == [str(desk.app / "embedviz")]
    desk.run("uninstall.sh")
    assert desk.everything() == []


def test_an_app_that_is_open_is_neither_replaced_nor_removed(desk: Desk) -> None:
    (desk.folder / "embedviz").unlink()
    shutil.copy(str(shutil.which("sleep")), desk.folder / "embedviz")
    desk.run("install.sh")
    with subprocess.Popen([desk.app / "embedviz", "600"]) as running:
        try:
            for script in ("install.sh", "uninstall.sh"):
                assert "close its windows" in desk.run(script, code=2)
        finally:
            running.kill()
    desk.run("uninstall.sh")
    assert desk.everything() == []


def test_a_folder_that_lacks_the_app_is_refused(desk: Desk) -> None:
    (desk.folder / "embedviz").unlink()
    assert "unpack the archive again" in desk.run("install.sh", code=2)
    assert desk.everything() == []


def test_an_unknown_option_is_refused(desk: Desk) -> None:
    assert "'--all'" in desk.run("install.sh", "--all", code=2)
    assert desk.run("install.sh", "--help").startswith("usage: install.sh [--here]")
    assert desk.everything() == []


def test_a_copy_into_itself_is_refused(desk: Desk) -> None:
    said = desk.run("install.sh", code=2, XDG_DATA_HOME=str(desk.folder / "data"))
    assert "--here" in said
    assert not (desk.folder / "data").exists()


def test_a_path_that_no_menu_entry_can_hold_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "two\nlines")
    said = desk.run("install.sh", code=2)
    assert is_one_sentence(said)
    assert "line break" in said
    assert desk.everything() == []


def test_a_second_installation_leaves_the_first_in_peace(desk: Desk) -> None:
    begun, go_on = (desk.ran.with_name(name) for name in ("begun", "go on"))
    for pipe in (begun, go_on):  # whoever opens one end waits for the other
        os.mkfifo(pipe)
    path = desk.with_fake("cp", f'echo >"$BEGUN"; cat "$GO_ON"; exec {shutil.which("cp")} "$@"\n')
    environment = desk.environment | {"PATH": path, "BEGUN": str(begun), "GO_ON": str(go_on)}
    with subprocess.Popen(["sh", desk.folder / "install.sh"], env=environment, stdout=subprocess.DEVNULL) as first:
        begun.read_text()
        for script in ("install.sh", "uninstall.sh"):
            assert "at this moment" in desk.run(script, code=2)
        desk.ran.with_name("fakes").joinpath("cp").unlink()  # the icons' turn needs no pause
        go_on.write_text("")
    assert first.returncode == 0
    assert desk.start() == [str(desk.app / "embedviz")]


def test_without_a_terminal_the_screen_says_what_happened(desk: Desk) -> None:
    path = desk.with_fake("notify-send", 'printf "%s\\n" "$@" >"$RAN"\n')
    desk.run("install.sh", PATH=path, DISPLAY=":0")
    assert "is installed" in desk.ran.read_text()
    desk.run("install.sh", "--all", code=2, PATH=path, DISPLAY=":0")
    assert "'--all'" in desk.ran.read_text()
