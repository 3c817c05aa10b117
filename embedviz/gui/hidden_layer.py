"""What the hidden layer puts out at the step that is shown, on contexts that stay the same for the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.analysis.activations import summarize
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme

if TYPE_CHECKING:
    from embedviz.gui.plots.histogram import ActivationHistogram

WAITING = "The trainer sends the hidden layer with its next step."


class HiddenLayerView(QWidget):
    """The histogram of activations; counts only while it is looked at."""

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hiddenLayer")
        self._state = state
        self._theme = theme
        self._made: ActivationHistogram | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumSize(1, 1)  # whatever the histogram asks for: panels keep their heights
        self._run_id = ""
        state.frame_shown.connect(self.refresh)

    @property
    def histogram(self) -> ActivationHistogram:
        """The histogram, made when it is first looked at: the first window does without it."""
        if self._made is None:
            from embedviz.gui.plots.histogram import ActivationHistogram

            self._made = ActivationHistogram(self._theme)
            self._made.setObjectName("activationHistogram")
            self._layout.addWidget(self._made)
        return self._made

    @Slot()
    def refresh(self) -> None:
        """Draw the activations of the frame that is shown."""
        snapshot = self._state.snapshot
        if not self._state.wants_activations:
            return
        hidden = None if snapshot is None else snapshot.activations.get("hidden")
        if snapshot is None or hidden is None:
            self.histogram.set_empty(WAITING)
            return
        if snapshot.run_id != self._run_id:
            self._run_id = snapshot.run_id
            self.histogram.reset()
        self.histogram.set_empty("")
        self.histogram.set_data(summarize(hidden), snapshot.step)
