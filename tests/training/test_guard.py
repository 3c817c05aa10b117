"""What the guard calls a run that runs away."""

import math

import pytest

from embedviz.training.guard import DivergenceError, Guard

V = 20
LIMIT = 3 * math.log(V)


def first_alarm(losses: list[float]) -> int | None:
    guard = Guard(V)
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
