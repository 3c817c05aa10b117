"""Safe mode leaves saved settings aside, and as they are; damaged settings do not keep the app from starting."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from visiting import Visitor

from embedviz.gui import app
from embedviz.gui.settings import Settings

SAFE = "Safe mode: saved settings are left aside, and stay as they are."


@pytest.fixture
def visitor(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    made = Visitor(monkeypatch, mode=None)
    yield made
    made.put_away()


def use(text: Path) -> Callable[[app.Parts], None]:
    """Return what changes everything that is remembered."""

    def act(parts: app.Parts) -> None:
        parts.theme.set_mode("light")
        parts.theme.set_scale(1.2)
        parts.window.actions_by_name["lessMotion"].trigger()
        assert parts.window.texts.open_path(text, wait=True)
        assert parts.settings.recent() == [text]  # as long as the window is open
        assert parts.settings.flag("less_motion")

    return act


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "banana.txt"
    path.write_text("banana bandana " * 5)
    return path


def test_saved_settings_are_neither_read_nor_written(visitor: Visitor, text: Path, home: Path) -> None:
    saved = Settings()
    for key, value in (("theme", "dark"), ("scale", 1.7), ("recent", ["/a.txt"])):
        saved.set(key, value)
    saved.sync()
    assert saved.path is not None
    before = saved.path.read_bytes()
    modes = []

    def act(parts: app.Parts) -> None:
        modes.append((parts.theme.mode, parts.theme.scale, parts.settings.recent()))
        use(text)(parts)
        label = parts.window.findChild(QLabel, "safeMode")
        assert isinstance(label, QLabel)
        assert label.text() == "Safe mode"

    visitor.act = act
    assert app.run(safe=True) == 0
    assert modes == [("system", 1.0, [])]
    assert visitor.seen["text"] == "banana.txt"
    assert visitor.before == [SAFE]
    assert saved.path.read_bytes() == before


def test_safe_mode_leaves_no_file_behind(visitor: Visitor, text: Path, home: Path) -> None:
    visitor.act = use(text)
    assert app.run(safe=True) == 0
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_without_safe_mode_the_same_is_remembered(visitor: Visitor, text: Path) -> None:
    visitor.act = use(text)
    assert app.run() == 0
    assert visitor.before == []
    assert Settings().text("theme", "") == "light"
    assert Settings().recent() == [text]


KEYS = ("theme", "scale", "geometry", "columns", "rows", "recent", "less_motion", "colour_blind")
DAMAGED = {
    "rubbish": bytes(range(256)) * 40,
    "half a file": b"[General]\ntheme=dark\ngeometry=@ByteArray(\\x1\\xd9\\xd0\\xcb\\0\\x3\\0\\0",
    "rectangles": b"[General]\n" + b"".join(b"%s=@Rect(1 2 3 4)\n" % key.encode() for key in KEYS),
    "bytes": b"[General]\n" + b"".join(b"%s=@ByteArray(\\xff\\0)\n" % key.encode() for key in KEYS),
    "lists": b"[General]\n" + b"".join(b"%s=1, 2, 3\n" % key.encode() for key in KEYS),
    "nothing": b"[General]\n" + b"".join(b"%s=@Invalid()\n" % key.encode() for key in KEYS),
    "unknown types": b"[General]\n" + b"".join(b"%s=@Variant(\\0\\0\\0\\x7f\\0)\n" % key.encode() for key in KEYS),
}


@pytest.mark.qt_log_ignore(
    "QVariant::load: unknown user type", "Trying to construct an instance of an invalid type"
)
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_no_obstacle_and_is_mended_by_the_next_end(
    visitor: Visitor, text: Path, damage: str
) -> None:
    path = Settings().path
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(DAMAGED[damage])
    visitor.act = lambda parts: parts.theme.set_mode("light")
    assert app.run() == 0
    assert visitor.before == []
    mended = Settings()
    assert mended.text("theme", "") == "light"
    assert isinstance(mended.data("geometry"), QByteArray)
    assert not mended.data("geometry").isEmpty()


@pytest.mark.parametrize("scale", ["99999", "0", "-1", "3.01"])
def test_a_scale_that_nobody_could_choose_is_none(visitor: Visitor, scale: str) -> None:
    saved = Settings()
    saved.set("scale", scale)
    saved.sync()
    scales = []
    visitor.act = lambda parts: scales.append(parts.theme.scale)
    assert app.run() == 0
    assert scales == [1.0]
