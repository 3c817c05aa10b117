"""The bar at the top: what is trained on what and how, each with its menu."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.gui.brand import Brand
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named

BATCHES = (WHOLE_TEXT, 32, 256)
RESIDUAL = "Residual projections"
STARTS = (
    ("Lookup table", catalog.STARTS, "init"),
    ("Layers", catalog.LAYER_STARTS, "layer_init"),
    (RESIDUAL, catalog.RESIDUAL_INITS, "residual_init"),
)
MODEL_TIP = "What is trained"
START_TIP = "What the weights are before the first step"


class TopBar(QFrame):
    """Text, model, start, optimiser, batch; and the presentation."""

    def __init__(
        self,
        state: AppState,
        texts: TextOpener,
        settings: Settings,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self._state = state
        self._texts = texts
        self._settings = settings
        self._actions = actions
        self._theme = theme
        self._layout = QHBoxLayout(self)
        self._captions: list[QLabel] = []
        self._is_compact = False
        self._brand = Brand(actions["startPage"], theme)
        self._layout.addWidget(self._brand)
        self._layout.addSpacing(theme.px(8))
        self.text = self._add_button("Text", "textButton", "The text that is trained on")
        self._model = self._add_button("Model", "modelButton", MODEL_TIP)
        self._start = self._add_button("Start", "startButton", START_TIP)
        self._optimizer = self._add_button("Optimiser", "optimizerButton", "How a step follows the gradient")
        self._batch = self._add_button("Batch", "batchButton", "What one step looks at")
        self._layout.addStretch(1)
        present = named(QToolButton(), "presentButton")
        present.setDefaultAction(actions["present"])
        present.setText("Present  F5")
        self._layout.addWidget(present)
        self.text.menu().aboutToShow.connect(self._fill_text_menu)
        self._model.menu().aboutToShow.connect(self._fill_model_menu)
        self._start.menu().aboutToShow.connect(self._fill_start_menu)
        self._optimizer.menu().aboutToShow.connect(self._fill_optimizer_menu)
        self._batch.menu().aboutToShow.connect(self._fill_batch_menu)
        state.run_changed.connect(self._show)
        state.document_changed.connect(self._show)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._show()

    def set_compact(self, compact: bool) -> None:
        """Leave the names of the choices out, where the window is narrow."""
        self._is_compact = compact
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what there is no room for."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out the app's name and then those of the choices, rather than cut a choice short."""
        room = self.width() if self.isVisible() else math.inf
        name = self._brand.room_for_name()
        needed = self._layout.sizeHint().width()  # and with all that is left out:
        needed += 0 if self._brand.is_named else name
        hidden = [caption_ for caption_ in self._captions if caption_.isHidden()]
        needed += sum(caption_.sizeHint().width() + self._layout.spacing() for caption_ in hidden)
        self._brand.set_named(not self._is_compact and needed <= room)
        for caption_ in self._captions:
            caption_.setVisible(not self._is_compact and needed - name <= room)

    def _add_caption(self, name: str) -> None:
        label = caption(name)
        self._captions.append(label)
        self._layout.addWidget(label)

    def _add_button(self, name: str, object_name: str, tip: str) -> QToolButton:
        self._add_caption(name)
        button = named(QToolButton(), object_name, says=name, tip=tip)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        button.setProperty("menu", True)
        self._layout.addWidget(button)
        self._layout.addSpacing(self._theme.px(8))
        return button

    # --- menus --------------------------------------------------------------------------------------

    @Slot()
    def _fill_text_menu(self) -> None:
        menu = self.text.menu()
        menu.clear()
        _add_heading(menu, "Samples")
        for sample in self._texts.samples():
            action = menu.addAction(sample.title)
            action.setToolTip(sample.line)
            action.triggered.connect(partial(self._open_sample, sample.name))
        recent = self._settings.recent_entries()
        if recent:
            _add_heading(menu, "Opened before")
            for path, is_there in recent:
                action = menu.addAction(path.name.replace("&", "&&"))  # else the next letter is underlined
                action.setToolTip(str(path) if is_there else f"{path} is gone")
                action.setEnabled(is_there)
                action.triggered.connect(partial(self._open_path, path))
        menu.addSeparator()
        for name in ("openText", "paste", "perLine"):
            menu.addAction(self._actions[name])

    @Slot()
    def _fill_model_menu(self) -> None:
        menu, config = self._model.menu(), self._state.config
        menu.clear()
        group = QActionGroup(menu)
        for entry in catalog.MODELS.values():
            action = self._add_choice(menu, group, entry, "model")
            action.triggered.connect(partial(self._choose_model, entry.name))
        if config.has("position"):
            _add_heading(menu, "Positions")
            self._add_choices(menu, catalog.POSITIONS, "position")
        switches = [entry for entry in catalog.SWITCHES.values() if config.has(entry.name)]
        if switches:
            _add_heading(menu, "Switches")
        for entry in switches:
            action = menu.addAction(entry.title)
            action.setToolTip(entry.line)
            action.setCheckable(True)
            action.setChecked(getattr(config, entry.name))
            action.triggered.connect(partial(self._restart_with, {entry.name: not getattr(config, entry.name)}))
        menu.addSeparator()
        menu.addAction(self._actions["settings"])

    @Slot()
    def _fill_start_menu(self) -> None:
        menu = self._start.menu()
        if not self._state.config.has("layer_init"):
            self._fill_choices(menu, catalog.STARTS, "init")
            return
        menu.clear()
        for title, table, field in STARTS:
            if _has(self._state.config, field):
                _add_heading(menu, title)
                self._add_choices(menu, table, field)

    @Slot()
    def _fill_optimizer_menu(self) -> None:
        menu = self._optimizer.menu()
        self._fill_choices(menu, catalog.OPTIMIZERS, "optimizer")
        menu.addSeparator()
        menu.addAction(self._actions["settings"])

    @Slot()
    def _fill_batch_menu(self) -> None:
        menu = self._batch.menu()
        menu.clear()
        group = QActionGroup(menu)
        current = self._state.config.batch_size
        for size in BATCHES if current in BATCHES else (*BATCHES, current):
            action = menu.addAction(self._batch_name(size))
            action.setCheckable(True)
            action.setChecked(size == current)
            group.addAction(action)
            action.triggered.connect(partial(self._restart_with, {"batch_size": size}))
        menu.addSeparator()
        menu.addAction(self._actions["settings"])

    def _fill_choices(self, menu: QMenu, table: dict[str, catalog.Entry], field: str) -> None:
        menu.clear()
        self._add_choices(menu, table, field)

    def _add_choices(self, menu: QMenu, table: dict[str, catalog.Entry], field: str) -> None:
        group = QActionGroup(menu)
        for entry in table.values():
            if entry.suits(self._state.config.model):
                action = self._add_choice(menu, group, entry, field)
                changes: dict[str, object] = {field: entry.name}
                if field == "optimizer":
                    changes |= catalog.optimizer_defaults(self._state.config.model, entry.name)
                action.triggered.connect(partial(self._restart_with, changes))

    def _add_choice(self, menu: QMenu, group: QActionGroup, entry: catalog.Entry, field: str) -> QAction:
        action = menu.addAction(entry.title)
        action.setToolTip(entry.line)
        action.setCheckable(True)
        action.setChecked(entry.name == getattr(self._state.config, field))
        group.addAction(action)
        return action

    def _batch_name(self, size: int) -> str:
        return "whole text" if size == WHOLE_TEXT else f"{size} windows of {self._state.config.block_size}"

    # --- from the person ----------------------------------------------------------------------------

    def _open_sample(self, name: str, _checked: bool = False) -> None:
        self._texts.open_sample(name)

    def _open_path(self, path: Path, _checked: bool = False) -> None:
        self._texts.open_path(path)

    def _choose_model(self, name: str, _checked: bool = False) -> None:
        if name != self._state.config.model:
            self._texts.apply(self._state.config.with_model(name))

    def _restart_with(self, changes: dict[str, object], _checked: bool = False) -> None:
        self._texts.change(changes)

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show(self) -> None:
        state = self._state
        config = state.config
        if state.document is not None:
            self.text.setText(state.document.corpus.name.replace("&", "&&"))
        self._model.setText(catalog.MODELS[config.model].title)
        self._model.setToolTip("\n".join([MODEL_TIP, *_said_of(config)]))
        starts = {title: table[getattr(config, field)] for title, table, field in STARTS if _has(config, field)}
        names = dict.fromkeys(entry.title for title, entry in starts.items() if title != RESIDUAL)  # the same once
        self._start.setText(" · ".join(names))
        told = [f"{title}: {entry.title}" for title, entry in starts.items()]
        self._start.setToolTip("\n".join([START_TIP, *told]))
        self._optimizer.setText(f"{catalog.OPTIMIZERS[config.optimizer].title} · {config.lr:g}")
        self._batch.setText(self._batch_name(config.batch_size))
        self._fit()

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._layout.setContentsMargins(px(16), px(6), px(16), px(6))
        self._layout.setSpacing(px(8))
        c = self._theme.colours
        self.setStyleSheet(f"#topBar {{ background: {c.card}; border-bottom: 1px solid {c.line}; }}")
        for button in self.findChildren(QToolButton):
            if button is not self._brand:
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._fit()


def _said_of(config: RunConfig) -> Iterator[str]:
    """Yield a line for each choice and switch of the model that its name does not say."""
    if config.has("position"):
        yield f"Positions: {catalog.POSITIONS[config.position].title}"
    for entry in catalog.SWITCHES.values():
        if config.has(entry.name) and getattr(config, entry.name):
            yield f"{entry.title}: {entry.line}"


def _has(config: RunConfig, field: str) -> bool:
    return field == "init" or config.has(field)


def _add_heading(menu: QMenu, title: str) -> None:
    """Name the group of actions that follows; a section's name is not drawn in every style."""
    if not menu.isEmpty():
        menu.addSeparator()
    menu.addAction(title).setEnabled(False)
