import math

import pytest

from embedviz.analysis.figures import counted, figure, longest
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
