import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz.analysis.figures import counted, figure, longest, read_back, true_digits
from embedviz.gui.plots.curve_canvas import power_of_ten


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.5, "4.50"),
        (-4.5, "−4.50"),
        (0.0, "0"),
        (0.27749, "0.277"),
        (0.99999, "1.00"),
        (9.999, "10.0"),
        (99.95, "100"),
        (157.0, "157"),
        (1115394.0, "1,115,394"),
        (0.000123, "0.000123"),
        (0.0000123, "1.23·10⁻⁵"),
        (-3.2e17, "−3.20·10¹⁷"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_three_significant_digits(value, text):
    assert figure(value) == text


@pytest.mark.parametrize(("value", "text"), [(3.2, "+3.20"), (-3.2, "−3.20"), (0.0, "0"), (1e-5, "+1.00·10⁻⁵")])
def test_signs_are_shown_when_asked_for(value, text):
    assert figure(value, signed=True) == text


def test_more_digits_when_asked_for():
    assert figure(2.46789, digits=4) == "2.468"
    assert figure(1.0, digits=5) == "1.0000"
    assert figure(9999.6, signed=True, digits=5) == "+9,999.6"
    assert figure(-1234567.89, digits=9) == "−1,234,567.89"


@given(st.floats(-1e18, 1e18, allow_subnormal=False), st.integers(3, 9))
def test_a_figure_can_be_read_back(value, digits):
    number, unit = read_back(value, digits)
    text = figure(value, digits=digits).replace(",", "").replace("−", "-")
    mantissa, _, power = text.partition("·10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert number == float(f"{mantissa}e{exponent}")
    assert abs(number - value) <= 0.5001 * unit


def test_an_equation_gets_as_many_digits_as_it_takes():
    assert true_digits([0.2774], lambda p: -math.log(p), -math.log(0.2774)) == 3
    assert true_digits([0.99999], lambda p: p - 1, -0.00001) == 5
    assert true_digits([0.0], lambda p: -math.log(p), 300.0) is None
    assert true_digits([1.0], lambda p: -math.log(p), 0.0) == 3
    assert true_digits([1.0], lambda p: -math.log(p), 1e-7) is None
    assert true_digits([math.nan], lambda p: p - 1, math.nan) is None


@pytest.mark.parametrize(
    ("exponent", "text"), [(0, "1"), (-1, "0.1"), (-4, "0.0001"), (-5, "10⁻⁵"), (3, "1,000"), (-12, "10⁻¹²")]
)
def test_powers_of_ten_are_plain_as_long_as_zeros_can_be_seen(exponent, text):
    assert power_of_ten(exponent) == text


def test_numerus():
    assert counted(1, "row") == "1 row"
    assert counted(1024, "row") == "1,024 rows"


def test_the_longest_of_many_are_enough_to_measure():
    assert sorted(longest(["a", "b", "a"])) == ["a", "b"]
    many = [f"{k}" for k in range(5000)] + ["the longest of them all"]
    assert "the longest of them all" in longest(many)
    assert len(longest(many)) == 100
