"""The phases of one step of training as a row of cards: what each makes, as a picture, and in a few numbers."""

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_pictures import draw_picture, drawn_part
from embedviz.gui.plots.phase_places import ARROW_GAP, LOW_PICTURE, MARGIN, Places, faces, place
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Theme


class PhaseStrip(PointingPlot[int]):
    """Cards side by side; one may be current. A click on a card, or Return, activates it.

    Arrow keys are left to the window, which moves from phase to phase with them. What has no room on a card
    is in its tool tip. Cards keep their widths from step to step, unless a number needs more.
    """

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
    hovered = Signal(int)  # -1 when no card is
    activated = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Phases of a step", parent)
        self._cards: tuple[PhaseCard, ...] = ()
        self._current = -1
        self._pressed: int | None = None
        self._needs: tuple[list[float], ...] = ()  # for each face, of each card: the most so far
        self._places: Places | None = None
        self._pixmaps: dict[int, QPixmap] = {}
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_phases(self, cards: Sequence[PhaseCard]) -> None:
        """Show these cards; a sentence in their place goes."""
        if [id(card) for card in cards] == [id(card) for card in self._cards] and not self._empty:
            return
        if [card.title for card in cards] != [card.title for card in self._cards]:
            self._needs = ()
        if cards:
            self._empty = ""
        self._cards = tuple(cards)
        self._current = min(self._current, len(cards) - 1)
        self._measure()
        self._forget()
        if self._at is not None and self._at >= len(cards):
            self._point(None)
        self.touch()

    def set_current(self, index: int) -> None:
        """Make a card the current one; -1 for none."""
        index = index if 0 <= index < len(self._cards) else -1
        if index != self._current:
            self._current = index
            self.touch()

    @property
    def current(self) -> int:
        """The current card; -1 if none is."""
        return self._current

    def describe(self) -> str:
        """Return which phases there are, and what the current card and the one under the pointer say."""
        if not self._cards:
            return ""
        words = f"{counted(len(self._cards), 'phase')}: {', '.join(card.title for card in self._cards)}"
        if self._current >= 0:
            words += f"; at phase {self._current + 1}, {self._cards[self._current].in_words()}"
        if self._at is not None and self._at != self._current:
            words += f"; under the pointer {self._cards[self._at].in_words()}"
        return words

    # ---- where it is

    def card_rect(self, index: int) -> QRectF:
        """Return where a card is; empty if there is none."""
        rects = self._placed().rects
        return QRectF(rects[index]) if 0 <= index < len(rects) else QRectF()

    def picture_rect(self, index: int) -> QRectF:
        """Return where a card's picture is; empty if there is no such card."""
        places = self._placed()
        if not 0 <= index < len(places.rects):
            return QRectF()
        return places.picture_rect(index, len(self._cards[index].lines), self._theme.px(LOW_PICTURE))

    def place_at(self, x: float, y: float) -> int | None:
        """Return the card at a point, None between them."""
        return next((i for i, rect in enumerate(self._placed().rects) if rect.contains(x, y)), None)

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for pictures that are seen well."""
        return QSize(self._theme.px(900), self._theme.px(150))

    def minimumSizeHint(self) -> QSize:
        """Return room for titles, two lines, and pictures as low as they go."""
        heights = self._faces[-1].heights
        least = 2 * heights.padding + heights.title + 2 * heights.gap + heights.lowest + 2 * heights.line
        return QSize(self._theme.px(400), least + 2 * self._theme.px(MARGIN))

    def restyle(self) -> None:
        """Measure in the new fonts."""
        self._faces = faces(self._theme)
        self._needs = ()
        self._measure()
        self._forget()

    def draw(self, painter: QPainter, exposed: QRect) -> None:
        """Paint the cards; what is in them is painted once, and kept."""
        places = self._placed()
        for index, rect in enumerate(places.rects):
            if rect.toAlignedRect().adjusted(-3, -3, 3, 3).intersects(exposed):
                self._draw_frame(painter, index, rect)
                painter.drawPixmap(rect.topLeft(), self._content(index))
            if index and places.has_arrows:
                self._draw_arrow(painter, rect)

    def event(self, event: QEvent) -> bool:
        """Show all of a card's words as its tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._place_under(QPointF(event.pos()))
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.tool_tip(index), self, self.card_rect(index).toRect())
            return True
        return super().event(event)

    def tool_tip(self, index: int) -> str:
        """Return all that a card says, cut nowhere, and what its picture leaves out, as rich text."""
        card = self._cards[index]
        part = drawn_part(card, self.picture_rect(index), self._theme)
        said = [card.caption, *card.lines, card.scale_in_words(), part]
        return f"<p style='white-space:pre'><b>{escape(card.title)}</b>" + "".join(
            f"<br>{escape(line)}" for line in said if line
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the card, so that only a click that ends on it counts."""
        self._pressed = (
            self._place_under(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Activate the card that was clicked."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and pressed == self._place_under(event.position()):
            self.activated.emit(pressed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Activate the card under the pointer, else the current one, else the first."""
        super().keyPressEvent(event)
        if self._cards and not self._empty and self.is_own_key(event):
            event.accept()
            self.activated.emit(self._at if self._at is not None else max(0, self._current))

    def _tell(self, place: int | None) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor)
        self.hovered.emit(-1 if place is None else place)

    def _forget(self) -> None:
        self._places = None
        self._pixmaps.clear()

    def _measure(self) -> None:
        needs = tuple([face.need(card) for card in self._cards] for face in self._faces)
        if self._needs:
            needs = tuple(
                [max(pair) for pair in zip(*two, strict=True)] for two in zip(self._needs, needs, strict=True)
            )
        self._needs = needs

    def _placed(self) -> Places:
        size = self.width(), self.height()
        if self._places is None or self._places.size != size:
            self._forget()
            self._places = place(self._cards, self._faces, self._needs, size, self._theme)
        return self._places

    def _draw_frame(self, painter: QPainter, index: int, rect: QRectF) -> None:
        is_current, theme = index == self._current, self._theme
        name, width = ("ink", theme.px(2)) if is_current else ("muted", theme.px(1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.colour("card" if is_current else "well"))
        painter.setPen(QPen(theme.colour(name), width) if is_current or index == self._at else Qt.PenStyle.NoPen)
        inset = width / 2 if is_current or index == self._at else 0.0
        painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), theme.px(8), theme.px(8))

    def _draw_arrow(self, painter: QPainter, rect: QRectF) -> None:
        px = self._theme.px
        tip = QPointF(rect.left() - px(ARROW_GAP) / 2 + px(2), rect.center().y())
        painter.setPen(QPen(self._theme.colour("muted"), self._theme.scale * 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([tip + QPointF(-px(4), -px(4)), tip, tip + QPointF(-px(4), px(4))]))

    def _content(self, index: int) -> QPixmap:
        """Return a card's words and picture on nothing, painted when it is first asked for."""
        ratio = self.devicePixelRatioF()
        kept = self._pixmaps.get(index)
        if kept is not None and kept.devicePixelRatio() == ratio:
            return kept
        card, rect, places = self._cards[index], self.card_rect(index), self._placed()
        pixmap = QPixmap((rect.size() * ratio).toSize())
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        try:
            picture = self.picture_rect(index).translated(-rect.topLeft())
            draw_picture(painter, card, picture, self._theme, ratio)
            size = rect.width(), rect.height()
            places.face.draw_words(painter, card, size, places.stack, self._theme)
        finally:
            painter.end()
        self._pixmaps[index] = pixmap
        return pixmap
