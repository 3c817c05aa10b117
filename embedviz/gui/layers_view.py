"""What the layers of a transformer put out at the step that is shown, on windows that stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.analysis.layers import LayerSummary
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme

if TYPE_CHECKING:
    from embedviz.gui.plots.layer_chart import LayerChart

WAITING = "The trainer sends the layers with its next step."
NOT_STARTED = "No run has started: choose another text or other settings."


class LayersView(QWidget):
    """The chart of the layers; computes only while it is looked at (`AppState.wants_layers`)."""

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layersView")
        self._state = state
        self._theme = theme
        self._made: LayerChart | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumSize(1, 1)  # whatever the chart asks for: panels keep their heights
        self._run_id = ""
        state.frame_shown.connect(self.refresh)
        state.run_changed.connect(self.refresh)

    @property
    def chart(self) -> LayerChart:
        """The chart, made when it is first looked at: the first window does without it."""
        if self._made is None:
            from embedviz.gui.plots.layer_chart import LayerChart

            self._made = LayerChart(self._theme)
            self._made.setObjectName("layerChart")
            self._layout.addWidget(self._made)
        return self._made

    @Slot()
    def refresh(self) -> None:
        """Draw the layers of the frame that is shown."""
        snapshot = self._state.snapshot
        if not self._state.wants_layers:
            return
        if snapshot is None or not snapshot.layers:
            self.chart.set_empty(NOT_STARTED if self._state.run.phase is Phase.REFUSED else WAITING)
            return
        if snapshot.run_id != self._run_id:
            self._run_id = snapshot.run_id
            self.chart.reset()
        self.chart.set_data(
            {name: LayerSummary.of(stats) for name, stats in snapshot.layers.items()}, snapshot.step
        )
