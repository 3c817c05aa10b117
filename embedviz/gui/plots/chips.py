"""Tokens as chips: the label large, a caption small under it; one is selected, some are its context."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.theme import Role, Theme

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHIP_WIDTH, CHIP_HEIGHT, GAP, WIDEST_CHIP = 38, 44, 6, 200  # designed pixels
MADE = 0.2  # how opaque the ink is that fills what the last merge made


class ChipView(ScrollingPlot):
    """Chips in lines, as text runs. A click or Left, Right, Up, Down, Home and End select.

    Only the chips on screen are painted; the layout is arithmetic on arrays.
    """

    selected = Signal(int)

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Tokens", parent)
        self._labels: tuple[str, ...] = ()
        self._captions: tuple[str, ...] = ()
        self._ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._unknown: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._index = -1
        self._context = range(0)
        self._made: frozenset[int] = frozenset()
        self._pairs: frozenset[int] = frozenset()
        self._widths: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._lefts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._starts: NDArray[np.int64] = np.zeros(1, dtype=np.int64)  # first chip of each line, then the count
        self.restyle()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_tokens(
        self,
        labels: Sequence[str],
        ids: "Sequence[int] | NDArray[np.int64]",
        captions: Sequence[str],
        unknown_id: int | None = None,
    ) -> None:
        """Show a chip a token. Those of id -1 and `unknown_id` are dashed. The selection is kept if it exists."""
        labels, captions = tuple(labels), tuple(captions)
        ids = np.array(ids, dtype=np.int64)  # (T,)
        unknown = ids < 0
        if unknown_id is not None:
            unknown |= ids == unknown_id
        if (labels, captions) == (self._labels, self._captions) and np.array_equal(ids, self._ids):
            if not np.array_equal(unknown, self._unknown):
                self._unknown = unknown
                self.touch()
            return
        self._labels, self._captions, self._ids, self._unknown = labels, captions, ids, unknown
        if labels:
            self._empty = ""
        self._made = self._pairs = frozenset()  # they were places in the tokens before
        if self._index >= len(labels):
            self._index, self._context = -1, range(0)
        self._measure()
        self._lay_out()
        self.touch()

    def set_selection(self, index: int, context: range) -> None:
        """Fill the chip `index` (-1: none), outline those of `context`, and scroll to see the former."""
        if (index, context) == (self._index, self._context):
            return
        self._index, self._context = index, context
        self._show(index)
        self.touch()

    def set_marked(self, made: Collection[int], pairs: Collection[int]) -> None:
        """Underline and darken the chips `made`, and put a line around each of `pairs`: a chip and the next one.

        Scroll to the first of them if none is to be seen.
        """
        marks = frozenset(made), frozenset(pairs)
        if marks == (self._made, self._pairs):
            return
        self._made, self._pairs = marks
        shown = self.shown_chips()
        if (found := marks[0] | marks[1]) and not any(index in shown for index in found):
            self._show(min(marks[0] or marks[1]))
        self.touch()

    @property
    def selection(self) -> int:
        """The selected chip; -1 when none is."""
        return self._index

    def describe(self) -> str:
        """Return how many tokens there are, and which is selected."""
        words = counted(len(self._labels), "token")
        unknown = int(self._unknown.sum())
        if unknown:
            words += f", {unknown:,} unknown"
        if self._made:
            words += f", {len(self._made):,} made by the last merge"
        if self._pairs:
            words += f", {counted(len(self._pairs), 'pair')} to be merged next"
        if 0 <= self._index < len(self._labels):
            words += f"; selected token {self._index + 1}: {self._labels[self._index]}, "
            words += "unknown" if self._unknown[self._index] else f"id {self._ids[self._index]}"
        return words

    # ---- where it is

    def chip_rect(self, index: int) -> QRectF:
        """Return where a chip is; it may be scrolled away."""
        line = int(np.searchsorted(self._starts, index, side="right")) - 1
        top = self._margin() + line * self._line_height() - self.scroll_bar.value()
        return QRectF(self._lefts[index], top, self._widths[index], self._theme.px(CHIP_HEIGHT))

    def chip_at(self, x: float, y: float) -> int:
        """Return the chip at a point; -1 if none is there."""
        line = int((y - self._margin() + self.scroll_bar.value()) // self._line_height())
        if not 0 <= line < len(self._starts) - 1:
            return -1
        first, stop = int(self._starts[line]), int(self._starts[line + 1])
        index = first + int(np.searchsorted(self._lefts[first:stop], x, side="right")) - 1
        return index if index >= first and self.chip_rect(index).contains(x, y) else -1

    def shown_chips(self) -> range:
        """Return the chips of the lines of which at least a part is visible."""
        top, height = self.scroll_bar.value() - self._margin(), self._line_height()
        lines = len(self._starts) - 1
        first = min(lines, max(0, top // height))
        last = min(lines, max(first, -(-(top + self.height()) // height)))
        return range(int(self._starts[first]), int(self._starts[last]))

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for eight chips by four lines."""
        return QSize(
            8 * self._theme.px(CHIP_WIDTH + GAP) + self._theme.px(24),
            4 * self._line_height() + 2 * self._margin(),
        )

    def minimumSizeHint(self) -> QSize:
        """Return room for three chips in a line."""
        return QSize(
            3 * self._theme.px(CHIP_WIDTH + GAP) + self._theme.px(24),
            self._line_height() + 2 * self._margin(),
        )

    def restyle(self) -> None:
        """Measure the tokens in the new fonts."""
        self._label_font = self._theme.font(Role.TITLE, mono=True)
        self._caption_font = self._theme.font(Role.CAPTION)
        self._measure()
        self._lay_out()

    def draw(self, painter: QPainter, exposed: QRect) -> None:
        """Paint the chips on screen: the boxes first, then the labels, then the captions."""
        shown = self.shown_chips()
        boxes = [(index, self.chip_rect(index)) for index in shown]
        boxes = [(index, box) for index, box in boxes if box.intersects(QRectF(exposed))]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, box in boxes:
            self._draw_box(painter, index, box)
        self._draw_pairs(painter, shown)
        self._draw_texts(painter, boxes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._lay_out()
        self._show(self._index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll."""
        before = self.scroll_bar.value()
        self.scroll_bar.setValue(before - round(event.angleDelta().y() / 120 * self._line_height()))
        event.setAccepted(self.scroll_bar.value() != before)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the chip that was clicked."""
        if event.button() == Qt.MouseButton.LeftButton and not self._empty:
            self._select(self.chip_at(event.position().x(), event.position().y()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select a neighbour, or the first or last."""
        super().keyPressEvent(event)
        if not self._labels or not self.is_own_key(event):
            return
        event.accept()
        last = len(self._labels) - 1
        match event.key():
            case Qt.Key.Key_Home:
                target = 0
            case Qt.Key.Key_End:
                target = last
            case Qt.Key.Key_Left:
                target = max(0, self._index - 1)
            case Qt.Key.Key_Right:
                target = min(last, self._index + 1)
            case Qt.Key.Key_Up:
                target = self._above_or_below(-1)
            case _:
                target = self._above_or_below(1)
        self._select(target)

    def _select(self, index: int) -> None:
        if index < 0 or index == self._index:
            return
        self._index = index
        self._show(index)
        self.touch()
        self.selected.emit(index)

    def _above_or_below(self, lines: int) -> int:
        """Return the chip of another line that is nearest, sideways, to the selected one."""
        if self._index < 0:
            return 0
        line = int(np.searchsorted(self._starts, self._index, side="right")) - 1 + lines
        if not 0 <= line < len(self._starts) - 1:
            return self._index
        first, stop = int(self._starts[line]), int(self._starts[line + 1])
        middles = self._lefts[first:stop] + self._widths[first:stop] / 2
        here = self._lefts[self._index] + self._widths[self._index] / 2
        return first + int(np.argmin(np.abs(middles - here)))

    def _draw_box(self, painter: QPainter, index: int, box: QRectF) -> None:
        px = self._theme.px
        unknown, chosen = bool(self._unknown[index]), index == self._index
        width = 0
        painter.setBrush(self._theme.colour("ink" if chosen else "well"))
        if unknown:
            width = px(2)
            pen = QPen(self._theme.colour("warning"), width)
            pen.setDashPattern([2.5, 2])
            painter.setPen(pen)
        elif index in self._context and not chosen:
            width = px(2)
            painter.setPen(QPen(self._theme.colour("ink"), width))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
        inset = width / 2
        painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), px(6), px(6))
        if index in self._made and not chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("ink", MADE))
            painter.drawRoundedRect(box, px(6), px(6))
            bar = QRectF(box.left() + px(5), box.bottom() - px(3), box.width() - 2 * px(5), px(3))
            painter.fillRect(bar, self._theme.colour("ink"))

    def _draw_pairs(self, painter: QPainter, shown: range) -> None:
        """Put one line around both chips of a pair, or around each where the second is on the next line."""
        width = self._theme.px(2)
        painter.setPen(QPen(self._theme.colour("ink"), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset, corner = width / 2, self._theme.px(6)
        for left in self._pairs:
            if left not in shown and left + 1 not in shown:
                continue
            one, other = self.chip_rect(left), self.chip_rect(left + 1)
            for box in (one.united(other),) if one.top() == other.top() else (one, other):
                painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), corner, corner)

    def _draw_texts(self, painter: QPainter, boxes: list[tuple[int, QRectF]]) -> None:
        px = self._theme.px
        labels, small = QFontMetricsF(self._label_font), QFontMetricsF(self._caption_font)
        ink, inverse = self._theme.colour("ink"), self._theme.colour("card")
        muted, warning = self._theme.colour("muted"), self._theme.colour("warning")
        rise = px(3) + (px(CHIP_HEIGHT - 18) + labels.ascent() - labels.descent()) / 2
        painter.setFont(self._label_font)
        for index, box in boxes:
            painter.setPen(inverse if index == self._index else ink)
            text, left = self._fitted(self._labels[index], self._label_widths, labels, box)
            painter.drawText(QPointF(left, box.top() + rise), text)
        painter.setFont(self._caption_font)
        rise = px(2) + small.descent()
        for index, box in boxes:
            painter.setPen(inverse if index == self._index else warning if self._unknown[index] else muted)
            text, left = self._fitted(self._captions[index], self._caption_widths, small, box)
            painter.drawText(QPointF(left, box.bottom() - rise), text)

    def _fitted(
        self, text: str, widths: dict[str, float], metrics: QFontMetricsF, box: QRectF
    ) -> tuple[str, float]:
        """Return the text, cut in its middle where it is too wide for its box, and where it begins."""
        width, room = widths[text], box.width() - self._theme.px(6)
        if width > room:
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room)
            width = metrics.horizontalAdvance(text)
        return text, box.left() + (box.width() - width) / 2

    def _measure(self) -> None:
        """Compute the chips' widths: the usual one, or what the label or the caption need."""
        px = self._theme.px
        usual, widest = px(CHIP_WIDTH), px(WIDEST_CHIP)
        self._label_widths = _widths(self._labels, QFontMetricsF(self._label_font))
        self._caption_widths = _widths(self._captions, QFontMetricsF(self._caption_font))
        count = len(self._labels)
        labels = np.fromiter(map(self._label_widths.__getitem__, self._labels), np.float64, count)  # (T,)
        captions = np.fromiter(map(self._caption_widths.__getitem__, self._captions), np.float64, count)  # (T,)
        wanted = np.maximum(np.round(labels) + px(16), np.ceil(captions) + px(8))
        self._widths = np.clip(wanted, usual, widest).astype(np.int64)

    def _lay_out(self) -> None:
        """Break the chips into lines; the loop runs once a line."""
        gap, room = self._theme.px(GAP), self.page_width - 2 * self._margin()
        ends = np.cumsum(self._widths + gap)
        count = len(ends)
        starts, lefts = [0], np.zeros(count, dtype=np.int64)
        while starts[-1] < count:
            first = starts[-1]
            before = int(ends[first - 1]) if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, before + room + gap, side="right")))
            lefts[first:stop] = ends[first:stop] - self._widths[first:stop] - gap - before + self._margin()
            starts.append(stop)
        self._starts, self._lefts = np.array(starts, dtype=np.int64), lefts
        height = (len(starts) - 1) * self._line_height() - gap + 2 * self._margin()
        self.set_content_height(height, self._line_height())

    def _show(self, index: int) -> None:
        if 0 <= index < len(self._labels):
            top = int(self.chip_rect(index).top()) + self.scroll_bar.value()
            self.scroll_to(top - self._margin(), top + self._line_height())

    def _line_height(self) -> int:
        return self._theme.px(CHIP_HEIGHT) + self._theme.px(GAP)

    def _margin(self) -> int:
        return self._theme.px(5)


def _widths(texts: Sequence[str], metrics: QFontMetricsF) -> dict[str, float]:
    return {text: metrics.horizontalAdvance(text) for text in set(texts)}
