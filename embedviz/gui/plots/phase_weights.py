"""Attention in the card of a phase: a row of cells for each head, and the tokens that matter most named below."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter

from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.theme import Role, Theme

LOWEST_HEAD = 4  # designed pixels: where heads would be lower, they have no labels below them
LABEL_GAP = 5  # between two labels
WORTH_A_LABEL = 0.1  # of a head's weight, where not all labels have room


class ColumnLabels:
    """Labels of the columns of weights, those of the strongest first, as many as have room beside each other."""

    def __init__(self, card: PhaseCard, rect: QRectF, theme: Theme) -> None:
        """Take the picture's whole rectangle; `cells` is what of it is left for the cells."""
        self._font, self._theme = theme.font(Role.CAPTION, mono=True), theme
        self._metrics = QFontMetricsF(self._font)
        high = round(self._metrics.ascent() + self._metrics.descent() * 0.6)
        heads, columns = card.rows().shape
        self.strongest = _strongest(card)
        self._telling = (*card.marked(), *self.strongest[:1])
        self.places: dict[int, tuple[str, QRectF]] = {}
        self.cells = rect
        if card.columns is None or rect.height() - high < heads * theme.px(LOWEST_HEAD):
            return
        self.cells = rect.adjusted(0, 0, 0, -high)
        self._fill(card, columns, QRectF(rect.left(), rect.bottom() - high, rect.width(), high))

    def _fill(self, card: PhaseCard, columns: int, line: QRectF) -> None:
        """Place all labels if they fit, else those that are marked and those of the strongest columns."""
        gap, pitch = self._theme.px(LABEL_GAP), line.width() / columns
        weights = np.nan_to_num(card.rows(), nan=0.0).max(0)  # (T,)
        worthy = [column for column in self.strongest if weights[column] >= WORTH_A_LABEL]
        all_fit = columns * self._metrics.horizontalAdvance("m") <= line.width()
        wanted = self.strongest if all_fit else [*self.strongest[:1], *card.marked(), *worthy]
        taken: list[tuple[float, float]] = []
        for column in wanted:
            label = card.column_label(column)
            width = self._metrics.horizontalAdvance(label)
            if column in self.places or width > line.width() / 2:
                continue
            left = line.left() + (column + 0.5) * pitch - width / 2
            left = min(max(line.left(), left), line.right() - width)
            apart = 0 if all_fit and width <= pitch else gap
            if all(left + width + apart <= a + 1e-6 or b + apart <= left + 1e-6 for a, b in taken):
                taken.append((left, left + width))
                self.places[column] = label, QRectF(left, line.top(), width, line.height())

    def draw(self, painter: QPainter) -> None:
        """Paint them: those of the strongest column and of marked ones in ink."""
        painter.setFont(self._font)
        for column, (label, place) in self.places.items():
            painter.setPen(self._theme.colour("ink" if column in self._telling else "muted"))
            painter.drawText(QPointF(place.left(), place.top() + self._metrics.ascent()), label)


def _strongest(card: PhaseCard) -> list[int]:
    """Return all columns, that with the largest weight of any head first."""
    weights = np.nan_to_num(card.rows(), nan=0.0)  # (H, T)
    order: list[int] = np.argsort(-weights.max(0), kind="stable").tolist()
    return order
