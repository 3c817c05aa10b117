"""The Lookup table panel: modes, colours that hold still, rows looked up, pointing, finding, ordering."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QPushButton
from test_fake_trainer import TEXT, Desk, Table

from embedviz.analysis.figures import figure
from embedviz.engine import messages as m
from embedviz.text.glyphs import glyph

Key = Qt.Key


def shown(desk: Desk) -> Table:
    """Return the numbers that the heatmap shows, in the order in which it shows them."""
    rows, columns = desk.table.heatmap.table_shape()
    return np.array(
        [[desk.table.heatmap.value_at(row, column) for column in range(columns)] for row in range(rows)]
    )


def row_labels(desk: Desk) -> list[str]:
    """Return the labels at the rows, from top to bottom."""
    heatmap = desk.table.heatmap
    left = heatmap.table_area().left()
    placed = zip(heatmap.label_rects(), heatmap.shown_labels(), strict=True)
    return [text for _, text in sorted((rect.top(), text) for rect, text in placed if rect.right() < left)]


def legend(desk: Desk) -> tuple[float, float]:
    """Return the limits that the legend prints, from low to high."""
    high, _, low = (float(text.replace("−", "-").replace(",", "")) for text in desk.table.legend.texts)
    return low, high


def token(desk: Desk, character: str) -> int:
    return desk.document.tokenizer.vocabulary.index(character)


def choose_order(desk: Desk, how: str) -> None:
    box = desk.child(QComboBox, "rowOrder")
    box.setCurrentIndex(box.findData(how))


def find(desk: Desk, what: str) -> None:
    field = desk.child(QLineEdit, "findToken")
    desk.focus(field)
    field.clear()
    desk.type(what)
    desk.press(Key.Key_Return)


# --- modes ------------------------------------------------------------------------------------------


def test_the_weights_are_the_snapshot_s(desk: Desk) -> None:
    snapshot = desk.show(20)
    size = desk.document.vocab_size
    assert shown(desk).astype(np.float32).tobytes() == snapshot.tables["token"].tobytes()
    assert f"{size} × {size} · step 20" in desk.words(desk.table)


def test_rows_and_columns_are_labelled_with_glyphs(desk: Desk) -> None:
    glyphs = [glyph(character) for character in sorted(set(TEXT))]
    assert {"␣", "↵", "⇥"} < set(glyphs)
    assert row_labels(desk) == glyphs
    assert sorted(desk.table.heatmap.shown_labels()) == sorted(glyphs * 2)


def test_softmax_gives_probabilities(desk: Desk) -> None:
    desk.switch(desk.table, "softmax")
    table = desk.show(20).tables["token"].astype(np.float64)
    expected = np.exp(table) / np.exp(table).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shown(desk), expected, rtol=1e-5)
    assert legend(desk) == (0.0, 1.0)


def test_counts_are_those_of_the_training_part(desk: Desk) -> None:
    desk.switch(desk.table, "counts")
    train = desk.document.tokenizer.decode(desk.document.dataset.train_ids)
    pairs = list(itertools.pairwise(train))
    heatmap = desk.table.heatmap
    for first, second in (("t", "h"), ("a", "t"), (" ", "h"), ("g", "g")):
        expected = pairs.count((first, second))
        assert heatmap.value_at(token(desk, first), token(desk, second)) == expected
    assert desk.table.legend.texts[2] == "0"
    assert legend(desk)[1] >= desk.document.pairs.counts.max()
    assert "training part" in desk.words(desk.table)


def test_change_is_since_the_step_shown_before(desk: Desk) -> None:
    desk.switch(desk.table, "change")
    desk.qtbot.waitUntil(lambda: "Take a step" in desk.table.heatmap.accessibleDescription())
    first = desk.show(3).tables["token"]
    second = desk.show(8).tables["token"]
    np.testing.assert_allclose(shown(desk), second - first, rtol=1e-6)
    assert "step 3 to 8" in desk.words(desk.table)
    again = desk.show(8)  # the same step again, for another context: the change stays
    assert again.tables["token"].tobytes() == second.tobytes()
    np.testing.assert_allclose(shown(desk), second - first, rtol=1e-6)
    desk.show(2)  # rewound
    desk.qtbot.waitUntil(lambda: "Take a step" in desk.table.heatmap.accessibleDescription())


def test_gradients_are_asked_for_only_while_they_are_looked_at(desk: Desk) -> None:
    assert not desk.sent(m.Watch)[-1].gradients
    desk.switch(desk.table, "gradient")
    assert desk.sent(m.Watch)[-1].gradients
    desk.qtbot.waitUntil(lambda: "gradient that it followed" in desk.table.heatmap.accessibleDescription())
    gradient = desk.table_at(99) * 1e-3
    desk.show(1, gradients={"token": gradient})
    assert shown(desk).astype(np.float32).tobytes() == gradient.tobytes()
    assert "of the step to 1" in desk.words(desk.table)
    desk.switch(desk.table, "weights")
    assert not desk.sent(m.Watch)[-1].gradients


def test_before_the_first_step_of_a_random_start_the_panel_says_why_it_is_empty(desk: Desk) -> None:
    desk.controller.restart(desk.state.config.replace(init="normal-1"))
    desk.qtbot.waitUntil(lambda: "warming up" in desk.table.heatmap.accessibleDescription())
    desk.switch(desk.table, "counts")  # which need no trainer
    assert shown(desk).sum() == len(desk.document.dataset.train_ids) - 1


# --- colours ----------------------------------------------------------------------------------------


def test_limits_are_symmetric_and_hold_still(desk: Desk) -> None:
    limits = []
    for step, largest in enumerate((0.4, 0.9, 0.2, 2.5, 0.01, 2.9), start=1):
        table = np.zeros((desk.document.vocab_size,) * 2, np.float32)
        table[0, 0] = -largest
        desk.show(step, table)
        low, high = legend(desk)
        assert low == -high
        assert high >= largest
        limits.append(high)
    assert limits == sorted(limits)  # while training they only grow
    assert limits[2] == limits[1]
    assert limits[4] == limits[5] == limits[3]


def test_another_run_begins_with_limits_of_its_own(desk: Desk) -> None:
    desk.show(5, desk.table_at(5) * 100)
    assert legend(desk)[1] > 100
    desk.controller.restart(desk.state.config.replace(lr=0.2))  # on the same text
    desk.answer()
    desk.show(1, desk.table_at(1) * 0.1)
    assert legend(desk)[1] < 1


@pytest.mark.parametrize("mode", ["weights", "softmax", "counts", "change", "gradient"])
def test_the_legend_is_always_there(desk: Desk, mode: str) -> None:
    desk.switch(desk.table, mode)
    assert desk.table.legend.isVisible()
    desk.show(1, gradients={"token": desk.table_at(9)})
    desk.show(2, gradients={"token": desk.table_at(8)})
    assert desk.table.legend.isVisible()
    low, high = legend(desk)
    numbers = shown(desk)
    assert low <= numbers.min()
    assert numbers.max() <= high


def test_colours_for_those_who_confuse_red_and_green(desk: Desk) -> None:
    desk.show(1)

    def colours() -> list[str]:
        image = desk.table.legend.grab().toImage()
        bar = desk.table.legend.bar_rect()
        x = int(bar.center().x())
        return [image.pixelColor(x, int(y)).name() for y in (bar.top() + 3, bar.bottom() - 3)]

    usual = colours()
    desk.action("colourBlind").trigger()
    assert desk.action("colourBlind").isChecked()
    assert colours() != usual
    desk.action("colourBlind").trigger()
    assert colours() == usual


# --- the rows looked up -----------------------------------------------------------------------------


def is_outlined(desk: Desk, row: int) -> bool:
    """Tell whether there is ink just above and just below a row."""
    image = desk.table.heatmap.grab().toImage()
    rect = desk.table.heatmap.row_rect(row)
    x = int(rect.left() + rect.width() / 2)

    def is_inked(y: float) -> bool:
        near = (image.pixelColor(x, round(y) + d).name() for d in (-3, -2, -1, 0, 1, 2))
        return desk.theme.colours.ink in near

    return is_inked(rect.top()) and is_inked(rect.bottom())


def test_the_context_s_rows_are_outlined_and_pulled_out(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat")
    desk.qtbot.waitUntil(lambda: "3 rows: c a t; selected row t" in desk.table.strip.accessibleDescription())
    ids = [token(desk, character) for character in "cat"]
    outlined = {row for row in range(desk.document.vocab_size) if is_outlined(desk, row)}
    assert set(ids) <= outlined
    assert token(desk, "g") not in outlined
    listed = ", ".join(map(str, ids))
    assert f"(3, {desk.document.vocab_size}) | “cat” → ids {listed} |" in desk.words(desk.table)
    desk.click(desk.tokens.chips, desk.tokens.chips.chip_rect(0).center())
    assert f"(1, {desk.document.vocab_size}) | “c” → ids {ids[0]} |" in desk.words(desk.table)
    assert not is_outlined(desk, ids[2])


def test_the_context_is_no_longer_than_a_block(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("the cat sat on the mat")
    assert "“n␣the␣mat”" not in desk.words(desk.table)
    assert "“␣the␣mat” → ids" in desk.words(desk.table)
    assert f"Rows looked up  (8, {desk.document.vocab_size})" in desk.words(desk.table)


def test_what_the_vocabulary_lacks_has_no_row(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cΩt")
    assert f"(1, {desk.document.vocab_size}) | “t” → ids {token(desk, 't')} |" in desk.words(desk.table)


def test_a_click_on_a_row_selects_its_token_in_the_own_line(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat cat")
    heatmap = desk.table.heatmap
    desk.click(heatmap, heatmap.cell_rect(token(desk, "c"), 4).center())
    assert desk.state.selected == 4  # the nearest
    desk.click(heatmap, heatmap.cell_rect(token(desk, "g"), 4).center())  # not in the line
    assert desk.state.selected == 4
    assert desk.state.hovered_token == token(desk, "g")


# --- pointing ---------------------------------------------------------------------------------------


def point(desk: Desk, row: int, column: int) -> None:
    desk.point_at(desk.table.heatmap, desk.table.heatmap.cell_rect(row, column).center())


def test_pointing_tells_row_column_value_and_step(desk: Desk) -> None:
    table = desk.show(1234).tables["token"]
    row, column = token(desk, "t"), token(desk, "h")
    point(desk, row, column)
    where, logit, softmax, text = desk.table.cell.texts
    assert where == f"row {row} ‘t’, column {column} ‘h’, step 1,234"
    assert logit == figure(float(table[row, column]), signed=True)
    probability = np.exp(table[row, column]) / np.exp(table[row]).sum()
    assert softmax == figure(float(probability))
    assert text.endswith(f"({desk.document.pairs[row, column]} times)")
    assert desk.state.hovered_token == row


def test_the_numbers_pointed_at_follow_the_training(desk: Desk) -> None:
    point(desk, 3, 5)
    table = desk.show(7).tables["token"]
    assert desk.table.cell.texts[0].endswith("step 7")
    assert desk.table.cell.texts[1] == figure(float(table[3, 5]), signed=True)


def test_pointing_elsewhere_tells_nothing(desk: Desk) -> None:
    point(desk, 3, 5)
    desk.point_at(desk.table.heatmap, QPointF(1, 1))
    assert desk.table.cell.texts == ("Click holds it, Ctrl+drag changes it.", "–", "–", "–")
    assert desk.state.hovered_token == -1


def test_pointing_at_the_rows_looked_up(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat")
    strip = desk.table.strip
    desk.point_at(strip, strip.cell_rect(1, 2).center())
    assert desk.table.cell.texts[0].startswith(f"row {token(desk, 'a')} ‘a’, column 2 ")


def test_pointing_by_keys(desk: Desk) -> None:
    desk.worker.sent.clear()
    desk.focus(desk.table.heatmap)
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Down):
        desk.press(key)
    assert desk.table.heatmap.cursor_cell is not None
    row, column = desk.table.heatmap.cursor_cell
    assert desk.table.cell.texts[0].startswith(f"row {row} ‘")
    assert f"column {column} ‘" in desk.table.cell.texts[0]
    assert desk.worker.sent == []  # no step was taken


@pytest.mark.parametrize("mode", ["change", "gradient"])
def test_pointing_tells_the_value_of_the_mode(desk: Desk, mode: str) -> None:
    desk.switch(desk.table, mode)
    desk.show(1, gradients={"token": desk.table_at(70)})
    desk.show(2, gradients={"token": desk.table_at(71)})
    point(desk, 3, 5)
    assert figure(desk.table.heatmap.value_at(3, 5), signed=True) in desk.words(desk.table.cell).split(" | ")
    assert mode in desk.words(desk.table.cell).split(" | ")
    desk.switch(desk.table, "weights")
    assert mode not in desk.words(desk.table.cell).split(" | ")


# --- moving about -----------------------------------------------------------------------------------


def turn_wheel(desk: Desk, notches: int, at: QPointF) -> None:
    heatmap = desk.table.heatmap
    nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    delta = QPointF(0, 120 * notches).toPoint()
    QApplication.sendEvent(heatmap, QWheelEvent(at, heatmap.mapToGlobal(at), delta, delta, *nothing, False))


def test_the_wheel_zooms_about_the_pointer_and_show_all_undoes_it(desk: Desk) -> None:
    heatmap = desk.table.heatmap
    everything = heatmap.view.shown_rows
    assert len(everything) == desk.document.vocab_size
    at = heatmap.cell_rect(4, 4).center()
    turn_wheel(desk, 5, at)
    assert len(heatmap.view.shown_rows) < len(everything)
    assert heatmap.view.cell_at(at.x(), at.y()) == (4, 4)
    desk.click(desk.child(QPushButton, "showAll"))
    assert heatmap.view.shown_rows == everything


def test_training_does_not_undo_the_zoom_but_another_text_does(desk: Desk) -> None:
    heatmap = desk.table.heatmap
    turn_wheel(desk, 5, heatmap.cell_rect(4, 4).center())
    seen = heatmap.view.shown_rows
    desk.show(5)
    assert heatmap.view.shown_rows == seen
    desk.open_text("banana bandana")
    assert len(heatmap.view.shown_rows) == len(set("banana bandana"))


@pytest.mark.parametrize(("what", "character"), [("g", "g"), (" ", " "), ("␣", " "), ("⇥", "\t"), ("3", " ")])
def test_finding_a_token(desk: Desk, what: str, character: str) -> None:
    vocabulary = desk.document.tokenizer.vocabulary
    wanted = 3 if what == "3" else vocabulary.index(character)
    turn_wheel(desk, 12, desk.table.heatmap.cell_rect(9, 9).center())
    find(desk, what)
    assert desk.state.hovered_token == wanted
    assert wanted in desk.table.heatmap.view.shown_rows
    assert glyph(vocabulary[wanted]) in row_labels(desk)


def test_not_finding_a_token_is_said_until_one_is_found(desk: Desk) -> None:
    field = desk.child(QLineEdit, "findToken")
    usual = field.toolTip()
    find(desk, "Ω")
    assert "‘Ω’ is not among the rows shown." in desk.words(desk.table)
    assert desk.state.hovered_token == -1
    find(desk, "g")
    assert "not among the rows" not in desk.words(desk.table)
    assert field.toolTip() == usual


def test_a_table_with_more_rows_than_pixels_says_what_a_line_stands_for(desk: Desk) -> None:
    assert desk.table.heatmap.pooling_note == ""
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 1500)))
    desk.open_text(many + "ab" * 5000)
    note = desk.table.heatmap.pooling_note
    assert "rows" in note
    assert note in desk.words(desk.table)


# --- order ------------------------------------------------------------------------------------------


def test_rows_by_frequency(desk: Desk) -> None:
    table = desk.show(20).tables["token"]
    choose_order(desk, "frequency")
    train = desk.document.tokenizer.decode(desk.document.dataset.train_ids)
    vocabulary = sorted(set(TEXT))
    order = sorted(range(len(vocabulary)), key=lambda i: -train.count(vocabulary[i]))
    assert row_labels(desk) == [glyph(vocabulary[i]) for i in order]
    assert shown(desk).astype(np.float32).tobytes() == table[order].tobytes()
    point(desk, 0, 3)  # the row on top is the most frequent token's, columns stay by id
    assert desk.table.cell.texts[0].startswith(f"row {order[0]} ‘")
    assert "column 3 ‘" in desk.table.cell.texts[0]
    choose_order(desk, "id")
    assert shown(desk).astype(np.float32).tobytes() == table.tobytes()


def test_rows_by_similarity_puts_like_beside_like(desk: Desk) -> None:
    size = desk.document.vocab_size
    kinds = np.arange(size) % 3
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(3, size))[kinds] + 0.01 * rng.normal(size=(size, size))).astype(np.float32)
    desk.show(20, table)
    choose_order(desk, "similarity")
    glyphs = [glyph(character) for character in sorted(set(TEXT))]
    order = [glyphs.index(label) for label in row_labels(desk)]
    assert sorted(order) == list(range(size))
    borders = np.count_nonzero(np.diff(kinds[order]))
    assert borders == 2  # three kinds, each in one piece


def test_by_similarity_lives_through_another_text(desk: Desk) -> None:
    desk.show(20)
    choose_order(desk, "similarity")
    desk.open_text("banana bandana")  # with a smaller vocabulary
    assert sorted(row_labels(desk)) == sorted(map(glyph, set("banana bandana")))
    desk.answer()
    table = np.zeros((5, 5), np.float32)
    table[[0, 3]], table[[1, 2, 4]] = (1, 0, 0, 0, 0), (0, 1, 0, 0, 0)
    desk.show(1, table)
    glyphs = [glyph(c) for c in sorted(set("banana bandana"))]
    places = [glyphs.index(label) for label in row_labels(desk)]
    assert abs(places.index(0) - places.index(3)) == 1  # the box still says "by similarity": so it is


def test_choosing_by_similarity_again_sorts_anew(desk: Desk) -> None:
    size = desk.document.vocab_size
    box = desk.child(QComboBox, "rowOrder")

    def is_beside(first: int, second: int) -> bool:
        glyphs = [glyph(character) for character in sorted(set(TEXT))]
        order = [glyphs.index(label) for label in row_labels(desk)]
        return abs(order.index(first) - order.index(second)) in (1, size - 1)

    def table_with_twins(first: int, second: int) -> Table:
        table = desk.table_at(1).copy()
        table[second] = table[first]
        return table

    desk.show(1, table_with_twins(2, 9))
    choose_order(desk, "similarity")
    assert is_beside(2, 9)
    labels = row_labels(desk)
    desk.show(2, table_with_twins(4, 11))
    assert row_labels(desk) == labels  # rows do not jump about while training runs
    box.activated.emit(box.currentIndex())  # as when the same entry is chosen in the list
    assert is_beside(4, 11)


def test_unused_rows_can_be_hidden(desk: Desk) -> None:
    desk.open_text("abababababababababa z")  # z is only in the part that is held out
    assert "z" in row_labels(desk)
    box = desk.child(QCheckBox, "hideUnused")
    desk.click(box, QPointF(8, box.height() / 2))
    assert box.isChecked()
    assert row_labels(desk) == ["a", "b"]
    assert ", 2 rows shown" in desk.words(desk.table)
    assert "z" in desk.table.heatmap.shown_labels()  # as a column it stays
    find(desk, "z")
    assert "‘z’ is not among the rows shown." in desk.words(desk.table)
    desk.click(box, QPointF(8, box.height() / 2))
    assert "z" in row_labels(desk)
