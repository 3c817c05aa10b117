"""Presenting: full screen and larger, no menus; keys work wherever the focus is; and all of it ends again."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTabWidget, QToolButton, QWidget
from test_fake_trainer import Desk

from embedviz.engine import messages as m
from embedviz.gui.settings import Settings

Key = Qt.Key


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the small screen of the tests have room for panels side by side at 1.5 times their size."""
    monkeypatch.setattr("embedviz.gui.presentation.NARROW_WIDTH", 400)


@pytest.fixture
def stage(desk: Desk) -> Desk:
    """Give a window that presents, with the focus in the own line."""
    desk.pause(20)
    desk.focus(desk.tokens.edit)
    desk.press(Key.Key_F5)
    assert desk.window.presentation.is_on
    assert desk.tokens.edit.hasFocus()
    desk.worker.sent.clear()
    return desk


def test_presenting_is_full_screen_larger_and_without_menus(stage: Desk) -> None:
    assert stage.window.isFullScreen()
    assert stage.theme.scale == pytest.approx(1.3)
    assert not stage.window.menuBar().isVisible()
    assert not stage.window.statusBar().isVisible()


def test_presenting_never_turns_columns_into_tabs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = desk.window.screen().size().width()
    monkeypatch.setattr("embedviz.gui.presentation.NARROW_WIDTH", screen / 1.1)
    desk.press(Key.Key_F5)
    assert desk.theme.scale == pytest.approx(1.1)
    desk.press(Key.Key_F5)
    monkeypatch.setattr("embedviz.gui.presentation.NARROW_WIDTH", 2 * screen)
    desk.press(Key.Key_F5)
    assert desk.theme.scale == pytest.approx(1.0)


def test_all_ways_out_bring_everything_back(desk: Desk) -> None:
    desk.theme.set_scale(1.1)
    size = desk.window.size()
    wide = desk.window.findChild(QTabWidget, "panelTabs") is None
    for way_out in (Key.Key_F5, Key.Key_Escape, None):
        desk.press(Key.Key_F5)
        assert desk.theme.scale == pytest.approx(1.43)
        if way_out is None:
            desk.click(desk.child(QToolButton, "presentButton"))
        else:
            desk.press(way_out)
        assert not desk.window.presentation.is_on
        assert not desk.window.isFullScreen()
        assert desk.theme.scale == pytest.approx(1.1)
        assert desk.window.menuBar().isVisible()
        assert desk.window.statusBar().isVisible()
    desk.qtbot.waitUntil(lambda: desk.window.size() == size)
    assert (desk.window.findChild(QTabWidget, "panelTabs") is None) is wide


def test_a_maximized_window_comes_back_maximized(desk: Desk) -> None:
    desk.window.showMaximized()
    desk.press(Key.Key_F5, times=2)
    assert desk.window.isMaximized()


def test_keys_work_although_the_own_line_has_the_focus(stage: Desk) -> None:
    line = stage.state.line
    plain, ctrl = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    for key, modifiers, command in (
        (Key.Key_Space, plain, m.Play("run-1", m.Until(converged=True))),
        (Key.Key_Right, ctrl, m.Advance("run-1", 1)),
        (Key.Key_Left, ctrl, m.GoTo("run-1", 19)),
        (Key.Key_Home, plain, m.GoTo("run-1", 0)),
        (Key.Key_BracketRight, plain, m.SetPace("run-1", 200)),
    ):
        stage.worker.sent.clear()
        stage.press(key, modifiers)
        assert stage.worker.sent == [command], key
    stage.worker.sent.clear()
    stage.tell_step(20)
    for key, index in ((Key.Key_Right, 0), (Key.Key_Right, 1), (Key.Key_Left, 0)):
        stage.press(key)
        assert stage.state.phase_index == index
    stage.press(Key.Key_Left)
    assert stage.worker.sent == [m.GoTo("run-1", 19)]
    assert stage.tokens.edit.hasFocus()
    assert stage.state.line == line


def test_letters_can_still_be_typed(stage: Desk) -> None:
    stage.press(Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    line = stage.state.line
    stage.type("at")
    assert stage.state.line == line + "at"


def test_a_full_stop_blanks_the_screen(stage: Desk) -> None:
    line = stage.state.line
    stage.press(Key.Key_Period)
    blank = stage.child(QWidget, "blank")
    assert blank.isVisible()
    assert blank.geometry() == stage.window.rect()
    assert blank.grab().toImage().pixelColor(50, 50).name() == "#000000"
    stage.press(Key.Key_Space)  # goes on behind it
    assert stage.sent(m.Play)
    with stage.qtbot.waitSignal(blank.destroyed):
        stage.press(Key.Key_Period)
    assert not stage.window.presentation.is_blank
    assert stage.state.line == line


def test_the_blank_covers_the_window_whatever_its_size(stage: Desk) -> None:
    stage.press(Key.Key_Period)
    stage.window.resize(stage.window.width() + 100, stage.window.height() + 50)
    stage.qtbot.waitUntil(lambda: stage.child(QWidget, "blank").geometry() == stage.window.rect())


def test_leaving_takes_the_blank_away(stage: Desk) -> None:
    stage.press(Key.Key_Period)
    blank = stage.child(QWidget, "blank")
    with stage.qtbot.waitSignal(blank.destroyed):
        stage.press(Key.Key_Escape)
    assert not stage.window.presentation.is_on


def test_outside_a_presentation_these_keys_mean_nothing(desk: Desk) -> None:
    desk.press(Key.Key_Escape)
    desk.press(Key.Key_Period)
    assert desk.window.isVisible()
    assert desk.window.findChild(QWidget, "blank") is None
    desk.focus(desk.tokens.edit)
    line = desk.state.line
    desk.press(Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    desk.type(".")
    assert desk.state.line == line + "."


def test_dialogs_keep_their_keys(stage: Desk) -> None:
    stage.action("keys").trigger()
    (dialog,) = (w for w in stage.window.findChildren(QWidget) if w.windowTitle() == "Keys")
    with stage.qtbot.waitSignal(dialog.destroyed):
        stage.qtbot.keyClick(dialog, Key.Key_Escape)
    assert stage.window.presentation.is_on


def test_closing_while_presenting_remembers_the_ordinary_window(make_desk: Callable[..., Desk], tmp_path) -> None:
    desk = make_desk()
    desk.window.show()
    desk.window.presentation.toggle()
    desk.window.close()
    assert Settings(tmp_path / "settings.ini").number("scale", 0) == 1.0
    again = make_desk(mode=None)
    again.window.restore()
    again.window.show()
    assert not again.window.isFullScreen()
