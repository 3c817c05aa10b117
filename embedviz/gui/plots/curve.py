"""The loss over the steps, with the floor that no such table can go below; or how far it is above that.

The only view that needs pyqtgraph: import it late, after the first window is up.
"""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.units import NATS, LossUnit
from embedviz.gui.plots.base import Plot
from embedviz.gui.plots.curve_canvas import Canvas, Points
from embedviz.gui.plots.curve_legend import Legend
from embedviz.gui.plots.curve_range import drawable, nice_end, thin, y_range
from embedviz.gui.plots.curve_unit import RIM, UnitButton
from embedviz.gui.theme import Theme

Values = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
NOTHING: Points = np.zeros(0)
PIXELS_PER_POINT = 1.5  # a curve in finer points is slower and looks the same


class LossCurve(Plot):
    """Training and validation loss. The wheel zooms, dragging moves, a double click or 0 shows all.

    Losses come in nats per token and are drawn in the unit that was set; a click on its name asks for another.
    """

    unit_clicked = Signal()

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_0}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Loss curve", parent)
        self._train: tuple[Points, Points, Points, Points] = (NOTHING, NOTHING, NOTHING, NOTHING)
        self._validation: tuple[Points, Points] | None = None
        self._estimate = False
        self._floor: tuple[float, str] | None = None
        self._uniform: tuple[float, str] | None = None
        self._shown: tuple[float, float] | None = None
        self._gap_mode = False
        self._unit: LossUnit = NATS
        self._x_end = 0.0
        self._by_hand = False
        self._legend = Legend(theme)
        self._axis_name = UnitButton(theme, self)
        self._axis_name.clicked.connect(self.unit_clicked)
        self._canvas = Canvas()
        self._canvas.setParent(self)
        self._canvas.view_box.sigRangeChangedManually.connect(self._moved_by_hand)
        self._canvas.double_clicked.connect(self.reset_view)
        self._canvas.view_box.sigResized.connect(self._resized)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.restyle()

    # ---- what is shown

    def set_curves(
        self,
        train: tuple[Values, Values, Values, Values],
        validation: tuple[Values, Values] | None,
        estimate: bool,
    ) -> None:
        """Show `train`: steps, mean, low, high, each (n,), and `validation`: steps, losses, each (m,).

        `low` and `high` bound what a point stands for. NaN leaves a gap. `estimate` says that the training
        loss is that of batches. No steps at all: the axes start anew.
        """
        steps, mean, low, high = (np.asarray(part, dtype=np.float64) for part in train)
        self._train = steps, mean, low, high
        self._validation = (
            None
            if validation is None
            else (np.asarray(validation[0], dtype=np.float64), np.asarray(validation[1], dtype=np.float64))
        )
        self._estimate = estimate
        if len(steps):
            self._set_plot_visible(True)
        else:
            self._x_end, self._by_hand = 0.0, False
        self._take_curves()

    def set_floor(self, value: float | None, text: str) -> None:
        """Draw a dashed line at `value`, named `text`, or none."""
        floor = None if value is None else (value, text)
        if floor != self._floor:
            self._floor = floor
            self._take_curves()

    def set_uniform(self, value: float | None, text: str) -> None:
        """Draw a dotted line at the loss of guessing, named `text` ("ln 65 = 4.174"), or none."""
        uniform = None if value is None else (value, text)
        if uniform != self._uniform:
            self._uniform = uniform
            self._take_lines()

    def set_gap_mode(self, on: bool) -> None:
        """Show how far the loss is above the floor, on a logarithmic axis (the loss if no floor is set)."""
        if on != self._gap_mode:
            self._gap_mode, self._by_hand = on, False
            self._take_curves()

    def set_shown_step(self, step: float | None, loss: float | None) -> None:
        """Put a dot, with its number, at the step that the other views show; None takes it away."""
        shown = None if step is None or loss is None else (float(step), float(loss))
        if shown != self._shown:
            self._shown = shown
            self._take_lines()

    def set_unit(self, unit: LossUnit) -> None:
        """Draw and say losses in `unit`; what was zoomed to means nothing there."""
        if unit is not self._unit:
            self._unit, self._by_hand = unit, False
            self._take_curves()

    def set_empty(self, sentence: str) -> None:
        """Show `sentence` in place of the plot until there are steps."""
        super().set_empty(sentence)
        self._set_plot_visible(not sentence)

    @Slot()
    def reset_view(self) -> None:
        """Show all of the curve again, and keep doing so."""
        self._by_hand = False
        self._take_curves()

    @property
    def in_gap_mode(self) -> bool:
        """True if the axis is that of the gap: asked for, and a floor is known."""
        return self._gap_mode and self._floor is not None

    @property
    def axis_title(self) -> str:
        """The name of the vertical axis, with its unit."""
        return self._unit.gap_axis if self.in_gap_mode else self._unit.axis

    @property
    def legend(self) -> list[tuple[str, bool]]:
        """The names of the curves, and which of them are dashed."""
        names = [("training (batches)" if self._estimate else "training", False)]
        if self._validation is not None:
            names.append(("validation", True))
        return names

    def plotted(self, losses: Values) -> Points:
        """Return `losses` as they are plotted: in the unit shown; in gap mode log10 of the gap to the floor.

        What is not above the floor has no logarithm and is NaN.
        """
        values = drawable(self._unit.converted(np.asarray(losses, dtype=np.float64)))
        if not self.in_gap_mode or self._floor is None:
            return values
        gap = values - self._unit.convert(self._floor[0])
        return np.log10(gap, out=np.full_like(gap, np.nan), where=gap > 0)

    def describe(self) -> str:
        """Return the last and the shown loss, and the floor."""
        steps, mean = self._train[:2]
        if not len(steps):
            return "no steps yet"
        words = f"{self.axis_title}; {len(steps):,} points up to step {steps[-1]:,.0f}"
        words += f", last training loss {self._unit.figure(float(mean[-1]), decimals=3)}"
        if self._shown is not None:
            words += f"; step {self._shown[0]:,.0f} shown, {self._shown_text()}"
        if self._floor is not None:
            words += f"; {self._floor[1]}"
        return words

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(self._theme.px(440), self._theme.px(260))

    def minimumSizeHint(self) -> QSize:
        """Return the size below which axes and words have no room."""
        return QSize(self._theme.px(250), self._theme.px(140))

    def restyle(self) -> None:
        """Take fonts and colours from the theme."""
        self._canvas.restyle(self._theme)
        self._lay_out()
        self._take_curves()

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the names of the curves above the plot; that of the axis stands there as a button."""
        self._legend.draw(painter, self.width(), self._axis_name.sizeHint().width(), self.legend)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the plot what the line above leaves."""
        super().resizeEvent(event)
        self._lay_out()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom about the shown step, or show all."""
        super().keyPressEvent(event)
        if not self.is_own_key(event):
            return
        event.accept()
        if event.key() == Qt.Key.Key_0:
            self.reset_view()
            return
        self._by_hand = True
        factor = 1.25 if event.key() == Qt.Key.Key_Minus else 0.8
        self._canvas.view_box.scaleBy((factor, factor), center=self._canvas.overlay.dot)
        self._take_curves()

    @Slot()
    def _moved_by_hand(self) -> None:
        self._by_hand = True
        self._take_curves()

    @Slot()
    def _resized(self) -> None:
        self._take_curves()

    def _take_curves(self) -> None:
        """Give ranges and lines to the canvas, then the curves, in as many points as have room."""
        self._take_lines()
        canvas = self._canvas
        first, last = canvas.view_box.viewRange()[0]
        most = round(canvas.plot_rect().width() / PIXELS_PER_POINT)
        steps, mean, low, high = thin(self._train, first, last, most)
        x, y = self._validation if self._validation is not None else (NOTHING, NOTHING)
        canvas.set_curves(steps, self.plotted(mean), self.plotted(low), self.plotted(high), x, self.plotted(y))

    def _take_lines(self) -> None:
        """Give lines, dot and ranges to the canvas."""
        self._lay_out()
        canvas, over = self._canvas, self._canvas.overlay
        canvas.left.log = self.in_gap_mode
        over.floor, over.floor_text = (None, "") if self.in_gap_mode else self._line(self._floor)
        over.uniform, over.uniform_text = (None, "") if self.in_gap_mode else self._line(self._uniform)
        over.dot = None
        if self._shown is not None:
            at = float(self.plotted(np.array([self._shown[1]]))[0])
            over.dot = (self._shown[0], at) if math.isfinite(at) else None
        over.dot_text = self._shown_text()
        if not self._by_hand:
            self._set_ranges()
        canvas.viewport().update()
        self.touch()

    def _line(self, line: tuple[float, str] | None) -> tuple[float | None, str]:
        if line is None:
            return None, ""
        at = float(self.plotted(np.array([line[0]]))[0])
        return (at, line[1]) if math.isfinite(at) else (None, "")

    def _shown_text(self) -> str:
        if self._shown is None:
            return ""
        if self.in_gap_mode and self._floor is not None:
            return self._unit.figure_above(self._shown[1], self._floor[0], signed=True)
        return self._unit.figure(self._shown[1], decimals=3)

    def _set_ranges(self) -> None:
        """Show all there is, with room for the words under the lowest line."""
        canvas, over = self._canvas, self._canvas.overlay
        steps, held_out = self._train[0], NOTHING if self._validation is None else self._validation[1]
        values = self.plotted(np.concatenate([self._train[1], held_out]))
        last = float(steps[-1]) if len(steps) else 0.0
        self._x_end = nice_end(last, self._x_end)
        lines = [line for line in (over.floor, over.uniform) if line is not None]
        settled = over.uniform
        if self._unit.factor is None:  # V is so far up that the line would flatten the curve for good
            settled, lines = None, lines[: over.floor is not None]
        low, high = y_range(values, lines, settled)
        over.above_text = ""
        if len(steps) and not self.in_gap_mode and self._unit.convert(float(self._train[1][0])) > high:
            over.above_text = f"↑ from {self._unit.brief(float(self._train[1][0]))}"
        height = max(1.0, canvas.plot_rect().height())
        words = QFontMetricsF(over.font).height() + self._theme.px(6)
        share = min(0.3, words / height)
        spread = (high - low) / (1 - 2 * share)
        canvas.view_box.setRange(
            xRange=(0.0, self._x_end), yRange=(low - share * spread, high + share * spread), padding=0
        )

    def _lay_out(self) -> None:
        self._axis_name.show_unit(self._unit, self.axis_title)
        name = self._axis_name.sizeHint()
        self._axis_name.setGeometry(QRect(QPoint(0, self._theme.px(3) - self._theme.px(RIM)), name))
        top = self._legend.height(self.width(), name.width(), self.legend)
        place = QRect(0, top, self.width(), max(1, self.height() - top))
        if self._canvas.geometry() != place:
            self._canvas.setGeometry(place)

    def _set_plot_visible(self, visible: bool) -> None:
        if visible:
            self._empty = ""
        self._canvas.setVisible(visible)
        self._axis_name.setVisible(visible)
