"""LossHistory against the plain list of all losses that it stands for."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.analysis.history import CAPACITY, LossHistory, Series


def filled(losses: np.ndarray, sizes: tuple[int, ...] = (1, 7, 5000)) -> LossHistory:
    """Return a history of `losses`, appended in pieces of various sizes."""
    history, start, turn = LossHistory(), 0, 0
    while start < len(losses):
        piece = losses[start : start + sizes[turn % len(sizes)]]
        history.append(start, piece)
        start, turn = start + len(piece), turn + 1
    return history


def expected(losses: np.ndarray, width: int) -> Series:
    """Return the series in buckets of `width` steps, bucket by bucket."""
    rows = []
    for start in range(0, len(losses), width):
        values = losses[start : start + width].astype(np.float64)
        middle = start + (len(values) - 1) / 2
        values = values[np.isfinite(values)]
        if not len(values):
            values = np.array([np.nan])
        rows.append((middle, values.mean(), values.min(), values.max()))
    return Series(*np.array(rows).T)


def assert_series(series: Series, wanted: Series) -> None:
    for column, other in zip(series, wanted, strict=True):
        np.testing.assert_allclose(column, other, rtol=1e-12)


def random_losses(size: int) -> np.ndarray:
    return np.random.default_rng(size).normal(3, 1, size).astype(np.float32)


def test_an_empty_history():
    history = LossHistory()
    assert (history.count, history.last, history.last_step) == (0, None, None)
    assert all(len(column) == 0 for column in history.series(0, 100, 10))
    history.append(0, np.array([]))
    history.truncate(0)
    assert history.count == 0


def test_few_losses_come_back_as_they_were():
    losses = random_losses(1000)
    history = filled(losses)
    series = history.series(0, 999, 1000)
    assert_series(series, Series(np.arange(1000), losses, losses, losses))
    assert (history.count, history.last, history.last_step) == (1000, float(losses[-1]), 999)


def test_a_range_is_inclusive():
    history = filled(random_losses(100))
    assert history.series(20, 29, 100).steps.tolist() == list(range(20, 30))


@pytest.mark.parametrize(
    ("size", "points", "width"),
    [
        (4096, 4096, 1),
        (4096, 4095, 2),
        (4096, 600, 8),
        (4097, 4096, 8),  # the first loss has left the finest level
        (20_000, 1000, 32),
        (100_000, 10_000, 64),
        (100_000, 1, 131_072),
        (100_000, 0, 131_072),
    ],
)
def test_buckets_are_as_fine_as_they_can_be(size, points, width):
    losses = random_losses(size)
    assert_series(filled(losses).series(0, size - 1, points), expected(losses, width))


def test_recent_losses_stay_exact():
    losses = random_losses(100_000)
    series = filled(losses).series(100_000 - CAPACITY, 99_999, CAPACITY)
    assert_series(series, Series(np.arange(100_000 - CAPACITY, 100_000), *[losses[-CAPACITY:]] * 3))


def test_buckets_do_not_move_as_the_curve_grows():
    losses = random_losses(2901)
    history = filled(losses[:2101])
    before = history.series(0, 2100, 500)
    history.append(2101, losses[2101:])
    after = history.series(3, 2900, 500)
    whole = len(before.steps) - 1  # the last has grown since
    assert whole == 2101 // 8
    for column, grown in zip(before, after, strict=True):
        assert column[:whole].tolist() == grown[:whole].tolist()


def test_steps_beyond_the_past_are_not_invented():
    history = LossHistory()
    history.append(1000, np.array([1.0, 2.0, 3.0]))
    assert history.series(0, 5000, 100).steps.tolist() == [1000, 1001, 1002]
    assert history.series(0, 5000, 1).steps.tolist() == [1001]
    history.truncate(10)
    history.append(10, np.array([4.0, 5.0]))
    assert history.series(0, 5000, 100).steps.tolist() == [10, 11]


@settings(deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=12), st.integers(1, 300))
def test_every_loss_is_in_a_bucket(sizes, points):
    losses = random_losses(sum(sizes))
    history = filled(losses, tuple(sizes))
    series = history.series(0, len(losses) - 1, points)
    assert len(series.steps) <= points
    assert series.low.min() == losses.min()
    assert series.high.max() == losses.max()
    assert history.count == len(losses)


def test_what_is_not_finite_poisons_nothing():
    losses = np.array([1.0, np.nan, 3.0, np.inf, -np.inf, np.nan, np.nan, np.nan, 5.0, np.inf])
    history = LossHistory()
    history.append(0, losses)
    assert history.last == math.inf
    assert_series(history.series(0, 9, 10), expected(losses, 1))
    assert_series(history.series(0, 9, 5), expected(losses, 2))
    assert_series(history.series(0, 9, 2), expected(losses, 8))
    history.append(10, np.array([np.nan]))
    assert math.isnan(history.last)


def test_steps_may_be_left_out():
    history = LossHistory()
    for step in range(0, 5_000_000, 10_000):
        history.append(step, np.array([float(step)]))
    series = history.series(0, 5_000_000, CAPACITY)
    assert (series.low[0], series.high[-1]) == (0, 4_990_000)
    assert history.count == 500
    newest = history.series(4_990_000, 4_990_000, 100)
    assert newest.steps.tolist() == newest.mean.tolist() == [4_990_000]


def test_after_a_gap_the_finest_level_does_not_stand_for_what_it_lost():
    losses = np.zeros(CAPACITY)
    losses[950] = -1.0  # where the ring holds step 5046 later
    history = filled(losses)
    history.append(5000, np.ones(100))
    assert history.series(0, 6000, 10**6).low.min() == -1


@pytest.mark.parametrize("first_step", [-1, 0, 9])
def test_the_past_is_not_written_twice(first_step):
    history = filled(random_losses(10))
    with pytest.raises(ValueError, match="is not after"):
        history.append(first_step, np.ones(5))
    assert history.count == 10


# Going back


@pytest.mark.parametrize("step", [0, 1, 999, 1000, 2048, 4000])
def test_going_back_within_the_finest_level(step):
    losses, others = random_losses(4000), random_losses(3001)
    history = filled(losses)
    history.truncate(step)
    assert history.count == 0
    wanted = losses[step - 1] if step else None
    assert (history.last, history.last_step) == ((wanted, step - 1) if step else (None, None))
    history.append(step, others)
    joined = np.concatenate([losses[:step], others])
    for points, width in ((CAPACITY * 8, None), (500, None), (20, None)):
        series = history.series(0, len(joined) - 1, points)
        width = round(series.steps[1] - series.steps[0])
        assert_series(series, expected(joined, width))
    assert history.count == 3001


def test_cut_buckets_are_made_again_at_every_level():
    losses, others = random_losses(100_000), random_losses(300_000)
    history = filled(losses)
    history.truncate(99_001)
    history.append(99_001, others)
    joined = np.concatenate([losses[:99_001], others])
    assert_series(history.series(0, len(joined), 10_000), expected(joined, 512))


def test_far_back_nothing_that_was_dropped_remains():
    history = LossHistory()
    history.append(0, np.full(1_000_000, 7.0))
    history.truncate(500_001)
    assert (history.last, history.last_step, history.count) == (None, None, 0)
    history.append(500_001, np.full(100, 2.0))
    assert (history.last, history.count) == (2.0, 100)
    series = history.series(0, 600_000, CAPACITY)
    assert set(series.mean.tolist()) == {7.0, 2.0}  # no bucket mixes what stayed with what was dropped
    assert series.steps[-1] <= 500_101
    assert history.series(500_001, 600_000, CAPACITY).mean.tolist() == [2.0] * 100


def test_going_back_to_nowhere_changes_nothing_but_the_count():
    history = filled(random_losses(100))
    history.append(100, np.array([np.inf]))
    history.truncate(500)
    assert (history.last, history.last_step, history.count) == (math.inf, 100, 0)
    assert len(history.series(0, 500, 1000).steps) == 101
    history.truncate(-5)
    assert len(history.series(0, 500, 1000).steps) == 0
    history.append(0, np.ones(3))
    assert history.series(0, 500, 1000).mean.tolist() == [1, 1, 1]


def test_going_back_to_what_was_no_number():
    history = LossHistory()
    history.append(0, np.array([1.0, np.inf, 2.0]))
    history.truncate(2)
    assert history.last_step == 1
    assert math.isnan(history.last)


def test_threads_see_whole_appends():
    history, torn = LossHistory(), []
    done = threading.Event()

    def read():
        while not done.is_set():
            count, steps = history.count, history.series(0, 10**6, 10**6).steps
            if count % 100 or len(steps) % 100:
                torn.append((count, len(steps)))

    reader = threading.Thread(target=read)
    reader.start()
    for first in range(0, 4000, 100):
        history.append(first, np.ones(100))
    done.set()
    reader.join()
    assert not torn
    assert history.count == 4000
