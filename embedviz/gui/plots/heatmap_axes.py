"""The labels of a table: rows at the left, columns on top, in the places that label_places.py finds."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from embedviz.analysis.figures import longest
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.label_places import Mark, place
from embedviz.gui.theme import Role, Theme

WIDEST_ROW_LABEL, WIDEST_COLUMN_LABEL = 120, 56  # designed pixels
Placed = tuple[QRectF, str, Mark]


class Labels:
    """The names along an axis, measured; long ones are cut in the middle to `widest_allowed` pixels.

    Without names the cells are numbered.
    """

    def __init__(self, names: Sequence[str] | None, count: int, fonts: tuple[QFont, QFont], widest_allowed: int):
        self.numbers = names is None
        self.names = tuple(names) if names is not None else ()
        self.widest_allowed = widest_allowed
        self._metrics = tuple(QFontMetricsF(font) for font in fonts)
        self._cut: dict[tuple[int, bool], tuple[str, float]] = {}
        candidates = longest(self.names or [str(max(0, count - 1))])
        widths = [self._metrics[0].horizontalAdvance(name) for name in candidates]
        bold = max((self._metrics[1].horizontalAdvance(name) for name in candidates), default=0.0)
        self.usual = min(float(widest_allowed), max(widths, default=0.0))
        self.widest = min(float(widest_allowed), max(bold, self.usual))

    def name(self, index: int) -> str:
        """Return the whole name of a row or column; its number if it has none."""
        return self.names[index] if index < len(self.names) else str(index)

    def text(self, index: int, strong: bool) -> str:
        """Return what is drawn: the name, cut if it is too long."""
        return self._measured(index, strong)[0]

    def width(self, index: int, strong: bool) -> float:
        """Return how wide that is."""
        return self._measured(index, strong)[1]

    def _measured(self, index: int, strong: bool) -> tuple[str, float]:
        found = self._cut.get((index, strong))
        if found is None:
            metrics = self._metrics[strong]
            text = self.name(index)
            width = metrics.horizontalAdvance(text)
            if width > self.widest_allowed:
                text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, self.widest_allowed)
                width = metrics.horizontalAdvance(text)
            found = self._cut[index, strong] = text, width
        return found


class AxisPainter:
    """Measures, places and draws the labels of both axes."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._names: tuple[tuple[str, ...], tuple[str, ...] | None] = ((), None)
        self._shape = (0, 0)
        self._row_room = theme.px(WIDEST_ROW_LABEL)
        self.restyle()

    def set_names(self, rows: Sequence[str], columns: Sequence[str] | None) -> bool:
        """Take names; False if they are the same as before."""
        names = tuple(rows), None if columns is None else tuple(columns)
        if names == self._names:
            return False
        self._names = names
        self.restyle()
        return True

    def set_shape(self, rows: int, columns: int) -> None:
        """Take the table's size, which is what is numbered where there are no names."""
        self._shape = rows, columns
        self.restyle()

    def set_room(self, width: int) -> bool:
        """Let row labels take a quarter of `width` at most; False if that changes nothing."""
        room = max(self._theme.px(24), min(self._theme.px(WIDEST_ROW_LABEL), width // 32 * 8))
        if room == self._row_room:
            return False
        self._row_room = room
        self.restyle()
        return True

    def restyle(self) -> None:
        """Measure in the theme's fonts."""
        px = self._theme.px
        self._fonts = (
            self._theme.font(Role.CAPTION, mono=True),
            self._theme.font(Role.CAPTION, mono=True, bold=True),
        )
        ink = QFontMetricsF(self._fonts[1]).tightBoundingRect("Afgj")
        self._line, self._descent = ink.height() + 1, ink.bottom() + 0.5
        self.rows = Labels(self._names[0] or None, self._shape[0], self._fonts, self._row_room)
        self.columns = Labels(self._names[1], self._shape[1], self._fonts, px(WIDEST_COLUMN_LABEL))
        self.gutter_width = round(self.rows.widest + px(8))
        self.gutter_height = round(self._line + px(7))
        self._last: tuple[object, list[Placed]] | None = None

    def placed(self, view: GridView, strong_rows: Sequence[int], strong_columns: Sequence[int]) -> list[Placed]:
        """Return rectangle, text and place of each label: rows, then columns; kept until something moves."""
        key = (view, tuple(strong_rows), tuple(strong_columns))
        if self._last is None or self._last[0] != key:
            self._last = key, self._place_rows(view, strong_rows) + self._place_columns(view, strong_columns)
        return self._last[1]

    def draw(
        self, painter: QPainter, view: GridView, strong_rows: Sequence[int], strong_columns: Sequence[int]
    ) -> None:
        """Draw the labels, and a thin line from those that had to move to what they name."""
        placed = self.placed(view, strong_rows, strong_columns)
        for strong in (False, True):
            painter.setFont(self._fonts[strong])
            painter.setPen(self._theme.colour("ink" if strong else "muted"))
            for rect, text, mark in placed:
                if mark.strong is strong:
                    painter.drawText(QPointF(rect.left(), rect.bottom() - self._descent), text)
        painter.setPen(QPen(self._theme.colour("muted"), 1))
        for rect, _, mark in placed:
            off = mark.start + mark.length / 2 - mark.anchor
            if mark.strong and abs(off) > 1.5:
                self._draw_leader(painter, view, rect, mark)

    def _draw_leader(self, painter: QPainter, view: GridView, rect: QRectF, mark: Mark) -> None:
        if rect.right() <= view.area.left():
            start = QPointF(rect.right() + 1, rect.center().y())
            painter.drawLine(start, QPointF(view.area.left() - 2, mark.anchor))
        else:
            start = QPointF(rect.center().x(), rect.bottom() + 1)
            painter.drawLine(start, QPointF(mark.anchor, view.area.top() - 2))

    def _place_rows(self, view: GridView, strong: Sequence[int]) -> list[Placed]:
        names, right = self.rows, view.area.left() - self._theme.px(6)
        half = self._line / 2
        marks = place(
            view.shown_rows,
            strong,
            lambda row: view.area.top() + (row + 0.5 - view.top_row) * view.cell_height,
            lambda _row, _strong: self._line,
            view.rect.top() - half,
            view.rect.bottom() + half,
            view.cell_height,
            self._line,
            nice=names.numbers,
        )
        placed = []
        for mark in marks:
            width = names.width(mark.index, mark.strong)
            rect = QRectF(right - width, mark.start, width, mark.length)
            placed.append((rect, names.text(mark.index, mark.strong), mark))
        return placed

    def _place_columns(self, view: GridView, strong: Sequence[int]) -> list[Placed]:
        names, bottom = self.columns, view.area.top() - self._theme.px(5)
        gap = 0.5 if names.usual <= self._line else self._theme.px(6)  # single letters may stand close
        strong_gap = max(gap, self._theme.px(4))
        marks = place(
            view.shown_columns,
            strong,
            lambda column: view.area.left() + (column + 0.5 - view.left_column) * view.cell_width,
            lambda column, bold: names.width(column, bold) + (strong_gap if bold else gap),
            view.rect.left() - names.widest / 2 - gap,
            view.rect.right() + self._theme.px(5),
            view.cell_width,
            names.usual + gap,
            nice=names.numbers,
        )
        placed = []
        for mark in marks:
            width = names.width(mark.index, mark.strong)
            left = mark.start + (mark.length - width) / 2
            rect = QRectF(left, bottom - self._line, width, self._line)
            placed.append((rect, names.text(mark.index, mark.strong), mark))
        return placed
