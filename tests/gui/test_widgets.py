"""The small pieces: labels that change with every frame."""

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from embedviz.gui.theme import Theme
from embedviz.gui.tokenizer_choice import MoreButton
from embedviz.gui.widgets import ElidedLabel, LiveLabel


class LayoutRequests(QObject):
    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


def test_a_live_label_asks_for_room_only_when_it_needs_more(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    label = LiveLabel("2.4519")
    QHBoxLayout(window).addWidget(label)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(1)  # lets what showing asked for be done
    requests = LayoutRequests(window)
    for text in ("2.4520", "2.45", "", "2.4519"):
        label.setText(text)
        qtbot.wait(1)
        assert label.text() == label.accessibleName() == text
    assert requests.count == 0
    label.setText("2.4519 nats per token")
    qtbot.waitUntil(lambda: requests.count > 0)
    assert label.width() >= label.fontMetrics().horizontalAdvance("2.4519 nats per token")


def test_a_dot_is_painted_in_its_colour(qtbot: QtBot) -> None:
    label = LiveLabel("learning")
    qtbot.addWidget(label)
    label.resize(200, 30)
    before = label.grab().toImage()
    label.set_dot(QColor("#ff0000"))
    after = label.grab().toImage()
    assert label.dot == QColor("#ff0000")

    def has_red(image: object) -> bool:
        colours = {image.pixelColor(x, y).name() for x in range(20) for y in range(30)}  # type: ignore[attr-defined]
        return "#ff0000" in colours

    assert has_red(after)
    assert not has_red(before)


def test_an_elided_label_gives_way(qtbot: QtBot) -> None:
    label = ElidedLabel("a long line of words that will not fit")
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() < label.sizeHint().width() / 3
    assert label.text() == "a long line of words that will not fit"


def test_the_tool_tip_of_an_elided_label_may_be_another(qtbot: QtBot) -> None:
    label = ElidedLabel("▪ gradient: 2 of 16")
    qtbot.addWidget(label)
    label.setToolTip("2 of 16 rows have a gradient.")
    label.show()
    QApplication.sendEvent(label, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), label.mapToGlobal(QPoint(1, 1))))
    assert QToolTip.text() == "2 of 16 rows have a gradient."
    QToolTip.hideText()


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 1.75, 2.0])
def test_more_is_whole_at_any_scale(qtbot: QtBot, scale: float) -> None:
    theme = Theme("light", scale)
    button = MoreButton()
    qtbot.addWidget(button)
    button.setFont(theme.font())
    button.setText("More…")
    inside = button.minimumSizeHint().width() - 2 * (theme.px(8) + 1)  # the style sheet's padding and border
    assert inside > button.fontMetrics().horizontalAdvance("More…") + theme.px(4)
