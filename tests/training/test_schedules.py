"""The learning rate of each step, in closed form, and that training takes it."""

import math

import numpy as np
import pytest

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.training.schedules import SCHEDULES, constant, cosine
from embedviz.training.session import TrainingSession

COSINE = RunConfig(schedule="cosine", lr=0.5, warmup_steps=4, schedule_steps=24)


def test_the_catalogue_and_the_schedules_are_the_same() -> None:
    assert list(SCHEDULES) == list(catalog.SCHEDULES)


def test_constant() -> None:
    assert [constant(COSINE, step) for step in (0, 3, 10**6)] == [0.5] * 3


def test_warm_up_rises_in_a_line() -> None:
    assert [cosine(COSINE, step) for step in range(5)] == [0.125, 0.25, 0.375, 0.5, 0.5]


def test_then_half_a_cosine_down_to_a_tenth() -> None:
    assert cosine(COSINE, 14) == pytest.approx((0.5 + 0.05) / 2)  # half way
    assert cosine(COSINE, 9) - cosine(COSINE, 14) == pytest.approx(0.225 * math.cos(math.pi / 4))
    assert [cosine(COSINE, step) for step in (24, 25, 10**9)] == pytest.approx([0.05] * 3)
    rates = [cosine(COSINE, step) for step in range(4, 25)]
    assert rates == sorted(rates, reverse=True)


def test_without_a_warm_up_it_begins_at_the_top() -> None:
    assert cosine(COSINE.replace(warmup_steps=0), 0) == 0.5


@pytest.mark.parametrize("schedule", list(catalog.SCHEDULES))
def test_a_step_of_sgd_is_its_rate_times_the_gradient(schedule: str, text: Dataset) -> None:
    session = TrainingSession(COSINE.replace(schedule=schedule, optimizer="sgd"), text)
    for step in range(30):
        rate, before = session.learning_rate, session.tables()["token"]
        assert rate == SCHEDULES[schedule](session.config, step)
        next(session)
        moved = session.tables()["token"] - before
        np.testing.assert_allclose(moved, -rate * session.table_gradients()["token"], atol=1e-6)


def test_going_back_finds_the_same_rates(text: Dataset) -> None:
    session = TrainingSession(COSINE, text)
    for _ in range(5):
        next(session)
    checkpoint, rate = session.checkpoint(), session.learning_rate
    expected = [next(session) for _ in range(30)]
    assert session.learning_rate == pytest.approx(0.05)
    session.restore(checkpoint)
    assert session.learning_rate == rate
    assert [next(session) for _ in range(30)] == expected


def test_a_gradient_longer_than_the_clip_is_shortened(text: Dataset) -> None:
    config = RunConfig(model="mlp", init="normal-1", layer_init="normal-1", batch_size=16, optimizer="sgd", lr=1.0)
    free = TrainingSession(config, text)
    next(free)
    assert free.gradient_norm is None
    gradients = [parameter.grad for parameter in free._model.parameters()]
    norm = math.sqrt(
        sum(gradient.double().square().sum().item() for gradient in gradients if gradient is not None)
    )
    for clip in (norm / 3, norm * 3):
        session = TrainingSession(config.replace(clip=clip), text)
        before = session.tables()["token"]
        next(session)
        assert session.gradient_norm == pytest.approx(norm, rel=1e-5)  # before it was shortened
        expected = free.table_gradients()["token"] * min(1, clip / norm)
        np.testing.assert_allclose(session.table_gradients()["token"], expected, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(before - session.tables()["token"], expected, rtol=1e-3, atol=1e-5)
    session.restore(session.checkpoint())
    assert session.gradient_norm is None
