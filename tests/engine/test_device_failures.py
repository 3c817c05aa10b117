"""A run whose device fails goes on with the CPU, and says so."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from engine_window import Window

from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.engine import server
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace
from embedviz.training import devices
from embedviz.training.device_choice import DeviceChooser
from embedviz.training.session import StepResult, TrainingSession

CONFIG = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5)
SENTENCE = "The device fake:0 ran out of memory: training goes on with the CPU from step {:,}."


class Fragile(TrainingSession):
    """Computes on the CPU, says that it is on fake:0, and fails there when a test tells it to."""

    fails_in = ""  # "start", "step", "trace", "losses", "logits"
    at_step = 0

    def __init__(self, config: RunConfig, dataset: Dataset, _chooser: DeviceChooser | None = None) -> None:
        super().__init__(config.replace(device="cpu", threads=1), dataset)
        self.is_fake = config.device == "fake:0"
        if self.is_fake:
            self.config = self.config.replace(device="fake:0")
        self._fail("start")

    def _fail(self, where: str) -> None:
        if self.is_fake and where == Fragile.fails_in and self.step >= Fragile.at_step:
            raise torch.OutOfMemoryError("out of memory")

    def __next__(self) -> StepResult:
        self._fail("step")
        return super().__next__()

    def trace_step(self, context: m.Array) -> StepTrace:
        self._fail("trace")
        return super().trace_step(context)

    def losses_within(self, budget_s: float):  # type: ignore[no-untyped-def]
        self._fail("losses")
        return super().losses_within(budget_s)

    def logits(self, contexts: m.Array):  # type: ignore[no-untyped-def]
        self._fail("logits")
        return super().logits(contexts)


@pytest.fixture(autouse=True)
def _fragile(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(server, "TrainingSession", Fragile)
    monkeypatch.setattr(devices, "available", lambda: ("cpu", "fake:0"))
    yield
    Fragile.fails_in, Fragile.at_step = "", 0


def fail(where: str, at_step: int = 0) -> None:
    Fragile.fails_in, Fragile.at_step = where, at_step


def assert_same_run(window: Window, dataset: Dataset, step: int, edits: dict[int, HandEdit] | None = None) -> None:
    session = TrainingSession(CONFIG, dataset)
    losses = []
    while session.step < step:
        if session.step in (edits or {}):
            session.edit((edits or {})[session.step])
        losses.append(next(session).loss)
    found = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    assert found.step == step
    for name, array in session.state().arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes()
    assert window.losses("a").tobytes() == np.array(losses).tobytes()


def start(window: Window, dataset: Dataset) -> m.Started:
    return window.start("a", dataset, CONFIG.replace(device="fake:0"))


def test_the_devices_are_told(window: Window) -> None:
    assert window.of(m.Ready)[0].devices == ("cpu", "fake:0")


def test_a_step_that_fails(window: Window, dataset: Dataset) -> None:
    assert start(window, dataset).config.device == "fake:0"
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    fail("step", 25)
    window.send(m.SetPace("a", 1000.0), m.Play("a", m.Until(step=60)))
    moved = window.wait_for(m.Moved, "a")
    assert moved.config.device == "cpu"
    assert 10 <= moved.step <= 25
    assert moved.sentence == SENTENCE.format(moved.step)
    assert "OutOfMemoryError" in moved.details
    assert window.wait_for(m.Paused, "a") == m.Paused("a", 60, "step")  # it went on playing
    assert_same_run(window, dataset, 60)
    assert window.wait_for_snapshot("a", 60)


def test_a_start_that_fails(window: Window, dataset: Dataset) -> None:
    fail("start")
    assert start(window, dataset).config.device == "cpu"
    assert window.wait_for(m.Moved, "a").sentence == SENTENCE.format(0)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    assert_same_run(window, dataset, 10)
    assert not window.of(m.Failed)


def test_a_trace_that_fails(window: Window, dataset: Dataset) -> None:
    start(window, dataset)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    fail("trace")
    window.send(m.Watch("a", np.array([[1]]), traces=True))
    assert window.wait_for(m.Moved, "a").step == 10
    assert window.wait_for(m.Traced, "a").trace.step == 10
    assert_same_run(window, dataset, 10)
    assert not window.of(m.Rewound)


def test_a_pause_that_fails_is_a_pause_all_the_same(window: Window, dataset: Dataset) -> None:
    start(window, dataset)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    fail("losses")
    window.send(m.Pause("a"))
    moved = window.wait_for(m.Moved, "a")
    paused = window.wait_for(m.Paused, "a")
    assert (paused.step, paused.reason) == (moved.step, "asked")
    assert_same_run(window, dataset, moved.step)


def test_the_end_that_failed_is_reached_again(window: Window, dataset: Dataset) -> None:
    start(window, dataset)
    fail("losses", 20)
    window.send(m.Advance("a", 20))
    assert window.wait_for(m.Moved, "a").step < 20
    assert window.wait_for(m.Paused, "a") == m.Paused("a", 20, "step")
    assert_same_run(window, dataset, 20)


def test_a_question_that_failed_is_asked_again(window: Window, dataset: Dataset) -> None:
    start(window, dataset)
    fail("logits")
    window.send(m.Predict("a", 7, np.array([3])))
    assert window.wait_for(m.Moved, "a").step == 0
    assert window.wait_for(m.Predicted, "a").request == 7


def test_edits_move_along(window: Window, dataset: Dataset) -> None:
    start(window, dataset)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    edit = HandEdit("cell", "token", 1, 1, 3.0)
    window.send(m.Edit("a", edit))
    window.wait_for(m.Edited, "a")
    fail("step", 30)
    window.send(m.Advance("a", 50))
    assert window.wait_for(m.Moved, "a").step >= 10
    assert window.wait_for(m.Paused, "a").step == 60
    assert_same_run(window, dataset, 60, {10: edit})


def test_where_the_cpu_fails_too_it_pauses(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(window, dataset)
    fail("step")

    def refuse(*_arguments: object) -> TrainingSession:
        raise MemoryError

    monkeypatch.setattr(server, "TrainingSession", refuse)
    window.send(m.Advance("a"))
    paused = window.wait_for(m.Paused, "a")
    assert paused.reason == "failed"
    assert paused.sentence.startswith("The trainer ran out of memory")
    assert "OutOfMemoryError" in paused.details
