"""What is chosen to look at attention: a layer, a head, a token."""

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSlider

from embedviz.config import RunConfig
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Choice

_SLIDER_KEYS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})


def layers_of(config: RunConfig) -> list[str]:
    """Return the names of the layers of attention, the first is 1."""
    return [f"Layer {layer}" for layer in range(1, config.n_layer + 1)]


def heads_of(config: RunConfig) -> list[str]:
    """Return the names of the heads of each."""
    return [f"Head {head}" for head in range(1, config.n_head + 1)]


def offer(choice: Choice, words: list[str], chosen: int | None = None) -> None:
    """Offer other options, silently, if they are others; what was chosen stays if it can, unless one is given."""
    choice.setVisible(bool(words))
    index = choice.currentIndex() if chosen is None else chosen
    index = index if 0 <= index < len(words) else min(0, len(words) - 1)
    choice.blockSignals(True)
    if words != [choice.itemText(i) for i in range(choice.count())]:
        choice.clear()
        choice.addItems(words)
        choice.updateGeometry()
    choice.setCurrentIndex(index)
    choice.blockSignals(False)


class PositionSlider(QSlider):
    """A slider whose arrow keys are its own while it has the focus, and not the run's."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _restyle(self) -> None:
        px, c = self._theme.px, self._theme.colours
        reach, groove = px(7), 2 * px(2)
        self.setStyleSheet(
            f"QSlider {{ min-height: {px(20)}px; }}"
            f"QSlider::groove:horizontal {{ height: {groove}px; border-radius: {groove // 2}px;"
            f" background: {c.line}; }}"
            f"QSlider::sub-page:horizontal {{ background: {c.model}; border-radius: {groove // 2}px; }}"
            f"QSlider::handle:horizontal {{ width: {2 * reach}px; margin: -{reach - groove // 2}px 0;"
            f" border-radius: {reach}px; background: {c.model}; }}"
            f"QSlider::handle:horizontal:focus {{ background: {c.ink}; }}"
        )

    def event(self, event: QEvent) -> bool:
        """Claim the keys that move it before the window's shortcuts see them."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _SLIDER_KEYS
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ):
            event.accept()
            return True
        return super().event(event)
