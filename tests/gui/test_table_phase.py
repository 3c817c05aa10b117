"""The lookup table during the step-through: whose rows are outlined, and which rows have ticks."""

import numpy as np
from test_fake_trainer import Desk

from embedviz.engine import messages as m
from embedviz.trace import StepTrace, TracePhase


def trace_phase(name: str, context: str) -> TracePhase:
    return TracePhase(name, name, "signed", "", "", (), "", "", context=context)


def show_trace(desk: Desk, *, is_watched: bool, ids: tuple[int, ...] = (4, 9)) -> None:
    size = desk.document.vocab_size
    has, moved = np.zeros(size, bool), np.zeros(size, bool)
    has[[4, 9]], moved[[1, 2, 6]] = True, True
    arrays = {"ids": np.array(ids), "rows with gradient": has, "moved without gradient": moved}
    phases = (
        trace_phase("batch", ""),
        trace_phase("lookup", "rows"),
        trace_phase("softmax", "before"),
        trace_phase("gradient", "rows"),
        trace_phase("update", "both"),
    )
    desk.worker.say(m.Traced("run-1", StepTrace(0, arrays, {}, phases, is_watched)))


def test_phases_of_another_example_show_its_rows(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat")
    own, labels = desk.table.heatmap._outlined, desk.document.tokenizer.labels
    show_trace(desk, is_watched=False)
    for phase, is_example in ((0, False), (1, True), (2, False), (3, True), (4, True), (-1, False)):
        desk.state.show_phase(phase)
        assert desk.table.heatmap._outlined == ((4, 9) if is_example else own)
        assert ("rows of the batch's example" in desk.table.subtitle.text()) == is_example
        assert ("ids 4, 9" in desk.words(desk.table.side)) == is_example
    assert labels[9] in desk.table.heatmap.shown_labels()


def test_phases_of_the_own_context_show_the_own_rows(desk: Desk) -> None:
    own = desk.table.heatmap._outlined
    show_trace(desk, is_watched=True)
    for phase in range(5):
        desk.state.show_phase(phase)
        assert desk.table.heatmap._outlined == own
        assert "example" not in desk.table.subtitle.text()


def test_rows_with_a_gradient_have_ticks_and_the_legend_counts_them(desk: Desk) -> None:
    heatmap = desk.table.heatmap
    size = desk.document.vocab_size
    show_trace(desk, is_watched=True)
    for phase, ticked, hollow, words in (
        (1, (), (), ""),
        (3, (4, 9), (), f"2 of {size} rows have a gradient (ticks)."),
        (4, (4, 9), (1, 2, 6), f"2 of {size} rows have a gradient (ticks), 3 moved without one (hollow)."),
        (0, (), (), ""),
    ):
        desk.state.show_phase(phase)
        assert (heatmap.marks.ticked, heatmap.marks.hollow) == (ticked, hollow)
        assert desk.table.tools.words == words
        assert desk.table.mode.value == "weights"  # as it was chosen


def test_places_before_the_beginning_have_no_row(desk: Desk) -> None:
    show_trace(desk, is_watched=False, ids=(-1, 9))
    desk.state.show_phase(1)
    assert desk.table.heatmap._outlined == (9,)
    assert "ids –, 9" in desk.words(desk.table.side)
