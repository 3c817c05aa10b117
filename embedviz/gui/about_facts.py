"""What About says of this installation: versions, devices, paths. Nothing is loaded to find out."""

import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QSysInfo, qVersion
from PySide6.QtGui import QGuiApplication, QScreen

from embedviz import __version__
from embedviz.engine.snapshots import folders as snapshot_folders
from embedviz.files import is_packaged
from embedviz.gui.controller import RunController
from embedviz.gui.crash_log import crash_folder
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.gui.status import device_in_words

Facts: TypeAlias = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Groups of (title, facts), each fact a name and what is so."""

LIBRARIES = ("pyqtgraph", "numpy", "tokenizers")
UNKNOWN = "unknown"
WARMING = "the trainer is still warming up"
ENDED = "the trainer has ended before it could say"


def facts(controller: RunController, state: AppState, settings: Settings, screen: QScreen) -> Facts:
    """Return all that is known at the moment."""
    return (
        ("Versions", _versions(controller.torch_version or _why_unknown(state))),
        ("Devices", _devices(controller, state)),
        ("System", _system(screen)),
        ("Paths", _paths(settings)),
    )


def as_text(groups: Facts) -> str:
    """Return the facts as plain text, to be pasted into a message."""
    blocks = ["\n".join([title, *(f"  {name}: {fact}" for name, fact in rows)]) for title, rows in groups]
    return "\n\n".join(blocks) + "\n"


def how_installed() -> str:
    """Return where this program comes from, in words."""
    if is_packaged():
        return "packaged app"
    package = Path(__file__).resolve().parents[1]
    return "run from source" if (package.parent / "pyproject.toml").is_file() else "installed into Python"


def version_of(name: str) -> str:
    """Return a library's version, or UNKNOWN if neither its metadata nor the library is at hand."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # the packaged app may be without
        return str(getattr(sys.modules.get(name), "__version__", UNKNOWN))


def _why_unknown(state: AppState) -> str:
    return ENDED if state.run.phase is Phase.LOST else WARMING


def _versions(torch_version: str) -> list[tuple[str, str]]:
    return [
        ("embedviz", f"{__version__}, {how_installed()}"),
        ("Python", platform.python_version()),
        ("Qt", qVersion()),
        ("PySide6", pyside_version),
        *((name, version_of(name)) for name in LIBRARIES),
        ("torch", torch_version),
    ]


def _devices(controller: RunController, state: AppState) -> list[tuple[str, str]]:
    if not controller.torch_version:
        return [("Found", _why_unknown(state))]
    found = [("Found", ", ".join(name.upper() for name in controller.devices))]
    return [*found, ("In use", device_in_words(state.run))] if state.run.parameters else found


def _system(screen: QScreen) -> list[tuple[str, str]]:
    kernel = f"{QSysInfo.kernelType()} {QSysInfo.kernelVersion()}, {QSysInfo.currentCpuArchitecture()}"
    size, ratio = screen.size(), screen.devicePixelRatio()
    return [
        ("System", f"{QSysInfo.prettyProductName()} ({kernel})"),
        (
            "Screen",
            f"{size.width() * ratio:.0f} × {size.height() * ratio:.0f} pixels, scaled to {ratio * 100:.0f} %",
        ),
        ("Drawn by", QGuiApplication.platformName()),
    ]


def _paths(settings: Settings) -> list[tuple[str, str]]:
    package = str(Path(__file__).resolve().parents[1])
    programs = (
        [("Program", sys.executable)] if is_packaged() else [("Program", package), ("Python", sys.executable)]
    )
    crashes = crash_folder()
    shared = (snapshot_folders() or [Path(tempfile.gettempdir())])[0]
    saved = "" if settings.is_writable or settings.path is None else " (cannot be written)"
    return [
        *programs,
        ("Settings", f"{settings.path}{saved}" if settings.path else "in memory alone (safe mode)"),
        ("Crash logs", str(crashes) if crashes else "nowhere: there is no folder of yours"),
        ("Shared with the trainer", str(shared)),
    ]
