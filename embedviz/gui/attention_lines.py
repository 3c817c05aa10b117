"""Numbers of a head in lines of whole entries: none is cut, and what has no room is counted."""

from collections.abc import Callable, Sequence

BETWEEN = " · "


def wrapped(begin: str, entries: Sequence[str], fits: Callable[[str], bool], most: int) -> list[str]:
    """Return `begin` and as many of `entries` as fit into `most` lines; the last line says how many it leaves out.

    A line has one entry at least.
    """
    lines: list[str] = []
    line, is_begun = begin, False
    for place, entry in enumerate(entries):
        is_last_line = len(lines) == most - 1
        left = len(entries) - place - 1
        longer = f"{line}{BETWEEN if is_begun else ''}{entry}"
        if is_begun and not fits(longer + (_more(left) if is_last_line else "")):
            if is_last_line:
                return [*lines, line + _more(left + 1)]
            lines.append(line)
            longer = entry
        line, is_begun = longer, True
    return [*lines, line]


def _more(entries: int) -> str:
    return f"{BETWEEN}{entries:,} more" if entries else ""
