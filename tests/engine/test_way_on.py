"""Whatever happens on the way back, the weights are those that the edits make which the window was told."""

import numpy as np
import pytest
import torch
from engine_window import Window
from training.fake_device import FakeDevice

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import history
from embedviz.engine import messages as m
from embedviz.engine.record import RunRecord, WayOn
from embedviz.text.dataset import Dataset
from embedviz.training.session import TrainingSession

CONFIG = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5)
LATE = torch.OutOfMemoryError("out of memory")


def cell(row: int, value: float, gesture: int = 0, step: int = -1) -> HandEdit:
    return HandEdit("cell", "token", row, 1, value, step=step, gesture=gesture)


def go(window: Window, step: int) -> None:
    window.send(m.GoTo("a", step))
    while window.wait_for(m.Paused, "a").step != step:
        pass


def assert_weights(found: Checkpoint, dataset: Dataset, edits: tuple[HandEdit, ...]) -> None:
    session, waiting = TrainingSession(CONFIG.replace(threads=1), dataset), list(edits)
    while True:
        while waiting and waiting[0].step <= session.step:
            session.edit(waiting.pop(0))
        if session.step == found.step:
            break
        next(session)
    assert not waiting
    for name, array in session.state().arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes(), name


def recorded(window: Window, count: int) -> WayOn:
    """Return where a window would go on that has heard the first `count` events."""
    record = RunRecord()
    for event in window.heard[:count]:
        if isinstance(event, m.Started):
            record.start(event.step, event.reading, event.edits)
        else:
            record.absorb(event)
    way_on = record.way_on()
    assert way_on is not None
    return way_on


@pytest.mark.parametrize("way", ["undo", "back", "start", "drag", "redo"])
def test_a_crash_at_any_moment_leaves_weights_and_edits_that_agree(
    window: Window, dataset: Dataset, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedviz.engine.keeping.CHECKPOINT_SHARE", 1e-9)  # of a drag only the first edit's
    window.start("a", dataset, CONFIG)
    go(window, 10)
    window.send(m.Edit("a", cell(1, 3.0, 1)))
    go(window, 20)
    window.send(m.Edit("a", cell(2, 4.0, 2)))
    go(window, 30)
    window.catch_up("a")
    before = len(window.heard)
    window.send(
        *{
            "undo": [m.Undo("a")],
            "back": [m.GoTo("a", 25), m.GoTo("a", 15)],
            "start": [m.GoTo("a", 0)],
            "drag": [m.Edit("a", cell(3, float(value), 3)) for value in range(9)],
            "redo": [m.Undo("a"), m.Undo("a"), m.Redo("a"), m.Redo("a")],
        }[way]
    )
    window.catch_up("a")
    moments = range(before, len(window.heard) + 1)
    for way_on in {recorded(window, count).edits: recorded(window, count) for count in moments}.values():
        window.send(m.StartRun("b", "text of a", CONFIG, *way_on))
        started = window.wait_for(m.Started, "b")
        assert started.edits == way_on.edits
        assert started.step == way_on.checkpoint.step
        window.send(m.Pause("b"))
        window.wait_for(m.Paused, "b")
        assert_weights(window.of(m.CheckpointTaken, "b")[-1].checkpoint, dataset, started.edits)


def test_edits_that_were_dropped_stay_with_the_checkpoint_that_has_them() -> None:
    record, checkpoint = RunRecord(), Checkpoint(9, {}, {})
    assert record.way_on() is None
    first, second, later = cell(1, 1.0, step=3), cell(2, 1.0, step=9), cell(3, 1.0, step=12)
    record.absorb(m.CheckpointTaken("a", checkpoint, (first, second)))
    record.absorb(m.Edited("a", 3, (first,)))
    assert record.way_on() == WayOn(checkpoint, (first, second), 2)
    record.absorb(m.CheckpointTaken("a", checkpoint, (first,)))
    record.absorb(m.Edited("a", 3, (first, second, later)))
    assert record.way_on() == WayOn(checkpoint, (first, second), 1)


def test_a_device_that_fails_on_the_way_back_arrives_all_the_same(idle_window: Window, dataset: Dataset) -> None:
    with FakeDevice() as fake:
        idle_window.serve()
        idle_window.start("a", dataset, CONFIG.replace(device="fake:0"))
        go(idle_window, 100)
        go(idle_window, 0)
        go(idle_window, 100)
        idle_window.catch_up("a")
        fake.fail_after(200, LATE)
        idle_window.send(m.GoTo("a", 60))
        assert idle_window.wait_for(m.Paused, "a").step == 60
        assert idle_window.of(m.Moved)
        assert_weights(idle_window.of(m.CheckpointTaken, "a")[-1].checkpoint, dataset, ())


@pytest.mark.parametrize("after", [0, 2, 8, 40])
@pytest.mark.parametrize(
    ("command", "left"),
    [(m.Edit("a", cell(3, 5.0, 3)), 3), (m.Edit("a", cell(2, 9.0, 2)), 2), (m.Undo("a"), 1), (m.GoTo("a", 5), 0)],
    ids=["edit", "drag", "undo", "back"],
)
def test_a_command_whose_device_fails_is_carried_out_on_the_cpu(
    idle_window: Window, dataset: Dataset, command: m.Command, left: int, after: int
) -> None:
    window = idle_window
    with FakeDevice() as fake:
        window.serve()
        window.start("a", dataset, CONFIG.replace(device="fake:0", threads=1))
        go(window, 10)
        window.send(m.Edit("a", cell(1, 3.0, 1)))
        go(window, 20)
        window.send(m.Edit("a", cell(2, 4.0, 2)))
        window.catch_up("a")
        window.catch_up("a")
        fake.fail_after(after, LATE)
        window.send(command)
        while len((told := window.wait_for(m.Edited, "a")).edits) != left:
            pass
        fake.fail_after(0, LATE)
        window.send(m.Pause("a"))
        window.catch_up("a")
        edits = window.of(m.Edited, "a")[-1].edits
        assert len(edits) == len(told.edits) == left
        assert window.of(m.Moved)
        assert not window.of(m.Failed)
        assert_weights(window.of(m.CheckpointTaken, "a")[-1].checkpoint, dataset, edits)


def test_a_drag_while_it_plays_is_undone_at_once(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, CONFIG)
    go(window, 5)
    window.send(m.Edit("a", cell(0, 1.0, 1)))
    for step in (10, 11, 12):
        go(window, step)
        window.send(m.Edit("a", cell(1, float(step), 2)))
    window.catch_up("a")
    made = window.of(m.Edited, "a")[-1]
    assert [edit.step for edit in made.edits] == [5, 10, 11, 12]
    window.send(m.Undo("a"))
    assert window.wait_for(m.Edited, "a") == m.Edited("a", 10, made.edits[:1], can_redo=True)
    window.catch_up("a")
    assert_weights(window.of(m.CheckpointTaken, "a")[-1].checkpoint, dataset, made.edits[:1])
    window.send(m.Redo("a"))
    while window.wait_for(m.Paused, "a").step != 12:
        pass
    assert window.of(m.Edited, "a")[-1].edits == made.edits
    assert_weights(window.of(m.CheckpointTaken, "a")[-1].checkpoint, dataset, made.edits)


def test_a_run_keeps_so_many_edits(window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert history.MOST_EDITS == 1000
    monkeypatch.setattr(history, "MOST_EDITS", 3)
    window.start("a", dataset, CONFIG)
    window.send(*(m.Edit("a", cell(row, 1.0, row + 1)) for row in range(4)), m.Edit("a", cell(2, 2.0, 3)))
    failed = window.wait_for(m.Failed, "a")
    assert failed.sentence == "A run keeps up to 3 changes by hand: undo some, or start again."
    assert [edit.value for edit in window.wait_for(m.Edited, "a").edits] == [1.0, 1.0, 2.0]  # the drag goes on


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (m.Advance("a", 0), "A run goes ahead by whole steps, and by one at least."),
        (m.SetPace("a", 0.0), "A pace has to be more than 0 steps a second."),
        (m.GoTo("a", 0.5), "A step to go to has to be a whole number."),  # type: ignore[arg-type]
        (
            m.Edit("a", HandEdit("freeze", "token", 0.5)),
            "The row and the column of a cell have to be whole numbers.",
        ),  # type: ignore[arg-type]
        (m.Edit("a", None), "There is nothing to change by hand in this."),  # type: ignore[arg-type]
        (m.Watch("a", np.array([[12]])), "There is no token 12: they are numbered from 0 to 11."),
        (m.Watch("a", np.zeros((2, 0), np.int64)), "A context to watch needs a token at least."),
        (m.Watch("a", np.array([[0.5]])), "A context has to be a row of token numbers."),
        (m.Watch("a", np.array([[1]]), attention=0.5), "A layer of attention has to be a whole number."),  # type: ignore[arg-type]
        (m.Predict("a", 1, np.zeros(0, np.int64)), "A prediction needs a token at least to follow."),
        (m.Predict("a", 1, np.array([-1])), "There is no token -1: they are numbered from 0 to 11."),
    ],
)
def test_what_no_run_can_do_is_refused(
    window: Window, dataset: Dataset, command: m.Command, sentence: str
) -> None:
    window.start("a", dataset, CONFIG)
    window.send(command)
    assert window.wait_for(m.Failed, "a") == m.Failed("a", type(command).__name__, sentence)
    go(window, 3)
    assert window.of(m.Failed)[1:] == []
