"""What the guard calls a run that runs away."""

import math

import pytest
import torch
from torch import nn

from embedviz.training.guard import DivergenceError, Guard, can_learn

V = 20
LIMIT = 3 * math.log(V)


def first_alarm(losses: list[float], first_loss: float = 0.0) -> int | None:
    guard = Guard(V, first_loss)
    return next((step for step, loss in enumerate(losses) if guard.alarms(step, loss)), None)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_finite_number(loss: float) -> None:
    assert first_alarm([3.0, 2.0, loss]) == 2


def test_a_loss_over_the_limit_and_rising() -> None:
    # The last 8 are over the limit, and over the 8 before, for the first time at step 15.
    assert first_alarm([LIMIT + step for step in range(30)]) == 15


def test_a_run_may_start_high_and_fall() -> None:
    assert first_alarm([50 - 0.5 * step for step in range(100)]) is None
    assert first_alarm([50.0] * 100) is None


def test_a_single_high_loss_is_noise() -> None:
    assert first_alarm([2.0] * 20 + [3 * LIMIT] + [2.0] * 20) is None


def test_high_losses_after_low_ones() -> None:
    losses = [2.0] * 20 + [2 * LIMIT] * 20
    assert first_alarm(losses) == 23  # by then the mean of the last 8 is over the limit


def test_below_the_limit_a_loss_may_rise() -> None:
    assert first_alarm([LIMIT * step / 100 for step in range(100)]) is None


def test_the_last_good_step_is_remembered() -> None:
    guard = Guard(V)
    for step, loss in enumerate([3.0, LIMIT, LIMIT + 1, math.nan]):
        guard.alarms(step, loss)
    assert guard.last_good_step == 1


def test_what_is_worth_going_back_to() -> None:
    guard = Guard(V)
    assert guard.accepts(LIMIT)
    assert guard.accepts(10 * LIMIT)  # a start
    assert not guard.accepts(math.inf)
    guard.alarms(0, 3.0)
    assert not guard.accepts(10 * LIMIT)
    assert not guard.accepts(math.nan)


def test_a_single_token_can_only_have_a_loss_of_zero() -> None:
    guard = Guard(1)
    assert not any(guard.alarms(step, 0.0) for step in range(40))


def test_a_start_far_above_guessing_may_get_worse_before_it_falls() -> None:
    climb = [50 + 10 * math.sin(step * math.pi / 40) * 10 for step in range(40)]  # to 150, and back
    assert first_alarm(climb) == 15
    assert first_alarm(climb, climb[0]) is None
    assert first_alarm([50 + 40 * step for step in range(40)], 50) == 15  # but not for ever


def test_a_start_that_cannot_learn_may_be_noisy() -> None:
    assert first_alarm([65.0 + math.sin(step * step) for step in range(1000)], 65) is None


def test_a_start_no_worse_than_guessing_has_no_allowance() -> None:
    for first in (0.0, math.log(V), math.nan, math.inf):
        assert Guard(V, first).allowance == 0


def test_who_was_better_than_guessing_is_measured_by_that() -> None:
    guard = Guard(V, 50.0)
    for step in range(16):
        guard.alarms(step, 10.0 if step < 8 else 2.0)
    assert guard.allowance  # 6 in the mean of all 16
    for step in range(16, 32):
        guard.alarms(step, 2.0)
    assert not guard.allowance
    assert not guard.accepts(50.0)
    assert [guard.alarms(step, 50.0 + step) for step in range(32, 42)].index(True) < 8


def test_what_is_known_comes_back() -> None:
    guard, other = Guard(V, 50.0), Guard(V)
    guard.alarms(3, 40.0)
    guard.forgive(70.0)
    other.restore(guard.known(), list(guard.recent))
    assert (other.last_good_step, other.limit, other.allowance) == (3, 140.0, guard.allowance)
    assert other.allowance == 5 * (50 - math.log(V))
    other.restore(Guard(V).known(), [])
    assert (other.last_good_step, other.limit, other.allowance) == (-1, other.usual_limit, 0)


@pytest.mark.parametrize(
    ("factor", "loss", "is_sound"),
    [(1.0, 3.0, True), (math.inf, 3.0, False), (math.nan, 3.0, False), (0.0, 3.0, False), (0.0, 0.0, True)],
)
def test_a_look_at_the_gradient_leaves_all_as_it_is(factor: float, loss: float, is_sound: bool) -> None:
    layer, generator = nn.Linear(2, 2, bias=False), torch.Generator()
    drawn = generator.get_state()
    layer.weight.grad = before = torch.ones(2, 2)

    def accumulate() -> torch.Tensor:
        layer.weight.grad = factor * torch.rand(2, 2, generator=generator)
        return torch.tensor(loss)

    assert can_learn(layer, accumulate, generator) is is_sound
    assert layer.weight.grad is before
    assert torch.equal(before, torch.ones(2, 2))
    assert torch.equal(generator.get_state(), drawn)


def test_the_sentences() -> None:
    error = DivergenceError(1500, 123.456, 1470, 50)
    assert (error.step, error.loss, error.last_good_step) == (1500, 123.456, 1470)
    assert error.sentence == (
        "The loss rose to 123.5 at step 1,500: the learning rate, 50, is the likely cause. "
        "The run is back at step 1,470, the last one that was sound."
    )
    assert "rose to 999,999.9 at step 3:" in DivergenceError(3, 999_999.9, 2, 123_456).sentence
    error = DivergenceError(1500, 1.234e12, 1470, 1e6)
    assert "rose to 1.23e+12 at step 1,500: the learning rate, 1,000,000, is" in error.sentence
    assert "was no longer a finite number at step 3:" in DivergenceError(3, math.nan, 2, 1).sentence
