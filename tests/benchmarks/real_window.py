"""The real window with a run in it, and what tells how it feels: late beats, paints of newer steps."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget

from embedviz.config import RunConfig
from embedviz.engine.messages import Until
from embedviz.gui.app import Beginning, Parts, make_application, make_window
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.gui.tour import wait_until

BEAT_MS = 4


class PaintCounter(QObject):
    """Counts the paints of a widget that show a newer step than its paint before."""

    def __init__(self, widget: QWidget, state: AppState) -> None:
        super().__init__(widget)
        self._state = state
        self._step = -1
        self.paints = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._state.run.step > self._step:
            self._step = self._state.run.step
            self.paints += 1
        return False


class Heart(QObject):
    """Beats every few milliseconds; how late a beat comes is how long the event loop was busy."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def stop(self) -> dict[str, float]:
        """Return the 99th percentile and the maximum of what the beats were late by, in ms."""
        self._timer.stop()
        late = sorted(self.late_ms)
        self.deleteLater()
        return {"late_p99_ms": late[int(len(late) * 0.99)], "late_max_ms": late[-1]}

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


@contextmanager
def real_window(text: Path, config: str) -> Iterator[Parts]:
    """Show the window at 1920 x 1080 with a paused run of `config` (JSON), which says its device and threads.

    Traces are asked for, as ever.
    """
    make_application()
    parts = make_window(Settings(text.with_suffix(".ini")), mode="light", scale=1.0)
    beginning = Beginning(parts)
    parts.window.texts.open_path(text, wait=True)
    assert parts.state.document is not None
    wanted = RunConfig(**json.loads(config))
    parts.window.texts.apply(wanted)  # cuts the text again if need be
    parts.window.resize(1920, 1080)
    parts.window.show()
    state = parts.state
    assert wait_until(lambda: state.config == wanted and state.run.phase is Phase.PAUSED, 60)
    assert (state.run.config.device, state.run.config.threads) == ("cpu", 1)  # as the run beside it
    parts.controller.set_wants_traces(True)
    parts.controller.set_pace(None)
    state.set_until(Until())
    yield parts
    parts.close()
    beginning.deleteLater()
