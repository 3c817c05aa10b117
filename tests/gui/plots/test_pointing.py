import pytest
from plot_events import leave, move
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QImage, QPainter
from PySide6.QtWidgets import QApplication

from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pointing import CellPlot

SIDE = 10


class Squares(CellPlot):
    """Cells of SIDE pixels, three by three, at the left and top."""

    def place_at(self, x, y):
        return (int(y // SIDE), int(x // SIDE)) if max(x, y) < 3 * SIDE else None

    def describe(self):
        return f"at {self._at}"


class ScrolledSquares(Squares, ScrollingPlot):
    pass


@pytest.fixture(params=[Squares, ScrolledSquares])
def plot(qtbot, theme, request):
    made = request.param(theme, "Squares")
    qtbot.addWidget(made)
    made.resize(100, 100)
    return made


@pytest.fixture
def seen(plot):
    cells = []
    plot.hovered.connect(lambda row, column: cells.append((row, column)))
    return cells


def lose_focus(plot):
    QApplication.sendEvent(plot, QFocusEvent(QEvent.Type.FocusOut))


def test_pointer_and_keyboard_reach_it(plot):
    assert plot.hasMouseTracking()
    assert plot.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_each_place_is_told_once_and_then_that_there_is_none(plot, seen):
    for point in (QPointF(5, 15), QPointF(6, 16), QPointF(25, 5), QPointF(50, 5), QPointF(60, 5)):
        move(plot, point)
    move(plot, QPointF(0, 0))
    leave(plot)
    leave(plot)
    assert seen == [(1, 0), (0, 2), (-1, -1), (0, 0), (-1, -1)]


def test_what_is_pointed_at_is_described_before_it_is_told(plot):
    words = []
    plot.hovered.connect(lambda *_: words.append(plot.accessibleDescription()))
    move(plot, QPointF(5, 5))
    assert words == ["at (0, 0)"]


def test_nothing_can_be_pointed_at_behind_a_sentence(plot, seen):
    plot.set_empty("Nothing yet.")
    move(plot, QPointF(5, 5))
    assert seen == []


def test_the_cursor_goes_with_the_focus_but_stays_with_the_pointer(plot, seen):
    move(plot, QPointF(5, 5))
    plot.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    lose_focus(plot)
    assert seen == [(0, 0)]
    plot.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    lose_focus(plot)
    assert seen == [(0, 0), (-1, -1)]


def test_a_scrolled_plot_scrolls_and_points(qtbot, theme):
    plot = ScrolledSquares(theme, "Squares")
    qtbot.addWidget(plot)
    plot.resize(100, 100)
    plot.set_content_height(300, 10)
    plot.scroll_to(150, 250)
    assert plot.scroll_bar.value() == 150
    with qtbot.waitSignal(plot.hovered):
        move(plot, QPointF(5, 5))


@pytest.mark.parametrize(("tight", "colours"), [(False, "card ink card red"), (True, "red card ink card")])
def test_an_outline_is_ink_between_lines_of_the_card(theme, tight, colours):
    image = QImage(30, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    painter = QPainter(image)
    draw_outline(painter, QRectF(10, 10, 10, 10), 1, theme, tight=tight)
    painter.end()
    wanted = [QColor("red") if name == "red" else theme.colour(name) for name in colours.split()]
    assert [image.pixelColor(x, 15) for x in range(7, 11)] == wanted
    assert [image.pixelColor(15, y) for y in range(7, 11)] == wanted
