"""Child: the real window while the phases of its steps play by themselves, faster than for a person."""

import json
import sys
import time
from pathlib import Path

from embedviz.gui import step_through
from embedviz.gui.tour import wait_until
from tests.benchmarks.harness import answer
from tests.benchmarks.real_window import Heart, real_window

PHASE_MS = 100


def main() -> None:
    step_through.PHASE_MS = PHASE_MS
    with real_window(Path(sys.argv[1]), sys.argv[2]) as parts:
        state, steps = parts.state, parts.window.steps
        assert wait_until(lambda: state.trace is not None, 10)
        for line in sys.stdin:
            shown = set()

            def note(shown: set[tuple[int, int]] = shown) -> None:
                if state.phase is not None:
                    shown.add((state.trace.step, state.phase_index))

            steps.toggle_play()
            wait_until(lambda: False, 1.0)
            state.trace_shown.connect(note)
            heart = Heart()
            begin = time.perf_counter()
            wait_until(lambda: False, json.loads(line)["seconds"])
            took = time.perf_counter() - begin
            beats = heart.stop()
            steps.stop()
            state.trace_shown.disconnect(note)
            answer({**beats, "phases_per_second": len(shown) / took, "steps": len({step for step, _ in shown})})


main()
