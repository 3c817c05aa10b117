"""install.sh and uninstall.sh, run for real on a tiny app, in folders with names that are hard to quote."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_desk import ID, SOURCES, Desk, command_of, keys_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_installed_app_opens_a_text_after_the_unpacked_folder_is_gone(desk: Desk, tmp_path: Path) -> None:
    assert "not needed any more" in desk.run("install.sh")
    shutil.rmtree(desk.folder)
    text = str(tmp_path / "Größe 5%f 'a' \"b\" $c.txt")
    assert desk.start(text) == [str(desk.app / "embedviz"), text]
    assert desk.start() == [str(desk.app / "embedviz")]


def test_the_entry_says_what_the_template_says_with_real_paths(desk: Desk) -> None:
    desk.run("install.sh")
    template, entry = keys_of(SOURCES / f"{ID}.desktop"), keys_of(desk.entry)
    assert list(entry) == list(template)
    assert [key for key in entry if entry[key] != template[key]] == ["TryExec", "Exec"]
    assert Path(entry["TryExec"]) == desk.app / "embedviz"
    assert (desk.data / f"icons/hicolor/16x16/apps/{entry['Icon']}.png").read_text() == "16x16"
    assert (desk.data / f"icons/hicolor/scalable/apps/{entry['Icon']}.svg").exists()
    last = desk.entry.read_text(encoding="utf-8").splitlines()[-1]
    assert last.startswith("Exec=")
    assert last.endswith(" --safe-mode")


def test_a_path_without_percent_and_equals_signs_is_started_directly(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "simple")
    desk.run("install.sh", "--here")
    assert command_of(desk.entry, "a.txt") == [str(desk.folder / "embedviz"), "a.txt"]


def test_a_terminal_finds_the_app(desk: Desk) -> None:
    desk.run("install.sh")
    assert desk.link.readlink() == desk.app / "embedviz"


def test_a_program_of_that_name_that_is_not_ours_stays(desk: Desk) -> None:
    desk.link.parent.mkdir(parents=True)
    desk.link.symlink_to("/somewhere/else/embedviz")
    desk.run("install.sh")
    desk.run("uninstall.sh")
    assert desk.link.readlink() == Path("/somewhere/else/embedviz")


def test_uninstalling_leaves_nothing(desk: Desk) -> None:
    for options in ((), ("--here",)):
        desk.run("install.sh", *options)
        assert "is removed" in desk.run("uninstall.sh")
        assert desk.everything() == []
    assert (desk.folder / "embedviz").exists()


def test_uninstalling_keeps_what_was_there_before(desk: Desk) -> None:
    (desk.data / "applications").mkdir(parents=True)
    (desk.data / "applications" / "other.desktop").write_text("[Desktop Entry]\n")
    before = desk.everything()
    desk.run("install.sh")
    desk.run("uninstall.sh")
    after = [path for path in desk.everything() if not path.endswith("mimeinfo.cache")]
    assert after == before


def test_the_installed_copy_removes_itself(desk: Desk) -> None:
    desk.run("install.sh")
    desk.folder = desk.app
    desk.run("uninstall.sh")
    assert desk.everything() == []


def test_the_installed_copy_can_renew_its_entry(desk: Desk) -> None:
    desk.run("install.sh")
    desk.entry.unlink()
    desk.folder = desk.app
    desk.run("install.sh")
    assert desk.start() == [str(desk.app / "embedviz")]


def test_uninstalling_where_nothing_is_says_so(desk: Desk) -> None:
    assert "not installed" in desk.run("uninstall.sh")
    assert desk.everything() == []


def test_installing_twice_changes_nothing(desk: Desk) -> None:
    desk.run("install.sh")
    before = desk.everything()
    desk.run("install.sh")
    assert desk.everything() == before
    desk.run("uninstall.sh")
    assert desk.everything() == []


def test_an_upgrade_leaves_nothing_of_the_old_version(desk: Desk) -> None:
    (desk.folder / "_internal" / "old").write_text("of the old version")
    desk.run("install.sh")
    (desk.folder / "_internal" / "old").unlink()
    (desk.folder / "_internal" / "new").write_text("of the new version")
    desk.run("install.sh")
    assert sorted(path.name for path in (desk.app / "_internal").iterdir()) == ["large", "link", "new"]
    assert (desk.app / "_internal" / "link").is_symlink()
    assert [path.name for path in desk.app.parent.iterdir() if path.name.startswith("app")] == ["app"]


def test_here_copies_nothing_and_takes_an_old_copy_away(desk: Desk) -> None:
    desk.run("install.sh")
    assert "has to stay" in desk.run("install.sh", "--here")
    assert not desk.app.exists()
    assert desk.start("a.txt") == [str(desk.folder / "embedviz"), "a.txt"]
    assert desk.link.readlink() == desk.folder / "embedviz"


def test_settings_and_crash_logs_outlive_all_but_a_purge(desk: Desk) -> None:
    log, settings = (
        desk.data / "embedviz/crashes/2026-11-21T12-00-00-7-0.log",
        desk.home / ".config/embedviz/embedviz.ini",
    )
    for file in (log, settings):
        file.parent.mkdir(parents=True)
        file.write_text("kept")
    desk.run("install.sh")
    desk.run("install.sh")
    desk.run("uninstall.sh")
    assert log.read_text() == settings.read_text() == "kept"
    assert "settings and crash logs are removed" in desk.run("uninstall.sh", "--purge")
    assert desk.everything() == [".config", ".local", ".local/share"]


def test_data_goes_where_the_desktop_keeps_it(desk: Desk, tmp_path: Path) -> None:
    desk.run("install.sh", XDG_DATA_HOME=str(tmp_path / "data"))
    assert (tmp_path / "data" / "embedviz" / "app" / "embedviz").exists()
    assert desk.everything() == [".local", ".local/bin", ".local/bin/embedviz"]
    desk.run("uninstall.sh", XDG_DATA_HOME=str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()
    assert desk.everything() == []


def test_a_relative_place_for_data_counts_as_none(desk: Desk) -> None:
    desk.run("install.sh", XDG_DATA_HOME="data")
    assert desk.app.exists()


def test_a_folder_that_cannot_be_written_is_copied_to_one_that_can(desk: Desk) -> None:
    for path in [desk.folder, *desk.folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    desk.run("install.sh")
    assert all(path.stat().st_mode & 0o200 for path in desk.home.rglob("*"))
    desk.run("install.sh")
    desk.run("uninstall.sh")
    assert desk.everything() == []
    for path in [desk.folder, *desk.folder.rglob("*")]:  # for pytest, which removes it
        path.chmod(path.stat().st_mode | 0o200)


def test_programs_that_an_archiver_made_unstartable_start_again(desk: Desk) -> None:
    for name in ("embedviz", "embedviz-trainer"):
        (desk.folder / name).chmod(0o644)
    desk.run("install.sh")
    assert desk.start() == [str(desk.app / "embedviz")]
    assert os.access(desk.app / "embedviz-trainer", os.X_OK)


@pytest.mark.slow
def test_glib_starts_the_entry(desk: Desk, tmp_path: Path) -> None:
    gio = shutil.which("gio")
    assert gio, "gio is missing: on Debian or Ubuntu, 'apt-get install libglib2.0-bin' as root."
    desk.run("install.sh")
    text = tmp_path / "Größe 5%f 'a' \"b\" $c.txt"
    text.write_text("a")
    os.mkfifo(desk.ran)  # whoever reads waits for whoever writes
    subprocess.run([gio, "launch", str(desk.entry), str(text)], env=desk.environment, check=True)
    assert desk.ran.read_text().splitlines() == [str(desk.app / "embedviz"), str(text)]
