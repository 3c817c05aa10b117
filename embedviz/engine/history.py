"""What was changed by hand in a run, and the states from which its past can be reached again. No torch."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from embedviz.checkpoint import Checkpoint
from embedviz.edits import HandEdit
from embedviz.errors import EmbedvizError

MOST_BYTES = 64 * 2**20  # of states for undoing, and the same again of recent ones
MOST_UNDOS = 100
MOST_RECENT = 32
MOST_EDITS = 1000  # each is told with every other: 150 kB by then


class NothingToUndoError(EmbedvizError):
    """There is no edit to take back, or to make again."""


class TooManyEditsError(EmbedvizError):
    """A run keeps no more edits than MOST_EDITS."""


class KeptState(NamedTuple):
    """A state of the run, and how many of its edits are in it."""

    checkpoint: Checkpoint
    edits: int


class States:
    """The newest states, so many and so many bytes at most; one too large alone is not kept."""

    def __init__(self, most: int, most_bytes: int = MOST_BYTES) -> None:
        self._states: deque[KeptState] = deque()
        self._most = most
        self._most_bytes = most_bytes

    def __iter__(self) -> Iterator[KeptState]:
        return iter(self._states)

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return sum(state.checkpoint.size for state in self._states)

    def keep(self, state: KeptState) -> None:
        """Keep `state` in place of any other of the same moment; let the oldest go."""
        self.drop(lambda other: (other.checkpoint.step, other.edits) == (state.checkpoint.step, state.edits))
        self._states.append(state)
        while len(self._states) > self._most or self.size > self._most_bytes:
            self._states.popleft()

    def put(self, other: "States") -> None:
        """Keep those that `other` keeps, and no others."""
        self._states = deque(other)

    def drop(self, unwanted: Callable[[KeptState], bool]) -> None:
        """Let go of those that are not wanted any more."""
        self._states = deque(state for state in self._states if not unwanted(state))


class EditHistory:
    """The edits of a run in order, those of them that were taken back, and states of its past.

    `applied` of `edits` are in the weights; those behind wait until the run, which is done again, reaches
    their step. All kept states lie on the way that leads here: a state (step, n) has the first n edits in it.
    """

    def __init__(self, start: Checkpoint, edits: Sequence[HandEdit] = ()) -> None:
        self.edits = list(edits)
        self.applied = len(self.edits)
        self.undone: list[tuple[HandEdit, ...]] = []  # what was taken back at once is made again at once
        self._start = KeptState(start, 0)
        self._before = States(MOST_UNDOS)  # each before an edit
        self._recent = States(MOST_RECENT)

    @property
    def pending(self) -> HandEdit | None:
        """The edit that the run, which is done again, has to make next."""
        return self.edits[self.applied] if self.applied < len(self.edits) else None

    @property
    def made(self) -> tuple[HandEdit, ...]:
        """The edits that are in the weights."""
        return tuple(self.edits[: self.applied])

    def copy(self) -> "EditHistory":
        """Return one of its own, to go back to; the states themselves are shared."""
        other = EditHistory(self._start.checkpoint)
        other.put(self)
        return other

    def put(self, other: "EditHistory") -> None:
        """Be as `other`."""
        self.edits, self.applied, self.undone = list(other.edits), other.applied, list(other.undone)
        self._before.put(other._before)
        self._recent.put(other._recent)

    def drop_pending(self) -> bool:
        """Forget the edits that were not made again; tell whether there were any."""
        found = self.applied < len(self.edits)
        del self.edits[self.applied :]
        return found

    def forget_undone(self) -> bool:
        """Let nothing be made again; tell whether something could have been."""
        found = bool(self.undone)
        self.undone.clear()
        return found

    def continues(self, edit: HandEdit, step: int) -> bool:
        """Tell whether `edit`, made now, goes on with the last one, as a drag does."""
        if not self.edits or self.pending or edit.kind != "cell":
            return False
        return replace(edit, step=step).continues(self.edits[-1])

    def check_room(self) -> None:
        """Raise TooManyEditsError if no edit more can be added."""
        if self.applied >= MOST_EDITS:
            raise TooManyEditsError(
                f"A run keeps up to {MOST_EDITS:,} changes by hand: undo some, or start again."
            )

    def add(self, edit: HandEdit, before: Checkpoint | None) -> None:
        """Note `edit`, which was made of the state `before`; without one it goes on with the last edit."""
        if before is None:
            edit = replace(edit, before=self.edits.pop().before)
            self.applied -= 1
        self.drop_pending()
        self._drop(self.applied, edit.step)
        if before is not None:
            self._before.keep(KeptState(before, self.applied))
        self.edits.append(edit)
        self.applied += 1

    def drop_void(self) -> KeptState | None:
        """Drop the last edit if what stood in its cell stands there again, as after a drag that was called off.

        Returns the state before it, to go on from; None, with nothing changed, if that is not at hand either.
        """
        if not self.made or self.pending or not _changes_nothing(self.edits[-1]):
            return None
        step, count = self.edits[-1].step, len(self.edits) - 1
        before = [kept for kept in self._before if (kept.checkpoint.step, kept.edits) == (step, count)]
        if not before:
            return None
        self._back_to(step, count)
        self._before.drop(lambda state: state is before[0])
        return before[0]

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep the state of this moment among the recent ones."""
        self._recent.keep(KeptState(checkpoint, self.applied))

    def undo(self) -> tuple[HandEdit, KeptState]:
        """Take the last edit back, with all others of its gesture.

        Returns the first of them, and the state to go on from to its step. Raises NothingToUndoError.
        """
        if not self.edits:
            raise NothingToUndoError("There is nothing to undo: nothing was changed by hand.")
        gesture = self.edits[-1].gesture
        others = takewhile(lambda edit: gesture and edit.gesture == gesture, reversed(self.edits))
        first = len(self.edits) - max(sum(1 for _ in others), 1)
        taken_back = tuple(self.edits[first:])
        self.undone.append(taken_back)
        return taken_back[0], self._back_to(taken_back[0].step, first)

    def redo(self) -> tuple[HandEdit, ...]:
        """Return the edits that were taken back last, to be made again. Raises NothingToUndoError."""
        if not self.undone:
            raise NothingToUndoError("There is nothing to make again: something else was done since.")
        return self.undone.pop()

    def back_to(self, step: int) -> KeptState:
        """Go back to `step` with the edits up to there, to 0 without any; return the state to go on from."""
        return self._back_to(step, sum(edit.step <= step for edit in self.edits) if step > 0 else 0)

    def fall_back(self, edits: Sequence[HandEdit]) -> None:
        """Only these `edits` are in the weights now: those behind have to be made again."""
        same = takewhile(lambda pair: pair[0] == pair[1], zip(edits, self.edits, strict=False))
        self.applied = sum(1 for _ in same)

    def _back_to(self, step: int, count: int) -> KeptState:
        del self.edits[count:]
        self._drop(count)
        known = [self._start, *self._before, *self._recent]
        on_the_way = [state for state in known if state.checkpoint.step <= step]
        state: KeptState = max(on_the_way, key=lambda state: (state.checkpoint.step, state.edits))
        self.applied = state.edits
        return state

    def _drop(self, count: int, step: int | None = None) -> None:
        """Let go of states with more than `count` edits in them, and of those after `step`."""
        for states in (self._before, self._recent):
            states.drop(lambda state: state.edits > count or (step is not None and state.checkpoint.step > step))


def _changes_nothing(edit: HandEdit) -> bool:
    same = np.float32(edit.value).tobytes() == np.float32(edit.before).tobytes()  # 0 and -0 are two
    return edit.kind == "cell" and same
