"""What menus and keys do: one handler for every row of the table of actions, and the menus that are lists."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDialog, QInputDialog, QMainWindow, QMenu

from embedviz.analysis.units import UNITS, next_unit
from embedviz.gui.actions import Handler, fill_menus, make_actions
from embedviz.gui.background import Background
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.controller import RunController
from embedviz.gui.copying import RunCopier
from embedviz.gui.dialogs import RunSettingsDialog
from embedviz.gui.hand_actions import HandActions
from embedviz.gui.notices import Notices
from embedviz.gui.presentation import Presentation
from embedviz.gui.settings import Settings
from embedviz.gui.start_place import StartPlace
from embedviz.gui.state import AppState, Phase
from embedviz.gui.step_through import StepThrough
from embedviz.gui.tables import NumbersDialog
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import SCALE_STEP, Theme

if TYPE_CHECKING:
    from embedviz.gui.tokenizer_views.dialog import TokenizerDialog

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
LAST_STEP = 100_000_000


class Commands(QObject):
    """Makes the actions and the menus of `window`, and carries them out."""

    def __init__(
        self,
        window: QMainWindow,
        state: AppState,
        controller: RunController,
        texts: TextOpener,
        notices: Notices,
        settings: Settings,
        presentation: Presentation,
        steps: StepThrough,
        hand: HandEditor,
        start: StartPlace,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._state = state
        self._controller = controller
        self._texts = texts
        self._settings = settings
        self._presentation = presentation
        self._steps = steps
        self._hand = hand
        self._start = start
        self._theme = theme
        self._background = Background(self)
        self._copier = RunCopier(state, notices, self)
        self._tokenizers: TokenizerDialog | None = None
        self.actions = make_actions(window, self._handlers())
        start.changed.connect(self.actions["startPage"].setChecked)
        self._make_menus()
        self._hand_actions = HandActions(state, hand, self.actions, self)
        if settings.flag("less_motion"):
            self.actions["lessMotion"].trigger()
        for signal in (state.trace_shown, state.run_changed, state.frame_shown):
            signal.connect(self._show_phases)
        steps.playing_changed.connect(self._show_phases)
        self._show_phases()
        state.document_changed.connect(self._show_document)
        texts.failed.connect(self._show_document)  # the action was ticked before it was refused

    def _handlers(self) -> dict[str, Handler]:
        controller, theme = self._controller, self._theme
        return {
            "openText": self._texts.choose,
            "paste": self._texts.paste,
            "perLine": self._toggle_per_line,
            "openTokenizer": self._texts.choose_tokenizer_file,
            "startPage": self._start.set_shown,
            "quit": self._window.close,
            "play": controller.play_or_pause,
            "step": partial(controller.step, 1),
            "back": partial(controller.step, -1),
            "tenSteps": partial(controller.step, 10),
            "tenBack": partial(controller.step, -10),
            "rewind": controller.rewind,
            "goTo": self._ask_step,
            "nextPhase": self._steps.next,
            "prevPhase": self._steps.previous,
            "playPhases": self._steps.toggle_play,
            "undo": self._hand.undo,
            "redo": self._hand.redo,
            "freeze": self._freeze,
            "slower": partial(controller.change_pace, faster=False),
            "faster": partial(controller.change_pace, faster=True),
            "settings": self._ask_settings,
            "copyCommand": self._copier.copy_command,
            "copyPyTorch": self._copier.copy_pytorch,
            "larger": lambda: theme.set_scale(theme.scale + SCALE_STEP),
            "smaller": lambda: theme.set_scale(theme.scale - SCALE_STEP),
            "normal": partial(theme.set_scale, 1.0),
            "colourBlind": self._state.set_colour_blind,
            "lessMotion": self._set_less_motion,
            "nextUnit": self._next_unit,
            "table": self._show_numbers,
            "sideBySide": partial(self._show_tokenizers, "side"),
            "merges": partial(self._show_tokenizers, "merges"),
            "present": self._presentation.toggle,
            "keys": self._show_keys,
            "about": self._show_about,
        }

    def _make_menus(self) -> None:
        menus = fill_menus(self._window.menuBar(), self.actions)
        samples = menus["File"].addMenu("Samples")
        menus["File"].insertMenu(self.actions["perLine"], samples)
        for sample in self._texts.samples():
            action = samples.addAction(sample.title)
            action.setData(sample.name)
            action.setToolTip(sample.line)
        samples.triggered.connect(self._open_sample)
        self._recent = menus["File"].addMenu("Open recent")
        self._recent.setToolTipsVisible(True)
        menus["File"].insertMenu(samples.menuAction(), self._recent)
        self._recent.aboutToShow.connect(self._fill_recent)
        self._recent.triggered.connect(self._open_recent)
        themes = self._make_choices(menus["View"].addMenu("Theme"), THEMES, self._choose_theme)
        themes[self._theme.mode].setChecked(True)
        units = menus["View"].addMenu("Losses in")
        menus["View"].insertMenu(self.actions["nextUnit"], units)
        titles = tuple((unit.name, unit.title) for unit in UNITS.values())
        self._units = self._make_choices(units, titles, self._choose_unit)
        self._state.unit_changed.connect(self._show_unit)
        self._show_unit()

    def _make_choices(
        self, menu: QMenu, choices: Iterable[tuple[str, str]], chosen: Callable[[QAction], None]
    ) -> dict[str, QAction]:
        """Fill a menu with things of which one is chosen; return the actions by name."""
        group = QActionGroup(self)
        actions = {}
        for name, title in choices:
            actions[name] = action = menu.addAction(title)
            action.setData(name)
            action.setCheckable(True)
            group.addAction(action)
        menu.triggered.connect(chosen)
        return actions

    @Slot()
    def _show_phases(self) -> None:
        """There are phases to walk through where the run stands; where it plays they stop it."""
        state = self._state
        plays = state.run.phase is Phase.PLAYING
        stands = state.run.phase is Phase.PAUSED and state.trace is not None
        is_first = state.phase_index <= 0 and (state.run.step == 0 or state.phase_index < 0)
        self.actions["nextPhase"].setEnabled(plays or stands)
        self.actions["prevPhase"].setEnabled(plays or (stands and not is_first))
        self.actions["playPhases"].setEnabled(plays or stands or self._steps.is_playing)
        self.actions["playPhases"].setText("Stop the phases" if self._steps.is_playing else "Play the phases")

    @Slot()
    def _show_unit(self) -> None:
        self._units[self._state.unit.name].setChecked(True)

    @Slot(QAction)
    def _choose_unit(self, action: QAction) -> None:
        self._state.set_unit(UNITS[str(action.data())])

    @Slot()
    def _next_unit(self) -> None:
        self._state.set_unit(next_unit(self._state.unit))

    @Slot(bool)
    def _set_less_motion(self, on: bool) -> None:
        self._state.less_motion = on
        self._settings.set("less_motion", on)

    @Slot()
    def _freeze(self) -> None:
        if self._hand.meant is not None:
            table, row = self._hand.meant
            self._hand.toggle_frozen(row, table)

    @Slot()
    def _show_document(self) -> None:
        document = self._state.document
        if document is not None:
            self.actions["perLine"].setChecked(document.corpus.per_line)

    @Slot(QAction)
    def _open_sample(self, action: QAction) -> None:
        self._texts.open_sample(str(action.data()))

    @Slot(QAction)
    def _open_recent(self, action: QAction) -> None:
        if action.data() is None:
            self._settings.clear_recent()
        else:
            self._texts.open_path(Path(str(action.data())))

    @Slot()
    def _fill_recent(self) -> None:
        self._recent.clear()
        for path, is_there in self._settings.recent_entries():
            action = self._recent.addAction(path.name.replace("&", "&&"))  # else the next letter is underlined
            action.setData(str(path))
            action.setEnabled(is_there)
            action.setToolTip(str(path) if is_there else f"{path} is not there any more")
        if self._recent.isEmpty():
            self._recent.addAction(self._settings.why_no_recent).setEnabled(False)
        else:
            self._recent.addSeparator()
            self._recent.addAction("Clear the list")

    @Slot(bool)
    def _toggle_per_line(self, on: bool) -> None:
        self._texts.set_per_line(on)

    @Slot(QAction)
    def _choose_theme(self, action: QAction) -> None:
        self._theme.set_mode(str(action.data()))

    @Slot()
    def _ask_step(self) -> None:
        step, accepted = QInputDialog.getInt(
            self._window, "Go to step", "Step of this run:", self._state.run.step, 0, LAST_STEP
        )
        if accepted:
            self._controller.go_to(step)

    @Slot()
    def _ask_settings(self) -> None:
        dialog = RunSettingsDialog(
            self._state.config,
            self._theme,
            self._window,
            devices=self._controller.devices,
            choice=self._state.run.choice,
        )
        dialog.accepted.connect(self._take_settings)
        _open(dialog)

    @Slot()
    def _take_settings(self) -> None:
        dialog = self.sender()
        assert isinstance(dialog, RunSettingsDialog)
        self._texts.apply(self._state.config.replace(**dialog.changes()))

    @Slot()
    def _show_numbers(self) -> None:
        _open(NumbersDialog(self._state, self._theme, self._window))

    def _show_tokenizers(self, page: str, _checked: bool = False) -> None:
        from embedviz.gui.tokenizer_views.dialog import TokenizerDialog  # the first window does without it

        if self._tokenizers is None:
            self._tokenizers = TokenizerDialog(self._state, self._background, self._theme, self._window)
        self._tokenizers.show_page(page)
        self._tokenizers.show()
        self._tokenizers.raise_()
        self._tokenizers.activateWindow()

    @Slot()
    def _show_keys(self) -> None:
        from embedviz.gui.keys_dialog import KeysDialog  # the first window does without it

        _open(KeysDialog(self._theme, self._window))

    @Slot()
    def _show_about(self) -> None:
        from embedviz.gui.about import AboutDialog  # the first window does without it

        _open(AboutDialog(self._controller, self._state, self._settings, self._theme, self._window))


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
