"""Texts opened before: what their rows say, which of them can be chosen, and that nobody waits for a look."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor
from start_rows import brand, focused, is_shown, looks, make_files, open_page, recent, remember
from test_fake_trainer import Desk

from embedviz.engine import messages as m
from embedviz.gui import start_recent
from embedviz.gui.settings import Settings
from embedviz.gui.start_page import StartPage
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


def test_nothing_opened_yet(desk: Desk) -> None:
    page = open_page(desk)
    assert recent(desk) == []
    assert "Nothing was opened yet" in desk.words(page)


def test_recent_texts_say_their_folder_and_whether_they_are_gone(full: Desk, files: list[Path]) -> None:
    page = open_page(full)
    rows = recent(full)
    assert "Nothing was opened yet" not in full.words(page)
    assert [one.line for one in rows] == [str(path.parent) for path in reversed(files)]
    assert [one.title for one in rows] == [path.name.replace("\n", "\ufffd") for path in reversed(files)]
    assert [one.mark for one in rows] == ["gone", "gone", *[""] * 6]
    assert [one.isEnabled() for one in rows] == [False, False, *[True] * 6]
    assert rows[0].accessibleName() == "last.txt, gone"
    inks = [darkest(one) for one in rows[:3]]
    assert inks[0] == inks[1] > inks[2] + 30  # what is gone is greyed


def darkest(one: StartRow) -> int:
    image = one.grab(QRect(0, 0, one.width() // 2, one.height() // 2)).toImage()
    places = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return min(QColor(image.pixel(x, y)).lightness() for x, y in places)


def test_a_text_that_went_away_is_seen_when_the_page_comes_again(full: Desk, files: list[Path]) -> None:
    open_page(full)
    full.press(Key.Key_Escape)
    files[-3].unlink()
    open_page(full)
    assert [one.mark for one in recent(full)][:4] == ["gone", "gone", "gone", ""]


def test_a_recent_text_is_opened_by_a_click(full: Desk, files: list[Path]) -> None:
    open_page(full)
    full.see(lambda: full.click(recent(full)[2]) or True)
    assert not is_shown(full)
    assert full.document.corpus.path == files[-3]
    assert full.parts.settings.recent()[0] == files[-3]


def test_a_text_that_is_gone_cannot_be_chosen(full: Desk) -> None:
    open_page(full)
    before = full.document
    full.click(recent(full)[0])
    assert is_shown(full)
    assert full.document is before
    assert not full.texts.busy


def test_a_drive_that_does_not_answer_keeps_nobody_waiting(full: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(start_recent, "is_there", lambda _path: answers.wait(60) and False)
    full.click(brand(full))
    assert is_shown(full)
    assert looks(full)
    assert [one.mark for one in recent(full)] == [""] * 8  # nothing is known, and all can be tried
    assert all(one.isEnabled() for one in recent(full))
    answers.set()
    full.qtbot.waitUntil(lambda: not looks(full))
    assert [one.mark for one in recent(full)] == ["gone"] * 8


def test_nobody_looks_while_the_page_is_hidden(full: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(full)
    looked: list[Path] = []
    monkeypatch.setattr(start_recent, "is_there", lambda path: looked.append(path) is None)
    full.press(Key.Key_Escape)
    full.texts.failed.emit()
    assert not looks(full)
    assert looked == []
    full.click(brand(full))
    full.qtbot.waitUntil(lambda: not looks(full))
    looked.clear()
    full.texts.failed.emit()
    full.qtbot.waitUntil(lambda: not looks(full))
    assert len(looked) == 8
    assert page.isVisible()


def test_the_keyboard_goes_on_where_a_text_is_gone(full: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    there = start_recent.is_there
    monkeypatch.setattr(start_recent, "is_there", lambda path: answers.wait(60) and there(path))
    full.click(brand(full))
    full.focus(recent(full)[0])
    answers.set()
    full.qtbot.waitUntil(lambda: not looks(full))
    assert focused(full) == "startRecent_2"  # the first that is there


def test_a_text_that_was_named_from_here_is_open_now(
    desk: Desk, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files[2].parent)
    desk.open_path(Path(files[2].name))
    assert desk.document.corpus.path == files[2]
    open_page(desk)
    assert [one.mark for one in recent(desk)] == ["open now"]
    runs = len(desk.sent(m.StartRun))
    desk.click(recent(desk)[0])
    assert not is_shown(desk)
    assert not desk.texts.busy
    assert len(desk.sent(m.StartRun)) == runs


def test_safe_mode_says_that_texts_are_left_aside(desk: Desk, files: list[Path]) -> None:
    aside = Settings.in_memory()
    page = StartPage(desk.state, desk.texts, aside, desk.theme)
    page.refresh()
    assert "Safe mode: texts opened before are left aside." in desk.words(page)
    assert "Nothing was opened yet" not in desk.words(page)
    page.deleteLater()


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_names_that_differ_far_behind_differ_in_their_rows(desk: Desk, scale: float) -> None:
    desk.theme.set_scale(scale)
    long = "Collected letters of the winter, as they were copied from the papers of a family by hand, "
    names = [f"{long}part {part} of the whole collection.txt" for part in range(5)]
    rows = [StartRow(name, "/somewhere", desk.theme, wraps=False) for name in names]
    shown = {tuple(one.title_lines(500)) for one in rows}
    assert len(shown) == 5
    for lines, one in zip((one.title_lines(500) for one in rows), rows, strict=True):
        assert len(lines) == 2
        assert one.title.startswith(lines[0])
        assert lines[1].endswith("of the whole collection.txt")
        assert one.heightForWidth(500) > one.heightForWidth(5000)
        one.deleteLater()


def test_a_name_beyond_the_basic_plane_is_cut_between_letters(desk: Desk) -> None:
    one = StartRow("\N{GRINNING FACE}" * 300, "", desk.theme, wraps=False)
    first, second = one.title_lines(400)
    assert set(first) == {"\N{GRINNING FACE}"}
    assert "\N{HORIZONTAL ELLIPSIS}" in second
    one.deleteLater()
