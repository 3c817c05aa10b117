"""Numbers as they are printed beside a plot: three significant digits, a true minus, no "e-05"."""

import math
from collections.abc import Collection
from heapq import nlargest

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
        mantissa = f"{rounded / 10.0**exponent:.{digits - 1}f}"
        return f"{sign}{mantissa}·10{str(exponent).translate(_SUPERSCRIPTS)}"
    if exponent >= digits - 1:
        return f"{sign}{size:,.0f}"
    return f"{sign}{size:.{digits - 1 - exponent}f}"


def counted(number: int, singular: str) -> str:
    """Return "1 row", "1,024 rows"."""
    return f"{number:,} {singular}" if number == 1 else f"{number:,} {singular}s"


def longest(texts: Collection[str]) -> list[str]:
    """Return the texts among which the widest on screen is: the different ones; if many, the longest."""
    different = set(texts)
    return list(different) if len(different) <= 1000 else nlargest(100, different, key=len)
