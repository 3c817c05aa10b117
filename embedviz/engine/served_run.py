"""One run inside the trainer: takes steps at its pace, and says what it did without slowing them down."""

import math
import time
from collections.abc import Callable, Sized

import numpy as np

from embedviz.analysis.convergence import ConvergenceJudge, Verdict
from embedviz.checkpoint import Checkpoint
from embedviz.engine.messages import (
    Array,
    CheckpointTaken,
    Event,
    Losses,
    Measured,
    Paused,
    Playing,
    Reading,
    Rewound,
    SnapshotWritten,
    Started,
    Until,
    Watch,
)
from embedviz.engine.snapshots import SnapshotFile, room_for
from embedviz.training.guard import DivergenceError
from embedviz.training.session import SplitLosses, TrainingSession

SNAPSHOT_SPACING_S = 1 / 61  # as fast as a 60 Hz screen asks for them
SNAPSHOT_SHARE = 0.03  # of the trainer's time, at most
READING_SHARE = 0.003  # of the trainer's time; a whole reading that would take more becomes an estimate
READING_SHARE_SLOW = 0.3  # at a pace for the eye, when the trainer mostly waits
SLOW_PACE = 60.0
READING_PATIENCE_S = 2.0  # the longest wait for a reading that the share allows
CHECKPOINT_SPACING_S = 0.9
RATE_WINDOW_S, FIRST_RATE_WINDOW_S = 0.5, 0.1
LOOK_AGAIN_S = 0.005  # while there is nothing to do but to wait until a snapshot is taken
LOSSES_AT_ONCE = 4096
MOST_CONTEXTS = 16
MARK_GROWTH = 1.3  # readings are taken at steps 1, 2, 3, 4, 5, 6, 7, 9, 11, 14, ... whatever the clock says
CHEAP_READING_S = 0.005
LONGEST_WALK_S = 0.25  # through a text without a closed form, at the start and at pauses: no command is heard
STEPS_BETWEEN_VERDICTS_WHOLE = 10  # the exact gradient brings the whole training loss with it, for nothing
STEPS_BETWEEN_VERDICTS = 500  # else: a reading each, so the farther the run is, the rarer they are
STEPS_BETWEEN_VERDICTS_WALKED = 2000  # an estimate costs as much as fifty steps of a small MLP
VERDICT_GROWTH = 1.1


class ServedRun:
    """A session, whether and how fast it plays, and what of it the window has not heard yet."""

    def __init__(
        self,
        run_id: str,
        session: TrainingSession,
        vocab_size: int,
        send: Callable[[Event], None],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Go on from `checkpoint` if there is one; rewinding still leads to the very same start."""
        self.run_id = run_id
        self._vocab_size = vocab_size
        self.session = session
        self.playing = False
        self.pace: float | None = None  # steps a second; None: as fast as it goes
        self._send = send
        self._until = Until()
        self._hurried = False  # playing at full speed whatever the pace, to get to a step
        self._start = session.checkpoint()
        if checkpoint is not None:
            session.restore(checkpoint)
        self._judge = ConvergenceJudge(session.floor)
        self._judges_estimates: bool | None = None  # not known before the first verdict
        self._verdict: Verdict | None = None
        self._losses: list[float] = []
        self._first_loss_step = session.step
        self._contexts: Array = np.zeros((0, 1), np.int64)
        self._watch_gradients = self._watch_activations = False
        self._wants_snapshot = True
        self._shown_step = -1
        self._snapshot_at = self._reading_at = self._checkpoint_at = -math.inf
        self._snapshot_cost = self._reading_cost = 0.0
        self._next_step_at = 0.0
        self._next_mark = self._look_at = 1
        self._next_verdict = 1
        self._rate = 0.0
        self._rate_from = (0.0, session.step)
        self._reading = self._read(math.inf)
        tables = {name: (table.shape, np.float32) for name, table in session.tables().items()}
        gradients = {f"gradient of {name}": spec for name, spec in tables.items()}
        watched = {
            "contexts": ((MOST_CONTEXTS, session.config.block_size), np.int64),
            "logits": ((MOST_CONTEXTS, self._vocab_size), np.float32),
        }
        hidden = {name: (array.shape, np.float32) for name, array in session.activations().items()}
        layers = {f"activations of {name}": spec for name, spec in hidden.items()}
        self.file = SnapshotFile.create(room_for({**tables, **gradients, **watched, **layers}))

    def started(self) -> Started:
        """Describe the run as it stands."""
        session = self.session
        return Started(
            self.run_id,
            session.config,
            session.step,
            session.parameters_count,
            session.floor,
            session.uniform,
            self._reading,
            str(self.file.path),
            self.file.size,
        )

    # --- commands -----------------------------------------------------------------------------------

    def play(self, until: Until, hurried: bool = False) -> None:
        """Take steps from now on, until `until`, and say so; whatever the pace if `hurried`."""
        self._until, self._hurried = until, hurried
        self.playing = True
        now = time.perf_counter()
        self._next_step_at = now
        self._rate_from = (now, self.session.step)
        self._judge.reset()
        self._plan_look()
        self._send(Playing(self.run_id, self.session.step))

    def pause(self, reason: str = "asked", sentence: str = "", details: str = "") -> None:
        """Take no more steps; show the step where it stopped."""
        self.playing = False
        self._rate = 0.0
        self._flush_losses()
        self._measure(math.inf)
        self._checkpoint()
        self._wants_snapshot = True
        self._send(Paused(self.run_id, self.session.step, reason, sentence, details))

    def fail(self, sentence: str, details: str) -> None:
        """Take no more steps, after something went wrong."""
        self.playing = False
        self._rate = 0.0
        self._flush_losses()
        self._send(Paused(self.run_id, self.session.step, "failed", sentence, details))

    def go_to(self, step: int) -> None:
        """Go to `step` as fast as it goes: on from here, or again from the very same start."""
        if step < self.session.step:
            self._flush_losses()
            self.session.restore(self._start)
            self._after_going_back()
        if step > self.session.step:
            self.play(Until(step=step), hurried=True)
        else:
            self.pause()

    def watch(self, command: Watch) -> None:
        """Send the logits of these contexts, and what else is asked for, from now on; show the step again so."""
        self._contexts = command.contexts[:MOST_CONTEXTS, -self.session.config.block_size :]
        self._watch_gradients, self._watch_activations = command.gradients, command.activations
        self._wants_snapshot = True

    def set_pace(self, steps_per_second: float | None) -> None:
        """Take this many steps a second from now on; None for as many as it goes."""
        self.pace = steps_per_second
        self._next_step_at = time.perf_counter()

    # --- steps --------------------------------------------------------------------------------------

    def seconds_to_next_step(self, now: float) -> float:
        """Return how long there is nothing to compute; infinite while paused."""
        if not self.playing:
            return math.inf
        return 0.0 if self.pace is None or self._hurried else max(0.0, self._next_step_at - now)

    def seconds_until_due(self, now: float) -> float:
        """Return how long there is neither a step to take nor one to show."""
        wait_s = self.seconds_to_next_step(now)
        if self._wants_snapshot or self.session.step != self._shown_step:
            wait_s = min(wait_s, self.seconds_to_telling(now))
        return wait_s

    def seconds_to_telling(self, now: float) -> float:
        """Return how long it is until a snapshot may be written, or the file looked at again."""
        due_in_s = max(0.0, self._snapshot_at + self._snapshot_spacing_s() - now)
        return due_in_s if self.file.is_free else max(due_in_s, LOOK_AGAIN_S)

    def take_steps(self, end: float, waiting: Sized) -> None:
        """Take what steps are due until the clock says `end` or commands are `waiting`; at least the first.

        The loop itself is bare: what is looked at now and then is looked at when `_look_at` is reached.
        """
        session, losses = self.session, self._losses
        is_free = self.pace is None or self._hurried
        now = time.perf_counter()
        if not is_free:
            if self._next_step_at > now:
                return
            # A late step is not made up for by a burst: the pace is for the eye.
            self._next_step_at = max(self._next_step_at, now - 1 / (self.pace or 1)) + 1 / (self.pace or 1)
        try:
            while self.playing:
                losses.append(next(session).loss)
                if session.step >= self._look_at:
                    self._look()
                if not is_free or waiting or time.perf_counter() >= end:
                    return
        except DivergenceError as error:
            self._flush_losses()
            self._after_going_back()
            self.pause("diverged", error.sentence, error.details)

    def _look(self) -> None:
        """After a step: take a reading at the marks, give a verdict now and then, pause where `until` says so."""
        step = self.session.step
        if step >= self._next_mark:  # the beginning of the curve, however fast it passes
            self._next_mark = max(step + 1, int(step * MARK_GROWTH))
            if self._reading_cost < CHEAP_READING_S:
                self._measure(self._budget_in_between())
        if step >= self._next_verdict:
            self._give_verdict(step - 1)
        if self.playing and self._until.step is not None and step >= self._until.step:
            self.pause("step")
        self._plan_look()

    def _plan_look(self) -> None:
        step = self.session.step
        every = STEPS_BETWEEN_VERDICTS_WHOLE
        if not self.session.config.whole_text:
            least = STEPS_BETWEEN_VERDICTS_WALKED if self.session.is_walked else STEPS_BETWEEN_VERDICTS
            every = max(least, int(step * (VERDICT_GROWTH - 1)))
        self._next_verdict = -(-step // every) * every + 1
        end = self._next_verdict if self._until.step is None else max(self._until.step, step + 1)
        self._look_at = min(self._next_mark, self._next_verdict, end)

    def _give_verdict(self, step: int) -> None:
        loss = self._losses[-1]  # of the exact gradient: the loss of the whole training part
        if not self.session.config.whole_text:
            self._reading = self._read(self._budget_in_between())
            step, loss = self._reading.step, self._reading.train
            if self._reading.estimated is not self._judges_estimates:  # a sample's losses are not the whole's
                self._judges_estimates = self._reading.estimated
                self._judge.reset()
        self._verdict = self._judge.observe(step, loss)
        if self._until.converged and self._verdict.kind != "learning":
            self.pause("converged", self._verdict.sentence)

    def _budget_in_between(self) -> float:
        """Return what a reading between steps may cost: a closed form, anything; a walk, next to nothing."""
        return CHEAP_READING_S if self.session.is_walked else math.inf

    # --- telling ------------------------------------------------------------------------------------

    def tell(self, now: float) -> None:
        """Send what is due: losses, a reading, a checkpoint, a snapshot; each within its share of time."""
        if len(self._losses) >= LOSSES_AT_ONCE:
            self._flush_losses()
        if self.playing and now - self._checkpoint_at > CHECKPOINT_SPACING_S:
            self._checkpoint()
        if not self.file.is_free:
            return
        is_new = self.session.step != self._shown_step and now - self._snapshot_at >= self._snapshot_spacing_s()
        if self._wants_snapshot or is_new:
            share = READING_SHARE_SLOW if self._is_slow() else READING_SHARE
            if self.playing and now - self._reading_at >= min(READING_PATIENCE_S, self._reading_cost / share):
                self._reading = self._read(share * (now - self._reading_at))  # goes with the snapshot
            self._snapshot()

    def _is_slow(self) -> bool:
        return self.pace is not None and self.pace <= SLOW_PACE and not self._hurried

    def _snapshot_spacing_s(self) -> float:
        return max(SNAPSHOT_SPACING_S, self._snapshot_cost / SNAPSHOT_SHARE)

    def _snapshot(self) -> None:
        before = time.perf_counter()
        session = self.session
        self._wants_snapshot = False  # also if this fails: it is tried once
        self._shown_step = session.step
        arrays: dict[str, Array] = {f"table {name}": table for name, table in session.live_tables().items()}
        if self._watch_gradients:
            for name, gradient in session.table_gradients().items():
                arrays[f"gradient {name}"] = gradient
        if self._watch_activations:
            for name, hidden in session.activations().items():
                arrays[f"activations of {name}"] = hidden
        arrays["contexts"] = self._contexts
        arrays["logits"] = (
            session.logits(self._contexts) if len(self._contexts) else np.zeros((0, self._vocab_size), np.float32)
        )
        layout = self.file.write(arrays)
        rate = self._steps_per_second(before)
        losses = self._take_losses()
        self._send(SnapshotWritten(self.run_id, session.step, rate, self._reading, layout, losses))
        self._snapshot_at = time.perf_counter()
        self._snapshot_cost = 0.8 * self._snapshot_cost + 0.2 * (self._snapshot_at - before)

    def _steps_per_second(self, now: float) -> float:
        since, step = self._rate_from
        if self.playing and now - since >= (RATE_WINDOW_S if self._rate else FIRST_RATE_WINDOW_S):
            self._rate = (self.session.step - step) / (now - since)
            self._rate_from = (now, self.session.step)
        return self._rate

    def _flush_losses(self) -> None:
        losses = self._take_losses()
        if losses is not None:
            self._send(losses)

    def _take_losses(self) -> Losses | None:
        if not self._losses:
            return None
        losses = Losses(self.run_id, self._first_loss_step, np.array(self._losses))
        self._first_loss_step += len(self._losses)
        self._losses.clear()
        return losses

    def _measure(self, budget_s: float) -> None:
        self._reading = self._read(budget_s)
        self._send(Measured(self.run_id, self._reading))

    def _read(self, budget_s: float) -> Reading:
        """Return whole losses if they cost no more than `budget_s`, else an estimate; see LONGEST_WALK_S."""
        if self.session.is_walked:
            budget_s = min(budget_s, LONGEST_WALK_S)
        before = time.perf_counter()
        losses: SplitLosses = self.session.losses_within(budget_s)
        self._reading_at = time.perf_counter()
        self._reading_cost = self._reading_at - before
        verdict = self._verdict
        return Reading(
            losses.step,
            losses.train,
            losses.val,
            losses.estimated,
            verdict.kind if verdict else "learning",
            verdict.sentence if verdict else "",
        )

    def _checkpoint(self) -> None:
        self._checkpoint_at = time.perf_counter()
        self._send(CheckpointTaken(self.run_id, self.session.checkpoint()))

    def _after_going_back(self) -> None:
        self._losses.clear()
        self._first_loss_step = self.session.step
        self._rate_from = (time.perf_counter(), self.session.step)
        self._verdict = None
        self._next_mark = self.session.step + 1
        self._judge.reset()
        self._wants_snapshot = True
        self._send(Rewound(self.run_id, self.session.step))
