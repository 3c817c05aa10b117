import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz.analysis.units import BITS, NATS, PERPLEXITY, UNITS, next_unit, raised

losses = st.floats(0, 700)


@given(losses)
def test_bits_and_perplexity_are_one_loss(loss):
    assert NATS.convert(loss) == loss
    assert BITS.convert(loss) == pytest.approx(loss / math.log(2))
    assert PERPLEXITY.convert(loss) == pytest.approx(2.0 ** BITS.convert(loss))


@given(st.integers(2, 65_536))
def test_guessing_among_v_tokens(size):
    loss = math.log(size)
    assert BITS.convert(loss) == pytest.approx(math.log2(size))
    assert PERPLEXITY.convert(loss) == pytest.approx(size)
    assert PERPLEXITY.figure_of_guessing(size) == f"{size:,}"
    assert NATS.figure_of_guessing(size, decimals=3) == f"{loss:.3f}"
    assert BITS.figure_of_guessing(size) == f"{math.log2(size):.4f}"


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
def test_arrays_are_converted_as_numbers_are(unit):
    given_losses = np.array([[0.0, 0.5, 4.17], [33.3, 709.0, np.nan]], np.float32)
    expected = [[unit.convert(float(loss)) for loss in row] for row in given_losses]
    np.testing.assert_allclose(unit.converted(given_losses), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", [710.0, 1e6, math.inf])
def test_a_perplexity_that_no_number_holds_is_infinite(loss):
    assert PERPLEXITY.convert(loss) == math.inf
    assert PERPLEXITY.converted(np.array([loss])).tolist() == [math.inf]
    assert PERPLEXITY.figure(loss) == "∞"


def test_a_click_goes_round():
    seen = [NATS]
    while (unit := next_unit(seen[-1])) is not NATS:
        seen.append(unit)
    assert seen == list(UNITS.values())


def test_a_difference_is_of_the_unit():
    assert NATS.difference(3.0, 2.5) == 0.5
    assert BITS.difference(3.0, 2.5) == pytest.approx(0.5 / math.log(2))
    assert PERPLEXITY.difference(3.0, 2.5) == pytest.approx(math.exp(3.0) - math.exp(2.5))
    assert PERPLEXITY.figure_above(math.log(12), math.log(10), signed=True) == "+2.00"


@pytest.mark.parametrize(
    ("unit", "loss", "text"),
    [
        (NATS, 1.0, "1.0000"),
        (NATS, 0.05, "0.0500"),
        (NATS, -1.5, "−1.5000"),
        (BITS, math.log(2), "1.0000"),
        (PERPLEXITY, math.log(3.61), "3.6100"),
        (PERPLEXITY, math.log(1886.44), "1,886.4"),
        (PERPLEXITY, math.log(65_536), "65,536"),
        (PERPLEXITY, math.log(2.14643e14), "2.1464·10¹⁴"),
        (NATS, math.nan, "none"),
        (NATS, math.inf, "∞"),
    ],
)
def test_figures(unit, loss, text):
    assert unit.figure(loss) == text


@given(st.floats(0, 800), st.integers(1, 4))
def test_no_figure_is_too_long_to_be_read(loss, decimals):
    assert len(PERPLEXITY.figure(loss, decimals=decimals)) <= len("2.1464·10³⁰⁰")
    assert len(PERPLEXITY.figure_above(loss, 0.0)) <= len("2.15·10³⁰⁰")
    assert len(PERPLEXITY.brief(loss)) <= len("2.15·10³⁰⁰")


def test_numbers_with_their_unit():
    assert NATS.say(1.28) == "1.28 nats"
    assert BITS.say(BITS.convert(math.log(4))) == "2.00 bits"
    assert PERPLEXITY.say(3.612) == "3.61"
    assert PERPLEXITY.say(-1e9) == "−1.00·10⁹"
    assert [unit.amount("1.28") for unit in UNITS.values()] == ["1.28 nats", "1.28 bits", "perplexity 1.28"]


def test_axes_name_what_they_measure():
    assert [unit.axis for unit in UNITS.values()] == [
        "loss, nats per token",
        "loss, bits per token",
        "perplexity per token",
    ]
    assert [unit.words for unit in UNITS.values()] == ["nats per token", "bits per token", "perplexity per token"]
    assert [unit.gap_axis for unit in UNITS.values()] == [
        "loss − floor, nats per token",
        "loss − floor, bits per token",
        "perplexity − floor",
    ]


def test_powers_are_raised():
    assert [raised(exponent) for exponent in (5, -5, 0, 120)] == ["10⁵", "10⁻⁵", "10⁰", "10¹²⁰"]
