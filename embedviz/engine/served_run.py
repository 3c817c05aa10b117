"""One run inside the trainer: takes steps at its pace, goes to and fro, and is changed by hand."""

import math
import time
from collections.abc import Callable, Sequence, Sized
from typing import NamedTuple

from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.engine.changes import Changes
from embedviz.engine.history import EditHistory, KeptState
from embedviz.engine.keeping import Keeper
from embedviz.engine.messages import Event, Moved, Paused, Playing, Started, Until, Watch
from embedviz.engine.pace import Pace
from embedviz.engine.reading import CHEAP_READING_S, LossReader
from embedviz.engine.telling import Teller
from embedviz.training.guard import DivergenceError
from embedviz.training.session import TrainingSession

MARK_GROWTH = 1.3  # readings are taken at steps 1, 2, 3, 4, 5, 6, 7, 9, 11, 14, ... whatever the clock says


class Mark(NamedTuple):
    """What a run was about before a command."""

    history: EditHistory
    playing: bool
    until: Until


class ServedRun:
    """A session, whether and how fast it plays, and what was done to it by hand.

    The first `in_checkpoint` of `edits` are in `checkpoint`, all if None: with them the run goes on from there,
    and rewinding still leads to the very same start. Others of its step are made again.
    """

    def __init__(
        self,
        run_id: str,
        session: TrainingSession,
        send: Callable[[Event], None],
        checkpoint: Checkpoint | None = None,
        edits: Sequence[HandEdit] = (),
        in_checkpoint: int | None = None,
    ) -> None:
        self.run_id = run_id
        self.session = session
        self.playing = False
        self._pace = Pace()
        self._send = send
        self._until = Until()
        self._ending: tuple[str, str, str] | None = None  # what Paused is about to say
        start = session.checkpoint()
        if checkpoint is not None:
            session.restore(checkpoint)
        known = len(edits) if in_checkpoint is None else in_checkpoint
        self._history = EditHistory(start, [edit for edit in edits[:known] if edit.step <= session.step])
        self._keeper = Keeper(run_id, session, self._history, send, checkpoint or start)
        self._reader = LossReader(session)
        self._teller = Teller(run_id, session, self._reader, send)
        self._changes = Changes(run_id, session, self._history, self._keeper, self._reader, self._teller, send)
        self._history.edits += [edit for edit in edits[known:] if edit.step == session.step]
        if self._changes.make_pending():
            self._reader.read(math.inf)
            self._keeper.is_due = True
        self.file = self._teller.file
        self._next_mark = self._look_at = self._next_verdict = 1

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
            self._reader.reading,
            str(self.file.path),
            self.file.size,
            session.choice,
            self._history.made,
            tuple(session.start.parts.items()),
            tuple(session.start.table_std.items()),
            session.start.first_loss,
        )

    # --- transport ----------------------------------------------------------------------------------

    def play(self, until: Until, hurried: bool = False) -> None:
        """Take steps from now on, until `until`, and say so; whatever the pace if `hurried`."""
        if self._history.forget_undone():
            self._changes.tell()
        self._play(until, hurried)

    def pause(self, reason: str = "asked", sentence: str = "", details: str = "") -> None:
        """Take no more steps; show the step where it stopped."""
        self._ending = reason, sentence, details
        self.playing = False
        self._teller.end()
        if self._history.drop_pending():
            self._changes.tell()
        self._teller.measure(math.inf)
        self._keeper.take_if_new()
        self._send(Paused(self.run_id, self.session.step, reason, sentence, details))
        self._ending = None

    def fail(self, sentence: str, details: str) -> None:
        """Take no more steps, after something went wrong."""
        self.playing = False
        self._ending = None
        self._teller.flush()
        self._send(Paused(self.run_id, self.session.step, "failed", sentence, details))

    def go_to(self, step: int) -> None:
        """Go to `step` as fast as it goes: on from here, or again from a state that is known.

        Edits that were made later are dropped; at step 0 the run is the very same start, without any.
        """
        step, history = max(step, 0), self._history
        told = len(history.edits), bool(history.undone)
        history.forget_undone()
        if step < self.session.step or (step == 0 and history.edits):
            self._return_to(history.back_to(step))
        if told != (len(history.edits), False):
            self._changes.tell()
        self._go_on_to(step)

    def watch(self, command: Watch) -> None:
        """Tell of these contexts, and what else is asked for, from now on."""
        self._teller.watch(command)

    def set_pace(self, steps_per_second: float | None) -> None:
        """Take this many steps a second from now on; None for as many as it goes."""
        self._pace.set(steps_per_second)

    def mark(self) -> Mark:
        """Return what a command may change, lest half of it is done: see move()."""
        return Mark(self._history.copy(), self.playing, self._until)

    def move(self, session: TrainingSession, what: str, details: str, mark: Mark | None = None) -> None:
        """Go on with another session, from the last checkpoint, since the device of the old one failed.

        With a `mark` the run is as it was then: the command that failed is yet to be carried out.
        """
        self._teller.flush()
        if mark is not None:
            self._history.put(mark.history)
            self.playing, self._until, self._ending = mark.playing, mark.until, None
        checkpoint, edits = self._keeper.kept
        session.restore(checkpoint)
        self.session = self._reader.session = self._keeper.session = self._changes.session = session
        self._teller.move(session)
        self._history.fall_back(edits)
        self._changes.make_pending()
        self.say_moved(what, details)
        self._changes.went()
        self._changes.tell()
        self._next_mark = session.step + 1
        ending, self._ending = self._ending, None
        if ending is not None and ending[0] == "step" and session.step < (self._until.step or 0):
            self.playing = True  # up to that step, once more
        elif ending is not None:
            self.pause(*ending)
        self._plan_look()

    def say_moved(self, what: str, details: str) -> None:
        """Say that the CPU computes now, since `what` happened: "The device cuda:0 ran out of memory"."""
        config, step = self.session.config, self.session.step
        sentence = f"{what}: training goes on with the CPU from step {step:,}."
        self._send(Moved(self.run_id, config, step, sentence, details))

    # --- by hand ------------------------------------------------------------------------------------

    def edit(self, asked: HandEdit) -> None:
        """Change a table by hand, now. Raises HandEditError or TooManyEditsError, with nothing changed."""
        self._changes.make(asked, self.playing)
        self._plan_look()

    def undo(self) -> None:
        """Take the last edit or gesture back, and all steps taken since. Raises NothingToUndoError."""
        edit, state = self._history.undo()
        self.playing = False
        self._return_to(state)
        self._changes.tell()
        self._go_on_to(edit.step)

    def redo(self) -> None:
        """Make again what was taken back last. Raises NothingToUndoError."""
        step = self._changes.make_again(self._history.redo())
        if self._history.pending is None:
            self._plan_look()
        else:
            self._go_on_to(step)

    # --- steps --------------------------------------------------------------------------------------

    def seconds_to_next_step(self, now: float) -> float:
        """Return how long there is nothing to compute; infinite while paused."""
        return self._pace.seconds_to_next(now) if self.playing else math.inf

    def seconds_until_due(self, now: float) -> float:
        """Return how long there is neither a step to take nor anything to say."""
        told = self._teller.seconds_until_due(now, self.playing, self._pace.steps_per_second)
        return min(self.seconds_to_next_step(now), told, self._keeper.seconds_to_next(now, self.playing))

    def seconds_to_telling(self, now: float) -> float:
        """Return how long it is until a snapshot may be written, or the file looked at again."""
        return self._teller.seconds_to_snapshot(now)

    def take_steps(self, end: float, waiting: Sized) -> None:
        """Take what steps are due until the clock says `end` or commands are `waiting`; at least the first.

        The loop itself is bare: what is looked at now and then is looked at when `_look_at` is reached.
        """
        session, losses = self.session, self._teller.losses
        if not self._pace.allows(time.perf_counter()):
            return
        is_free = self._pace.steps_per_second is None
        try:
            while self.playing:
                losses.append(next(session).loss)
                if session.step >= self._look_at:
                    self._look()
                if not is_free or waiting or time.perf_counter() >= end:
                    return
        except DivergenceError as error:
            self._teller.flush()
            self._changes.went(is_back=True)
            self._next_mark = session.step + 1
            self.pause("diverged", error.sentence, error.details)

    def tell(self, now: float) -> None:
        """Say what is due."""
        if self._keeper.seconds_to_next(now, self.playing) <= 0:
            self._keeper.take()
        self._teller.tell(now, self.playing, self._pace.steps_per_second)

    def _look(self) -> None:
        """After a step: read the losses at the marks, give a verdict now and then, pause where `until` says so."""
        step, reader = self.session.step, self._reader
        if self._changes.make_pending():
            reader.forget()
        if step >= self._next_mark:  # the beginning of the curve, however fast it passes
            self._next_mark = max(step + 1, int(step * MARK_GROWTH))
            if reader.cost_s < CHEAP_READING_S:
                self._teller.measure(reader.budget_in_between)
        if step >= self._next_verdict:
            verdict = reader.judge(step - 1, self._teller.losses[-1])
            if self._until.converged and verdict.kind != "learning":
                self.pause("converged", verdict.sentence)
        if self.playing and self._until.step is not None and step >= self._until.step:
            self.pause("step")
        self._plan_look()

    def _plan_look(self) -> None:
        step, pending = self.session.step, self._history.pending
        self._next_verdict = self._reader.next_verdict(step)
        end = self._next_verdict if self._until.step is None else max(self._until.step, step + 1)
        edit = end if pending is None else max(pending.step, step + 1)
        self._look_at = min(self._next_mark, self._next_verdict, end, edit)

    def _play(self, until: Until, hurried: bool) -> None:
        self._until = until
        self.playing = True
        now = time.perf_counter()
        self._pace.begin(now, hurried)
        self._teller.begin(now)
        self._reader.begin_anew()
        self._plan_look()
        self._send(Playing(self.run_id, self.session.step))

    def _go_on_to(self, step: int) -> None:
        if step > self.session.step:
            self._play(Until(step=step), hurried=True)
        else:
            self.pause()

    def _return_to(self, state: KeptState) -> None:
        self._changes.return_to(state)
        self._next_mark = self.session.step + 1
