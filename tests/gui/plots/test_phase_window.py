"""Which cards are in sight where not all have room."""

from hypothesis import given
from hypothesis import strategies as st

from embedviz.gui.plots.phase_window import in_sight, page_after, page_before

GAP, EDGE = 4.0, 30.0
NEEDS = st.lists(st.floats(40, 150), min_size=1, max_size=90)
ROOM = st.floats(100, 2000)


def taken(needs: list[float], shown: range) -> float:
    """Return the room that cards, gaps and edges take."""
    edges = (shown.start > 0) + (shown.stop < len(needs))
    return sum(needs[shown.start : shown.stop]) + GAP * (len(shown) - 1) + edges * (EDGE + GAP)


@given(NEEDS, ROOM, st.integers(-3, 95), st.integers(-1, 89))
def test_what_is_shown_fits_and_has_the_card_that_is_kept(needs, room, first, keep):
    shown = in_sight(needs, room, GAP, EDGE, first, keep)
    assert 0 <= shown.start < shown.stop <= len(needs)
    if 0 <= keep < len(needs):
        assert keep in shown
    if len(shown) > 1:
        assert taken(needs, shown) <= room + 1e-6
    if shown.stop < len(needs):
        assert taken(needs, range(shown.start, shown.stop + 1)) > room - 1e-6  # no other has room
    elif shown.start:
        assert taken(needs, range(shown.start - 1, shown.stop)) > room - 1e-6


@given(NEEDS, st.integers(0, 95))
def test_all_are_shown_where_they_have_room(needs, first):
    room = sum(needs) + GAP * (len(needs) - 1)
    assert in_sight(needs, room + 1e-6, GAP, EDGE, first) == range(len(needs))


@given(NEEDS, ROOM)
def test_it_moves_no_more_than_it_must(needs, room):
    """One step to the right, or to the left, keeps what is shown unless the card is beyond it."""
    shown = in_sight(needs, room, GAP, EDGE)
    for keep in [*range(len(needs)), *reversed(range(len(needs)))]:
        following = in_sight(needs, room, GAP, EDGE, shown.start, keep)
        if keep in shown:
            assert following == shown
        elif keep >= shown.stop and following.stop < len(needs):
            assert keep not in in_sight(needs, room, GAP, EDGE, following.start - 1)
        elif keep < shown.start:
            assert keep - following.start <= 0 or following.stop == len(needs)
        shown = following


@given(NEEDS, ROOM)
def test_pages_go_through_all_cards_and_back(needs, room):
    shown = in_sight(needs, room, GAP, EDGE)
    seen = set(shown)
    while shown.stop < len(needs):
        following = page_after(needs, room, GAP, EDGE, shown)
        assert following.start > shown.start
        assert following.start <= shown.stop  # none is passed over
        seen |= set(following)
        shown = following
    assert seen == set(range(len(needs)))
    while shown.start:
        before = page_before(needs, room, GAP, EDGE, shown)
        assert before.start < shown.start <= before.stop
        shown = before
    assert page_before(needs, room, GAP, EDGE, shown) == shown


def test_the_last_card_may_stand_where_the_edge_would():
    needs = [50.0, 50.0, 20.0]
    assert in_sight(needs, 50 + 4 + 20 + 34, GAP, EDGE, 1) == range(1, 3)
    assert in_sight(needs, 100.0, GAP, EDGE) == range(1)
