"""Child: the real window with four panels on a run that trains as fast as it goes."""

import json
import sys
import time
from pathlib import Path

import psutil
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QGraphicsView, QWidget

from embedviz.config import RunConfig
from embedviz.engine.messages import Until
from embedviz.gui.app import Beginning, make_application, make_window
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.gui.tour import wait_until
from tests.benchmarks.harness import answer

BEAT_MS = 4
SAMPLE_S = 1.0


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

    def _beat(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


def main() -> None:
    make_application()
    settings = Settings(Path(sys.argv[1]).with_suffix(".ini"))
    parts = make_window(settings, mode="light", scale=1.0)
    beginning = Beginning(parts)
    parts.window.texts.open_path(Path(sys.argv[1]), wait=True)
    assert parts.state.document is not None
    parts.controller.restart(RunConfig(**json.loads(sys.argv[2])))
    parts.window.resize(1920, 1080)
    parts.window.show()
    state = parts.state
    assert wait_until(lambda: state.run.phase is Phase.PAUSED, 60)
    parts.controller.set_pace(None)
    state.set_until(Until())
    views = [parts.window.findChild(QWidget, name) for name in ("lookupHeatmap", "rowStrip", "nextTokenBars")]
    views.append(parts.window.findChild(QGraphicsView).viewport())  # the loss curve's
    process = psutil.Process()
    for line in sys.stdin:
        question = json.loads(line)
        parts.controller.play_or_pause()
        wait_until(lambda: False, question.get("warm_s", 1.0))
        before_mb = process.memory_info().rss / 2**20
        record = state.record
        counters = [PaintCounter(view, state) for view in views]
        heart = Heart()
        first, begin = record.losses.last_step, time.perf_counter()
        wait_until(lambda: False, question["seconds"])
        last, took = record.losses.last_step, time.perf_counter() - begin
        late = sorted(heart.late_ms)
        heart.deleteLater()
        after_mb = process.memory_info().rss / 2**20
        parts.controller.play_or_pause()
        assert wait_until(lambda: state.run.phase is Phase.PAUSED, 10)
        answer(
            {
                "steps_per_second": (last - first) / took,
                "paints_per_second": min(counter.paints for counter in counters) / took,
                "late_p99_ms": late[int(len(late) * 0.99)],
                "late_max_ms": late[-1],
                "grown_mb": after_mb - before_mb,
                "rss_mb": after_mb,
                "snapshots": record.snapshots_seen,
            }
        )
    parts.close()
    beginning.deleteLater()


main()
