"""Looks before the leap: what Qt would abort about is said in one sentence first."""

import ctypes
import importlib.util
import os
import sys

from embedviz.errors import EmbedvizError
from embedviz.files import is_packaged

# What Qt's own files load, and the Debian package that has it; tests/test_preflight.py compares with those files.
EVERYWHERE = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
SCREENS = {
    "xcb": {
        "libX11-xcb.so.1": "libx11-xcb1",
        "libxcb.so.1": "libxcb1",
        "libxcb-cursor.so.0": "libxcb-cursor0",
        "libxcb-icccm.so.4": "libxcb-icccm4",
        "libxcb-image.so.0": "libxcb-image0",
        "libxcb-keysyms.so.1": "libxcb-keysyms1",
        "libxcb-randr.so.0": "libxcb-randr0",
        "libxcb-render-util.so.0": "libxcb-render-util0",
        "libxcb-render.so.0": "libxcb-render0",
        "libxcb-shape.so.0": "libxcb-shape0",
        "libxcb-shm.so.0": "libxcb-shm0",
        "libxcb-sync.so.1": "libxcb-sync1",
        "libxcb-util.so.1": "libxcb-util1",
        "libxcb-xfixes.so.0": "libxcb-xfixes0",
        "libxcb-xkb.so.1": "libxcb-xkb1",
        "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    },
    "wayland": {
        "libwayland-client.so.0": "libwayland-client0",
        "libwayland-cursor.so.0": "libwayland-cursor0",
    },
}
"""The platforms of Qt that need a display; all others draw into memory or onto hardware of their own."""

_VARIABLES = {"xcb": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
_PACKAGES = ("PySide6", "pyqtgraph", "numpy", "torch")


class CannotBeginError(EmbedvizError):
    """Something that the window needs is missing."""


def check(*, needs_display: bool) -> None:
    """Raise CannotBeginError, which says what to do, if Qt could not begin.

    Without `needs_display` pictures in memory would do, if Qt was not told otherwise.
    """
    absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if absent and not is_packaged():
        raise CannotBeginError(
            f"Python at {sys.executable} lacks {', '.join(absent)}: 'make run' or 'pip install .' in the folder "
            "of embedviz installs all it needs."
        )
    if sys.platform == "linux":
        _check_libraries(_usable_screens(needs_display))


def use_offscreen_without_display() -> None:
    """Let Qt draw into memory if there is no screen and nothing else was asked for."""
    if sys.platform == "linux" and not os.environ.get("QT_QPA_PLATFORM"):
        if not any(_answers(screen) for screen in SCREENS):
            os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _usable_screens(needs_display: bool) -> list[str]:
    """Return those of SCREENS that Qt may use, none if it was told to do without."""
    asked = os.environ.get("QT_QPA_PLATFORM", "")
    platforms = [name.split(":")[0].split("-")[0] for name in asked.split(";")] if asked else list(SCREENS)
    if not set(platforms) <= set(SCREENS):
        return []
    screens = [screen for screen in platforms if _answers(screen)]
    if screens:
        return screens
    tried = [f"{_VARIABLES[name]}={value}" for name in platforms if (value := os.environ.get(_VARIABLES[name]))]
    raise CannotBeginError(
        (f"No display answers at {' or '.join(tried)}" if tried else "There is no display to open a window on")
        + (
            ": 'embedviz tour --out DIR' makes pictures without one, 'embedviz train' trains without a window."
            if needs_display
            else f": unset QT_QPA_PLATFORM, which is '{asked}', to draw without one."
        )
    )


def _check_libraries(screens: list[str]) -> None:
    """Raise CannotBeginError if system libraries are missing; one of `screens`, if there are any, has to work."""
    missing = _missing(EVERYWHERE) | min((_missing(SCREENS[screen]) for screen in screens), key=len, default={})
    if missing:
        raise CannotBeginError(
            f"Qt needs {', '.join(missing)}, which this system lacks: on Debian or Ubuntu, "
            f"'apt-get install {' '.join(dict.fromkeys(missing.values()))}' as root installs what is missing."
        )


def _missing(libraries: dict[str, str]) -> dict[str, str]:
    return {name: package for name, package in libraries.items() if _library(name) is None}


def _answers(screen: str) -> bool:
    """Tell whether a display is there and lets us in, by asking as Qt does; True if that cannot be told."""
    if not os.environ.get(_VARIABLES[screen]):
        return False
    return _x_answers() if screen == "xcb" else _wayland_answers()


def _x_answers() -> bool:
    xcb = _library("libxcb.so.1")
    if xcb is None:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))  # the display and its cookie as the system says
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _wayland_answers() -> bool:
    wayland = _library("libwayland-client.so.0")
    if wayland is None:
        return True
    wayland.wl_display_connect.restype = ctypes.c_void_p
    display = ctypes.c_void_p(wayland.wl_display_connect(None))
    if display:
        wayland.wl_display_disconnect(display)
    return bool(display)


def _library(name: str) -> ctypes.CDLL | None:
    """Load a system library: the one test of its presence that needs no tool. Qt loads it in a moment anyway."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
