"""What the window keeps of one run: the newest snapshot, every loss, readings, the last checkpoint."""

import threading
from itertools import takewhile
from typing import NamedTuple

from embedviz.analysis.history import LossHistory
from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.engine.messages import CheckpointTaken, Edited, Losses, Measured, Reading, Rewound
from embedviz.engine.snapshots import Snapshot

MOST_READINGS = 4096


class WayOn(NamedTuple):
    """Where a run goes on once its trainer is gone: the first `in_checkpoint` of `edits` are in `checkpoint`."""

    checkpoint: Checkpoint
    edits: tuple[HandEdit, ...]
    in_checkpoint: int


class RunRecord:
    """Fed on the thread that listens to the trainer, read on the one that paints; bounded.

    The mailbox holds one snapshot: a newer one replaces it, whoever was too busy to look. Losses are never
    replaced: LossHistory keeps them all, the older the coarser.
    """

    def __init__(self) -> None:
        self.losses = LossHistory()
        self.edits: tuple[HandEdit, ...] = ()  # what was changed by hand
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._readings: list[Reading] = []
        self._number = -1  # of the newest reading
        self._keep_every = 1  # the readings between stay only as long as they are the newest
        self._checkpoint: Checkpoint | None = None
        self._checkpoint_edits: tuple[HandEdit, ...] = ()
        self._snapshots_seen = 0

    def absorb(self, event: object) -> bool:
        """Take in `event` if it is one that only has to be kept; tell whether it was."""
        if isinstance(event, Snapshot):
            self._add_reading(event.reading)
            with self._lock:
                self._snapshot = event
                self._snapshots_seen += 1
        elif isinstance(event, Losses):
            self.losses.append(event.first_step, event.losses)
        elif isinstance(event, Measured):
            self._add_reading(event.reading)
        elif isinstance(event, CheckpointTaken):
            with self._lock:
                self._checkpoint, self._checkpoint_edits = event.checkpoint, event.edits
        else:
            if isinstance(event, Rewound):
                self._truncate(event.step)
            elif isinstance(event, Edited):
                self.edits = event.edits
            return False
        return True

    def start(self, step: int, reading: Reading, edits: tuple[HandEdit, ...] = ()) -> None:
        """Begin at `step`, with these `edits` made; what was recorded of later steps (before a crash) is void."""
        self._truncate(step)
        self.edits = edits
        self._add_reading(reading)

    def take_snapshot(self) -> Snapshot | None:
        """Empty the mailbox."""
        with self._lock:
            snapshot, self._snapshot = self._snapshot, None
            return snapshot

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint."""
        with self._lock:
            return self._checkpoint

    def way_on(self) -> WayOn | None:
        """Return the newest checkpoint, with the edits that are in it and those that are newer, at its step.

        The trainer tells of a change first, and of the checkpoint that has it when there is time for one.
        """
        with self._lock:
            checkpoint, kept = self._checkpoint, self._checkpoint_edits
        if checkpoint is None:
            return None
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(kept, self.edits, strict=False)))
        newer = tuple(takewhile(lambda edit: edit.step <= checkpoint.step, self.edits[same:]))
        goes_on = same == len(kept) - 1 and bool(newer) and newer[0].continues(kept[-1])  # a drag
        if same < len(kept) and not goes_on:
            return WayOn(checkpoint, kept, len(kept))  # these were dropped since: it is as the checkpoint has it
        return WayOn(checkpoint, (*kept[:same], *newer), same)

    @property
    def snapshots_seen(self) -> int:
        """How many snapshots have arrived, shown or not."""
        with self._lock:
            return self._snapshots_seen

    def readings(self) -> list[Reading]:
        """Return the readings by step; thinned out evenly where there were too many."""
        with self._lock:
            return list(self._readings)

    def _add_reading(self, reading: Reading) -> None:
        with self._lock:
            last = self._readings[-1].step if self._readings else -1
            if reading.step <= last:
                if reading.step == last:  # else a snapshot brought it along once more
                    self._readings[-1] = reading
                return
            if self._number % self._keep_every:
                self._readings.pop()
            self._readings.append(reading)
            self._number += 1
            if len(self._readings) > MOST_READINGS:
                del self._readings[1:-1:2]  # the first and the last always stay
                self._keep_every *= 2

    def _truncate(self, step: int) -> None:
        self.losses.truncate(step)
        with self._lock:
            self._snapshot = None
            self._readings = [reading for reading in self._readings if reading.step <= step]
            self._number = 0 if self._readings else -1  # what is the last now stays
            if len(self._readings) < 2:
                self._keep_every = 1
