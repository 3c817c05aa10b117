"""The app's icon: what is committed is what the drawings give, at every size, for each system."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QImageReader
from pytestqt.qtbot import QtBot

from embedviz.files import resource
from embedviz.gui.icons import APP_SIZES, app_icon

SCRIPT = resource("packaging/make_icons.py")
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)  # pixels
NEAR = 2.0  # of 255, on average: another version of Qt may round an edge another way


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_icons", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pixels(image: QImage) -> NDArray[np.float64]:
    """Return the image as numbers (H, W, 4), colours times opacity."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888_Premultiplied)
    values = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return values[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).astype(np.float64)


def unlike(first: QImage, second: QImage) -> float:
    """Return how far two images of one size are apart, of 255."""
    assert first.size() == second.size()
    return float(np.abs(pixels(first) - pixels(second)).mean())


def images_of_ico(path: Path) -> dict[int, QImage]:
    """Return the images that an .ico file holds, by their width."""
    reader = QImageReader(str(path))
    found = {}
    for index in range(reader.imageCount()):
        assert reader.jumpToImage(index)
        image = reader.read()
        assert not image.isNull(), reader.errorString()
        found[image.width()] = image
    return found


def images_of_icns(path: Path) -> dict[int, QImage]:
    """Return the same of an .icns file: blocks of a name, a length that counts both, and here a PNG."""
    content = path.read_bytes()
    assert content[:4] == b"icns"
    assert int.from_bytes(content[4:8], "big") == len(content)
    found, at = {}, 8
    while at < len(content):
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        if name != b"TOC ":
            image = QImage.fromData(content[at + 8 : at + length], "PNG")
            assert not image.isNull(), name
            found[image.width()] = image
        at += length
    return found


@pytest.mark.parametrize("size", SIZES)
def test_a_committed_picture_is_what_the_drawing_gives(qtbot: QtBot, maker: ModuleType, size: int) -> None:
    committed = QImage(str(resource(f"icons/app/embedviz-{size}.png")))
    assert committed.size() == QSize(size, size)
    assert unlike(committed, maker.draw(size)) < NEAR


def test_what_is_drawn_is_what_there_is(maker: ModuleType) -> None:
    assert maker.SIZES == SIZES
    assert set(APP_SIZES) < set(SIZES)
    drawn = {f"embedviz-{size}.png" for size in SIZES}
    assert {path.name for path in resource("icons/app").iterdir()} == {
        *drawn,
        "embedviz.svg",
        "embedviz-small.svg",
    }


def test_the_icon_for_windows_holds_every_size(qtbot: QtBot, maker: ModuleType) -> None:
    held = images_of_ico(maker.ICO)
    assert set(held) == {16, 24, 32, 48, 64, 128, 256}
    for size, image in held.items():
        assert unlike(image, maker.draw(size)) < NEAR, size


def test_the_icon_for_macos_holds_every_size(qtbot: QtBot, maker: ModuleType) -> None:
    held = images_of_icns(maker.ICNS)
    assert set(held) == {32, 64, 128, 256, 512, 1024}
    for size, image in held.items():
        assert unlike(image, maker.draw(size)) < NEAR, size


@pytest.mark.parametrize("ground", ["white", "gray", "black"])
@pytest.mark.parametrize("size", [16, 48])
def test_the_icon_stands_off_any_ground(qtbot: QtBot, maker: ModuleType, size: int, ground: str) -> None:
    behind = np.array(QColor(ground).getRgb()[:3], np.float64)
    image = pixels(maker.draw(size))
    shown = image[..., :3] + behind * (1 - image[..., 3:] / 255)  # (H, W, 3)
    is_apart = np.abs(shown - behind).max(-1) > 40
    assert is_apart.mean() > 0.3
    middle = shown[size // 2]  # the row that is lifted out: blue, red and nearly white
    assert (middle[:, 2] - middle[:, 0]).max() > 80
    assert (middle[:, 0] - middle[:, 2]).max() > 80


def test_corners_are_clear(qtbot: QtBot, maker: ModuleType) -> None:
    for size in SIZES:
        image = maker.draw(size)
        for x, y in ((0, 0), (size - 1, 0), (0, size - 1), (size - 1, size - 1)):
            assert image.pixelColor(x, y).alpha() < 64, size


def test_the_icon_of_the_window_has_all_sizes(qtbot: QtBot) -> None:
    assert {size.width() for size in app_icon().availableSizes()} == set(APP_SIZES)
    for size in APP_SIZES:
        image = app_icon().pixmap(QSize(size, size), 1.0).toImage()
        assert unlike(image, QImage(str(resource(f"icons/app/embedviz-{size}.png")))) < 1e-9
