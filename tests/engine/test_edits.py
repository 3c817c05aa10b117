"""A run that is changed by hand: told, shown, undone and done again bit by bit."""

import numpy as np
import pytest
from engine_window import Window, assert_same_tables, straight_run

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import history, keeping
from embedviz.engine import messages as m
from embedviz.engine.snapshots import Snapshot
from embedviz.text.dataset import Dataset
from embedviz.training.session import StepResult, TrainingSession

WHOLE = RunConfig()
SAMPLED = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5)
MLP = RunConfig(model="mlp", n_embd=3, hidden=7, block_size=4, init="normal-1", optimizer="adamw", batch_size=4)
CONFIGS = pytest.mark.parametrize("config", [WHOLE, SAMPLED, MLP], ids=["whole text", "batches", "MLP"])
NO_ROOM = pytest.mark.parametrize("room", [history.MOST_BYTES, 0], ids=["kept states", "done again"])


def cell(row: int, column: int, value: float, gesture: int = 0) -> HandEdit:
    return HandEdit("cell", "token", row, column, value, gesture=gesture)


FREEZE = HandEdit("freeze", "token", 3)
FIRST, SECOND = cell(1, 2, 4.0, 1), cell(0, 1, -2.5, 2)


def edited_run(
    config: RunConfig, dataset: Dataset, steps: int, edits: dict[int, list[HandEdit]]
) -> tuple[bytes, Checkpoint]:
    """Return losses and the last state of a run that was changed before these steps, and never interrupted."""
    session = TrainingSession(config, dataset)
    losses = []
    for step in range(steps + 1):
        for edit in edits.get(step, []):
            session.edit(edit)
        if step < steps:
            losses.append(next(session).loss)
    return np.array(losses).tobytes(), session.state()


def go(window: Window, step: int) -> None:
    window.send(m.GoTo("a", step))
    while window.wait_for(m.Paused, "a").step != step:
        pass  # of what was done before


def ask(window: Window, *commands: m.Command) -> m.Edited:
    """Send, and return the last answer."""
    window.send(*commands)
    return [window.wait_for(m.Edited, "a") for _ in commands][-1]


def assert_state(window: Window, expected: tuple[bytes, Checkpoint]) -> None:
    """Compare what the window has heard of losses and state, bit by bit; the run is paused."""
    window.send(m.Pause("a"))
    losses, state = expected
    while window.wait_for(m.Paused, "a").step != state.step:
        pass
    found = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    assert found.step == state.step
    assert found.arrays.keys() == state.arrays.keys()
    for name, array in state.arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes(), name
    assert window.losses("a").tobytes() == losses


@CONFIGS
def test_an_edit_is_shown_at_the_same_step(window: Window, dataset: Dataset, config: RunConfig) -> None:
    window.start("a", dataset, config)
    window.send(m.Watch("a", np.array([[1]])))
    go(window, 10)
    before = window.wait_for_snapshot("a", 10)
    edited = ask(window, m.Edit("a", cell(1, 2, 0.1)))
    value = float(np.float32(0.1))
    old = float(before.tables["token"][1, 2])
    assert edited == m.Edited("a", 10, (HandEdit("cell", "token", 1, 2, value, old, 10),), can_redo=False)
    after = window.wait_for_snapshot("a", 10)
    table = before.tables["token"].copy()
    table[1, 2] = 0.1
    assert_same_tables(after, {"token": table})
    assert after.logits.tobytes() != before.logits.tobytes()
    while window.of(m.Measured, "a")[-1].reading.train == before.reading.train:
        window.wait_for(m.Measured, "a")
    assert window.of(m.CheckpointTaken, "a")[-1].checkpoint.step == 10
    assert not window.of(m.Rewound, "a")
    assert_state(window, edited_run(config, dataset, 10, {10: [cell(1, 2, 0.1)]}))


@CONFIGS
def test_it_goes_on_from_the_edit(window: Window, dataset: Dataset, config: RunConfig) -> None:
    window.start("a", dataset, config)
    go(window, 10)
    ask(window, m.Edit("a", FIRST), m.Edit("a", FREEZE))
    go(window, 60)
    assert_state(window, edited_run(config, dataset, 60, {10: [FIRST, FREEZE]}))


def test_an_edit_while_it_plays(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.Play("a"))
    window.wait_for(m.Losses, "a")
    edited = ask(window, m.Edit("a", FIRST))
    window.wait_for(m.Losses, "a")
    assert not window.of(m.Paused, "a")
    window.send(m.Pause("a"))
    end = window.wait_for(m.Paused, "a").step
    assert end > edited.step > 0
    assert_state(window, edited_run(SAMPLED, dataset, end, {edited.step: [FIRST]}))


def test_what_cannot_be_done_is_said_and_changes_nothing(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    go(window, 5)
    window.send(m.Edit("a", cell(99, 0, 1.0)))
    failed = window.wait_for(m.Failed, "a")
    assert (failed.command, failed.sentence) == ("Edit", "The table 'token' has no row 99: its last is 11.")
    for command in (m.Undo("a"), m.Redo("a")):
        window.send(command)
        assert "nothing" in window.wait_for(m.Failed, "a").sentence
    assert not window.of(m.Edited)
    assert_state(window, edited_run(WHOLE, dataset, 5, {}))


def test_a_drag_is_one_edit(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    drag = [cell(1, 2, value / 10, gesture=5) for value in range(50)]
    edited = ask(window, *(m.Edit("a", edit) for edit in drag))
    start = TrainingSession(SAMPLED, dataset)
    for _ in range(10):
        next(start)
    (edit,) = edited.edits
    assert (edit.value, edit.before) == (np.float32(4.9), start.tables()["token"][1, 2])
    assert_state(window, edited_run(SAMPLED, dataset, 10, {10: [drag[-1]]}))
    assert ask(window, m.Undo("a")) == m.Edited("a", 10, (), can_redo=True)
    assert_state(window, edited_run(SAMPLED, dataset, 10, {}))


def test_a_drag_that_is_called_off_leaves_nothing(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    ask(window, m.Edit("a", cell(4, 4, 1.5)))
    edited = ask(window, m.Edit("a", cell(1, 2, 100.0, gesture=5)))
    before = edited.edits[-1].before
    edited = ask(window, m.Edit("a", cell(1, 2, before, gesture=5)))
    assert [edit.row for edit in edited.edits] == [4]
    assert_state(window, edited_run(SAMPLED, dataset, 10, {10: [cell(4, 4, 1.5)]}))
    assert ask(window, m.Undo("a")) == m.Edited("a", 10, (), can_redo=True)
    go(window, 30)
    assert_state(window, edited_run(SAMPLED, dataset, 30, {}))


@NO_ROOM
@CONFIGS
def test_undo_and_redo(
    window: Window, dataset: Dataset, config: RunConfig, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history.States.__init__, "__defaults__", (room,))
    window.start("a", dataset, config)
    go(window, 10)
    ask(window, m.Edit("a", FIRST))
    go(window, 25)
    both = ask(window, m.Edit("a", SECOND))
    go(window, 40)
    for left, step in ((1, 25), (0, 10)):
        edited = ask(window, m.Undo("a"))
        assert (edited.edits, edited.can_redo) == (both.edits[:left], True)
        assert window.wait_for(m.Paused, "a").step == step
        assert_state(window, edited_run(config, dataset, step, {10: [FIRST][:left]}))
    assert window.of(m.Rewound, "a")
    for made, step in ((1, 10), (2, 25)):
        edited = ask(window, m.Redo("a"))
        assert (edited.edits, edited.can_redo) == (both.edits[:made], made == 1)
        if step == 25:
            assert window.wait_for(m.Paused, "a").step == step
    assert_state(window, edited_run(config, dataset, 25, {10: [FIRST], 25: [SECOND]}))
    ask(window, m.Undo("a"), m.Undo("a"))
    go(window, 50)
    assert_state(window, edited_run(config, dataset, 50, {}))
    assert_same_tables(window.snapshot_of("a", 50), straight_run(config, dataset, 50)[1])


def test_undoing_while_nothing_was_done_since_is_no_rewinding(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    ask(window, m.Edit("a", FREEZE), m.Edit("a", FIRST), m.Undo("a"), m.Undo("a"))
    assert_state(window, edited_run(SAMPLED, dataset, 10, {}))
    assert not window.of(m.Rewound, "a")


@pytest.mark.parametrize("command", [m.Advance("a", 1), m.GoTo("a", 3), m.Play("a", m.Until(step=30))])
def test_once_something_is_done_nothing_can_be_made_again(
    window: Window, dataset: Dataset, command: m.Command
) -> None:
    window.start("a", dataset, WHOLE)
    go(window, 10)
    assert ask(window, m.Edit("a", FIRST), m.Undo("a")).can_redo
    assert not ask(window, command).can_redo
    window.send(m.Redo("a"))
    assert window.wait_for(m.Failed, "a").command == "Redo"


def test_undoing_while_it_plays_pauses(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    ask(window, m.Edit("a", FIRST))
    window.send(m.Play("a"))
    window.wait_for(m.Losses, "a")
    ask(window, m.Undo("a"))
    assert window.wait_for(m.Paused, "a").step == 10
    assert [rewound.step for rewound in window.of(m.Rewound, "a")] == [10]
    assert_state(window, edited_run(SAMPLED, dataset, 10, {}))


@NO_ROOM
@CONFIGS
def test_going_back_keeps_the_edits_that_were_made_by_then(
    window: Window, dataset: Dataset, config: RunConfig, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history.States.__init__, "__defaults__", (room,))
    window.start("a", dataset, config)
    assert_state(window, edited_run(config, dataset, 0, {}))
    ask(window, m.Edit("a", FREEZE))
    go(window, 10)
    ask(window, m.Edit("a", FIRST))
    go(window, 20)
    ask(window, m.Edit("a", SECOND))
    go(window, 30)
    for step, edits in (
        (29, {0: [FREEZE], 10: [FIRST], 20: [SECOND]}),
        (15, {0: [FREEZE], 10: [FIRST]}),
        (10, {0: [FREEZE], 10: [FIRST]}),
        (9, {0: [FREEZE]}),
        (0, {}),
    ):
        go(window, step)
        assert_state(window, edited_run(config, dataset, step, edits))
        assert len(window.of(m.Edited, "a")[-1].edits) == len(edits)
    go(window, 5)
    assert_state(window, edited_run(config, dataset, 5, {}))


def test_a_rewound_step_0_forgets_what_was_done_there(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    ask(window, m.Edit("a", FIRST))
    assert ask(window, m.GoTo("a", 0)) == m.Edited("a", 0, (), can_redo=False)
    assert_state(window, edited_run(WHOLE, dataset, 0, {}))


def test_one_step_back_does_not_take_all_steps_again(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    step = TrainingSession.__next__

    def counted(session: TrainingSession) -> StepResult:
        taken.append(session.step)
        return step(session)

    monkeypatch.setattr(TrainingSession, "__next__", counted)
    window.start("a", dataset, SAMPLED)
    go(window, 3000)
    for _ in range(5):
        window.send(m.Advance("a", 1))
        window.wait_for(m.Paused, "a")
    taken.clear()
    for back in range(3004, 2999, -1):
        go(window, back)
    assert taken == []
    monkeypatch.undo()
    losses, tables = straight_run(SAMPLED, dataset, 3000)
    assert_same_tables(window.wait_for_snapshot("a", 3000), tables)
    assert window.losses("a").tobytes() == losses.tobytes()


def test_pausing_on_the_way_back_drops_the_edits_that_were_not_reached(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    go(window, 10)
    ask(window, m.Edit("a", FIRST))
    go(window, 5000)
    ask(window, m.Edit("a", SECOND))
    window.send(m.SetPace("a", 1.0))
    window.send(m.GoTo("a", 4999), m.Play("a", m.Until(step=6000)))
    window.send(m.Pause("a"))
    while window.wait_for(m.Paused, "a").reason != "asked":
        pass
    last = window.of(m.Edited, "a")[-1]
    step = window.of(m.Paused, "a")[-1].step
    assert [edit.step for edit in last.edits] == [10]
    assert_state(window, edited_run(WHOLE, dataset, step, {10: [FIRST]}))


def test_an_edited_run_goes_on_from_a_checkpoint(window: Window, dataset: Dataset) -> None:
    window.start("b", dataset, SAMPLED)
    window.send(m.GoTo("b", 10), m.Pause("b"))
    window.wait_for(m.Paused, "b")
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    ask(window, m.Edit("a", FIRST))
    go(window, 20)
    edits = ask(window, m.Edit("a", FREEZE)).edits
    checkpoint = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    later = HandEdit("thaw", "token", 3, step=21)  # not in the checkpoint
    window.send(m.StartRun("a", "text of a", SAMPLED, checkpoint, (*edits, later)))
    started = window.wait_for(m.Started, "a")
    assert (started.step, started.edits) == (20, edits)
    go(window, 15)
    window.heard = [event for event in window.heard if not isinstance(event, m.Started)] + [started]
    assert window.of(m.Edited, "a")[-1].edits == edits[:1]
    window.send(m.Pause("a"))
    window.wait_for(m.Paused, "a")
    expected = edited_run(SAMPLED, dataset, 15, {10: [FIRST]})[1]
    found = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    for name, array in expected.arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes()


def test_during_a_drag_readings_and_checkpoints_keep_to_their_share(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "CHECKPOINT_SHARE", 1e-9)
    window.start("a", dataset, SAMPLED)
    go(window, 10)
    taken = len(window.of(m.CheckpointTaken, "a"))
    ask(window, *(m.Edit("a", cell(1, 1, float(value), 3)) for value in range(60)))
    assert len(window.of(m.CheckpointTaken, "a")) - taken <= 3  # the first, and what a second allows
    while (
        window.of(m.CheckpointTaken, "a")[-1]
        .checkpoint.arrays["parameters/token_embedding_table.weight"]
        .reshape(12, 12)[1, 1]
        != 59.0
    ):
        window.wait_for(m.CheckpointTaken, "a")  # it comes, if late
    assert window.of(Snapshot, "a")
