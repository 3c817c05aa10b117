"""Texts come in by menu, file, drop, clipboard and list of recents; what is no text ends in one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QPushButton
from test_fake_trainer import TEXT, Desk

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.gui import documents
from embedviz.gui.settings import MOST_RECENT
from embedviz.gui.state import Phase
from embedviz.text import corpus

NAMES = "\n".join(
    f"{first}{last}" for first in ("an", "bet", "cor", "del", "em") for last in ("na", "ty", "ra", "lo")
)


@pytest.fixture
def banana(tmp_path: Path) -> Path:
    path = tmp_path / "banana.txt"
    path.write_text("banana bandana " * 5, encoding="utf-8")
    return path


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text(NAMES, encoding="utf-8")
    return path


def menu(desk: Desk, *titles: str) -> QMenu:
    """Open a menu of the menu bar, as a person would, and return it."""
    found: QMenu | None = None
    actions: list[QAction] = desk.window.menuBar().actions()
    for title in titles:
        (action,) = (action for action in actions if action.text() == title)
        inner = action.menu()
        assert isinstance(inner, QMenu)
        inner.aboutToShow.emit()
        found, actions = inner, inner.actions()
    assert found is not None
    return found


def texts_menu(desk: Desk) -> list[QAction]:
    """Return what the menu of the button that names the text offers."""
    found = desk.window.top_bar.text.menu()
    found.aboutToShow.emit()
    return found.actions()


def data_of(path: Path | None = None, text: str = "") -> QMimeData:
    data = QMimeData()
    if path is not None:
        data.setUrls([QUrl.fromLocalFile(str(path))])
    if text:
        data.setText(text)
    return data


def is_open(desk: Desk, name: str) -> None:
    assert desk.document.corpus.name == name
    assert desk.window.top_bar.text.text() == name
    assert name in desk.words(desk.tokens)
    assert desk.window.windowTitle() == f"{name} – embedviz"


# --- the ways in ------------------------------------------------------------------------------------


def test_a_file_is_chosen(desk: Desk, banana: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(banana), ""))
    desk.action("openText").trigger()
    is_open(desk, "banana.txt")


def test_a_text_starts_a_run_of_its_own(desk: Desk, banana: Path) -> None:
    desk.pause(20)
    desk.worker.sent.clear()
    assert desk.window.texts.open_path(banana)
    assert m.StopRun("run-1") in desk.worker.sent
    (loaded,), (started,) = desk.sent(m.LoadDataset), desk.sent(m.StartRun)
    assert loaded.dataset.vocab_size == len(set("banana bandana"))
    assert (started.run_id, started.dataset_key, started.checkpoint) == ("run-2", loaded.key, None)
    assert desk.state.run.step == 0
    assert desk.snapshot.tables["token"].shape == (5, 5)
    assert desk.state.line_ids.max() < 5


@pytest.mark.parametrize("where", ["window", "chips", "own line", "heatmap"])
def test_a_file_is_dropped(desk: Desk, banana: Path, where: str) -> None:
    widgets = {
        "window": desk.window,
        "chips": desk.tokens.chips,
        "own line": desk.tokens.edit.viewport(),
        "heatmap": desk.table.heatmap,
    }
    assert desk.drop(widgets[where], data_of(banana))
    is_open(desk, "banana.txt")


def test_a_text_is_dropped(desk: Desk) -> None:
    assert desk.drop(desk.table.heatmap, data_of(text="banana bandana"))
    is_open(desk, "Dropped text")
    assert desk.document.corpus.text == "banana bandana"


def test_what_holds_no_text_is_not_taken(desk: Desk) -> None:
    data = QMimeData()
    data.setData("application/octet-stream", b"\1\2")
    assert not desk.drop(desk.window, data)
    link = QMimeData()
    link.setUrls([QUrl("https://example.org/banana.txt")])  # Qt makes a text of it, too
    assert not desk.drop(desk.window, link)


def test_the_clipboard(desk: Desk) -> None:
    QGuiApplication.clipboard().setText("banana bandana")
    desk.action("paste").trigger()
    is_open(desk, "Pasted text")


@pytest.mark.parametrize("sample", catalog.SAMPLES.values(), ids=lambda sample: sample.name)
def test_the_samples_are_in_the_menu(desk: Desk, sample: catalog.Sample) -> None:
    (action,) = (a for a in menu(desk, "File", "Samples").actions() if a.text() == sample.title)
    assert action.toolTip() == sample.line
    action.trigger()
    is_open(desk, sample.title)
    assert desk.document.corpus.per_line is sample.per_line
    assert desk.action("perLine").isChecked() is sample.per_line


def test_the_samples_are_behind_the_button_too(desk: Desk) -> None:
    (action,) = (a for a in texts_menu(desk) if a.text() == "Toy grammar")
    action.trigger()
    is_open(desk, "Toy grammar")


# --- what was opened before -------------------------------------------------------------------------


def recents(desk: Desk) -> list[str]:
    return [action.text() for action in menu(desk, "File", "Open recent").actions()]


def test_files_are_remembered_newest_first(desk: Desk, tmp_path: Path) -> None:
    assert recents(desk) == ["Nothing was opened yet"]
    assert not menu(desk, "File", "Open recent").actions()[0].isEnabled()
    paths = [tmp_path / f"text-{k}.txt" for k in range(MOST_RECENT + 2)]
    for path in paths:
        path.write_text("ab" * 20)
        assert desk.window.texts.open_path(path)
    expected = [path.name for path in paths[: 1 if len(paths) < MOST_RECENT else -MOST_RECENT - 1 : -1]]
    assert recents(desk) == expected
    assert desk.window.texts.open_path(paths[5])
    assert recents(desk) == ["text-5.txt", *(name for name in expected if name != "text-5.txt")]


def test_a_recent_file_opens_again(desk: Desk, banana: Path) -> None:
    assert desk.window.texts.open_path(banana)
    assert desk.window.texts.open_sample("fables")
    action = menu(desk, "File", "Open recent").actions()[0]
    assert action.toolTip() == str(banana)
    action.trigger()
    is_open(desk, "banana.txt")
    assert desk.window.texts.open_sample("fables")
    (action,) = (a for a in texts_menu(desk) if a.text() == "banana.txt")
    action.trigger()
    is_open(desk, "banana.txt")


def test_recent_files_are_remembered_over_a_restart(make_desk: Callable[..., Desk], banana: Path) -> None:
    first = make_desk()
    assert first.window.texts.open_path(banana)
    first.window.close()
    assert recents(make_desk()) == ["banana.txt"]


def test_only_what_was_opened_is_remembered(desk: Desk, tmp_path: Path) -> None:
    assert not desk.window.texts.open_path(tmp_path / "nowhere.txt")
    assert desk.window.texts.open_text("banana bandana")
    assert recents(desk) == ["Nothing was opened yet"]


# --- what is no text --------------------------------------------------------------------------------


def write(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "bad.txt"
        path.write_bytes(data)
        return path

    return make


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "bad.txt", "'bad.txt' was not found."),
    "folder": (lambda folder: folder, "is a folder: choose a file of text."),
    "empty": (write(b""), "'bad.txt' is empty."),
    "blank": (write(b" \n\t "), "'bad.txt' holds nothing but white space."),
    "one character": (write(b"x"), "'bad.txt' has only one character: there is nothing that could follow it."),
    "one symbol": (write(b"aaaa"), "'bad.txt' has only one symbol, 'a': there is nothing to tell apart."),
    "picture": (write(b"\x89PNG\0\0"), "'bad.txt' is not text: it has a NUL byte at offset 4."),
    "latin-1": (write("olé".encode("latin-1")), "belongs to no character; save it again as UTF-8."),
    "UTF-16": (write("ab".encode("utf-16")), "is that of UTF-16; save it again as UTF-8."),
    "large": (write(b"ab" * 600), "'bad.txt' is too large: a text may have 0.000954 MiB."),
    "too many symbols": (write("".join(map(chr, range(0x100, 0x180))).encode()), "(at most 100)."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_text_is_one_sentence_and_nothing_else_changes(
    desk: Desk, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "LIMIT", 1000)
    monkeypatch.setattr(documents, "MOST_SYMBOLS", 100)
    make, words = BAD[kind]
    desk.pause(20)
    before = desk.document, desk.state.run, desk.snapshot, desk.state.line, desk.state.config, desk.state.selected
    desk.worker.sent.clear()
    assert not desk.window.texts.open_path(make(tmp_path))
    (sentence,) = desk.sentences
    assert sentence.endswith(words)
    assert sentence.count(". ") == 0  # one sentence
    assert desk.window.notice_bar.sentence == sentence
    after = desk.document, desk.state.run, desk.snapshot, desk.state.line, desk.state.config, desk.state.selected
    assert all(old is new or old == new for old, new in zip(before, after, strict=True))
    assert desk.document is before[0]
    assert desk.worker.sent == []


def test_a_bad_text_while_training_asks_nothing_and_stops_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", pytest.fail)
    desk.play()
    desk.worker.sent.clear()
    assert not desk.window.texts.open_text("")
    assert desk.state.run.phase is Phase.PLAYING
    assert desk.worker.sent == []


def test_a_good_text_takes_the_sentence_about_a_bad_one_away(desk: Desk, banana: Path) -> None:
    assert not desk.window.texts.open_text("aaa")
    assert not desk.window.texts.open_text("b")
    assert len(desk.sentences) == 1  # the newest of its kind
    assert desk.window.texts.open_path(banana)
    assert desk.sentences == []
    assert not desk.window.notice_bar.isVisible()


def test_a_notice_can_be_dismissed(desk: Desk) -> None:
    assert not desk.window.texts.open_text("aaa")
    assert desk.window.notice_bar.isVisible()
    desk.click(desk.child(QPushButton, "noticeDismiss"))
    assert not desk.window.notice_bar.isVisible()
    assert desk.sentences == []


# --- while training ---------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.PLAYING, Phase.PAUSING])
def test_another_text_while_training_asks_first(
    desk: Desk, banana: Path, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Ok]

    def answer(*args: object) -> QMessageBox.StandardButton:
        asked.append(str(args[2]))
        return answers[len(asked) - 1]

    monkeypatch.setattr(QMessageBox, "question", answer)
    desk.play()
    desk.show(1234)
    desk.state.update_run(phase=phase)
    before = desk.document, desk.state.run, desk.snapshot
    desk.worker.sent.clear()
    assert not desk.window.texts.open_path(banana)  # Cancel
    assert (desk.document, desk.state.run, desk.snapshot) == before
    assert desk.worker.sent == []
    assert recents(desk) == ["Nothing was opened yet"]
    assert desk.window.texts.open_path(banana)
    is_open(desk, "banana.txt")
    assert len(asked) == 2
    assert "step 1,234" in asked[0]


def test_another_text_while_paused_does_not_ask(desk: Desk, banana: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", pytest.fail)
    desk.pause(20)
    assert desk.window.texts.open_path(banana)


# --- lists ------------------------------------------------------------------------------------------


def test_a_list_opened_as_text_is_offered_as_a_list(desk: Desk, names: Path) -> None:
    assert desk.window.texts.open_path(names)
    assert not desk.document.corpus.per_line
    assert not desk.action("perLine").isChecked()
    assert desk.sentences == ["‘names.txt’ looks like a list with one item per line."]
    button = desk.child(QPushButton, "noticeAction")
    assert button.text() == "Train on items"
    desk.click(button)
    assert desk.document.corpus.per_line
    assert desk.action("perLine").isChecked()
    assert desk.state.config.per_line
    assert desk.sent(m.StartRun)[-1].config.per_line
    boundary = desk.document.tokenizer.vocabulary.index("\n")
    assert desk.document.dataset.boundary_id == boundary
    assert desk.sentences == []
    assert "names.txt, one item per line" in desk.words(desk.tokens)


def test_a_text_is_not_offered_as_a_list(desk: Desk) -> None:
    assert desk.window.texts.open_sample("fables")
    assert desk.sentences == []


def test_the_menu_switches_between_text_and_list(desk: Desk, names: Path) -> None:
    assert desk.window.texts.open_path(names)
    desk.action("perLine").trigger()
    assert desk.document.corpus.per_line
    assert desk.sentences == []  # the offer is settled
    desk.action("perLine").trigger()
    assert not desk.document.corpus.per_line
    assert not desk.action("perLine").isChecked()
    assert not desk.sent(m.StartRun)[-1].config.per_line


def test_what_is_no_list_stays_a_text(desk: Desk) -> None:
    assert desk.window.texts.open_text("banana bandana")
    before = desk.document
    desk.action("perLine").trigger()
    assert desk.sentences == ["'Pasted text' is no list: it has only one line that is not blank."]
    assert not desk.action("perLine").isChecked()
    assert desk.document is before


def test_cancelling_the_switch_to_a_list_leaves_the_menu_as_it_was(
    desk: Desk, names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Cancel)
    assert desk.window.texts.open_path(names)
    desk.play()
    desk.action("perLine").trigger()
    assert not desk.action("perLine").isChecked()
    assert not desk.document.corpus.per_line


def test_the_trainer_gets_each_text_once(desk: Desk) -> None:
    assert len(desk.sent(m.LoadDataset)) == 1
    desk.controller.restart(desk.state.config.replace(seed=5))  # a list would be shuffled anew; a text is not
    desk.controller.restart(desk.state.config.replace(lr=0.2))
    assert len(desk.sent(m.LoadDataset)) == 1
    desk.controller.restart(desk.state.config.replace(val_fraction=0.5))
    assert len(desk.sent(m.LoadDataset)) == 2
    assert len(desk.document.dataset.val_ids) == pytest.approx(len(TEXT) / 2, abs=1)


def test_the_own_line_and_the_selection_survive_another_split(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("the hat")
    desk.state.select(2)
    desk.controller.restart(desk.state.config.replace(val_fraction=0.5))
    assert (desk.state.line, desk.state.selected) == ("the hat", 2)
