"""What the layers put out, as the trainer sends it."""

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from embedviz.analysis.layers import summarize_layer
from embedviz.engine.messages import Reading
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.layers_view import NOT_STARTED, WAITING, LayersView
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme

STATS = {
    "rows": summarize_layer(np.array([-1.0, 1.0], np.float32)),
    "norm": summarize_layer(np.ones(3, np.float32)),
}


@pytest.fixture
def state() -> Iterator[AppState]:
    made = AppState()
    made.wants_layers = True
    yield made
    made.deleteLater()


@pytest.fixture
def view(state: AppState, qtbot: QtBot) -> LayersView:
    made = LayersView(state, Theme("light"))
    qtbot.addWidget(made)
    made.resize(401, 177)
    made.show()
    return made


def show(state: AppState, layers: dict[str, np.ndarray], step: int = 5, run_id: str = "run-1") -> None:
    reading = Reading(step, 2.0, None, False)
    none = np.zeros((0, 1), np.int64)
    logits = np.zeros((0, 3), np.float32)
    state.show_snapshot(Snapshot(run_id, step, 0.0, reading, {}, {}, none, logits, layers=layers))


def test_nothing_is_made_until_it_is_looked_at(state: AppState, view: LayersView) -> None:
    state.wants_layers = False
    show(state, STATS)
    assert view._made is None


def test_the_layers_of_the_frame_that_is_shown(state: AppState, view: LayersView, qtbot: QtBot) -> None:
    show(state, STATS)
    assert "step 5: 2 layers, from rows std 1.00 to norm std 0" in view.chart.accessibleDescription()
    show(state, STATS, step=6)
    qtbot.waitUntil(lambda: "step 6" in view.chart.accessibleDescription())


def test_an_empty_chart_says_why(state: AppState, view: LayersView, qtbot: QtBot) -> None:
    show(state, {})
    assert view.chart.accessibleDescription() == WAITING
    state.snapshot = None
    state.update_run(phase=Phase.REFUSED)
    qtbot.waitUntil(lambda: view.chart.accessibleDescription() == NOT_STARTED)
    show(state, STATS)
    qtbot.waitUntil(lambda: "2 layers" in view.chart.accessibleDescription())


def test_another_run_has_an_axis_of_its_own(state: AppState, view: LayersView) -> None:
    show(state, {"rows": summarize_layer(np.array([100.0, -100.0], np.float32))})
    assert view.chart.limit == 100
    show(state, STATS, step=6)
    assert view.chart.limit == 100
    show(state, STATS, step=0, run_id="run-2")
    assert view.chart.limit == 1
