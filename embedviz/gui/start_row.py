"""A line of the start page: a name, a line that explains it, and a mark at the right; pressed as a button is."""

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from embedviz.gui.theme import Role, Theme

WALKING = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End}
LINES_OF_NOTHING = 10_000  # pixels: more than any explanation is high
LEAST_WIDTH = 200  # designed pixels


class StartRow(QAbstractButton):
    """Tells by `walked` of the keys that go from row to row, which are then the page's and not the run's.

    A long name takes two lines, and gives way between them: its beginning and its end stay. An explanation is
    broken into lines where it `wraps`; else it gives way in its middle, as a path should.
    """

    walked = Signal(int)  # the key

    def __init__(self, title: str, line: str, theme: Theme, *, wraps: bool = True) -> None:
        super().__init__()
        self.title = title  # not text(): there a & would underline what follows
        self.line = line
        self.mark = ""
        self._is_current = False
        self._wraps = wraps
        self._theme = theme
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleDescription(line)
        self.set_mark("")
        theme.changed.connect(self._restyle)

    def set_mark(self, mark: str, *, is_current: bool = False) -> None:
        """Say a word or a key at the right; `is_current` marks what is open or trained now."""
        if (mark, is_current) == (self.mark, self._is_current) and self.accessibleName():
            return
        self.mark = mark
        self._is_current = is_current
        self.setAccessibleName(f"{self.title}, {mark}" if mark else self.title)
        self.updateGeometry()  # there may be less room for the name
        self.update()

    @property
    def is_current(self) -> bool:
        """True of what is open or trained now."""
        return self._is_current

    # --- size ---------------------------------------------------------------------------------------

    def hasHeightForWidth(self) -> bool:
        """Long explanations are broken into lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of both texts."""
        return self._line_rect(width).bottom() + 1 + self._theme.px(5)

    def sizeHint(self) -> QSize:
        """Return a width at which few explanations are broken."""
        width = self._theme.px(2 * LEAST_WIDTH)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Return little width: all gives way."""
        return QSize(self._theme.px(LEAST_WIDTH), self._title_height() + 2 * self._theme.px(5))

    def _title_height(self) -> int:
        return QFontMetrics(self._theme.font(bold=True)).height()

    def title_lines(self, width: int) -> list[str]:
        """Return the name as it is shown in a row of this width, in one or two lines."""
        font, room = self._theme.font(bold=True), width - 2 * self._theme.px(12)
        metrics = QFontMetrics(font)
        beside_mark = room - self._mark_width()
        if metrics.horizontalAdvance(self.title) <= beside_mark:
            return [self.title]
        layout = QTextLayout(self.title, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(beside_mark)
        layout.endLayout()
        raw, first = self.title.encode("utf-16-le"), 2 * line.textLength()  # which Qt counts in UTF-16
        rest = raw[first:].decode("utf-16-le").strip()
        elided = metrics.elidedText(rest, Qt.TextElideMode.ElideLeft, room)
        return [raw[:first].decode("utf-16-le").strip(), elided]

    def _mark_width(self) -> int:
        """Return the room that the mark takes from the name's first line."""
        metrics = QFontMetrics(self._theme.font(Role.CAPTION, bold=self._is_current))
        return metrics.horizontalAdvance(self.mark) + self._theme.px(12) if self.mark else 0

    def _line_rect(self, width: int) -> QRect:
        """Return where the explanation is, in a row of this width."""
        metrics = QFontMetrics(self._theme.font(Role.CAPTION))
        px = self._theme.px
        room = width - 2 * px(12)
        high = metrics.height()
        if self._wraps:
            wrap = int(Qt.TextFlag.TextWordWrap)
            high = metrics.boundingRect(QRect(0, 0, room, LINES_OF_NOTHING), wrap, self.line).height()
        return QRect(px(12), px(5) + len(self.title_lines(width)) * self._title_height(), room, high)

    # --- events -------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Claim the keys of a row before the window's shortcuts see them; repaint where the pointer is."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and (_walks(event) or _presses(event)):
            event.accept()
            return True
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self.update()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell of the keys that walk; Space presses, or a run would begin unseen; Return is the window's."""
        if _walks(event):
            self.walked.emit(event.key())
        elif _presses(event):
            if not event.isAutoRepeat():
                self.click()
        else:
            event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw ground, mark and both texts."""
        px, theme = self._theme.px, self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_pointed_at = self.isEnabled() and (self.underMouse() or self.isDown())
        painter.setPen(QPen(theme.colour("model"), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("well") if is_pointed_at or self.hasFocus() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), px(6), px(6))
        if self._is_current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("ink"))
            painter.drawRoundedRect(QRect(px(3), px(8), px(3), self.height() - 2 * px(8)), px(1), px(1))
        self._paint_words(painter)

    def _paint_words(self, painter: QPainter) -> None:
        px, theme = self._theme.px, self._theme
        muted = theme.colour("muted")
        top = QRect(px(12), px(5), self.width() - 2 * px(12), self._title_height())
        caption = theme.font(Role.CAPTION, bold=self._is_current)
        painter.setFont(caption)
        painter.setPen(theme.colour("ink") if self._is_current else muted)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(top, middle | int(Qt.AlignmentFlag.AlignRight), self.mark)
        font = theme.font(bold=True)
        painter.setFont(font)
        painter.setPen(theme.colour("ink") if self.isEnabled() else muted)
        for at, line in enumerate(self.title_lines(self.width())):
            painter.drawText(top.translated(0, at * top.height()), middle | int(Qt.TextFlag.TextSingleLine), line)
        painter.setFont(theme.font(Role.CAPTION))
        painter.setPen(muted)
        place = self._line_rect(self.width())
        if self._wraps:
            painter.drawText(place, int(Qt.TextFlag.TextWordWrap), self.line)
        else:
            metrics = QFontMetrics(theme.font(Role.CAPTION))
            fitted = metrics.elidedText(self.line, Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(place, int(Qt.TextFlag.TextSingleLine), fitted)

    @Slot()
    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()


def _walks(event: QKeyEvent) -> bool:
    return event.key() in WALKING and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier


def _presses(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
