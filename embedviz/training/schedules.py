"""The learning rate of each step: a function of the step alone, so that a run that goes back finds the same."""

import math
from collections.abc import Callable

from embedviz.config import RunConfig

LOWEST = 0.1
"""Where the cosine ends, of `config.lr`."""

Schedule = Callable[[RunConfig, int], float]
"""The rate of a step, given the steps done before it."""


def constant(config: RunConfig, _step: int) -> float:
    """Return `config.lr`."""
    return config.lr


def cosine(config: RunConfig, step: int) -> float:
    """Return a rate that rises in a line to `config.lr`, and falls along half a cosine to a tenth of it.

    It is lr / warmup_steps at the first step, lr from step warmup_steps - 1 on, and lowest from schedule_steps
    on (Loshchilov and Hutter, 2017, without restarts).
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    span = max(1, config.schedule_steps - config.warmup_steps)
    done = min(1.0, (step - config.warmup_steps) / span)
    return config.lr * (LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * done)) / 2)


SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine}
