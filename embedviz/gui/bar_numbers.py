"""The numbers beside the bars, and those in a bar's tooltip: probability, its logarithm in some unit, rank."""

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.figures import figure
from embedviz.analysis.units import LossUnit
from embedviz.analysis.wording import told_apart
from embedviz.gui.plots.bar_marks import Mark
from embedviz.gui.predictions import Prediction, probability, ranks_of

LOGS = {  # by unit: what the logarithm is called, and what it is
    "nats": ("log P", "The natural logarithm of the probability, in nats"),
    "bits": ("log₂ P", "The logarithm of the probability to base 2, in bits"),
    "perplexity": ("1 / P", "One over the probability: among how many equally likely tokens it would be one"),
}
WIDEST = 17  # characters of two numbers beside a bar: "0.2771 → 0.2781" and a little more


class Numbers:
    """What is said of each token of a prediction, by id; `data`, (V,), is what the text says."""

    def __init__(self, found: Prediction, data: NDArray[np.float64], kind: str, unit: LossUnit) -> None:
        self._found = found
        self._data = data
        self._kind = kind
        self._unit = unit
        self._ranks = ranks_of(found.log_model)  # (V,)
        self._ranks_before = None if found.log_before is None else ranks_of(found.log_before)  # (V,)
        self._data_ranks = ranks_of(data)  # (V,)

    def beside(self, token: int) -> str:
        """Return the number beside a bar; of a step both, with as many digits as it takes to see a change."""
        if self._found.marks.get(token) is Mark.CUT:
            return "cut"
        log, before = self._found.log_model, self._found.log_before
        if self._kind == "rank":
            if self._ranks_before is not None:
                return _change(str(self._ranks_before[token]), str(self._ranks[token]))
            return f"{self._ranks[token]} / {self._data_ranks[token]}"
        say = self._log if self._kind == "log" else np.exp
        if before is not None:
            return self._step(token, float(say(before[token])), float(say(log[token])))
        return figure(self._log(log[token])) if self._kind == "log" else probability(float(np.exp(log[token])))

    def in_full(self, token: int) -> str:
        """Return all numbers of a token, those of the model and those of the text."""
        log, before = self._found.log_model[token], self._found.log_before
        step = "" if before is None else _change(*told_apart(float(np.exp(before[token])), float(np.exp(log))))
        name = LOGS[self._unit.name][0]
        value = f"{name} {figure(self._log(log), digits=4)} {self._unit.short}".strip()
        return (
            f"model {step or f'{np.exp(log):.4f}'}  ({value}, rank {self._ranks[token]})\n"
            f"text {self._data[token]:.4f}  (rank {self._data_ranks[token]})"
        )

    def _step(self, token: int, before: float, after: float) -> str:
        """Return both numbers; of a row that is not marked, only where it goes if both would leave no bar."""
        both = _change(*told_apart(before, after))
        if len(both) <= WIDEST or token in self._found.marks:
            return both
        return f"{figure(after)} {'↑' if after > before else '↓'}"

    def _log(self, log: float) -> float:
        """Return a log probability in the unit: of nats and bits it is below 0, a perplexity is 1 / P."""
        value = self._unit.convert(-float(log))
        return value if self._unit.name == "perplexity" else -value


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
