"""Words with the numbers of a step: templates of trace.TracePhase, filled from the trace itself.

A field is a name of the trace, perhaps a place in it, perhaps a format: `{loss}`, `{rows[-1,0]:+}`,
`{before[-1,column]:to after[-1,column]}`. A place is an integer, negative ones counted from the end, or the
name of a point. An array of one number needs none: where arrays travel, those without a dimension get one.

    (none), +    a number with three significant digits; with its sign. An integer: as it is
    5, +5        with so many digits
    i            a whole number: "65,536"
    nth          a place that is counted from 0, as a person counts: "1"
    token        an id as its label: "‘e’", "–" where nothing stands
    tokens       ids in a row: "“the”"
    vector       the first numbers of an array: "(−3.20, +0.11, …)"
    shape        of an array: "(3, 10)"
    also         of a loss in nats, behind these: ", 2.98 bits"; nothing where the unit is nats
    loss         a loss in nats, in the unit of the eye: "1.28 nats"
    to X, +to X  this number and another, with as many digits as it takes to see which is more
    +tanh X      this number, with as many digits as it takes for its tanh to be X as that is printed
    +adds X to Y this number, that of X at the same place, and their sum as Y has it there: "+5.04 + 0.22 = +5.26",
                 with as many digits as it takes for that to be true as printed, or "≈" where none do
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.figures import figure, true_digits
from embedviz.analysis.units import NATS, LossUnit
from embedviz.trace import StepTrace

_FIELD = re.compile(r"\{([^{}\[\]:]+)(?:\[([^\]]*)\])?(?::([^{}]*))?\}")
_REFERENCE = re.compile(r"([^\[\]]+)(?:\[([^\]]*)\])?")
_ADDS = re.compile(r"\+adds (.+) to (.+)")
_MOST_DIGITS = 17  # tell any two numbers of float64 apart
_MOST_DIGITS_OF_A_SUM = 9  # tell any two numbers of float32 apart
_SHOWN = 2  # numbers of a vector
_LONGEST = 24  # characters of a row of tokens

Array = NDArray[Any]


def fill(template: str, trace: StepTrace, labels: Sequence[str], unit: LossUnit = NATS) -> str:
    """Return `template` with the numbers of `trace` in it; `labels` (V,) name the tokens, `unit` losses.

    Raises KeyError, with the template, for a name or a place that the trace does not have.
    """

    def say(match: re.Match[str]) -> str:
        name, place, form = match.groups()
        try:
            if form and (sum_of := _ADDS.fullmatch(form)):
                numbers = (_look_up(trace, array, place).item() for array in (name, *sum_of.groups()))
                return _addition(*map(float, numbers))
            return _say(_look_up(trace, name, place), form or "", trace, labels, unit)
        except (LookupError, TypeError, ValueError) as error:
            raise KeyError(f"{match.group()} in {template!r}: {error}") from error

    return _FIELD.sub(say, template)


def told_apart(value: float, other: float, *, signed: bool = False) -> tuple[str, str]:
    """Return both numbers with as many digits, at least three, as it takes to see that they differ."""
    for digits in range(3, _MOST_DIGITS + 1):
        pair = figure(value, signed=signed, digits=digits), figure(other, signed=signed, digits=digits)
        if pair[0] != pair[1] or value == other:
            return pair
    return (repr(value), repr(other)) if repr(value) != repr(other) else pair


def _look_up(trace: StepTrace, name: str, place: str | None) -> Array:
    """Return what stands at a place of an array of the trace, or a point of it."""
    if name in trace.arrays:
        array = trace.arrays[name]
        return array if place is None else np.asarray(array[_indices(trace, place)])
    if name in trace.points and place is None:
        return np.asarray(trace.points[name])
    raise KeyError(f"the trace has no {name!r}")


def _indices(trace: StepTrace, place: str) -> tuple[int, ...]:
    return tuple(_index(trace, part.strip()) for part in place.split(","))


def _index(trace: StepTrace, part: str) -> int:
    return int(part) if part.lstrip("-").isdecimal() else trace.points[part]


def _say(value: Array, form: str, trace: StepTrace, labels: Sequence[str], unit: LossUnit) -> str:
    if form in _OF_ARRAYS:
        return _OF_ARRAYS[form](value, labels)
    if value.size != 1:
        raise ValueError(f"{value.shape} is more than one number")
    number = value.item()
    if form in _OF_NUMBERS:
        return _OF_NUMBERS[form](number, labels)
    if form == "loss":
        return unit.say(unit.convert(number))
    if form == "also":
        return "" if unit is NATS else f", {unit.amount(figure(unit.convert(number)))}"
    if not form and value.dtype.kind in "biu":
        return str(int(number))
    signed, rest = form.startswith("+"), form.removeprefix("+")
    if rest.startswith("to "):
        return _change(number, _number_at(trace, rest.removeprefix("to ")), signed)
    if rest.startswith("tanh "):
        found = true_digits([number], math.tanh, _number_at(trace, rest.removeprefix("tanh ")))
        return figure(number, signed=signed, digits=found or 3)
    return figure(number, signed=signed, digits=int(rest or 3))


def _number_at(trace: StepTrace, reference: str) -> float:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(f"{reference!r} is no place")
    return float(_look_up(trace, match[1], match[2]).item())


def _change(value: float, other: float, signed: bool) -> str:
    before, after = told_apart(value, other, signed=signed)
    return f"unchanged at {before}" if before == after else f"{before} → {after}"


def _addition(first: float, second: float, total: float) -> str:
    """Return "+5.04 + 0.220 = +5.26": the sum is true of the numbers as they are printed, else it says "≈"."""
    found = true_digits([first, second], float.__add__, total)
    digits = found or _MOST_DIGITS_OF_A_SUM
    sign = "−" if second < 0 else "+"
    size = figure(abs(second), digits=digits)
    equals = "=" if found else "≈"
    return f"{figure(first, signed=True, digits=digits)} {sign} {size} {equals} {figure(total, signed=True)}"


def _token(token: float, labels: Sequence[str]) -> str:
    return f"‘{labels[int(token)]}’" if token >= 0 else "–"


def _tokens(ids: Array, labels: Sequence[str]) -> str:
    """Return the labels as they are read, letters together and longer ones apart; the end of a long row."""
    found = [labels[token] if token >= 0 else "–" for token in ids.reshape(-1).tolist()]
    text = ("" if all(len(label) == 1 for label in found) else " ").join(found)
    return f"“{text if len(text) <= _LONGEST else '…' + text[1 - _LONGEST :]}”"


def _vector(values: Array, _labels: Sequence[str]) -> str:
    numbers = [figure(float(value), signed=True) for value in values.reshape(-1)[:_SHOWN]]
    return f"({', '.join([*numbers, '…'] if values.size > _SHOWN else numbers)})"


_OF_ARRAYS: dict[str, Callable[[Array, Sequence[str]], str]] = {
    "shape": lambda array, _labels: str(array.shape),
    "tokens": _tokens,
    "vector": _vector,
}
_OF_NUMBERS: dict[str, Callable[[float, Sequence[str]], str]] = {
    "i": lambda number, _labels: f"{round(number):,}".replace("-", "−"),
    "nth": lambda number, _labels: f"{round(number) + 1:,}",
    "token": _token,
}
