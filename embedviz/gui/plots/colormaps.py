"""Colour tables: viridis for probabilities and counts, two diverging ones for signed weights.

The tables are read from the files that pyqtgraph brings, without importing it (that takes longer than the
first window may). viridis is by Nathaniel J. Smith, Stéfan van der Walt and Eric Firing (CC0). CET-D1 and
CET-CBD1 are by Peter Kovesi, "Good Colour Maps: How to Design Them", arXiv:1509.03700, https://colorcet.com
(CC BY 4.0).
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QColor

SEQUENTIAL = "viridis"
DIVERGING = "CET-D1"
DIVERGING_SAFE = "CET-CBD1"  # for eyes that do not part red from green
NAMES = (SEQUENTIAL, DIVERGING, DIVERGING_SAFE)

MIDDLE, TOP, MISSING = 127, 254, 255  # indices into a table; the lowest colour is 0


@lru_cache(maxsize=len(NAMES))
def table(name: str) -> "NDArray[np.uint8]":
    """Return the colours called `name` as red, green, blue, alpha, (256, 4), read-only.

    Entries 0 to 254 run from low to high, so that there is an exact middle, 127; entry 255 is transparent and
    stands for what is not a number. Raises ValueError for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise ValueError(f"There is no colour table '{name}'; there are {', '.join(NAMES)}.")
    lines = (_folder() / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    given = np.array([line.split(",") for line in lines if line and not line.startswith(";")], dtype=np.float64)
    places = np.linspace(0, len(given) - 1, TOP + 1)
    colours = np.zeros((MISSING + 1, 4), dtype=np.uint8)
    for channel in range(3):
        values = np.interp(places, np.arange(len(given)), given[:, channel])
        colours[:MISSING, channel] = np.rint(values * 255)
    colours[:MISSING, 3] = 255
    colours.flags.writeable = False
    return colours


@lru_cache(maxsize=4 * len(NAMES))
def rgb32(name: str, missing: int) -> "NDArray[np.uint32]":
    """Return the table called `name` as QRgb numbers, (256,), with `missing` for what is not a number."""
    red, green, blue, _ = table(name).astype(np.uint32).T
    packed: NDArray[np.uint32] = (np.uint32(0xFF) << 24) | (red << 16) | (green << 8) | blue
    packed[MISSING] = missing
    packed.flags.writeable = False
    return packed


def indices(values: "NDArray[np.floating[Any]]", levels: tuple[float, float]) -> "NDArray[np.uint8]":
    """Return where `values` fall in a table whose ends stand for `levels`; clipped; MISSING if not finite.

    Levels that are equal put their own value in the middle, and all others at the ends.
    """
    low, high = levels
    above = values - low
    place = above * (TOP / (high - low)) if high > low else MIDDLE + MIDDLE * np.sign(above)
    place += 0.5  # round, not floor
    result: NDArray[np.uint8] = np.fmin(np.fmax(place, 0.0), TOP).astype(np.uint8)  # fmax makes NaN 0, silently
    finite = np.isfinite(values)
    if not finite.all():
        result[~finite] = MISSING
    return result


def qrgb(colour: "QColor") -> int:
    """Return `colour`, opaque, as the number Qt keeps in a picture."""
    return 0xFF000000 | (colour.rgb() & 0xFFFFFF)


def _folder() -> Path:
    spec = find_spec("pyqtgraph")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("pyqtgraph, which brings the colour tables, is not installed.")
    return Path(spec.submodule_search_locations[0]) / "colors" / "maps"
