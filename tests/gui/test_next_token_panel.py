"""The Next token panel: bars for the selected context, the model's beside the text's."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QComboBox, QToolTip
from test_fake_trainer import TEXT, Desk, step_trace

from embedviz.analysis.figures import figure
from embedviz.analysis.units import BITS, NATS, PERPLEXITY
from embedviz.engine import messages as m
from embedviz.gui.panels.next_token import TOP_K
from embedviz.gui.plots.bar_marks import Mark
from embedviz.gui.plots.bars import BarChart
from embedviz.gui.predictions import probability
from embedviz.text.glyphs import glyph
from embedviz.trace import StepTrace

VOCABULARY = sorted(set(TEXT))


class Bars:
    """What was last given to the bar chart to draw."""

    def __init__(self, chart: BarChart, monkeypatch: pytest.MonkeyPatch) -> None:
        self.labels: list[str] = []
        self.ids: list[int] = []
        self.model = self.data = np.zeros(0)
        self.texts: list[str] = []
        self.maximum = 0.0
        self.before: NDArray[np.float64] | None = None
        self.marks: dict[int, Mark] = {}
        draw = chart.set_data

        def keep(
            labels: Sequence[str],
            ids: Sequence[int],
            model: NDArray[np.float64],
            data: NDArray[np.float64],
            texts: Sequence[str],
            maximum: float,
            *,
            before: NDArray[np.float64] | None = None,
            marks: Mapping[int, Mark] | None = None,
        ) -> None:
            self.labels, self.ids, self.texts = list(labels), list(ids), list(texts)
            self.model, self.data, self.maximum = model, data, maximum
            self.before, self.marks = before, {ids[row]: mark for row, mark in (marks or {}).items()}
            draw(labels, ids, model, data, texts, maximum, before=before, marks=marks)

        monkeypatch.setattr(chart, "set_data", keep)


@pytest.fixture
def bars(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Bars:
    desk.tokens.edit.setPlainText("the cat")
    kept = Bars(desk.following.bars, monkeypatch)
    desk.show(20)
    return kept


def model_after(desk: Desk, character: str) -> NDArray[np.float64]:
    """Return the model's probabilities (V,), computed here from the table that is shown."""
    row = desk.snapshot.tables["token"][VOCABULARY.index(character)].astype(np.float64)
    return np.exp(row) / np.exp(row).sum()


def text_after(desk: Desk, character: str) -> NDArray[np.float64]:
    """Return the text's probabilities (V,), counted here."""
    train = desk.document.tokenizer.decode(desk.document.dataset.train_ids)
    counts = np.array([train.count(character + second) for second in VOCABULARY], float)
    return counts / counts.sum()


def test_the_likeliest_come_first(desk: Desk, bars: Bars) -> None:
    model = model_after(desk, "t")
    order = np.argsort(-model)
    assert bars.ids == order.tolist()
    assert bars.labels == [glyph(VOCABULARY[i]) for i in order]
    np.testing.assert_allclose(bars.model, model[order], rtol=1e-6)
    np.testing.assert_allclose(bars.data, text_after(desk, "t")[order])
    assert model.sum() == pytest.approx(1)
    assert bars.texts == [f"{model[i]:.3f}" for i in order]


def test_in_the_order_of_the_vocabulary(desk: Desk, bars: Bars) -> None:
    desk.switch(desk.following, "vocabulary")
    assert bars.ids == list(range(len(VOCABULARY)))
    np.testing.assert_allclose(bars.data, text_after(desk, "t"))
    desk.switch(desk.following, "top")
    assert bars.ids[0] == int(np.argmax(model_after(desk, "t")))


def test_only_the_likeliest_of_a_large_vocabulary_and_that_is_said(
    desk: Desk, bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    monkeypatch.setattr(desk.following.bars, "set_caption", captions.append)
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    desk.open_text(many + "ab" * 500)
    desk.show(1)
    assert len(bars.ids) == TOP_K
    assert captions[-1] == "the 50 likeliest of 302 tokens"
    desk.switch(desk.following, "vocabulary")
    assert len(bars.ids) == 302
    assert captions[-1] == ""


def test_log_probabilities(desk: Desk, bars: Bars) -> None:
    desk.child(QComboBox, "barNumbers").setCurrentIndex(1)
    shown = [float(text.replace("−", "-")) for text in bars.texts]
    np.testing.assert_allclose(shown, np.log(bars.model), rtol=5e-3)


def test_ranks(desk: Desk, bars: Bars) -> None:
    desk.child(QComboBox, "barNumbers").setCurrentIndex(2)
    data = text_after(desk, "t")
    for place, (identity, text) in enumerate(zip(bars.ids, bars.texts, strict=True), start=1):
        model_rank, text_rank = map(int, text.split(" / "))
        assert model_rank == place
        higher = np.count_nonzero(data > data[identity])
        assert higher < text_rank <= np.count_nonzero(data >= data[identity])


def test_the_tip_of_a_bar_has_all_its_numbers(desk: Desk, bars: Bars) -> None:
    chart = desk.following.bars
    at = chart.row_rect(0).center().toPoint()
    QApplication.sendEvent(chart, QHelpEvent(QEvent.Type.ToolTip, at, chart.mapToGlobal(at)))
    text = QToolTip.text()
    QToolTip.hideText()
    assert text.startswith(f"{bars.labels[0]}  id {bars.ids[0]}\n")
    log = figure(float(np.log(bars.model[0])), digits=4)
    assert f"model {bars.model[0]:.4f}  (log P {log} nats, rank 1)" in text
    assert f"text {bars.data[0]:.4f}  (rank " in text


def test_the_title_names_the_context(desk: Desk, bars: Bars) -> None:
    assert "after “the␣cat”, last token ‘t’" in desk.words(desk.following)
    desk.tokens.edit.setPlainText("a")
    assert "after “a”, last token ‘a’" in desk.words(desk.following)


def test_the_end_of_the_bars_moves_in_steps(desk: Desk, bars: Bars) -> None:
    size = len(VOCABULARY)
    limits = []
    for step, odds in enumerate((1.0, 1.2, 1.5, 4.0, 1000.0), start=30):
        table = np.zeros((size, size), np.float32)
        table[:, 0] = np.log(odds)
        desk.show(step, table)
        assert max(bars.model.max(), bars.data.max()) <= bars.maximum
        limits.append(bars.maximum)
    assert limits == sorted(limits)
    assert len(set(limits)) < len(limits)
    assert limits[-1] == 1.0


def test_pointing_at_a_bar_marks_its_row_in_the_table(desk: Desk, bars: Bars) -> None:
    chart = desk.following.bars
    desk.point_at(chart, chart.row_rect(2).center())
    assert desk.state.hovered_token == bars.ids[2]
    desk.focus(chart)
    desk.press(Qt.Key.Key_Down)
    assert desk.state.hovered_token == bars.ids[3]


def test_blue_is_the_model_and_orange_the_text(desk: Desk, bars: Bars) -> None:
    chart = desk.following.bars
    row = int(np.argmax(bars.data * (bars.data > bars.model + 0.02)))
    image = chart.grab().toImage()
    middle = int(chart.row_rect(row).center().y())
    assert image.pixelColor(int(chart.bar_rect(0).center().x()), int(chart.row_rect(0).center().y())).name() == (
        desk.theme.colours.model
    )
    tick = chart.tick_x(row)
    assert tick is not None
    seen = {image.pixelColor(QPoint(round(tick) + d, middle)).name() for d in (-1, 0)}
    assert desk.theme.colours.data in seen


# --- units ------------------------------------------------------------------------------------------


def numbers(bars: Bars) -> list[float]:
    return [float(text.replace("−", "-").replace(",", "")) for text in bars.texts]


def test_the_logarithm_follows_the_unit(desk: Desk, bars: Bars) -> None:
    box = desk.child(QComboBox, "barNumbers")
    box.setCurrentIndex(1)
    for unit, title, says, value in (
        (BITS, "log₂ P", "in bits", np.log2(bars.model)),
        (PERPLEXITY, "1 / P", "One over", 1 / bars.model),
        (NATS, "log P", "in nats", np.log(bars.model)),
    ):
        desk.state.set_unit(unit)
        assert box.itemText(1) == title
        assert says in box.itemData(1, Qt.ItemDataRole.ToolTipRole)
        np.testing.assert_allclose(numbers(bars), value, rtol=5e-3)
        chart = desk.following.bars
        at = chart.row_rect(0).center().toPoint()
        QApplication.sendEvent(chart, QHelpEvent(QEvent.Type.ToolTip, at, chart.mapToGlobal(at)))
        assert f"({title} {figure(float(value[0]), digits=4)}" in QToolTip.text()
        assert unit.short in QToolTip.text()
        QToolTip.hideText()


# --- a step in phases -------------------------------------------------------------------------------


def trace_of(change: float = 0.3, *, is_watched: bool = False) -> StepTrace:
    """Return a trace of "mat" with "." as its target, whose logit the step makes higher by about `change`."""
    logits = np.linspace(0, 1, len(VOCABULARY)).astype(np.float32)
    table = np.tile(logits, (len(VOCABULARY), 1))
    ids, targets = (np.array([list(map(VOCABULARY.index, text))]) for text in ("mat", "at."))
    return step_trace(table, ids, targets, reads=4, step=7, rate=3 * change, is_watched=is_watched)


def test_before_a_step_the_bars_are_those_of_its_example(desk: Desk, bars: Bars) -> None:
    trace = trace_of()
    desk.tell_trace(trace)
    desk.go_to_phase("softmax")
    np.testing.assert_allclose(bars.model, trace.arrays["probabilities"][bars.ids], rtol=1e-6)
    np.testing.assert_allclose(bars.data, text_after(desk, "t")[bars.ids])
    assert bars.marks == {VOCABULARY.index("."): Mark.TARGET}
    assert bars.before is None
    words = desk.words(desk.following)
    assert "after “mat”: an example of the batch" in words
    assert "● model, step 7 |" in words
    row = bars.ids.index(VOCABULARY.index("."))
    assert f"target: . {bars.texts[row]}" in desk.following.bars.describe()


def test_a_frame_does_not_take_the_example_away_but_the_next_phase_does(desk: Desk, bars: Bars) -> None:
    desk.tell_trace(trace_of(is_watched=True))
    desk.go_to_phase("softmax")
    desk.show(21)
    assert "after “mat”, last token ‘t’" in desk.words(desk.following)
    desk.go_to_phase("batch")
    assert "after “the␣cat”, last token ‘t’" in desk.words(desk.following)
    assert bars.marks == {}
    np.testing.assert_allclose(bars.model, np.sort(model_after(desk, "t"))[::-1], rtol=1e-6)


def test_a_step_is_shown_before_and_after(desk: Desk, bars: Bars) -> None:
    trace = trace_of()
    desk.tell_trace(trace)
    desk.go_to_phase("update")
    before, after = (trace.arrays[name][bars.ids] for name in ("probabilities", "probabilities after"))
    np.testing.assert_allclose(bars.model, after, rtol=1e-6)
    np.testing.assert_allclose(bars.before, before, rtol=1e-6)
    assert list(before) == sorted(before, reverse=True)  # the order does not change under the eye
    for text, old, new in zip(bars.texts, before, after, strict=True):
        first, second = map(float, text.split(" → "))
        assert (first, second) == (pytest.approx(old, rel=5e-3), pytest.approx(new, rel=5e-3))
        assert (first < second) == (old < new)
    assert len(bars.texts) == len(VOCABULARY)
    assert "● model, step 7 → 8" in desk.words(desk.following)
    desk.child(QComboBox, "barNumbers").setCurrentIndex(2)
    target = bars.ids.index(VOCABULARY.index("."))
    ranks = [1 + int((values > values[target]).sum()) for values in (before, after)]
    assert bars.texts[target] == " → ".join(map(str, ranks))


def test_the_list_goes_back_to_its_top(desk: Desk, bars: Bars) -> None:
    chart = desk.following.bars
    chart.setFixedHeight(desk.theme.px(26) * 3)  # fewer rows than there are

    def scrolled(trace: StepTrace) -> bool:
        desk.tell_trace(trace)
        desk.go_to_phase("softmax")
        return chart.scroll_bar.value() > 0 and bars.ids.index(VOCABULARY.index(".")) in chart.shown_rows()

    logits = -np.linspace(0, 1, len(VOCABULARY)).astype(np.float32)
    logits[VOCABULARY.index(".")] = -2.0
    table = np.tile(logits, (len(VOCABULARY), 1))
    ids, targets = (np.array([list(map(VOCABULARY.index, text))]) for text in ("mat", "at."))
    trace = step_trace(table, ids, targets, reads=4, step=7)
    assert scrolled(trace)
    desk.go_to_phase("batch")
    assert chart.scroll_bar.value() == 0
    assert scrolled(trace)
    desk.show(21)
    assert chart.scroll_bar.value() > 0  # the phase is looked at still
    desk.worker.say(m.Playing(desk.state.run.run_id, 21))
    assert chart.scroll_bar.value() == 0


def test_another_list_begins_at_its_top_and_the_person_s_scrolling_stays(desk: Desk, bars: Bars) -> None:
    chart = desk.following.bars
    chart.setFixedHeight(desk.theme.px(26) * 3)
    desk.switch(desk.following, "top")

    def scroll() -> None:
        chart.scroll_bar.setValue(chart.scroll_bar.maximum())
        assert chart.scroll_bar.value() > 0

    scroll()
    desk.following.refresh()
    assert chart.scroll_bar.value() > 0  # nothing is new
    desk.switch(desk.following, "vocabulary")
    assert chart.scroll_bar.value() == 0
    desk.switch(desk.following, "top")
    scroll()
    desk.show(21)
    assert chart.scroll_bar.value() == 0  # a step by hand
    scroll()
    table = desk.table_at(21).copy()
    table[VOCABULARY.index("t"), VOCABULARY.index("s")] = 50.0
    desk.show(21, table)
    assert bars.labels[0] == "s"
    assert chart.scroll_bar.value() == 0  # what was changed by hand brought another winner
    desk.worker.say(m.Playing(desk.state.run.run_id, 21))
    desk.show(22, table)
    scroll()
    desk.show(23, table)
    assert chart.scroll_bar.value() > 0  # while it plays nobody takes the list out of the person's hands
    desk.tokens.edit.setPlainText("the ca")
    desk.show(23, table)
    assert chart.scroll_bar.value() == 0


def test_while_the_run_plays_the_bars_are_those_of_the_frames(desk: Desk, bars: Bars) -> None:
    desk.tell_trace(trace_of())
    desk.go_to_phase("update")
    assert "● model, step 7 → 8" in desk.words(desk.following)
    desk.worker.say(m.Playing(desk.state.run.run_id, 20))
    assert "● model, step 20" in desk.words(desk.following)
    desk.show(24)
    assert "● model, step 24" in desk.words(desk.following)
    assert bars.before is None
    np.testing.assert_allclose(bars.model, np.sort(model_after(desk, "t"))[::-1], rtol=1e-6)
    desk.worker.say(m.Paused(desk.state.run.run_id, 24, "asked"))
    assert "● model, step 7 → 8" in desk.words(desk.following)


def test_a_small_change_has_as_many_digits_as_it_takes(desk: Desk, bars: Bars) -> None:
    desk.tell_trace(trace_of(1e-4))
    desk.go_to_phase("update")
    target = bars.ids.index(VOCABULARY.index("."))
    first, second = bars.texts[target].split(" → ")
    assert first != second
    assert first[:5] == second[:5]
    others = [text for row, text in enumerate(bars.texts) if row != target]
    assert all(text.endswith(" ↓") or " → " in text for text in others)
    assert any(text.endswith(" ↓") for text in others)  # two long numbers would leave no room for the bar


def test_a_trace_of_another_vocabulary_is_not_shown(desk: Desk, bars: Bars) -> None:
    odd = step_trace(np.zeros((3, 3), np.float32), np.array([[0, 1]]), np.array([[1, 2]]), step=7)
    desk.tell_trace(odd)
    desk.go_to_phase("softmax")
    assert "after “the␣cat”" in desk.words(desk.following)


# --- whose bars they are ----------------------------------------------------------------------------


def test_another_selection_brings_its_own_bars(desk: Desk, bars: Bars) -> None:
    desk.click(desk.tokens.chips, desk.tokens.chips.chip_rect(0).center())
    assert desk.sent(m.Watch)[-1].contexts.tolist() == [[VOCABULARY.index("t")]]
    desk.click(desk.tokens.chips, desk.tokens.chips.chip_rect(1).center())
    desk.show(20)
    np.testing.assert_allclose(bars.model, np.sort(model_after(desk, "h"))[::-1], rtol=1e-6)
    assert f"● model, step {20}" in desk.words(desk.following)


@pytest.mark.parametrize("alive", [True, False], ids=["trainer busy", "trainer gone"])
def test_bars_never_stand_under_another_context_s_title(desk: Desk, bars: Bars, alive: bool) -> None:
    if not alive:
        desk.worker.die()
    desk.click(desk.tokens.chips, desk.tokens.chips.chip_rect(1).center())  # and no snapshot follows
    assert "after “th”, last token ‘h’" in desk.words(desk.following)
    np.testing.assert_allclose(bars.model, np.sort(model_after(desk, "h"))[::-1], rtol=1e-6)
    np.testing.assert_allclose(bars.data, text_after(desk, "h")[bars.ids])


def test_while_the_trainer_warms_up_the_bars_are_those_of_the_start(fresh_desk: Desk) -> None:
    desk = fresh_desk
    size = len(VOCABULARY)
    with pytest.MonkeyPatch.context() as patch:
        bars = Bars(desk.following.bars, patch)
        desk.tokens.edit.setPlainText("ac")
        np.testing.assert_allclose(bars.model, np.full(size, 1 / size))
        np.testing.assert_allclose(bars.data, text_after(desk, "c")[bars.ids])
    assert "● model, step 0" in desk.words(desk.following)


def test_an_unknown_token_has_no_bars(desk: Desk, bars: Bars) -> None:
    desk.tokens.edit.setPlainText("tΩ")
    words = "The selected token is not in the vocabulary, so there is no row to look up."
    desk.qtbot.waitUntil(lambda: desk.following.bars.accessibleDescription() == words)
    assert "after" not in desk.words(desk.following)
    desk.tokens.edit.setPlainText("t")
    desk.qtbot.waitUntil(lambda: "bars; " in desk.following.bars.accessibleDescription())


def test_before_the_first_step_of_a_random_start_it_says_why_it_is_empty(desk: Desk, bars: Bars) -> None:
    desk.controller.restart(desk.state.config.replace(init="normal-1"))
    desk.qtbot.waitUntil(lambda: "warming up" in desk.following.bars.accessibleDescription())
    assert "model, step" not in desk.words(desk.following)
    desk.answer()
    desk.show(0, desk.table_at(55))
    desk.qtbot.waitUntil(lambda: "bars; " in desk.following.bars.accessibleDescription())


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.000"), (0.2774, "0.277"), (0.0371, "0.037"), (0.00038, "0.00038"), (0.0, "0")]
)
def test_a_small_probability_still_says_something(value: float, text: str) -> None:
    assert probability(value) == text


def test_without_a_line_the_text_is_of_no_token(desk: Desk) -> None:
    desk.controller.restart(desk.state.config.with_model("mlp"))
    desk.answer()
    desk.following._data_key.setText("▏text after ‘w’")  # as it was told of the line before
    desk.tokens.edit.setPlainText("")
    assert desk.following._data_key.text() == "▏text"
