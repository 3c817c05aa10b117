"""StepThrough: walks through the phases of a step, forwards and backwards across steps, by hand or by itself."""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from embedviz.gui.controller import RunController
from embedviz.gui.state import AppState, Phase

PHASE_MS = 1200  # that each phase is shown while they play


class StepThrough(QObject):
    """Where in a step one is is in the state (`trace`, `phase_index`); this moves it, and the run with it."""

    playing_changed = Signal(bool)

    def __init__(self, state: AppState, controller: RunController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._controller = controller
        self._timer = QTimer(self, interval=PHASE_MS)
        self._timer.timeout.connect(self.next)
        self._wanted: int | None = None  # the phase to show once the trace of another step is there
        self._left = -1  # the step that the run has not left yet on its way there
        state.trace_shown.connect(self._take_trace)
        state.run_changed.connect(self._take_run)

    @property
    def is_playing(self) -> bool:
        """True while the phases go by by themselves."""
        return self._timer.isActive()

    @Slot()
    def next(self) -> None:
        """Go to the next phase; after the last the step is taken, and the next one begins."""
        self._move(1)

    @Slot()
    def previous(self) -> None:
        """Go to the phase before; before the first, to the last of the step before."""
        self._move(-1)

    def show(self, index: int) -> None:
        """Go to a phase of this step; -1 for none."""
        self._state.show_phase(index)

    @Slot()
    def toggle_play(self) -> None:
        """Let the phases go by slowly, or stop that."""
        if self.is_playing:
            self.stop()
        elif self._state.run.phase in (Phase.PAUSED, Phase.PLAYING):
            self._timer.start()
            self.playing_changed.emit(True)
            self.next()

    def stop(self) -> None:
        """Stay at the phase that is shown."""
        if self.is_playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def _move(self, by: int) -> None:
        state, trace = self._state, self._state.trace
        if self._wanted is not None:
            return  # the run is on its way to that step, and plays for it
        if state.run.phase is Phase.PLAYING:
            self._controller.play_or_pause()  # a step can be walked through where the run stands still
            return
        if state.run.phase is not Phase.PAUSED or trace is None or trace.step != state.run.step:
            return  # that of the step where the run stands is under way
        index = state.phase_index + by
        if 0 <= index < len(trace.phases):
            state.show_phase(index)
        elif index >= len(trace.phases):
            self._wanted, self._left = 0, state.run.step
            self._controller.step(1)
        elif state.run.step > 0 and state.phase_index >= 0:
            self._wanted, self._left = -1, state.run.step
            self._controller.step(-1)

    @Slot()
    def _take_trace(self) -> None:
        trace, run, wanted = self._state.trace, self._state.run, self._wanted
        if trace is None:
            self._wanted = None  # there is none to wait for
        if trace is None or wanted is None or run.phase is not Phase.PAUSED:
            return
        if trace.step == run.step != self._left:
            self._wanted = None
            self._state.show_phase(wanted % len(trace.phases))

    @Slot()
    def _take_run(self) -> None:
        run = self._state.run
        if run.phase not in (Phase.PAUSED, Phase.PLAYING, Phase.PAUSING) or run.reason in ("diverged", "failed"):
            self._wanted = None
            self.stop()
        elif run.phase is Phase.PLAYING and self._wanted is None:
            self.stop()  # training was asked for: the next phase would pause it again
        elif run.phase is Phase.PLAYING:
            self._left = -1  # wherever it pauses now, it has arrived
        self._take_trace()  # which may have come before the pause
