"""Numbers as they are printed beside a plot: three significant digits, a true minus, no "e-05"."""

import math
from collections.abc import Callable, Collection, Sequence
from heapq import nlargest

_MOST_DIGITS = 9  # of float32
_HALF = 0.5 + 1e-3  # of a unit: where a number stands half-way, rounding may go either way
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(value: float, *, signed: bool = False, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits; `signed` puts a plus before what is above 0.

    Whole numbers of more digits are printed whole: a count is not rounded.
    """
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "−∞" if value < 0 else "+∞" if signed else "∞"
    if value == 0:
        return "0"
    size = abs(value)
    sign = "−" if value < 0 else "+" if signed else ""
    rounded = float(f"{size:.{digits - 1}e}")
    exponent = math.floor(math.log10(rounded))
    if exponent >= 15 or exponent < -4:
        mantissa = f"{size:.{digits - 1}e}".partition("e")[0]
        return f"{sign}{mantissa}·10{str(exponent).translate(_SUPERSCRIPTS)}"
    if exponent >= digits - 1:
        return f"{sign}{size:,.0f}"
    return f"{sign}{size:,.{digits - 1 - exponent}f}"


def read_back(value: float, digits: int = 3) -> tuple[float, float]:
    """Return the number that a person reads where `figure` prints `value`, and one unit of its last digit."""
    if value == 0 or not math.isfinite(value):
        return value, 0.0
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if digits - 1 <= exponent < 15:
        return float(round(value)), 1.0
    return rounded, 10.0 ** (exponent - digits + 1)


def true_digits(values: Sequence[float], equation: Callable[..., float], result: float) -> int | None:
    """Return the least number of digits of `values` with which `equation(*values) = result` is true as printed.

    The result is printed with three: from the printed values it is to be computed within half a unit of its last
    digit. None if no digits do: the numbers are not that exact.
    """
    printed, unit = read_back(result)
    for digits in range(3, _MOST_DIGITS + 1):
        try:
            computed = equation(*(read_back(value, digits)[0] for value in values))
        except (ArithmeticError, ValueError):  # as the log of 0
            continue
        if abs(computed - printed) <= _HALF * unit or computed == printed:
            return digits
    return None


def counted(number: int, singular: str) -> str:
    """Return "1 row", "1,024 rows"."""
    return f"{number:,} {singular}" if number == 1 else f"{number:,} {singular}s"


def longest(texts: Collection[str]) -> list[str]:
    """Return the texts among which the widest on screen is: the different ones; if many, the longest."""
    different = set(texts)
    return list(different) if len(different) <= 1000 else nlargest(100, different, key=len)
