"""The lookup table during the step-through: whose rows are outlined, and which rows have ticks."""

import numpy as np
from test_fake_trainer import PHASES, Desk, step_trace

from embedviz.edits import HandEdit
from embedviz.engine import messages as m


def show_trace(desk: Desk, *, is_watched: bool, ids: tuple[int, ...] = (4, 9), reads: int = 2) -> None:
    """Show a step of a batch with rows 4 and 9, whose weight decay moves the rows 1, 2 and 6 as well."""
    size = desk.document.vocab_size
    table = np.zeros((size, size), np.float32)
    table[[1, 2, 6]] = 1.0
    batch = np.array([ids])
    desk.tell_trace(step_trace(table, batch, np.roll(batch, -1), reads=reads, decay=0.1, is_watched=is_watched))


def test_phases_of_another_example_show_its_rows(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cat")
    own, labels = desk.table.heatmap._outlined, desk.document.tokenizer.labels
    show_trace(desk, is_watched=False)
    for phase in ("batch", "lookup", "logits", "softmax", "loss", "gradient", "update", ""):
        desk.go_to_phase(phase)
        is_example = phase != ""  # from the batch to the update all is about the one that is followed
        assert desk.table.heatmap._outlined == ((4, 9) if is_example else own)
        assert ("rows of the batch's example" in desk.table.subtitle.text()) == is_example
        assert ("ids 4, 9" in desk.words(desk.table.side)) == is_example
    assert labels[9] in desk.table.heatmap.shown_labels()


def test_phases_of_the_own_context_show_the_own_rows(desk: Desk) -> None:
    own = desk.table.heatmap._outlined
    show_trace(desk, is_watched=True)
    for phase in range(len(PHASES)):
        desk.state.show_phase(phase)
        assert desk.table.heatmap._outlined == own
        assert "example" not in desk.table.subtitle.text()


def test_rows_with_a_gradient_have_ticks_and_the_legend_counts_them(desk: Desk) -> None:
    heatmap = desk.table.heatmap
    size = desk.document.vocab_size
    show_trace(desk, is_watched=True)
    for phase, ticked, hollow, words in (
        ("lookup", (), (), ""),
        ("gradient", (4, 9), (), f"▪ gradient: 2 of {size}"),
        ("update", (4, 9), (1, 2, 6), f"▪ gradient: 2 of {size}\n▫ moved without: 3"),
        ("batch", (), (), ""),
    ):
        desk.go_to_phase(phase)
        assert (heatmap.marks.ticked, heatmap.marks.hollow) == (ticked, hollow)
        assert desk.table.tools.words == words
        assert desk.table.mode.value == "weights"  # as it was chosen
        tips = {line.toolTip() for line in desk.table.tools._lines}
        assert any("rows have a gradient" in tip for tip in tips) == bool(words)


def test_the_legend_counts_frozen_rows_too(desk: Desk) -> None:
    size = desk.document.vocab_size
    desk.worker.say(m.Edited("run-1", desk.state.run.step, (HandEdit("freeze", "token", 4),), False))
    show_trace(desk, is_watched=True)
    desk.go_to_phase("gradient")
    assert desk.table.tools.words == f"▪ gradient: 2 of {size}\n1 frozen"
    desk.go_to_phase("update")
    assert desk.table.tools.words == f"▪ gradient: 2 of {size}\n▫ moved without: 3 · 1 frozen"
    assert desk.table.tools._lines[0].toolTip().endswith("1 row frozen by hand.")


def test_places_before_the_beginning_have_no_row(desk: Desk) -> None:
    show_trace(desk, is_watched=False, ids=(9,), reads=2)
    desk.go_to_phase("lookup")
    assert desk.table.heatmap._outlined == (9,)
    assert "ids –, 9" in desk.words(desk.table.side)
