"""Which edits a run has, and from which states its past is reached."""

from dataclasses import replace

import numpy as np
import pytest

from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.engine import history as history_module
from embedviz.engine.history import EditHistory, KeptState, NothingToUndoError, States

KB = 1024


def state(step: int, size: int = KB) -> Checkpoint:
    return Checkpoint(step, {"parameters/w": np.zeros(size, np.uint8)}, {})


def cell(step: int, value: float = 1.0, gesture: int = 0, before: float = 0.0, row: int = 0) -> HandEdit:
    return HandEdit("cell", "token", row, 0, value, before, step, gesture)


@pytest.fixture
def history() -> EditHistory:
    """Give one with edits at steps 3, 3 and 8, and states of steps 2, 5, 8 and 9."""
    history = EditHistory(state(0))
    history.keep(state(2))
    history.add(cell(3), state(3))
    history.add(cell(3, row=1), state(3))
    history.keep(state(5))
    history.add(cell(8), state(8))
    history.keep(state(8))
    history.keep(state(9))
    return history


def where(kept: KeptState) -> tuple[int, int]:
    return kept.checkpoint.step, kept.edits


@pytest.mark.parametrize(
    ("step", "reached_from", "edits"),
    [
        (20, (9, 3), 3),
        (9, (9, 3), 3),
        (8, (8, 3), 3),
        (7, (5, 2), 2),
        (4, (3, 1), 2),
        (3, (3, 1), 2),
        (2, (2, 0), 0),
        (1, (0, 0), 0),
        (0, (0, 0), 0),
    ],
)
def test_the_past_is_reached_from_the_nearest_state(
    history: EditHistory, step: int, reached_from: tuple[int, int], edits: int
) -> None:
    assert where(history.back_to(step)) == reached_from
    assert len(history.edits) == edits
    assert history.applied == reached_from[1]
    assert (history.pending is None) == (edits == reached_from[1])


def test_an_edit_in_the_past_makes_another_future(history: EditHistory) -> None:
    history.back_to(5)
    history.add(cell(5, row=7), state(5))
    assert [edit.step for edit in history.edits] == [3, 3, 5]
    assert where(history.back_to(100)) == (5, 2)  # those of steps 8 and 9 lie on another way
    assert history.pending == cell(5, row=7)


def test_edits_are_undone_one_by_one(history: EditHistory) -> None:
    steps = []
    while history.edits:
        edit, kept = history.undo()
        steps.append((edit.step, *where(kept)))
    assert steps == [(8, 8, 2), (3, 3, 1), (3, 3, 0)]
    assert [edit.step for _ in range(3) for edit in history.redo()] == [3, 3, 8]
    with pytest.raises(NothingToUndoError, match="nothing to make again"):
        history.redo()
    with pytest.raises(NothingToUndoError, match="nothing to undo"):
        history.undo()


def test_a_drag_is_one_edit() -> None:
    history = EditHistory(state(0))
    assert not history.continues(cell(4, gesture=1), 4)
    history.add(cell(4, 1.0, gesture=1, before=0.25), state(4))
    for value in (2.0, 3.0):
        assert history.continues(cell(-1, value, gesture=1), 4)
        history.add(cell(4, value, gesture=1, before=value - 1), None)
    assert history.edits == [cell(4, 3.0, gesture=1, before=0.25)]
    assert history.applied == 1
    for other in (cell(4, gesture=2), cell(4, gesture=1, row=1), replace(cell(4, gesture=1), kind="freeze")):
        assert not history.continues(other, 4)
    assert not history.continues(cell(4, gesture=1), 5)
    assert where(history.undo()[1]) == (4, 0)


def test_a_drag_that_is_called_off_leaves_no_edit() -> None:
    history = EditHistory(state(0))
    history.add(cell(3, row=1), state(3))
    before = state(4)
    history.add(cell(4, 1.0, gesture=1, before=0.25), before)
    assert history.drop_void() is None
    history.add(cell(4, 0.25, gesture=1, before=1.0), None)
    dropped = history.drop_void()
    assert dropped is not None
    assert dropped.checkpoint is before
    assert history.made == (cell(3, row=1),)
    assert history.drop_void() is None
    assert not history.continues(cell(4, 2.0, gesture=1), 4)
    assert history.undo()[0] == cell(3, row=1)  # the next edit to take back, and nothing to make again but it
    assert history.redo() == (cell(3, row=1),)


def test_a_drag_back_stays_an_edit_where_the_state_before_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(States.__init__, "__defaults__", (0,))
    history = EditHistory(state(0))
    history.add(cell(4, 1.0, gesture=1, before=0.25), state(4))
    history.add(cell(4, 0.25, gesture=1, before=1.0), None)
    assert history.drop_void() is None
    assert history.made == (cell(4, 0.25, gesture=1, before=0.25),)


def test_a_state_of_the_middle_of_a_drag_is_not_kept() -> None:
    history = EditHistory(state(0))
    history.add(cell(4, 1.0, gesture=1), state(4))
    history.keep(state(4))
    history.add(cell(4, 2.0, gesture=1), None)
    assert where(history.back_to(4)) == (4, 0)
    assert history.pending == cell(4, 2.0, gesture=1)


def test_what_waits_is_dropped_or_made(history: EditHistory) -> None:
    history.back_to(4)
    assert history.made == (cell(3),)
    assert not history.continues(cell(3), 3)
    assert history.drop_pending()
    assert not history.drop_pending()
    assert history.edits == [cell(3)]


def test_it_falls_back_to_what_a_checkpoint_has(history: EditHistory) -> None:
    last = replace(history.edits[2], value=9.0)  # the middle of a drag
    history.fall_back([*history.edits[:2], last])
    assert history.pending == history.edits[2]
    history.fall_back(history.edits)
    assert history.pending is None


def test_states_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (history_module.MOST_BYTES, history_module.MOST_UNDOS) == (64 * KB * KB, 100)
    states = States(3, 10 * KB)
    for step in range(5):
        states.keep(KeptState(state(step), 0))
    assert [kept.checkpoint.step for kept in states] == [2, 3, 4]
    states.keep(KeptState(state(5, 9 * KB), 0))
    assert [kept.checkpoint.step for kept in states] == [4, 5]
    assert states.size == 10 * KB
    states.keep(KeptState(state(6, 11 * KB), 0))
    assert list(states) == []
    states.keep(KeptState(state(7), 0))
    newer = state(7)
    states.keep(KeptState(newer, 0))
    assert [kept.checkpoint for kept in states] == [newer]
