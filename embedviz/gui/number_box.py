"""A field for whole numbers whose text stands off its edge."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QSpinBox

from embedviz.gui.theme import Theme


class NumberBox(QSpinBox):
    """A spin box with room before its number: under a style sheet, Qt leaves its left padding out."""

    def __init__(self, theme: Theme, *, minimum: int = 0, maximum: int = 99) -> None:
        super().__init__(minimum=minimum, maximum=maximum)
        self._theme = theme
        theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _restyle(self) -> None:
        self.lineEdit().setTextMargins(self._theme.px(8), 0, 0, 0)
