"""The window beside the window: every tokenizer at once, and the merges one by one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtCore import Qt, QThread
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.documents import Document
from embedviz.gui.state import AT_ONCE, AppState
from embedviz.gui.theme import Theme
from embedviz.gui.tokenizer_views import companions, dialog
from embedviz.gui.tokenizer_views.dialog import NO_TEXT, TokenizerDialog
from embedviz.gui.tokenizer_views.merges import MOST_SHOWN, MergesView
from embedviz.gui.tokenizer_views.side_by_side import SideBySide, bytes_in_words, table_in_words
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.merges import MergeHistory
from embedviz.text.preparation import make_tokenizer
from embedviz.text.progress import quiet
from embedviz.text.subword_tokenizer import SubwordTokenizer

TEXT = "the cat and the hat and the <b> bat\n" * 40
LINE = "the café <b>"
CONFIG = RunConfig(vocab_size=264)
Key = Qt.Key
Made = Callable[..., tuple[TokenizerDialog, AppState]]


@pytest.fixture
def theme(qapp) -> Theme:
    return Theme("light")


@pytest.fixture
def corpus() -> Corpus:
    return corpus_from_text(TEXT, "cats.txt")


@pytest.fixture
def history(corpus: Corpus) -> MergeHistory:
    tokenizer = make_tokenizer(corpus, CONFIG.replace(tokenizer="subword"))
    assert isinstance(tokenizer, SubwordTokenizer)
    return MergeHistory.make(corpus, tokenizer)


@pytest.fixture
def make_dialog(qtbot: QtBot, theme: Theme) -> Iterator[Made]:
    """Give a function that makes a dialog on a text (or on none); its thread ends with the test."""
    backgrounds = []

    def made(text: str = TEXT, config: RunConfig = CONFIG, line: str = LINE) -> tuple[TokenizerDialog, AppState]:
        state, background = AppState(), Background()
        backgrounds.append((state, background))
        state.config = config
        if text:
            state.set_document(Document.make(corpus_from_text(text, "cats.txt"), config), line)
        shown = TokenizerDialog(state, background, theme)
        qtbot.addWidget(shown)
        return shown, state

    yield made
    for _, background in backgrounds:
        background.stop()


def show(qtbot: QtBot, shown: TokenizerDialog, page: str = "side") -> None:
    shown.show_page(page)
    shown.show()
    qtbot.waitUntil(lambda: shown.is_ready, timeout=20_000)


def cells(view: SideBySide) -> dict[str, list[str]]:
    """Return the table's rows, by what stands in their first cells."""
    table = view.table
    rows = [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]
    return {row[0]: row[1:] for row in rows}


# --- sizes in words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (65, 65, "65 × 65 · 17 KB"),
        (1000, 1000, "1,000 × 1,000 · 4.0 MB"),
        (1000, 10, "1,000 × 10 · 40 KB"),
        (5, 2, "5 × 2 · 40 bytes"),
        (50_257, 50_257, "50,257 × 50,257 · 10 GB"),
    ],
)
def test_a_tables_size_is_in_words(rows: int, columns: int, words: str) -> None:
    assert table_in_words(rows, columns) == words


@pytest.mark.parametrize(
    ("number", "words"), [(999, "999 bytes"), (1000, "1.0 KB"), (999_400, "999 KB"), (999_600, "1.0 MB")]
)
def test_units_change_where_the_number_would_have_four_digits(number: int, words: str) -> None:
    assert bytes_in_words(number) == words


# --- making -----------------------------------------------------------------------------------------


def test_all_tokenizers_of_the_catalogue_are_made_and_the_own_one_is_kept(corpus: Corpus) -> None:
    own = make_tokenizer(corpus, CONFIG)
    told: list[tuple[str, float]] = []
    made = companions.learn(corpus, CONFIG, own, CONFIG, lambda doing, share: told.append((doing, share)))
    assert list(made.tokenizers) == [name for name in catalog.TOKENIZERS if name != "file"]
    assert all(tokenizer.name == name for name, tokenizer in made.tokenizers.items())
    assert made.tokenizers["char"] is own
    assert not made.problems
    assert "Learning the subwords of this text" in {doing for doing, _ in told}


def test_a_tokenizer_for_another_size_is_not_taken_for_this_one(corpus: Corpus) -> None:
    own_config = CONFIG.replace(tokenizer="subword")
    own = make_tokenizer(corpus, own_config)
    wanted = CONFIG.replace(vocab_size=260)
    made = companions.learn(corpus, wanted, own, own_config, quiet)
    assert made.tokenizers["subword"].vocab_size == 260


def test_a_tokenizer_that_cannot_be_made_leaves_a_sentence(corpus: Corpus) -> None:
    small = CONFIG.replace(vocab_size=20)
    made = companions.learn(corpus, small, make_tokenizer(corpus, small), small, quiet)
    assert list(made.tokenizers) == ["char", "byte", "word"]
    assert "257" in made.problems["subword"]


def test_a_tokenizer_from_a_file_has_a_lane_of_its_own_while_it_is_in_use(
    qtbot: QtBot, make_dialog: Made, history: MergeHistory, tmp_path: Path
) -> None:
    file = tmp_path / "others.json"
    file.write_text(history.tokenizer.definition, encoding="utf-8")
    shown, state = make_dialog(config=CONFIG.replace(tokenizer="file", tokenizer_file=str(file)))
    show(qtbot, shown)
    assert list(cells(shown.side_by_side)) == ["Char", "Byte", "Word", "Subword", "others.json"]
    assert cells(shown.side_by_side)["others.json"] == cells(shown.side_by_side)["Subword"]
    state.config = CONFIG
    state.set_document(Document.make(state.document.corpus, CONFIG), LINE)
    qtbot.waitUntil(lambda: "others.json" not in cells(shown.side_by_side))


# --- side by side -----------------------------------------------------------------------------------


def test_each_tokenizer_has_its_lane_and_its_row(qtbot: QtBot, make_dialog: Made) -> None:
    shown, state = make_dialog()
    show(qtbot, shown)
    view = shown.side_by_side
    assert shown.tabs.currentWidget().currentWidget() is view
    assert view.alignment.describe().startswith("12 characters: Char 12 tokens, Byte 13 tokens, Word ")
    rows = cells(view)
    assert rows["Char"] == ["12", "1.00", "12", "12 × 12 · 576 bytes", "12 × 10 · 480 bytes"]
    assert rows["Byte"] == ["13", "1.08", "256", "256 × 256 · 262 KB", "256 × 10 · 10 KB"]
    assert rows["Subword"][2] == "264"
    assert state.document is not None
    assert state.document.vocab_size == 12


def test_every_tokenizers_policy_can_be_read(qtbot: QtBot, make_dialog: Made) -> None:
    shown, _ = make_dialog()
    show(qtbot, shown)
    view = shown.side_by_side
    words = view.policies.text()
    assert all(f"<b>{name}</b>" in words for name in cells(view))
    assert "&lt;unk&gt;" in words  # no tag
    assert "&lt;unk&gt;" in view.table.item(2, 0).toolTip()


def test_bytes_that_end_a_character_are_bytes(qtbot: QtBot, make_dialog: Made) -> None:
    shown, _ = make_dialog(line="é")
    show(qtbot, shown)
    view = shown.side_by_side.alignment
    assert view.in_words(1, 1).startswith("Byte:  A9   id 169")


def test_the_keys_of_the_window_turn_to_the_pages(qtbot: QtBot, make_dialog: Made) -> None:
    shown, _ = make_dialog()
    with qtbot.waitExposed(shown):
        show(qtbot, shown)
    shown.activateWindow()
    qtbot.keyClick(shown, Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert shown.page == "merges"
    qtbot.keyClick(shown, Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert shown.page == "side"
    qtbot.waitUntil(lambda: shown.is_ready, timeout=20_000)


def test_the_lanes_follow_the_own_line(qtbot: QtBot, make_dialog: Made) -> None:
    shown, state = make_dialog()
    show(qtbot, shown)
    state.set_line("cat")
    qtbot.waitUntil(lambda: cells(shown.side_by_side)["Char"][0] == "3")
    state.set_line("")
    qtbot.waitUntil(lambda: cells(shown.side_by_side)["Char"][:2] == ["0", "–"])
    assert shown.is_ready


def test_a_long_line_is_cut_off_the_gui_thread(
    qtbot: QtBot, make_dialog: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def encode_lines(tokenizers, text, progress=quiet):
        threads.append((len(text), QThread.isMainThread()))
        return companions.encode_lines(tokenizers, text, progress)

    monkeypatch.setattr(dialog, "encode_lines", encode_lines)
    shown, state = make_dialog()
    show(qtbot, shown)
    assert state.document is not None
    long = "cat " * (AT_ONCE // 4 + 1)
    state.set_encoded_line(state.document.tokenizer.encode_line(long))
    qtbot.waitUntil(lambda: cells(shown.side_by_side)["Char"][0] == f"{len(long):,}")
    assert threads == [(len(LINE), True), (len(long), False)]


def test_another_width_of_a_row_is_shown(qtbot: QtBot, make_dialog: Made) -> None:
    shown, state = make_dialog()
    show(qtbot, shown)
    state.config = state.config.replace(n_embd=2)
    state.update_run()
    qtbot.waitUntil(lambda: cells(shown.side_by_side)["Char"][-1] == "12 × 2 · 96 bytes")


def test_another_text_has_other_tokenizers(qtbot: QtBot, make_dialog: Made) -> None:
    shown, state = make_dialog()
    show(qtbot, shown)
    another = corpus_from_text("abcabd\n" * 20, "abc.txt")
    state.set_document(Document.make(another, CONFIG), LINE)  # the line is the same
    qtbot.waitUntil(lambda: cells(shown.side_by_side)["Char"][2] == "5", timeout=20_000)


def test_what_was_learned_is_kept(qtbot: QtBot, make_dialog: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _ = make_dialog()
    show(qtbot, shown)
    shown.hide()
    assert not shown.is_ready
    monkeypatch.setattr(dialog, "learn", lambda *_: pytest.fail("learned again"))
    show(qtbot, shown)
    assert cells(shown.side_by_side)["Char"][0] == "12"


def test_progress_is_told_in_the_page_and_closing_ends_the_work(
    qtbot: QtBot, make_dialog: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, ended = dialog.learn, Event()

    def endless(*given: Any) -> None:
        try:
            while not ended.wait(0.001):
                given[-1]("Learning the subwords of this text", 0.43)
        finally:
            ended.set()

    monkeypatch.setattr(dialog, "learn", endless)
    shown, _ = make_dialog()
    shown.show()
    label = shown.tabs.currentWidget().currentWidget()
    qtbot.waitUntil(lambda: label.text() == "Learning the subwords of this text … 43 %")
    assert not shown.is_ready
    shown.close()
    qtbot.waitUntil(ended.is_set)
    monkeypatch.setattr(dialog, "learn", learn)
    show(qtbot, shown)
    assert len(cells(shown.side_by_side)) == 4


def test_a_text_opened_while_it_learns_is_the_one_that_is_shown(
    qtbot: QtBot, make_dialog: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, begun, go_on = dialog.learn, Event(), Event()

    def slow(*given: Any) -> object:
        begun.set()
        assert go_on.wait(20)
        return learn(*given)

    monkeypatch.setattr(dialog, "learn", slow)
    shown, state = make_dialog()
    shown.show()
    qtbot.waitUntil(begun.is_set)
    state.set_document(Document.make(corpus_from_text("abcabd\n" * 20, "abc.txt"), CONFIG), "abc")
    go_on.set()
    qtbot.waitUntil(lambda: "Char" in cells(shown.side_by_side), timeout=20_000)
    assert cells(shown.side_by_side)["Char"][:3] == ["3", "1.00", "5"]


def test_without_a_text_it_says_so(qtbot: QtBot, make_dialog: Made) -> None:
    shown, _ = make_dialog(text="")
    show(qtbot, shown)
    assert shown.tabs.currentWidget().currentWidget().text() == NO_TEXT


# --- merges -----------------------------------------------------------------------------------------


@pytest.fixture
def merges(qtbot: QtBot, theme: Theme, history: MergeHistory) -> MergesView:
    view = MergesView(theme)
    qtbot.addWidget(view)
    view.resize(1000, 600)
    view.set_line(LINE)
    view.set_history(history)
    return view


def plain(label: QLabel) -> str:
    document = QTextDocument()
    document.setHtml(label.text())
    return document.toPlainText().replace("\N{NO-BREAK SPACE}", " ")


def test_it_begins_with_bytes(merges: MergesView, history: MergeHistory) -> None:
    assert merges.merges_done == merges.number.value() == 0
    assert merges.chips.describe().startswith("13 tokens")
    first = history.merges[0]
    headline = plain(merges.next)
    assert all(f"‘{token}’" in headline for token in (first.left, first.right, first.label))
    assert f"{first.count:,} times" in headline
    assert first.why == merges.why.text()  # it names the second
    assert not merges.table.selectionModel().hasSelection()
    assert merges.remark.isHidden()


def test_the_last_cut_is_the_tokenizers(qtbot: QtBot, merges: MergesView, history: MergeHistory) -> None:
    qtbot.keyClick(merges.slider, Key.Key_End)
    assert merges.merges_done == len(history.merges) == 8
    own = history.tokenizer.encode_line(LINE)
    assert merges.chips.describe().startswith(f"{len(own.ids)} tokens")
    assert merges.next.text().startswith("After the last merge")


def test_what_was_merged_and_what_is_next_is_marked(merges: MergesView, history: MergeHistory) -> None:
    for done in range(len(history.merges) + 1):
        merges.slider.setValue(done)
        sizes = [len(history.line_after(LINE, m).ids) for m in (max(0, done - 1), done, min(8, done + 1))]
        words = merges.chips.describe()
        assert (f", {sizes[0] - sizes[1]} made by the last merge" in words) == (sizes[0] > sizes[1])
        assert (f", {sizes[1] - sizes[2]} pair" in words) == (sizes[1] > sizes[2])
        assert (f"{sizes[0] - sizes[1]} made" in merges.marks.text()) == (done > 0)


def test_the_second_is_told_if_the_reason_does_not_name_it(merges: MergesView, history: MergeHistory) -> None:
    first = replace(history.merges[0], why="So it is.", runner_up=("<b>", "e"), runner_up_count=7)
    merges.set_history(MergeHistory(history.tokenizer, (first, *history.merges[1:]), "Counted in a part."))
    assert merges.why.text() == "Second: ‘<b>’ + ‘e’, 7 times. So it is."
    assert merges.why.textFormat() is Qt.TextFormat.PlainText
    assert merges.remark.text() == "Counted in a part."
    assert merges.remark.wordWrap()
    assert not merges.remark.isHidden()


def test_the_list_shows_the_last_merge_when_the_page_is_shown_later(
    qtbot: QtBot, theme: Theme, history: MergeHistory
) -> None:
    many = MergeHistory(history.tokenizer, history.merges * 200)
    view = MergesView(theme)
    qtbot.addWidget(view)
    view.set_history(many)
    view.slider.setValue(8)
    view._model.set_done(1000)
    view.slider.blockSignals(True)
    view.slider.setValue(1000)
    view.slider.blockSignals(False)
    view.resize(736, 500)
    view.show()
    row = view.table.visualRect(view.table.model().index(999, 0))
    assert view.table.viewport().rect().contains(row)
    assert view.table.horizontalScrollBar().maximum() == 0


def test_slider_number_and_list_go_together(qtbot: QtBot, merges: MergesView) -> None:
    qtbot.keyClick(merges.slider, Key.Key_End)
    qtbot.keyClick(merges.slider, Key.Key_Left)
    assert (merges.slider.value(), merges.number.value(), merges.table.currentIndex().row()) == (7, 7, 6)
    merges.number.setValue(3)
    assert (merges.slider.value(), merges.table.currentIndex().row()) == (3, 2)
    merges.table.setCurrentIndex(merges.table.model().index(4, 0))
    assert (merges.slider.value(), merges.number.value()) == (5, 5)
    qtbot.keyClick(merges.table, Key.Key_Up)
    assert merges.slider.value() == 4
    qtbot.keyClick(merges.slider, Key.Key_End)
    assert merges.table.currentIndex().row() == 7


def test_each_place_of_the_slider_shows_that_cut(merges: MergesView, history: MergeHistory) -> None:
    for done in range(len(history.merges) + 1):
        merges.slider.setValue(done)
        assert merges.chips.describe().startswith(f"{len(history.line_after(LINE, done).ids)} tokens")


def test_the_list_tells_every_merge(merges: MergesView, history: MergeHistory, theme: Theme) -> None:
    model = merges.table.model()
    merges.slider.setValue(2)
    for row, merge in enumerate(history.merges):
        shown = [model.index(row, column).data() for column in range(4)]
        assert shown == [str(row + 1), f"{merge.left} + {merge.right}", merge.label, f"{merge.count:,}"]
        colour = model.index(row, 0).data(Qt.ItemDataRole.ForegroundRole)
        assert colour == theme.colour("ink" if row < 2 else "muted")


def test_only_the_beginning_of_a_long_line_is_merged_and_it_says_so(merges: MergesView) -> None:
    merges.set_line("cat " * 1000)
    assert f"(the first {MOST_SHOWN:,} of 4,000)" in merges.counts.text()


def test_the_dialog_shows_the_merges_of_a_tokenizer_that_is_not_in_use(qtbot: QtBot, make_dialog: Made) -> None:
    shown, state = make_dialog()
    show(qtbot, shown, "merges")
    assert state.config.tokenizer == "char"
    assert shown.merges.slider.maximum() == 8
    state.set_line("hat")
    qtbot.waitUntil(lambda: "for 3 characters" in shown.merges.counts.text())


def test_too_small_a_vocabulary_is_a_sentence_in_the_page(qtbot: QtBot, make_dialog: Made) -> None:
    shown, _ = make_dialog(config=CONFIG.replace(vocab_size=20))
    show(qtbot, shown, "merges")
    assert "257" in shown.tabs.currentWidget().currentWidget().text()
    shown.show_page("side")
    qtbot.waitUntil(lambda: shown.is_ready)
    assert "257" in shown.side_by_side.problems.text()
    assert len(cells(shown.side_by_side)) == 3


def test_merges_that_cannot_be_replayed_are_a_sentence(
    qtbot: QtBot, make_dialog: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replay(*_: object) -> None:
        raise EmbedvizError("These merges cannot be counted.")

    monkeypatch.setattr(dialog, "replay", replay)
    shown, _ = make_dialog()
    show(qtbot, shown, "merges")
    assert shown.tabs.currentWidget().currentWidget().text() == "These merges cannot be counted."
