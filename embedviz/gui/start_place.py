"""Puts the start page in the place of the panels, and the panels back as they were."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget
from shiboken6 import isValid

from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme

if TYPE_CHECKING:
    from embedviz.gui.start_page import StartPage


class StartPlace(QObject):
    """Has the layout in which panels and start page take turns; the panels are hidden meanwhile, and live on."""

    changed = Signal(bool)  # whether the page is shown now

    def __init__(
        self, window: QMainWindow, state: AppState, texts: TextOpener, settings: Settings, theme: Theme
    ) -> None:
        super().__init__(window)
        self._window = window
        self._state = state
        self._texts = texts
        self._settings = settings
        self._theme = theme
        self._panels: QWidget | None = None
        self._page: StartPage | None = None
        self._focused: QWidget | None = None  # before the page came
        self.layout = QVBoxLayout()
        self.is_shown = False
        self._was_playing = False
        state.run_changed.connect(self._leave_for_playing)
        for signal in (texts.asked, texts.opened):  # a text was chosen, here or elsewhere
            signal.connect(self.leave)

    def hold(self, panels: QWidget) -> None:
        """Take what holds the panels into the layout; show it, unless the page is shown."""
        self._panels = panels
        self.layout.addWidget(panels)
        panels.setVisible(not self.is_shown)

    @Slot()
    def leave(self) -> None:
        """Bring the panels back."""
        self.set_shown(False)

    @Slot()
    def _leave_for_playing(self) -> None:
        """No training begins behind the page; what plays already goes on there."""
        is_playing = self._state.run.phase is Phase.PLAYING
        if is_playing and not self._was_playing:
            self.leave()
        self._was_playing = is_playing

    @Slot(bool)
    def set_shown(self, on: bool) -> None:
        """Show the page, or the panels with the keyboard where it was."""
        if on == self.is_shown or self._panels is None:
            return
        self.is_shown = on
        page = self._page = self._page or self._make_page()
        if on:
            self._focused = self._window.focusWidget()
            page.refresh()
            self._panels.hide()
            page.show()
            page.take_focus()
        else:
            page.hide()
            self._panels.show()
            self._give_focus_back()
        self.changed.emit(on)

    def _make_page(self) -> "StartPage":
        from embedviz.gui.start_page import StartPage  # the first window does without it

        page = StartPage(self._state, self._texts, self._settings, self._theme)
        page.hide()
        page.done.connect(self.leave)
        # A shortcut, since while presenting no widget sees Esc; it works while its widget is visible, and then
        # wherever the keyboard is.
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), page)
        escape.activated.connect(self.leave)
        self.layout.addWidget(page)
        return page

    def _give_focus_back(self) -> None:
        focused, self._focused = self._focused, None
        is_there = focused is not None and isValid(focused) and focused.isVisible()
        target = focused if is_there else self._window.centralWidget()
        if target is not None:
            target.setFocus()
