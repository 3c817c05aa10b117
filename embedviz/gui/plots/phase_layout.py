"""Where the cards of a row and what is in them go: arithmetic, no painting."""

from collections.abc import Sequence
from dataclasses import dataclass


def widths(needs: Sequence[float], room: float) -> list[float]:
    """Return equal shares of `room`, but none under its need while that can be had; they add up to `room`.

    Where needs are more than the room, the greatest are cut to one size, and the smaller met.
    """
    enough = sum(needs) <= room
    rest, left = room, len(needs)
    for need in sorted(needs, reverse=enough):
        if left == 1 or (need <= rest / left if enough else need >= rest / left):
            break
        rest -= need
        left -= 1
    level = rest / max(1, left)
    return [max(need, level) if enough else min(need, level) for need in needs]


@dataclass(frozen=True)
class Heights:
    """How high the parts of a card are, in pixels."""

    padding: int  # above the first and below the last
    title: int
    caption: int
    line: int
    gap: int  # above and below the picture
    lowest: int  # picture


@dataclass(frozen=True)
class Stack:
    """What a card of some height has room for: distances from its top."""

    has_caption: bool
    lines: int  # how many
    picture_top: int
    picture_height: int
    complete: bool  # nothing was left out


def stack(height: int, lines: int, heights: Heights) -> Stack:
    """Return what fits in `height`, for so many lines at most.

    First the picture shrinks, then the third line goes, then the caption, then the other lines.
    """
    tries = [(True, lines), (True, min(2, lines)), *((False, n) for n in range(min(2, lines), -1, -1))]
    for has_caption, count in tries:
        top = heights.padding + heights.title + heights.caption * has_caption + heights.gap
        free = height - top - heights.gap - count * heights.line - heights.padding
        if free >= heights.lowest:
            return Stack(has_caption, count, top, free, complete=has_caption and count == lines)
    return Stack(False, 0, top, max(0, free), complete=False)
