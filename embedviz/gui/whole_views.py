"""What is looked at in the table's place: attention, and positions as rotations. Made when first looked at."""

from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.gui.controller import RunController
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme

if TYPE_CHECKING:
    from embedviz.gui.attention_view import AttentionView
    from embedviz.gui.rotation_view import RotationView

WholeView: TypeAlias = "AttentionView | RotationView"
TITLES = {"attention": "Attention", "rotation": "Rotation"}


class WholeViews(QWidget):
    """Holds views that fill the middle of the panel, of which one at most is shown.

    A view follows the state, and asks the trainer for what it shows, only while it is active.
    """

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._needs = state, controller, theme
        self._views: dict[str, WholeView] = {}
        self.shown = ""
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def show_view(self, name: str) -> None:
        """Show the view of a mode; none for "" and for the modes of the table itself."""
        name = name if name in TITLES else ""
        if name == self.shown:
            return
        if self.shown:
            self._switch(self.shown, False)
        self.shown = name
        if name:
            self._switch(name, True)
        self.setVisible(bool(name))

    def _switch(self, name: str, on: bool) -> None:
        if name not in self._views:
            self._views[name] = self._made(name)
            self._layout.addWidget(self._views[name])
        self._views[name].setVisible(on)
        self._views[name].set_active(on)

    def _made(self, name: str) -> WholeView:
        if name == "attention":
            from embedviz.gui.attention_view import AttentionView

            return AttentionView(*self._needs)
        from embedviz.gui.rotation_view import RotationView

        return RotationView(*self._needs)
