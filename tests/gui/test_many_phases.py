"""The step-through of a model with blocks, which has more phases than there is room for."""

import numpy as np
import pytest
from fake_transformer import phases_of, transformer_trace
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QToolButton
from test_fake_trainer import Desk

from embedviz.analysis.units import NATS
from embedviz.gui.phase_cards import cards_of
from embedviz.gui.plots.phase_strip import AFTER, PhaseStrip
from embedviz.gui.row_flight import RowFlight
from embedviz.gui.table_phase import shown_ids, ticks_of
from embedviz.trace import StepTrace


def tell(desk: Desk, blocks: int, step: int = 20) -> StepTrace:
    """Let the trainer tell a step of a transformer of so many blocks, on 32 tokens of the text."""
    ids = desk.document.dataset.train_ids[:32].astype(np.int64)
    trace = transformer_trace(desk.document.vocab_size, ids, blocks=blocks, step=step)
    desk.tell_trace(trace)
    return trace


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20."""
    desk.pause(20)
    return desk


def strip(desk: Desk) -> PhaseStrip:
    return desk.child(PhaseStrip, "phaseStrip")


def place(desk: Desk) -> QLabel:
    return desk.child(QLabel, "phasePlace")


@pytest.mark.parametrize("blocks", [2, 12])
def test_right_and_left_go_through_all_phases_with_the_current_one_in_sight(at_20: Desk, blocks: int) -> None:
    tell(at_20, blocks)
    phases = phases_of(blocks)
    formula, explanation = at_20.training.phases._formula, at_20.child(QLabel, "phaseExplanation")
    at_20.child(QToolButton, "explainPhase").click()
    steps = [(Qt.Key.Key_Right, index) for index in range(len(phases))]
    steps += [(Qt.Key.Key_Left, index) for index in reversed(range(len(phases) - 1))]
    for key, index in steps:
        at_20.press(key)
        assert at_20.state.phase_index == strip(at_20).current == index
        assert index in strip(at_20).shown
        assert strip(at_20).rect().contains(strip(at_20).card_rect(index).toRect())
        assert formula.text().startswith(f"{phases[index].title}: ")
        assert explanation.text()
        assert place(at_20).text() == f"{index + 1} of {len(phases)}"


def test_a_place_among_all_is_said_only_where_not_all_are_seen(at_20: Desk) -> None:
    at_20.tell_step(reads=3)
    assert place(at_20).isHidden()
    tell(at_20, 2)
    assert place(at_20).isVisible()
    assert place(at_20).text() == "21 phases"


def test_the_place_moves_nothing_beside_it(at_20: Desk) -> None:
    trace = tell(at_20, 12)
    lefts = set()
    for index in range(-1, len(trace.phases)):
        at_20.state.show_phase(index)
        at_20.window.grab()  # lays out
        lefts.add(at_20.training.phases._formula.geometry().left())
    assert len(lefts) == 1


def test_attention_is_of_heads_and_of_the_tokens_that_are_read(at_20: Desk) -> None:
    trace = tell(at_20, 2)
    labels = at_20.document.tokenizer.labels
    cards = {card.name: card for card in cards_of(trace, labels, NATS, context_length=32)}
    attention = cards["block-2-attention"]
    assert attention.kind == "weights"
    assert attention.group == "Block 2"
    assert attention.picture is trace.arrays["block 2 attention last"]
    assert [attention.column_label(k) for k in range(32)] == [labels[i] for i in trace.arrays["ids"]]
    assert cards["lookup"].columns is None
    assert cards["lookup"].group == ""


def test_the_batch_frames_all_that_a_model_with_windows_reads(at_20: Desk) -> None:
    assert at_20.state.run.config.reads == "token"
    tell(at_20, 2)
    assert strip(at_20)._cards[0].reads == 1
    at_20.controller.restart(at_20.state.config.with_model("transformer"))
    at_20.answer()
    at_20.show(0)
    tell(at_20, 2, step=0)
    assert strip(at_20)._cards[0].reads == at_20.state.run.config.block_size > 1


def test_a_click_on_an_edge_looks_ahead_and_leaves_the_phase(at_20: Desk) -> None:
    tell(at_20, 12)
    at_20.go_to_phase("lookup")
    before = strip(at_20).shown
    at_20.click(strip(at_20), strip(at_20).edge_rect(AFTER).center())
    assert strip(at_20).shown.start == before.stop
    assert at_20.state.phase is not None
    assert at_20.state.phase.name == "lookup"
    assert at_20.training.phases.picture_rect("lookup").isEmpty()  # it is out of sight
    tell(at_20, 12, step=21)
    assert strip(at_20).shown.start == before.stop


def test_a_cell_of_the_bar_goes_to_its_phase(at_20: Desk) -> None:
    tell(at_20, 12)
    bar = strip(at_20).bar()
    assert bar is not None
    at_20.click(strip(at_20), QPointF(bar.cells[50].center().x(), bar.rect.bottom() - 1))
    assert at_20.state.phase_index == strip(at_20).current == 50


# --- rows that fly, and what the table shows --------------------------------------------------------


def test_rows_fly_to_a_look_up_that_was_out_of_sight(at_20: Desk) -> None:
    trace = tell(at_20, 12)
    at_20.state.show_phase(len(trace.phases) - 1)
    assert at_20.training.phases.picture_rect("lookup").isEmpty()
    flight = at_20.child(RowFlight, "rowFlight")
    at_20.go_to_phase("lookup")
    assert flight.is_flying
    target = at_20.training.phases.picture_rect("lookup")
    assert not target.isEmpty()


def test_only_rows_that_are_drawn_are_landed_on(at_20: Desk) -> None:
    tell(at_20, 2)
    flight = at_20.child(RowFlight, "rowFlight")
    here = QRect(at_20.window.mapToGlobal(at_20.window.rect().topLeft()), at_20.window.size() / 10)
    pictures = [QPixmap(4, 1 + row) for row in range(32)]
    flight._find_rows = lambda: [(here, picture) for picture in pictures]
    at_20.go_to_phase("lookup")
    drawn = strip(at_20).rows_drawn(1)
    assert 1 < drawn < 32
    assert [shown.height() for _, _, shown in flight._rows] == [row + 1 for row in range(32 - drawn, 32)]
    target = flight._find_target("lookup", -1)
    tops = [end.top() - flight._rows[0][1].top() for _, end, _ in flight._rows]
    assert tops == pytest.approx([place * target.height() / drawn for place in range(drawn)])


def test_positions_have_ticks_of_their_own(at_20: Desk) -> None:
    trace = tell(at_20, 2)
    size = at_20.state.run.config.block_size
    has, moved = np.zeros(size, bool), np.zeros(size, bool)
    has[:3], moved[[5]] = True, True
    more = {"position rows with gradient": has, "position moved without gradient": moved}
    told = StepTrace(21, dict(trace.arrays) | more, trace.points, trace.phases, is_watched=False)
    at_20.tell_trace(told)
    at_20.go_to_phase("gradient")
    assert ticks_of(at_20.state, "position").with_gradient == (0, 1, 2)
    assert ticks_of(at_20.state, "position").legend == f"▪ gradient: 3 of {size}"
    assert ticks_of(at_20.state).with_gradient == tuple(np.flatnonzero(trace.arrays["rows with gradient"]))
    at_20.go_to_phase("update")
    assert ticks_of(at_20.state, "position").without == (5,)
    assert shown_ids(at_20.state) == trace.arrays["ids"].tolist()
    at_20.go_to_phase("norm")
    assert ticks_of(at_20.state, "position").legend == ""
