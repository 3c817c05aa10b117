"""When the coming step is traced and told, what it costs, and that it changes nothing."""

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from engine_window import Window, assert_same_tables, straight_run

from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.engine.snapshots import Snapshot
from embedviz.engine.tracing import StepTeller
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace
from embedviz.training.session import TrainingSession
from embedviz.training.tracing import StepTracer

SAMPLED = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5)
CONTEXT = np.array([[1, 2]])


def watch(contexts: m.Array = CONTEXT, traces: bool = True) -> m.Watch:
    return m.Watch("a", contexts, traces=traces)


def test_each_pause_has_its_trace_after_its_snapshot(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(watch())
    assert window.wait_for(m.Traced, "a").trace.step == 0
    for step in (1, 2, 40, 39, 0):
        window.send(m.GoTo("a", step))
        while (traced := window.wait_for(m.Traced, "a")).trace.step != step:
            pass
        shown = window.heard[: window.heard.index(traced)]
        assert [event for event in shown if isinstance(event, Snapshot)][-1].step == step
    window.catch_up("a")
    steps = [traced.trace.step for traced in window.of(m.Traced)]
    assert len(steps) == len(set(steps)) + 1  # once each; step 0 twice


def test_a_traced_run_is_bitwise_the_straight_run(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(watch())
    window.wait_for(m.Traced, "a")
    window.send(m.SetPace("a", 5.0), m.Play("a", m.Until(step=4)))
    while (traced := window.wait_for(m.Traced, "a")).trace.step != 4:
        pass
    assert [traced.trace.step for traced in window.of(m.Traced)] == [0, 1, 2, 3, 4]  # at a slow pace each
    losses, tables = straight_run(SAMPLED, dataset, 4)
    assert_same_tables(window.snapshot_of("a", 4), tables)
    assert window.losses("a").tobytes() == losses.tobytes()
    assert traced.trace.arrays["before"].shape[1] == 12


def test_another_context_and_an_edit_are_traced_anew(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(watch())
    window.wait_for(m.Traced, "a")
    window.send(watch(np.zeros((0, 1), np.int64)))
    assert window.wait_for(m.Traced, "a").trace.is_watched is False
    window.send(m.Edit("a", HandEdit("cell", "token", 1, 1, 5.0)))
    window.wait_for(m.Traced, "a")
    window.send(m.Undo("a"))
    window.wait_for(m.Traced, "a")
    window.send(watch(np.zeros((0, 1), np.int64), traces=False), m.Advance("a"))
    window.wait_for_snapshot("a", 1)
    window.catch_up("a")
    assert [traced.trace.step for traced in window.of(m.Traced)] == [0] * 4


def test_a_trace_that_fails_is_said_and_ends_nothing(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: TrainingSession, _context: m.Array) -> StepTrace:
        raise ValueError("no such phase")

    monkeypatch.setattr(TrainingSession, "trace_step", fail)
    window.start("a", dataset, SAMPLED)
    window.send(watch())
    failed = window.wait_for(m.Failed, "a")
    assert (failed.command, failed.sentence) == (
        "Watch",
        "The coming step could not be traced; training goes on as ever.",
    )
    assert "no such phase" in failed.details
    window.send(m.GoTo("a", 20))
    assert window.wait_for(m.Paused, "a").step == 20
    window.catch_up("a")
    assert window.of(m.Failed) == [failed]


@pytest.mark.parametrize("config", [SAMPLED, SAMPLED.replace(model="mlp", n_embd=3, hidden=7), RunConfig()])
@pytest.mark.parametrize("place", ["_trace_gradient", "_trace_cause", "_trace_outcome"])
def test_a_trace_that_fails_in_its_middle_leaves_the_run_as_it_was(
    window: Window, dataset: Dataset, config: RunConfig, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = getattr(StepTracer, place)

    def fail(tracer: StepTracer, *arguments: object) -> None:
        work(tracer, *arguments)
        raise ValueError("no room in the middle")

    monkeypatch.setattr(StepTracer, place, fail)
    window.start("a", dataset, config)
    window.send(m.GoTo("a", 10), watch())
    window.wait_for(m.Failed, "a")
    window.send(m.GoTo("a", 20))
    while window.wait_for(m.Paused, "a").step != 20:
        pass
    straight = TrainingSession(config, dataset)
    losses = [next(straight).loss for _ in range(20)]
    found = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    assert {name: array.tobytes() for name, array in found.arrays.items()} == {
        name: array.tobytes() for name, array in straight.state().arrays.items()
    }
    assert window.losses("a").tobytes() == np.array(losses).tobytes()


# --- when, by a clock that stands still -------------------------------------------------------------


class FakeSession:
    """Takes `cost_s` for a trace, by a clock of its own."""

    config = SAMPLED
    is_walked = False

    def __init__(self) -> None:
        self.step = 0
        self.now = 1000.0
        self.cost_s = 0.002

    def trace_step(self, _context: m.Array) -> StepTrace:
        self.now += self.cost_s
        return StepTrace(self.step, {}, {}, (), is_watched=False)


@pytest.fixture
def make_teller(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeSession], StepTeller]:
    def make(session: FakeSession) -> StepTeller:
        monkeypatch.setattr(time, "perf_counter", lambda: session.now)
        teller = StepTeller("a", session, lambda _event: None)  # type: ignore[arg-type]
        teller.watch(CONTEXT, wanted=True)
        return teller

    return make


@pytest.mark.parametrize(("cost_s", "pace", "wait_s"), [(0.002, None, 0.5), (0.02, None, 4.0), (0.02, 5.0, 0.0)])
def test_playing_leaves_it_its_share(
    make_teller: Callable[[FakeSession], StepTeller], cost_s: float, pace: float | None, wait_s: float
) -> None:
    session = FakeSession()
    session.cost_s = cost_s
    teller = make_teller(session)
    assert teller.seconds_to_trace(session.now, True, pace) == 0
    teller.trace()
    assert teller.seconds_to_trace(session.now, True, pace) == math.inf  # it is done
    session.step += 1
    assert teller.seconds_to_trace(session.now, True, pace) == pytest.approx(wait_s)


@pytest.mark.parametrize("walks", [True, False])
def test_a_long_trace_is_made_at_pauses_only(
    make_teller: Callable[[FakeSession], StepTeller], walks: bool
) -> None:
    session = FakeSession()
    session.cost_s = 0.002 if walks else 3.0
    session.is_walked, session.config = walks, SAMPLED.replace(batch_size=0 if walks else 4)
    teller = make_teller(session)
    teller.trace()
    session.step += 1
    assert teller.seconds_to_trace(session.now + 1e6, True, 1.0) == math.inf
    teller.paused()
    assert teller.seconds_to_trace(session.now, False, None) == 0
    teller.trace()
    teller.renew()  # a drag, at the same pause
    assert teller.seconds_to_trace(session.now, False, None) == pytest.approx(session.cost_s / 0.3)
    teller.renew(at_once=True)
    assert teller.seconds_to_trace(session.now, False, None) == 0
