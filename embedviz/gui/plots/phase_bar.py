"""Where in the forward pass one is: a cell for each phase, blocks apart and named, in a thin bar."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter

from embedviz.gui.plots.phase_card import PhaseCard, groups
from embedviz.gui.theme import Role, Theme

CELL, RAISED = 4, 2  # designed pixels: the height of a cell, and by how much the current one is higher
PADDING = 3  # above the cells
GROUP_GAP, CELL_GAP = 6, 1
NAMED = 116  # a strip so high has room for the names of blocks
LOW = 84  # a lower one has no room for a bar: the cards need all of it


def bar_height(height: int, theme: Theme) -> int:
    """Return how high the bar is in a strip of a height; 0 where the strip has none to spare."""
    if height < theme.px(LOW):
        return 0
    bare = theme.px(PADDING) + theme.px(RAISED) + theme.px(CELL)
    return bare + (round(_metrics(theme).height()) if height >= theme.px(NAMED) else 0)


class PhaseBar:
    """The bar of some cards in a rectangle."""

    def __init__(self, cards: Sequence[PhaseCard], rect: QRectF, theme: Theme) -> None:
        self.rect, self._theme = rect, theme
        self._groups = groups(cards)
        gap = theme.px(GROUP_GAP)
        pitch = max(0.0, rect.width() - gap * (len(self._groups) - 1)) / max(1, len(cards))
        between = theme.px(CELL_GAP) if pitch >= theme.px(4) else 0
        top, high = rect.top() + theme.px(PADDING) + theme.px(RAISED), theme.px(CELL)
        self.cells: list[QRectF] = []
        for number, (_, run) in enumerate(self._groups):
            for index in run:
                a, b = (round(rect.left() + number * gap + (index + k) * pitch) for k in (0, 1))
                self.cells.append(QRectF(a, top, max(1, b - a - between), high))

    def index_at(self, x: float, y: float) -> int | None:
        """Return the phase whose cell is at a point, or above or below it."""
        if not self.rect.contains(x, y):
            return None
        return min(range(len(self.cells)), key=lambda index: abs(self.cells[index].center().x() - x), default=None)

    def names(self) -> list[tuple[str, QRectF]]:
        """Return the names of blocks for which there is room, and where they go."""
        metrics = _metrics(self._theme)
        top = self.cells[0].bottom() if self.cells else self.rect.bottom()
        found = []
        for name, run in self._groups:
            span = self.cells[run.start].united(self.cells[run[-1]])
            place = QRectF(span.left(), top, span.width(), self.rect.bottom() - top)
            words = next((words for words in _long_and_short(name) if _fits(metrics, words, span.width())), "")
            if words and place.height() >= metrics.ascent():
                found.append((words, place))
        return found

    def draw(self, painter: QPainter, shown: range, current: int) -> None:
        """Paint it: cells of cards that are `shown` are darker, that of the current one is ink."""
        theme = self._theme
        for index, cell in enumerate(self.cells):
            is_current = index == current
            colour = "ink" if is_current else "muted" if index in shown else "line"
            grown = theme.px(RAISED) if is_current else 0
            painter.fillRect(cell.adjusted(0, -grown, 0, 0), theme.colour(colour))
        metrics = _metrics(theme)
        painter.setFont(theme.font(Role.CAPTION))
        here = next((name for name, run in self._groups if current in run), "")
        for words, place in self.names():
            painter.setPen(theme.colour("ink" if here and words in _long_and_short(here) else "muted"))
            left = place.center().x() - metrics.horizontalAdvance(words) / 2
            painter.drawText(QPointF(left, place.top() + metrics.ascent()), words)


def _metrics(theme: Theme) -> QFontMetricsF:
    return QFontMetricsF(theme.font(Role.CAPTION))


def _long_and_short(name: str) -> tuple[str, ...]:
    """Return the names of a group from the longest: "Block 2", "2"; none of one that has no name."""
    return (name, name.rpartition(" ")[2]) if name else ()


def _fits(metrics: QFontMetricsF, words: str, width: float) -> bool:
    return metrics.horizontalAdvance(words) <= width
