"""Finds a file that ships with the app: from source, from a wheel, from the packaged app."""

import sys
from pathlib import Path

from embedviz.errors import EmbedvizError


def resource(relative: str) -> Path:
    """Return the path of a bundled file, `relative` to resources/, as in "samples/fables.txt".

    Raises EmbedvizError if the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    bundle = getattr(sys, "_MEIPASS", None)  # set by the packaged app
    roots = [Path(bundle) / "embedviz" / "_data"] if bundle else []
    roots += [package / "_data", package.parent / "resources"]
    for root in roots:
        path = root / relative
        if path.exists():
            return path
    raise EmbedvizError(
        f"The file '{relative}' that belongs to embedviz is missing: please install it again.",
        details="looked in " + ", ".join(str(root) for root in roots),
    )
