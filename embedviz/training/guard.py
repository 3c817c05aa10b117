"""Notices that a run no longer learns but runs away, which too large a learning rate does."""

import math
from collections import deque
from collections.abc import Callable, Collection

from torch import Generator, Tensor, nn

from embedviz.errors import EmbedvizError

_SPAN = 8  # losses in each of the two means that are compared
_WORSE = 5  # times what a start costs over guessing: so much worse may a run get that is yet to learn
_LONG = 999_999.95  # a loss that would be written with more than six digits before the point


class DivergenceError(EmbedvizError):
    """The loss of `step` was not finite, or far too high and rising; the run is back at `last_good_step`."""

    def __init__(self, step: int, loss: float, last_good_step: int, lr: float) -> None:
        what = f"rose to {_in_words(loss)}" if math.isfinite(loss) else "was no longer a finite number"
        super().__init__(
            f"The loss {what} at step {step:,}: the learning rate, {lr:,.10g}, is the likely cause. "
            f"The run is back at step {last_good_step:,}, the last one that was sound."
        )
        self.step = step
        self.loss = loss
        self.last_good_step = last_good_step


class Guard:
    """Watches the losses of one run. `limit` is 3 ln V, three times what guessing costs; more after an edit.

    A run of large weights starts far above guessing, at `first_loss`, and Adam's first steps are all of one size,
    whatever the gradient: it may climb to several times that before it falls, for some hundred steps. The
    `allowance` is added to the limit for such a start, until the run was once better than guessing.
    """

    def __init__(self, vocab_size: int, first_loss: float = 0.0) -> None:
        self.guessing = math.log(vocab_size)
        self.limit = self.usual_limit = 3 * self.guessing
        self.allowance = _WORSE * max(first_loss - self.guessing, 0.0) if math.isfinite(first_loss) else 0.0
        self.last_good_step = -1  # the last whose loss was finite and not over the limit
        self.recent: deque[float] = deque(maxlen=2 * _SPAN)

    def alarms(self, step: int, loss: float) -> bool:
        """Take note of the loss of `step`; True if it is not finite, or over the limit and rising.

        Rising: the mean of the last 8 is over the limit too, and over the mean of the 8 before.
        """
        self.recent.append(loss)
        if self.allowance and len(self.recent) == 2 * _SPAN and _mean(self.recent) < self.guessing:
            self.allowance = 0.0
        if math.isfinite(loss) and loss <= self._bound:
            self.last_good_step = step
            return False
        return not math.isfinite(loss) or self._rising()

    def accepts(self, loss: float) -> bool:
        """Tell whether weights of this loss are worth going back to.

        A run may start over the limit and fall: until it was once below, any finite loss will do.
        """
        return math.isfinite(loss) and (loss <= self._bound or self.last_good_step < 0)

    def forgive(self, worst: float) -> None:
        """Let training mend what was done by hand: `worst` is what the weights may cost now, whatever is read.

        The losses so far say nothing about those that follow, and what the edit costs is no divergence, be it
        seen at once or only when a batch reads that row. Twice that is: momentum may carry on for a while.
        """
        self.recent.clear()
        if math.isfinite(worst):
            self.limit = max(self.limit, 2 * worst)

    def known(self) -> dict[str, float]:
        """Return what is known at this step besides the recent losses, for a checkpoint."""
        scalars = {"last_good_step": float(self.last_good_step)}
        if self.limit != self.usual_limit:
            scalars["guard_limit"] = self.limit
        if self.allowance:
            scalars["guard_allowance"] = self.allowance
        return scalars

    def restore(self, known: dict[str, float], recent: list[float]) -> None:
        """Go back to what was known at an earlier step."""
        self.last_good_step = int(known.get("last_good_step", -1))
        self.recent = deque(recent, maxlen=2 * _SPAN)
        self.limit = known.get("guard_limit", self.usual_limit)
        self.allowance = known.get("guard_allowance", 0.0)

    @property
    def _bound(self) -> float:
        return self.limit + self.allowance

    def _rising(self) -> bool:
        """Compare means: one loss of a small batch may be anything."""
        losses = list(self.recent)
        return len(losses) == 2 * _SPAN and _mean(losses[_SPAN:]) > max(_mean(losses[:_SPAN]), self._bound)


def can_learn(model: nn.Module, accumulate: Callable[[], Tensor], generator: Generator) -> bool:
    """Tell whether the coming step has a gradient; leaves the generator and the gradients as they are.

    Weights may be too large to compute with where the loss is none the less sound: a norm whose squares are
    infinite makes all logits 0, and the loss exactly ln V, from which no gradient leads back.
    """
    drawn, gradients = generator.get_state(), [(weights, weights.grad) for weights in model.parameters()]
    for weights, _ in gradients:
        weights.grad = None
    try:
        loss = accumulate().item()
        found = [weights.grad for weights, _ in gradients if weights.grad is not None]
        is_finite = all(gradient.isfinite().all() for gradient in found)
        return is_finite and (loss <= 0 or any(gradient.any() for gradient in found))
    finally:
        generator.set_state(drawn)
        for weights, gradient in gradients:
            weights.grad = gradient


def _mean(losses: Collection[float]) -> float:
    return sum(losses) / len(losses)


def _in_words(loss: float) -> str:
    return f"{loss:,.1f}" if loss < _LONG else f"{loss:.3g}"
