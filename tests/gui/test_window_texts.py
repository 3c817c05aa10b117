"""Texts come in by menu, file, drop, clipboard and list of recents; what is no text ends in one sentence."""

import threading
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QProgressBar, QPushButton, QToolButton, QWidget
from test_fake_trainer import TEXT, Desk

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui import limits, texts
from embedviz.gui.progress_bar import APPEARS_AFTER_MS
from embedviz.gui.settings import MOST_RECENT
from embedviz.gui.state import Phase
from embedviz.gui.tokenizer_choice import TokenizerSegments
from embedviz.text import corpus
from embedviz.text.corpus import Corpus
from embedviz.text.progress import Progress, quiet
from embedviz.text.word_tokenizer import WordTokenizer

YES_OR_NO = (QMessageBox.StandardButton.Ok, QMessageBox.StandardButton.Cancel)
SLOW = "this is read slowly " * 9
SLOW_LIST = "\n".join(f"slow {number}" for number in range(40))
SLOW_BAD = "s" * 99  # of one symbol
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


class Gate:
    """Stands before the reading of what is slow: that comes to 43 %, and no further until the gate is opened."""

    def __init__(self) -> None:
        self.began, self.open, self.left = threading.Event(), threading.Event(), threading.Event()

    def read(self, text: str, name: str, progress: Progress = quiet) -> Corpus:
        if text in (SLOW, SLOW_LIST, SLOW_BAD):
            self.began.set()
            try:
                while not self.open.wait(0.002):
                    progress("Reading", 0.43)
            finally:
                self.left.set()
        return corpus.corpus_from_text(text, name, progress)


def keep_cutting(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Give a gate that stands before all that is read and cut."""
    made, prepare = Gate(), texts._prepare

    def wait(read: Callable[[Progress], Corpus], config: RunConfig, progress: Progress) -> object:
        made.began.set()
        while not made.open.wait(0.002):
            progress("Cutting", 0.5)
        return prepare(read, config, progress)

    monkeypatch.setattr(texts, "_prepare", wait)
    return made


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(texts, "corpus_from_text", made.read)
    return made


class ShowWatcher(QObject):
    """Counts how often a widget was shown."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.shown = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.shown += event.type() == QEvent.Type.Show
        return False


def answers(monkeypatch: pytest.MonkeyPatch, *given: QMessageBox.StandardButton) -> list[str]:
    """Answer questions in this order; return what was asked, as it comes."""
    asked: list[str] = []

    def answer(*args: object) -> QMessageBox.StandardButton:
        asked.append(str(args[2]))
        return given[len(asked) - 1]

    monkeypatch.setattr(QMessageBox, "question", answer)
    return asked


def menu(desk: Desk, *titles: str) -> QMenu:
    """Open a menu of the menu bar, as a person would, and return it."""
    found: QMenu | None = None
    actions: list[QAction] = desk.window.menuBar().actions()
    for title in titles:
        (action,) = (action for action in actions if action.text().replace("&", "") == title)
        inner = action.menu()
        assert isinstance(inner, QMenu)
        inner.aboutToShow.emit()
        found, actions = inner, inner.actions()
    assert found is not None
    return found


def trigger(desk: Desk, action: QAction) -> None:
    """Choose an entry that opens a text, and wait until that is open."""
    with desk.qtbot.waitSignal(desk.texts.opened):
        action.trigger()


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
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.action("openText").trigger()
    is_open(desk, "banana.txt")


def test_a_text_starts_a_run_of_its_own(desk: Desk, banana: Path) -> None:
    desk.pause(20)
    desk.worker.sent.clear()
    desk.open_path(banana)
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
    desk.see(lambda: desk.drop(widgets[where], data_of(banana)))
    is_open(desk, "banana.txt")


def test_a_text_is_dropped(desk: Desk) -> None:
    desk.see(lambda: desk.drop(desk.table.heatmap, data_of(text="banana bandana")))
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
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.action("paste").trigger()
    is_open(desk, "Pasted text")


@pytest.mark.parametrize("sample", catalog.SAMPLES.values(), ids=lambda sample: sample.name)
def test_the_samples_are_in_the_menu(desk: Desk, sample: catalog.Sample) -> None:
    (action,) = (a for a in menu(desk, "File", "Samples").actions() if a.text() == sample.title)
    assert action.toolTip() == sample.line
    trigger(desk, action)
    is_open(desk, sample.title)
    assert desk.document.corpus.per_line is sample.per_line
    assert desk.action("perLine").isChecked() is sample.per_line


def test_the_samples_are_behind_the_button_too(desk: Desk) -> None:
    (action,) = (a for a in texts_menu(desk) if a.text() == "Toy grammar")
    trigger(desk, action)
    is_open(desk, "Toy grammar")


# --- what was opened before -------------------------------------------------------------------------


def recents(desk: Desk) -> list[str]:
    entries = menu(desk, "File", "Open recent").actions()
    assert len(entries) == 1 or entries[-1].text() == "Clear the list"
    return [action.text() for action in entries if action.data() or not action.isEnabled()]


def test_files_are_remembered_newest_first(desk: Desk, tmp_path: Path) -> None:
    assert recents(desk) == ["Nothing was opened yet"]
    assert not menu(desk, "File", "Open recent").actions()[0].isEnabled()
    paths = [tmp_path / f"text-{k}.txt" for k in range(MOST_RECENT + 2)]
    for path in paths:
        path.write_text("ab" * 20)
        desk.open_path(path)
    expected = [path.name for path in paths[: 1 if len(paths) < MOST_RECENT else -MOST_RECENT - 1 : -1]]
    assert recents(desk) == expected
    desk.open_path(paths[5])
    assert recents(desk) == ["text-5.txt", *(name for name in expected if name != "text-5.txt")]


def test_a_recent_file_opens_again(desk: Desk, banana: Path) -> None:
    desk.open_path(banana)
    desk.open_sample("fables")
    action = menu(desk, "File", "Open recent").actions()[0]
    assert action.toolTip() == str(banana)
    trigger(desk, action)
    is_open(desk, "banana.txt")
    desk.open_sample("fables")
    (action,) = (a for a in texts_menu(desk) if a.text() == "banana.txt")
    trigger(desk, action)
    is_open(desk, "banana.txt")


def test_recent_files_are_remembered_over_a_restart(make_desk: Callable[..., Desk], banana: Path) -> None:
    first = make_desk()
    first.open_path(banana)
    first.window.close()
    assert recents(make_desk()) == ["banana.txt"]


def test_only_what_was_opened_is_remembered(desk: Desk, tmp_path: Path) -> None:
    desk.see_no(lambda: desk.texts.open_path(tmp_path / "nowhere.txt"))
    desk.open_text("banana bandana")
    assert recents(desk) == ["Nothing was opened yet"]


def test_a_recent_file_that_is_gone_is_grey(desk: Desk, banana: Path, names: Path) -> None:
    desk.open_path(names)
    desk.open_path(banana)
    names.unlink()
    here, gone = menu(desk, "File", "Open recent").actions()[:2]
    assert (here.text(), here.isEnabled()) == ("banana.txt", True)
    assert (gone.text(), gone.isEnabled()) == ("names.txt", False)
    assert gone.toolTip() == f"{names} is not there any more"
    names.write_text(NAMES)  # the drive is back
    assert menu(desk, "File", "Open recent").actions()[1].isEnabled()


def test_a_recent_file_that_goes_while_the_menu_is_open_is_one_sentence(desk: Desk, banana: Path) -> None:
    desk.open_path(banana)
    desk.open_sample("fables")
    action = menu(desk, "File", "Open recent").actions()[0]
    banana.unlink()
    with desk.qtbot.waitSignal(desk.texts.failed):
        action.trigger()
    assert desk.sentences == ["'banana.txt' was not found."]


def test_the_list_of_recent_files_can_be_cleared(desk: Desk, banana: Path) -> None:
    desk.open_path(banana)
    menu(desk, "File", "Open recent").actions()[-1].trigger()
    assert recents(desk) == ["Nothing was opened yet"]
    is_open(desk, "banana.txt")


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
    "large": (write(b"ab" * 600), "'bad.txt' is too large: a text may have 0.000954 MiB."),
    "device": (lambda _folder: Path("/dev/null"), "'null' is not a file but a device: choose a file of text."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_text_is_one_sentence_and_nothing_else_changes(
    desk: Desk, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "LIMIT", 1000)
    make, words = BAD[kind]
    desk.pause(20)
    before = desk.document, desk.state.run, desk.snapshot, desk.state.line, desk.state.config, desk.state.selected
    desk.worker.sent.clear()
    desk.see_no(lambda: desk.texts.open_path(make(tmp_path)))
    (sentence,) = desk.sentences
    assert sentence.endswith(words)
    assert sentence.count(". ") == 0  # one sentence
    assert desk.window.notice_bar.sentence == sentence
    after = desk.document, desk.state.run, desk.snapshot, desk.state.line, desk.state.config, desk.state.selected
    assert all(old is new or old == new for old, new in zip(before, after, strict=True))
    assert desk.document is before[0]
    assert desk.worker.sent == []


def test_a_bad_text_while_training_stops_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Ok)
    desk.play()
    desk.worker.sent.clear()
    desk.see_no(lambda: desk.texts.open_text(""))
    assert len(asked) == 1
    assert len(desk.sentences) == 1
    assert desk.state.run.phase is Phase.PLAYING
    assert desk.worker.sent == []


def test_a_good_text_takes_the_sentence_about_a_bad_one_away(desk: Desk, banana: Path) -> None:
    desk.see_no(lambda: desk.texts.open_text("aaa"))
    desk.see_no(lambda: desk.texts.open_text("b"))
    assert len(desk.sentences) == 1  # the newest of its kind
    desk.open_path(banana)
    assert desk.sentences == []
    assert not desk.window.notice_bar.isVisible()


def test_a_notice_can_be_dismissed(desk: Desk) -> None:
    desk.see_no(lambda: desk.texts.open_text("aaa"))
    assert desk.window.notice_bar.isVisible()
    desk.click(desk.child(QPushButton, "noticeDismiss"))
    assert not desk.window.notice_bar.isVisible()
    assert desk.sentences == []


# --- while training ---------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.PLAYING, Phase.PAUSING])
def test_another_text_while_training_asks_first(
    desk: Desk, banana: Path, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Ok)
    desk.play()
    desk.show(1234)
    desk.state.update_run(phase=phase)
    before = desk.document, desk.state.run, desk.snapshot
    desk.worker.sent.clear()
    assert not desk.texts.open_path(banana)  # Cancel
    assert not desk.texts.busy  # nothing is read before the answer
    assert (desk.document, desk.state.run, desk.snapshot) == before
    assert desk.worker.sent == []
    assert recents(desk) == ["Nothing was opened yet"]
    desk.open_path(banana)
    is_open(desk, "banana.txt")
    assert len(asked) == 2
    assert "step 1,234" in asked[0]


def test_a_newer_wish_is_not_asked_about_again(
    desk: Desk, banana: Path, names: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Ok)
    desk.play()
    assert desk.texts.open_text(SLOW)
    assert desk.texts.open_path(names)
    desk.open_path(banana)
    is_open(desk, "banana.txt")
    assert len(asked) == 1
    assert desk.sent(m.StartRun)[-1].run_id == "run-2"  # and not one for each wish


def test_another_tokenizer_while_training_asks_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Ok)
    desk.play()
    desk.see(lambda: desk.texts.set_tokenizer("word"))
    assert len(asked) == 1
    assert desk.document.tokenizer.name == "word"


def test_another_text_while_paused_does_not_ask(desk: Desk, banana: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", pytest.fail)
    desk.pause(20)
    desk.open_path(banana)


def test_another_model_asks_before_it_ends_a_run_of_many_steps(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Ok)
    desk.play()
    desk.show(101)
    before = desk.state.config
    with desk.qtbot.waitSignal(desk.texts.failed):
        assert not desk.texts.apply(before.with_model("mlp"))  # Cancel
    assert desk.state.config == before
    assert desk.texts.apply(before.with_model("mlp"))
    assert desk.sent(m.StartRun)[-1].config.model == "mlp"
    assert asked == ["Training is under way (step 101). Another model starts a new run from step 0."] * 2


def test_a_few_steps_or_another_rate_are_not_asked_about(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", pytest.fail)
    desk.play()
    desk.show(100)
    assert desk.texts.apply(desk.state.config.with_model("mlp"))
    desk.play()
    desk.show(5000)
    assert desk.texts.apply(desk.state.config.replace(lr=0.5))
    desk.pause(5000)
    assert desk.texts.apply(desk.state.config.with_model("bigram"))  # nothing goes on that this could end


def test_a_text_that_is_ready_while_another_model_is_asked_about_opens_then(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask_while(desk, gate, monkeypatch, QMessageBox.StandardButton.Ok)
    assert desk.texts.open_text(SLOW)
    desk.play()
    desk.show(5000)
    with desk.qtbot.waitSignal(desk.texts.opened):
        assert desk.texts.apply(desk.state.config.with_model("mlp"))
    assert len(asked) == 1
    assert desk.sent(m.StartRun)[-1].config.model == "mlp"


def test_a_model_that_reads_bytes_cuts_the_text_anew(desk: Desk) -> None:
    desk.see(lambda: desk.texts.apply(desk.state.config.with_model("token-position")))
    assert (desk.document.tokenizer.name, desk.state.config.tokenizer) == ("byte", "byte")
    assert desk.child(TokenizerSegments, "tokenizerSegments").value == "byte"
    assert desk.texts.apply(desk.state.config.with_model("transformer"))
    assert desk.document.tokenizer.name == "byte"
    desk.see(lambda: desk.texts.set_tokenizer("char"))
    assert desk.state.config.model == "transformer"


def test_what_contradicts_itself_is_a_notice(desk: Desk) -> None:
    before = desk.state.config
    assert not desk.texts.change({"n_layer": 25})
    assert desk.sentences == ["Layers is 25, but has to be a whole number from 0 to 24."]
    assert desk.texts.change({})  # which is what runs
    assert desk.state.config is before


# --- lists ------------------------------------------------------------------------------------------


def test_a_list_opened_as_text_is_offered_as_a_list(desk: Desk, names: Path) -> None:
    desk.open_path(names)
    assert not desk.document.corpus.per_line
    assert not desk.action("perLine").isChecked()
    assert desk.sentences == ["‘names.txt’ looks like a list with one item per line."]
    button = desk.child(QPushButton, "noticeAction")
    assert button.text() == "Train on items"
    with desk.qtbot.waitSignal(desk.texts.opened):
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
    desk.open_sample("fables")
    assert desk.sentences == []


def test_the_menu_switches_between_text_and_list(desk: Desk, names: Path) -> None:
    desk.open_path(names)
    trigger(desk, desk.action("perLine"))
    assert desk.document.corpus.per_line
    assert desk.sentences == []  # the offer is settled
    trigger(desk, desk.action("perLine"))
    assert not desk.document.corpus.per_line
    assert not desk.action("perLine").isChecked()
    assert not desk.sent(m.StartRun)[-1].config.per_line


def test_what_is_no_list_stays_a_text(desk: Desk) -> None:
    desk.open_text("banana bandana")
    before = desk.document
    with desk.qtbot.waitSignal(desk.texts.failed):
        desk.action("perLine").trigger()
    assert desk.sentences == ["'Pasted text' is no list: it has only one line that is not blank."]
    assert not desk.action("perLine").isChecked()
    assert desk.document is before


def test_cancelling_the_switch_to_a_list_leaves_the_menu_as_it_was(
    desk: Desk, names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Cancel)
    desk.open_path(names)
    desk.play()
    desk.action("perLine").trigger()
    assert not desk.action("perLine").isChecked()
    assert not desk.document.corpus.per_line


def test_the_trainer_gets_each_text_once(desk: Desk) -> None:
    assert len(desk.sent(m.LoadDataset)) == 1
    desk.texts.apply(desk.state.config.replace(seed=5))  # a list would be shuffled anew; a text is not
    desk.texts.apply(desk.state.config.replace(lr=0.2))
    assert not desk.texts.busy
    assert len(desk.sent(m.StartRun)) == 3
    assert len(desk.sent(m.LoadDataset)) == 1
    desk.see(lambda: desk.texts.apply(desk.state.config.replace(val_fraction=0.5)))
    assert len(desk.sent(m.LoadDataset)) == 2
    assert len(desk.document.dataset.val_ids) == pytest.approx(len(TEXT) / 2, abs=1)


def test_the_own_line_and_the_selection_survive_another_split(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("the hat")
    desk.state.select(2)
    desk.see(lambda: desk.texts.apply(desk.state.config.replace(val_fraction=0.5)))
    assert (desk.state.line, desk.state.selected) == ("the hat", 2)


# --- behind the window ------------------------------------------------------------------------------


def test_reading_is_told_and_can_be_cancelled(desk: Desk, gate: Gate) -> None:
    before = desk.document, desk.state.run, desk.state.config
    desk.worker.sent.clear()
    bar, cancel = desk.child(QProgressBar, "readingProgress"), desk.child(QPushButton, "cancelReading")
    assert not bar.isVisible()
    assert desk.texts.open_text(SLOW, "big.txt")
    desk.qtbot.waitUntil(bar.isVisible)
    desk.qtbot.waitUntil(lambda: bar.value() == 43)
    assert desk.window.reading_bar.sentence == "Reading ‘big.txt’ … 43 %"
    with desk.qtbot.waitSignal(desk.texts.failed):
        desk.click(cancel)
    assert not bar.isVisible()
    assert not desk.texts.busy
    assert gate.left.wait(5)
    assert (desk.document, desk.state.run, desk.state.config) == before
    assert desk.worker.sent == []
    assert desk.sentences == []  # the person knows


def test_cancelling_is_reached_by_keys(desk: Desk, gate: Gate) -> None:
    cancel = desk.child(QPushButton, "cancelReading")
    assert desk.texts.open_text(SLOW)
    desk.qtbot.waitUntil(cancel.isVisible)
    desk.focus(desk.child(QToolButton, "presentButton"))
    desk.press(Qt.Key.Key_Tab)
    assert cancel.hasFocus()
    desk.press(Qt.Key.Key_Return)
    assert not desk.texts.busy


def test_what_is_read_quickly_does_not_flash(desk: Desk, banana: Path) -> None:
    bar = desk.window.reading_bar
    (delay,) = bar.findChildren(QTimer)
    assert delay.interval() == APPEARS_AFTER_MS
    delay.setInterval(60_000)  # however slow this machine is
    watcher = ShowWatcher(bar)
    desk.open_path(banana)
    assert not delay.isActive()  # so it will not appear later
    assert watcher.shown == 0


@pytest.mark.parametrize("answer", YES_OR_NO, ids=["yes", "no"])
def test_what_was_open_goes_on_training_meanwhile(
    desk: Desk, gate: Gate, answer: QMessageBox.StandardButton, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, answer)
    assert desk.texts.open_text(SLOW)
    assert desk.texts.busy
    desk.play()
    desk.show(7)
    assert desk.state.run.step == 7
    assert desk.document.corpus.name == "cats.txt"
    assert asked == []  # nobody knows yet whether anything will come of it
    before = desk.state.run
    gate.open.set()
    desk.qtbot.waitUntil(lambda: not desk.texts.busy)
    assert len(asked) == 1  # the run was begun after the text was asked for
    assert "‘Pasted text’, which is ready now, starts a new run" in asked[0]
    if answer == QMessageBox.StandardButton.Ok:
        assert desk.document.corpus.text == SLOW
        assert desk.state.run.step == 0
    else:
        assert desk.document.corpus.name == "cats.txt"
        assert desk.state.run is before
        assert desk.texts.config == desk.state.config


def test_whoever_agreed_is_not_asked_again_when_the_text_is_ready(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Ok)
    desk.play()
    assert desk.texts.open_text(SLOW)
    assert desk.texts.set_tokenizer("word")
    with desk.qtbot.waitSignal(desk.texts.opened):
        gate.open.set()
    assert len(asked) == 1
    assert (desk.document.corpus.text, desk.document.tokenizer.name) == (SLOW, "word")


def test_what_is_chosen_while_a_text_is_read_is_for_that_text(desk: Desk, gate: Gate) -> None:
    assert desk.texts.open_text(SLOW_LIST)
    assert gate.began.wait(5)
    assert desk.texts.set_tokenizer("byte")
    assert desk.texts.apply(desk.state.config.replace(val_fraction=0.3, lr=0.02))
    desk.action("perLine").trigger()
    with desk.qtbot.waitSignal(desk.texts.opened):
        gate.open.set()
    assert desk.document.corpus.name == "Pasted text"
    assert desk.document.corpus.per_line
    config = desk.state.config
    assert (config.tokenizer, config.val_fraction, config.lr, config.per_line) == ("byte", 0.3, 0.02, True)
    assert desk.document.tokenizer.name == "byte"
    assert desk.document.fits(config)
    assert desk.sentences == []  # what was chosen is not offered
    assert len(desk.sent(m.StartRun)) == 2


def test_a_text_that_is_opened_while_another_tokenizer_is_made_gets_that(
    desk: Desk, banana: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = keep_cutting(monkeypatch)
    assert desk.texts.set_tokenizer("word")
    assert desk.texts.open_path(banana)
    with desk.qtbot.waitSignal(desk.texts.opened):
        gate.open.set()
    assert (desk.document.corpus.name, desk.document.tokenizer.name) == ("banana.txt", "word")


def test_a_size_that_is_chosen_while_words_are_counted_is_theirs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = keep_cutting(monkeypatch)
    assert desk.texts.set_tokenizer("word")
    assert gate.began.wait(5)
    assert desk.texts.set_vocab_size(5)
    assert (desk.texts.config.tokenizer, desk.texts.config.vocab_size) == ("word", 5)
    with desk.qtbot.waitSignal(desk.texts.opened):
        gate.open.set()
    assert desk.document.vocab_size == desk.state.config.vocab_size == 5
    assert desk.document.fits(desk.state.config)
    assert len(desk.sent(m.StartRun)) == 2


@pytest.mark.parametrize("answer", YES_OR_NO, ids=["yes", "no"])
def test_a_run_that_plays_while_something_is_under_way_is_not_ended_unasked(
    desk: Desk, answer: QMessageBox.StandardButton, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = keep_cutting(monkeypatch)
    asked = answers(monkeypatch, answer, QMessageBox.StandardButton.Cancel)
    assert desk.texts.set_tokenizer("word")
    desk.play()
    desk.show(50)
    before = desk.state.run
    agreed = answer == QMessageBox.StandardButton.Ok
    assert desk.texts.set_vocab_size(5) is agreed
    assert len(asked) == 1
    assert desk.state.run is before  # it runs until the tokens are there
    gate.open.set()
    desk.qtbot.waitUntil(lambda: not desk.texts.busy)
    assert len(asked) == (1 if agreed else 2)  # who said no is asked about what is still under way
    assert desk.document.tokenizer.name == ("word" if agreed else "char")
    assert (desk.state.run is before) is not agreed


def test_what_is_of_the_run_alone_is_made_of_the_same_document(desk: Desk) -> None:
    config = desk.state.config
    other = config.with_model("mlp").replace(
        n_embd=3, hidden=7, n_layer=3, n_head=2, position="none", tie=True, scale_embeddings=True,
        freeze_embeddings=True, residual_init="zero", layer_init="zeros", optimizer="sgd", lr=0.5,
        beta1=0.5, beta2=0.5, weight_decay=0.5,
        clip=0.5, schedule="cosine", warmup_steps=7, schedule_steps=70, batch_size=7, block_size=3, device="cpu",
        threads=3,
    )  # fmt: skip
    names = {field.name for field in fields(RunConfig)}
    changed = {name for name in names if getattr(other, name) != getattr(config, name)}
    assert changed == names - texts.CUTTING
    assert desk.document.fits(other)


def ask_while(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch, *given: QMessageBox.StandardButton
) -> list[str]:
    """Answer questions, but let what is under way arrive while the first one stands there."""
    asked: list[str] = []

    def answer(*args: object) -> QMessageBox.StandardButton:
        asked.append(str(args[2]))
        if len(asked) == 1:
            before = desk.document, desk.state.run, desk.sentences
            assert not desk.texts.open_text("a second wish")  # one question at a time
            gate.open.set()
            desk.qtbot.waitUntil(lambda: not desk.texts.busy)
            assert (desk.document, desk.state.run, desk.sentences) == before
        return given[len(asked) - 1]

    monkeypatch.setattr(QMessageBox, "question", answer)
    return asked


@pytest.mark.parametrize("text", [SLOW, SLOW_BAD], ids=["good", "bad"])
def test_what_arrives_while_a_question_stands_there_is_overtaken_by_yes(
    desk: Desk, gate: Gate, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.texts.open_text(text, "slow.txt")
    assert gate.began.wait(5)
    desk.play()
    desk.show(9)
    asked = ask_while(desk, gate, monkeypatch, QMessageBox.StandardButton.Ok)
    assert desk.texts.set_tokenizer("word")
    assert desk.texts.busy
    desk.qtbot.waitUntil(lambda: not desk.texts.busy)
    assert len(asked) == 1
    if text == SLOW:
        assert (desk.document.corpus.name, desk.document.tokenizer.name) == ("slow.txt", "word")
        assert desk.document.fits(desk.state.config)
    else:
        assert (desk.document.corpus.name, desk.document.tokenizer.name) == ("cats.txt", "char")
        assert len(desk.sentences) == 1
        assert desk.state.run.phase is Phase.PLAYING


@pytest.mark.parametrize("second", YES_OR_NO, ids=["yes", "no"])
def test_what_arrives_while_a_question_stands_there_waits_for_no(
    desk: Desk, gate: Gate, second: QMessageBox.StandardButton, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.texts.open_text(SLOW, "slow.txt")
    assert gate.began.wait(5)
    desk.play()
    desk.show(9)
    asked = ask_while(desk, gate, monkeypatch, QMessageBox.StandardButton.Cancel, second)
    assert not desk.texts.set_tokenizer("word")
    desk.qtbot.waitUntil(lambda: len(asked) == 2)
    assert "‘slow.txt’" in asked[1]
    assert desk.document.tokenizer.name == "char"
    assert desk.document.corpus.name == ("slow.txt" if second == QMessageBox.StandardButton.Ok else "cats.txt")
    assert desk.texts.config == desk.state.config


def test_what_failed_while_a_question_stands_there_is_told_after_no(
    desk: Desk, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.texts.open_text(SLOW_BAD, "slow.txt")
    assert gate.began.wait(5)
    desk.play()
    ask_while(desk, gate, monkeypatch, QMessageBox.StandardButton.Cancel)
    assert not desk.texts.set_tokenizer("word")
    desk.qtbot.waitUntil(lambda: len(desk.sentences) == 1)
    assert desk.state.run.phase is Phase.PLAYING


def test_what_the_window_asks_of_a_tokenizer_is_made_behind_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def labels(tokenizer: WordTokenizer) -> tuple[str, ...]:
        made.append(threading.get_ident())
        return tokenizer.vocabulary

    cached = cached_property(labels)
    cached.__set_name__(WordTokenizer, "labels")
    monkeypatch.setattr(WordTokenizer, "labels", cached)
    desk.see(lambda: desk.texts.set_tokenizer("word"))
    assert len(made) == 1
    assert made != [threading.get_ident()]


def test_the_newest_wish_wins(desk: Desk, banana: Path, gate: Gate) -> None:
    opened: list[str] = []
    desk.texts.opened.connect(lambda: opened.append(desk.document.corpus.name))
    assert desk.texts.open_text(SLOW)
    assert gate.began.wait(5)
    desk.open_path(banana)
    assert gate.left.wait(5)
    assert opened == ["banana.txt"]
    assert len(desk.sent(m.StartRun)) == 2


def test_a_change_of_the_run_is_not_lost_while_a_text_is_read(desk: Desk, gate: Gate) -> None:
    assert desk.texts.open_text(SLOW)
    desk.texts.apply(desk.state.config.replace(lr=0.25))
    assert desk.texts.busy
    with desk.qtbot.waitSignal(desk.texts.opened):
        gate.open.set()
    assert desk.document.corpus.text == SLOW
    assert desk.sent(m.StartRun)[-1].config.lr == desk.state.config.lr == 0.25


def test_closing_the_window_while_a_text_is_read_ends_the_reading(desk: Desk, gate: Gate) -> None:
    assert desk.texts.open_text(SLOW)
    assert gate.began.wait(5)
    desk.window.close()
    assert gate.left.is_set()
    assert not desk.texts.busy
    assert desk.document.corpus.name == "cats.txt"


def test_a_text_of_5_mb_is_pasted(desk: Desk) -> None:
    text = "the cat sat on the mat.\n" * (5 * 2**20 // 24)
    QGuiApplication.clipboard().setText(text)
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.action("paste").trigger()
    assert desk.document.corpus.n_characters == len(text)
    assert desk.document.tokens == len(text)


def test_latin_1_is_read_and_that_is_said(desk: Desk, tmp_path: Path, banana: Path) -> None:
    path = tmp_path / "cafe.txt"
    path.write_bytes("café olé\r\n".encode("latin-1") * 5)
    desk.open_path(path)
    assert desk.document.corpus.text == "café olé\n" * 5
    (sentence,) = desk.sentences
    assert "Latin-1" in sentence
    assert "5 line ends" in sentence
    desk.open_path(banana)
    assert desk.sentences == []


def test_line_ends_alone_are_no_news(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"banana\r\nbandana\r\n")
    desk.open_path(path)
    assert desk.document.corpus.carriage_returns == 2
    assert desk.sentences == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_are_read(desk: Desk, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text("banana bandana\n" * 9, encoding=encoding)
    desk.open_path(path)
    assert desk.document.corpus.text == "banana bandana\n" * 9
    assert desk.sentences == []


def test_something_unexpected_leaves_the_window_as_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(texts, "is_offered_as_items", fail)
    before = desk.document
    with desk.qtbot.captureExceptions() as caught:
        desk.see_no(lambda: desk.texts.open_text("banana bandana"))
    assert [str(error) for _, error, _ in caught] == ["a bug"]
    assert desk.document is before
    assert not desk.texts.busy


def test_a_table_too_large_for_the_window_leaves_what_was_open(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, run = desk.document, desk.state.run
    monkeypatch.setattr(limits, "LARGEST_TABLE_BYTES", 4 * before.vocab_size**2)
    desk.see_no(lambda: desk.texts.open_text("".join(map(chr, range(200, 400))), "many.txt"))
    (sentence,) = desk.sentences
    assert sentence.startswith("A table of 200 x 200 takes")
    assert desk.document is before
    assert desk.state.run == run
    desk.notices.dismiss()
    wide = desk.state.config.with_model("mlp").replace(n_embd=1024)
    desk.see_no(lambda: desk.texts.apply(wide))
    assert desk.state.run == run
    assert f"A table of {before.vocab_size} x 1,024 takes" in desk.sentences[0]
