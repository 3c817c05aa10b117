"""What a run reads of its losses, and when: no command is heard while it walks through a whole text."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine import reading
from embedviz.engine.reading import LONGEST_WALK_S
from embedviz.engine.served_run import ServedRun
from embedviz.models import base
from embedviz.models.bigram import PairText
from embedviz.text.dataset import Dataset
from embedviz.training.session import SplitLosses, TrainingSession
from embedviz.training.whole_texts import WalkedText

MLP = RunConfig(model="mlp", n_embd=3, hidden=7, block_size=4, init="normal-1", optimizer="adamw", batch_size=4)
CONTEXTS = 2998  # before all tokens of the toy text but the first of each part


class Desk:
    """Makes runs by a clock that stands still but while losses are read, and keeps what they say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
        self.now = 1000.0
        self.said: list[m.Event] = []
        self.runs: list[ServedRun] = []
        self._dataset = dataset
        self._patch = monkeypatch
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 50)  # of 3000: an estimate is cheap

    def start(self, config: RunConfig, whole_s: float) -> ServedRun:
        """Start a run that takes `whole_s` for reading each context once."""
        session = TrainingSession(config, self._dataset)
        loss = session._model.loss

        def read(idx, targets):  # type: ignore[no-untyped-def]
            self.now += len(idx) * whole_s / CONTEXTS
            return loss(idx, targets)

        self._patch.setattr(session._model, "loss", read)
        return self.serve(session)

    def serve(self, session: TrainingSession) -> ServedRun:
        self.runs.append(ServedRun("a", session, self.said.append))
        return self.runs[-1]

    def go(self, run: ServedRun, step: int) -> None:
        run.play(m.Until(step=step))
        run.take_steps(math.inf, ())
        assert not run.playing

    def readings(self) -> list[m.Reading]:
        return [event.reading for event in self.said if isinstance(event, m.Measured)]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> Iterator[Desk]:
    desk = Desk(monkeypatch, dataset)
    yield desk
    for run in desk.runs:
        run.file.close()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    def forbid(kind: type) -> None:
        monkeypatch.setattr(kind, "loss", lambda _text: pytest.fail("the whole text was read"))

    return forbid


def test_a_long_text_is_never_walked_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, never: Callable[[type], None]
) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS", 5)
    never(WalkedText)
    run = desk.start(MLP, whole_s=6.8)
    assert run.started().reading.estimated
    desk.go(run, 40)
    run.pause()
    run.go_to(0)
    run.set_pace(5.0)
    run.play(m.Until())
    desk.now += 3600  # a slow pace may read for long if the last reading was long ago
    run.take_steps(desk.now, ())
    run.tell(desk.now)
    assert all(reading.estimated for reading in desk.readings())
    assert run.session.step == 1
    assert any(isinstance(event, m.SnapshotWritten) and event.reading.step == 1 for event in desk.said)


def test_a_cheap_estimate_does_not_make_a_walk_cheap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, never: Callable[[type], None]
) -> None:
    """Whole at the start and at pauses, an estimate at the marks and for verdicts in between."""
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS", 5)
    run = desk.start(MLP, whole_s=0.1)
    assert not run.started().reading.estimated
    run._reader.read(0.0)
    with monkeypatch.context() as patch:
        patch.setattr(WalkedText, "loss", lambda _text: pytest.fail("the whole text was read"))
        run.play(m.Until())
        while run.session.step < 20:
            run.take_steps(0.0, ())
    marks = [reading for reading in desk.readings() if reading.estimated]
    assert [reading.step for reading in marks][:5] == [1, 2, 3, 4, 5]
    run.pause()
    assert not desk.readings()[-1].estimated


def test_a_short_text_is_read_as_a_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS", 5)
    run = desk.start(MLP, whole_s=0.004)
    desk.go(run, 30)
    assert {reading.estimated for reading in [run.started().reading, *desk.readings()]} == {False}
    assert desk.readings()[-1].train == run.session.whole_losses().train


@pytest.mark.parametrize("batch_size", [0, 4])
def test_a_closed_form_is_read_as_a_whole_whatever_it_costs(
    desk: Desk, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS", 5)
    loss = PairText.loss

    def slow(text: PairText) -> float:
        desk.now += 100 * LONGEST_WALK_S
        return loss(text)

    monkeypatch.setattr(PairText, "loss", slow)
    run = desk.start(RunConfig(batch_size=batch_size, block_size=5), whole_s=1.0)
    first = run.started().reading
    desk.go(run, 30)
    last = desk.readings()[-1]
    assert not first.estimated
    assert not last.estimated
    assert (last.step, last.train) == (30, run.session.whole_losses().train)


def test_the_judge_does_not_mix_whole_losses_and_estimates(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS", 1)
    session = TrainingSession(MLP, desk._dataset)

    def losses_within(_budget_s: float) -> SplitLosses:
        """Say the same of a sample ten times; the whole is more, and falls on."""
        step = session.step
        return SplitLosses(step, 1.0, None, True) if step <= 10 else SplitLosses(step, 3.0 - 0.005 * step, None)

    monkeypatch.setattr(session, "losses_within", losses_within)
    run = desk.serve(session)
    run.play(m.Until(step=400, converged=True))
    run.take_steps(math.inf, ())
    assert [event.reason for event in desk.said if isinstance(event, m.Paused)] == ["step"]
    assert run.session.step == 400


def test_contexts_are_cut_to_the_block_size_that_is_used(desk: Desk) -> None:
    """A text shorter than a block shortens it."""
    session = TrainingSession(
        MLP.replace(block_size=100), Dataset(np.array([0, 1, 2, 0, 1], np.uint8), np.zeros(0, np.uint8), 3)
    )
    run = desk.serve(session)
    run.watch(m.Watch("a", np.zeros((1, 50), np.int64)))
    run.tell(desk.now)
    written = next(event for event in desk.said if isinstance(event, m.SnapshotWritten))
    assert run.started().config.block_size == 4
    assert run.file.read(written.layout)["contexts"].shape == (1, 4)
