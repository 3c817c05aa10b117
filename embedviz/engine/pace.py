"""How many steps a second a run takes."""

import time


class Pace:
    """Steps at even distances, or as many as it goes; the latter too while `hurried` to get to a step."""

    def __init__(self) -> None:
        self.hurried = False
        self._asked: float | None = None  # steps a second; None: as fast as it goes
        self._next_at = 0.0

    @property
    def steps_per_second(self) -> float | None:
        """What holds now; None for as many as it goes."""
        return None if self.hurried else self._asked

    def set(self, steps_per_second: float | None) -> None:
        """Take so many steps a second from now on."""
        self._asked = steps_per_second
        self._next_at = time.perf_counter()

    def begin(self, now: float, hurried: bool) -> None:
        """Let the first step be due at once."""
        self.hurried = hurried
        self._next_at = now

    def seconds_to_next(self, now: float) -> float:
        """Return how long it is until a step is due."""
        return 0.0 if self.steps_per_second is None else max(0.0, self._next_at - now)

    def allows(self, now: float) -> bool:
        """Tell whether a step is due, which is then taken for granted.

        A late step is not made up for by a burst: the pace is for the eye.
        """
        pace = self.steps_per_second
        if pace is None:
            return True
        if self._next_at > now:
            return False
        self._next_at = max(self._next_at, now - 1 / pace) + 1 / pace
        return True
