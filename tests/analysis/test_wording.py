"""Templates, filled with the numbers of a step."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedviz.analysis.units import BITS, NATS, PERPLEXITY
from embedviz.analysis.wording import fill, told_apart
from embedviz.trace import StepTrace

LABELS = ("␣", "e", "th", "x" * 30)
SMALLEST = 1e-30  # of size, that is not 0


def trace(**changes: object) -> StepTrace:
    arrays = {
        "loss": np.array(1.2834, np.float32),
        "sent": np.array([-0.5]),  # a scalar as it arrives
        "rows": np.array([[-3.2, 0.11, 7.0], [0.5, -0.25, 1e-9]]),
        "batch ids": np.array([[1, 2, 0], [0, 3, -1]]),
        "pair": np.array([1.5, -2.5]),
        "one-hot difference": np.array(0.0),
        "x": np.array(1.2344),
        "y": np.array(np.tanh(1.2344)),
        "added": np.array([[1.0, -0.05, 0.0], [-0.7, 0.0, 5e-10]]),
        "sum of both": np.array([[-2.2, 0.06, 7.0], [-0.2, -0.25, 1.5e-9]]),
        **changes,
    }
    points = {"token": 1, "row": 1, "column": -2, "examples": 65_536}
    return StepTrace(3, arrays, points, (), is_watched=True)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("nothing to fill", "nothing to fill"),
        ("{loss}, {loss:+}, {loss:5}, {loss:+5}", "1.28, +1.28, 1.2834, +1.2834"),
        ("{sent} and {sent[0]:+}", "−0.500 and −0.500"),
        ("{one-hot difference}", "0"),
        ("{rows[0,0]:+} {rows[-1,column]:+} {rows[row, 0]}", "−3.20 −0.250 0.500"),
        ("{rows:shape} {rows[0]:shape} {loss:shape}", "(2, 3) (3,) ()"),
        ("{rows[0]:vector} {pair:vector}", "(−3.20, +0.110, …) (+1.50, −2.50)"),
        ("{examples} {examples:i} {token}", "65536 65,536 1"),
        ("{pair[1]:i}", "−2"),
        ("{examples:nth} {token:nth}", "65,537 2"),
        ("tanh({x:+tanh y}) = {y:+}", "tanh(+1.234) = +0.844"),
        ("{token:token} {batch ids[row,-1]:token}", "‘e’ –"),
        ("{batch ids[0]:tokens}", "“e th ␣”"),
        ("{batch ids[1]:tokens}", "“…" + "x" * 21 + " –”"),
        ("{loss:loss}", "1.28 nats"),
        ("{rows[0,1]:+to rows[1,1]}", "+0.110 → −0.250"),
        ("{loss:to sent}", "1.28 → −0.500"),
        ("{token:to row}", "unchanged at 1.00"),
        ("{rows[0,0]:+adds added to sum of both}", "−3.20 + 1.00 = −2.20"),
        ("{rows[0,1]:+adds added to sum of both}", "+0.110 − 0.0500 = +0.0600"),
        ("{rows[0,-1]:+adds added to sum of both}", "+7.00 + 0 = +7.00"),
        ("{rows[row,0]:+adds added to sum of both}", "+0.500 − 0.700 = −0.200"),
        ("{rows[1,2]:+adds added to sum of both}", "+1.00·10⁻⁹ + 5.00·10⁻¹⁰ = +1.50·10⁻⁹"),
        ("{loss:+adds sent to loss}", "+1.28340006 − 0.500000000 ≈ +1.28"),
    ],
)
def test_a_field_is_filled(template: str, words: str) -> None:
    assert fill(template, trace(), LABELS) == words


def test_letters_are_read_together() -> None:
    assert fill("{batch ids[0]:tokens}", trace(), ["t", "h", "e", ""]) == "“het”"
    arrays = {"ids": np.zeros(100, np.int64)}
    assert fill("{ids:tokens}", StepTrace(0, arrays, {}, (), is_watched=False), ["a"]) == f"“…{'a' * 23}”"


def test_a_loss_is_said_in_the_unit_of_the_eye() -> None:
    said = [fill("{loss:loss}", trace(), LABELS, unit) for unit in (NATS, BITS, PERPLEXITY)]
    assert said == ["1.28 nats", "1.85 bits", "3.61"]


def test_numbers_that_differ_little_get_more_digits() -> None:
    words = fill("{a:+to b}, {a:to a}", trace(a=np.array(3.2021), b=np.array(3.2024)), LABELS)
    assert words == "+3.2021 → +3.2024, unchanged at 3.20"


@given(*(st.floats(-1e30, 1e30, width=64).filter(lambda x: x == 0 or abs(x) > SMALLEST) for _ in range(2)))
def test_printed_numbers_differ_if_the_numbers_do(value: float, other: float) -> None:
    for signed in (False, True):
        said = told_apart(value, other, signed=signed)
        assert (said[0] == said[1]) == (value == other)


@given(
    st.floats(SMALLEST, 1e30, width=64), st.booleans(), st.sampled_from((np.float32, np.float64)), st.booleans()
)
def test_neighbours_are_told_apart(size: float, down: bool, kind: type[np.floating], negative: bool) -> None:
    value = kind(-size if negative else size)
    other = np.nextafter(value, kind(0 if down else np.inf))
    said = told_apart(float(value), float(other), signed=True)
    assert said[0] != said[1]


SUM = re.compile(r"(\S+) ([+−]) (\S+) ([=≈]) (\S+)")


def addition(first: float, second: float, total: float) -> tuple[str, list[float], float]:
    """Return "=" or "≈" of a sum as it is said, its three numbers as a reader has them, and a unit of the last."""
    arrays = {"a": np.array(first), "b": np.array(second), "c": np.array(total)}
    said = fill("{a:+adds b to c}", StepTrace(0, arrays, {}, (), is_watched=False), LABELS)
    match = SUM.fullmatch(said)
    assert match is not None, said
    numbers, unit = [], 1.0
    for text in match.group(1, 3, 5):
        mantissa, _, power = text.replace(",", "").replace("−", "-").partition("·10")
        size = 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
        numbers.append(float(mantissa) * size)
        unit = 10.0 ** -len(mantissa.partition(".")[2]) * size
    numbers[1] *= -1 if match[2] == "−" else 1
    return match[4], numbers, unit


@given(*(st.floats(-1e6, 1e6, width=32).filter(lambda x: x == 0 or abs(x) > SMALLEST) for _ in range(2)))
def test_a_sum_is_true_as_it_is_printed(first: float, second: float) -> None:
    total = float(np.float32(first) + np.float32(second))
    equals, said, unit = addition(first, second, total)
    for number, printed in zip((first, second, total), said, strict=True):
        assert printed == pytest.approx(number, rel=0.0051)
    if equals == "=":
        assert abs(said[0] + said[1] - said[2]) <= 0.502 * unit + 1e-12 * abs(said[0])
    else:  # the numbers all but cancel out: nine digits of each are not enough for three of what is left
        assert abs(total) < 1e-5 * abs(first)


@given(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32))
def test_a_sum_that_does_not_all_but_cancel_out_is_an_equation(first: float, second: float) -> None:
    total = float(np.float32(first) + np.float32(second))
    assume(abs(total) > 1e-4 * abs(first))
    assume(all(x == 0 or abs(x) > SMALLEST for x in (first, second, total)))
    assert addition(first, second, total)[0] == "="


def test_what_is_no_number_is_said_too() -> None:
    assert told_apart(float("nan"), float("nan")) == ("none", "none")
    assert told_apart(float("inf"), 1.0) == ("∞", "1.00")
    arrays = {name: np.array(value) for name, value in {"n": np.nan, "i": np.inf, "x": 1.0}.items()}
    trace = StepTrace(0, arrays, {}, (), is_watched=False)
    assert fill("{n:+adds x to n}", trace, LABELS) == "none + 1.00000000 ≈ none"
    assert fill("{i:+adds x to i}", trace, LABELS) == "+∞ + 1.00 = +∞"


@pytest.mark.parametrize(
    "field",
    ["{los}", "{rows[0,columns]}", "{rows[5,0]}", "{rows}", "{loss:to los}", "{token[0]}", "{rows[0]:+}",
     "{loss:words}", "{loss:to rows[}", "{batch ids[1,1]:to rows}", "{examples:token}", "{rows[0,0]:+adds added}",
     "{rows[0,0]:+adds los to rows}", "{rows[0,0]:+adds added to los}", "{rows[0]:+adds added to sum of both}",
     "{rows[0,0]:adds added to sum of both}", "{rows[0,0]:+adds loss to rows}"],
)  # fmt: skip
def test_what_is_not_there_is_an_error_that_shows_the_template(field: str) -> None:
    template = f"before {field} after"
    with pytest.raises(KeyError, match=r"before .* after"):
        fill(template, trace(), LABELS)
