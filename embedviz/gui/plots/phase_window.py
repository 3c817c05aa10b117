"""Which cards of a row are in sight where not all have room: arithmetic, no painting."""

from collections.abc import Sequence


def in_sight(
    needs: Sequence[float], room: float, gap: float, edge: float, first: int = 0, keep: int = -1
) -> range:
    """Return which cards are shown in `room`: all, or as many as there is room for from `first` on.

    They are `gap` apart. At a side where there are more, an edge takes `edge` pixels. The card `keep`, if there is
    one, is among them, for which `first` moves as little as possible; no room is left at the end that a card
    could have. There is always one card at least.
    """
    count = len(needs)
    if sum(needs) + gap * (count - 1) <= room:
        return range(count)

    def stop(start: int) -> int:
        left = room - (edge + gap if start else 0)
        if sum(needs[start:]) + gap * (count - start - 1) <= left:
            return count  # the last card stands where the edge would
        left -= edge + gap
        for index in range(start, count):
            left -= needs[index] + (gap if index > start else 0)
            if left < 0:
                return max(start + 1, index)
        return count

    first = min(max(0, first), count - 1)
    if 0 <= keep < first:
        first = keep
    while 0 <= keep < count and stop(first) <= keep:
        first += 1
    while first and stop(first) == count and stop(first - 1) == count:
        first -= 1
    return range(first, stop(first))


def page_before(needs: Sequence[float], room: float, gap: float, edge: float, shown: range) -> range:
    """Return the cards that are shown a page before `shown`: its first card is the next one after them."""
    return in_sight(needs, room, gap, edge, 0, shown.start - 1)


def page_after(needs: Sequence[float], room: float, gap: float, edge: float, shown: range) -> range:
    """Return the cards that are shown a page after `shown`."""
    return in_sight(needs, room, gap, edge, shown.stop)
