"""The labels of a plane's dots: measured once, drawn plain or outlined."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QStaticText

from embedviz.gui.theme import Role, Theme

WIDEST_LABEL = 90  # designed pixels; a longer one loses its middle
PADDING, RING = 4, 3  # designed pixels: beside a label that is outlined, and around the selected one


class PlaneLabels:
    """Draws labels by token id; `widths` (V,) and the height of a `line` are in pixels."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._texts: dict[int, QStaticText] = {}
        self.measure(())

    def measure(self, labels: Sequence[str]) -> None:
        """Take other labels, or the same in the theme's fonts of now."""
        self._labels = labels
        self._font = self._theme.font(Role.TITLE, mono=True)
        self._glyphs = QFontMetricsF(self._font)
        self.line = self._glyphs.height()
        widths = {label: self._glyphs.horizontalAdvance(label) for label in set(labels)}
        widest = self._theme.px(WIDEST_LABEL)
        self.widths: NDArray[np.float64] = np.array([min(widths[label], widest) for label in labels], np.float64)
        self._texts.clear()

    def begin(self, painter: QPainter) -> None:
        """Set font and colour of labels that are not marked."""
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("ink"))

    def draw(self, painter: QPainter, token: int, box: QRectF) -> None:
        """Draw a label in the middle of `box`, in the painter's colour."""
        left, top = box.center().x() - self.widths[token] / 2, box.center().y() - self.line / 2
        painter.drawStaticText(QPointF(left, top), self._text(token))

    def draw_marked(
        self, painter: QPainter, token: int, box: QRectF, *, is_context: bool, is_selected: bool
    ) -> None:
        """Draw a label on the card's colour in a line: ink inverted and a second line around the selected one."""
        px = self._theme.px
        ink, card = self._theme.colour("ink"), self._theme.colour("card")
        painter.setPen(QPen(ink, px(1.5 if is_context else 1)))
        painter.setBrush(ink if is_selected else card)
        around = box.adjusted(px(RING), px(RING), -px(RING), -px(RING)) if is_selected else box
        painter.drawRoundedRect(around, px(4), px(4))
        if is_selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(card, px(2)))
            painter.drawRoundedRect(around.adjusted(-px(1), -px(1), px(1), px(1)), px(5), px(5))
            painter.setPen(QPen(ink, px(2)))
            painter.drawRoundedRect(around.adjusted(-px(3), -px(3), px(3), px(3)), px(7), px(7))
        painter.setFont(self._font)
        painter.setPen(card if is_selected else ink)
        self.draw(painter, token, box)

    def _text(self, token: int) -> QStaticText:
        if token not in self._texts:
            label = self._labels[token]
            if self._glyphs.horizontalAdvance(label) > self.widths[token]:
                label = self._glyphs.elidedText(label, Qt.TextElideMode.ElideMiddle, self.widths[token])
            text = QStaticText(label)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.prepare(font=self._font)
            self._texts[token] = text
        return self._texts[token]
