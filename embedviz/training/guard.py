"""Notices that a run no longer learns but runs away, which too large a learning rate does."""

import math
from collections import deque

from embedviz.errors import EmbedvizError

_SPAN = 8  # losses in each of the two means that are compared
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
    """Watches the losses of one run. `limit` is 3 ln V, three times what guessing costs; more after an edit."""

    def __init__(self, vocab_size: int) -> None:
        self.limit = self.usual_limit = 3 * math.log(vocab_size)
        self.last_good_step = -1  # the last whose loss was finite and not over the limit
        self.recent: deque[float] = deque(maxlen=2 * _SPAN)

    def alarms(self, step: int, loss: float) -> bool:
        """Take note of the loss of `step`; True if it is not finite, or over the limit and rising.

        Rising: the mean of the last 8 is over the limit too, and over the mean of the 8 before.
        """
        self.recent.append(loss)
        if math.isfinite(loss) and loss <= self.limit:
            self.last_good_step = step
            return False
        return not math.isfinite(loss) or self._rising()

    def accepts(self, loss: float) -> bool:
        """Tell whether weights of this loss are worth going back to.

        A run may start over the limit and fall: until it was once below, any finite loss will do.
        """
        return math.isfinite(loss) and (loss <= self.limit or self.last_good_step < 0)

    def forgive(self, worst: float) -> None:
        """Let training mend what was done by hand: `worst` is what the weights may cost now, whatever is read.

        The losses so far say nothing about those that follow, and what the edit costs is no divergence, be it
        seen at once or only when a batch reads that row. Twice that is: momentum may carry on for a while.
        """
        self.recent.clear()
        if math.isfinite(worst):
            self.limit = max(self.limit, 2 * worst)

    def restore(self, last_good_step: int, recent: list[float], limit: float | None = None) -> None:
        """Go back to what was known at an earlier step."""
        self.last_good_step = last_good_step
        self.recent = deque(recent, maxlen=2 * _SPAN)
        self.limit = self.usual_limit if limit is None else limit

    def _rising(self) -> bool:
        """Compare means: one loss of a small batch may be anything."""
        losses = list(self.recent)
        before, now = sum(losses[:_SPAN]) / _SPAN, sum(losses[_SPAN:]) / _SPAN
        return len(losses) == 2 * _SPAN and now > max(before, self.limit)


def _in_words(loss: float) -> str:
    return f"{loss:,.1f}" if loss < _LONG else f"{loss:.3g}"
