"""Rows that fly out of the table into the strip of phases: a look-up copies rows, and this shows it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEasingCurve, QPoint, QRect, QRectF, Qt, QVariantAnimation, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from embedviz.gui.state import AppState, Phase

FLIGHT_MS = 200
PHASE = "lookup"

Pictures = Sequence[tuple[QRect, QPixmap] | None]  # where a row is on screen, and how it looks; None out of sight


class RowFlight(QWidget):
    """Lies over the window, lets the mouse through, and is hidden but for the flight."""

    def __init__(
        self, state: AppState, rows: Callable[[], Pictures], target: Callable[[str, int], QRect], window: QWidget
    ) -> None:
        """Take the rows that are looked up, and where on screen the picture of a phase is.

        The target is empty if the picture is not to be seen, or if a row, counted from its end, is not drawn.
        """
        super().__init__(window)
        self.setObjectName("rowFlight")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self._window = window
        self._state = state
        self._find_rows = rows
        self._find_target = target
        self._seen: tuple[int, tuple[int, ...], str] = (-1, (), "")
        self._rows: list[tuple[QRectF, QRectF, QPixmap]] = []  # from, to, and what flies
        self._animation = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=FLIGHT_MS)
        self._animation.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._animation.valueChanged.connect(self.update)
        self._animation.finished.connect(self.hide)
        state.trace_shown.connect(self._look)

    @property
    def is_flying(self) -> bool:
        """True while rows are under way."""
        return self._animation.state() is QVariantAnimation.State.Running

    @Slot()
    def _look(self) -> None:
        """Start when the look-up is gone to, be it of the same step or of another, or when other rows are."""
        trace, phase = self._state.trace, self._state.phase
        if trace is None or phase is None or self._state.run.phase is Phase.PLAYING:
            self._seen = (-1, (), "")
            return
        seen = trace.step, tuple(trace.arrays["ids"].tolist()), phase.name
        if seen == self._seen:
            return
        self._seen = seen
        self._animation.stop()
        self.hide()
        if phase.name == PHASE and not self._state.less_motion:
            self._fly(self._find_rows(), self._find_target(PHASE, -1))

    def _fly(self, rows: Pictures, target: QRect) -> None:
        if not any(rows) or target.isEmpty() or not self._window.isVisible():
            return
        here = self._window.mapToGlobal(QPoint(0, 0))
        drawn = [row for at, row in enumerate(rows) if not self._find_target(PHASE, at - len(rows)).isEmpty()]
        high = target.height() / len(drawn)  # the last row is drawn
        self._rows = []
        for place, row in enumerate(drawn):
            if row is None:
                continue
            source, picture = row
            end = QRectF(target.left(), target.top() + place * high, target.width(), high)
            self._rows.append((QRectF(source).translated(-here), end.translated(-here), picture))
        self.setGeometry(self._window.rect())
        self.raise_()
        self.show()
        self._animation.start()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw each row on its way."""
        share = float(self._animation.currentValue())
        painter = QPainter(self)
        for begin, end, picture in self._rows:
            place = QRectF(
                begin.left() + share * (end.left() - begin.left()),
                begin.top() + share * (end.top() - begin.top()),
                begin.width() + share * (end.width() - begin.width()),
                begin.height() + share * (end.height() - begin.height()),
            )
            painter.drawPixmap(place, picture, QRectF(picture.rect()))
