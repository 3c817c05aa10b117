"""The start page: one click away, in the panels' place, and back again with everything as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMenu,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QToolButton,
    QWidget,
)
from start_rows import brand, focused, is_shown, make_files, open_page, recent, remember, row
from test_fake_trainer import Desk

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.gui.brand import Brand
from embedviz.gui.start_page import StartPage
from embedviz.gui.start_row import StartRow
from embedviz.gui.state import Phase

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


# --- there and back ---------------------------------------------------------------------------------


def test_the_window_opens_without_the_page_and_does_not_make_it(desk: Desk) -> None:
    assert not is_shown(desk)
    assert desk.window.findChild(StartPage) is None


def test_one_click_opens_the_page_and_another_brings_the_panels_back(desk: Desk) -> None:
    open_page(desk)
    assert not any(desk.window.panel(title).isVisible() for title in ("Tokens", "Lookup table", "Training"))
    desk.click(brand(desk))
    assert not is_shown(desk)
    assert desk.table.isVisible()


@pytest.mark.parametrize("way", ["escape", "key", "button", "action"])
def test_ways_back(desk: Desk, way: str) -> None:
    desk.press(Key.Key_H, CTRL | SHIFT)
    assert is_shown(desk)
    if way == "escape":
        desk.press(Key.Key_Escape)
    elif way == "key":
        desk.press(Key.Key_H, CTRL | SHIFT)
    elif way == "button":
        desk.click(desk.child(QPushButton, "startBack"))
    else:
        desk.action("startPage").trigger()
    assert not is_shown(desk)
    desk.press(Key.Key_Escape)  # is nobody's now
    assert not is_shown(desk)


def test_escape_goes_back_wherever_the_keyboard_is(desk: Desk) -> None:
    open_page(desk)
    desk.focus(brand(desk))
    desk.press(Key.Key_Escape)
    assert not is_shown(desk)


def test_everything_is_as_it_was(desk: Desk) -> None:
    splitters = [desk.child(QSplitter, name) for name in ("columns", "rows")]
    splitters[0].setSizes([300, 700, 350])
    splitters[1].setSizes([400, 250])
    desk.switch(desk.table, "softmax")
    desk.focus(desk.tokens.edit)
    desk.qtbot.waitUntil(lambda: desk.table.width() == splitters[0].sizes()[1])
    before = [splitter.sizes() for splitter in splitters], desk.table.geometry()
    desk.press(Key.Key_H, CTRL | SHIFT)  # a click would take the keyboard away
    assert is_shown(desk)
    desk.press(Key.Key_Escape)
    desk.qtbot.waitUntil(lambda: ([splitter.sizes() for splitter in splitters], desk.table.geometry()) == before)
    assert desk.table.mode.value == "softmax"
    assert desk.tokens.edit.hasFocus()


def test_tabs_stay_at_the_one_that_was_shown(desk: Desk) -> None:
    desk.window.resize(1000, 700)
    desk.qtbot.waitUntil(lambda: desk.window.findChild(QTabWidget, "panelTabs") is not None)
    tabs = desk.child(QTabWidget, "panelTabs")
    tabs.setCurrentIndex(2)
    assert not desk.child(Brand, "brandButton").is_named
    open_page(desk)
    assert not tabs.isVisible()
    desk.click(brand(desk))
    assert tabs.isVisible()
    assert tabs.currentIndex() == 2
    assert desk.following.isVisible()


def test_the_page_stays_while_the_window_becomes_narrow_and_wide_again(desk: Desk) -> None:
    open_page(desk)
    for width in (1000, 1366):
        desk.window.resize(width, 700)
        desk.qtbot.waitUntil(lambda width=width: desk.window.width() == width)
        assert is_shown(desk)
        assert not desk.table.isVisible()
    desk.press(Key.Key_Escape)
    assert all(desk.window.panel(title).isVisible() for title in ("Tokens", "Lookup table", "Training"))


def test_training_goes_on_meanwhile(desk: Desk) -> None:
    desk.play()
    open_page(desk)
    for step in (10, 20):
        desk.show(step)
    assert desk.state.run.phase is Phase.PLAYING
    assert desk.snapshot.step == 20
    assert is_shown(desk)
    desk.press(Key.Key_Escape)
    assert "step 20" in desk.words(desk.following)
    assert desk.sent(m.Pause) == []


def test_no_training_begins_behind_the_page(desk: Desk) -> None:
    open_page(desk)
    desk.focus(brand(desk))
    desk.press(Key.Key_Space)
    assert len(desk.sent(m.Play)) == 1
    desk.play()
    assert not is_shown(desk)


def test_escape_leaves_the_page_before_the_presentation(desk: Desk) -> None:
    desk.press(Key.Key_F5)
    assert desk.window.presentation.is_on
    open_page(desk)
    desk.press(Key.Key_Down)
    assert focused(desk) == "startPaste"
    desk.press(Key.Key_Escape)
    assert not is_shown(desk)
    assert desk.window.presentation.is_on
    desk.press(Key.Key_Escape)
    assert not desk.window.presentation.is_on


# --- what is on it ----------------------------------------------------------------------------------


def test_a_model_and_a_sample_in_a_line_each(desk: Desk) -> None:
    open_page(desk)
    for kind, table in (("Sample", catalog.SAMPLES), ("Model", catalog.MODELS)):
        for name, entry in table.items():
            one = row(desk, f"start{kind}_{name}")
            assert (one.title, one.line) == (entry.title, entry.line)
            assert one.accessibleDescription() == entry.line


def test_what_is_open_and_trained_is_marked(desk: Desk, files: list[Path]) -> None:
    page = open_page(desk)

    def marked() -> list[str]:
        rows = page.findChildren(StartRow)
        assert all(one.is_current == one.mark.endswith(" now") for one in rows)
        return [one.title for one in rows if one.is_current]

    assert marked() == ["Bigram table"]  # the text was pasted
    desk.open_sample("names")
    open_page(desk)
    assert marked() == ["Given names", "Bigram table"]
    desk.click(row(desk, "startModel_mlp"))
    open_page(desk)
    assert marked() == ["Given names", "MLP"]
    desk.open_path(files[2])
    open_page(desk)
    assert sorted(marked()) == ["MLP", "Тоска.txt"]


def test_an_ampersand_in_a_name_is_an_ampersand_everywhere(full: Desk, files: list[Path]) -> None:
    full.open_path(files[1])
    assert full.child(QToolButton, "textButton").text() == "R&&D <b>notes.txt"  # which Qt shows as one
    open_page(full)
    assert recent(full)[0].title == files[1].name
    for menu in full.window.findChildren(QMenu):
        menu.aboutToShow.emit()
        assert not any(action.text().startswith("R&D") for action in menu.actions())


# --- choosing ---------------------------------------------------------------------------------------


def test_a_sample_is_opened_by_a_click(desk: Desk) -> None:
    open_page(desk)
    desk.see(lambda: desk.click(row(desk, "startSample_names")) or True)
    assert not is_shown(desk)
    assert desk.document.corpus.name == "Given names"


def test_a_model_begins_a_run(desk: Desk) -> None:
    open_page(desk)
    before = len(desk.sent(m.StartRun))
    desk.click(row(desk, "startModel_mlp"))
    assert not is_shown(desk)
    assert [command.config.model for command in desk.sent(m.StartRun)[before:]] == ["mlp"]
    assert desk.state.config == desk.state.config.with_model("mlp")


def test_choosing_what_is_there_already_begins_nothing(desk: Desk) -> None:
    desk.open_sample("names")
    desk.answer()
    desk.pause(500)
    before, sent = desk.document, len(desk.worker.sent)
    for name in ("startModel_bigram", "startSample_names"):
        open_page(desk)
        desk.click(row(desk, name))
        assert not is_shown(desk)
    assert desk.document is before
    assert not desk.texts.busy
    assert len(desk.sent(m.StartRun)) == len([c for c in desk.worker.sent[:sent] if isinstance(c, m.StartRun)])


def test_the_page_stays_where_the_person_keeps_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Cancel)
    desk.play()
    desk.show(500)
    open_page(desk)
    before = desk.document
    for name in ("startSample_names", "startModel_mlp"):
        desk.click(row(desk, name))
        assert is_shown(desk)
    assert desk.document is before
    assert desk.state.config.model == "bigram"


def test_open_asks_for_a_file_and_the_page_stays_without_one(
    desk: Desk, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(desk)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    desk.click(row(desk, "startOpen"))
    assert page.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(files[0]), ""))
    desk.see(lambda: desk.click(row(desk, "startOpen")) or True)
    assert not is_shown(desk)
    assert desk.document.corpus.path == files[0]


def test_the_clipboard_is_trained_on_unless_it_is_empty(desk: Desk) -> None:
    open_page(desk)
    QGuiApplication.clipboard().clear()
    desk.click(row(desk, "startPaste"))
    assert is_shown(desk)
    assert desk.sentences == ["The clipboard holds no text: copy some first."]
    assert desk.window.notice_bar.isVisible()
    QGuiApplication.clipboard().setText("banana bandana")
    desk.see(lambda: desk.click(row(desk, "startPaste")) or True)
    assert not is_shown(desk)
    assert desk.document.corpus.text == "banana bandana"


def test_a_text_dropped_on_the_page_is_opened(desk: Desk, files: list[Path]) -> None:
    page = open_page(desk)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(files[2]))])
    desk.see(lambda: desk.drop(page, data))
    assert not is_shown(desk)
    assert desk.document.corpus.path == files[2]


# --- the look ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "scale"), SIZES, ids=str)
def test_rows_fit_beside_and_below_each_other(full: Desk, size: tuple[int, int], scale: float) -> None:
    full.theme.set_scale(scale)
    full.window.resize(*size)
    page = open_page(full)
    full.qtbot.waitUntil(lambda: full.window.width() >= size[0])
    QApplication.sendPostedEvents()
    rows = [one for one in page.findChildren(StartRow) if one.isVisible()]
    assert len(rows) == 2 + 8 + len(catalog.SAMPLES) + len(catalog.MODELS)
    places = [QRect(one.mapTo(page, QPoint(0, 0)), one.size()) for one in rows]
    for at, place in enumerate(places):
        assert place.left() >= 0
        assert place.right() < page.width()
        assert place.height() >= rows[at].heightForWidth(place.width())
        assert not any(place.intersects(other) for other in places[at + 1 :])


def test_everything_fits_the_window_of_a_projector(full: Desk) -> None:
    page = open_page(full)
    QApplication.sendPostedEvents()
    assert page.findChildren(QScrollArea)[0].verticalScrollBar().maximum() == 0


def test_the_page_follows_theme_and_scale(desk: Desk) -> None:
    page = open_page(desk)
    one = row(desk, "startModel_mlp")
    high, light = one.height(), page.grab().toImage().pixelColor(60, 300).lightness()
    desk.theme.set_scale(1.5)
    desk.theme.set_mode("dark")
    desk.qtbot.waitUntil(lambda: one.height() > 1.3 * high)
    assert page.grab().toImage().pixelColor(60, 300).lightness() < light - 100


def test_the_app_icon_is_the_way_to_the_page_in_any_width(desk: Desk) -> None:
    button = desk.child(Brand, "brandButton")
    assert button.is_named
    assert not button.icon().isNull()
    assert button.accessibleName() == "Start page"
    desk.window.resize(900, 620)
    desk.qtbot.waitUntil(lambda: not button.is_named)
    assert button.isVisible()
    desk.window.resize(1366, 768)
    desk.qtbot.waitUntil(lambda: button.is_named)


def test_the_window_has_the_icon(make_desk: Callable[..., Desk]) -> None:
    window: QWidget = make_desk().window
    assert not window.windowIcon().isNull()
