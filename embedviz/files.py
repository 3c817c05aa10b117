"""Finds what ships with the app: from source, from a wheel, from the packaged app."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from embedviz.errors import EmbedvizError

TRAINER = "embedviz-trainer"


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


def is_packaged() -> bool:
    """Tell whether this is the packaged app, not a Python that runs embedviz."""
    return bool(getattr(sys, "frozen", False))


def trainer_program() -> Path:
    """Return the packaged app's other program: it has torch and no Qt, where the window's has Qt and no torch."""
    window = Path(sys.executable)
    return window.with_name(TRAINER + window.suffix)


def hand_over_to_trainer() -> None:
    """Become the packaged app's other program, with the same arguments; returns only if this is it."""
    program = trainer_program()
    if Path(sys.executable).name == program.name:
        return
    command = [str(program), *sys.argv[1:]]
    if sys.platform == "win32":  # which has no exec: whoever waits for this process would not wait for that one
        sys.exit(subprocess.call(command))
    os.execv(program, command)


def keep_no_cache() -> None:
    """Keep torch, if not imported yet, from leaving an empty folder behind, for the compiler that is not used."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())
