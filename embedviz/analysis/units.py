"""The units in which a loss is said. Losses are computed in nats per token everywhere; this is for the eye."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.figures import figure

HUGE = 1e6  # from here on a perplexity is not written out: "2.15·10¹⁴"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class LossUnit:
    """How a loss in nats is said: `convert` turns it into the unit, `short` follows a number ("" for none).

    `factor` is what a loss in nats is multiplied by, None where the unit is no multiple of nats.
    """

    name: str
    title: str
    axis: str  # "loss, nats per token"
    short: str  # "nats"
    convert: Callable[[float], float]
    factor: float | None = None
    guess: str = ""  # the loss of guessing among {} tokens, in this unit: "ln {:,}"

    @property
    def words(self) -> str:
        """The unit as it stands beside numbers: "nats per token"."""
        return self.axis.removeprefix("loss, ")

    @property
    def gap_axis(self) -> str:
        """The name of an axis of `difference`: "loss − floor, nats per token"."""
        return f"{self.name} − floor" if self.factor is None else f"loss − floor, {self.words}"

    def converted(self, losses: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return `losses` in nats, of any shape, in this unit; perplexities that no number holds are infinite."""
        values = np.asarray(losses, dtype=np.float64)
        if self.factor is not None:
            return values * self.factor
        with np.errstate(over="ignore"):
            return np.exp(values)

    def difference(self, loss: float, base: float) -> float:
        """Return how far `loss` is above `base`, both in nats, in this unit: of perplexities, their difference."""
        return self.convert(loss) - self.convert(base)

    def say(self, value: float, *, digits: int = 3) -> str:
        """Return a number that is in this unit already with the unit's name: "1.28 nats"."""
        return f"{_number(value, digits)} {self.short}".strip()

    def amount(self, number: str) -> str:
        """Return a number in words, as part of a sentence: "1.28 nats", "perplexity 3.61"."""
        return f"{number} {self.short}" if self.short else f"{self.name} {number}"

    def figure(self, loss: float, *, decimals: int = 4) -> str:
        """Return a loss in nats as a number of this unit without its name, in so many decimals.

        Perplexities, which may be small or large, have as many digits as that would be of a loss from 1 to 10.
        """
        value = self.convert(loss)
        if self.factor is None or not math.isfinite(value):
            return _number(value, decimals + 1)
        return f"{value:.{decimals}f}".replace("-", "−")

    def brief(self, loss: float) -> str:
        """Return a loss in nats as a number of this unit in three digits, without its name."""
        return _number(self.convert(loss), 3)

    def figure_of_guessing(self, vocab_size: int, *, decimals: int = 4) -> str:
        """Return the loss of guessing among `vocab_size` tokens, as `figure` does: it is ln V nats."""
        return f"{vocab_size:,}" if self.factor is None else self.figure(math.log(vocab_size), decimals=decimals)

    def figure_above(self, loss: float, base: float, *, digits: int = 3, signed: bool = False) -> str:
        """Return the `difference` of two losses in nats as a number without the unit's name."""
        return _number(self.difference(loss, base), digits, signed=signed)


def next_unit(unit: LossUnit) -> LossUnit:
    """Return the unit that comes after `unit`, the first after the last."""
    units = list(UNITS.values())
    return units[(units.index(unit) + 1) % len(units)]


def _number(value: float, digits: int, *, signed: bool = False) -> str:
    """Return `figure`, but 1,886.4 with its comma, and 2.15·10¹⁴ for what has more digits than anybody reads."""
    size = abs(value)
    if not 1000 <= size < math.inf:
        return figure(value, digits=digits, signed=signed)
    sign = "−" if value < 0 else "+" if signed else ""
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e+")
    if size < HUGE:
        return f"{sign}{size:,.{max(0, digits - 1 - int(exponent))}f}"
    return f"{sign}{mantissa}·{raised(int(exponent))}"


def raised(exponent: int) -> str:
    """Return 10 to the power of `exponent` as it is written: "10⁻⁵"."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def _perplexity(loss: float) -> float:
    """Return exp(loss): among how many equally likely tokens one would be as unsure."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


_BITS = 1 / math.log(2)

NATS = LossUnit("nats", "Nats", "loss, nats per token", "nats", lambda loss: loss, 1.0, "ln {:,}")
BITS = LossUnit("bits", "Bits", "loss, bits per token", "bits", lambda loss: loss * _BITS, _BITS, "log₂ {:,}")
PERPLEXITY = LossUnit("perplexity", "Perplexity", "perplexity per token", "", _perplexity, None, "V")
UNITS = {unit.name: unit for unit in (NATS, BITS, PERPLEXITY)}
