"""A device that fails in the middle of what it computes: the run goes on with the CPU from its last checkpoint."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from engine_window import Window
from training.fake_device import NAME, FakeDevice

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.text.dataset import Dataset
from embedviz.training.session import TrainingSession

ON_FAKE = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5, device=NAME)
MLP = ON_FAKE.replace(model="mlp", n_embd=3, hidden=7, block_size=4)
WHOLE = ON_FAKE.replace(batch_size=0, optimizer="adam")
CONFIGS = pytest.mark.parametrize("config", [ON_FAKE, MLP, WHOLE], ids=["batches", "MLP", "whole text"])
FAILURES = pytest.mark.parametrize(
    ("error", "what"),
    [
        (torch.OutOfMemoryError("out of memory"), "ran out of memory"),
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), "was lost"),
        (NotImplementedError("not implemented for 'FAKE'"), "cannot do an operation that this model needs"),
    ],
    ids=["memory", "lost", "lacks"],
)
TRACED = m.Watch("a", np.array([[1, 2]]), traces=True)


@pytest.fixture
def fake() -> Iterator[FakeDevice]:
    with FakeDevice() as device:
        yield device


@pytest.fixture
def window(fake: FakeDevice, idle_window: Window) -> Window:  # the device is there before
    idle_window.serve()
    return idle_window


def assert_same_state(found: Checkpoint, expected: Checkpoint) -> None:
    assert found.step == expected.step
    assert found.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes()


def assert_went_on(window: Window, dataset: Dataset, config: RunConfig, moved: m.Moved, end: int) -> None:
    """Compare with a run on the CPU that begins with the checkpoint that was taken on the device."""
    assert moved.config.device == "cpu"
    before = window.heard[: window.heard.index(moved)]
    kept = [event.checkpoint for event in before if isinstance(event, m.CheckpointTaken)]
    session = TrainingSession(config.replace(device="cpu", threads=1), dataset)
    if kept:
        session.restore(kept[-1])
    assert moved.step == session.step
    while session.step < end:
        next(session)
    window.send(m.GoTo("a", end))
    while window.wait_for(m.Paused, "a").step != end:
        pass
    assert_same_state(window.of(m.CheckpointTaken, "a")[-1].checkpoint, session.state())


@CONFIGS
@FAILURES
def test_in_a_step(
    fake: FakeDevice, window: Window, dataset: Dataset, config: RunConfig, error: Exception, what: str
) -> None:
    assert window.start("a", dataset, config).config.device == NAME
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    window.catch_up("a")
    fake.fail_after(37, error)
    window.send(m.Play("a", m.Until(step=60)))
    moved = window.wait_for(m.Moved, "a")
    assert moved.sentence == f"The device {NAME} {what}: training goes on with the CPU from step {moved.step:,}."
    assert type(error).__name__ in moved.details
    assert window.wait_for(m.Paused, "a") == m.Paused("a", 60, "step")
    assert_went_on(window, dataset, config, moved, 60)
    assert not window.of(m.Failed)


@CONFIGS
@pytest.mark.parametrize("operations", [0, 20, 60])
def test_in_a_trace(
    fake: FakeDevice, window: Window, dataset: Dataset, config: RunConfig, operations: int
) -> None:
    window.start("a", dataset, config)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    window.catch_up("a")
    fake.fail_after(operations, torch.OutOfMemoryError("out of memory"))
    window.send(TRACED)
    moved = window.wait_for(m.Moved, "a")
    assert moved.step == 10
    assert window.wait_for(m.Traced, "a").trace.step == 10
    assert_went_on(window, dataset, config, moved, 30)
    assert not window.of(m.Failed)


@CONFIGS
@pytest.mark.parametrize("operations", [0, 8])
def test_at_the_start(
    fake: FakeDevice, window: Window, dataset: Dataset, config: RunConfig, operations: int
) -> None:
    fake.fail_after(operations, torch.OutOfMemoryError("out of memory"))
    assert window.start("a", dataset, config).config.device == "cpu"
    moved = window.wait_for(m.Moved, "a")
    assert (moved.step, moved.sentence.split(":")[-1]) == (0, " training goes on with the CPU from step 0.")
    assert_went_on(window, dataset, config, moved, 20)


@CONFIGS
def test_a_checkpoint_of_the_device_can_be_sent_back(window: Window, dataset: Dataset, config: RunConfig) -> None:
    window.start("a", dataset, config)
    window.send(m.Advance("a", 10))
    window.wait_for(m.Paused, "a")
    kept = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    straight = TrainingSession(config.replace(device="cpu"), dataset)
    while straight.step < 10:
        next(straight)
    assert_same_state(kept, straight.state())
    assert window.start("b", dataset, config.replace(device="cpu"), kept).step == 10
    window.send(m.GoTo("b", 30))
    window.wait_for(m.Paused, "b")
    while straight.step < 30:
        next(straight)
    assert_same_state(window.of(m.CheckpointTaken, "b")[-1].checkpoint, straight.state())
