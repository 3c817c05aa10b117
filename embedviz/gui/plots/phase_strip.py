"""The phases of one step of training as a row of cards: what each makes, as a picture, and in a few numbers."""

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots.phase_bar import PhaseBar
from embedviz.gui.plots.phase_card import PhaseCard, in_short
from embedviz.gui.plots.phase_frames import draw_arrow, draw_edge, draw_frame
from embedviz.gui.plots.phase_pictures import draw_picture, drawn_part, rows_drawn
from embedviz.gui.plots.phase_places import LOW_PICTURE, MARGIN, Places
from embedviz.gui.plots.phase_row import CardRow
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Theme

BEFORE, AFTER = -2, -3  # what is pointed at: the edges, where there are more cards
NOTCH = 120  # of a wheel
LOWEST = 92  # designed pixels; where even that is not to be had, the strip gives way, not what is below it


class PhaseStrip(PointingPlot[int]):
    """Cards side by side; one may be current. A click on a card, or Return, activates it.

    Arrow keys are left to the window, which moves from phase to phase with them. What has no room on a card
    is in its tool tip. Cards keep their widths from step to step, unless a number needs more.

    Where not all cards have room, as many as have it are shown: the current one is among them, until one turns
    pages, by a click on an edge or with the wheel. A bar below says where they are among all.
    """

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
    hovered = Signal(int)  # -1 when no card is
    activated = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Phases of a step", parent)
        self._row = CardRow(theme)
        self._current = -1
        self._pressed: int | None = None
        self._turned = 0  # of the wheel, since the last page
        self._pixmaps: dict[int, QPixmap] = {}
        self._painted = 0, 0  # for which size they are
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_phases(self, cards: Sequence[PhaseCard]) -> None:
        """Show these cards; a sentence in their place goes."""
        if [id(card) for card in cards] == [id(card) for card in self._cards] and not self._empty:
            return
        if cards:
            self._empty = ""
        self._row.set_cards(cards)
        self._current = min(self._current, len(cards) - 1)
        self._pixmaps.clear()
        if self._at is not None and self._at >= len(cards):
            self._point(None)
        self.touch()

    def set_current(self, index: int) -> None:
        """Make a card the current one; -1 for none."""
        index = index if 0 <= index < len(self._cards) else -1
        if index != self._current:
            self._current = index
            self._row.follow(index)
            self.touch()

    @property
    def current(self) -> int:
        """The current card; -1 if none is."""
        return self._current

    def describe(self) -> str:
        """Return which phases there are, and what the current card and the one under the pointer say."""
        if not self._cards:
            return ""
        words = f"{counted(len(self._cards), 'phase')}: {in_short(self._cards)}"
        if self._current >= 0:
            words += f"; at phase {self._current + 1}, {self._cards[self._current].in_words()}"
        if self._at is not None and self._at >= 0 and self._at != self._current:
            words += f"; under the pointer {self._cards[self._at].in_words()}"
        return words

    @property
    def _cards(self) -> tuple[PhaseCard, ...]:
        return self._row.cards

    @property
    def shown(self) -> range:
        """The cards that are in sight."""
        return self._placed().shown

    @property
    def has_pages(self) -> bool:
        """True where not all cards are in sight."""
        return len(self.shown) < len(self._cards)

    # ---- where it is

    def card_rect(self, index: int) -> QRectF:
        """Return where a card is; empty if there is none."""
        rects = self._placed().rects
        return QRectF(rects[index]) if 0 <= index < len(rects) else QRectF()

    def rows_drawn(self, index: int) -> int:
        """Return how many rows of a card's picture are drawn, the last ones; 0 if it is not in sight."""
        rect = self.picture_rect(index)
        return 0 if rect.isEmpty() else rows_drawn(self._cards[index], rect, self._theme)

    def picture_rect(self, index: int) -> QRectF:
        """Return where a card's picture is; empty if there is no such card."""
        places = self._placed()
        if not 0 <= index < len(places.rects):
            return QRectF()
        return places.picture_rect(index, len(self._cards[index].lines), self._theme.px(LOW_PICTURE))

    def edge_rect(self, side: int) -> QRectF:
        """Return where the edge BEFORE or AFTER the cards is; empty if there are no more."""
        places = self._placed()
        return QRectF(places.before if side == BEFORE else places.after)

    def bar(self) -> PhaseBar | None:
        """Return the bar below the cards; None where all are in sight."""
        return self._row.bar(self._placed())

    def place_at(self, x: float, y: float) -> int | None:
        """Return the card at a point, or in the bar; BEFORE or AFTER for an edge, None between them."""
        for side in (BEFORE, AFTER):
            if self.edge_rect(side).contains(x, y):
                return side
        bar = self.bar()
        found = bar.index_at(x, y) if bar is not None else None
        return (
            found if found is not None else next((i for i in self.shown if self.card_rect(i).contains(x, y)), None)
        )

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for pictures that are seen well."""
        return QSize(self._theme.px(900), self._theme.px(150))

    def minimumSizeHint(self) -> QSize:
        """Return room for titles, two lines, and low pictures."""
        heights = self._row.faces[-1].heights
        least = 2 * heights.padding + heights.title + 2 * heights.gap + heights.lowest + 2 * heights.line
        return QSize(self._theme.px(400), max(self._theme.px(LOWEST), least + 2 * self._theme.px(MARGIN)))

    def restyle(self) -> None:
        """Measure in the new fonts."""
        self._row.restyle()
        self._pixmaps.clear()

    def draw(self, painter: QPainter, exposed: QRect) -> None:
        """Paint the cards; what is in them is painted once, and kept."""
        places = self._placed()
        for index in places.shown:
            rect = places.rects[index]
            if rect.toAlignedRect().adjusted(-3, -3, 3, 3).intersects(exposed):
                is_current, is_pointed_at = index == self._current, index == self._at
                draw_frame(painter, rect, self._theme, is_current=is_current, is_pointed_at=is_pointed_at)
                painter.drawPixmap(rect.topLeft(), self._content(index))
            if index and places.has_arrows:
                draw_arrow(painter, rect, self._theme)
        self._draw_edges(painter)
        bar = self.bar()
        if bar is not None:
            bar.draw(painter, places.shown, self._current)

    def event(self, event: QEvent) -> bool:
        """Show all of a card's words as its tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._place_under(QPointF(event.pos()))
            if index is None:
                QToolTip.hideText()
            else:
                tip = self.tool_tip(index) if index >= 0 else self._edge_tip(index)
                place = self.card_rect(index) if index >= 0 else self.edge_rect(index)
                QToolTip.showText(event.globalPos(), tip, self, place.toRect())
            return True
        return super().event(event)

    def tool_tip(self, index: int) -> str:
        """Return all that a card says, cut nowhere, and what its picture leaves out, as rich text."""
        card = self._cards[index]
        part = drawn_part(card, self.picture_rect(index), self._theme)
        said = [card.caption, *card.lines, *card.strongest(), card.scale_in_words(), part]
        return f"<p style='white-space:pre'><b>{escape(card.title)}</b>" + "".join(
            f"<br>{escape(line)}" for line in said if line
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the card, so that only a click that ends on it counts."""
        self._pressed = (
            self._place_under(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Activate the card that was clicked, or turn the page."""
        pressed, self._pressed = self._pressed, None
        if pressed is None or pressed != self._place_under(event.position()):
            return
        if pressed in (BEFORE, AFTER):
            self._turn_page(-1 if pressed == BEFORE else 1, event.position())
        else:
            self._activate(pressed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn a page for each notch, where not all cards are in sight."""
        if not self.has_pages:
            super().wheelEvent(event)
            return
        event.accept()
        turned = event.angleDelta()
        self._turned -= turned.y() or turned.x()
        while abs(self._turned) >= NOTCH:
            by = 1 if self._turned > 0 else -1
            self._turned -= by * NOTCH
            self._turn_page(by, event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Activate the card under the pointer, else the current one, else the first."""
        super().keyPressEvent(event)
        if self._cards and not self._empty and self.is_own_key(event):
            event.accept()
            self._activate(self._at if self._at is not None and self._at >= 0 else max(0, self._current))

    def _tell(self, place: int | None) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor)
        self.hovered.emit(-1 if place is None else place)

    def _activate(self, index: int) -> None:
        self._row.follow(self._current)  # should it be this one, which is out of sight
        self.activated.emit(index)
        self.touch()

    def _turn_page(self, by: int, pointer: QPointF) -> None:
        """Show the cards of the next page, or those before; afterwards something else is under the pointer."""
        self._placed()
        self._row.turn_page(by)
        self.touch()
        self._point_to(pointer)

    def _placed(self) -> Places:
        places = self._row.places((self.width(), self.height()), self._current)
        if places.size != self._painted:
            self._painted = places.size
            self._pixmaps.clear()
        return places

    def _draw_edges(self, painter: QPainter) -> None:
        shown = self.shown
        more = {BEFORE: (shown.start, "‹ {:,}"), AFTER: (len(self._cards) - shown.stop, "{:,} ›")}
        for side, (count, words) in more.items():
            if count:
                is_there = self._current >= 0 and (
                    self._current < shown.start if side == BEFORE else self._current >= shown.stop
                )
                rect, is_pointed_at = self.edge_rect(side), self._at == side
                said = words.format(count)
                draw_edge(painter, rect, said, self._theme, has_current=is_there, is_pointed_at=is_pointed_at)

    def _edge_tip(self, side: int) -> str:
        shown = self.shown
        cards = self._cards[: shown.start] if side == BEFORE else self._cards[shown.stop :]
        return f"{counted(len(cards), 'more phase')}: {in_short(cards)}"

    def _content(self, index: int) -> QPixmap:
        """Return a card's words and picture on nothing, painted when it is first asked for."""
        ratio = self.devicePixelRatioF()
        kept = self._pixmaps.get(index)
        card, rect, places = self._cards[index], self.card_rect(index), self._placed()
        size_there = (rect.size() * ratio).toSize()
        if kept is not None and kept.devicePixelRatio() == ratio and kept.size() == size_there:
            return kept
        pixmap = QPixmap(size_there)
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
