"""The legend of a heatmap: its colours from low to high, with the numbers they stand for."""

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import figure
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.base import Plot
from embedviz.gui.theme import Role, Theme

BAR_WIDTH = 12  # designed pixels


class ColorBar(Plot):
    """A vertical strip of colours with three numbers, signed where the scale goes below 0; never narrows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Colour scale", parent)
        self._levels = (0.0, 1.0)
        self._texts: tuple[str, str, str] | None = None
        self._colormap = colormaps.SEQUENTIAL
        self._text_width = 0.0
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def set_levels(
        self, levels: tuple[float, float], colormap: str, texts: tuple[str, str, str] | None = None
    ) -> None:
        """Show what the ends and the middle of the colours called `colormap` stand for.

        `texts` replaces the numbers at the top, in the middle and at the bottom of a non-linear scale.
        """
        if (levels, colormap, texts) != (self._levels, self._colormap, self._texts):
            self._levels, self._colormap, self._texts = levels, colormap, texts
            self._measure()
            self.touch()

    @property
    def texts(self) -> tuple[str, str, str]:
        """The numbers at the top, in the middle, at the bottom."""
        if self._texts is not None:
            return self._texts
        low, high = self._levels
        top, middle, bottom = (figure(v, signed=low < 0) for v in (high, (low + high) / 2, low))
        return top, middle, bottom

    def describe(self) -> str:
        """Return the scale's ends."""
        top, _, bottom = self.texts
        return f"colours from {bottom} to {top}"

    def sizeHint(self) -> QSize:
        """Return the width of bar and numbers, and a comfortable height."""
        return QSize(self._width(), self._theme.px(260))

    def minimumSizeHint(self) -> QSize:
        """Return the width of bar and numbers, and the height of three lines."""
        return QSize(self._width(), self._theme.px(80))

    def restyle(self) -> None:
        """Measure the numbers in the new font, and make the picture anew."""
        self._font = self._theme.font(Role.CAPTION)
        self._text_width = 0.0
        self._measure()

    def bar_rect(self) -> QRectF:
        """Return where the colours are: half a line from both ends, so that the numbers fit beside them."""
        half = QFontMetricsF(self._font).height() / 2
        return QRectF(self._theme.px(2), half, self._theme.px(BAR_WIDTH), max(1.0, self.height() - 2 * half))

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the colours and the numbers."""
        bar = self.bar_rect()
        column = np.arange(colormaps.TOP, -1, -1)
        pixels = colormaps.rgb32(self._colormap, 0)[column]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, QImage(pixels.data, 1, len(pixels), 4, QImage.Format.Format_RGB32))
        px = self._theme.px
        metrics = QFontMetricsF(self._font)
        painter.setFont(self._font)
        places = (bar.top(), bar.center().y(), bar.bottom())
        for text, y in zip(self.texts, places, strict=True):
            painter.setPen(QPen(self._theme.colour("muted"), 1))
            tick = round(min(y, bar.bottom() - 1)) + 0.5
            painter.drawLine(QPointF(bar.right() + px(1), tick), QPointF(bar.right() + px(4), tick))
            line = QRectF(bar.right() + px(7), y - metrics.height() / 2, self._text_width + 1, metrics.height())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _measure(self) -> None:
        metrics = QFontMetricsF(self._font)
        widest = max(metrics.horizontalAdvance(text) for text in (*self.texts, "−0.00"))
        if widest > self._text_width:
            self._text_width = widest
            self.updateGeometry()

    def _width(self) -> int:
        return round(self._theme.px(2) + self._theme.px(BAR_WIDTH) + self._theme.px(9) + self._text_width)
