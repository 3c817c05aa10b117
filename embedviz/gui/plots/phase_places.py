"""Where the cards of a row go, and in which letters: the largest for which there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, product

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_layout import Heights, Stack, stack, widths
from embedviz.gui.theme import Role, Theme

MARGIN = 3  # designed pixels: for the outline and the focus ring
GAP, ARROW_GAP = 4, 14
ROOMY = 120  # cards so wide on average have arrows between them
LOWEST_PICTURE = 12
LOW_PICTURE = 40  # where pictures are lower, those of cards with fewer lines are higher than others
NEED_STEP = 16
DENSE = 0.92  # of the fonts' own distance between lines
_FACES = (  # roles of lines and title, and how low the picture may be for them: the first that fits is taken
    (Role.BODY, Role.BODY, 56),
    (Role.CAPTION, Role.BODY, LOWEST_PICTURE),
    (Role.CAPTION, Role.CAPTION, LOWEST_PICTURE),
)


class Face:
    """The fonts of a card, and what they measure."""

    def __init__(self, lines: Role, title: Role, lowest: int, theme: Theme) -> None:
        self.title_font, self.line_font = theme.font(title, bold=True), theme.font(lines, mono=True)
        self.caption_font = theme.font(Role.CAPTION)
        self._metrics = [QFontMetricsF(font) for font in (self.title_font, self.caption_font, self.line_font)]
        self._step = theme.px(NEED_STEP)
        self.padding = theme.px(5 if title is Role.CAPTION else 8)
        title_height, caption_height, line_height = (metrics.height() for metrics in self._metrics)
        self.heights = Heights(
            self.padding - theme.px(1),
            round(title_height),
            round(DENSE * caption_height),
            round(DENSE * line_height),
            theme.px(6 if lines is Role.BODY else 3),
            theme.px(lowest),
        )

    def need(self, card: PhaseCard) -> float:
        """Return how wide a card must be for its title and lines; rounded up, for lines change all the time."""
        title, _, lines = self._metrics
        words = [lines.horizontalAdvance(line) for line in card.lines]
        widest = max([title.horizontalAdvance(card.title), *words]) + 2 * self.padding + 1
        return -(-widest // self._step) * self._step

    def draw_words(
        self, painter: QPainter, card: PhaseCard, size: tuple[float, float], room: Stack, theme: Theme
    ) -> None:
        """Paint what there is room for on a card of `size`, width and height, at the painter's origin."""
        heights, (width, height) = self.heights, size
        title, caption, line_metrics = self._metrics
        inside = width - 2 * self.padding

        def write(words: str, top: float, font: QFont, metrics: QFontMetricsF, colour: str) -> None:
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            if metrics.horizontalAdvance(words) > inside:
                words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, inside)
            painter.drawText(QPointF(self.padding, top + metrics.ascent()), words)

        write(card.title, heights.padding, self.title_font, title, "ink")
        if room.has_caption:
            write(card.caption, heights.padding + heights.title, self.caption_font, caption, "muted")
        lines = card.lines[: room.lines]
        top = height - heights.padding - len(lines) * heights.line
        for number, line in enumerate(lines):
            write(line, top + number * heights.line, self.line_font, line_metrics, "ink")


def faces(theme: Theme) -> tuple[Face, ...]:
    """Return the fonts that may be taken, the largest first."""
    return tuple(Face(*face, theme) for face in _FACES)


@dataclass(frozen=True, eq=False)
class Places:
    """Where cards are, and what they have room for."""

    size: tuple[int, int]  # of all, width and height
    face: Face
    stack: Stack
    rects: tuple[QRectF, ...]
    has_arrows: bool

    def picture_rect(self, index: int, lines: int, lowest_common: float) -> QRectF:
        """Return where the picture of a card with so many `lines` is.

        Pictures are of one height, unless that is under `lowest_common`: then each takes all the room it has.
        """
        rect, side = self.rects[index], self.face.padding
        height = self.stack.picture_height
        if height < lowest_common:
            height += max(0, self.stack.lines - lines) * self.face.heights.line
        return QRectF(rect.left() + side, rect.top() + self.stack.picture_top, rect.width() - 2 * side, height)


def place(
    cards: Sequence[PhaseCard],
    all_faces: Sequence[Face],
    all_needs: Sequence[Sequence[float]],
    size: tuple[int, int],
    theme: Theme,
) -> Places:
    """Divide `size`, width and height, among cards that with each of `all_faces` need so many pixels across."""
    width, height = size
    margin, count = theme.px(MARGIN), max(1, len(cards))
    high = height - 2 * margin
    lines = max((len(card.lines) for card in cards), default=0)
    gaps = [theme.px(ARROW_GAP)] * (width / count >= theme.px(ROOMY)) + [theme.px(GAP)]
    for (face, needs), gap in product(zip(all_faces, all_needs, strict=True), gaps):  # the last if none fits
        fitting = stack(high, lines, face.heights)
        room = width - 2 * margin - gap * (count - 1)
        if sum(needs) <= room and fitting.complete:
            break
    edges = [0.0, *accumulate(widths(needs, max(0.0, float(room))))]
    rects = []
    for index in range(len(cards)):
        left, right = (margin + round(edges[index + k]) + index * gap for k in (0, 1))
        rects.append(QRectF(left, margin, max(1, right - left), max(1, high)))
    return Places(size, face, fitting, tuple(rects), gap > theme.px(GAP))
