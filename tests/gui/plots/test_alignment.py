from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import leave, move, pixel, turn_wheel
from PySide6.QtCore import QPointF, Qt

from embedviz.gui.plots.alignment import AlignmentView
from embedviz.gui.plots.alignment_cells import Cells
from embedviz.text.tokenizers import Line

Key = Qt.Key
TEXT = "to é or"
CHARS, BYTES, WORDS = range(3)


def line(spans, ids=None):
    """Return TEXT cut at `spans`, each token labelled with the characters it covers."""
    ids = range(10, 10 + len(spans)) if ids is None else ids
    labels = tuple(TEXT[start:stop] or "C3" for start, stop in spans)
    array = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return Line(TEXT, np.array(ids, dtype=np.int64), array, labels, tuple(map(str, ids)))


LANES = (
    ("Char", line([(i, i + 1) for i in range(7)], [5, 6, 7, -1, 7, 6, 9])),
    ("Byte", line([(0, 1), (1, 2), (2, 3), (3, 3), (3, 4), (4, 5), (5, 6), (6, 7)])),
    ("Word", line([(0, 2), (2, 4), (4, 7)], [3, 0, 4])),
)


@pytest.fixture
def make(qtbot, any_theme):
    def made(width=700, height=400, unknown=None):
        view = AlignmentView(any_theme)
        qtbot.addWidget(view)
        view.resize(round(width * any_theme.scale), round(height * any_theme.scale))
        view.set_lanes(TEXT, LANES, unknown)
        return view

    return made


def test_boxes_are_exactly_under_the_characters_they_cover(make):
    view = make()
    for lane, (_, cut) in enumerate(LANES):
        for token, (start, stop) in enumerate(cut.spans.tolist()):
            (box,) = view.lane_rects(lane, token)
            if lane == BYTES and start == 3:
                continue
            assert box.left() == view.character_rect(start).left()
            assert box.right() == view.character_rect(stop - 1).right()
            assert box.top() > view.character_rect(start).bottom()


def test_parts_of_a_character_share_its_room(make):
    view = make()
    (first,), (second,) = view.lane_rects(BYTES, 3), view.lane_rects(BYTES, 4)
    above = view.character_rect(3)
    assert (first.left(), second.right()) == (above.left(), above.right())
    assert first.right() == second.left()
    assert first.width() == second.width()
    assert above.width() >= 2 * view.character_rect(0).width()  # room for both ids


def test_lanes_are_under_each_other(make):
    view = make()
    tops = [view.lane_rects(lane, 0)[0] for lane in range(3)]
    for one, other in pairwise(tops):
        assert one.bottom() < other.top()


def test_long_lines_go_on_below(make):
    view = make(width=250)
    assert len(view.shown_blocks()) > 1
    tops = [view.character_rect(index).top() for index in range(len(TEXT))]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(view.shown_blocks())
    assert all(view.character_rect(i).right() <= view.page_width for i in range(len(TEXT)))
    everything = sum(view.character_rect(i).width() for i in range(len(TEXT)))
    view.set_lanes(TEXT, [("Word", line([(0, 3), (3, 3), (3, 7)])), LANES[BYTES]])
    for lane, tokens in ((0, 3), (1, 8)):
        pieces = [piece for token in range(tokens) for piece in view.lane_rects(lane, token)]
        assert sum(piece.width() for piece in pieces) == everything
    assert len(view.lane_rects(0, 2)) == len(view.shown_blocks())  # cut by the blocks' ends


def test_what_is_unknown_is_dashed(make, any_theme):
    view = make(unknown=[cut.ids <= 0 for _, cut in LANES])
    image = view.grab().toImage()

    def edge(lane, token):
        box = view.lane_rects(lane, token)[0].toRect()
        y = box.top() + any_theme.px(1)
        return {image.pixelColor(x, y).name() for x in range(box.left() + 4, box.right() - 4)}

    warning = any_theme.colour("warning").name()
    assert warning in edge(CHARS, 3)
    assert warning in edge(WORDS, 1)
    assert warning not in edge(WORDS, 0)


def test_boxes_have_their_labels_where_these_have_room(make):
    def labelled(word):
        view = make()
        spans = [(0, 7)]
        whole = Line(TEXT, np.array([3]), np.array(spans), (word,), ("3",))
        view.set_lanes(TEXT, [("Word", whole)])
        return view.grab().toImage()

    assert labelled("one") != labelled("two")
    assert labelled("m" * 90) == labelled("w" * 80)  # only the id has room


def test_what_is_unknown_is_a_question_mark_whatever_its_label(make):
    def shown(label):
        view = make()
        word = Line(TEXT, np.array([0]), np.array([(0, 7)]), (label,), ("0",))
        view.set_lanes(TEXT, [("Word", word)], [np.array([True])])
        return view.grab().toImage()

    assert shown("<unk>") == shown("other")


def test_neighbours_have_different_fills(make):
    view = make()
    boxes = [view.lane_rects(WORDS, token)[0] for token in range(2)]
    colours = [pixel(view, QPointF(box.left() + 5, box.center().y())).name() for box in boxes]
    assert colours[0] != colours[1]


def test_pointing_names_the_token(make):
    view = make()
    seen = []
    view.hovered.connect(lambda lane, token: seen.append((lane, token)))
    move(view, view.lane_rects(WORDS, 2)[0].center())
    assert view.describe().endswith("; at Word:  ␣or   id 4   characters 5 to 7".replace("␣", " "))
    move(view, view.lane_rects(BYTES, 3)[0].center())
    assert view.describe().endswith("; at Byte:  C3   id 13   part of character 4")
    move(view, view.lane_rects(CHARS, 3)[0].center())
    assert view.describe().endswith("; at Char:  é   unknown   character 4")
    move(view, QPointF(1, 1))
    leave(view)
    assert seen == [(WORDS, 2), (BYTES, 3), (CHARS, 3), (-1, -1)]


def test_keys_go_from_token_to_token_and_lane_to_lane(make, qtbot):
    view = make(width=250, height=130)
    seen = []
    view.hovered.connect(lambda lane, token: seen.append((lane, token)))
    keys = (Key.Key_Down, Key.Key_Right, Key.Key_Down, Key.Key_End, Key.Key_Down, Key.Key_Up, Key.Key_Home)
    for key in keys:
        qtbot.keyClick(view, key)
    assert seen[:5] == [(CHARS, 0), (CHARS, 1), (BYTES, 1), (BYTES, 7), (WORDS, 2)]
    assert seen[5][0] == BYTES
    assert seen[6] == (BYTES, 0)


def test_the_cursor_is_scrolled_into_sight(make, qtbot):
    view = make(width=250, height=130)
    for key in (Key.Key_Down, Key.Key_End):
        qtbot.keyClick(view, key)
    assert view.scroll_bar.value() > 0
    assert view.rect().toRectF().contains(view.lane_rects(CHARS, 6)[0])
    assert turn_wheel(view, QPointF(50, 50), 10)
    assert view.scroll_bar.value() == 0


def test_it_says_in_words_what_it_shows(make):
    assert make().describe() == "7 characters: Char 7 tokens, Byte 8 tokens, Word 3 tokens"


def test_twenty_thousand_characters_are_painted(make):
    view = make()
    count = 20_000
    spans = np.stack([np.arange(count), np.arange(1, count + 1)], axis=1)
    ids = np.arange(count, dtype=np.int64)
    view.set_lanes("a" * count, [("Char", Line("a" * count, ids, spans, ("a",) * count, ("0",) * count))])
    assert len(view.shown_blocks()) < 30
    view.scroll_bar.setValue(view.scroll_bar.maximum())
    assert view.rect().toRectF().contains(view.lane_rects(0, count - 1)[0])
    view.grab()


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    view = AlignmentView(theme)
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.set_lanes("", [])
    blank = view.grab().toImage()
    view.set_empty("Type a line.")
    assert view.grab().toImage() != blank
    qtbot.keyClick(view, Key.Key_Right)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=12))
def test_tokens_lie_side_by_side_and_leave_nothing_uncovered(tokens):
    spans, place = [], 0
    for length, parts in tokens:
        spans += [(place, place)] * parts + [(place, place + length)]
        place += length
    lefts = np.cumsum(np.arange(place + 1, dtype=np.float64))  # characters of different widths
    cells = Cells(np.array(spans, dtype=np.int64), lefts)
    assert np.allclose(cells.lefts[1:], cells.rights[:-1])
    assert (cells.lefts[0], cells.rights[-1]) == (0, lefts[-1])
    for token in range(len(spans)):
        left, right = cells.edges(token)
        assert right > left
        assert cells.token_at((left + right) / 2) == token
        assert token in cells.between(left, right)
    assert cells.between(0, lefts[-1]) == range(len(spans))
    assert cells.token_at(lefts[-1]) == -1
