import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from embedviz.analysis.layers import BINS, NEAR_ZERO, STATS, LayerSummary, summarize_layer

LARGE = float(np.float32(1e38))
OUTPUTS = arrays(np.float32, array_shapes(max_dims=3, max_side=8), elements=st.floats(-LARGE, LARGE, width=32))


def summary(values: object) -> LayerSummary:
    return LayerSummary.of(summarize_layer(np.asarray(values, np.float32)))


def test_the_numbers_are_those_of_their_definitions() -> None:
    told = summary([[1.0, -2.0], [0.0, 5.0]])
    assert (told.mean, told.smallest, told.largest) == (1.0, -2.0, 5.0)
    assert told.std == pytest.approx(math.sqrt((0 + 9 + 1 + 16) / 4))
    assert told.rms == pytest.approx(math.sqrt(30 / 4))
    assert told.zeros == 0.25
    assert told.reach == 5.0
    assert told.is_finite


@given(OUTPUTS)
def test_numbers_are_numpy_s_and_shares_make_one(values) -> None:
    told, exact = summary(values), values.astype(np.float64)
    assert told.mean == pytest.approx(float(exact.mean()), rel=1e-5, abs=1e-5 * told.rms)
    assert told.std == pytest.approx(float(exact.std()), rel=1e-5, abs=1e-5 * told.rms)
    assert told.rms == pytest.approx(math.sqrt(np.square(exact).mean()), rel=1e-5, abs=1e-37)
    assert (told.smallest, told.largest) == (values.min(), values.max())
    assert told.shares.sum() == pytest.approx(1, abs=1e-5)
    assert told.reach <= np.abs(values).max()


def test_a_uniform_spread_fills_all_bins_alike() -> None:
    told = summary(np.linspace(-3, 3, 100 * BINS))
    assert told.reach == 3.0
    assert np.allclose(told.shares, 1 / BINS, rtol=0.02)
    assert told.std == pytest.approx(3 / math.sqrt(3), rel=1e-3)


def test_the_middle_bin_is_around_zero_and_the_ends_are_in_the_outermost() -> None:
    told = summary([-1.0, 0.0, 0.0, 1.0])
    assert told.shares[[0, BINS // 2, -1]].tolist() == [0.25, 0.5, 0.25]


def test_one_outlier_does_not_flatten_the_histogram() -> None:
    values = np.append(np.tile([-1.0, 1.0], 5000), 1000.0)
    told = summary(values)
    assert told.largest == 1000.0
    assert told.reach == pytest.approx(5 * told.rms)
    assert told.shares[-1] == pytest.approx(1 / len(values))  # what is beyond is in the last


def test_what_is_as_good_as_zero_counts_as_zero() -> None:
    assert summary([0.0, NEAR_ZERO / 2, -NEAR_ZERO / 2, 2 * NEAR_ZERO]).zeros == 0.75


def test_a_layer_of_zeros_is_one_spike() -> None:
    told = summary(np.zeros((2, 3, 4)))
    assert (told.mean, told.std, told.rms, told.reach, told.zeros) == (0, 0, 0, 0, 1)
    assert told.shares[BINS // 2] == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_said_and_counted_nowhere(bad: float) -> None:
    told = summary([1.0, bad])
    assert not told.is_finite
    assert math.isnan(told.mean)
    assert math.isnan(told.largest)
    assert not told.shares.any()


def test_nothing_has_no_spread() -> None:
    stats = summarize_layer(np.zeros((0, 4), np.float32))
    assert stats.shape == (STATS,)
    assert stats.dtype == np.float32
    assert not stats.any()


def test_the_largest_numbers_of_float32_overflow_nowhere() -> None:
    largest = float(np.finfo(np.float32).max)
    assert summary([largest, -largest]).rms == pytest.approx(largest)


def test_numbers_that_are_no_summary_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"\({STATS},\)"):
        LayerSummary.of(np.zeros(STATS - 1, np.float32))
