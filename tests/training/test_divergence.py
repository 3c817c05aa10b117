"""A run that runs away comes back to its last sound step, and can be asked anything there."""

import math
from itertools import islice

import numpy as np
import pytest

from embedviz.checkpoint import Checkpoint
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.files import resource
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training.guard import DivergenceError
from embedviz.training.session import TrainingSession

TOO_FAST = [
    RunConfig(optimizer="sgd", lr=1e6, batch_size=WHOLE_TEXT),
    RunConfig(optimizer="sgd", lr=1e6, batch_size=2, block_size=2),
    RunConfig(optimizer="adam", lr=1e6, batch_size=WHOLE_TEXT),
    RunConfig(optimizer="adamw", lr=1e3, batch_size=2),
    RunConfig(model="mlp", optimizer="sgd", lr=100, batch_size=8, init="normal-1"),
    RunConfig(model="mlp", optimizer="adamw", lr=10, batch_size=WHOLE_TEXT, init="normal-1"),
]


def run_until_error(session: TrainingSession) -> tuple[list[float], DivergenceError]:
    losses = []
    with pytest.raises(DivergenceError) as caught:
        losses.extend(result.loss for result in islice(session, 10_000))
    return losses, caught.value


def weights(session: TrainingSession) -> bytes:
    return session.tables()["token"].tobytes()


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return one.step == other.step and all(
        array.tobytes() == other.arrays[name].tobytes() for name, array in one.arrays.items()
    )


@pytest.mark.parametrize("config", TOO_FAST)
def test_it_is_back_at_the_last_good_step(config: RunConfig, text: Dataset) -> None:
    session = TrainingSession(config, text)
    losses, error = run_until_error(session)
    limit = 3 * math.log(5)
    assert error.step == len(losses)
    assert not error.loss <= limit
    assert error.last_good_step == max(step for step, loss in enumerate(losses) if loss <= limit)
    assert session.step == error.last_good_step
    replayed = TrainingSession(config, text)
    while replayed.step < error.last_good_step:
        next(replayed)
    assert weights(session) == weights(replayed)
    assert same(session.checkpoint(), replayed.checkpoint())


@pytest.mark.parametrize("config", TOO_FAST)
def test_afterwards_the_session_is_usable(config: RunConfig, text: Dataset) -> None:
    session = TrainingSession(config, text)
    start = session.checkpoint()
    losses, error = run_until_error(session)
    assert session.is_healthy
    assert session.whole_losses().step == error.last_good_step
    assert np.isfinite(session.logits(np.array([[0]]))).all()
    again, second = run_until_error(session)  # it runs away again, in the very same way
    assert losses[error.last_good_step :] == again
    assert (second.step, second.last_good_step) == (error.step, error.last_good_step)
    session.restore(start)
    assert run_until_error(session)[0] == losses


def test_it_goes_back_no_further_than_the_last_checkpoint(text: Dataset) -> None:
    config = RunConfig(optimizer="sgd", lr=1e6, batch_size=2, block_size=2)
    _, error = run_until_error(TrainingSession(config, text))
    session = TrainingSession(config, text)
    while session.step < error.last_good_step:
        next(session)
    anchor = session.checkpoint()
    assert anchor.step == error.last_good_step
    run_until_error(session)
    assert session.step == anchor.step
    assert same(session.checkpoint(), anchor)


def test_no_checkpoint_is_taken_of_a_sick_state(text: Dataset) -> None:
    for config in TOO_FAST:
        session = TrainingSession(config, text)
        for _ in range(14):
            next(session)
            checkpoint = session.checkpoint()
            assert (checkpoint.step == session.step) == session.is_healthy
            for array in checkpoint.arrays.values():
                assert np.isfinite(array.astype(float)).all()


def test_the_weights_it_comes_back_to_are_finite() -> None:
    # Of a large table a batch reads single rows: here row 0. Weight decay makes every row -1.5 times what it was,
    # so that 1e37 in row 1 is infinite from step 8 on, while the loss, which does not see it, is still sound.
    ids = np.array([0] * 4000 + [1, 2, 3, 0], np.uint16)
    config = RunConfig(optimizer="sgd", lr=1, weight_decay=2.5, batch_size=1, block_size=1)
    session = TrainingSession(config, make_dataset(ids, 600, 0.0))
    arrays = dict(session.checkpoint().arrays)
    table = np.zeros((600, 600), np.float32)
    table[1, 0] = 1e37
    session.restore(Checkpoint(0, {**arrays, "parameters/token_embedding_table.weight": table}, {}))
    losses, error = run_until_error(session)
    assert max(step for step, loss in enumerate(losses) if loss <= 3 * math.log(600)) > 8
    assert session.step == error.last_good_step == 7
    assert np.isfinite(session.tables()["token"]).all()
    assert session.checkpoint().step == 7
    next(session)
    assert not session.is_healthy
    assert session.checkpoint().step == 7


def test_a_start_above_the_limit_may_fall(text: Dataset) -> None:
    config = RunConfig(optimizer="adam", lr=0.5)
    session = TrainingSession(config, text)
    start = session.checkpoint()
    table = np.zeros((5, 5), np.float32)
    table[:, 0] = 60  # certain of what is mostly wrong
    arrays = {**start.arrays, "parameters/token_embedding_table.weight": table}
    session.restore(Checkpoint(0, arrays, {}))
    first = next(session).loss
    assert first > 3 * math.log(5)
    assert session.is_healthy
    assert session.checkpoint().step == 1
    while session.step < 600:
        next(session)
    assert session.floor is not None
    assert session.whole_losses().train < session.floor + 0.01


@pytest.mark.parametrize(("width", "starts_below"), [(256, True), (1024, False)])
def test_large_rows_climb_before_they_fall(width: int, starts_below: bool) -> None:
    # Scaled rows of N(0, 1): Adam's first steps are too long for them, and it finds back by itself.
    kinds, ids = np.unique(list(resource("samples/fables.txt").read_text("utf-8")), return_inverse=True)
    limit = 3 * math.log(len(kinds))
    config = RunConfig().with_model("token-position").replace(scale_embeddings=True, n_embd=width)
    session = TrainingSession(config, make_dataset(ids.astype(np.uint16), len(kinds), 0.1))
    losses = [result.loss for result in islice(session, 100)]
    assert (session.start.first_loss < limit) == starts_below
    assert np.mean(losses[8:16]) > max(np.mean(losses[:8]), limit)
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[8:16])


def test_a_start_that_cannot_get_better_goes_on(text: Dataset) -> None:
    made = RunConfig().with_model("token-position")
    config = made.replace(tie=True, freeze_embeddings=True, n_embd=64, batch_size=4)
    session = TrainingSession(config, text)
    losses = [result.loss for result in islice(session, 300)]
    assert min(losses[16:]) > 3 * math.log(5)


def test_large_rows_that_never_find_back(text: Dataset) -> None:
    made = RunConfig().with_model("token-position")
    config = made.replace(scale_embeddings=True, n_embd=256, optimizer="sgd", lr=1.0)
    losses, error = run_until_error(TrainingSession(config, text))
    assert len(losses) < 100
    assert error.last_good_step < 10


def test_weights_too_large_to_compute_with_are_not_sound() -> None:
    # After one step of 1e6 the stream is too large for its norm, the logits are 0, and so are all gradients.
    ids = np.random.default_rng(0).integers(0, 50, 4000).astype(np.uint16)
    session = TrainingSession(RunConfig().with_model("llama").replace(lr=1e6), make_dataset(ids, 50, 0.1))
    start = session.state()
    losses, error = run_until_error(session)
    assert losses[-1] == pytest.approx(math.log(50), abs=1e-6)
    assert (error.step, error.last_good_step) == (2, 0)
    assert all(np.abs(table).max() < 1 for table in session.tables().values())
    assert same(session.state(), start)


def test_a_small_batch_is_noisy_but_no_divergence(text: Dataset) -> None:
    session = TrainingSession(RunConfig(optimizer="adam", lr=0.3, batch_size=1, block_size=1), text)
    losses = [next(session).loss for _ in range(5000)]
    assert max(losses) > 3 * math.log(5)
