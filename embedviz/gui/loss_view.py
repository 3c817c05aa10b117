"""The loss curve of the run: every loss the trainer sent, the readings, the floor and ln V."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QStackedLayout, QWidget

from embedviz.analysis.units import next_unit
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption

if TYPE_CHECKING:
    from embedviz.gui.plots.curve import LossCurve

POINTS = 400  # of the curve, at most


class LossView(QWidget):
    """Holds the place of the curve until the first window is up: the plotting library takes its time."""

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lossView")
        self._state = state
        self._theme = theme
        self._gap_mode = False
        self._stack = QStackedLayout(self)
        self._stack.addWidget(caption(""))
        self.curve: LossCurve | None = None
        state.frame_shown.connect(self.refresh)
        state.document_changed.connect(self.refresh)
        state.unit_changed.connect(self.refresh)

    def load(self) -> None:
        """Import the plotting library and show the curve."""
        from embedviz.gui.plots.curve import LossCurve

        if self.curve is None:
            self.curve = LossCurve(self._theme)
            self.curve.setObjectName("lossCurve")
            self._stack.addWidget(self.curve)
            self._stack.setCurrentWidget(self.curve)
            self.curve.set_gap_mode(self._gap_mode)
            self.curve.unit_clicked.connect(self._change_unit)
            self.refresh()

    def set_gap_mode(self, on: bool) -> None:
        """Show the gap to the floor on a logarithmic scale, or the loss."""
        self._gap_mode = on
        if self.curve is not None:
            self.curve.set_gap_mode(on)

    @Slot()
    def _change_unit(self) -> None:
        self._state.set_unit(next_unit(self._state.unit))

    @Slot()
    def refresh(self) -> None:
        """Draw what the record holds up to the step that is shown."""
        state, curve = self._state, self.curve
        document = state.document
        if curve is None:
            return
        unit = state.unit
        curve.set_unit(unit)
        if document is None:
            return
        run = state.run
        curve.set_floor(document.floor, f"floor of any bigram table {unit.figure(document.floor, decimals=3)}")
        size = document.vocab_size
        guess = f"{unit.guess.format(size)} = {unit.figure_of_guessing(size, decimals=3)}"
        curve.set_uniform(math.log(size), guess)
        record = state.record
        if record is None or run.reading is None:
            return
        series = record.losses.series(0, max(run.step - 1, 0), POINTS)
        readings = [reading for reading in record.readings() if reading.step <= run.step]
        val = [(reading.step, reading.val) for reading in readings if reading.val is not None]
        validation = (
            (np.array([step for step, _ in val], float), np.array([loss for _, loss in val])) if val else None
        )
        of_batches = not run.config.whole_text  # then each loss of the curve is an estimate of the whole one
        curve.set_curves((series.steps, series.mean, series.low, series.high), validation, of_batches)
        curve.set_shown_step(run.reading.step, run.reading.train)
