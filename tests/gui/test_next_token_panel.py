"""The Next token panel: bars for the selected context, the model's beside the text's."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QComboBox, QToolTip
from test_fake_trainer import TEXT, Desk

from embedviz.engine import messages as m
from embedviz.gui.panels.next_token import TOP_K, probability
from embedviz.gui.plots.bars import BarChart
from embedviz.text.glyphs import glyph

VOCABULARY = sorted(set(TEXT))


class Bars:
    """What was last given to the bar chart to draw."""

    def __init__(self, chart: BarChart, monkeypatch: pytest.MonkeyPatch) -> None:
        self.labels: list[str] = []
        self.ids: list[int] = []
        self.model = self.data = np.zeros(0)
        self.texts: list[str] = []
        self.maximum = 0.0
        draw = chart.set_data

        def keep(
            labels: Sequence[str],
            ids: Sequence[int],
            model: NDArray[np.float64],
            data: NDArray[np.float64],
            texts: Sequence[str],
            maximum: float,
        ) -> None:
            self.labels, self.ids, self.texts = list(labels), list(ids), list(texts)
            self.model, self.data, self.maximum = model, data, maximum
            draw(labels, ids, model, data, texts, maximum)

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
    assert f"model {bars.model[0]:.4f}  (log {np.log(bars.model[0]):.3f}, rank 1)" in text
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
