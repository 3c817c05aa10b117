"""Looks before the leap: what Qt would abort about is said in one sentence first."""

import ctypes.util
import importlib.util
import os
import sys

from embedviz.errors import EmbedvizError

# Library that Qt's xcb plugin loads -> the Debian package that has it.
_XCB_LIBRARIES = {
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-image": "libxcb-image0",
    "xcb-render-util": "libxcb-render-util0",
    "xcb-xkb": "libxcb-xkb1",
    "xcb-shape": "libxcb-shape0",
    "xcb-randr": "libxcb-randr0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
}
_COMMON_LIBRARIES = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "fontconfig": "libfontconfig1",
    "xkbcommon": "libxkbcommon0",
    "dbus-1": "libdbus-1-3",
    "glib-2.0": "libglib2.0-0",
}


class CannotBeginError(EmbedvizError):
    """Something that the window needs is missing."""


def check(*, needs_display: bool) -> None:
    """Raise CannotBeginError, which names what to install, if the window could not open."""
    if importlib.util.find_spec("PySide6") is None:
        raise CannotBeginError("PySide6 is not installed: run 'make run', or 'pip install embedviz'.")
    if sys.platform != "linux":
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if needs_display and not platform and not has_display():
        raise CannotBeginError(
            "There is no display to open a window on; 'embedviz tour --out DIR' makes pictures without one, "
            "and 'embedviz train' trains without a window."
        )
    wanted = dict(_COMMON_LIBRARIES)
    on_x11 = platform == "xcb" or (not platform and "DISPLAY" in os.environ and "WAYLAND_DISPLAY" not in os.environ)
    if on_x11:
        wanted |= _XCB_LIBRARIES
    missing = [package for library, package in wanted.items() if not _is_there(library)]
    if missing:
        raise CannotBeginError(
            f"Qt needs system libraries that are missing; on Debian or Ubuntu: apt-get install {' '.join(missing)}."
        )


def has_display() -> bool:
    """Tell whether there is a screen to open a window on."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def use_offscreen_without_display() -> None:
    """Let Qt draw into memory if there is no screen and nothing else was asked for."""
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _is_there(library: str) -> bool:
    """Tell whether the loader finds `library`; loading it is the one test that needs no compiler."""
    sonames = _SONAMES.get(library, f"lib{library}.so.0")
    try:
        ctypes.CDLL(sonames)
    except OSError:
        return ctypes.util.find_library(library) is not None
    return True


_SONAMES = {
    "xcb-icccm": "libxcb-icccm.so.4",
    "xcb-keysyms": "libxcb-keysyms.so.1",
    "xcb-xkb": "libxcb-xkb.so.1",
    "EGL": "libEGL.so.1",
    "GL": "libGL.so.1",
    "fontconfig": "libfontconfig.so.1",
    "dbus-1": "libdbus-1.so.3",
}
