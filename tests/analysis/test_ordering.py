"""Orders of rows: by frequency, and by similarity, in which rows that are alike are neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from embedviz.analysis import ordering
from embedviz.analysis.ordering import by_frequency, by_similarity

TABLES = npst.arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 8)),
    elements=st.floats(-100, 100, width=32),
)


def pieces(kinds: np.ndarray) -> int:
    """Return in how many pieces the kinds lie in a line."""
    return int(np.count_nonzero(np.diff(kinds))) + 1


@given(st.lists(st.integers(0, 9), min_size=1))
def test_by_frequency(counts: list[int]) -> None:
    order = by_frequency(np.array(counts))
    expected = sorted(range(len(counts)), key=lambda i: (-counts[i], i))  # ties by id
    assert order.tolist() == expected


@given(TABLES)
def test_every_order_has_every_row_once(table: np.ndarray) -> None:
    assert sorted(by_similarity(table).tolist()) == list(range(len(table)))


@given(TABLES)
def test_the_table_is_left_alone_and_the_order_is_the_same_again(table: np.ndarray) -> None:
    before = table.copy()
    first = by_similarity(table)
    assert table.tobytes() == before.tobytes()
    assert by_similarity(table).tolist() == first.tolist()


@pytest.mark.parametrize("kinds", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_a_kind_are_neighbours(kinds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.arange(30) % kinds)
    angles = 2 * np.pi * kind / kinds
    table = np.column_stack([np.cos(angles), np.sin(angles), np.zeros((30, 6))])
    table += 0.01 * rng.normal(size=table.shape)
    assert pieces(kind[by_similarity(table)]) == kinds


def test_length_does_not_matter_only_direction() -> None:
    kind = np.arange(12) % 3
    angles = 2 * np.pi * kind / 3
    lengths = np.linspace(1.0, 1.5, 12)[:, None]
    table = lengths * np.column_stack([np.cos(angles), np.sin(angles)])
    assert pieces(kind[by_similarity(table - table.mean(axis=0))]) == 3


def test_rows_around_a_circle_come_in_the_order_of_the_circle() -> None:
    rng = np.random.default_rng(0)
    places = rng.permutation(24)
    angles = 2 * np.pi * places / 24
    table = np.column_stack([np.cos(angles), np.sin(angles)])
    around = places[by_similarity(table)]
    steps = np.diff(around) % 24
    assert set(steps.tolist()) in ({1}, {23})


def test_the_cut_is_at_the_widest_gap() -> None:
    angles = np.deg2rad([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200])  # the rest of the circle is empty
    rng = np.random.default_rng(1)
    mixed = rng.permutation(len(angles))
    table = np.column_stack([np.cos(angles), np.sin(angles)])[mixed]
    order = mixed[by_similarity(table)]
    assert pieces(np.sign(np.diff(order))) == 1  # from one end of the arc to the other


def test_equal_rows_stay_in_the_order_of_their_ids() -> None:
    assert by_similarity(np.zeros((5, 3), np.float32)).tolist() in ([0, 1, 2, 3, 4],)
    assert by_similarity(np.ones((4, 2), np.float32)).tolist() == [0, 1, 2, 3]


def test_a_large_table_is_ordered_as_its_directions_say() -> None:
    rng = np.random.default_rng(2)
    kind = rng.permutation(np.arange(9000) % 3)
    angles = 2 * np.pi * kind / 3
    table = 0.01 * rng.standard_normal((9000, 128)).astype(np.float32)
    table[:, 0] += np.cos(angles)
    table[:, 1] += np.sin(angles)
    order = by_similarity(table)
    assert sorted(order.tolist()) == list(range(9000))
    assert pieces(kind[order]) == 3


def test_a_single_column() -> None:
    table = np.array([[3.0], [-1.0], [2.0], [-5.0]])
    order = by_similarity(table)
    signs = np.sign(table[order, 0] - table.mean())
    assert pieces(signs) == 2


def test_a_wide_table_has_the_same_plane_found_the_quick_way() -> None:
    rng = np.random.default_rng(5)
    table = rng.standard_normal((700, 5)) @ rng.standard_normal((5, 600)) + 0.05 * rng.standard_normal((700, 600))
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    found = ordering._principal_directions(unit)
    exact = np.linalg.svd(unit, full_matrices=False)[2][:2].T
    np.testing.assert_allclose(np.abs((found * exact).sum(axis=0)), 1, atol=1e-6)
