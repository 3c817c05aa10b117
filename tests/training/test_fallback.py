"""A run whose device fails on command goes on with the CPU, bitwise from its last checkpoint."""

from collections.abc import Iterator

import pytest
import torch
from fake_device import NAME, FakeDevice

from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.training import fallback
from embedviz.training.fallback import LastingRun, Moved
from embedviz.training.guard import DivergenceError
from embedviz.training.session import TrainingSession

CONFIG = RunConfig(device=NAME, batch_size=4, init="normal-1")
LOST = torch.AcceleratorError("CUDA error: unspecified launch failure")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.tick = 0.0  # that each look takes

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def fake() -> Iterator[FakeDevice]:
    with FakeDevice() as device:
        yield device


def take(session: TrainingSession, steps: int) -> list[float]:
    return [next(session).loss for _ in range(steps)]


@pytest.mark.parametrize("kept", [0, 7])
def test_it_goes_on_with_the_cpu_from_the_last_checkpoint(kept: int, fake: FakeDevice, text: Dataset) -> None:
    expected = take(TrainingSession(CONFIG.replace(device="cpu"), text), 20)
    clock = Clock()
    said: list[Moved] = []
    run = LastingRun(CONFIG, text, said.append, clock)
    run.do(lambda session: take(session, kept))
    clock.now += 2 if kept else 0
    run.keep_up()
    run.do(lambda session: take(session, 3))
    run.keep_up()  # not due again
    fake.fail_after(9, LOST)
    assert run.do(lambda session: take(session, 20 - session.step)) == expected[kept:]
    assert run.session.config.device == "cpu"
    assert said == [Moved("cpu", kept, "The device fake:0 was lost")]
    assert said[0].sentence == f"The device fake:0 was lost: training goes on with the CPU from step {kept}."


def test_a_run_that_cannot_begin_there_begins_on_the_cpu(fake: FakeDevice, text: Dataset) -> None:
    fake.fail_after(0, NotImplementedError("not implemented for 'FAKE'"))
    said: list[Moved] = []
    run = LastingRun(CONFIG, text, said.append)
    assert [moved.sentence for moved in said] == [
        "The device fake:0 cannot do an operation that this model needs: "
        "training goes on with the CPU from step 0."
    ]
    assert (run.session.config.device, run.session.step) == ("cpu", 0)
    run.keep_up()


def test_a_checkpoint_that_fails_is_taken_on_the_cpu(fake: FakeDevice, text: Dataset) -> None:
    clock = Clock()
    said: list[Moved] = []
    run = LastingRun(CONFIG, text, said.append, clock)
    run.do(lambda session: take(session, 5))
    clock.now += 2
    fake.fail_after(0, torch.OutOfMemoryError("out of memory"))
    run.keep_up()
    assert said == [Moved("cpu", 0, "The device fake:0 ran out of memory")]
    assert run.session.step == 0


def test_all_other_errors_are_raised(fake: FakeDevice, text: Dataset) -> None:
    said: list[Moved] = []
    run = LastingRun(CONFIG, text, said.append)

    def fail(error: Exception) -> None:
        raise error

    for error in (DivergenceError(3, 1e9, 2, 50.0), ValueError("a mistake")):
        with pytest.raises(type(error)) as caught:
            run.do(lambda _session, error=error: fail(error))
        assert caught.value is error
    on_cpu = LastingRun(CONFIG.replace(device="cpu"), text, said.append)
    with pytest.raises(RuntimeError):
        on_cpu.do(lambda _session: fail(RuntimeError("out of memory")))
    assert said == []


def test_a_run_on_the_cpu_that_cannot_begin_says_why(text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(*_arguments: object) -> TrainingSession:
        raise RuntimeError("can't allocate memory")

    monkeypatch.setattr(fallback, "TrainingSession", begin)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        LastingRun(CONFIG.replace(device="cpu"), text, pytest.fail)


def test_checkpoints_take_a_hundredth_of_the_time_at_most(text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    checkpoint = TrainingSession.checkpoint
    monkeypatch.setattr(TrainingSession, "checkpoint", lambda self: taken.append(clock.now) or checkpoint(self))
    clock = Clock()
    run = LastingRun(CONFIG.replace(device="cpu"), text, pytest.fail, clock)
    for clock.now in (0.5, 0.9, 1.1, 1.5, 2.0, 2.2):
        run.keep_up()
    assert taken == [1.1, 2.2]  # once a second
    clock.tick = 0.05  # a checkpoint that takes so long
    for clock.now in (4.0, 6.0, 8.0, 9.2):
        run.keep_up()
    assert taken == [1.1, 2.2, 4.05, pytest.approx(9.25)]
