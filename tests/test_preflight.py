"""What Qt would abort about is said first: missing libraries, missing and dead displays."""

import ctypes
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import PySide6
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from embedviz import preflight
from embedviz.preflight import CannotBeginError, check, use_offscreen_without_display

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Qt brings all it needs elsewhere")
QT = Path(PySide6.__file__).parent / "Qt"
QT_FILES = {
    "everywhere": ("lib/libQt6Core.so.6", "lib/libQt6DBus.so.6", "lib/libQt6Gui.so.6", "lib/libQt6Widgets.so.6"),
    "xcb": ("plugins/platforms/libqxcb.so", "lib/libQt6XcbQpa.so.6"),
    "wayland": ("plugins/platforms/libqwayland.so", "lib/libQt6WaylandClient.so.6"),
}
PYTHON_HAS = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libstdc++.so.6"}


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def x_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that an X server answers."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(preflight, "_x_answers", lambda: True)


@pytest.fixture
def wayland_display(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Listen where a Wayland compositor would."""
    folder = tmp_path_factory.mktemp("run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "wayland-7"))
        server.listen()
        yield


def lose(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Pretend that the system lacks these libraries and has all others."""
    there = ctypes.CDLL(None)
    monkeypatch.setattr(preflight, "_library", lambda name: None if name in names else there)


@linux_only
@pytest.mark.parametrize("part", QT_FILES)
def test_the_libraries_are_those_that_qt_loads(part: str) -> None:
    named = re.compile(rb"(?<=\0)lib[\w.+-]+\.so\.\d+(?=\0)")
    found = {name.decode() for file in QT_FILES[part] for name in named.findall((QT / file).read_bytes())}
    own = {path.name for path in (QT / "lib").iterdir()}
    listed = preflight.SCREENS.get(part, preflight.EVERYWHERE)
    assert listed.keys() <= found
    assert found - own - PYTHON_HAS <= preflight.EVERYWHERE.keys() | listed.keys()


@linux_only
def test_no_display() -> None:
    with pytest.raises(CannotBeginError, match=r"^There is no display .*'embedviz tour --out DIR'.*\.$"):
        check(needs_display=True)


@linux_only
def test_a_dead_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":32767")
    with pytest.raises(CannotBeginError, match=r"^No display answers at DISPLAY=:32767: 'embedviz tour"):
        check(needs_display=True)
    monkeypatch.setenv("WAYLAND_DISPLAY", "/nowhere/wayland")
    with pytest.raises(CannotBeginError, match="at DISPLAY=:32767 or WAYLAND_DISPLAY=/nowhere/wayland: "):
        check(needs_display=True)


@linux_only
def test_one_display_of_two_is_enough(wayland_display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":32767")
    lose(monkeypatch)
    monkeypatch.setattr(preflight, "_x_answers", lambda: False)
    monkeypatch.setattr(preflight, "_wayland_answers", lambda: True)
    check(needs_display=True)


@linux_only
def test_a_wayland_display_answers(wayland_display: None) -> None:
    if preflight._library("libwayland-client.so.0") is None:
        pytest.skip("no library to ask with")
    assert preflight._wayland_answers()
    os.environ["WAYLAND_DISPLAY"] += "x"
    assert not preflight._wayland_answers()


@linux_only
def test_memory_needs_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen:configfile=/nowhere")
    lose(monkeypatch, *preflight.SCREENS["xcb"], *preflight.SCREENS["wayland"])
    check(needs_display=True)


@linux_only
def test_a_platform_asked_for_without_its_display(wayland_display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(CannotBeginError, match=r"^There is no display .*unset QT_QPA_PLATFORM, which is 'xcb'"):
        check(needs_display=False)


@linux_only
def test_missing_libraries_are_named_with_their_packages(x_display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, "libxcb-cursor.so.0", "libEGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0")
    with pytest.raises(CannotBeginError) as caught:
        check(needs_display=True)
    assert caught.value.sentence == (
        "Qt needs libEGL.so.1, libglib-2.0.so.0, libgthread-2.0.so.0, libxcb-cursor.so.0, which this system "
        "lacks: on Debian or Ubuntu, 'apt-get install libegl1 libglib2.0-0 libxcb-cursor0' as root installs what "
        "is missing."
    )


@linux_only
def test_libraries_of_a_display_that_is_not_used_may_be_missing(
    x_display: None, wayland_display: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_wayland_answers", lambda: True)
    lose(monkeypatch, "libwayland-cursor.so.0")
    check(needs_display=True)


@linux_only
def test_without_the_library_to_ask_a_display_with_the_library_is_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPLAY", ":32767")
    lose(monkeypatch, "libxcb.so.1")
    with pytest.raises(CannotBeginError, match=r"^Qt needs libxcb\.so\.1, which"):
        check(needs_display=True)


def test_a_python_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_PACKAGES", ("sys", "not_there", "nor_this"))
    with pytest.raises(CannotBeginError, match="lacks not_there, nor_this: 'make run'"):
        check(needs_display=True)


@linux_only
def test_offscreen_is_for_those_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "minimal")
    use_offscreen_without_display()
    assert os.environ["QT_QPA_PLATFORM"] == "minimal"
    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    monkeypatch.setenv("DISPLAY", ":32767")
    use_offscreen_without_display()
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


@linux_only
def test_a_display_that_answers_is_used(x_display: None) -> None:
    use_offscreen_without_display()
    assert "QT_QPA_PLATFORM" not in os.environ


@linux_only
def test_it_costs_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check(needs_display=True)
    began = time.perf_counter()
    check(needs_display=True)
    assert time.perf_counter() - began < 0.03


def test_pyside_takes_no_reference_to_none(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 drops one with every call, and Python aborts after some thousands."""
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.update()
    before = sys.getrefcount(None)
    for _ in range(200):
        widget.update()
    assert abs(sys.getrefcount(None) - before) < 20  # not 200; other threads take and give some
