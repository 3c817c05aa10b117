"""Limits of colour scales: they grow at once, in steps, and shrink late or never."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz.analysis.levels import StableLimit, nice_limit

MAGNITUDES = st.floats(1e-11, 1e12)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.0, 1.0), (1.01, 1.5), (1.6, 2.0), (2.0, 2.0), (2.5, 3.0), (4.0, 4.5), (5.0, 7.0), (8.0, 10.0)],
)
@pytest.mark.parametrize("power", [-6, -1, 0, 3])
def test_limits_are_round(value: float, expected: float, power: int) -> None:
    assert nice_limit(value * 10.0**power) == pytest.approx(expected * 10.0**power)


def test_nothing_is_not_zero() -> None:
    assert nice_limit(0.0) == pytest.approx(1e-12)
    assert nice_limit(0.0, least=0.5) == pytest.approx(0.7)


@given(MAGNITUDES)
def test_a_limit_is_not_below_its_value_and_not_far_above(value: float) -> None:
    limit = nice_limit(value)
    assert value * (1 - 1e-8) <= limit <= 1.56 * value
    assert nice_limit(limit) == pytest.approx(limit)  # a limit is its own limit


@given(st.lists(MAGNITUDES, min_size=1, max_size=40), st.booleans())
def test_whatever_comes_every_value_has_room(values: list[float], shrinks: bool) -> None:
    limit = StableLimit(shrinks=shrinks)
    for value in values:
        assert limit.update(value) >= value * (1 - 1e-8)


def test_it_grows_at_once() -> None:
    limit = StableLimit(shrinks=True, first=0.1)
    assert limit.update(0.5) == pytest.approx(0.7)
    assert limit.update(0.71) == 1.0
    assert limit.update(123.0) == 150.0


def test_it_stands_still_meanwhile() -> None:
    limit = StableLimit(shrinks=True)
    limit.update(1.0)
    assert {limit.update(1.0 - 0.01 * k) for k in range(70)} == {1.0}


def test_it_shrinks_late() -> None:
    limit = StableLimit(shrinks=True)
    limit.update(10.0)
    limits = [limit.update(0.9) for _ in range(40)]
    assert limits[:29] == [10.0] * 29
    assert limits[29:] == [1.0] * 11


def test_one_large_value_starts_the_waiting_anew() -> None:
    limit = StableLimit(shrinks=True)
    limit.update(10.0)
    for _ in range(29):
        assert limit.update(0.9) == 10.0
    assert limit.update(5.0) == 10.0
    for _ in range(29):
        assert limit.update(0.9) == 10.0
    assert limit.update(0.9) == 1.0


def test_zeros_do_not_make_it_shrink() -> None:
    limit = StableLimit(shrinks=True)
    limit.update(10.0)
    assert {limit.update(0.0) for _ in range(100)} == {10.0}


def test_what_never_shrinks_never_shrinks() -> None:
    limit = StableLimit(shrinks=False)
    limit.update(10.0)
    assert {limit.update(0.001) for _ in range(100)} == {10.0}


def test_while_there_is_nothing_but_zeros() -> None:
    limit = StableLimit(shrinks=False, first=1.0)
    assert limit.update(0.0) == 1.0
    assert limit.update(0.2) == pytest.approx(0.2)  # the first numbers decide
    assert StableLimit(shrinks=False).update(0.0) == 1.0


def test_it_can_be_told_to_forget() -> None:
    limit = StableLimit(shrinks=False, first=1.0)
    limit.update(100.0)
    limit.reset()
    assert limit.update(0.0) == 1.0
    assert limit.update(0.3) == pytest.approx(0.3)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_what_is_no_number_changes_nothing(broken: float) -> None:
    limit = StableLimit(shrinks=True, first=0.1)
    assert limit.update(broken) == 0.1
    limit.update(3.0)
    assert limit.update(broken) == 3.0
    assert limit.update(2.0) == 3.0


def test_a_settled_limit_shrinks_at_once() -> None:
    limit = StableLimit(shrinks=True)
    assert limit.update(2.0) == 2.0
    assert limit.update(1e-4) == 2.0
    limit.settle()
    assert limit.update(1e-4) == pytest.approx(1e-4)
