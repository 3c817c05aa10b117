"""A sum of two numbers as an equation that is true as it is printed."""

from typing import NamedTuple

from embedviz.analysis.figures import figure, true_digits


class SumLine(NamedTuple):
    """What a line of sums is of: the token's label, and the position whose row is added."""

    label: str
    position: int


def equation(line: SumLine, column: int, token: float, position: float, total: float) -> str:
    """Return "‘e’ + position 3, column 2: +0.12 − 0.05 = +0.07", with the digits that make it true."""
    digits = true_digits((token, position), lambda first, second: first + second, total) or 3
    sign = "−" if position < 0 else "+"
    first, second = figure(token, signed=True, digits=digits), figure(abs(position), digits=digits)
    where = f"‘{line.label}’ + position {line.position}, column {column}"
    return f"{where}: {first} {sign} {second} = {figure(total, signed=True)}"
