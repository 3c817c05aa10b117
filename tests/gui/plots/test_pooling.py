import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embedviz.gui.plots.pooling import note, pool

tables = arrays(
    np.float32,
    st.tuples(st.integers(1, 13), st.integers(1, 11)),
    elements=st.one_of(st.floats(-100, 100, width=32), st.sampled_from([np.nan, np.inf, -np.inf])),
)
sizes = st.integers(1, 6)


def _blocks(values, rows, columns):
    """Return each block's finite numbers, the slow and obvious way."""
    for top in range(0, values.shape[0], rows):
        for left in range(0, values.shape[1], columns):
            block = values[top : top + rows, left : left + columns]
            yield block[np.isfinite(block)].astype(np.float64)


def test_one_cell_a_mark_is_the_table_itself():
    values = np.zeros((3, 4), dtype=np.float32)
    assert pool(values, 1, 1, "mean") is values


@given(tables, sizes, sizes)
def test_means_are_those_of_the_finite_numbers_of_each_block(values, rows, columns):
    if rows == columns == 1:
        return
    expected = [block.mean() if len(block) else np.nan for block in _blocks(values, rows, columns)]
    found = pool(values, rows, columns, "mean")
    assert found.shape == (-(-values.shape[0] // rows), -(-values.shape[1] // columns))
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-4, atol=1e-4)


@given(tables, sizes, sizes)
def test_extremes_are_the_farthest_from_0_of_each_block(values, rows, columns):
    if rows == columns == 1:
        return
    expected = [np.abs(block).max() if len(block) else np.nan for block in _blocks(values, rows, columns)]
    found = pool(values, rows, columns, "extreme").ravel()
    np.testing.assert_array_equal(np.abs(found).astype(np.float64), expected)
    for value, block in zip(found, _blocks(values, rows, columns), strict=True):
        assert np.isnan(value) or value in block


@pytest.mark.parametrize(
    ("rows", "columns", "how", "words"),
    [
        (1, 1, "mean", ""),
        (9, 1, "mean", "each line shows the mean of 9 rows"),
        (1, 2, "mean", "each line shows the mean of 2 columns"),
        (9, 2, "mean", "each dot shows the mean of 9 rows by 2 columns"),
        (9, 1, "extreme", "each line shows, of 9 rows, the value farthest from 0"),
    ],
)
def test_the_note_says_what_was_done(rows, columns, how, words):
    assert note(rows, columns, how) == words
