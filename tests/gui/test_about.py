"""About says what is installed, on what it runs and where things are; and copies it."""

import sys
from importlib import metadata
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QTextEdit
from test_fake_trainer import Desk

from embedviz import __version__
from embedviz.engine import messages as m
from embedviz.gui import about, about_facts, crash_reports, folders
from embedviz.gui.about import AboutDialog
from embedviz.gui.crash_log import WENT_ON, CrashLog, crash_folder
from embedviz.gui.report_dialog import ReportDialog
from embedviz.gui.settings import Settings


def open_about(desk: Desk) -> AboutDialog:
    desk.window.actions_by_name["about"].trigger()
    dialog = desk.window.findChild(AboutDialog)
    assert isinstance(dialog, AboutDialog)
    return dialog


def words(dialog: AboutDialog) -> str:
    table = dialog.findChild(QTextEdit, "aboutFacts")
    assert isinstance(table, QTextEdit)
    return table.toPlainText()


def copied(dialog: AboutDialog) -> str:
    button = dialog.findChild(QPushButton, "aboutCopy")
    assert isinstance(button, QPushButton)
    button.click()
    return QGuiApplication.clipboard().text()


def said(dialog: AboutDialog) -> str:
    label = dialog.findChild(QLabel, "aboutSaid")
    assert isinstance(label, QLabel)
    return label.text()


@pytest.fixture
def dialog(desk: Desk) -> AboutDialog:
    return open_about(desk)


def test_it_names_versions_devices_system_and_paths(desk: Desk) -> None:
    desk.worker.say(m.Ready(1, torch_version="2.10.0+cu128", devices=("cpu", "cuda:0")))
    desk.state.update_run(choice="CPU, 1 thread: fastest of 2 measured.")
    text = copied(open_about(desk))
    assert f"  embedviz: {__version__}, run from source\n" in text
    assert f"  numpy: {metadata.version('numpy')}\n" in text
    assert f"  tokenizers: {metadata.version('tokenizers')}\n" in text
    assert "  torch: 2.10.0+cu128\n" in text
    assert "  Found: CPU, CUDA:0\n" in text
    assert "  In use: CPU, 1 thread: fastest of 2 measured\n" in text
    assert "  Drawn by: offscreen\n" in text
    assert f"  Python: {sys.executable}\n" in text
    assert f"  Settings: {desk.parts.settings.path}\n" in text
    assert f"  Crash logs: {crash_folder()}\n" in text


def test_it_follows_the_trainer_while_it_is_open(fresh_desk: Desk) -> None:
    dialog = open_about(fresh_desk)
    assert words(dialog).count("the trainer is still warming up") == 2
    fresh_desk.worker.say(m.Ready(1, torch_version="2.10.0", devices=("cpu",)))
    fresh_desk.answer()
    assert "warming up" not in words(dialog)
    assert "2.10.0" in words(dialog)
    assert "In use" in words(dialog)


def test_what_is_selected_stays_so_while_nothing_changes(desk: Desk, dialog: AboutDialog) -> None:
    table = dialog.findChild(QTextEdit, "aboutFacts")
    assert isinstance(table, QTextEdit)
    table.selectAll()
    desk.state.update_run(step=7)
    assert table.textCursor().hasSelection()


def test_copying_says_so(dialog: AboutDialog) -> None:
    assert said(dialog) == ""
    assert copied(dialog).startswith("Versions\n")
    assert said(dialog) == "Copied."


def test_every_fact_shown_is_copied_and_the_other_way_round(dialog: AboutDialog) -> None:
    text = copied(dialog)
    shown = [line for line in words(dialog).split("\n") if line.strip()]
    assert len(shown) > 20
    assert all(line.strip() in text for line in shown)


def test_it_is_read_by_keyboard_and_closed_by_escape(desk: Desk, dialog: AboutDialog) -> None:
    table = dialog.findChild(QTextEdit, "aboutFacts")
    assert isinstance(table, QTextEdit)
    table.setFocus()
    assert table.isReadOnly()
    assert table.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    desk.qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert dialog.focusWidget() is not table  # Tab is for moving on, not for writing
    with desk.qtbot.waitSignal(dialog.rejected):
        desk.qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_the_folder_of_crash_logs_can_be_opened_if_there_is_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_about(desk).findChild(QPushButton, "aboutFolder") is None
    folder = crash_folder()
    assert folder is not None
    folder.mkdir(parents=True)
    opened: list[Path] = []
    monkeypatch.setattr(about, "open_folder", lambda folder: opened.append(folder) is None and False)
    dialog = AboutDialog(desk.controller, desk.state, desk.parts.settings, desk.theme, desk.window)
    button = dialog.findChild(QPushButton, "aboutFolder")
    assert isinstance(button, QPushButton)
    button.click()
    assert opened == [folder]
    assert said(dialog) == "Nothing on this machine opens folders: the path is in the list."


def test_safe_mode_has_no_file(desk: Desk) -> None:
    dialog = AboutDialog(desk.controller, desk.state, Settings.in_memory(), desk.theme, desk.window)
    assert "in memory alone (safe mode)" in words(dialog)


def test_settings_that_cannot_be_written_are_said_so(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = Settings(tmp_path / "file" / "settings.ini")
    dialog = AboutDialog(desk.controller, desk.state, settings, desk.theme, desk.window)
    assert f"{settings.path} (cannot be written)" in words(dialog)


def test_the_packaged_app_says_so_and_where_the_licences_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    dialog = AboutDialog(desk.controller, desk.state, desk.parts.settings, desk.theme, desk.window)
    assert f"{__version__}, packaged app" in words(dialog)
    assert any("in the folder ‘licences’" in label.text() for label in dialog.findChildren(QLabel))


def test_a_version_without_metadata_is_the_module_s_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    numpy = sys.modules["numpy"]
    assert about_facts.version_of("numpy") == numpy.__version__
    monkeypatch.delitem(sys.modules, "numpy")
    assert about_facts.version_of("numpy") == "unknown"


def test_no_library_is_left_out_for_want_of_its_version(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about_facts, "LIBRARIES", ("no library of this name",))
    assert "  no library of this name: unknown\n" in copied(open_about(desk))


def test_a_trainer_that_died_is_not_warming_up(fresh_desk: Desk) -> None:
    fresh_desk.worker.die(1, "no torch")
    text = copied(open_about(fresh_desk))
    assert "  torch: the trainer has ended before it could say\n" in text
    assert "warming up" not in text


def test_the_last_report_can_be_read_again(desk: Desk) -> None:
    folder = crash_folder()
    with CrashLog(folder) as log:
        log.add(WENT_ON, "KeyError: 'odd'")
    crash_reports.mark_offered(crash_reports.find(folder))
    dialog = open_about(desk)
    button = dialog.findChild(QPushButton, "aboutReport")
    assert isinstance(button, QPushButton)
    button.click()
    report = dialog.findChild(ReportDialog)
    assert isinstance(report, ReportDialog)
    text = report.findChild(QPlainTextEdit, "reportText")
    assert isinstance(text, QPlainTextEdit)
    assert "KeyError: 'odd'" in text.toPlainText()
    with desk.qtbot.waitSignal(report.destroyed):
        report.findChild(QPushButton, "reportDelete").click()
    button.click()
    assert said(dialog) == "The report was deleted."


def test_without_a_report_there_is_no_button_for_it(dialog: AboutDialog) -> None:
    assert dialog.findChild(QPushButton, "aboutReport") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_follows_the_theme_and_fits_the_screen(desk: Desk, theme: str) -> None:
    desk.theme.set_scale(3.0)
    dialog = open_about(desk)
    desk.theme.set_mode(theme)
    room = dialog.screen().availableSize()
    assert dialog.height() <= room.height()
    assert desk.theme.colours.well in dialog.findChild(QTextEdit, "aboutFacts").styleSheet()
    assert desk.theme.colours.muted in dialog.findChild(QTextEdit, "aboutFacts").toHtml()


# --- opening a folder -------------------------------------------------------------------------------


def test_other_programs_get_the_libraries_of_the_system() -> None:
    found = {"HOME": "/home/me", "LD_LIBRARY_PATH": "/app/_internal", "LD_LIBRARY_PATH_ORIG": "/opt/lib"}
    assert folders.system_environment(found, packaged=True) == {"HOME": "/home/me", "LD_LIBRARY_PATH": "/opt/lib"}


def test_what_was_not_set_before_is_not_set_after() -> None:
    for original in ({}, {"LD_LIBRARY_PATH_ORIG": ""}):
        found = {"HOME": "/home/me", "LD_LIBRARY_PATH": "/app/_internal", **original}
        assert folders.system_environment(found, packaged=True) == {"HOME": "/home/me"}


def test_from_source_the_environment_is_one_s_own() -> None:
    found = {"LD_LIBRARY_PATH": "/opt/lib", "LD_LIBRARY_PATH_ORIG": "mine"}
    assert folders.system_environment(found, packaged=False) == found


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's")
def test_a_folder_is_opened_by_the_system_s_program(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "opened"
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(
        f'#!/bin/sh\nprintf "%s %s" "$1" "$LD_LIBRARY_PATH" > "{note}.part"; mv "{note}.part" "{note}"\n'
    )
    opener.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/app/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/opt/lib")
    monkeypatch.setenv("PATH", str(opener.parent), prepend=":")
    assert folders.open_folder(tmp_path / "a folder")
    desk.qtbot.waitUntil(note.exists)
    assert note.read_text() == f"{tmp_path / 'a folder'} /opt/lib"


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's")
def test_where_nothing_opens_folders_it_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not folders.open_folder(tmp_path)
