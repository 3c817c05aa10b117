"""From a checkpoint a run goes on bitwise as if it had never stopped."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from embedviz import catalog
from embedviz.checkpoint import Checkpoint, CheckpointError
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.edits import HandEdit
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training.session import StepResult, TrainingSession

CONFIGS = [
    RunConfig(optimizer=name, lr=0.2, weight_decay=0.01, batch_size=batch_size, init="normal-0.02")
    for name in catalog.OPTIMIZERS
    for batch_size in (WHOLE_TEXT, 4)
]
MLP = RunConfig(model="mlp", block_size=3, n_embd=4, hidden=10, init="normal-1", lr=0.02, batch_size=4)
CONFIGS += [
    MLP.replace(optimizer="adamw", weight_decay=0.01),
    MLP.replace(optimizer="sgd", batch_size=WHOLE_TEXT),
    MLP.replace(schedule="cosine", warmup_steps=10, schedule_steps=30, clip=0.5),
]


def take(session: TrainingSession, steps: int) -> list[StepResult]:
    return [next(session) for _ in range(steps)]


def everything(session: TrainingSession) -> dict[str, bytes]:
    checkpoint = session.checkpoint()
    state = {name: array.tobytes() for name, array in checkpoint.arrays.items()}
    return {**state, "scalars": repr((checkpoint.step, checkpoint.scalars)).encode()}


@pytest.mark.parametrize("before", [0, 1, 25])
@pytest.mark.parametrize("config", CONFIGS)
def test_it_goes_on_bitwise(config: RunConfig, before: int, text: Dataset) -> None:
    uninterrupted = TrainingSession(config, text)
    take(uninterrupted, before)
    checkpoint = uninterrupted.checkpoint()
    expected = take(uninterrupted, 40)

    resumed = TrainingSession(config, text)  # in another process, perhaps
    take(resumed, 7)
    resumed.restore(checkpoint)
    assert resumed.step == checkpoint.step == before
    assert resumed.table_gradients() == {}
    assert take(resumed, 40) == expected
    assert everything(resumed) == everything(uninterrupted)

    uninterrupted.restore(checkpoint)  # rewound
    assert take(uninterrupted, 40) == expected
    assert everything(uninterrupted) == everything(resumed)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_checkpoint_stays_what_it_was(config: RunConfig, text: Dataset) -> None:
    session = TrainingSession(config, text)
    take(session, 5)
    checkpoint = session.checkpoint()
    before = {name: array.tobytes() for name, array in checkpoint.arrays.items()}
    session.restore(checkpoint)
    take(session, 5)
    assert {name: array.tobytes() for name, array in checkpoint.arrays.items()} == before
    for array in checkpoint.arrays.values():
        assert not array.flags.writeable
    with pytest.raises(FrozenInstanceError):
        checkpoint.step = 0  # type: ignore[misc]


def test_frozen_rows_belong_to_it(text: Dataset) -> None:
    session = TrainingSession(MLP, text)
    take(session, 3)
    thawed = session.checkpoint()
    for row in (4, 1):
        session.edit(HandEdit("freeze", "token", row))
    frozen = session.checkpoint()
    assert frozen.arrays["frozen/token"].tolist() == [1, 4]
    assert "frozen/token" not in thawed.arrays
    expected = take(session, 10)
    resumed = TrainingSession(MLP, text)
    resumed.restore(frozen)
    assert take(resumed, 10) == expected
    assert everything(resumed) == everything(session)
    held = resumed.tables()["token"][[1, 4]].tobytes()
    resumed.restore(thawed)
    take(resumed, 10)
    assert resumed.tables()["token"][[1, 4]].tobytes() != held


def test_it_tells_its_size(text: Dataset) -> None:
    session = TrainingSession(RunConfig(optimizer="sgd"), text)
    generator = session.checkpoint().arrays["generator/batches"].nbytes
    assert session.checkpoint().size == 25 * 4 + generator
    next(session)
    assert session.checkpoint().size == 25 * 4 + generator + 8  # a loss, for the guard


def test_it_names_what_it_holds(text: Dataset) -> None:
    session = TrainingSession(CONFIGS[2], text)
    take(session, 3)
    assert sorted(session.checkpoint().arrays) == [
        "generator/batches",
        "guard/recent",
        "optimizer/0/exp_avg",
        "optimizer/0/exp_avg_sq",
        "optimizer/0/step",
        "parameters/token_embedding_table.weight",
    ]


def test_it_names_what_it_holds_of_an_mlp(text: Dataset) -> None:
    session = TrainingSession(MLP, text)
    take(session, 3)
    assert sorted(name for name in session.checkpoint().arrays if name.startswith("parameters/")) == [
        "parameters/W1",
        "parameters/W2",
        "parameters/b1",
        "parameters/b2",
        "parameters/token_embedding_table.weight",
    ]
    table = TrainingSession(RunConfig(), text)
    for one, other in ((session, table), (table, session)):
        with pytest.raises(CheckpointError, match="taken of another model"):
            one.restore(other.checkpoint())


def test_a_checkpoint_of_another_model_is_refused(text: Dataset) -> None:
    session = TrainingSession(RunConfig(), text)
    take(session, 3)
    before = everything(session)
    other = TrainingSession(RunConfig(), make_dataset(np.array([0, 1, 2], np.uint8), 3, 0.0)).checkpoint()
    nothing = Checkpoint(0, {}, {})
    for checkpoint in (other, nothing):
        with pytest.raises(CheckpointError, match="taken of another model"):
            session.restore(checkpoint)
        assert everything(session) == before


def test_a_checkpoint_without_what_the_guard_knew_still_restores(text: Dataset) -> None:
    session = TrainingSession(RunConfig(), text)
    whole = session.checkpoint()
    arrays = {name: array for name, array in whole.arrays.items() if not name.startswith("guard/")}
    session.restore(Checkpoint(whole.step, arrays, {}))
    assert next(session).step == 0


def test_it_needs_no_torch() -> None:
    program = "import sys, embedviz.checkpoint; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
