"""One run inside the trainer: takes steps at its pace, and says what it did without slowing them down."""

import math
import time
from collections.abc import Callable

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

SNAPSHOT_SPACING_S = 1 / 75  # a little faster than a 60 Hz screen asks for them
SNAPSHOT_SHARE = 0.03  # of the trainer's time, at most
READING_SHARE = 0.04  # of the trainer's time; a whole reading that would take more becomes an estimate
READING_PATIENCE_S = 2.0  # the longest wait for a reading that the share allows
CHECKPOINT_SPACING_S = 0.9
RATE_WINDOW_S = 0.5
LOSSES_AT_ONCE = 4096
MOST_CONTEXTS = 16
MARK_GROWTH = 1.3  # readings are taken at steps 1, 2, 3, 4, 5, 6, 7, 9, 11, 14, ... whatever the clock says
CHEAP_READING_S = 0.005
STEPS_BETWEEN_VERDICTS_WHOLE = 10  # the exact gradient brings the whole training loss with it, for nothing
STEPS_BETWEEN_VERDICTS = 500


class ServedRun:
    """A session, whether and how fast it plays, and what of it the window has not heard yet."""

    def __init__(
        self, run_id: str, session: TrainingSession, vocab_size: int, send: Callable[[Event], None]
    ) -> None:
        self.run_id = run_id
        self._vocab_size = vocab_size
        self.session = session
        self.playing = False
        self.pace: float | None = None  # steps a second; None: as fast as it goes
        self.has_credit = True
        self._send = send
        self._until = Until()
        self._reason = "asked"
        self._hurried = False  # playing at full speed whatever the pace, to get to a step
        self._start = session.checkpoint()
        self._judge = ConvergenceJudge(session.floor)
        self._verdict: Verdict | None = None
        self._losses: list[float] = []
        self._first_loss_step = session.step
        self._contexts: Array = np.zeros((0, 1), np.int64)
        self._watch_gradients = False
        self._wants_snapshot = True
        self._shown_step = -1
        self._snapshot_at = self._reading_at = self._checkpoint_at = -math.inf
        self._snapshot_cost = self._reading_cost = 0.0
        self._next_step_at = 0.0
        self._next_mark = 1
        self._rate = 0.0
        self._rate_from = (0.0, session.step)
        self._reading = self._read(math.inf)
        tables = {name: (table.shape, np.float32) for name, table in session.tables().items()}
        gradients = {f"gradient of {name}": spec for name, spec in tables.items()}
        watched = {
            "contexts": ((MOST_CONTEXTS, session.config.block_size), np.int64),
            "logits": ((MOST_CONTEXTS, self._vocab_size), np.float32),
        }
        self.file = SnapshotFile.create(room_for({**tables, **gradients, **watched}))

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

    def play(self, until: Until, reason: str = "asked", hurried: bool = False) -> None:
        """Take steps from now on, until `until`; say so, and say `reason` when a step number ends it."""
        self._until, self._reason, self._hurried = until, reason, hurried
        self.playing = True
        now = time.perf_counter()
        self._next_step_at = now
        self._rate_from = (now, self.session.step)
        self._judge.reset()
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

    def go_to(self, step: int) -> None:
        """Go to `step` as fast as it goes: on from here, or again from the very same start."""
        if step < self.session.step:
            self._flush_losses()
            self.session.restore(self._start)
            self._after_going_back()
        if step > self.session.step:
            self.play(Until(step=step), reason="step", hurried=True)
        else:
            self.pause()

    def watch(self, command: Watch) -> None:
        """Send the logits of these contexts from now on; show the present step again with them."""
        self._contexts = command.contexts[:MOST_CONTEXTS, -self.session.config.block_size :]
        self._watch_gradients = command.gradients
        self._wants_snapshot = True

    def set_pace(self, steps_per_second: float | None) -> None:
        """Take this many steps a second from now on; None for as many as it goes."""
        self.pace = steps_per_second
        self._next_step_at = time.perf_counter()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`; rewinding still leads to the very same start."""
        self.session.restore(checkpoint)
        self._first_loss_step = self.session.step
        self._reading = self._read(math.inf)

    # --- steps --------------------------------------------------------------------------------------

    def seconds_to_next_step(self, now: float) -> float:
        """Return how long there is nothing to compute; infinite while paused."""
        if not self.playing:
            return math.inf
        return 0.0 if self.pace is None or self._hurried else max(0.0, self._next_step_at - now)

    def take_step(self, now: float) -> None:
        """Take one optimiser step if one is due, and pause where `until` says so."""
        if not self.playing or self.seconds_to_next_step(now) > 0:
            return
        if self.pace is not None and not self._hurried:
            # A late step is not made up for by a burst: the pace is for the eye.
            self._next_step_at = max(self._next_step_at + 1 / self.pace, now - 1 / self.pace)
        try:
            result = next(self.session)
        except DivergenceError as error:
            self._flush_losses()
            self._after_going_back()
            self.pause("diverged", error.sentence, error.details)
            return
        self._losses.append(result.loss)
        self._judge_step(result.step, result.loss)
        if self._until.step is not None and self.session.step >= self._until.step:
            self.pause(self._reason)

    def _judge_step(self, step: int, loss: float) -> None:
        if self.session.step >= self._next_mark:  # the beginning of the curve, however fast it passes
            self._next_mark = max(self.session.step + 1, int(self.session.step * MARK_GROWTH))
            if self._reading_cost < CHEAP_READING_S:
                self._measure(math.inf)
        whole = self.session.config.whole_text
        if step % (STEPS_BETWEEN_VERDICTS_WHOLE if whole else STEPS_BETWEEN_VERDICTS):
            return
        if not whole:
            budget = READING_SHARE * (time.perf_counter() - self._reading_at)
            self._reading = self._read(budget)
            step, loss = self._reading.step, self._reading.train
        self._verdict = self._judge.observe(step, loss)
        if self._until.converged and self._verdict.kind == "converged":
            self.pause("converged", self._verdict.sentence)

    # --- telling ------------------------------------------------------------------------------------

    def tell(self, now: float) -> None:
        """Send what is due: losses, a reading, a checkpoint, a snapshot; each within its share of time."""
        if len(self._losses) >= LOSSES_AT_ONCE:
            self._flush_losses()
        if self.playing and now - self._checkpoint_at > CHECKPOINT_SPACING_S:
            self._checkpoint()
        if not self.has_credit:
            return
        spacing = max(SNAPSHOT_SPACING_S, self._snapshot_cost / SNAPSHOT_SHARE)
        is_new = self.session.step != self._shown_step and now - self._snapshot_at >= spacing
        if self._wants_snapshot or is_new:
            reading_spacing = min(READING_PATIENCE_S, self._reading_cost / READING_SHARE)
            if self.playing and now - self._reading_at >= reading_spacing:
                self._measure(READING_SHARE * (now - self._reading_at))
            self._flush_losses()
            self._snapshot()

    def _snapshot(self) -> None:
        before = time.perf_counter()
        session = self.session
        arrays: dict[str, Array] = {f"table {name}": table for name, table in session.tables().items()}
        if self._watch_gradients:
            for name, gradient in session.table_gradients().items():
                arrays[f"gradient {name}"] = gradient
        arrays["contexts"] = self._contexts
        arrays["logits"] = (
            session.logits(self._contexts) if len(self._contexts) else np.zeros((0, self._vocab_size), np.float32)
        )
        layout = self.file.write(arrays)
        self.has_credit = False
        self._wants_snapshot = False
        self._shown_step = session.step
        self._send(
            SnapshotWritten(self.run_id, session.step, self._steps_per_second(before), self._reading, layout)
        )
        self._snapshot_at = time.perf_counter()
        self._snapshot_cost = 0.8 * self._snapshot_cost + 0.2 * (self._snapshot_at - before)

    def _steps_per_second(self, now: float) -> float:
        since, step = self._rate_from
        if self.playing and now - since >= RATE_WINDOW_S:
            self._rate = (self.session.step - step) / (now - since)
            self._rate_from = (now, self.session.step)
        return self._rate

    def _flush_losses(self) -> None:
        if self._losses:
            self._send(Losses(self.run_id, self._first_loss_step, np.array(self._losses)))
            self._first_loss_step += len(self._losses)
            self._losses.clear()

    def _measure(self, budget_s: float) -> None:
        self._reading = self._read(budget_s)
        self._send(Measured(self.run_id, self._reading))

    def _read(self, budget_s: float) -> Reading:
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
