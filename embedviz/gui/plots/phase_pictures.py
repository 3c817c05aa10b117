"""The small pictures in the cards of a step's phases: cells, bars, and a loss on its curve."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.phase_batch import BatchPicture
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_weights import ColumnLabels
from embedviz.gui.plots.pooling import note
from embedviz.gui.theme import Role, Theme

HIGHEST_BAND = 56  # designed pixels, of one row of cells
LAST_ROWS = ("signed", "change")  # of these pictures the last rows are drawn, if not all have room
LEAST_ROW = 2  # designed pixels, of each of them
ROWS, HEADS = (6, 2), (3, 1)  # rows lower than the first have no gaps between them, others gaps of the second
SEAM, NARROWEST_PART = 3, 8
CARET = 4  # the height of the mark under a column
CURVE_TOP = 5.0  # nats, unless the loss is higher
NUMBERED = 64  # a picture so high has its axis numbered
Cells = NDArray[np.float64]


def draw_picture(painter: QPainter, card: PhaseCard, rect: QRectF, theme: Theme, ratio: float) -> None:
    """Draw a card's picture in `rect`, at `ratio` device pixels to a pixel; nothing where there is no number."""
    if not card.picture.size or rect.width() < 1 or rect.height() < 1:
        return
    painter.save()
    match card.kind:
        case "ids":
            BatchPicture(card, rect, theme).draw(painter, ratio)
        case "number":
            _draw_loss(painter, float(card.picture.reshape(-1)[0]), rect, theme)
        case "probabilities" if len(card.rows()) == 1:
            _draw_probabilities(painter, card, rect, theme)
        case "change" if len(card.rows()) == 1:
            _draw_change(painter, card, rect, theme)
        case _:
            _draw_cells(painter, card, rect, theme, ratio)
    painter.restore()


def drawn_part(card: PhaseCard, rect: QRectF, theme: Theme) -> str:
    """Return the sentence that owns up to what the picture leaves out or takes together; "" if nothing."""
    if not card.picture.size or card.kind == "number" or rect.width() < 1:
        return ""
    if card.kind == "ids":
        return BatchPicture(card, rect, theme).part()
    rows, columns = card.rows().shape
    last = rows_drawn(card, rect, theme)
    high = max(1, math.ceil(last / max(1.0, rect.height()) - 1e-6))
    wide = max(1, math.ceil(columns / max(1.0, rect.width()) - 1e-6))
    said = note(high, wide, "extreme")
    cut = f"Drawn: the last {last:,} of {rows:,} rows." if 1 < last < rows else ""
    cut = f"Drawn: the last of {rows:,} rows." if 1 == last < rows else cut
    return " ".join(part for part in (cut, f"{said[0].upper()}{said[1:]}." if said else "") if part)


# ---- cells


def rows_drawn(card: PhaseCard, rect: QRectF, theme: Theme) -> int:
    """Return how many rows of cells are drawn in a picture's rectangle: the last ones, if not all have room."""
    rows = len(card.rows())
    if card.kind not in LAST_ROWS or rows == 1:
        return rows
    return min(rows, max(1, int(_above_marks(card, rect, theme).height() // theme.px(LEAST_ROW))))


def _above_marks(card: PhaseCard, rect: QRectF, theme: Theme) -> QRectF:
    """Return what of a picture's rectangle is left for cells."""
    return rect.adjusted(0, 0, 0, -theme.px(CARET) - theme.px(1)) if card.marked() else rect


def bands(rows: int, rect: QRectF, theme: Theme, lowest: int = ROWS[0], apart: int = ROWS[1]) -> list[QRectF]:
    """Return where the rows of cells go; a single one, of all rows, where they are too low for gaps.

    Rows of `lowest` designed pixels or more are so far `apart`.
    """
    pitch = min(rect.height() / rows, theme.px(HIGHEST_BAND))
    gap = theme.px(apart) if rows > 1 and pitch >= theme.px(lowest) else 0
    top = rect.top() + (rect.height() - pitch * rows) / 2
    if not gap and rows > 1:
        return [QRectF(rect.left(), round(top), rect.width(), max(1, round(pitch * rows)))]
    edges = [round(top + row * pitch) for row in range(rows + 1)]
    return [QRectF(rect.left(), a, rect.width(), max(1, b - a - gap)) for a, b in pairwise(edges)]


def _draw_cells(painter: QPainter, card: PhaseCard, rect: QRectF, theme: Theme, ratio: float) -> None:
    last = rows_drawn(card, rect, theme)
    values = card.rows()[-last:].astype(np.float64)
    marks, area = card.marked(), _above_marks(card, rect, theme)
    if card.kind == "weights":
        labels = ColumnLabels(card, rect, theme)
        labels.draw(painter)
        if labels.places:  # which say more than marks
            marks, area = (), labels.cells
    places = bands(last, area, theme, *(HEADS if card.kind == "weights" else ROWS))
    if card.kind in ("probabilities", "weights"):
        name, low, high = colormaps.SEQUENTIAL, 0.0, 1.0 if card.kind == "weights" else card.top() or 1.0
    else:
        name, low, high = card.colormap, -1.0, card.limit()
    values = values / high  # in float64: a run that ran away has numbers whose differences float32 cannot hold
    table = colormaps.rgb32(name, colormaps.qrgb(theme.colour("line")))
    split = last // len(places)
    for row, place in enumerate(places):
        part = values[row * split : (row + 1) * split]
        for cells, where in _parts(part, place, card.parts, theme):
            view = GridView(cells.shape[0], cells.shape[1], where, largest=math.inf)
            cell_picture(cells, (low, 1.0), table, view, ratio, "extreme").draw(painter)
            if where.left() > place.left():  # a seam before it
                middle = QRectF(where.left() - theme.px(SEAM) // 2 - 1, where.top(), 1, where.height())
                painter.fillRect(middle, theme.colour("muted"))
    if 1 < last < len(card.rows()):
        _draw_cut(painter, QPointF(rect.left(), places[0].top()), rect.width(), theme)
    for mark in marks:
        _draw_caret(painter, _middle(mark, values.shape[1], card.parts, rect, theme), places[-1].bottom(), theme)


def _parts(values: Cells, rect: QRectF, parts: int, theme: Theme) -> list[tuple[Cells, QRectF]]:
    """Return the cells of each part, and where they go; one part where seams have no room."""
    if not _has_seams(values.shape[1], parts, rect, theme):
        return [(values, rect)]
    each, seam = values.shape[1] // parts, theme.px(SEAM)
    pitch = (rect.width() + seam) / parts
    edges = [round(rect.left() + part * pitch) for part in range(parts + 1)]
    return [
        (values[:, part * each : (part + 1) * each], QRectF(a, rect.top(), b - a - seam, rect.height()))
        for part, (a, b) in enumerate(pairwise(edges))
    ]


def _has_seams(columns: int, parts: int, rect: QRectF, theme: Theme) -> bool:
    return parts > 1 and columns % parts == 0 and rect.width() / parts >= theme.px(NARROWEST_PART)


def _middle(column: int, columns: int, parts: int, rect: QRectF, theme: Theme) -> float:
    """Return where the middle of a column is, across."""
    if not _has_seams(columns, parts, rect, theme):
        return rect.left() + (column + 0.5) / columns * rect.width()
    each, seam = columns // parts, theme.px(SEAM)
    pitch = (rect.width() + seam) / parts
    return rect.left() + column // each * pitch + (column % each + 0.5) / each * (pitch - seam)


def _draw_cut(painter: QPainter, start: QPointF, width: float, theme: Theme) -> None:
    """Draw a torn edge: there are rows above."""
    painter.setPen(QPen(theme.colour("muted"), theme.px(1), Qt.PenStyle.DotLine))
    painter.drawLine(start, start + QPointF(width, 0))


def _draw_caret(painter: QPainter, x: float, y: float, theme: Theme, name: str = "ink") -> None:
    """Draw a small arrow that points up at a column from below."""
    high = theme.px(CARET)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(name))
    tip = QPointF(x, y + theme.px(1))
    painter.drawPolygon(QPolygonF([tip, tip + QPointF(high, high), tip + QPointF(-high, high)]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)


# ---- bars


def pooled(values: NDArray[np.floating[Any]], room: int) -> Cells:
    """Return at most `room` numbers: of each run of columns the one farthest from 0; not finite counts as 0."""
    finite = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    if len(finite) <= room:
        return finite
    starts = np.arange(max(1, room)) * len(finite) // max(1, room)
    lowest, highest = np.minimum.reduceat(finite, starts), np.maximum.reduceat(finite, starts)
    return np.where(-lowest > highest, lowest, highest)


def _draw_probabilities(painter: QPainter, card: PhaseCard, rect: QRectF, theme: Theme) -> None:
    marks, caret = card.marked(), theme.px(CARET) + theme.px(1)
    area = rect.adjusted(0, 0, 0, -caret - 1)
    top = card.top() or 1.0
    heights = np.clip(pooled(card.rows()[0], int(rect.width())) / top, 0.0, 1.0) * area.height()
    _draw_bars(painter, heights, area, area.bottom(), theme)
    painter.fillRect(QRectF(rect.left(), area.bottom(), rect.width(), 1), theme.colour("muted"))
    columns = card.rows().shape[1]
    for mark in marks:
        value = float(card.rows()[0, mark])
        high = area.height() * min(1.0, max(0.0, value / top)) if math.isfinite(value) else 0.0
        x = _middle(mark, columns, 1, rect, theme)
        half = max(theme.px(3), rect.width() / columns - theme.px(1)) / 2
        bar = QRectF(round(x - half), area.bottom() - high, round(2 * half), high)
        painter.fillRect(bar, theme.colour("data"))
        _draw_caret(painter, x, area.bottom() + 1, theme, "data")


def _draw_change(painter: QPainter, card: PhaseCard, rect: QRectF, theme: Theme) -> None:
    marks, caret = card.marked(), theme.px(CARET) + theme.px(1)
    area = rect.adjusted(0, 0, 0, -caret) if marks else rect
    zero = round(area.center().y())
    half = min(zero - area.top(), area.bottom() - zero)
    heights = np.clip(pooled(card.rows()[0], int(rect.width())) / card.limit(), -1.0, 1.0) * half
    _draw_bars(painter, heights, area, zero, theme)
    painter.fillRect(QRectF(rect.left(), zero, rect.width(), 1), theme.colour("muted"))
    for mark in marks:
        x = _middle(mark, card.rows().shape[1], 1, rect, theme)
        _draw_caret(painter, x, area.bottom(), theme)


def _draw_bars(painter: QPainter, heights: Cells, area: QRectF, zero: float, theme: Theme) -> None:
    """Draw a bar for each of `heights`, up or down from `zero`, in pixels."""
    pitch = area.width() / len(heights)
    gap = theme.px(1) if pitch >= theme.px(3) else 0
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("model"))
    edges = np.rint(area.left() + np.arange(len(heights) + 1) * pitch).tolist()
    painter.drawRects(
        [
            QRectF(left, zero - max(high, 0.0), right - left - gap, abs(high))
            for left, right, high in zip(edges, edges[1:], heights.tolist(), strict=False)
            if high and right > left
        ]
    )


# ---- a loss


def loss_point(loss: float, area: QRectF) -> QPointF:
    """Return where a loss of -ln p is on the curve that fills `area`: p across, from 0 to 1, the loss upwards."""
    top = max(CURVE_TOP, 1.1 * loss)
    return QPointF(area.left() + math.exp(-loss) * area.width(), area.bottom() - loss / top * area.height())


def _draw_loss(painter: QPainter, loss: float, rect: QRectF, theme: Theme) -> None:
    metrics = QFontMetricsF(theme.font(Role.CAPTION))
    numbered = rect.height() >= theme.px(NUMBERED)
    dot = theme.px(4)
    area = rect.adjusted(dot, dot, -dot, -(metrics.height() if numbered else 0) - dot)
    painter.setPen(QPen(theme.colour("muted"), 1))
    painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))
    painter.drawLine(QLineF(area.left(), area.top(), area.left(), area.bottom()))
    if numbered:
        _draw_axis(painter, area, metrics, theme)
    known = math.isfinite(loss) and loss >= 0
    top = max(CURVE_TOP, 1.1 * loss) if known else CURVE_TOP
    places = np.linspace(0.0, top, 48)
    curve = QPolygonF(
        [
            QPointF(area.left() + math.exp(-y) * area.width(), area.bottom() - y / top * area.height())
            for y in places.tolist()
        ]
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour("model"), theme.scale * 1.5))
    painter.drawPolyline(curve)
    if not known:
        return
    here = loss_point(loss, area)
    painter.setPen(QPen(theme.colour("muted"), 1, Qt.PenStyle.DashLine))
    painter.drawLine(QLineF(here.x(), here.y(), here.x(), area.bottom()))
    painter.drawLine(QLineF(area.left(), here.y(), here.x(), here.y()))
    painter.setPen(QPen(theme.colour("card"), theme.px(1)))
    painter.setBrush(theme.colour("ink"))
    painter.drawEllipse(here, dot, dot)


def _draw_axis(painter: QPainter, area: QRectF, metrics: QFontMetricsF, theme: Theme) -> None:
    painter.setFont(theme.font(Role.CAPTION))
    below = QRectF(area.left(), area.bottom() + theme.px(2), area.width(), metrics.height())
    for words, side in (("0", Qt.AlignmentFlag.AlignLeft), ("1", Qt.AlignmentFlag.AlignRight)):
        painter.drawText(below, side, words)
    painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "p")
    painter.drawText(QPointF(area.left() + theme.px(14), area.top() + metrics.ascent()), "−ln p")
