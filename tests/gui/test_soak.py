"""The real window for long: trained as fast as it goes, clicked through all the while, and nothing piles up."""

import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from embedviz.engine.messages import Until
from embedviz.gui.app import Beginning, make_window
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
from embedviz.gui.table_view import modes_of
from embedviz.gui.tour import wait_until

ROUNDS = 12
ROUND_S = 3.0
WARM_ROUNDS = 4  # caches fill, fonts load
MOST_GROWTH_MB = 25.0
PATIENCE_S = 60.0


@pytest.mark.slow
def test_a_long_run_is_bounded_and_complete(qapp: QApplication, tmp_path: Path) -> None:
    parts = make_window(Settings(tmp_path / "settings.ini"), mode="light", scale=1.0)
    beginning = Beginning(parts)
    state, controller, process = parts.state, parts.controller, psutil.Process()
    table = parts.window.panel("Lookup table")
    assert isinstance(table, LookupTablePanel)
    try:
        parts.window.texts.open_sample("fables", wait=True)
        parts.window.resize(1366, 768)
        parts.window.show()
        assert wait_until(lambda: state.run.phase is Phase.PAUSED, PATIENCE_S)
        controller.restart(state.config.replace(batch_size=32, lr=0.01))
        assert wait_until(lambda: state.run.phase is Phase.PAUSED, PATIENCE_S)
        state.set_until(Until())
        controller.set_pace(None)
        controller.play_or_pause()
        grown_from = 0.0
        modes = modes_of(state.config)
        for number in range(ROUNDS):
            table.mode.set_value(modes[number % len(modes)])
            state.set_line(f"round {number} of the soak")
            state.select(number % len(state.line_ids))
            parts.theme.set_mode("dark" if number % 2 else "light")
            end = time.monotonic() + ROUND_S
            wait_until(lambda end=end: time.monotonic() > end, 2 * ROUND_S)  # type: ignore[misc]
            if number == WARM_ROUNDS:
                grown_from = process.memory_info().rss / 2**20
        grown_mb = process.memory_info().rss / 2**20 - grown_from
        controller.play_or_pause()
        assert wait_until(lambda: state.run.phase is Phase.PAUSED, PATIENCE_S)
        record = state.record
        assert record is not None
        assert record.losses.count == state.run.step > 10_000
        assert len(record.readings()) <= 4096
        assert grown_mb < MOST_GROWTH_MB
        assert parts.notices.pending == []
    finally:
        parts.close()
        for thing in (
            beginning,
            parts.window,
            parts.controller,
            parts.worker,
            parts.state,
            parts.notices,
            parts.theme,
        ):
            thing.deleteLater()
    assert not [child for child in process.children() if "--trainer" in child.cmdline()]
