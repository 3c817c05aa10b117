"""How a run stands, in a sentence: the trainer says it in nats, the window in the unit that was chosen."""

import math
import re
from typing import Literal

from embedviz.analysis.figures import figure
from embedviz.analysis.units import HUGE, NATS, LossUnit

TOLERANCE = 1e-3  # nats: a table within this of its floor has converged
LEAST = 1e-4  # of any unit: rounding may put a finished table a hair below its floor

_SHORTER = (  # one after the other
    (re.compile("^Still learning"), "Learning"),
    (re.compile("^Before the first step"), "Step 0"),
    (re.compile(" at step [0-9,]+$"), ""),
    (re.compile("the bigram floor"), "the floor"),
    (re.compile("^(Memorising): .*, (held out .*)$"), r"\1: \2"),
    (re.compile("^(Learning|Step 0): "), ""),
)

Kind = Literal["learning", "converged", "plateau"]


def distance(loss: float, floor: float, unit: LossUnit = NATS, *, of: str = "the floor") -> str:
    """Return how far a loss is from a floor, both in nats: "0.015 nats above the floor"."""
    gap = unit.difference(loss, floor)
    if abs(gap) < LEAST / 2:
        return f"{unit.amount(f'less than {LEAST:.4f}')} from {of}"
    return f"{unit.amount(_size(unit, loss, floor))} {'above' if gap > 0 else 'below'} {of}"


def tolerance(unit: LossUnit = NATS) -> str:
    """Return TOLERANCE in a unit: "0.00144 bits". No number of perplexity is the same for every loss: in nats."""
    return NATS.say(TOLERANCE, digits=1) if unit.factor in (None, 1.0) else unit.say(TOLERANCE * unit.factor)


def no_number(step: int) -> str:
    """Say that the loss ran away."""
    return f"The loss is no longer a number at step {step:,}: try a smaller learning rate"


def converged(step: int, loss: float, floor: float, unit: LossUnit = NATS) -> str:
    """Say that a table has converged, and how near to its floor."""
    return f"Converged: {distance(loss, floor, unit)} at step {step:,}"


def learning(step: int, loss: float, floor: float, unit: LossUnit = NATS) -> str:
    """Say how far a table is above the floor that nothing goes below."""
    if loss - floor < TOLERANCE:
        return f"At the floor: less than {tolerance(unit)} above it"
    return f"{_beginning(step)}: {distance(loss, floor, unit)}"


def beyond_bigram(step: int, train: float, val: float | None, floor: float, unit: LossUnit = NATS) -> str:
    """Say how a model of several tokens stands to what a table of pairs could do.

    What it knows of the training part alone helps nowhere else: below the floor there, above it on what is
    held out, is memorising.
    """
    if step and val is not None and train < floor < val and math.isfinite(val):
        held_out = _size(unit, val, floor)
        return f"Memorising: {distance(train, floor, unit, of='the bigram floor')}, held out {held_out} above"
    return f"{_beginning(step)}: {distance(train, floor, unit, of='the bigram floor')}"


def shorter(sentence: str) -> tuple[str, ...]:
    """Return the same verdict in fewer and fewer words, for where there is no room: which floor, its name says."""
    found = [sentence]
    for words, fewer in _SHORTER:
        said = words.sub(fewer, found[-1])
        if said != found[-1]:
            found.append(said)
    return tuple(found[1:])


def _beginning(step: int) -> str:
    return "Still learning" if step else "Before the first step"


def _size(unit: LossUnit, loss: float, floor: float) -> str:
    """Return a distance in two digits, three from 10 on, and no more than four decimals."""
    size = abs(unit.difference(loss, floor))
    if size >= HUGE or not math.isfinite(size):
        return unit.figure_above(max(loss, floor), min(loss, floor))
    if round(size, 1) >= 10:
        return figure(size)
    decimals = min(max(1 - math.floor(math.log10(size)), 1), 4) if size else 4
    return f"{size:.{decimals}f}"
