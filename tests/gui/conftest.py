"""What the window's tests share: a window on a fake trainer, opened on a small text, shown and active."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from test_fake_trainer import TEXT, Desk, FakeWorker

from embedviz.gui import app, controller
from embedviz.gui.app import Parts, make_application, make_window
from embedviz.gui.plots import base
from embedviz.gui.settings import Settings

SIZE = (1366, 768)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let Qt say of its own offscreen platform what is of no consequence."""
    item.add_marker(pytest.mark.qt_log_ignore(r"^This plugin does not support (propagateSizeHints|raise)\(\)"))


def put_away(parts: Parts) -> None:
    """Close a window and let all of it be deleted."""
    parts.close()
    for thing in (parts.window, parts.controller, parts.worker, parts.state, parts.notices, parts.theme):
        thing.deleteLater()


@pytest.fixture
def make_desk(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Give a function that makes a window as the app does, with a fake trainer; nothing is opened or shown."""
    monkeypatch.setattr(app, "TrainingWorker", FakeWorker)
    monkeypatch.setattr(controller, "FRAME_MS", 1)
    monkeypatch.setattr(controller, "SILENCE_CHECK_MS", 5)
    monkeypatch.setattr(base, "DESCRIBE_EVERY_MS", 5)
    desks: list[Desk] = []

    def make(mode: str | None = "light", scale: float | None = None) -> Desk:
        make_application()
        parts = make_window(Settings(tmp_path / "settings.ini"), mode=mode, scale=scale)
        assert isinstance(parts.worker, FakeWorker)
        desks.append(Desk(parts, parts.worker, qtbot))
        return desks[-1]

    yield make
    for desk in desks:
        put_away(desk.parts)


@pytest.fixture
def fresh_desk(make_desk: Callable[..., Desk], qtbot: QtBot) -> Desk:
    """Give a window that is shown and has a text open, but whose trainer has said nothing yet."""
    desk = make_desk()
    assert desk.window.texts.open_text(TEXT, "cats.txt", wait=True)
    desk.window.resize(*SIZE)
    with qtbot.waitActive(desk.window):
        desk.window.show()
        desk.window.activateWindow()
    desk.controller.begin()
    return desk


@pytest.fixture
def desk(fresh_desk: Desk) -> Desk:
    """Give a window whose trainer stands paused at step 0."""
    fresh_desk.answer()
    fresh_desk.show(0)
    return fresh_desk
