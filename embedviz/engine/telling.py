"""What is said of a run, and when: losses, snapshots and traces, each within its share of the trainer's time."""

import math
import time
from collections.abc import Callable, Mapping

import numpy as np

from embedviz.engine.messages import Array, Event, Losses, Measured, SnapshotWritten, Watch
from embedviz.engine.reading import LossReader
from embedviz.engine.snapshots import SnapshotFile, room_for
from embedviz.engine.tracing import StepTeller
from embedviz.training.looking import MOST_ATTENDED
from embedviz.training.session import TrainingSession

SNAPSHOT_SPACING_S = 1 / 61  # as fast as a 60 Hz screen asks for them
SNAPSHOT_SHARE = 0.025  # of the trainer's time, at most: 0.35 ms of a bigram's then come sixty times a second
SLOW_PACE = 60.0
RATE_WINDOW_S, FIRST_RATE_WINDOW_S = 0.5, 0.1
LOOK_AGAIN_S = 0.005  # while there is nothing to do but to wait until a snapshot is taken
LOSSES_AT_ONCE = 4096
MOST_CONTEXTS = 16


class Teller:
    """Knows what of a run the window has not heard yet, and says it. `losses` are filled by who takes the steps.

    `pace` is in steps a second, None for as fast as it goes.
    """

    def __init__(
        self, run_id: str, session: TrainingSession, reader: LossReader, send: Callable[[Event], None]
    ) -> None:
        self.losses: list[float] = []
        self.file = SnapshotFile.create(_room_for(session))
        self._run_id = run_id
        self._session = session
        self._reader = reader
        self._send = send
        self._steps = StepTeller(run_id, session, send)
        self._first_loss_step = session.step
        self._contexts: Array = np.zeros((0, 1), np.int64)
        self._watch_gradients = self._watch_activations = self._watch_layers = False
        self._attention_layer = -1
        self._attended: Array = np.zeros(0, np.int64)  # the first context, or a longer one that begins with it
        self._wants_snapshot = True
        self._shown_step = -1
        self._snapshot_at = -math.inf
        self._snapshot_cost = 0.0
        self._rate = 0.0
        self._rate_from = (0.0, session.step)

    @property
    def told_step(self) -> int:
        """The step at which the window has the run, once flush() was called."""
        return self._first_loss_step

    # --- what happens to the run --------------------------------------------------------------------

    def watch(self, command: Watch) -> None:
        """Tell of these contexts, and what else is asked for, from now on; show the step again so."""
        self._contexts = command.contexts[:MOST_CONTEXTS, -self._session.config.block_size :]
        self._watch_gradients, self._watch_activations = command.gradients, command.activations
        self._watch_layers, self._attention_layer = command.layers, command.attention
        self._attended = self._to_attend()
        self._steps.watch(self._contexts, command.traces)
        self._wants_snapshot = True

    def begin(self, now: float) -> None:
        """Measure the rate of the steps that are taken from now on."""
        self._rate_from = (now, self._session.step)

    def end(self) -> None:
        """Say what is left, and show where the run stands."""
        self._rate = 0.0
        self.flush()
        self._wants_snapshot = True
        self._steps.paused()

    def changed(self, at_once: bool) -> None:
        """Show this step again, whose weights have changed; trace it without delay if `at_once`."""
        self._wants_snapshot = True
        self._steps.renew(at_once)

    def went(self) -> None:
        """Go on from the step at which the run is now."""
        self.losses.clear()
        self._first_loss_step = self._session.step
        self.begin(time.perf_counter())
        self.changed(at_once=True)

    def move(self, session: TrainingSession) -> None:
        """Tell of another session of the same run from now on."""
        self._session = self._steps.session = session

    # --- telling ------------------------------------------------------------------------------------

    def seconds_until_due(self, now: float, playing: bool, pace: float | None) -> float:
        """Return how long there is nothing to say."""
        if self._wants_snapshot or self._session.step != self._shown_step:
            return self.seconds_to_snapshot(now)
        renewal_s = math.inf if playing else self._reader.seconds_to_renewal(now)  # else it goes with a snapshot
        return min(renewal_s, self._steps.seconds_to_trace(now, playing, pace))

    def seconds_to_snapshot(self, now: float) -> float:
        """Return how long it is until a snapshot may be written, or the file looked at again."""
        due_in_s = max(0.0, self._snapshot_at + self._snapshot_spacing_s() - now)
        return due_in_s if self.file.is_free else max(due_in_s, LOOK_AGAIN_S)

    def tell(self, now: float, playing: bool, pace: float | None) -> None:
        """Say what is due."""
        if len(self.losses) >= LOSSES_AT_ONCE:
            self.flush()
        if not playing and self._reader.seconds_to_renewal(now) <= 0:
            self.measure(math.inf)
            self._wants_snapshot = True
        is_new = self._session.step != self._shown_step and now - self._snapshot_at >= self._snapshot_spacing_s()
        if self.file.is_free and (self._wants_snapshot or is_new):
            if playing:
                self._reader.read_in_turn(now, slow=pace is not None and pace <= SLOW_PACE)  # goes along
            self._snapshot(playing)
        is_shown = self._shown_step == self._session.step and not self._wants_snapshot
        if is_shown and self._steps.seconds_to_trace(now, playing, pace) <= 0:
            self._steps.trace()

    def measure(self, budget_s: float) -> None:
        """Take a reading now, and say it."""
        self._send(Measured(self._run_id, self._reader.read(budget_s)))

    def flush(self) -> None:
        """Say the losses that have not been said."""
        losses = self._take_losses()
        if losses is not None:
            self._send(losses)

    def _snapshot_spacing_s(self) -> float:
        return max(SNAPSHOT_SPACING_S, self._snapshot_cost / SNAPSHOT_SHARE)

    def _snapshot(self, playing: bool) -> None:
        before = time.perf_counter()
        session = self._session
        self._wants_snapshot = False  # also if this fails: it is tried once
        self._shown_step = session.step
        arrays, attended = self._arrays()
        layout = self.file.write(arrays)
        rate = self._steps_per_second(before, playing)
        losses, reading = self._take_losses(), self._reader.reading
        self._send(SnapshotWritten(self._run_id, session.step, rate, reading, layout, losses, attended))
        self._snapshot_at = time.perf_counter()
        self._snapshot_cost = 0.8 * self._snapshot_cost + 0.2 * (self._snapshot_at - before)

    def _arrays(self) -> tuple[dict[str, Array], int]:
        """Return what the window is shown of this step, and of which layer of attention, -1 for none."""
        session, contexts = self._session, self._contexts
        arrays = _named("table", session.live_tables())
        if self._watch_gradients:
            arrays |= _named("gradient", session.table_gradients())
        if self._watch_activations:
            arrays |= _named("activations of", session.activations())
        if self._watch_layers:
            arrays |= _named("layer", session.layer_stats())
        attention = session.attention(contexts[0], self._attention_layer) if len(contexts) else {}
        arrays |= _named("attention", attention)
        if attention and len(self._attended) > contexts.shape[1]:
            arrays |= _named("attention longer", session.attention(self._attended, self._attention_layer))
            arrays["attention longer read"] = session.pad(self._attended[None])[0]
        arrays["contexts"] = contexts
        nothing = np.zeros((0, session.vocab_size), np.float32)
        arrays["logits"] = session.logits(contexts) if len(contexts) else nothing
        return arrays, self._attention_layer if attention else -1

    def _to_attend(self) -> Array:
        """Return the context whose attention is told: one looked at already, if the first is a part of it.

        So the maps stay while a person selects one of their rows after another. It goes where the last positions
        that are told of it lack that row, and where the model would read the two from different places on.
        """
        is_looked_at = self._attention_layer >= 0 and len(self._contexts)
        context: Array = self._contexts[0] if is_looked_at else np.zeros(0, np.int64)
        longer = self._attended
        if not 0 < len(context) < len(longer):
            return context
        read, all_read = (self._session.pad(ids[None])[0] for ids in (context, longer))
        is_told = len(read) > len(all_read) - MOST_ATTENDED
        return longer if is_told and np.array_equal(all_read[: len(read)], read) else context

    def _steps_per_second(self, now: float, playing: bool) -> float:
        since, step = self._rate_from
        if playing and now - since >= (RATE_WINDOW_S if self._rate else FIRST_RATE_WINDOW_S):
            self._rate = (self._session.step - step) / (now - since)
            self._rate_from = (now, self._session.step)
        return self._rate

    def _take_losses(self) -> Losses | None:
        if not self.losses:
            return None
        losses = Losses(self._run_id, self._first_loss_step, np.array(self.losses))
        self._first_loss_step += len(self.losses)
        self.losses.clear()
        return losses


def _room_for(session: TrainingSession) -> int:
    """Return the bytes that the largest snapshot of the session takes."""
    tables = _shapes(session.live_tables())
    gradients = {f"gradient of {name}": spec for name, spec in tables.items()}
    watched: dict[str, tuple[tuple[int, ...], type]] = {
        "contexts": ((MOST_CONTEXTS, session.config.block_size), np.int64),
        "logits": ((MOST_CONTEXTS, session.vocab_size), np.float32),
    }
    hidden = _named("activations of", session.activations()) | _named("layer", session.layer_stats())
    longest = np.zeros(session.config.block_size, np.int64)
    attended = session.attention(longest, 0)  # all layers are alike
    attention = _named("attention", attended) | _named("attention longer", attended)
    watched["attention longer read"] = ((session.config.block_size,), np.int64)
    return room_for({**tables, **gradients, **watched, **_shapes({**hidden, **attention})})


def _shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[tuple[int, ...], type]]:
    return {name: (array.shape, np.float32) for name, array in arrays.items()}


def _named(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{prefix} {name}": array for name, array in arrays.items()}
