"""Checkpoints of a run: kept here, for the device may fail, and in the window, for this process may."""

import math
import time
from collections.abc import Callable

from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.engine.history import EditHistory
from embedviz.engine.messages import CheckpointTaken, Event
from embedviz.training.session import TrainingSession

CHECKPOINT_SPACING_S = 0.9
CHECKPOINT_SHARE = 0.1  # of the time of a drag, each edit of which changes the checkpoint


class Keeper:
    """Takes checkpoints of `session`; `kept` is the newest, with the edits that are in it."""

    def __init__(
        self,
        run_id: str,
        session: TrainingSession,
        history: EditHistory,
        send: Callable[[Event], None],
        first: Checkpoint,
    ) -> None:
        self.session = session
        self.kept: tuple[Checkpoint, tuple[HandEdit, ...]] = first, history.made
        self.is_due = False  # at a step that has one, since the weights are others now
        self._run_id = run_id
        self._history = history
        self._send = send
        self._has_told = False
        self._taken_at = -math.inf
        self._cost_s = 0.0
        history.keep(first)

    def seconds_to_next(self, now: float, playing: bool) -> float:
        """Return how long it is until the next checkpoint; infinite where none is due."""
        spacing_s = CHECKPOINT_SPACING_S
        if self.is_due:
            spacing_s = min(spacing_s, self._cost_s / CHECKPOINT_SHARE)
        elif not playing or self.kept[0].step == self.session.step:
            return math.inf
        return max(0.0, self._taken_at + spacing_s - now)

    def take_if_new(self) -> None:
        """Take one now, unless the newest is of this very moment."""
        is_old = (self.kept[0].step, self.kept[1]) != (self.session.step, self._history.made)
        if is_old or self.is_due or not self._has_told:
            self.take()

    def put(self, checkpoint: Checkpoint, edits: tuple[HandEdit, ...]) -> None:
        """Go on from `checkpoint`, to which the run went back: what was taken later is void."""
        self.kept = checkpoint, edits
        self.is_due = False
        self._tell()

    def take(self) -> None:
        """Take one now."""
        before = time.perf_counter()
        checkpoint = self.session.checkpoint()
        self.is_due = False
        self.kept = checkpoint, self._history.made
        if checkpoint.step == self.session.step:
            self._history.keep(checkpoint)
        self._tell()
        self._taken_at = time.perf_counter()
        self._cost_s = self._taken_at - before

    def _tell(self) -> None:
        self._has_told = True
        self._send(CheckpointTaken(self._run_id, *self.kept))
