"""The window at several sizes and scales: nothing overlaps, no words are cut off, nothing is lost."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QTabWidget,
    QToolButton,
    QWidget,
)
from test_fake_trainer import TEXT, Desk

from embedviz.gui.screen_fit import room_on
from embedviz.gui.settings import Settings
from embedviz.gui.widgets import ElidedLabel
from embedviz.gui.window import MINIMUM_SIZE

PANELS = ("Tokens", "Lookup table", "Next token", "Training")


def containers(widget: QWidget) -> Iterator[QWidget]:
    """Yield `widget` and, below it, whatever has its children laid out; not the insides of Qt's own widgets."""
    if not widget.isVisible():
        return
    if widget.layout() is not None or isinstance(widget, QSplitter | QStackedWidget | QTabWidget):
        yield widget
        for child in widget.children():
            if isinstance(child, QWidget) and not child.isWindow():
                yield from containers(child)


def visible_children(widget: QWidget) -> list[QWidget]:
    return [
        child
        for child in widget.children()
        if isinstance(child, QWidget) and child.isVisible() and not child.isWindow()
    ]


def name(widget: QWidget) -> str:
    words = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
    return f"{type(widget).__name__} {widget.objectName() or words!r} {widget.geometry().getRect()}"


def overlaps(root: QWidget) -> list[str]:
    """Return the pairs of sibling widgets that share pixels, and the children that reach beyond their parent."""
    found = []
    for parent in containers(root):
        children = visible_children(parent)
        for first, second in combinations(children, 2):
            if first.geometry().intersects(second.geometry()):
                found.append(f"{name(first)} overlaps {name(second)}")
        for child in children:
            if not parent.rect().contains(child.geometry()):
                found.append(f"{name(child)} leaves {name(parent)}")
    return found


def words_width(widget: QWidget, text: str) -> int:
    return max(widget.fontMetrics().horizontalAdvance(line) for line in text.split("\n"))


def room_for_words(widget: QWidget) -> tuple[int, int] | None:
    """Return how wide the words of a widget are, and how wide its place for them; None if it has none."""
    if isinstance(widget, ElidedLabel):
        return None  # gives way, and has the whole in its tooltip
    if isinstance(widget, QLabel) and not widget.wordWrap() and widget.text():
        width = words_width(widget, widget.text())
        if "<" in widget.text():
            document = QTextDocument()
            document.setDocumentMargin(0)
            document.setDefaultFont(widget.font())
            document.setHtml(widget.text())
            width = int(document.idealWidth())
        return width, widget.contentsRect().width()
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        field = widget.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
        )
        return max(words_width(widget, widget.itemText(i)) for i in range(widget.count())), field.width()
    if isinstance(widget, QPushButton | QCheckBox):
        option_button = QStyleOptionButton()
        widget.initStyleOption(option_button)
        check = isinstance(widget, QCheckBox)
        element = QStyle.SubElement.SE_CheckBoxContents if check else QStyle.SubElement.SE_PushButtonContents
        return words_width(widget, widget.text()), widget.style().subElementRect(
            element, option_button, widget
        ).width()
    if isinstance(widget, QToolButton) and widget.toolButtonStyle().name == "ToolButtonTextOnly":
        return words_width(widget, widget.text()), widget.contentsRect().width()
    return None


def cut_off(root: QWidget) -> list[str]:
    """Return the widgets whose words are wider than their place."""
    found = []
    for widget in root.findChildren(QWidget):
        measured = room_for_words(widget) if widget.isVisible() else None
        if measured is not None and measured[0] > measured[1]:
            found.append(f"{name(widget)}: words of {measured[0]} in {measured[1]} pixels")
    return found


def tabs(desk: Desk) -> QTabWidget | None:
    return desk.window.findChild(QTabWidget, "panelTabs")


def resize(desk: Desk, width: int, height: int) -> None:
    desk.window.resize(width, height)
    desk.qtbot.waitUntil(lambda: desk.window.size() == QSize(width, height))


def settle() -> None:
    """Let Qt lay out what has changed, be it nested."""
    for _ in range(5):
        QApplication.sendPostedEvents()


def each_view(desk: Desk) -> Iterator[str]:
    """Show everything there is to see at the window's size, one after the other."""
    holder = tabs(desk)
    for index in range(holder.count() if holder is not None else 1):
        if holder is not None:
            holder.setCurrentIndex(index)
        for segment in ("line", "vocabulary"):
            desk.tokens.segments.set_value(segment)
            for until in range(3):
                desk.child(QComboBox, "untilChoice").setCurrentIndex(until)
                settle()
                yield f"{index} {segment} until {until}"


def test_the_helper_finds_what_is_wrong(qtbot) -> None:
    outer = QWidget()
    qtbot.addWidget(outer)
    outer.resize(100, 100)
    first, second = QPushButton("a long text on a small button", outer), QLabel("long", outer)
    first.setGeometry(0, 0, 60, 20)
    second.setGeometry(50, 10, 5, 300)
    outer.show()
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    assert overlaps(outer) == []  # nothing is laid out here
    stack.show()
    first.setParent(stack)
    second.setParent(stack)
    first.show()
    second.show()
    assert len(overlaps(stack)) == 2
    assert len(cut_off(stack)) == 2


@pytest.mark.parametrize(
    ("size", "scale", "mode", "is_narrow"),
    [
        ((1920, 1080), 1.0, "light", False),
        ((1920, 1080), 1.3, "dark", False),
        ((1366, 768), 1.0, "dark", False),
        ((1366, 768), 1.3, "light", True),
        ((1199, 720), 1.0, "light", True),
    ],
    ids=str,
)
def test_nothing_overlaps_and_no_words_are_cut_off(
    desk: Desk, size: tuple[int, int], scale: float, mode: str, is_narrow: bool
) -> None:
    desk.theme.set_mode(mode)
    desk.theme.set_scale(scale)
    desk.training.loss.load()
    resize(desk, *size)
    desk.show(1234)
    problems = {}
    for view in each_view(desk):
        for problem in overlaps(desk.window.centralWidget()) + cut_off(desk.window.centralWidget()):
            problems.setdefault(problem, view)
    assert not problems, "\n".join(f"{problem} ({view})" for problem, view in problems.items())
    assert (tabs(desk) is not None) is is_narrow


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)], ids=str)
def test_the_window_is_as_large_as_asked_for_and_whole(desk: Desk, size: tuple[int, int]) -> None:
    resize(desk, *size)
    assert desk.window.size() == QSize(*size)
    least = desk.window.minimumSizeHint()
    assert least.width() <= size[0]
    assert least.height() <= size[1]
    for title in PANELS:
        panel = desk.window.panel(title)
        assert panel.isVisible()
        corners = (panel.rect().topLeft(), panel.rect().bottomRight())
        assert all(desk.window.rect().contains(panel.mapTo(desk.window, corner)) for corner in corners)


def test_a_notice_leaves_room_for_the_rest(desk: Desk) -> None:
    resize(desk, 1366, 768)
    desk.see_no(lambda: desk.texts.open_text("aaa"))
    desk.worker.die(1, "details")
    settle()
    assert desk.window.size() == QSize(1366, 768)
    assert overlaps(desk.window.centralWidget()) + cut_off(desk.window.centralWidget()) == []


def test_a_narrow_window_has_tabs_and_loses_nothing(desk: Desk) -> None:
    desk.training.loss.load()
    desk.tokens.edit.setPlainText("the cat")
    desk.state.select(2)
    desk.switch(desk.table, "softmax")
    desk.show(20)
    panels = [desk.window.panel(title) for title in PANELS]
    before = [desk.words(panel) for panel in panels]
    assert tabs(desk) is None
    resize(desk, 1199, 768)
    holder = tabs(desk)
    assert holder is not None
    assert [holder.tabText(i) for i in range(holder.count())] == list(PANELS)
    for index, panel in enumerate(panels):
        holder.setCurrentIndex(index)
        assert [other.isVisible() for other in panels] == [other is panel for other in panels]
    resize(desk, 1366, 768)
    assert tabs(desk) is None
    assert all(panel.isVisible() for panel in panels)
    desk.qtbot.waitUntil(lambda: [desk.words(panel) for panel in panels] == before)
    assert (desk.state.line, desk.state.selected, desk.table.mode.value) == ("the cat", 2, "softmax")
    desk.show(21)
    assert "step 21" in desk.words(desk.following)


def test_in_tabs_the_keyboard_stays_in_the_tab_that_is_shown(desk: Desk) -> None:
    resize(desk, 1000, 700)
    holder = tabs(desk)
    assert holder is not None
    holder.setCurrentIndex(2)
    hidden = (desk.tokens, desk.table, desk.training)
    widget: QWidget = desk.following.bars
    for _ in range(40):
        after = widget.nextInFocusChain()
        if any(panel.isAncestorOf(after) for panel in hidden):
            assert not after.isVisible()
        widget = after


def test_the_keyboard_stays_where_it_was(desk: Desk) -> None:
    for widget, title in ((desk.tokens.edit, "Tokens"), (desk.child(QSpinBox, "untilStep"), "Training")):
        desk.child(QComboBox, "untilChoice").setCurrentIndex(1)
        resize(desk, 1366, 768)
        desk.focus(widget)
        resize(desk, 1000, 700)
        holder = tabs(desk)
        assert holder is not None
        assert holder.tabText(holder.currentIndex()) == title
        assert widget.hasFocus()
        assert widget.isVisible()
        resize(desk, 1366, 768)
        assert widget.hasFocus()


def test_larger_letters_make_tabs_of_the_same_window(desk: Desk) -> None:
    resize(desk, 1366, 768)
    assert tabs(desk) is None
    desk.theme.set_scale(1.5)
    assert tabs(desk) is not None
    desk.theme.set_scale(1.0)
    assert tabs(desk) is None


def test_the_smallest_window_is_whole(desk: Desk) -> None:
    desk.window.resize(*MINIMUM_SIZE)  # for which the screen of the tests has no room
    desk.qtbot.waitUntil(lambda: tabs(desk) is not None)
    desk.training.loss.load()
    desk.qtbot.waitUntil(lambda: desk.window.width() >= desk.window.minimumSizeHint().width())
    for view in each_view(desk):
        assert overlaps(desk.window.centralWidget()) == [], view


@pytest.mark.parametrize("scale", [1.0, 1.5, 3.0])
def test_no_scale_makes_the_window_larger_than_the_screen(desk: Desk, scale: float) -> None:
    desk.theme.set_scale(scale)
    room = room_on(desk.window.screen())
    resize(desk, room.width(), room.height())
    assert desk.window.minimumSize() == desk.window.minimumSize().boundedTo(room)
    if scale == 3.0:
        assert desk.window.minimumSize() == room


def test_the_window_shrinks_with_its_screen(desk: Desk) -> None:
    desk.theme.set_scale(1.5)
    resize(desk, 1366, 768)
    room = room_on(desk.window.screen())
    desk.window.windowHandle().screenChanged.emit(desk.window.screen())  # as if it came from a larger one
    desk.qtbot.waitUntil(lambda: desk.window.size() == QSize(1366, 768).boundedTo(room))
    resize(desk, 1366, 768)
    desk.window.screen().availableGeometryChanged.emit(desk.window.screen().availableGeometry())
    desk.qtbot.waitUntil(lambda: desk.window.size() == QSize(1366, 768).boundedTo(room))


# --- what is kept -----------------------------------------------------------------------------------


def drag_handle(desk: Desk, splitter: str, pixels: int) -> None:
    """Drag the first handle of a splitter, as a person would."""
    found = desk.child(QSplitter, splitter)
    handle = found.handle(1)
    start = handle.rect().center()
    along = QPoint(pixels, 0) if found.orientation() == Qt.Orientation.Horizontal else QPoint(0, pixels)
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    desk.point_at(handle, QPointF(start + along), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + along)


def split(desk: Desk) -> list[list[int]]:
    return [desk.child(QSplitter, name).sizes() for name in ("columns", "rows")]


def test_look_and_columns_come_back(make_desk: Callable[..., Desk]) -> None:
    first = make_desk(mode="light")
    first.window.show()
    resize(first, 1500, 900)
    usual = split(first)
    first.theme.set_mode("dark")
    first.theme.set_scale(1.1)
    settle()
    drag_handle(first, "columns", 40)
    drag_handle(first, "rows", -60)
    chosen = split(first)
    assert chosen != usual
    first.window.close()
    second = make_desk(mode=None)
    second.window.restore()
    second.window.resize(1500, 900)  # the screen of the tests is too small to come back to that
    second.window.show()
    second.qtbot.waitUntil(lambda: split(second) == chosen)
    assert (second.theme.mode, second.theme.scale) == ("dark", pytest.approx(1.1))


def test_size_and_place_come_back(make_desk: Callable[..., Desk]) -> None:
    first = make_desk(scale=0.8)
    first.window.setGeometry(40, 60, 720, 500)
    first.window.show()
    first.qtbot.waitUntil(lambda: tabs(first) is not None)
    first.window.close()
    second = make_desk(mode=None)
    second.window.restore()
    second.window.show()
    assert second.window.geometry().getRect() == (40, 60, 720, 500)


def test_columns_are_kept_while_there_are_tabs(make_desk: Callable[..., Desk]) -> None:
    first = make_desk()
    first.window.show()
    resize(first, 1500, 900)
    first.qtbot.waitUntil(lambda: all(sum(sizes) > 0 for sizes in split(first)))
    drag_handle(first, "columns", 40)
    chosen = split(first)
    resize(first, 1000, 700)
    assert tabs(first) is not None
    resize(first, 1500, 900)
    first.qtbot.waitUntil(lambda: split(first) == chosen)
    resize(first, 1000, 700)
    first.window.close()
    second = make_desk(mode=None)
    second.window.restore()
    second.window.resize(1500, 900)
    second.window.show()
    second.qtbot.waitUntil(lambda: split(second) == chosen)


@pytest.mark.parametrize(
    ("theme", "scale"), [("purple", "huge"), ("", "nan"), ("dark", "1e9"), ("light", "-3"), ("light", "inf")]
)
def test_damaged_settings_do_no_harm(
    make_desk: Callable[..., Desk], tmp_path: Path, theme: str, scale: str
) -> None:
    path = tmp_path / "settings.ini"
    damaged = Settings(path)
    for key, value in (("theme", theme), ("scale", scale), ("geometry", "?"), ("columns", "x"), ("recent", "")):
        damaged.set(key, value)
    damaged.sync()
    desk = make_desk(mode=None)
    desk.open_text(TEXT)
    desk.window.restore()
    desk.window.show()
    assert 0.8 <= desk.theme.scale <= 3.0
    assert desk.theme.mode in ("system", "light", "dark")
