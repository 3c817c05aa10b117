"""Child: the real window with four panels on a run that trains as fast as it goes."""

import json
import sys
import time
from pathlib import Path

import psutil
from PySide6.QtWidgets import QGraphicsView, QWidget

from embedviz.gui.state import Phase
from embedviz.gui.tour import wait_until
from tests.benchmarks.harness import answer
from tests.benchmarks.real_window import Heart, PaintCounter, real_window

VIEWS = ("lookupHeatmap", "rowStrip", "sumRows", "nextTokenBars")


def main() -> None:
    with real_window(Path(sys.argv[1]), sys.argv[2]) as parts:
        state = parts.state
        views = [parts.window.findChild(QWidget, name) for name in VIEWS]
        views = [view for view in views if view.isVisible()]  # rows, or their sums with positions
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
            beats = heart.stop()
            after_mb = process.memory_info().rss / 2**20
            parts.controller.play_or_pause()
            assert wait_until(lambda: state.run.phase is Phase.PAUSED, 10)
            answer(
                {
                    **beats,
                    "steps_per_second": (last - first) / took,
                    "paints_per_second": min(counter.paints for counter in counters) / took,
                    "grown_mb": after_mb - before_mb,
                    "rss_mb": after_mb,
                    "snapshots": record.snapshots_seen,
                }
            )


main()
