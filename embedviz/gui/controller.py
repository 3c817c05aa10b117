"""RunController: turns what a person asks for into commands, and what the trainer says into state."""

import itertools
import time

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.client import TrainerGoneError
from embedviz.engine.record import WayOn
from embedviz.gui.documents import Document
from embedviz.gui.limits import table_problem
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.start import start_snapshot
from embedviz.gui.state import AppState, Phase
from embedviz.gui.worker import TrainerDeath, TrainingWorker

FRAME_MS = 16  # 60 Hz and a little more: a frame that is not done is skipped by Qt
SILENCE_S = 5.0
SILENCE_CHECK_MS = 500
PACES: tuple[float | None, ...] = (1, 2, 5, 10, 20, 60, 200, 1000, None)


class RunController(QObject):
    """Owns the run: one at a time is shown. Everything here returns at once; the worker does the waiting."""

    frame = Signal()  # a frame timer's tick on which there was a newer snapshot
    predicted = Signal(object)  # the answer to Predict: m.Predicted, or m.Failed
    trainer_crashed = Signal(object)  # TrainerDeath, unless a person asked for it

    def __init__(
        self, state: AppState, worker: TrainingWorker, notices: Notices, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._worker = worker
        self._notices = notices
        self._run_numbers = itertools.count(1)
        self._sent_key = ""
        self.torch_version = ""  # as the trainer told it
        self.devices: tuple[str, ...] = ("cpu",)  # the same
        self._play_when_started = False
        self._has_ended = False
        self._is_end_wanted = False  # that of a trainer which was silent
        worker.event_received.connect(self._on_event)
        worker.died.connect(self._on_death)
        state.selection_changed.connect(self._watch)
        self._frames = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=FRAME_MS)
        self._frames.timeout.connect(self._show_newest)
        self._silence = QTimer(self, interval=SILENCE_CHECK_MS)
        self._silence.timeout.connect(self._check_silence)

    # --- runs ---------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the trainer process and the timers; what is loaded starts to wait for it."""
        if self._has_ended:
            return  # closed before the first picture was painted
        self._frames.start()
        self._silence.start()
        if not self._worker.isRunning():
            self._worker.start()

    def end(self) -> None:
        """Stop timers, trainer and thread, for good; returns when they are gone."""
        self._has_ended = True
        self._frames.stop()
        self._silence.stop()
        self._worker.stop()

    def open_document(self, document: Document, line: str, config: RunConfig) -> None:
        """Train on another text, or on the same cut otherwise: a new run, and the trainer forgets the old one."""
        self._state.config = config
        self._state.set_document(document, line)
        self._start(None)

    def restart(self, config: RunConfig) -> None:
        """Begin a new run of `config` at its step 0, on the document that is open and fits it."""
        if self._state.document is None:
            return
        other_context = config.block_size != self._state.config.block_size
        self._state.config = config
        self._start(None)
        if other_context:
            self._state.selection_changed.emit()

    def resume(self) -> None:
        """After the trainer died: start another one and go on from the last checkpoint."""
        record = self._state.record
        self._start(record.way_on() if record else None)

    def _start(self, way_on: WayOn | None) -> None:
        state = self._state
        checkpoint, edits, in_checkpoint = way_on or (None, (), None)
        document = state.document
        assert document is not None
        self._notices.withdraw("run")  # what was told of the last one
        if state.run.phase is Phase.LOST:
            self._sent_key = ""
            self._worker.start()
        if state.run.run_id and checkpoint is None:
            self.send(m.StopRun(state.run.run_id))
        run_id = state.run.run_id if checkpoint is not None else f"run-{next(self._run_numbers)}"
        problem = table_problem(state.config, document.vocab_size)
        if problem:
            state.snapshot = state.previous = state.record = None
            state.update_run(phase=Phase.REFUSED, run_id="", config=state.config, step=0, reading=None, reason="")
            state.show_trace(None)
            state.frame_shown.emit()
            self._notices.show(Notice(problem, topic="run"))
            return
        if self._sent_key != document.key:
            self.send(m.LoadDataset(document.key, document.dataset))
            self._sent_key = document.key
        self.send(m.StartRun(run_id, document.key, state.config, checkpoint, edits, in_checkpoint))
        state.record = self._worker.record(run_id)
        state.update_run(phase=Phase.WARMING, run_id=run_id, config=state.config, reason="")
        if checkpoint is None:
            state.snapshot = state.previous = None
            state.update_run(step=0, reading=None, parameters=0, choice="", edits=(), can_redo=False)
            state.update_run(parts=(), table_std=(), first_loss=None)
            state.show_trace(None)
            known = start_snapshot(run_id, state.config, document, state.context_ids)
            if known is not None:
                state.show_snapshot(known)
            else:
                state.frame_shown.emit()
        self.set_pace(state.pace)
        self._watch()

    # --- transport ----------------------------------------------------------------------------------

    @Slot()
    def play_or_pause(self) -> None:
        """Do what Space asks for."""
        phase = self._state.run.phase
        if phase is Phase.LOST:
            self.resume()
        elif phase is Phase.PLAYING:
            self._state.update_run(phase=Phase.PAUSING)
            self.send(m.Pause(self._state.run.run_id))
        elif phase is Phase.PAUSED:
            self._play()
        elif phase is Phase.WARMING:
            self._play_when_started = not self._play_when_started
            self._state.run_changed.emit()

    @property
    def will_play(self) -> bool:
        """True if playing was asked for before the trainer was warm."""
        return self._play_when_started

    def _play(self) -> None:
        until = self._state.until
        run = self._state.run
        if until.step is not None and run.step >= until.step:
            until = m.Until()  # it is there already: go on
        if until.converged and run.reading is not None and run.reason == "converged":
            until = m.Until()
        if until != self._state.until:
            self._state.set_until(until)  # what is chosen on screen is what happens
        self.send(m.Play(run.run_id, until))

    def step(self, steps: int = 1) -> None:
        """Take a few steps, then pause; a negative number goes back (by doing the run again up to there)."""
        if self._state.run.phase is not Phase.PAUSED:
            return
        if steps > 0:
            self.send(m.Advance(self._state.run.run_id, steps))
        else:
            self.go_to(max(0, self._state.run.step + steps))

    @Slot()
    def rewind(self) -> None:
        """Back to the very same start."""
        self.go_to(0)

    def go_to(self, step: int) -> None:
        """Go to a step and pause there."""
        if self._state.run.phase in (Phase.PAUSED, Phase.PLAYING, Phase.PAUSING):
            self.send(m.GoTo(self._state.run.run_id, step))

    def set_pace(self, pace: float | None) -> None:
        """Take so many steps a second; None for as many as it goes."""
        self._state.set_pace(pace)
        self.send(m.SetPace(self._state.run.run_id, pace))

    def set_until(self, until: m.Until) -> None:
        """Set when playing ends by itself, also for what plays already."""
        changed = until != self._state.until
        self._state.set_until(until)
        if changed and self._state.run.phase is Phase.PLAYING:
            self._play()

    def change_pace(self, faster: bool) -> None:
        """Take the next pace in the list."""
        place = PACES.index(self._state.pace) if self._state.pace in PACES else len(PACES) - 1
        self.set_pace(PACES[min(max(place + (1 if faster else -1), 0), len(PACES) - 1)])

    def set_wants_gradients(self, wanted: bool) -> None:
        """Ask for the gradients of the tables with every snapshot, or not any more."""
        if wanted != self._state.wants_gradients:
            self._state.wants_gradients = wanted
            self._watch()

    def set_wants_activations(self, wanted: bool) -> None:
        """Ask for the activations of hidden layers with every snapshot, or not any more."""
        if wanted != self._state.wants_activations:
            self._state.wants_activations = wanted
            self._watch()

    def set_wants_traces(self, wanted: bool) -> None:
        """Ask for traces of the steps, or not any more."""
        if wanted != self._state.wants_traces:
            self._state.wants_traces = wanted
            self._watch()

    def set_wants_layers(self, wanted: bool) -> None:
        """Ask for what the layers put out with every snapshot, or not any more."""
        if wanted != self._state.wants_layers:
            self._state.wants_layers = wanted
            self._watch()

    def watch_attention(self, layer: int) -> None:
        """Ask for what a layer of attention does with every snapshot; -1 for none."""
        if layer != self._state.attention_layer:
            self._state.attention_layer = layer
            self._watch()

    # --- the trainer --------------------------------------------------------------------------------

    def send(self, command: m.Command) -> None:
        """Tell the trainer; a notice says if there is none."""
        try:
            self._worker.send(command)
        except TrainerGoneError as error:
            self._notices.show(Notice(error.sentence, error.details))

    @Slot()
    def _watch(self) -> None:
        run_id = self._state.run.run_id
        if run_id:
            contexts: m.Array = np.atleast_2d(self._state.context_ids)  # (1, T)
            if contexts.shape[1] == 0:
                contexts = np.zeros((0, 1), np.int64)
            state = self._state
            wanted = state.wants_gradients, state.wants_activations, state.wants_traces
            layers = state.wants_layers, state.attention_layer
            self.send(m.Watch(run_id, contexts, *wanted, *layers))

    @Slot()
    def _show_newest(self) -> None:
        record = self._state.record
        snapshot = record.take_snapshot() if record else None
        if snapshot is not None and snapshot.run_id == self._state.run.run_id:
            self._state.show_snapshot(snapshot)
            self.frame.emit()

    @Slot(object)
    def _on_event(self, event: object) -> None:
        state = self._state
        if getattr(event, "run_id", None) not in (None, state.run.run_id):
            return
        if isinstance(event, m.Started):
            state.update_run(
                phase=Phase.PAUSED,
                config=event.config,
                step=event.step,
                parameters=event.parameters,
                floor=event.floor,
                uniform=event.uniform,
                reading=event.reading,
                reason="",
                choice=event.choice,
                edits=event.edits,
                can_redo=False,
                parts=event.parts,
                table_std=event.table_std,
                first_loss=event.first_loss,
            )
            if event.config.block_size != state.config.block_size:  # the text is shorter than that
                state.selection_changed.emit()
            if self._play_when_started:
                self._play_when_started = False
                self._play()
        elif isinstance(event, m.Playing):
            self._notices.withdraw("run")
            state.update_run(phase=Phase.PLAYING, reason="")
        elif isinstance(event, m.Paused):
            state.update_run(phase=Phase.PAUSED, step=event.step, reason=event.reason)
            if event.reason in ("diverged", "failed"):
                self._notices.show(Notice(event.sentence, event.details, topic="run"))
        elif isinstance(event, m.Ready):
            self.torch_version, self.devices = event.torch_version, event.devices
        elif isinstance(event, m.Predicted):
            self.predicted.emit(event)
        elif isinstance(event, m.Traced):
            state.show_trace(event.trace)
        elif isinstance(event, m.Edited):
            state.update_run(step=event.step, edits=event.edits, can_redo=event.can_redo)
        elif isinstance(event, m.Moved):
            state.update_run(config=event.config, step=event.step, choice="")
            self._notices.show(Notice(event.sentence, event.details, topic="device"))
        elif isinstance(event, m.Failed):
            if event.command == "Predict":
                self.predicted.emit(event)
            if event.command == "StartRun":
                state.update_run(phase=Phase.REFUSED)
            elif event.command == "Watch":  # what is shown would be of another step
                state.show_trace(None)
            self._notices.show(Notice(event.sentence, event.details, topic="run"))

    @Slot(object)
    def _on_death(self, death: TrainerDeath) -> None:
        was_wanted, self._is_end_wanted = self._is_end_wanted, False
        if not was_wanted:
            self.trainer_crashed.emit(death)
        state = self._state
        self._notices.withdraw("silence")
        record = state.record
        step = record.checkpoint.step if record and record.checkpoint else 0
        state.update_run(phase=Phase.LOST)
        self._notices.show(
            Notice(
                f"The trainer process ended unexpectedly ({how_it_ended(death)}). Nothing that was open is lost.",
                death.details,
                topic="run",
                action=f"Go on from step {step:,}",
                on_action=self.resume,
            )
        )

    def _end_trainer(self) -> None:
        self._is_end_wanted = True
        self._worker.end_trainer()

    @Slot()
    def _check_silence(self) -> None:
        heard = self._worker.last_heard
        busy = self._state.run.phase in (Phase.PLAYING, Phase.PAUSING)
        silent = busy and heard is not None and time.monotonic() - heard > SILENCE_S
        if silent:
            self._notices.show(
                Notice(
                    f"The trainer has said nothing for {SILENCE_S:.0f} seconds: a step may be a long one.",
                    topic="silence",
                    action="End it",
                    on_action=self._end_trainer,
                )
            )
        else:
            self._notices.withdraw("silence")


def how_it_ended(death: TrainerDeath) -> str:
    """Return "signal 9" or "exit code 1"."""
    code = death.exit_code if death.exit_code is not None else "unknown"
    return f"signal {-code}" if isinstance(code, int) and code < 0 else f"exit code {code}"
