"""Where the tokens of one lane lie along an unbroken line of characters: arithmetic on arrays, no painting."""

import numpy as np
from numpy.typing import NDArray


class Cells:
    """The left and right edges of T tokens, in pixels along the line.

    Tokens that begin at the same character, because all but the last are only parts of it, share its room.
    """

    def __init__(self, spans: NDArray[np.int64], lefts: NDArray[np.float64]) -> None:
        """Take spans (T, 2) in characters, and where these begin and the last one ends, (n + 1,)."""
        starts, stops = spans[:, 0], spans[:, 1]
        _, first, shared = np.unique(starts, return_index=True, return_counts=True)
        group = np.repeat(np.arange(len(first)), shared)  # (T,): whose character a token begins at
        rank, of = np.arange(len(starts)) - first[group], shared[group]
        begin = lefts[starts]
        width = lefts[np.minimum(starts + 1, len(lefts) - 1)] - begin
        self.lefts = begin + width * rank / of
        self.rights = np.where(stops > starts, lefts[stops], begin + width * (rank + 1) / of)
        self._parts = of > 1

    @staticmethod
    def parts_of_characters(spans: NDArray[np.int64], characters: int) -> NDArray[np.int64]:
        """Return how many tokens begin at each character, (n,)."""
        return np.bincount(spans[:, 0], minlength=characters)[:characters] if characters else np.zeros(0, np.int64)

    def is_part(self, token: int) -> bool:
        """Tell whether a token shares its first character with others."""
        return bool(self._parts[token])

    def edges(self, token: int) -> tuple[float, float]:
        """Return where a token begins and ends."""
        return float(self.lefts[token]), float(self.rights[token])

    def token_at(self, x: float) -> int:
        """Return the token at a place; -1 if none is there."""
        token = int(np.searchsorted(self.lefts, x, side="right")) - 1
        return token if token >= 0 and x < self.rights[token] else -1

    def between(self, begin: float, end: float) -> range:
        """Return the tokens of which a part lies from `begin` to `end`."""
        first = int(np.searchsorted(self.rights, begin + 1e-6, side="right"))
        return range(first, max(first, int(np.searchsorted(self.lefts, end - 1e-6, side="left"))))
