"""A sum of two numbers as an equation that is true as it is printed, and the heads over such sums."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF

from embedviz.analysis.figures import figure, true_digits


class SumLine(NamedTuple):
    """What a line of sums is of: the token's label, and the position whose row is added."""

    label: str
    position: int


def equation(line: SumLine, column: int, token: float, position: float, total: float) -> str:
    """Return "+0.12 − 0.05 = +0.07 · ‘e’ at position 3, column 2", with the digits that make it true."""
    digits = true_digits((token, position), lambda first, second: first + second, total) or 3
    sign = "−" if position < 0 else "+"
    first, second = figure(token, signed=True, digits=digits), figure(abs(position), digits=digits)
    where = f"‘{line.label}’ at position {line.position}, column {column}"
    return f"{first} {sign} {second} = {figure(total, signed=True)} · {where}"


def fitted(heads: Sequence[str], shape: str, rooms: Sequence[float], metrics: QFontMetricsF) -> list[str]:
    """Return the heads, the `shape` after each if all have `rooms` for that; else without, cut where needed."""
    full = [f"{head} {shape}" for head in heads]
    if all(metrics.horizontalAdvance(head) <= room for head, room in zip(full, rooms, strict=True)):
        return full
    right = Qt.TextElideMode.ElideRight
    return [metrics.elidedText(head, right, room) for head, room in zip(heads, rooms, strict=True)]
