"""What the window keeps of a run: fed on one thread, read on another, bounded."""

import threading

import numpy as np
import pytest

from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.engine.record import MOST_READINGS, RunRecord
from embedviz.engine.snapshots import Snapshot


def snapshot(step: int) -> Snapshot:
    nothing = np.zeros((0, 1))
    return Snapshot("a", step, 0.0, reading(step), {}, {}, nothing, nothing)


def reading(step: int) -> m.Reading:
    return m.Reading(step, 1.0, None, estimated=False)


@pytest.fixture
def record() -> RunRecord:
    """Give a record of a run that has taken ten steps, with a reading before each."""
    record = RunRecord()
    record.start(0, reading(0))
    record.absorb(m.Losses("a", 0, np.arange(10.0)))
    for step in range(1, 10):
        record.absorb(m.Measured("a", reading(step)))
    record.absorb(m.CheckpointTaken("a", Checkpoint(8, {}, {})))
    record.absorb(snapshot(9))
    return record


def test_only_the_newest_snapshot_is_kept(record: RunRecord) -> None:
    newest = snapshot(10)
    record.absorb(newest)
    assert record.snapshots_seen == 2
    assert record.take_snapshot() is newest
    assert record.take_snapshot() is None


def test_what_only_has_to_be_kept_is_absorbed() -> None:
    record = RunRecord()
    kept = [
        snapshot(1),
        m.Losses("a", 0, np.zeros(1)),
        m.Measured("a", reading(1)),
        m.CheckpointTaken("a", Checkpoint(1, {}, {})),
    ]
    assert all(record.absorb(event) for event in kept)
    passed_on = [m.Playing("a", 0), m.Paused("a", 1, "asked"), m.Rewound("a", 0), m.Failed("a", "Play", "No.")]
    assert not any(record.absorb(event) for event in passed_on)


def test_it_knows_what_was_changed_by_hand(record: RunRecord) -> None:
    edits = (HandEdit("cell", "token", 1, 2, 3.0, 0.5, 7), HandEdit("freeze", "token", 4, step=8))
    assert record.edits == ()
    assert not record.absorb(m.Edited("a", 8, edits, False))  # others have to hear it too
    assert record.edits == edits
    record.start(7, reading(7), edits[:1])
    assert record.edits == edits[:1]
    record.start(0, reading(0))
    assert record.edits == ()


def test_the_newest_checkpoint_is_kept(record: RunRecord) -> None:
    newer = Checkpoint(12, {}, {})
    record.absorb(m.CheckpointTaken("a", newer))
    assert record.checkpoint is newer


def test_two_readings_of_one_step_are_one(record: RunRecord) -> None:
    again = m.Reading(9, 2.0, None, estimated=True)
    record.absorb(m.Measured("a", again))
    assert [kept.step for kept in record.readings()] == list(range(10))
    assert record.readings()[-1] is again


@pytest.mark.parametrize("how", ["rewound", "started again"])
def test_going_back_voids_what_came_after(record: RunRecord, how: str) -> None:
    if how == "rewound":
        record.absorb(m.Rewound("a", 4))
        assert [kept.step for kept in record.readings()] == [0, 1, 2, 3, 4]
    else:
        record.start(4, reading(4))
        assert [kept.step for kept in record.readings()] == [0, 1, 2, 3, 4]
    assert record.take_snapshot() is None
    assert record.losses.last_step == 3
    record.absorb(m.Losses("a", 4, np.zeros(2)))
    assert record.losses.last_step == 5


def test_readings_are_thinned_out_evenly() -> None:
    record = RunRecord()
    steps = 3 * MOST_READINGS
    for step in range(steps):
        record.absorb(m.Measured("a", reading(step)))
        assert step % 100 or len(record.readings()) <= MOST_READINGS
    kept = [found.step for found in record.readings()]
    assert kept[0] == 0
    assert kept[-1] == steps - 1
    assert kept == sorted(set(kept))
    assert set(np.diff(kept[:-1]).tolist()) == {4}  # the whole run alike


def test_readings_are_thinned_out_no_more_after_a_new_start() -> None:
    record = RunRecord()
    for step in range(MOST_READINGS + 100):
        record.absorb(m.Measured("a", reading(step)))
    record.absorb(m.Rewound("a", 0))
    for step in range(1, 50):
        record.absorb(m.Measured("a", reading(step)))
    assert [found.step for found in record.readings()] == list(range(50))


def test_a_reading_that_comes_again_with_a_snapshot_changes_nothing(record: RunRecord) -> None:
    before = record.readings()
    record.absorb(snapshot(4))
    assert record.readings() == before


def test_reading_while_it_is_fed() -> None:
    record = RunRecord()
    steps = 2000

    def feed() -> None:
        for step in range(steps):
            record.absorb(m.Losses("a", step, np.array([float(step)])))
            record.absorb(snapshot(step))
            record.absorb(m.Measured("a", reading(step)))

    feeding = threading.Thread(target=feed)
    feeding.start()
    taken: list[int] = []
    while feeding.is_alive():
        if (found := record.take_snapshot()) is not None:
            taken.append(found.step)
        readings = [kept.step for kept in record.readings()]
        assert readings == sorted(readings)
    feeding.join()
    if (found := record.take_snapshot()) is not None:
        taken.append(found.step)
    assert taken == sorted(set(taken))
    assert taken[-1] == steps - 1
    assert record.snapshots_seen == steps
    assert record.losses.count == steps
