"""The strip of phases where not all cards have room: edges, pages, and the bar that says where one is."""

from itertools import pairwise

import numpy as np
import pytest
from plot_events import click, move, pixel, turn_wheel
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from embedviz.gui.plots.phase_bar import PhaseBar, bar_height
from embedviz.gui.plots.phase_card import PhaseCard, groups, in_short
from embedviz.gui.plots.phase_places import MARGIN
from embedviz.gui.plots.phase_strip import AFTER, BEFORE, PhaseStrip

OF_BLOCK = ("norm-1", "attention", "add-1", "norm-2", "feed-forward", "add-2")
SIZES = [(890, 92), (1275, 141), (500, 110)]


def cards_of(blocks: int) -> list[PhaseCard]:
    """Return the cards of a transformer of so many blocks."""
    names = ["batch", "lookup", "positions"]
    names += [f"block-{block}-{name}" for block in range(1, blocks + 1) for name in OF_BLOCK]
    names += ["norm", "logits", "softmax", "loss", "gradient", "update"]
    row = np.linspace(-1, 1, 32, dtype=np.float32)
    lines = ("column 3", "+0.123 → +0.124")
    return [PhaseCard(name, name.capitalize(), "(32, 32)", "signed", row, lines) for name in names]


@pytest.fixture
def make(qtbot, any_theme):
    def made(blocks=2, size=(890, 92), current=-1) -> PhaseStrip:
        strip = PhaseStrip(any_theme)
        qtbot.addWidget(strip)
        strip.resize(*(round(side * any_theme.scale) for side in size))
        strip.set_phases(cards_of(blocks))
        strip.set_current(current)
        return strip

    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("blocks", [2, 12])
@pytest.mark.parametrize("current", [-1, 0, 4, 14, 20])
def test_cards_in_sight_edges_and_bar_are_apart_and_inside(make, any_theme, blocks, size, current):
    strip = make(blocks, size, current)
    count = len(cards_of(blocks))
    inside, bar = QRectF(strip.rect()), strip.bar()
    parts = [strip.edge_rect(BEFORE), *(strip.card_rect(index) for index in strip.shown), strip.edge_rect(AFTER)]
    parts = [part for part in parts if not part.isEmpty()]
    assert len(parts) == len(strip.shown) + (strip.shown.start > 0) + (strip.shown.stop < count)
    assert all(left.right() < right.left() for left, right in pairwise(parts))
    assert parts[0].left() == any_theme.px(MARGIN)
    assert parts[-1].right() == pytest.approx(inside.right() - any_theme.px(MARGIN), abs=1)
    assert bar is not None
    assert inside.contains(bar.rect)
    assert all(inside.contains(part) and not part.intersects(bar.rect) for part in parts)
    assert all(strip.picture_rect(index).height() >= any_theme.px(12) for index in strip.shown)
    if current >= 0:
        assert current in strip.shown
    for index in set(range(count)) - set(strip.shown):
        assert strip.card_rect(index).isEmpty()
        assert strip.picture_rect(index).isEmpty()
        assert strip.rows_drawn(index) == 0


def test_where_all_have_room_there_is_neither_edge_nor_bar(make):
    strip = make(0, (1300, 120))
    assert strip.shown == range(9)
    assert not strip.has_pages
    assert strip.bar() is None
    assert strip.edge_rect(BEFORE).isEmpty()
    assert strip.edge_rect(AFTER).isEmpty()


@pytest.mark.parametrize("blocks", [2, 12])
def test_from_phase_to_phase_the_current_one_is_in_sight_and_little_moves(make, blocks):
    strip = make(blocks)
    shown = strip.shown
    count = len(cards_of(blocks))
    for index in [*range(count), *reversed(range(count))]:
        strip.set_current(index)
        assert index in strip.shown
        if index in shown:
            assert strip.shown == shown
        shown = strip.shown
    assert shown.start == 0


def test_a_card_in_sight_keeps_its_place_while_the_current_one_changes(make):
    strip = make(12, current=30)
    before = strip.grab().toImage()
    strip.set_current(strip.shown.start)
    strip.set_current(30)
    assert strip.grab().toImage() == before


def test_a_click_on_an_edge_turns_the_page_and_activates_nothing(make):
    strip = make(12)
    activated = []
    strip.activated.connect(activated.append)
    first = strip.shown
    click(strip, strip.edge_rect(AFTER).center())
    assert strip.shown.start == first.stop
    click(strip, strip.edge_rect(BEFORE).center())
    assert strip.shown == first
    assert activated == []
    while not strip.edge_rect(AFTER).isEmpty():
        click(strip, strip.edge_rect(AFTER).center())
    assert strip.shown.stop == len(cards_of(12))


def test_the_wheel_turns_a_page_a_notch_and_leaves_a_strip_without_pages_alone(make):
    strip = make(12)
    middle = QPointF(strip.rect().center())
    first = strip.shown
    assert turn_wheel(strip, middle, -1)
    assert strip.shown.start == first.stop
    turn_wheel(strip, middle, 0.5)
    assert strip.shown.start == first.stop  # half a notch
    turn_wheel(strip, middle, 0.5)
    assert strip.shown == first
    assert not turn_wheel(make(0, (1300, 120)), middle, -1)


def test_pages_that_were_turned_stay_until_the_current_card_changes(make):
    strip = make(12, current=2)
    turn_wheel(strip, QPointF(strip.rect().center()), -4)
    turned = strip.shown
    assert 2 not in turned
    strip.set_current(2)  # as each frame does
    strip.set_phases(cards_of(12))  # as each step does
    assert strip.shown == turned
    strip.set_current(3)
    assert 3 in strip.shown


def test_another_width_keeps_the_current_card_in_sight(make, any_theme):
    strip = make(12, current=12)
    for width in (1900, 500, 900, 4000):
        strip.resize(round(width * any_theme.scale), strip.height())
        assert 12 in strip.shown


def test_another_model_is_shown_from_its_beginning(make):
    strip = make(12, current=70)
    assert 70 in strip.shown
    strip.set_current(-1)
    assert strip.shown.start > 0  # it stays where it was
    strip.set_phases(cards_of(2))
    assert strip.shown.start == 0


def test_edges_say_how_many_more_there_are(make):
    strip = make(12, current=40)
    shown = strip.shown
    place = strip.edge_rect(AFTER).center().toPoint()
    QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, place, strip.mapToGlobal(place)))
    more = len(cards_of(12)) - shown.stop
    assert QToolTip.text() == f"{more} more phases: {in_short(cards_of(12)[shown.stop :])}"
    QToolTip.hideText()
    move(strip, strip.edge_rect(BEFORE).center())
    assert strip.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert "pointer" not in strip.describe()


def test_return_with_the_pointer_on_an_edge_activates_the_current_card(make, qtbot):
    strip = make(12, current=40)
    activated = []
    strip.activated.connect(activated.append)
    move(strip, strip.edge_rect(AFTER).center())
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert activated == [40]


def test_return_brings_a_current_card_back_that_is_out_of_sight(make, qtbot):
    strip = make(12, current=2)
    turn_wheel(strip, QPointF(strip.rect().center()), -4)
    move(strip, QPointF(0, 0))
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert 2 in strip.shown


# ---- the bar


def test_a_click_in_the_bar_goes_to_that_phase(make):
    strip = make(12)
    strip.activated.connect(strip.set_current)
    for index in (80, 40, 0):
        bar = strip.bar()
        click(strip, QPointF(bar.cells[index].center().x(), bar.rect.center().y()))
        assert strip.current == index
        assert index in strip.shown


def test_cells_of_the_bar_are_in_order_and_blocks_apart(make, any_theme):
    bar = make(12).bar()
    runs = groups(cards_of(12))
    assert [name for name, _ in runs] == ["", *(f"Block {number}" for number in range(1, 13)), ""]
    assert [len(run) for _, run in runs] == [3, *[6] * 12, 6]
    assert len(bar.cells) == 81
    assert all(left.right() <= right.left() for left, right in pairwise(bar.cells))
    within = bar.cells[4].left() - bar.cells[3].right()
    assert bar.cells[3].left() - bar.cells[2].right() >= within + any_theme.px(4)
    assert all(bar.index_at(cell.center().x(), bar.rect.top() + 1) == i for i, cell in enumerate(bar.cells))
    assert bar.index_at(bar.rect.left(), bar.rect.top() - 2) is None


def test_the_bar_shows_the_current_phase_in_ink_and_what_is_in_sight_darker(make, any_theme):
    strip = make(2, current=8)
    cells = strip.bar().cells
    assert pixel(strip, cells[8].center()) == any_theme.colour("ink")
    others = {index: pixel(strip, cells[index].center()) for index in range(21) if index != 8}
    for index, colour in others.items():
        assert colour == any_theme.colour("muted" if index in strip.shown else "line")
    assert len(set(map(str, others.values()))) == 2


@pytest.mark.parametrize(("width", "long"), [(1900, True), (420, False)])
def test_blocks_are_named_where_there_is_room(any_theme, width, long):
    cards = cards_of(12)
    rect = QRectF(0, 0, width * any_theme.scale, bar_height(any_theme.px(200), any_theme))
    names = PhaseBar(cards, rect, any_theme).names()
    assert [words for words, _ in names] == [f"Block {n}" if long else str(n) for n in range(1, 13)]
    assert all(rect.contains(place) for _, place in names)
    low = QRectF(0, 0, rect.width(), bar_height(any_theme.px(92), any_theme))
    assert low.height() <= any_theme.px(9)
    assert PhaseBar(cards, low, any_theme).names() == []


def test_many_phases_are_told_in_short(make):
    strip = make(2, current=4)
    assert strip.describe().startswith(
        "21 phases: Batch, Lookup, Positions, Block 1 (6 phases), Block 2 (6 phases), Norm, Logits, Softmax, "
        "Loss, Gradient, Update; at phase 5, Block-1-attention: "
    )


def test_a_strip_that_is_lower_than_it_asks_for_has_no_bar_and_cards_as_high_as_it_is(make, any_theme):
    strip = make(12)
    assert bar_height(strip.minimumSizeHint().height(), any_theme) > 0
    strip.resize(strip.width(), any_theme.px(80))
    assert strip.height() < strip.minimumSizeHint().height()  # nothing forbids it: what is below keeps its place
    assert strip.has_pages
    assert strip.bar() is None
    assert strip.card_rect(strip.shown.start).bottom() > strip.height() - any_theme.px(8)
