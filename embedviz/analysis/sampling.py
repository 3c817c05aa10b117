"""Sampling: from the model's logits to a drawn token, by temperature, top-k and top-p."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.errors import EmbedvizError

Floats = NDArray[np.float64]
_SLACK = 1e-12  # what rounding may leave out of a sum of probabilities that is to reach top_p


class SamplingError(EmbedvizError):
    """Nothing can be drawn so."""


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. Raises SamplingError for what is out of range.

    `temperature` divides the logits; of the result only the `top_k` likeliest tokens stay (None: all), and of
    them those in the smallest set whose probability reaches `top_p`. `greedy` takes the likeliest, whatever else.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    greedy: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise SamplingError(f"The temperature is {_exact(self.temperature)}, but it must be above 0.")
        if self.top_k is not None and self.top_k < 1:
            raise SamplingError(f"Top-k is {self.top_k}, but at least 1 token must stay.")
        if not 0 < self.top_p <= 1:
            raise SamplingError(f"Top-p is {_exact(self.top_p)}, but it must be above 0, and 1 at most.")
        if self.seed < 0:
            raise SamplingError(f"The seed is {self.seed}, but it must not be below 0.")

    @property
    def is_plain(self) -> bool:
        """True if tokens are drawn with the model's own probabilities."""
        return not self.greedy and self.temperature == 1 and self.top_k is None and self.top_p == 1

    def in_words(self) -> str:
        """Return what is changed about the model's probabilities: "temperature 0.8, top-k 5"; "" for nothing."""
        if self.greedy:
            return "greedy"
        parts = [f"temperature {_exact(self.temperature)}"] if self.temperature != 1 else []
        parts += [f"top-k {self.top_k}"] if self.top_k is not None else []
        parts += [f"top-p {_exact(self.top_p)}"] if self.top_p != 1 else []
        return ", ".join(parts)

    def generator(self, number: int = 0) -> np.random.Generator:
        """Return a generator of its own for the sample `number` places on: the seeds continue."""
        return np.random.default_rng(self.seed + number)


def _exact(number: float) -> str:
    """Return a number that a person chose as it is: "0.8", "1", "1.001"."""
    return repr(float(number)).removesuffix(".0")


def tempered(logits: NDArray[np.floating], temperature: float) -> Floats:
    """Return softmax(logits / temperature), (V,).

    A logit of -inf has probability 0; those of +inf share it all. Raises SamplingError where there is nothing
    to draw from: no logit at all, one that is no number, or all -inf.
    """
    logits = np.asarray(logits, np.float64)
    top = logits.max() if logits.size else -math.inf
    if np.isnan(top) or top == -math.inf:
        raise SamplingError("The model's logits are not numbers that one could draw a token from.")
    if top == math.inf:
        weights = (logits == math.inf).astype(np.float64)  # (V,)
    else:
        with np.errstate(over="ignore"):  # far below the top is -inf, which is right
            weights = np.exp((logits - top) / temperature)  # (V,)
    return np.asarray(weights / weights.sum())


def adjusted(logits: NDArray[np.floating], sampling: Sampling) -> Floats:
    """Return the probabilities (V,) with which the next token is drawn; they sum to 1.

    Of equally likely tokens those of lower id stay. The probabilities that top_p adds up are the tempered ones,
    before top_k. Top-p: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration". Raises
    SamplingError as `tempered` does.
    """
    logits = np.asarray(logits, np.float64)
    probabilities = tempered(logits, 1.0 if sampling.greedy else sampling.temperature)  # (V,)
    order = np.argsort(-logits, kind="stable")  # (V,)
    stay = len(order) if sampling.top_k is None else min(sampling.top_k, len(order))
    if sampling.greedy:
        stay = 1
    elif sampling.top_p < 1:
        reached = np.cumsum(probabilities[order])  # (V,)
        stay = min(stay, int(np.searchsorted(reached, sampling.top_p - _SLACK)) + 1)
    kept = np.zeros_like(probabilities)
    kept[order[:stay]] = probabilities[order[:stay]]
    return np.asarray(kept / kept.sum())


def draw(probabilities: Floats, generator: np.random.Generator) -> tuple[int, float]:
    """Return a token drawn with `probabilities` (V,), and the number from 0 to 1 that decided.

    The tokens' probabilities lie side by side on the line from 0 to 1: the one that the number falls on is it.
    """
    number = float(generator.random())
    ends = np.cumsum(probabilities)  # (V,)
    token = int(np.searchsorted(ends, number * ends[-1], side="right"))
    return min(token, int(np.flatnonzero(probabilities)[-1])), number  # rounding must not go beyond the last
