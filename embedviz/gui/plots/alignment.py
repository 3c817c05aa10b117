"""One line of text, cut by several tokenizers: each token as a box exactly under the characters it covers."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots.alignment_cells import Cells
from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.pointing import Cell, CellPlot
from embedviz.gui.theme import Role, Theme
from embedviz.text.glyphs import glyph
from embedviz.text.tokenizers import Line

LANE_HEIGHT, LANE_GAP, BLOCK_GAP = 38, 4, 16  # designed pixels
UNKNOWN, NO_ID = "?", "–"
FILLS = (0.09, 0.2)  # how opaque the ink of a token's box is: neighbours take turns
Key = Qt.Key
Lane = tuple[str, Line]


class AlignmentView(CellPlot, ScrollingPlot):
    """Characters in a row, under them a lane for each tokenizer; long lines go on in another block below.

    A box has its token's label, what is unknown "?", and the id under it, each where it has room.

    Left, Right, Home and End go from token to token, Up and Down from lane to lane. What is pointed at is named.
    Tokens that are only a part of a character stand side by side under it. `hovered` tells lane and token.
    """

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "The line in each tokenizer", parent)
        self._text = ""
        self._lanes: tuple[Lane, ...] = ()
        self._unknown: tuple[NDArray[np.bool_], ...] = ()
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_lanes(
        self, text: str, lanes: Sequence[Lane], unknown: Sequence[NDArray[np.bool_]] | None = None
    ) -> None:
        """Show `text` over the lanes: (name, how it is cut). `unknown`, (T,) for each lane, marks what is dashed.

        Without `unknown`, ids below 0 are.
        """
        self._text, self._lanes = text, tuple(lanes)
        self._unknown = tuple(line.ids < 0 for _, line in lanes) if unknown is None else tuple(unknown)
        if text:
            self._empty = ""
        if self._at is not None:
            self._point(None)
        self._measure()
        self._lay_out()
        self.touch()

    def describe(self) -> str:
        """Return how many tokens each lane has, and what is under the pointer."""
        words = ", ".join(f"{name} {counted(len(line.ids), 'token')}" for name, line in self._lanes)
        words = f"{counted(len(self._text), 'character')}: {words}"
        return f"{words}; at {self.in_words(*self._at)}" if self._at is not None else words

    def in_words(self, lane: int, token: int) -> str:
        """Return a token's lane, label, id, and which characters of the line it covers, counted from 1."""
        name, line = self._lanes[lane]
        start, stop = (int(place) for place in line.spans[token])
        identity = int(line.ids[token])
        words = f"{name}:  {line.labels[token]}   " + (f"id {identity:,}" if identity >= 0 else "unknown")
        if identity >= 0 and self._unknown[lane][token]:
            words += " (unknown)"
        if stop - start > 1:
            return f"{words}   characters {start + 1:,} to {stop:,}"
        return f"{words}   {'part of ' if self._cells[lane].is_part(token) else ''}character {start + 1:,}"

    # ---- where it is

    def lane_rects(self, lane: int, token: int) -> list[QRectF]:
        """Return where a token's box is, in pieces where a block ends in it; it may be scrolled away."""
        left, right = self._cells[lane].edges(token)
        return [rect for block in self._blocks_of(left, right) if (rect := self._piece(block, lane, left, right))]

    def character_rect(self, index: int) -> QRectF:
        """Return where a character stands."""
        block = int(np.searchsorted(self._starts, index, side="right")) - 1
        left = self._lefts[index] - self._lefts[self._starts[block]] + self._names_width
        top = self._block_top(block)
        return QRectF(left, top, self._lefts[index + 1] - self._lefts[index], self._glyphs.height())

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return the lane and token at a point; None beside the boxes."""
        y += self.scroll_bar.value() - self._margin()
        block, inside = int(y // self._block_height()), y % self._block_height() - self._first_lane()
        pitch = self._theme.px(LANE_HEIGHT + LANE_GAP)
        lane = int(inside // pitch)
        if not (0 <= block < len(self._starts) - 1 and inside >= 0 and 0 <= lane < len(self._lanes)):
            return None
        if inside % pitch > self._theme.px(LANE_HEIGHT) or x < self._names_width:
            return None
        place = x - self._names_width + self._lefts[self._starts[block]]
        if place >= self._lefts[self._starts[block + 1]]:
            return None
        token = self._cells[lane].token_at(place)
        return (lane, token) if token >= 0 else None

    def shown_blocks(self) -> range:
        """Return the blocks of which at least a part is visible."""
        top, height = self.scroll_bar.value() - self._margin(), self._block_height()
        count = len(self._starts) - 1
        first = min(count, max(0, top // height))
        return range(first, min(count, max(first, -(-(top + self.height()) // height))))

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for two blocks."""
        return QSize(self._theme.px(900), 2 * self._block_height() + 2 * self._margin())

    def minimumSizeHint(self) -> QSize:
        """Return room for one block."""
        return QSize(self._theme.px(320), self._block_height() + 2 * self._margin())

    def restyle(self) -> None:
        """Measure the line in the new fonts."""
        self._glyph_font = self._theme.font(Role.TITLE, mono=True)
        self._label_font = self._theme.font(Role.BODY, mono=True)
        self._words = QFontMetricsF(self._label_font)
        self._label_widths: dict[str, float] = {}
        self._name_font, self._id_font = self._theme.font(Role.BODY), self._theme.font(Role.CAPTION)
        self._glyphs, self._digits = QFontMetricsF(self._glyph_font), QFontMetricsF(self._id_font)
        self._measure()
        self._lay_out()

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the blocks on screen."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for block in self.shown_blocks():
            self._draw_characters(painter, block)
            self._draw_names(painter, block)
            for lane in range(len(self._lanes)):
                self._draw_lane(painter, block, lane)
        if self._at is not None:
            self._draw_pointed(painter, self._at)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._lay_out()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll."""
        before = self.scroll_bar.value()
        self.scroll_bar.setValue(before - round(event.angleDelta().y() / 120 * self._block_height() / 2))
        event.setAccepted(self.scroll_bar.value() != before)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor."""
        super().keyPressEvent(event)
        filled = [lane for lane, (_, line) in enumerate(self._lanes) if len(line.ids)]
        if self._empty or not filled or not self.is_own_key(event):
            return
        event.accept()
        if self._at is None:
            self._go_to(filled[0], 0)
            return
        lane, token = self._at
        match event.key():
            case Key.Key_Up | Key.Key_Down:
                step = 1 if event.key() == Key.Key_Down else -1
                other = filled[min(len(filled) - 1, max(0, filled.index(lane) + step))]
                if other != lane:
                    middle = sum(self._cells[lane].edges(token)) / 2
                    lane, token = other, max(0, self._cells[other].token_at(middle))
            case Key.Key_Home:
                token = 0
            case Key.Key_End:
                token = len(self._lanes[lane][1].ids) - 1
            case _:
                token += 1 if event.key() == Key.Key_Right else -1
        self._go_to(lane, min(len(self._lanes[lane][1].ids) - 1, max(0, token)))

    def _go_to(self, lane: int, token: int) -> None:
        """Point at a token, and scroll to see it and the characters above its lane."""
        box = self.lane_rects(lane, token)[0]
        bottom = round(box.bottom()) + self.scroll_bar.value()
        above = self._first_lane() + lane * self._theme.px(LANE_HEIGHT + LANE_GAP)
        self.scroll_to(bottom - round(box.height()) - above, bottom + self._margin())
        self._point((lane, token))

    # ---- layout

    def _margin(self) -> int:
        return self._theme.px(8)

    def _first_lane(self) -> int:
        return round(self._glyphs.height()) + self._theme.px(6)

    def _block_height(self) -> int:
        lanes = len(self._lanes) * self._theme.px(LANE_HEIGHT + LANE_GAP)
        return self._first_lane() + lanes + self._theme.px(BLOCK_GAP)

    def _block_top(self, block: int) -> float:
        return self._margin() + block * self._block_height() - self.scroll_bar.value()

    def _blocks_of(self, left: float, right: float) -> range:
        """Return the blocks that a stretch of the unbroken line is in."""
        begins = self._lefts[self._starts[:-1]]
        first = max(0, int(np.searchsorted(begins, left + 1e-6, side="right")) - 1)
        return range(first, max(first + 1, int(np.searchsorted(begins, right - 1e-6, side="right"))))

    def _piece(self, block: int, lane: int, left: float, right: float) -> QRectF:
        """Return the part in `block` of what lies from `left` to `right` in the unbroken line; maybe empty."""
        begin, end = self._lefts[self._starts[block]], self._lefts[self._starts[block + 1]]
        left, right = max(left, begin), min(right, end)
        top = self._block_top(block) + self._first_lane() + lane * self._theme.px(LANE_HEIGHT + LANE_GAP)
        x = self._names_width + left - begin
        return QRectF(x, top, max(0.0, right - left), self._theme.px(LANE_HEIGHT))

    def _measure(self) -> None:
        """Give each character the room that it needs, and that the tokens which are parts of it need."""
        px = self._theme.px
        known = {character: glyph(character) for character in set(self._text)}
        usual = px(6) + max(
            self._glyphs.horizontalAdvance("m"),
            self._digits.horizontalAdvance("000"),
            self._words.horizontalAdvance("C3"),
        )
        self._label_widths.clear()
        needed = {c: max(usual, self._glyphs.horizontalAdvance(shown) + px(6)) for c, shown in known.items()}
        self._shown = tuple(known[character] for character in self._text)
        widths = np.array([needed[character] for character in self._text], dtype=np.float64)  # (n,)
        for _, line in self._lanes:
            widths = np.maximum(widths, usual * Cells.parts_of_characters(line.spans, len(self._text)))
        self._lefts = np.concatenate([[0.0], np.cumsum(np.round(widths))])  # (n + 1,)
        self._cells = tuple(Cells(line.spans, self._lefts) for _, line in self._lanes)
        names = QFontMetricsF(self._name_font)
        widest = max((names.horizontalAdvance(name) for name, _ in self._lanes), default=0.0)
        self._names_width = round(widest) + px(20)

    def _lay_out(self) -> None:
        """Break the line into blocks; the loop runs once a block."""
        count, room = len(self._text), max(1.0, self.page_width - self._names_width - self._margin())
        starts = [0]
        while starts[-1] < count:
            end = int(np.searchsorted(self._lefts, self._lefts[starts[-1]] + room, side="right")) - 1
            starts.append(max(starts[-1] + 1, end))
        self._starts: NDArray[np.int64] = np.array(starts, dtype=np.int64)
        height = (len(starts) - 1) * self._block_height() + 2 * self._margin()
        self.set_content_height(height, self._block_height() // 2)

    # ---- painting

    def _draw_characters(self, painter: QPainter, block: int) -> None:
        painter.setFont(self._glyph_font)
        painter.setPen(self._theme.colour("ink"))
        covered = range(0)
        if self._at is not None:
            start, stop = self._lanes[self._at[0]][1].spans[self._at[1]].tolist()
            covered = range(start, max(stop, start + 1))
        for index in range(self._starts[block], self._starts[block + 1]):
            place = self.character_rect(index)
            if index in covered:
                painter.fillRect(place, self._theme.colour("ink", FILLS[1]))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._shown[index])

    def _draw_names(self, painter: QPainter, block: int) -> None:
        painter.setFont(self._name_font)
        painter.setPen(self._theme.colour("muted"))
        room = QRectF(self._margin(), 0, self._names_width, self._theme.px(LANE_HEIGHT))
        for lane, (name, _) in enumerate(self._lanes):
            room.moveTop(self._piece(block, lane, 0, 0).top())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)

    def _draw_lane(self, painter: QPainter, block: int, lane: int) -> None:
        line, cells = self._lanes[lane][1], self._cells[lane]
        fills = [self._theme.colour("ink", alpha) for alpha in FILLS]
        ink, warning, muted = (self._theme.colour(name) for name in ("ink", "warning", "muted"))
        dashed = QPen(warning, self._theme.px(2))
        dashed.setDashPattern([2.5, 2])
        texts: list[tuple[QRectF, bool, str, str]] = []
        for token in cells.between(self._lefts[self._starts[block]], self._lefts[self._starts[block + 1]]):
            box = self._piece(block, lane, *cells.edges(token)).adjusted(0.5, 0, -0.5, 0)
            unknown = bool(self._unknown[lane][token])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fills[token % 2])
            painter.drawRoundedRect(box, self._theme.px(3), self._theme.px(3))
            if unknown:
                inset = self._theme.px(1)
                painter.setPen(dashed)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(
                    box.adjusted(inset, inset, -inset, -inset), self._theme.px(3), self._theme.px(3)
                )
            number = str(line.ids[token]) if line.ids[token] >= 0 else NO_ID
            texts.append((box, unknown, UNKNOWN if unknown else line.labels[token], number))
        painter.setFont(self._label_font)
        for box, unknown, label, _ in texts:
            if (width := self._label_width(label)) <= box.width() - 1:
                painter.setPen(warning if unknown else ink)
                rise = self._theme.px(2) + self._words.ascent()
                painter.drawText(QPointF(box.center().x() - width / 2, box.top() + rise), label)
        painter.setFont(self._id_font)
        for box, unknown, _, number in texts:
            if (width := self._digits.horizontalAdvance(number)) <= box.width() - 1:
                painter.setPen(warning if unknown else muted)
                drop = self._theme.px(2) + self._digits.descent()
                painter.drawText(QPointF(box.center().x() - width / 2, box.bottom() - drop), number)

    def _label_width(self, label: str) -> float:
        if label not in self._label_widths:
            self._label_widths[label] = self._words.horizontalAdvance(label)
        return self._label_widths[label]

    def _draw_pointed(self, painter: QPainter, at: Cell) -> None:
        pieces = self.lane_rects(*at)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("ink"), self._theme.px(2)))
        for piece in pieces:
            painter.drawRoundedRect(piece.adjusted(0.5, 0, -0.5, 0), self._theme.px(3), self._theme.px(3))
        draw_tag(painter, self.in_words(*at), pieces[0], QRectF(0, 0, self.page_width, self.height()), self._theme)
