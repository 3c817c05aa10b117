from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plot_events import click, pixel, turn_wheel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetricsF

from embedviz.gui.plots.chips import ChipView


@pytest.fixture
def make(qtbot, any_theme):
    def made(glyphs, ids=None, size=(320, 260), captions=None, unknown_id=None):
        chips = ChipView(any_theme)
        qtbot.addWidget(chips)
        chips.resize(*size)
        ids = list(range(len(glyphs))) if ids is None else ids
        chips.set_tokens(list(glyphs), ids, captions or list(map(str, ids)), unknown_id)
        return chips

    return made


def test_chips_run_as_text_does_without_overlapping(make):
    chips = make([f"word{'y' * (k % 9)}" for k in range(40)])
    rects = [chips.chip_rect(k) for k in range(40)]
    for one, other in pairwise(rects):
        same_line = one.top() == other.top()
        assert (same_line and one.right() < other.left()) or (not same_line and one.bottom() < other.top())
    assert all(rect.left() >= 0 and rect.right() <= chips.page_width for rect in rects)


def test_longer_tokens_get_wider_chips_up_to_a_limit(make):
    chips = make(["a", "words", "w" * 200], size=(900, 200))
    widths = [chips.chip_rect(k).width() for k in range(3)]
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2] < 500


def test_long_ids_have_room_too(make):
    narrow, wide = make(["a"], [1]), make(["a"], [1234567])
    assert wide.chip_rect(0).width() > narrow.chip_rect(0).width()


def test_captions_have_room_as_well(make):
    narrow, wide = make(["a"], [97], captions=["97"]), make(["a"], [97], captions=["0x61 and some more"])
    assert wide.chip_rect(0).width() > narrow.chip_rect(0).width()
    assert make(["a"], [97], captions=["w" * 300], size=(900, 200)).chip_rect(0).width() < 500


def test_captions_are_painted(make):
    plain, other = (make("a", [97], captions=[caption]).grab().toImage() for caption in ("97", "98"))
    assert plain != other


def test_a_vocabulary_s_own_unknown_token_is_dashed_like_any_other(make, any_theme):
    chips = make("ab", [0, 5], unknown_id=0)
    assert chips.describe() == "2 tokens, 1 unknown"
    before = chips.grab().toImage()
    chips.set_tokens("ab", [0, 5], "05")  # no token is unknown any more
    assert chips.describe() == "2 tokens"
    assert chips.grab().toImage() != before


def test_many_chips_are_measured_once_for_each_text(make, monkeypatch):
    measured = []
    real = QFontMetricsF.horizontalAdvance
    monkeypatch.setattr(
        QFontMetricsF, "horizontalAdvance", lambda self, text: measured.append(text) or real(self, text)
    )
    chips = make("the cat " * 2500, [1] * 20_000)
    assert len(measured) == len(set("the cat ")) + 1
    assert chips.chip_rect(19_999).top() > chips.height()


def test_every_chip_is_hit_at_its_middle_and_corners_and_none_between(make):
    chips = make([chr(0x61 + k % 26) * (1 + k % 4) for k in range(30)], size=(400, 900))
    for k in range(30):
        rect = chips.chip_rect(k).adjusted(0.5, 0.5, -0.5, -0.5)
        for point in (rect.center(), rect.topLeft(), rect.bottomRight()):
            assert chips.chip_at(point.x(), point.y()) == k
        assert chips.chip_at(rect.right() + 2, rect.center().y()) == -1
    assert chips.chip_at(5, 890) == -1


def test_a_click_selects(make):
    chips = make("First Citizen")
    told = []
    chips.selected.connect(told.append)
    click(chips, chips.chip_rect(4).center())
    click(chips, chips.chip_rect(4).center())
    click(chips, QPointF(1, 1))
    assert told == [4]
    assert chips.selection == 4


def test_keys_select(make, qtbot):
    chips = make("a" * 100)
    told = []
    chips.selected.connect(told.append)
    per_line = sum(chips.chip_rect(k).top() == chips.chip_rect(0).top() for k in range(100))
    keys = Qt.Key
    for key in (
        keys.Key_Home,
        keys.Key_Right,
        keys.Key_Down,
        keys.Key_Left,
        keys.Key_Up,
        keys.Key_Up,
        keys.Key_End,
    ):
        qtbot.keyClick(chips, key)
    assert told == [0, 1, 1 + per_line, per_line, 0, 99]


def test_down_goes_to_the_nearest_chip_of_the_next_line(make, qtbot):
    chips = make(["wide word", "b", "c", "d", "e", "f", "another wide", "h", "i"], size=(220, 400))
    chips.set_selection(1, range(2))
    here = chips.chip_rect(1)
    qtbot.keyClick(chips, Qt.Key.Key_Down)
    there = chips.chip_rect(chips.selection)
    assert there.top() > here.bottom()
    nearest = min(
        (k for k in range(9) if chips.chip_rect(k).top() == there.top()),
        key=lambda k: abs(chips.chip_rect(k).center().x() - here.center().x()),
    )
    assert chips.selection == nearest


def test_the_selection_is_kept_in_sight(make, qtbot):
    chips = make("a" * 1000)
    chips.set_selection(700, range(693, 701))
    assert chips.rect().toRectF().contains(chips.chip_rect(700))
    qtbot.keyClick(chips, Qt.Key.Key_Home)
    assert chips.rect().toRectF().contains(chips.chip_rect(0))
    chips.set_selection(999, range(992, 1000))
    chips.resize(200, 120)
    chips.grab()  # a hidden widget learns of its size when it is painted
    assert chips.rect().toRectF().contains(chips.chip_rect(999))


def test_setting_the_selection_tells_nobody(make):
    chips = make("abc")
    told = []
    chips.selected.connect(told.append)
    chips.set_selection(1, range(2))
    assert told == []


def test_selected_context_and_unknown_look_different(make, any_theme):
    chips = make("abcd", [0, 1, 2, -1])
    chips.set_selection(2, range(1, 3))
    inside = QPointF(any_theme.px(5), chips.chip_rect(0).height() / 2)
    edge = QPointF(any_theme.px(1), chips.chip_rect(0).height() / 2)
    colours = [pixel(chips, chips.chip_rect(k).topLeft() + inside).name() for k in range(4)]
    well, ink = any_theme.colour("well").name(), any_theme.colour("ink").name()
    assert colours == [well, well, ink, well]
    assert pixel(chips, chips.chip_rect(1).topLeft() + edge).name() == ink
    assert pixel(chips, chips.chip_rect(0).topLeft() + edge).name() == well
    box, image = chips.chip_rect(3), chips.grab().toImage()
    y = int(box.top() + any_theme.px(1))
    along = [image.pixelColor(x, y).name() for x in range(int(box.left()) + 8, int(box.right()) - 8)]
    assert any_theme.colour("warning").name() in along
    assert well in along  # dashed


def test_what_was_merged_and_what_is_merged_next_look_different(make, any_theme):
    chips = make("abcdef", size=(900, 200))
    chips.set_marked([0], [2])
    assert chips.describe() == "6 tokens, 1 made by the last merge, 1 pair to be merged next"
    image, ink = chips.grab().toImage(), any_theme.colour("ink").name()

    def at(x, y):
        return image.pixelColor(int(x), int(y)).name()

    made, left, right, plain = (chips.chip_rect(k) for k in (0, 2, 3, 4))
    assert at(made.center().x(), made.bottom() - 2) == ink
    assert at(plain.center().x(), plain.bottom() - 2) != ink
    assert at((left.right() + right.left()) / 2, left.top() + 1) == ink  # one line around both
    assert at(right.right() - 1, right.center().y()) == ink
    assert at(made.left() + 6, made.top() + 6) != at(plain.left() + 6, plain.top() + 6)


def test_a_pair_on_two_lines_has_a_line_around_each(make, any_theme):
    chips = make("a" * 40)
    last = chips.shown_chips()
    broken = next(k for k in last if chips.chip_rect(k).top() != chips.chip_rect(k + 1).top())
    chips.set_marked([], [broken])
    ink = any_theme.colour("ink").name()
    for index in (broken, broken + 1):
        box = chips.chip_rect(index)
        assert pixel(chips, QPointF(box.left() + 1, box.center().y())).name() == ink


def test_marks_are_scrolled_to_and_gone_with_their_tokens(make):
    chips = make("a" * 1000)
    chips.set_marked([], [900])
    assert 900 in chips.shown_chips()
    chips.set_tokens("ab", [0, 1], "01")
    assert chips.describe() == "2 tokens"


def test_only_chips_on_screen_are_painted(make):
    chips = make("a" * 5000)
    assert len(chips.shown_chips()) < 100
    turn_wheel(chips, QPointF(50, 50), -5)
    shown = chips.shown_chips()
    assert shown.start > 0
    assert chips.chip_rect(shown.start).bottom() > -20
    assert chips.chip_rect(shown.stop - 1).top() < chips.height()


def test_other_tokens_keep_the_selection_if_it_still_exists(make):
    chips = make("abcdef")
    chips.set_selection(4, range(5))
    chips.set_tokens("abcdeg", [0, 1, 2, 3, 4, 6], "012346")
    assert chips.selection == 4
    chips.set_tokens("ab", [0, 1], "01")
    assert chips.selection == -1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=60), st.integers(60, 900))
def test_any_tokens_at_any_width_have_their_place(make, glyphs, width):
    chips = make(glyphs, size=(width, 300))
    for k in range(len(glyphs)):
        rect = chips.chip_rect(k)
        assert chips.chip_at(rect.center().x(), rect.center().y()) == k
        assert rect.left() >= 0


def test_no_tokens_and_a_reason(make, qtbot):
    chips = make("")
    blank = chips.grab().toImage()
    chips.set_empty("Type a line above: its tokens appear here.")
    assert chips.grab().toImage() != blank
    qtbot.keyClick(chips, Qt.Key.Key_End)
    click(chips, QPointF(20, 20))
    assert chips.selection == -1


def test_it_says_in_words_what_it_shows(make):
    chips = make("abc", [5, 6, -1])
    chips.set_selection(1, range(2))
    assert chips.describe() == "3 tokens, 1 unknown; selected token 2: b, id 6"
