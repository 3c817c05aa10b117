"""Pointer events as Qt would send them, and pixels as they are painted."""

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

NONE, LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier


def _mouse(widget: QWidget, kind: QEvent.Type, point: QPointF, button, buttons) -> None:
    QApplication.sendEvent(widget, QMouseEvent(kind, point, widget.mapToGlobal(point), button, buttons, PLAIN))


def move(widget: QWidget, point: QPointF, buttons=NONE) -> None:
    _mouse(widget, QEvent.Type.MouseMove, point, NONE, buttons)


def press(widget: QWidget, point: QPointF) -> None:
    _mouse(widget, QEvent.Type.MouseButtonPress, point, LEFT, LEFT)


def release(widget: QWidget, point: QPointF) -> None:
    _mouse(widget, QEvent.Type.MouseButtonRelease, point, LEFT, NONE)


def click(widget: QWidget, point: QPointF) -> None:
    press(widget, point)
    release(widget, point)


def double_click(widget: QWidget, point: QPointF) -> None:
    click(widget, point)
    _mouse(widget, QEvent.Type.MouseButtonDblClick, point, LEFT, LEFT)
    release(widget, point)


def drag(widget: QWidget, start: QPointF, end: QPointF) -> None:
    press(widget, start)
    for part in (0.25, 0.5, 0.75, 1.0):
        move(widget, start + (end - start) * part, LEFT)
    release(widget, end)


def leave(widget: QWidget) -> None:
    QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))


def turn_wheel(widget: QWidget, point: QPointF, notches: float) -> bool:
    event = QWheelEvent(
        point,
        widget.mapToGlobal(point),
        QPoint(),
        QPoint(0, round(120 * notches)),
        NONE,
        PLAIN,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def pixel(widget: QWidget, point: QPointF) -> QColor:
    return widget.grab().toImage().pixelColor(int(point.x()), int(point.y()))
