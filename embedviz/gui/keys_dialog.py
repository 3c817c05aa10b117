"""Help > Keys: every key, from the table of actions."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.actions import ACTIONS
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import named

OTHER_KEYS = (
    ("F2, Return", "Type a number into the cell of the table that the keyboard is on"),
    ("Ctrl+drag", "Change the number of a cell (plain dragging does, once a click holds the cell)"),
    ("Esc", "Let the cell go; Right and Left walk through the phases again"),
    ("Return", "Press the button that the keyboard is on"),
    ("Esc", "Leave the presentation"),
    (".", "Blank the screen while presenting"),
)
"""What is no action of its own."""


class KeysDialog(QDialog):
    """As large as the list, as far as the screen has room for that; the rest is scrolled to, also by keys."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self._theme = theme
        self._widths: tuple[list[int], list[int]] = ([], [])  # of the words, column by column
        self._scroll = named(QScrollArea(widgetResizable=True), "keysScroll", says="Keys and what they do")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setStyleSheet("QScrollArea, #keysList { background: transparent; }")
        self._scroll.setWidget(self._make_list())
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._buttons.rejected.connect(self.reject)
        self._buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(24), theme.px(16), theme.px(8), theme.px(16))
        layout.setSpacing(theme.px(12))
        layout.addWidget(self._scroll)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, theme.px(16), 0)
        foot.addWidget(self._buttons)
        layout.addLayout(foot)
        self._fit()
        self._scroll.setFocus()  # the arrow keys scroll at once

    def _make_list(self) -> QWidget:
        content = named(QWidget(), "keysList")
        self._list = grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, self._theme.px(16), 0)
        grid.setHorizontalSpacing(self._theme.px(24))
        grid.setColumnStretch(1, 1)
        rows = [*((", ".join(spec.keys), spec.tip) for spec in ACTIONS if spec.keys), *OTHER_KEYS]
        for row, (keys, tip) in enumerate(rows):
            name, line = QLabel(keys), QLabel(tip, wordWrap=True)
            name.setFont(self._theme.font(bold=True))
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(line, row, 1)
            for width, label in zip(self._widths, (name, line), strict=True):
                width.append(QFontMetrics(label.font()).horizontalAdvance(label.text()))
        return content

    def _fit(self) -> None:
        """Take the width of the longest line and the height of all lines, as far as the screen has them."""
        room = self.screen().availableSize() - QSize(40, 80)
        px = self._theme.px
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        width = min(sum(map(max, self._widths)) + px(24 + 24 + 8 + 16) + bar + 8, room.width())
        foot = self._buttons.sizeHint().height() + px(2 * 16 + 12)
        height = self._list.totalHeightForWidth(width - px(24 + 8) - bar) + foot + 2
        self.resize(width, min(height, room.height()))
