"""The app's name and icon at the left of the top bar: the way to the start page and back."""

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from embedviz.gui.icons import app_icon
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import named

ICON = 24  # designed pixels


class Brand(QToolButton):
    """Does what `action` does, and is pressed in while that is on; the name gives way where room is short."""

    def __init__(self, action: QAction, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        named(self, "brandButton", says=action.text(), tip=action.toolTip())
        self.setText(" embedviz")  # Qt leaves hardly any room before it, and some behind
        self.setIcon(app_icon())
        self.setCheckable(True)
        self.clicked.connect(action.trigger)
        action.toggled.connect(self.setChecked)
        self.set_named(True)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def is_named(self) -> bool:
        """True while the name stands beside the icon."""
        return self.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon

    def set_named(self, on: bool) -> None:
        """Show the name beside the icon, or the icon alone."""
        styles = Qt.ToolButtonStyle
        self.setToolButtonStyle(styles.ToolButtonTextBesideIcon if on else styles.ToolButtonIconOnly)

    def room_for_name(self) -> int:
        """Return how much wider the name makes the button, as Qt reckons it."""
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance(self.text()) + 2 * metrics.horizontalAdvance(" ") + 4

    @Slot()
    def _restyle(self) -> None:
        px, c = self._theme.px, self._theme.colours
        self.setFont(self._theme.font(Role.TITLE, bold=True))
        self.setIconSize(QSize(px(ICON), px(ICON)))
        self.setStyleSheet(
            f"#brandButton {{ background: transparent; border-color: transparent; padding: {px(1)}px {px(4)}px; }}"
            f"#brandButton:hover, #brandButton:checked {{ background: {c.well}; border-color: {c.line}; }}"
            f"#brandButton:focus {{ border-color: {c.model}; }}"
        )
