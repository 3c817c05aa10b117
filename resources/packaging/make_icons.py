"""Draws the app's icon at every size from its two SVG files, and packs it for Windows and macOS.

Run it after either SVG has changed: `python resources/packaging/make_icons.py`. What it writes is committed, so
that nothing has to be drawn where the app is built or installed; a test holds the files against the drawings.
Needs Pillow, of the `package` extra.
"""

from io import BytesIO
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

RESOURCES = Path(__file__).resolve().parents[1]
DRAWINGS = RESOURCES / "icons" / "app"
ICO = RESOURCES / "packaging" / "windows" / "embedviz.ico"
ICNS = RESOURCES / "packaging" / "macos" / "embedviz.icns"

SIZES = (16, 24, 32, 48, 64, 128, 256, 512)  # pixels, of the PNG files
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)  # 256 is the largest that the format has
ICNS_SIZES = (32, 64, 128, 256, 512, 1024)  # what Pillow writes; macOS makes 16 of 32
LARGEST_SMALL = 32  # pixels up to which the simpler drawing is used: five cells side by side would blur


def draw(size: int) -> QImage:
    """Return the icon, `size` pixels wide and high, on a transparent ground."""
    name = "embedviz-small.svg" if size <= LARGEST_SMALL else "embedviz.svg"
    renderer = QSvgRenderer(str(DRAWINGS / name))
    if not renderer.isValid():
        raise SystemExit(f"'{name}' cannot be read.")
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    return image


def png(size: int) -> bytes:
    """Return the icon as a PNG file."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    draw(size).convertToFormat(QImage.Format.Format_ARGB32).save(buffer, "PNG")
    buffer.close()
    return content.data()


def pack(path: Path, sizes: tuple[int, ...]) -> None:
    """Write a container of the icon in `sizes`; its kind follows from the name's ending."""
    from PIL import Image  # of the `package` extra: the drawings can be tested without it

    path.parent.mkdir(parents=True, exist_ok=True)
    *others, largest = (Image.open(BytesIO(png(size))) for size in sizes)
    if path.suffix == ".ico":
        largest.save(path, sizes=[(size, size) for size in sizes], append_images=others)
    else:
        largest.save(path, append_images=others)


def main() -> None:
    """Write all files."""
    for size in SIZES:
        (DRAWINGS / f"embedviz-{size}.png").write_bytes(png(size))
    pack(ICO, ICO_SIZES)
    pack(ICNS, ICNS_SIZES)


if __name__ == "__main__":
    main()
