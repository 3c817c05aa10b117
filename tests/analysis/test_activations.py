import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from embedviz.analysis.activations import SATURATED, summarize

OUTPUTS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(-1, 1, width=32),
)


def test_a_uniform_spread_fills_all_bins_alike():
    middles = np.linspace(-1, 1, 101)[:-1] + 0.01  # two in each of 50 bins
    summary = summarize(middles.reshape(20, 5).astype(np.float32))
    assert np.allclose(summary.shares, 1 / 50)
    assert np.allclose(np.diff(summary.edges), 0.04)
    assert summary.saturated_share == np.mean(np.abs(middles) > 0.97)


def test_ends_are_in_the_outermost_bins():
    summary = summarize(np.array([[-1.0, 1.0]], dtype=np.float32), bins=4)
    assert summary.shares.tolist() == [0.5, 0, 0, 0.5]


def test_units_are_counted_by_their_definitions():
    hidden = np.zeros((4, 5), dtype=np.float32)
    hidden[:, 0] = [1, -1, 0.99, -0.98]  # saturated on all: dead, and mostly saturated
    hidden[:, 1] = [1, 1, 1, 0]  # on three of four: mostly saturated
    hidden[:, 2] = [1, 1, 0, 0.5]  # on half of them: not more than half
    hidden[:, 3] = [0.25, 0.25, 0.25, 0.25]  # constant: dead, though not saturated
    hidden[:, 4] = [0.1, -0.3, 0.2, SATURATED]  # the limit itself is not beyond it
    summary = summarize(hidden)
    assert summary.unit_saturation.tolist() == [1, 0.75, 0.5, 0, 0]
    assert summary.saturated_units == 2
    assert summary.dead_units == 2
    assert summary.saturated_share == pytest.approx(9 / 20)
    assert summary.headline == "45.0 % of activations saturated; 2 of 5 units mostly so, 2 dead (on 4 contexts)"


def test_one_example_makes_no_unit_constant():
    summary = summarize(np.array([[0.2, 0.99]], dtype=np.float32))
    assert summary.dead_units == 1
    assert summary.headline.endswith("(on 1 context)")


def test_what_is_not_a_number_is_in_no_bin():
    summary = summarize(np.array([[np.nan, 0.0], [0.5, np.inf]], dtype=np.float32))
    assert summary.shares.sum() == pytest.approx(0.5)


def test_no_examples_are_no_error():
    summary = summarize(np.zeros((0, 3), dtype=np.float32))
    assert (summary.saturated_share, summary.saturated_units, summary.dead_units) == (0, 0, 0)


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(N, H\)"):
        summarize(np.zeros(3, dtype=np.float32))


@given(OUTPUTS, st.integers(1, 60))
def test_shares_are_those_of_numpy_and_arrays_are_read_only(hidden, bins):
    summary = summarize(hidden, bins)
    assert summary.shares.sum() == pytest.approx(1)
    assert len(summary.shares) == bins
    assert summary.unit_saturation.mean() == pytest.approx(summary.saturated_share, abs=1e-6)
    assert summary.dead_units >= int((summary.unit_saturation == 1).sum())
    assert not any(a.flags.writeable for a in (summary.edges, summary.shares, summary.unit_saturation))
