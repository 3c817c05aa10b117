"""Rows fly out of the table into the picture of the look-up: when, from where to where, and when not."""

import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QTabWidget
from test_fake_trainer import PHASES, Desk

from embedviz.gui.plots.phase_strip import PhaseStrip
from embedviz.gui.row_flight import FLIGHT_MS, RowFlight

NAMES = [phase.name for phase in PHASES]


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20, with three rows looked up by the step that comes next."""
    desk.tokens.edit.setPlainText("cat")
    desk.pause(20)
    desk.tell_step(reads=3)
    return desk


def flight(desk: Desk) -> RowFlight:
    return desk.child(RowFlight, "rowFlight")


def is_seen(desk: Desk) -> bool:
    assert flight(desk).is_flying is flight(desk).isVisible()
    return flight(desk).is_flying


def freeze(desk: Desk, share: float) -> None:
    """Stop the flight at a share of its time, in the air."""
    animation = flight(desk)._animation
    animation.pause()
    animation.setCurrentTime(round(share * animation.duration()))


def in_window(desk: Desk, place: QRect) -> QRectF:
    return QRectF(place).translated(-desk.window.mapToGlobal(QPoint(0, 0)))


def test_rows_fly_on_entering_the_look_up_and_no_other_phase(at_20: Desk) -> None:
    assert not is_seen(at_20)
    for name in NAMES:
        at_20.go_to_phase(name)
        assert is_seen(at_20) is (name == "lookup"), name
    for name in reversed(NAMES):
        at_20.go_to_phase(name)
        assert is_seen(at_20) is (name == "lookup"), name


def test_it_is_a_short_flight_that_ends_hidden(at_20: Desk) -> None:
    assert FLIGHT_MS <= 200
    with at_20.qtbot.waitSignal(flight(at_20)._animation.finished):
        at_20.go_to_phase("lookup")
        assert is_seen(at_20)
    assert not is_seen(at_20)


def test_who_goes_on_meanwhile_is_not_kept_waiting(at_20: Desk) -> None:
    at_20.go_to_phase("lookup")
    at_20.go_to_phase("logits")
    assert not is_seen(at_20)


def test_from_the_rows_of_the_table_into_the_picture(at_20: Desk) -> None:
    pictures = at_20.table.row_pictures()
    target = in_window(at_20, at_20.training.phases.picture_rect("lookup"))
    at_20.go_to_phase("lookup")
    flying = flight(at_20)._rows
    assert len(pictures) == len(flying) == 3
    ends = QRectF()
    for (place, picture), (begin, end, shown) in zip(pictures, flying, strict=True):
        assert begin == in_window(at_20, place)
        assert shown.toImage() == picture.toImage()
        assert (end.left(), end.width()) == (target.left(), target.width())
        assert end.height() == pytest.approx(target.height() / 3)
        assert end.top() == pytest.approx(ends.bottom() if not ends.isNull() else target.top())  # one by one
        ends = ends.united(end)
    assert ends.bottom() == pytest.approx(target.bottom())


def test_what_flies_looks_like_the_row(at_20: Desk) -> None:
    at_20.go_to_phase("lookup")
    freeze(at_20, 0.0)
    begin, end, picture = flight(at_20)._rows[0]
    seen = flight(at_20).grab(begin.toRect()).toImage()
    middle = QPoint(picture.width() // 2, picture.height() // 2)
    row = picture.toImage().pixelColor(middle).name()
    assert seen.pixelColor(middle).name() == row
    freeze(at_20, 1.0)
    landed = flight(at_20).grab(end.toRect()).toImage()
    assert landed.pixelColor(landed.width() // 2, landed.height() // 2).name() == row


def test_it_lies_over_all_and_lets_the_mouse_through(at_20: Desk) -> None:
    at_20.go_to_phase("lookup")
    over = flight(at_20)
    assert over.geometry() == at_20.window.rect()
    assert [child for child in at_20.window.children() if child.isWidgetType()][-1] is over  # on top
    button = at_20.tokens.chips
    place = button.mapTo(at_20.window, button.rect().center())
    assert over.rect().contains(place)
    assert at_20.window.childAt(place) is button
    assert over.focusPolicy() is Qt.FocusPolicy.NoFocus
    assert is_seen(at_20)


def test_nothing_flies_for_those_who_want_less_motion(at_20: Desk) -> None:
    at_20.action("lessMotion").trigger()
    at_20.go_to_phase("lookup")
    assert not is_seen(at_20)
    at_20.action("lessMotion").trigger()
    assert not is_seen(at_20)  # not afterwards either
    at_20.go_to_phase("batch")
    at_20.go_to_phase("lookup")
    assert is_seen(at_20)


@pytest.mark.parametrize("hidden", ["strip", "heatmap", "panel", "window"])
def test_nothing_flies_from_or_to_what_is_hidden(at_20: Desk, hidden: str) -> None:
    widgets = {
        "strip": at_20.child(PhaseStrip, "phaseStrip"),
        "heatmap": at_20.table.heatmap,
        "panel": at_20.training,
        "window": at_20.window,
    }
    widgets[hidden].hide()
    at_20.go_to_phase("lookup")
    assert not is_seen(at_20)


def test_nothing_flies_where_the_panels_are_tabs(at_20: Desk) -> None:
    at_20.window.resize(900, 700)
    tabs = at_20.child(QTabWidget, "panelTabs")
    for place in range(tabs.count()):
        tabs.setCurrentIndex(place)
        at_20.go_to_phase("batch")
        at_20.go_to_phase("lookup")
        assert not is_seen(at_20)


def test_rows_that_are_out_of_sight_do_not_fly(at_20: Desk) -> None:
    heatmap = at_20.table.heatmap
    heatmap.zoom_about(heatmap.cell_rect(0, 0).center(), 20.0)
    assert not any(at_20.table.row_pictures())
    at_20.go_to_phase("lookup")
    assert not is_seen(at_20)


def test_rows_land_in_their_own_stripes_though_one_of_them_is_out_of_sight(at_20: Desk) -> None:
    seen, place = QPixmap(9, 3), QRect(at_20.window.mapToGlobal(QPoint(0, 0)), QSize(9, 3))
    flying = flight(at_20)
    flying._find_rows = lambda: [(place, seen), None, (place, seen)]
    at_20.go_to_phase("lookup")
    target = flying._find_target("lookup", -1)
    tops = [end.top() - flying._rows[0][1].top() for _, end, _ in flying._rows]
    assert tops == pytest.approx([0, target.height() * 2 / 3])
    assert flying._rows[0][1].height() == pytest.approx(target.height() / 3)


def test_another_trace_of_the_same_rows_starts_no_flight(at_20: Desk) -> None:
    with at_20.qtbot.waitSignal(flight(at_20)._animation.finished):
        at_20.go_to_phase("lookup")
    at_20.tell_step(reads=3)
    assert not is_seen(at_20)


def test_frames_and_units_start_no_flight(at_20: Desk) -> None:
    with at_20.qtbot.waitSignal(flight(at_20)._animation.finished):
        at_20.go_to_phase("lookup")
    at_20.show(20, at_20.table_at(20))
    at_20.press(Qt.Key.Key_U, Qt.KeyboardModifier.ControlModifier)
    assert not is_seen(at_20)


def test_the_next_step_s_look_up_is_another_one(at_20: Desk) -> None:
    with at_20.qtbot.waitSignal(flight(at_20)._animation.finished):
        at_20.go_to_phase("lookup")
    at_20.pause(21)
    at_20.tell_step(reads=3)
    assert is_seen(at_20)
