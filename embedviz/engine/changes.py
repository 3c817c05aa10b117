"""What is done to a run between its steps: changes by hand, their repetition, and the way back."""

import time
from collections.abc import Callable
from itertools import takewhile

from embedviz.edits import HandEdit
from embedviz.engine.history import EditHistory, KeptState
from embedviz.engine.keeping import Keeper
from embedviz.engine.messages import Edited, Event, Rewound
from embedviz.engine.reading import LossReader
from embedviz.engine.telling import Teller
from embedviz.training.session import TrainingSession


class Changes:
    """Changes the weights of `session` between steps, notes that in `history`, and tells of it."""

    def __init__(
        self,
        run_id: str,
        session: TrainingSession,
        history: EditHistory,
        keeper: Keeper,
        reader: LossReader,
        teller: Teller,
        send: Callable[[Event], None],
    ) -> None:
        self.session = session
        self._run_id = run_id
        self._history = history
        self._keeper = keeper
        self._reader = reader
        self._teller = teller
        self._send = send

    def make(self, asked: HandEdit, playing: bool, again: bool = False) -> None:
        """Make an edit now. Raises HandEditError or TooManyEditsError, with nothing changed."""
        history, session = self._history, self.session
        drags = not again and history.continues(asked, session.step)
        if not drags:
            history.check_room()
        before = None if drags else session.state()
        history.add(session.edit(asked), before)
        void = history.drop_void() if drags else None
        if void is not None:  # called off: the weights are the same already, and this forgets it altogether
            session.restore(void.checkpoint)
        if not again:
            history.forget_undone()
        self._reader.forget()
        self._teller.changed(at_once=not drags)
        self._keeper.is_due = True
        if not drags or void is not None or self._keeper.seconds_to_next(time.perf_counter(), playing) <= 0:
            self._keeper.take()
        self.tell()

    def make_again(self, taken_back: tuple[HandEdit, ...]) -> int:
        """Make the edits again that were undone; those of later steps when the run is there, at the last of these.

        Returns that step.
        """
        step = self.session.step
        now = () if self._history.pending else tuple(takewhile(lambda edit: edit.step == step, taken_back))
        for edit in now:
            self.make(edit, playing=False, again=True)
        if later := taken_back[len(now) :]:
            self._history.edits.extend(later)
            self.tell()
        return taken_back[-1].step

    def make_pending(self) -> bool:
        """Make the edits again that were made at this step; tell whether there were any."""
        history, made = self._history, False
        while (edit := history.pending) is not None and edit.step <= self.session.step:
            self.session.edit(edit)
            history.applied += 1
            made = True
        return made

    def tell(self) -> None:
        """Say what was changed by hand."""
        history = self._history
        self._send(Edited(self._run_id, self.session.step, tuple(history.edits), bool(history.undone)))

    def return_to(self, state: KeptState) -> None:
        """Go back to a state of the past and make what edits follow at its step; later checkpoints are void."""
        self._teller.flush()
        self.session.restore(state.checkpoint)
        made_again = self.make_pending()
        self._keeper.put(state.checkpoint, tuple(self._history.edits[: state.edits]))
        self._keeper.is_due = made_again
        self.went()

    def went(self, is_back: bool = False) -> None:
        """Tell of the run where it is now; `is_back` if it went back, be it to the step that was told last."""
        is_back |= self.session.step != self._teller.told_step
        self._reader.forget()
        self._teller.went()
        if is_back:
            self._send(Rewound(self._run_id, self.session.step))
