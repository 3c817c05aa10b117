"""Where the cards of a row go, and in which letters: the largest for which there is room."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, product

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from embedviz.gui.plots.phase_bar import bar_height
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_layout import Heights, Stack, stack, widths
from embedviz.gui.plots.phase_window import in_sight, page_after, page_before
from embedviz.gui.theme import Role, Theme

MARGIN = 3  # designed pixels: for the outline and the focus ring
GAP, ARROW_GAP = 4, 14
ROOMY = 120  # cards so wide on average have arrows between them
LOWEST_PICTURE = 12
LOW_PICTURE = 40  # where pictures are lower, those of cards with fewer lines are higher than others
NEED_STEP, SMALL_NEED_STEP = 16, 4
DENSE = 0.92  # of the fonts' own distance between lines
MONO = 0  # in place of a stretch: the font whose letters are all of one width
STRETCHES = (100, 90, 80, 75)  # per cent of a font's own width: the narrower where figures have no room else
_FACES = (  # roles of lines and title, how low the picture may be for them, and how wide lines are
    (Role.BODY, Role.BODY, 56, MONO),
    (Role.CAPTION, Role.BODY, LOWEST_PICTURE, MONO),
    *((Role.CAPTION, Role.CAPTION, LOWEST_PICTURE, stretch) for stretch in (MONO, *STRETCHES)),
)  # the first that fits is taken
_FOR_PAGES = (1, 5)  # which of them are taken where only some cards are in sight: those have room enough
MOST_NEEDED = 128  # that a card may ask for where not all have room: longer lines are cut
WIDEST_EDGE = "‹ 88"
ARROW = " → "
_DIGITS = "0123456789.,"
_OF_NUMBER = re.compile(r"[+−]?[\d.,]+$")
_SHAPE = re.compile(r"(.+)( \([\d, ]+\))")


@dataclass(frozen=True, eq=False)
class Cut:
    """A font in one of its widths, and what it measures."""

    font: QFont
    metrics: QFontMetricsF

    @classmethod
    def of(cls, font: QFont, stretch: int) -> "Cut":
        """Return `font` at `stretch` per cent of its width."""
        narrowed = QFont(font)
        narrowed.setStretch(stretch)
        return cls(narrowed, QFontMetricsF(narrowed))

    def width(self, lines: Sequence[str]) -> float:
        """Return how wide the widest of `lines` is."""
        return max(map(self.metrics.horizontalAdvance, lines), default=0.0)

    def elided(self, words: str, room: float) -> str:
        """Return what of `words` there is room for: no number is cut, and a shape at the end stays."""
        if self.width([words]) <= room:
            return words
        found = _SHAPE.fullmatch(words)
        if found is not None and self.width(["…" + found[2]]) <= room:
            words, tail = found[1], found[2]
            room -= self.width([tail])
        else:
            tail = ""
        shown = self.metrics.elidedText(words, Qt.TextElideMode.ElideRight, room).removesuffix("…")
        if _OF_NUMBER.search(words[: len(shown) + 1]) and words[len(shown) - 1 : len(shown)] in _DIGITS:
            shown = _OF_NUMBER.sub("", shown)
        return f"{shown.rstrip()}…{tail}"


class Face:
    """The fonts of a card, and what they measure. `stretch` is how wide lines are at the most."""

    def __init__(self, lines: Role, title: Role, lowest: int, stretch: int, theme: Theme) -> None:
        self._titles = [Cut.of(theme.font(title, bold=True), one) for one in STRETCHES]
        self._title_cut = Cut.of(theme.font(title, bold=True), stretch or STRETCHES[0])
        self._title_needs: dict[str, float] = {}  # titles are the same at each step
        self._captions = [Cut.of(theme.font(Role.CAPTION), one) for one in STRETCHES]
        self._lines = [Cut.of(theme.font(lines), one) for one in STRETCHES if one <= (stretch or STRETCHES[0])]
        mono = theme.font(lines, mono=True)
        if stretch == MONO:
            self._lines.insert(0, Cut(mono, QFontMetricsF(mono)))
        self.is_smallest = title is Role.CAPTION
        self._step = theme.px(NEED_STEP if stretch == MONO else SMALL_NEED_STEP)
        self.padding = theme.px(5 if title is Role.CAPTION else 8)
        of_lines = QFontMetricsF(mono), self._lines[-1].metrics
        title_height, caption_height = self._titles[0].metrics.height(), self._captions[0].metrics.height()
        line_height = max(metrics.height() for metrics in of_lines)  # the same however wide: nothing jumps
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
        title = self._title_needs.get(card.title)
        if title is None:
            title = self._title_needs[card.title] = self._title_cut.width([card.title])
        words = max(title, self._lines[0].width(card.lines))
        return -(-(words + 2 * self.padding + 1) // self._step) * self._step

    def draw_words(
        self, painter: QPainter, card: PhaseCard, size: tuple[float, float], room: Stack, theme: Theme
    ) -> None:
        """Paint what there is room for on a card of `size`, width and height, at the painter's origin."""
        heights, (width, height) = self.heights, size
        inside = width - 2 * self.padding

        def write(words: str, top: float, cut: Cut, colour: str) -> None:
            painter.setFont(cut.font)
            painter.setPen(theme.colour(colour))
            painter.drawText(QPointF(self.padding, top + cut.metrics.ascent()), cut.elided(words, inside))

        write(card.title, heights.padding, widest(self._titles, [card.title], inside), "ink")
        if room.has_caption:
            cut = widest(self._captions, [card.caption], inside)
            write(card.caption, heights.padding + heights.title, cut, "muted")
        lines, cut = self.set_lines(card.lines, inside, room.lines)
        top = height - heights.padding - len(lines) * heights.line
        for number, line in enumerate(lines):
            write(line, top + number * heights.line, cut, "ink")

    def set_lines(self, lines: Sequence[str], inside: float, most: int) -> tuple[list[str], Cut]:
        """Return the lines, `most` at most, as they are set in a width of `inside`, and in which letters.

        Letters are as wide as there is room for; a line "A → B" that has none even so becomes two, if it may.
        """
        shown = list(lines[:most])
        cut = widest(self._lines, shown, inside)
        for line in list(shown):
            before, arrow, after = line.partition(ARROW)
            if cut.width([line]) > inside and arrow and len(shown) < most:
                place = shown.index(line)
                shown[place : place + 1] = [before, f"→ {after}"]
        return shown, widest(self._lines, shown, inside)


def widest(cuts: Sequence[Cut], lines: Sequence[str], room: float) -> Cut:
    """Return the first of `cuts`, from the widest to the narrowest, in which all lines fit; else the last."""
    return next((cut for cut in cuts if cut.width(lines) <= room), cuts[-1])


def faces(theme: Theme) -> tuple[Face, ...]:
    """Return the fonts that may be taken, the largest first."""
    return tuple(Face(*face, theme) for face in _FACES)


@dataclass(frozen=True, eq=False)
class Places:
    """Where cards are, and what they have room for. Cards that are not in sight have empty rectangles."""

    size: tuple[int, int]  # of all, width and height
    face: Face
    stack: Stack
    rects: tuple[QRectF, ...]
    has_arrows: bool
    shown: range
    before: QRectF  # the edges that say how many more there are; empty where there are none
    after: QRectF
    bar: QRectF  # empty where all cards are in sight
    needs: tuple[float, ...] = ()  # of the cards in this face; none where all are in sight
    room: float = 0.0

    def picture_rect(self, index: int, lines: int, lowest_common: float) -> QRectF:
        """Return where the picture of a card with so many `lines` is; empty where the card is not in sight.

        Pictures are of one height, unless that is under `lowest_common`: then each takes all the room it has.
        """
        rect, side = self.rects[index], self.face.padding
        if rect.isEmpty():
            return QRectF()
        height = self.stack.picture_height
        if height < lowest_common:
            height += max(0, self.stack.lines - lines) * self.face.heights.line
        return QRectF(rect.left() + side, rect.top() + self.stack.picture_top, rect.width() - 2 * side, height)

    def page(self, by: int, theme: Theme) -> range:
        """Return the cards of the page after these, or before them for -1."""
        turn = page_after if by > 0 else page_before
        return (
            turn(self.needs, self.room, theme.px(GAP), edge_width(theme), self.shown) if self.needs else self.shown
        )


def edge_width(theme: Theme) -> int:
    """Return how wide the edge is that says how many more cards there are."""
    return round(QFontMetricsF(theme.font(Role.CAPTION)).horizontalAdvance(WIDEST_EDGE)) + 2 * theme.px(4)


def place(
    cards: Sequence[PhaseCard],
    all_faces: Sequence[Face],
    all_needs: Sequence[Sequence[float]],
    size: tuple[int, int],
    theme: Theme,
    first: int = 0,
    keep: int = -1,
) -> Places:
    """Divide `size`, width and height, among cards that with each of `all_faces` need so many pixels across.

    Where not all have room even in the narrowest letters, those from `first` on are shown, and `keep` among them.
    """
    most, gap = theme.px(MOST_NEEDED), theme.px(GAP)
    least = sum(min(need, most) for need in all_needs[-1]) if all_needs else 0.0
    if least + gap * (len(cards) - 1) > size[0] - 2 * theme.px(MARGIN):
        return _place_some(cards, list(zip(all_faces, all_needs, strict=True)), size, theme, first, keep)
    return _place_all(cards, all_faces, all_needs, size, theme)


def _place_all(
    cards: Sequence[PhaseCard],
    all_faces: Sequence[Face],
    all_needs: Sequence[Sequence[float]],
    size: tuple[int, int],
    theme: Theme,
) -> Places:
    width, height = size
    margin, count = theme.px(MARGIN), max(1, len(cards))
    high = height - 2 * margin
    lines = max((len(card.lines) for card in cards), default=0)
    gaps = [theme.px(ARROW_GAP)] * (width / count >= theme.px(ROOMY)) + [theme.px(GAP)]
    tries = [
        (face, needs, gap, stack(high, lines, face.heights))
        for (face, needs), gap in product(zip(all_faces, all_needs, strict=True), gaps)
    ]
    fitting = [one for one in tries if sum(one[1]) <= width - 2 * margin - one[2] * (count - 1)]
    complete = [one for one in fitting if one[3].complete]
    face, needs, gap, fit = next(iter(complete or [one for one in fitting if one[0].is_smallest] or tries[-1:]))
    rects = _in_a_row(needs, QRectF(margin, margin, width - 2 * margin, high), gap)
    none = QRectF()
    return Places(size, face, fit, tuple(rects), gap > theme.px(GAP), range(len(cards)), none, none, none)


def _place_some(
    cards: Sequence[PhaseCard],
    choices: Sequence[tuple[Face, Sequence[float]]],
    size: tuple[int, int],
    theme: Theme,
    first: int,
    keep: int,
) -> Places:
    """Return places of as many cards as there is room for, with edges at the sides and a bar below."""
    (width, height), margin, gap, edge = size, theme.px(MARGIN), theme.px(GAP), edge_width(theme)
    below = bar_height(height, theme)
    high, room = height - 2 * margin - below, float(width - 2 * margin)
    lines = max(len(card.lines) for card in cards)
    tries = [(face, needs, stack(high, lines, face.heights)) for face, needs in (choices[k] for k in _FOR_PAGES)]
    face, wanted, fit = next((one for one in tries if one[2].complete), tries[-1])
    needs = tuple(min(need, float(theme.px(MOST_NEEDED))) for need in wanted)
    shown = in_sight(needs, room, gap, edge, first, keep)
    row = QRectF(margin, margin, room, high)
    before, after = QRectF(), QRectF()
    if shown.start:
        before = QRectF(row.left(), row.top(), edge, high)
        row.setLeft(before.right() + gap)
    if shown.stop < len(cards):
        after = QRectF(row.right() - edge, row.top(), edge, high)
        row.setRight(after.left() - gap)
    rects = [QRectF()] * len(cards)
    rects[shown.start : shown.stop] = _in_a_row(needs[shown.start : shown.stop], row, gap)
    bar = QRectF(margin, height - margin - below, room, below)
    return Places(size, face, fit, tuple(rects), False, shown, before, after, bar, needs, room)


def _in_a_row(needs: Sequence[float], area: QRectF, gap: int) -> list[QRectF]:
    """Return rectangles side by side that fill an area, each as wide as it needs at least."""
    room = area.width() - gap * (len(needs) - 1)
    edges = [0.0, *accumulate(widths(needs, max(0.0, room)))]
    rects = []
    for index in range(len(needs)):
        left, right = (round(area.left()) + round(edges[index + k]) + index * gap for k in (0, 1))
        rects.append(QRectF(left, area.top(), max(1, right - left), max(1.0, area.height())))
    return rects
