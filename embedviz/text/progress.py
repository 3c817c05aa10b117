"""Progress: how long work tells what it is doing, and is told that nobody wants it any more."""

import time
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float], None]
"""Called often with what is being done and the share of it that is done, from 0 to 1; may raise Cancelled."""

_WORK_S = 0.004
_REST_S = 0.0001


class Cancelled(Exception):  # noqa: N818 - it is no error, and nobody is told of one
    """A person changed their mind: the work ends here, and nothing is said about it."""


def quiet(doing: str, done: float) -> None:
    """Tell nobody."""


def resting(progress: Progress) -> Progress:
    """Return `progress` for work beside a thread that must not wait: it sleeps a moment every few milliseconds.

    Without that, numpy starves the other thread for up to a second: it gives the GIL up often and takes it
    back before the other one wakes, which each time begins anew to wait before it may ask for it.
    """
    rested = time.monotonic()

    def tell(doing: str, done: float) -> None:
        nonlocal rested
        progress(doing, done)
        if time.monotonic() - rested > _WORK_S:
            time.sleep(_REST_S)
            rested = time.monotonic()

    return tell
