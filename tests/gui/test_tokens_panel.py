"""The Tokens panel: what is typed becomes chips, one of them is selected, and the vocabulary can be searched."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtWidgets import QWidget
from test_fake_trainer import TEXT, Desk

from embedviz.engine import messages as m
from embedviz.text.glyphs import glyph
from embedviz.text.tokenizers import UNKNOWN

Key = Qt.Key


def type_anew(desk: Desk, text: str) -> None:
    """Replace what stands in the own line by keys alone."""
    desk.focus(desk.tokens.edit)
    desk.press(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    desk.type(text) if text else desk.press(Key.Key_Delete)


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
        desk.click(chips, chips.chip_rect(place).center())
        described(desk, chips, f"selected token {place + 1}: {shown}, id {vocabulary.index(token)}")
    desk.click(chips, chips.chip_rect(4).center())
    described(desk, chips, "5 tokens, 1 unknown; selected token 5: Ω, unknown")


def test_chips_are_painted(desk: Desk) -> None:
    chips = desk.tokens.chips
    type_anew(desk, "aa")
    desk.click(chips, chips.chip_rect(0).center())
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


def test_a_long_line_is_cut_and_that_is_said(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat " * 2000)
    assert len(desk.state.line) == len(desk.state.line_ids) == 5000
    assert "Only the first 5,000 characters are shown." in desk.words(desk.tokens)
    type_anew(desk, "cat")
    assert "Only the first" not in desk.words(desk.tokens)


def test_typing_does_not_move_the_cursor(desk: Desk) -> None:
    type_anew(desk, "cat")
    desk.press(Key.Key_Home)
    desk.type("the ")
    assert desk.state.line == "the cat"
    assert desk.tokens.edit.textCursor().position() == 4


def test_a_no_break_space_is_not_a_space(desk: Desk) -> None:
    assert desk.window.texts.open_text("dix\u00a0chats et dix\u00a0chiens " * 9)
    vocabulary = desk.document.tokenizer.vocabulary
    desk.tokens.edit.setPlainText("x\u00a0c h")
    assert desk.state.line == "x\u00a0c h"
    assert [vocabulary[i] for i in desk.state.line_ids] == list("x\u00a0c h")


def test_a_file_dropped_on_the_own_line_is_opened_and_not_written_into_it(desk: Desk, tmp_path) -> None:
    path = tmp_path / "banana.txt"
    path.write_text("banana bandana " * 5)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert desk.drop(desk.tokens.edit.viewport(), data)
    assert desk.document.corpus.name == "banana.txt"
    assert "file:" not in desk.tokens.edit.toPlainText()


# --- the selection ----------------------------------------------------------------------------------


def test_a_click_selects(desk: Desk) -> None:
    chips = desk.tokens.chips
    desk.click(chips, chips.chip_rect(3).center())
    assert desk.state.selected == chips.selection == 3
    assert desk.state.context_range == range(4)
    desk.click(chips, chips.chip_rect(12).center())
    assert desk.state.context_range == range(5, 13)  # block_size, 8, at most


@pytest.mark.parametrize(
    ("key", "place"),
    [(Key.Key_Left, 2), (Key.Key_Right, 4), (Key.Key_Home, 0), (Key.Key_End, -1)],
    ids=str,
)
def test_arrows_select_while_the_chips_have_the_focus(desk: Desk, key: Qt.Key, place: int) -> None:
    chips = desk.tokens.chips
    desk.click(chips, chips.chip_rect(3).center())
    desk.worker.sent.clear()
    desk.press(key)
    assert desk.state.selected == place % len(desk.state.line)
    assert [type(command) for command in desk.worker.sent] == [m.Watch]  # and no step was taken


def test_arrows_go_from_line_to_line(desk: Desk) -> None:
    chips = desk.tokens.chips
    desk.tokens.edit.setPlainText("the cat sat on the mat " * 3)
    desk.focus(chips)
    desk.press(Key.Key_Home)
    desk.click(chips, chips.chip_rect(2).center())
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
    desk.click(chips, chips.chip_rect(1).center())
    assert desk.window.texts.open_text("banana bandana")
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
    assert desk.window.texts.open_text("emma\nolivia\nava\n")
    desk.window.texts.set_per_line(True)
    words = desk.words(desk.tokens)
    assert "Pasted text, one item per line" in words
    assert "16 | characters" in words
    # A boundary before, between and after the items, in the training part and in what is held out.
    assert "18 | tokens" in words
    assert "1.00 | chars / token" in words


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
    assert desk.window.texts.open_text("banana")
    assert {row[0] for row in table_cells(desk)} == set("banana")
