"""Where there is nothing to show yet, each view says why: it comes, it was refused, or the trainer has ended."""

import pytest
from PySide6.QtCore import Qt
from test_fake_trainer import Desk

from embedviz.gui.contexts import why_no_frame
from embedviz.gui.state import Phase


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (Phase.WARMING, "The trainer is warming up: the table comes with its first step."),
        (
            Phase.REFUSED,
            "This run was not started, for the reason told above: choose other settings or another text.",
        ),
        (Phase.LOST, "The trainer has ended: Space starts another one."),
    ],
)
def test_each_reason_has_its_sentence(desk: Desk, phase: Phase, sentence: str) -> None:
    desk.state.update_run(phase=phase)
    assert why_no_frame(desk.state, "the table comes with its first step") == sentence


def test_space_does_start_another(fresh_desk: Desk) -> None:
    fresh_desk.worker.die(1)
    assert "Space starts another one" in why_no_frame(fresh_desk.state, "")
    starts = fresh_desk.worker.starts
    fresh_desk.press(Qt.Key.Key_Space)
    assert fresh_desk.worker.starts == starts + 1
