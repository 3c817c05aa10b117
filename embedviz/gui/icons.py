"""The app's own icon, and the transport's, drawn in the theme's ink at any size."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF

from embedviz.files import resource

APP_SIZES = (16, 24, 32, 48, 64, 128, 256)  # pixels, of the files; a window manager is given all of them
_SIZE = 64  # designed pixels of the pixmap; Qt scales it down


def app_icon() -> QIcon:
    """Return the app's icon; a file is read when its size is drawn."""
    icon = QIcon()
    for size in APP_SIZES:
        icon.addFile(str(resource(f"icons/app/embedviz-{size}.png")), QSize(size, size))
    return icon


def transport_icon(name: str, colour: QColor) -> QIcon:
    """Return the icon "play", "pause", "step", "back", "next", "previous" or "rewind" in `colour`."""
    pixmap = QPixmap(_SIZE, _SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for shape in _SHAPES[name]:
        if isinstance(shape, QRectF):
            painter.drawRoundedRect(shape, 3, 3)
        else:
            painter.drawPolygon(shape)
    painter.end()
    return QIcon(pixmap)


def _triangle(left: float, right: float) -> QPolygonF:
    """Return a triangle whose tip is at `right`, be that to the right or to the left."""
    return QPolygonF([QPointF(left, 12), QPointF(right, 32), QPointF(left, 52)])


_SHAPES: dict[str, tuple[QRectF | QPolygonF, ...]] = {
    "play": (_triangle(18, 52),),
    "pause": (QRectF(16, 12, 11, 40), QRectF(37, 12, 11, 40)),
    "step": (_triangle(14, 42), QRectF(44, 12, 7, 40)),
    "back": (_triangle(50, 22), QRectF(13, 12, 7, 40)),
    "next": (_triangle(24, 44),),
    "previous": (_triangle(40, 20),),
    "rewind": (QRectF(8, 12, 6, 40), _triangle(36, 15), _triangle(58, 37)),
}
