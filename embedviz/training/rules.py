"""How an optimiser moves one weight, term by term, and what it moves where there is no gradient.

    SGD    w − lr · g                                 with g the gradient, plus λ · w
    Adam   w − lr · m / (√v + ε)                      with the same g in m and v (Kingma and Ba, 2015)
    AdamW  w − lr · λ · w − lr · m / (√v + ε)         with the gradient alone (Loshchilov and Hutter, 2019)

m ← β1 m + (1 − β1) g and v ← β2 v + (1 − β2) g²; after t updates m = m / (1 − β1ᵗ), v = v / (1 − β2ᵗ).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedviz.config import RunConfig

EPSILON = 1e-8  # torch's own

Arrays = dict[str, NDArray[Any]]
State = dict[str, Any]  # of torch's optimisers, for one parameter


@dataclass(frozen=True)
class Cell:
    """The terms of one weight's update, in float64; `m` and the like are 0 where the rule has none."""

    before: float
    after: float  # what torch made of it
    gradient: float  # that was followed: of the batch, clipped
    decay: float  # λ · w: AdamW takes lr times it off the weight, the others add it to the gradient
    m: float
    v: float
    m_hat: float
    v_hat: float
    updates: int  # t
    rule: float  # what the rule says of `after`

    @classmethod
    def of(
        cls, config: RunConfig, rate: float, before: Tensor, table: Tensor, state: State, row: int, column: int
    ) -> "Cell":
        """Read the terms of a cell from `table` (V, C) and the optimiser's `state`, right after an update.

        `before` (V, C) are the weights before it.
        """
        weight = before[row, column].item()
        gradient = table.grad[row, column].item() if table.grad is not None else 0.0
        decay = config.weight_decay * weight
        m = v = m_hat = v_hat = 0.0
        updates = int(state["step"]) if "step" in state else 0
        if config.optimizer == "sgd":
            rule = weight - rate * (gradient + decay)
        elif updates:
            m, v = state["exp_avg"][row, column].item(), state["exp_avg_sq"][row, column].item()
            m_hat, v_hat = m / (1 - config.beta1**updates), v / (1 - config.beta2**updates)
            kept = weight - rate * decay if config.optimizer == "adamw" else weight
            rule = kept - rate * m_hat / (math.sqrt(v_hat) + EPSILON)
        else:
            rule = weight
        after = table[row, column].item()
        return cls(weight, after, gradient, decay, m, v, m_hat, v_hat, updates, rule)

    @property
    def is_held(self) -> bool:
        """Whether the weight stays though the rule would move it: it is frozen."""
        if self.after != self.before or math.isinf(self.before):
            return False
        least = float(np.spacing(np.float32(abs(self.before))))  # that float32 can move it by
        return abs(self.rule - self.before) > 2 * least

    def arrays(self) -> Arrays:
        """Return the terms by name, each ()."""
        terms = {
            "gradient used": self.gradient,
            "decay": self.decay,
            "m": self.m,
            "v": self.v,
            "m hat": self.m_hat,
            "v hat": self.v_hat,
            "rule": self.rule,
        }
        return {name: np.array(value) for name, value in terms.items()}

    def points(self) -> dict[str, int]:
        """Return how many updates there will have been, and whether the weight is held where it is."""
        return {"updates": self.updates, "is_held": int(self.is_held)}


def moves_without_gradient(
    config: RunConfig, rate: float, before: Tensor, table: Tensor, state: State, rows: NDArray[np.bool_]
) -> Arrays:
    """Return the largest move in `rows` (V,), which have no gradient, and its causes, each ().

    "largest silent move" is signed; "of it decay" is what weight decay takes in this step, "of it momentum" the
    rest, which the mean of earlier gradients does; `state` is that before the update. Adam's decay goes through
    that same mean, so that what it takes in this step is said only where there is no such mean yet.
    """
    move = decay = 0.0
    if rows.any():
        places = rows.nonzero()[0]
        index = torch.from_numpy(places).to(table.device)
        moves = table.detach()[index] - before[index]  # (R, C)
        row, column = divmod(int(moves.abs().argmax()), moves.shape[1])
        move = moves[row, column].item()
        if config.optimizer == "sgd" or not _mean_of(state, int(places[row]), column):
            decay = move
        elif config.optimizer == "adamw":
            decay = -rate * config.weight_decay * before[index[row], column].item()
    terms = {"largest silent move": move, "of it decay": decay, "of it momentum": move - decay}
    return {name: np.array(value) for name, value in terms.items()}


def _mean_of(state: State, row: int, column: int) -> float:
    """Return Adam's running mean of the gradients of a weight; 0 before there is one."""
    return float(state["exp_avg"][row, column]) if "exp_avg" in state else 0.0
