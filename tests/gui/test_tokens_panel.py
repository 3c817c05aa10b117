"""The Tokens panel: what is typed becomes chips, one of them is selected, and the vocabulary can be searched."""

from html import escape
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QInputDialog,
    QMessageBox,
    QPushButton,
    QToolButton,
    QToolTip,
    QWidget,
)
from test_fake_trainer import TEXT, Desk

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.gui.own_line import LINE_LIMIT
from embedviz.gui.state import AT_ONCE
from embedviz.gui.widgets import Segments
from embedviz.text.glyphs import glyph
from embedviz.text.tokenizers import UNKNOWN

Key = Qt.Key


def type_anew(desk: Desk, text: str) -> None:
    """Replace what stands in the own line by keys alone."""
    desk.focus(desk.tokens.edit)
    desk.press(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    desk.type(text) if text else desk.press(Key.Key_Delete)


def click_chip(desk: Desk, place: int) -> None:
    """Click a chip of the first lines, as a person would who has scrolled up to it."""
    chips = desk.tokens.chips
    chips.scroll_bar.setValue(0)
    desk.click(chips, chips.chip_rect(place).center())


def described(desk: Desk, widget: QWidget, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in widget.accessibleDescription())


def table_cells(desk: Desk) -> list[tuple[str, ...]]:
    """Return the rows of the vocabulary that are shown, as a person reads them."""
    model = desk.tokens.table.model()
    return [
        tuple(str(model.data(model.index(row, column), Qt.ItemDataRole.DisplayRole)) for column in range(4))
        for row in range(model.rowCount())
    ]


# --- the own line -----------------------------------------------------------------------------------


def test_a_new_text_fills_the_own_line(desk: Desk) -> None:
    assert desk.tokens.edit.toPlainText() == desk.state.line
    assert TEXT.startswith(desk.state.line)
    assert desk.state.selected == len(desk.state.line) - 1


def test_chips_follow_every_key(desk: Desk) -> None:
    chips = desk.tokens.chips
    type_anew(desk, "c")
    for typed, last in (("a", "ca"), ("t", "cat"), (" ", "cat "), ("s", "cat s")):
        desk.type(typed)
        assert desk.state.line == last
        assert desk.state.line_ids.tolist() == [desk.document.tokenizer.vocabulary.index(c) for c in last]
        assert chips.selection == len(last) - 1  # the selection goes with what is typed
    described(desk, chips, f"5 tokens; selected token 5: s, id {desk.state.selected_id}")


def test_every_token_has_its_glyph_and_its_id(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("a \n\tΩ")
    chips = desk.tokens.chips
    vocabulary = desk.document.tokenizer.vocabulary
    for place, (shown, token) in enumerate((("a", "a"), ("␣", " "), ("↵", "\n"), ("⇥", "\t"))):
        click_chip(desk, place)
        described(desk, chips, f"selected token {place + 1}: {shown}, id {vocabulary.index(token)}")
    click_chip(desk, 4)
    described(desk, chips, "5 tokens, 1 unknown; selected token 5: Ω, unknown")


def test_chips_are_painted(desk: Desk) -> None:
    chips = desk.tokens.chips
    type_anew(desk, "aa")
    click_chip(desk, 0)
    image = chips.grab().toImage()
    corner = QPoint(4, 4)

    def fill(place: int) -> str:
        return image.pixelColor(chips.chip_rect(place).toRect().topLeft() + corner).name()

    assert fill(0) == desk.theme.colours.ink
    assert fill(1) == desk.theme.colours.well


def test_what_the_vocabulary_lacks_is_said_and_has_no_row(desk: Desk) -> None:
    vocabulary = desk.document.tokenizer.vocabulary
    type_anew(desk, "cat")
    assert "vocabulary: no row" not in desk.words(desk.tokens)
    desk.type("Ω")
    assert "1 token is not in this text's vocabulary: no row to look up." in desk.words(desk.tokens)
    assert desk.state.line_ids[-1] == UNKNOWN
    assert desk.state.selected_id is None
    desk.type("Ж")
    assert "2 tokens are not in this text's vocabulary" in desk.words(desk.tokens)
    assert desk.document.tokenizer.vocabulary is vocabulary  # the own line never changes it
    type_anew(desk, "cat")
    assert "vocabulary: no row" not in desk.words(desk.tokens)


def test_an_empty_line_says_what_to_do(desk: Desk) -> None:
    type_anew(desk, "")
    assert desk.state.line == ""
    assert desk.state.selected == -1
    described(desk, desk.tokens.chips, "Type a line above: its tokens appear here.")
    described(desk, desk.table.strip, "Select a token of your line: its row appears here.")
    described(desk, desk.following.bars, "Select a token of your line: the bars show what follows it.")
    desk.type("at")
    assert desk.state.selected == 1
    described(desk, desk.tokens.chips, "2 tokens; selected token 2: t")


def paste(desk: Desk, text: str) -> None:
    """Paste into the own line, in place of what stands there, by keys alone."""
    QGuiApplication.clipboard().setText(text)
    desk.focus(desk.tokens.edit)
    desk.press(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    desk.press(Key.Key_V, Qt.KeyboardModifier.ControlModifier)


def cut(desk: Desk, line: str) -> None:
    """Wait until `line` is cut into tokens, and see that its chips are there."""
    desk.qtbot.waitUntil(lambda: desk.state.line == line and len(desk.state.line_ids) == len(line))
    described(desk, desk.tokens.chips, f"{len(line):,} tokens")


def test_a_short_line_is_cut_at_once_and_a_long_one_behind_the_window(desk: Desk) -> None:
    short, long = "cat " * (AT_ONCE // 4), "cat " * (AT_ONCE // 4) + "s"
    desk.tokens.edit.setPlainText(short)
    assert len(desk.state.line_ids) == AT_ONCE
    desk.tokens.edit.setPlainText(long)
    assert desk.state.line == short  # what was there stays until the new one is there
    cut(desk, long)
    assert desk.state.selected == AT_ONCE  # the end stays the end


def test_a_paste_of_18_kb_is_all_there(desk: Desk) -> None:
    text = ("the cat sat on the mat. " * 800)[: 18 * 1024]
    paste(desk, text)
    cut(desk, text)
    assert desk.tokens.edit.text == text
    assert "Only the first" not in desk.words(desk.tokens)
    assert desk.sentences == []


def test_of_a_paste_of_5_mb_the_beginning_is_shown_and_the_rest_can_be_trained_on(desk: Desk) -> None:
    text = "the cat sat on the mat. " * (5 * 2**20 // 24)
    paste(desk, text)
    assert desk.tokens.edit.text == text[:LINE_LIMIT]  # the field never held more
    cut(desk, text[:LINE_LIMIT])
    assert "Only the first 20,000 characters are shown." in desk.words(desk.tokens)
    (sentence,) = desk.sentences
    assert f"{len(text):,} characters" in sentence
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.click_notice()
    assert desk.document.corpus.n_characters == len(text)
    assert desk.sentences == []


def test_what_was_left_out_is_said_until_there_is_room_again(desk: Desk) -> None:
    paste(desk, "x" * (LINE_LIMIT + 1))
    assert "Only the first" in desk.words(desk.tokens)
    desk.press(Key.Key_Backspace)
    cut(desk, "x" * (LINE_LIMIT - 1))
    assert "Only the first" not in desk.words(desk.tokens)
    desk.type("xx")
    cut(desk, "x" * LINE_LIMIT)
    assert "Only the first" in desk.words(desk.tokens)
    type_anew(desk, "cat")
    assert desk.state.line == "cat"
    assert "Only the first" not in desk.words(desk.tokens)


def test_a_paste_keeps_what_stands_around_it(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("ab" * (LINE_LIMIT // 2 - 2) + "end")
    desk.press(Key.Key_Home)
    desk.focus(desk.tokens.edit)
    cursor = desk.tokens.edit.textCursor()
    cursor.setPosition(0)
    desk.tokens.edit.setTextCursor(cursor)
    QGuiApplication.clipboard().setText("12345")
    desk.press(Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert desk.tokens.edit.text == "1" + "ab" * (LINE_LIMIT // 2 - 2) + "end"


def test_of_two_long_lines_the_latest_wins(desk: Desk) -> None:
    for line in ("cat " * 3000, "mat " * 3000, "dog " * 3000):
        desk.tokens.edit.setPlainText(line)
    cut(desk, "dog " * 3000)
    desk.tokens.edit.setPlainText("cat " * 3000)
    desk.tokens.edit.setPlainText("mat")  # cut at once; what is under way is void
    assert desk.state.line == "mat"
    assert not desk.tokens.cutter.busy
    assert desk.tokens.edit.text == "mat"


def test_a_long_line_survives_another_tokenizer(desk: Desk) -> None:
    line = "the cat " * 1000
    desk.tokens.edit.setPlainText(line)
    desk.see(lambda: desk.texts.set_tokenizer("byte"))
    assert desk.tokens.edit.text == line
    cut(desk, line)
    assert desk.state.line_ids[:3].tolist() == list(b"the")


def test_rich_text_comes_in_plain(desk: Desk) -> None:
    data = QMimeData()
    data.setHtml("<b>cat</b>")
    data.setText("cat")
    desk.tokens.edit.clear()
    desk.tokens.edit.insertFromMimeData(data)
    assert desk.state.line == "cat"
    assert "font-weight" not in desk.tokens.edit.document().toHtml().split("<body")[1].split(">", 1)[1]


def test_typing_does_not_move_the_cursor(desk: Desk) -> None:
    type_anew(desk, "cat")
    desk.press(Key.Key_Home)
    desk.type("the ")
    assert desk.state.line == "the cat"
    assert desk.tokens.edit.textCursor().position() == 4


def test_a_no_break_space_is_not_a_space(desk: Desk) -> None:
    desk.open_text("dix\u00a0chats et dix\u00a0chiens " * 9)
    vocabulary = desk.document.tokenizer.vocabulary
    desk.tokens.edit.setPlainText("x\u00a0c h")
    assert desk.state.line == "x\u00a0c h"
    assert [vocabulary[i] for i in desk.state.line_ids] == list("x\u00a0c h")


def test_a_file_dropped_on_the_own_line_is_opened_and_not_written_into_it(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "banana.txt"
    path.write_text("banana bandana " * 5)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    desk.see(lambda: desk.drop(desk.tokens.edit.viewport(), data))
    assert desk.document.corpus.name == "banana.txt"
    assert "file:" not in desk.tokens.edit.toPlainText()


# --- the selection ----------------------------------------------------------------------------------


def test_a_click_selects(desk: Desk) -> None:
    chips = desk.tokens.chips
    click_chip(desk, 3)
    assert desk.state.selected == chips.selection == 3
    assert desk.state.context_range == range(4)
    click_chip(desk, 12)
    assert desk.state.context_range == range(5, 13)  # block_size, 8, at most


@pytest.mark.parametrize(
    ("key", "place"),
    [(Key.Key_Left, 2), (Key.Key_Right, 4), (Key.Key_Home, 0), (Key.Key_End, -1)],
    ids=str,
)
def test_arrows_select_while_the_chips_have_the_focus(desk: Desk, key: Qt.Key, place: int) -> None:
    click_chip(desk, 3)
    desk.worker.sent.clear()
    desk.press(key)
    assert desk.state.selected == place % len(desk.state.line)
    assert [type(command) for command in desk.worker.sent] == [m.Watch]  # and no step was taken


def test_arrows_go_from_line_to_line(desk: Desk) -> None:
    chips = desk.tokens.chips
    desk.tokens.edit.setPlainText("the cat sat on the mat " * 3)
    desk.focus(chips)
    desk.press(Key.Key_Home)
    click_chip(desk, 2)
    desk.press(Key.Key_Down)
    below = desk.state.selected
    assert chips.chip_rect(below).center().x() == chips.chip_rect(2).center().x()
    assert chips.chip_rect(below).top() > chips.chip_rect(2).top()
    desk.press(Key.Key_Up)
    assert desk.state.selected == 2


def test_a_click_beside_the_chips_selects_nothing_new(desk: Desk) -> None:
    chips = desk.tokens.chips
    selected = desk.state.selected
    desk.click(chips, QPointF(chips.width() - 2, chips.height() - 2))
    assert desk.state.selected == selected


def test_another_text_selects_its_last_token(desk: Desk) -> None:
    chips = desk.tokens.chips
    click_chip(desk, 1)
    desk.open_text("banana bandana")
    assert desk.state.line == "banana bandana"
    assert desk.state.selected == chips.selection == len("banana bandana") - 1


# --- the text and its vocabulary --------------------------------------------------------------------


def test_which_text_is_loaded_and_how_large_it_is(desk: Desk) -> None:
    words = desk.words(desk.tokens)
    size = len(set(TEXT))
    assert "cats.txt" in words
    assert f"{len(TEXT)} | characters" in words
    assert f"{len(TEXT)} | tokens" in words
    assert f"{size} | vocabulary" in words
    assert "1.00 | chars / token" in words
    assert desk.window.windowTitle() == "cats.txt – embedviz"


def test_a_list_counts_its_items(desk: Desk) -> None:
    desk.open_text("emma\nolivia\nava\n")
    desk.see(lambda: desk.texts.set_per_line(True))
    words = desk.words(desk.tokens)
    assert "Pasted text, one item per line" in words
    assert "16 | characters" in words
    # A boundary before, between and after the items, in the training part and in what is held out.
    assert "18 | tokens" in words
    assert f"{desk.document.characters_per_token:.2f} | chars / token" in words


def test_the_policy_is_written_under_the_choice(desk: Desk) -> None:
    assert desk.document.tokenizer.policy in desk.words(desk.tokens)
    desk.see(lambda: desk.texts.set_tokenizer("byte"))
    assert desk.document.tokenizer.policy in desk.words(desk.tokens)


def test_what_was_remarked_is_in_the_tooltip(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "olé.txt"
    path.write_bytes("olé, olé!\r\n".encode("latin-1") * 9)
    desk.open_path(path)
    label = desk.tokens.subtitle
    place = label.rect().center()
    QApplication.sendEvent(label, QHelpEvent(QEvent.Type.ToolTip, place, label.mapToGlobal(place)))
    shown = QToolTip.text()
    QToolTip.hideText()
    assert len(desk.document.corpus.remarks) == 2
    for words in ("olé.txt", desk.document.tokenizer.policy, *desk.document.corpus.remarks):
        assert escape(words) in shown


# --- the tokenizer ----------------------------------------------------------------------------------


def chosen(desk: Desk) -> list[str]:
    """Return which options of the tokenizers' switch are on."""
    buttons = desk.tokens.tokenizers.segments.findChildren(QPushButton)
    return [button.text() for button in buttons if button.isChecked()]


def tokenizer_menu(desk: Desk) -> dict[str, QAction]:
    return {action.text(): action for action in desk.child(QToolButton, "tokenizerMenu").menu().actions()}


@pytest.mark.parametrize("name", ["byte", "word", "subword"])
def test_another_tokenizer_is_a_click_away(desk: Desk, name: str) -> None:
    assert chosen(desk) == ["Char"]
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.switch(desk.tokens.tokenizers, name)
    assert chosen(desk) == [catalog.TOKENIZERS[name].title]
    assert desk.state.config.tokenizer == desk.document.tokenizer.name == name
    assert desk.sent(m.StartRun)[-1].config.tokenizer == name
    assert desk.sent(m.LoadDataset)[-1].dataset.vocab_size == desk.document.vocab_size
    desk.tokens.edit.setPlainText("the hat")
    line = desk.document.tokenizer.encode_line("the hat")
    assert desk.state.line_ids.tolist() == line.ids.tolist()
    click_chip(desk, len(line.ids) - 1)
    described(desk, desk.tokens.chips, f"selected token {len(line.ids)}: {line.labels[-1]}, id {line.ids[-1]}")
    assert {row[0] for row in table_cells(desk)} == set(desk.document.tokenizer.labels)


def test_every_choice_says_what_it_is(desk: Desk) -> None:
    for button in desk.tokens.tokenizers.segments.findChildren(QPushButton):
        name = button.objectName().removeprefix("segment_")
        assert button.toolTip() == catalog.TOKENIZERS[name].line
    assert desk.child(Segments, "tokenizerSegments") is desk.tokens.tokenizers.segments


def test_the_line_and_the_selected_character_stay(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("the cat sat")
    desk.state.select(5)  # the a of cat
    desk.see(lambda: desk.texts.set_tokenizer("word"))
    assert desk.state.line == "the cat sat"
    begin, end = desk.state.line_spans[desk.state.selected]
    assert begin <= 5 < end
    assert desk.state.selected == 1
    desk.see(lambda: desk.texts.set_tokenizer("char"))
    assert desk.state.selected == 6  # the last character of what was selected


def test_a_person_who_says_no_keeps_the_tokenizer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Cancel)
    desk.play()
    before = desk.document
    desk.switch(desk.tokens.tokenizers, "word")
    assert chosen(desk) == ["Char"]
    assert not desk.texts.busy
    assert desk.document is before


def test_back_before_it_is_done_changes_nothing(desk: Desk) -> None:
    before = desk.document
    runs = len(desk.sent(m.StartRun))
    desk.switch(desk.tokens.tokenizers, "word")
    assert chosen(desk) == ["Word"]
    desk.switch(desk.tokens.tokenizers, "char")
    assert not desk.texts.busy
    assert chosen(desk) == ["Char"]
    assert desk.document is before
    desk.switch(desk.tokens.tokenizers, "char")
    assert len(desk.sent(m.StartRun)) == runs


def test_a_tokenizer_that_fails_leaves_the_choice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (5, True))
    desk.see(lambda: desk.texts.set_tokenizer("subword"))
    before = desk.document
    with desk.qtbot.waitSignal(desk.texts.failed):
        tokenizer_menu(desk)["Vocabulary size…"].trigger()
    assert len(desk.sentences) == 1
    assert "257" in desk.sentences[0]
    assert chosen(desk) == ["Subword"]
    assert desk.document is before


def test_the_vocabulary_size_can_be_chosen_where_there_is_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (6, True))
    assert not tokenizer_menu(desk)["Vocabulary size…"].isEnabled()
    desk.see(lambda: desk.texts.set_tokenizer("word"))
    before = desk.document.vocab_size
    with desk.qtbot.waitSignal(desk.texts.opened):
        tokenizer_menu(desk)["Vocabulary size…"].trigger()
    assert desk.document.vocab_size == 6 < before
    assert desk.state.config.vocab_size == 6


def test_the_size_can_be_chosen_while_the_tokenizer_is_made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (6, True))
    desk.switch(desk.tokens.tokenizers, "word")
    assert desk.document.tokenizer.name == "char"
    with desk.qtbot.waitSignal(desk.texts.opened):
        tokenizer_menu(desk)["Vocabulary size…"].trigger()
    assert (desk.document.tokenizer.name, desk.document.vocab_size) == ("word", 6)
    assert desk.document.fits(desk.state.config)


def test_the_tokenizers_own_pictures_are_for_any_of_them(desk: Desk) -> None:
    for name in ("sideBySide", "merges"):
        assert desk.action(name) in tokenizer_menu(desk).values()
        assert desk.action(name).isEnabled()


def test_a_tokenizer_from_a_file(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.json"
    desk.see(lambda: desk.texts.set_tokenizer("subword"))
    path.write_text(desk.document.tokenizer.to_json()["tokenizer"], encoding="utf-8")
    size = desk.document.vocab_size
    desk.see(lambda: desk.texts.set_tokenizer("char"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.action("openTokenizer").trigger()
    assert desk.document.vocab_size == size
    assert chosen(desk) == []
    assert "cats.txt, mine.json" in desk.words(desk.tokens)
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.switch(desk.tokens.tokenizers, "byte")
    assert chosen(desk) == ["Byte"]
    assert desk.state.config.tokenizer_file == ""


def test_a_file_that_is_no_tokenizer_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("{}")
    before = desk.document
    desk.see_no(lambda: desk.texts.set_tokenizer("file", str(path)))
    assert len(desk.sentences) == 1
    assert "mine.json" in desk.sentences[0]
    assert chosen(desk) == ["Char"]
    assert desk.document is before


def test_what_a_vocabulary_of_words_lacks_is_dashed(desk: Desk) -> None:
    desk.see(lambda: desk.texts.set_tokenizer("word"))
    desk.tokens.edit.setPlainText("the zebra")
    assert desk.state.line_ids[-1] == desk.document.tokenizer.unknown_id
    described(desk, desk.tokens.chips, "2 tokens, 1 unknown; selected token 2: zebra, unknown")


def test_the_vocabulary_and_its_counts(desk: Desk) -> None:
    desk.switch(desk.tokens, "vocabulary")
    assert desk.tokens.table.isVisible()
    assert not desk.tokens.edit.isVisible()
    train = desk.document.tokenizer.decode(desk.document.dataset.train_ids)
    expected = {
        (glyph(token), str(i), f"{train.count(token):,}", f"{train.count(token) / len(train):.2%}")
        for i, token in enumerate(sorted(set(TEXT)))
    }
    cells = table_cells(desk)
    assert set(cells) == expected
    assert len(cells) == len(expected)
    counts = [int(row[2].replace(",", "")) for row in cells]
    assert counts == sorted(counts, reverse=True)
    model = desk.tokens.table.model()
    headers = [model.headerData(column, Qt.Orientation.Horizontal, 0) for column in range(4)]
    assert headers == ["token", "id", "count", "share"]
    desk.switch(desk.tokens, "line")
    assert desk.tokens.edit.isVisible()


def test_the_vocabulary_can_be_sorted_by_number(desk: Desk) -> None:
    desk.tokens.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [int(row[1]) for row in table_cells(desk)] == list(range(desk.document.vocab_size))  # not "10" < "2"
    desk.tokens.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    counts = [int(row[2]) for row in table_cells(desk)]
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("pattern", "tokens"),
    [("c", {"c"}), ("12", {"n"}), (" ", {"␣"}), ("␣", {"␣"}), ("⇥", {"⇥"}), ("\t", {"⇥"}), ("Ω", set())],
)
def test_searching_the_vocabulary(desk: Desk, pattern: str, tokens: set[str]) -> None:
    desk.tokens.segments.set_value("vocabulary")
    desk.tokens.search.setText(pattern)
    assert {row[0] for row in table_cells(desk)} == tokens
    if pattern == "12":
        assert desk.document.tokenizer.vocabulary[12] == "n"
    desk.tokens.search.clear()
    assert len(table_cells(desk)) == desk.document.vocab_size


def test_a_token_pointed_at_in_the_vocabulary_is_marked_in_the_table(desk: Desk) -> None:
    desk.tokens.segments.set_value("vocabulary")
    desk.tokens.search.setText("g")
    desk.focus(desk.tokens.table)
    desk.press(Key.Key_Down)
    token = desk.document.tokenizer.vocabulary.index("g")
    assert desk.state.hovered_token == token
    assert "g" in desk.table.heatmap.shown_labels()


def test_another_text_brings_another_vocabulary(desk: Desk) -> None:
    desk.open_text("banana")
    assert {row[0] for row in table_cells(desk)} == set("banana")
