"""Has it converged? Judged by the gap to the floor where one is known: a plateau alone lies."""

import math
from dataclasses import dataclass

from embedviz.analysis import verdicts
from embedviz.analysis.verdicts import TOLERANCE, Kind


@dataclass(frozen=True)
class Verdict:
    """What can be said after a reading; `gap` is the loss above the floor in nats, None without a floor.

    The sentence speaks of nats; verdicts.py has the words for other units.
    """

    kind: Kind
    sentence: str
    gap: float | None


class ConvergenceJudge:
    """Judges losses over a whole split, read at any spacing; `floor`, `tolerance` and losses are in nats.

    With a floor: converged once `consecutive` readings in a row are less than `tolerance` above it (one
    alone may be a swing of the optimiser). Without: a plateau once the best of `window` readings has been
    less than `tolerance` better than the best before, for `consecutive` windows in a row.
    """

    def __init__(
        self,
        floor: float | None = None,
        *,
        tolerance: float = TOLERANCE,
        consecutive: int = 3,
        window: int = 10,
    ) -> None:
        self.floor = floor
        self.tolerance = tolerance
        self.consecutive = consecutive
        self.window = window
        self.reset()

    def reset(self) -> None:
        """Forget all readings, as for a new run."""
        self._step = -1
        self._verdict: Verdict | None = None
        self._streak = 0  # readings near the floor, or windows that brought nothing, in a row
        self._best = math.inf  # of all windows before this one
        self._window_best = math.inf
        self._in_window = 0

    def observe(self, step: int, loss: float) -> Verdict:
        """Take in the loss at `step` and return the verdict.

        The same step again changes nothing; an earlier one means that the run was rewound, and resets.
        """
        if step == self._step and self._verdict is not None:
            return self._verdict
        if step < self._step:
            self.reset()
        self._step = step
        self._verdict = self._judge(step, loss)
        return self._verdict

    def _judge(self, step: int, loss: float) -> Verdict:
        if not math.isfinite(loss):
            self._streak = self._in_window = 0
            self._window_best = math.inf
            return Verdict("learning", verdicts.no_number(step), None)
        return self._judge_plateau(step, loss) if self.floor is None else self._judge_gap(step, loss, self.floor)

    def _judge_gap(self, step: int, loss: float, floor: float) -> Verdict:
        gap = loss - floor
        self._streak = self._streak + 1 if gap < self.tolerance else 0
        if self._streak >= self.consecutive:
            return Verdict("converged", verdicts.converged(step, loss, floor), gap)
        return Verdict("learning", f"Still learning: {verdicts.distance(loss, floor)}", gap)

    def _judge_plateau(self, step: int, loss: float) -> Verdict:
        self._window_best = min(self._window_best, loss)
        self._in_window += 1
        if self._in_window == self.window:
            gained = self._best - self._window_best
            self._streak = self._streak + 1 if gained < self.tolerance else 0
            self._best = min(self._best, self._window_best)
            self._window_best, self._in_window = math.inf, 0
        if self._streak >= self.consecutive:
            readings = self._streak * self.window + self._in_window
            sentence = (
                f"Plateau: the best loss has hardly fallen in {readings:,} readings up to step {step:,}; "
                "it may still fall again"
            )
            return Verdict("plateau", sentence, None)
        return Verdict("learning", f"Still learning: the loss is {loss:.4f} at step {step:,}", None)
