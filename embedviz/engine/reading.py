"""Reads the losses of a run, each reading within its share of time, and judges whether it still learns."""

import math
import time

from embedviz.analysis.convergence import ConvergenceJudge, Verdict
from embedviz.engine.messages import Reading
from embedviz.training.session import SplitLosses, TrainingSession

READING_SHARE = 0.003  # of the trainer's time; a whole reading that would take more becomes an estimate
READING_SHARE_SLOW = 0.3  # at a pace for the eye, when the trainer mostly waits
READING_PATIENCE_S = 6.0  # the longest wait for a reading: 30 ms of a transformer are then 0.5 %
CHEAP_READING_S = 0.005
LONGEST_WALK_S = 0.25  # through a text without a closed form, at the start and at pauses: no command is heard
STEPS_BETWEEN_VERDICTS_WHOLE = 10  # the exact gradient brings the whole training loss with it, for nothing
STEPS_BETWEEN_VERDICTS = 500  # else: a reading each, so the farther the run is, the rarer they are
STEPS_BETWEEN_VERDICTS_WALKED = 2000  # an estimate costs as much as fifty steps of a small MLP
VERDICT_GROWTH = 1.1


class LossReader:
    """Keeps the newest `reading` of the session, what it cost, and what the readings say of the run."""

    def __init__(self, session: TrainingSession) -> None:
        self.session = session
        self._judge = ConvergenceJudge(session.floor)
        self._judges_estimates: bool | None = None  # not known before the first verdict
        self._verdict: Verdict | None = None
        self._read_at = -math.inf
        self.cost_s = 0.0
        self.is_stale = False  # the weights of this very step have changed since
        self.reading = self.read(math.inf)

    def read(self, budget_s: float) -> Reading:
        """Take whole losses if they cost no more than `budget_s`, else an estimate; see LONGEST_WALK_S."""
        if self.session.is_walked:
            budget_s = min(budget_s, LONGEST_WALK_S)
        before = time.perf_counter()
        losses: SplitLosses = self.session.losses_within(budget_s)
        self._read_at = time.perf_counter()
        self.cost_s = self._read_at - before
        self.is_stale = False
        verdict = self._verdict
        self.reading = Reading(
            losses.step,
            losses.train,
            losses.val,
            losses.estimated,
            verdict.kind if verdict else "learning",
            verdict.sentence if verdict else "",
            losses.val_estimated,
        )
        return self.reading

    def read_in_turn(self, now: float, slow: bool) -> None:
        """While playing: take a reading if its share of time allows one by now."""
        share = READING_SHARE_SLOW if slow else READING_SHARE
        if now - self._read_at >= min(READING_PATIENCE_S, self.cost_s / share):
            self.read(share * (now - self._read_at))

    def seconds_to_renewal(self, now: float) -> float:
        """Return how long a stale reading has to wait for another; infinite where it is not stale."""
        if not self.is_stale:
            return math.inf
        return max(0.0, self._read_at + min(READING_PATIENCE_S, self.cost_s / READING_SHARE_SLOW) - now)

    @property
    def budget_in_between(self) -> float:
        """What a reading between steps may cost: a closed form, anything; a walk, next to nothing."""
        return CHEAP_READING_S if self.session.is_walked else math.inf

    def judge(self, step: int, loss: float) -> Verdict:
        """Give a verdict after a step of this `loss`."""
        if not self.session.config.whole_text:  # with the exact gradient, it is that of the whole training part
            reading = self.read(self.budget_in_between)
            step, loss = reading.step, reading.train
            if reading.estimated is not self._judges_estimates:  # a sample's losses are not the whole's
                self._judges_estimates = reading.estimated
                self._judge.reset()
        self._verdict = self._judge.observe(step, loss)
        return self._verdict

    def next_verdict(self, step: int) -> int:
        """Return the step after which the next verdict is due."""
        every = STEPS_BETWEEN_VERDICTS_WHOLE
        if not self.session.config.whole_text:
            least = STEPS_BETWEEN_VERDICTS_WALKED if self.session.is_walked else STEPS_BETWEEN_VERDICTS
            every = max(least, int(step * (VERDICT_GROWTH - 1)))
        return -(-step // every) * every + 1

    def begin_anew(self) -> None:
        """Judge only by what follows."""
        self._judge.reset()

    def forget(self) -> None:
        """Drop what was said of a run that is elsewhere now, or was changed."""
        self._verdict = None
        self._judge.reset()
        self.is_stale = True
