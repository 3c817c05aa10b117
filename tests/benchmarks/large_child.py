"""Child: the real window with a large table that trains, while a pointer moves over it."""

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from embedviz.gui.state import Phase
from embedviz.gui.tour import wait_until
from tests.benchmarks.harness import answer
from tests.benchmarks.real_window import Heart, real_window

MOVE_MS = 16


class Pointer(QObject):
    """Moves over a widget, sixty times a second, and counts its paints."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.paints = 0
        self._widget = widget
        self._moves = 0
        widget.installEventFilter(self)
        self._timer = QTimer(self, interval=MOVE_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)
        self._timer.start()

    def stop(self) -> int:
        """Leave the widget; return how often it was painted meanwhile."""
        self._timer.stop()
        self._widget.removeEventFilter(self)
        self.deleteLater()
        return self.paints

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.paints += event.type() == QEvent.Type.Paint
        return False

    def _move(self) -> None:
        self._moves += 1
        size = self._widget.size()
        x, y = 60 + self._moves * 7 % (size.width() - 120), 40 + self._moves * 11 % (size.height() - 80)
        none = Qt.MouseButton.NoButton
        at = QPointF(x, y)
        where = QPointF(self._widget.mapToGlobal(at.toPoint()))
        move = QMouseEvent(QEvent.Type.MouseMove, at, where, none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._widget, move)


class BusyHeart(Heart):
    """Measures too how much of the processor the window's thread takes between two beats, in ms."""

    def __init__(self) -> None:
        super().__init__()
        self.busy_ms: list[float] = []
        self._used = time.thread_time()

    def _beat(self) -> None:
        super()._beat()
        used = time.thread_time()
        self.busy_ms.append((used - self._used) * 1000)
        self._used = used


def main() -> None:
    with real_window(Path(sys.argv[1]), sys.argv[2]) as parts:
        state = parts.state
        heatmap = parts.window.findChild(QWidget, "lookupHeatmap")
        for line in sys.stdin:
            seconds = json.loads(line)["seconds"]
            parts.controller.play_or_pause()
            wait_until(lambda: False, 1.0)
            record = state.record
            pointer, heart = Pointer(heatmap), BusyHeart()
            first, seen, begin = record.losses.last_step, record.snapshots_seen, time.perf_counter()
            wait_until(lambda: False, seconds)
            took = time.perf_counter() - begin
            steps, shown = record.losses.last_step - first, record.snapshots_seen - seen
            busy, paints, beats = max(heart.busy_ms), pointer.stop(), heart.stop()
            parts.controller.play_or_pause()
            assert wait_until(lambda: state.run.phase is Phase.PAUSED, 30)
            answer(
                {
                    **beats,
                    "busy_max_ms": busy,
                    "paints_per_second": paints / took,
                    "snapshots_per_second": shown / took,
                    "steps_per_second": steps / took,
                }
            )


if __name__ == "__main__":
    main()
