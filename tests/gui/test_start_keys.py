"""The keyboard on the start page: arrows walk, Return and Space choose, and no run is moved by it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QScrollArea
from start_rows import focused, is_shown, make_files, open_page, remember, row
from test_fake_trainer import Desk

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.gui.start_row import StartRow

PLAIN, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Key = Qt.Key
SIZES = [((1366, 768), 1.0), ((1920, 1080), 1.25), ((880, 588), 1.0), ((1366, 768), 1.25)]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return make_files(tmp_path)


@pytest.fixture
def full(desk: Desk, files: list[Path]) -> Desk:
    """Give a window that remembers eight texts, the last of `files` first; the newest two are gone."""
    remember(desk, files)
    return desk


def test_arrows_walk_through_all_rows_and_move_no_run(full: Desk) -> None:
    page = open_page(full)
    full.worker.sent.clear()
    assert focused(full) == "startOpen"
    walked = [focused(full)]
    for _ in range(30):
        full.press(Key.Key_Down)
        if focused(full) == walked[-1]:
            break
        walked.append(focused(full))
    rows = {one.objectName() for one in page.findChildren(StartRow) if one.isEnabled()}
    assert set(walked) == rows
    assert len(walked) == len(rows)
    full.press(Key.Key_Home)
    assert focused(full) == walked[0]
    full.press(Key.Key_Up)
    assert focused(full) == walked[0]
    full.press(Key.Key_Right)
    assert focused(full).startswith("startSample_")
    full.press(Key.Key_Right)
    assert focused(full).startswith("startSample_")
    full.press(Key.Key_Left)
    assert focused(full) == walked[0]
    full.press(Key.Key_End)
    assert focused(full) == walked[-1] == "startModel_llama"
    assert full.worker.sent == []


def test_tab_reaches_every_row_in_the_order_in_which_they_stand(full: Desk) -> None:
    page = open_page(full)
    reached = [focused(full)]
    while len(reached) < 40:
        full.press(Key.Key_Tab)
        if focused(full) == "startOpen":
            break
        reached.append(focused(full))
    rows = [name for name in reached if full.window.findChild(StartRow, name) is not None]
    recents = [f"startRecent_{at}" for at in range(2, 8)]
    samples, models = (
        [f"start{kind}_{name}" for name in table]
        for kind, table in (("Sample", catalog.SAMPLES), ("Model", catalog.MODELS))
    )
    assert rows == ["startOpen", "startPaste", *recents, *samples, *models]
    assert "startBack" in reached
    assert "brandButton" in reached
    assert page.isVisible()


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter, Key.Key_Space])
def test_return_and_space_choose(desk: Desk, key: Qt.Key) -> None:
    open_page(desk)
    desk.focus(row(desk, "startModel_mlp"))
    desk.press(key)
    assert not is_shown(desk)
    assert desk.state.config.model == "mlp"
    assert desk.sent(m.Play) == []


def test_the_row_that_the_keyboard_is_on_is_in_sight(full: Desk) -> None:
    full.window.resize(900, 620)
    full.qtbot.waitUntil(lambda: full.window.size() == QSize(900, 620))
    page = open_page(full)
    view = page.findChildren(QScrollArea)[0].viewport()
    full.qtbot.waitUntil(lambda: page.findChildren(QScrollArea)[0].verticalScrollBar().maximum() > 0)
    for key in (Key.Key_End, Key.Key_Home):
        full.press(key)
        one = row(full, focused(full))
        place = QRect(one.mapTo(view, QPoint(0, 0)), one.size())
        assert view.rect().contains(place)
