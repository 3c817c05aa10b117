"""What install.sh and uninstall.sh leave alone: folders and files with their names that somebody else made."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from fake_desk import Desk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "simple")


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("somebody's work")
    return path


def unpacked_in(desk: Desk, place: Path) -> None:
    """Move the unpacked folder into `place`."""
    place.mkdir(parents=True, exist_ok=True)
    desk.folder = Path(shutil.move(desk.folder, place))


def test_a_folder_in_the_way_that_is_not_ours_stays_and_is_named(desk: Desk) -> None:
    thesis = write(desk.app / "thesis.txt")
    said = desk.run("install.sh", code=2)
    assert f"'{desk.app}' is in the way" in said
    assert said.count("\n") == 1
    assert not desk.entry.exists()
    desk.run("uninstall.sh")
    assert thesis.read_text() == "somebody's work"


def test_without_a_copy_that_folder_is_in_nobodys_way(desk: Desk) -> None:
    thesis = write(desk.app / "thesis.txt")
    desk.run("install.sh", "--here")
    assert desk.start() == [str(desk.folder / "embedviz")]
    desk.run("uninstall.sh", "--purge")
    assert thesis.read_text() == "somebody's work"


def test_folders_called_like_our_old_ones_stay(desk: Desk) -> None:
    kept = [write(desk.app.with_name(name) / "notes.txt") for name in ("app.old.2019", "app.new.idea")]
    for script in ("install.sh", "install.sh", "uninstall.sh"):
        desk.run(script)
    assert [each.read_text() for each in kept] == ["somebody's work"] * 2


def test_a_folder_called_like_our_old_one_does_not_become_the_app(desk: Desk) -> None:
    write(desk.app.with_name("app.old.2019") / "notes.txt")
    desk.run("install.sh", "--here")
    assert not desk.app.exists()


def test_a_removal_that_was_killed_is_known_again_and_finished(desk: Desk) -> None:
    desk.run("install.sh")
    path = desk.with_fake(
        "rm", f'{shutil.which("rm")} "$@"; case $* in */app/embedviz) kill -KILL $PPID ;; esac\n'
    )
    desk.run("uninstall.sh", code=-signal.SIGKILL, PATH=path)
    assert desk.app.exists()
    assert not (desk.app / "embedviz").exists()
    desk.run("install.sh")
    desk.run("uninstall.sh")
    assert desk.everything() == []


@pytest.mark.parametrize("inside", ["app", "app.old.2019/deeper", "app.new.1"])
@pytest.mark.parametrize("option", [(), ("--here",)])
def test_it_is_not_installed_from_where_it_would_be_deleted(
    desk: Desk, inside: str, option: tuple[str, ...]
) -> None:
    unpacked_in(desk, desk.app.parent / inside)
    assert "move this folder out of it" in desk.run("install.sh", *option, code=2)
    assert (desk.folder / "embedviz").exists()
    assert not desk.entry.exists()


def test_a_link_to_a_folder_elsewhere_is_taken_away_and_the_folder_stays_as_it_was(desk: Desk) -> None:
    desk.run("install.sh")
    elsewhere = desk.home / "big disk"
    desk.app.rename(elsewhere)
    desk.app.symlink_to(elsewhere)
    (elsewhere / "_internal" / "large").chmod(0o444)
    desk.run("install.sh")
    assert not desk.app.is_symlink()
    assert desk.start() == [str(desk.app / "embedviz")]
    assert not os.access(elsewhere / "_internal" / "large", os.W_OK) or os.geteuid() == 0
    assert (elsewhere / "_internal" / "large").stat().st_mode & 0o777 == 0o444
    desk.run("uninstall.sh")
    assert (elsewhere / "embedviz").exists()


def test_a_link_that_leads_nowhere_is_in_the_way(desk: Desk) -> None:
    desk.app.parent.mkdir(parents=True)
    desk.app.symlink_to(desk.home / "unplugged")
    assert "is in the way" in desk.run("install.sh", code=2)
    assert desk.app.is_symlink()
    assert not desk.entry.exists()


def test_a_purge_takes_only_what_the_app_wrote(desk: Desk) -> None:
    crashes, settings = desk.data / "embedviz" / "crashes", desk.home / ".config" / "embedviz"
    ours = [settings / "embedviz.ini", settings / "embedviz.ini.lock"]
    ours += [crashes / f"2026-11-21T12-00-00-7-{name}" for name in ("0.log", "1.offered.log", "2.offered")]
    others = [settings / "notes.txt", crashes / "what happened.log", desk.data / "embedviz" / "runs.txt"]
    for file in [*ours, *others]:
        write(file)
    desk.run("install.sh")
    desk.run("uninstall.sh", "--purge")
    assert [file for file in ours if file.exists()] == []
    assert [file for file in others if not file.exists()] == []


@pytest.mark.parametrize("which", ["entry", "record", "icon"])
def test_a_folder_where_a_file_has_to_go_is_refused(desk: Desk, which: str) -> None:
    icon = desk.data / "icons/hicolor/16x16/apps/org.embedviz.embedviz.png"
    place = {"entry": desk.entry, "record": desk.data / "embedviz" / "installed", "icon": icon}[which]
    place.mkdir(parents=True)
    said = desk.run("install.sh", code=2)
    assert f"'{place}'" in said
    assert "so that embedviz is not installed." in said
    assert list(place.iterdir()) == []
    assert not desk.app.exists()


@pytest.mark.parametrize("name", ["a:b", "a;b", "p $LIB", "x${y", "$ORIGIN", "x$PLATFORM"])
def test_a_folder_that_the_loader_cannot_read_is_refused(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path, name)
    assert "cannot run in a folder with" in desk.run("install.sh", "--here", code=2)
    assert desk.everything() == []
    desk.run("install.sh")  # the copy lies elsewhere
    desk.run("uninstall.sh")
    there = str(tmp_path / name / "data")
    assert "cannot run in a folder with" in desk.run("install.sh", code=2, XDG_DATA_HOME=there)
    assert not Path(there).exists()


def test_a_program_called_like_a_link_half_made_stays(desk: Desk) -> None:
    backup = write(desk.link.with_name("embedviz.new.txt"))
    desk.run("install.sh")
    desk.run("uninstall.sh")
    assert backup.exists()


def test_uninstalling_knows_no_option_of_installing(desk: Desk) -> None:
    assert "'--here'" in desk.run("uninstall.sh", "--here", code=2)
    assert "'--purge'" in desk.run("install.sh", "--purge", code=2)
    assert "--purge" in desk.run("uninstall.sh", "--help")
