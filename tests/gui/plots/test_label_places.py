from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from embedviz.gui.plots.label_places import place


def _place(count, pitch, strong, length=12.0, nice=False):
    return place(
        range(count),
        strong,
        lambda index: (index + 0.5) * pitch,
        lambda _index, _strong: length,
        -length / 2,
        count * pitch + length / 2,
        pitch,
        length,
        nice=nice,
    )


@given(st.integers(1, 300), st.floats(0.05, 40), st.lists(st.integers(0, 299), max_size=40), st.floats(4, 30))
def test_labels_never_overlap_and_stay_inside(count, pitch, strong, length):
    marks = sorted(_place(count, pitch, strong, length), key=lambda mark: mark.start)
    for one, other in pairwise(marks):
        assert one.end <= other.start + 1e-3
        assert one.index < other.index
    for mark in marks:
        assert mark.start >= -length / 2 - 1e-3
        assert mark.end <= count * pitch + length / 2 + 1e-3


def test_all_are_drawn_where_they_fit():
    assert [mark.index for mark in _place(65, 13.0, [])] == list(range(65))


def test_every_kth_is_drawn_where_they_do_not():
    assert [mark.index for mark in _place(65, 5.0, [])] == list(range(0, 65, 3))


def test_numbers_go_up_in_ones_twos_and_fives():
    assert [mark.index for mark in _place(40, 4.0, [], nice=True)] == list(range(0, 40, 5))


def test_strong_ones_displace_their_neighbours():
    marks = _place(65, 5.0, [4])
    assert [mark.index for mark in marks if mark.strong] == [4]
    assert {mark.index for mark in marks}.isdisjoint({3, 6})


def test_strong_neighbours_move_apart_evenly():
    one, other = sorted((m for m in _place(65, 5.0, [30, 31]) if m.strong), key=lambda mark: mark.index)
    assert one.end == other.start
    assert abs((one.anchor - one.start) - (other.end - other.anchor)) < 1e-9


def test_the_most_important_come_first_where_not_all_have_room():
    marks = _place(10, 3.0, list(range(9, -1, -1)))
    assert [mark.index for mark in marks if mark.strong] == [7, 8, 9]
