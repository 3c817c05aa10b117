"""The Training panel: transport, pace, when to stop, where the loss stands; a step in phases, and the curve."""

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from embedviz.analysis.verdicts import TOLERANCE
from embedviz.engine.messages import Until
from embedviz.gui.controller import PACES, RunController
from embedviz.gui.hidden_layer import HiddenLayerView
from embedviz.gui.icons import transport_icon
from embedviz.gui.layers_view import LayersView
from embedviz.gui.loss_figures import LossFigures, read_how
from embedviz.gui.loss_view import LossView
from embedviz.gui.model_facts import ModelFacts
from embedviz.gui.number_box import NumberBox
from embedviz.gui.phase_view import PhaseView
from embedviz.gui.state import AppState, Phase
from embedviz.gui.step_through import StepThrough
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Choice, LiveLabel, Segments, caption, named

SHARES = (69, 31)  # of the width: the step in phases, the curve
NARROW = 1100  # designed pixels: below it the curve goes under the phases
TALL = 0.4  # heights over widths above this: the same
COMMON_STEP = "Step 88,888"  # has room whatever the step
TRANSPORT = ("rewind", "back", "play", "step")
PHASES = ("prevPhase", "playPhases", "nextPhase")
ICONS = {
    "prevPhase": "previous",
    "playPhases": "play",
    "nextPhase": "next",
}  # of other names
UNTIL = (
    ("converged", "until converged", f"Stops when the loss stays within {TOLERANCE:g} nats of the floor"),
    ("step", "until step", "Stops at the step given beside"),
    ("ever", "for ever", "Stops when you pause"),
)
CHARTS = (
    ("loss", "Loss", "The loss itself, per token"),
    ("gap", "Gap", "How far above the floor the loss still is, on a logarithmic scale"),
    ("hidden", "Hidden", "What the hidden units put out, and how many of them are stuck"),
    ("layers", "Layers", "What each layer puts out: how the numbers grow and fade through the model"),
    ("model", "Model", "What the model is made of, and what its switches changed"),
)
CHARTS_OF = {  # what a model reads: the charts that say something of it
    "token": ("loss", "gap", "model"),
    "block": ("loss", "hidden", "model"),
    "window": ("loss", "layers", "model"),
}


class TrainingPanel(Card):
    """Everything that makes the run move, what a step does, and what it is worth so far."""

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        steps: StepThrough,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Training", theme, parent)
        self.setObjectName("trainingPanel")
        self._state = state
        self._controller = controller
        self._steps = steps
        self._actions = actions
        self._play_icon = ""
        self.losses = LossFigures(state, theme, self)
        self.phases = PhaseView(state, steps, actions, theme)
        self.gap = Segments(CHARTS, theme)
        self.loss = LossView(state, theme)
        self.hidden = HiddenLayerView(state, theme)
        self.layers = LayersView(state, theme)
        self.model = ModelFacts(state, theme)
        self._fill_header()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._left, self._right = self._make_left(), self._make_right()
        self._columns.addLayout(self._left, SHARES[0])
        self._columns.addLayout(self._right, SHARES[1])
        self.body.addLayout(self._columns, 1)
        self.gap.chosen.connect(self._change_chart)
        state.run_changed.connect(self._show_run)
        state.frame_shown.connect(self._show_frame)
        state.pace_changed.connect(self._show_pace)
        steps.playing_changed.connect(self._show_icons)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._show_pace()
        controller.set_wants_traces(True)

    def _fill_header(self) -> None:
        """Put beside the title how the run stands, and what decides how it goes on."""
        self.body.removeWidget(self.subtitle)
        self.subtitle.hide()
        self.body.removeItem(self.header)  # it is as wide as what is under it, and the curve as high as both
        self.header.setStretch(0, 0)
        self.header.addWidget(self.losses.verdict, 1)
        self._make_pace()
        settings = named(QToolButton(), "settingsButton")
        settings.setDefaultAction(self._actions["settings"])
        settings.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        for widget in (self._pace, self._until, self._until_step, settings):
            self.header.addWidget(widget)

    def _make_left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(self.theme.px(8))
        column.addLayout(self.header)
        row = QHBoxLayout()
        row.addLayout(self._make_transport(), 1)
        row.addWidget(self.losses.figures)
        column.addLayout(row)
        column.addWidget(self.phases, 1)
        return column

    def _make_right(self) -> QVBoxLayout:
        self._charts = QStackedWidget()
        for chart in (self.loss, self.hidden, self.layers, self.model):
            self._charts.addWidget(chart)
        column = QVBoxLayout()
        column.setSpacing(self.theme.px(8))
        column.addWidget(self.gap, 0, Qt.AlignmentFlag.AlignRight)
        column.addWidget(self._charts, 1)
        return column

    def _make_transport(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(self.theme.px(8))
        self._buttons: dict[str, QToolButton] = {}
        for name in TRANSPORT:
            button = named(QToolButton(), f"{name}Button")
            button.setDefaultAction(self._actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setProperty("primary", name == "play")
            self._buttons[name] = button
            row.addWidget(button)
        self._step = LiveLabel("Step 0")
        self._step.setProperty("role", "title")
        self._rate = caption("", elided=True)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._step)
        words.addWidget(self._rate)
        row.addSpacing(self.theme.px(8))
        row.addLayout(words, 1)
        return row

    def _make_pace(self) -> None:
        self._until = named(Choice(), "untilChoice", says="When training stops by itself")
        for name, title, tip in UNTIL:
            self._until.addItem(title, name)
            self._until.setItemData(self._until.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._until_step = named(
            NumberBox(self.theme, minimum=1, maximum=9_999_999), "untilStep", says="Step to stop at"
        )
        self._until_step.setValue(600)
        self._until_step.setGroupSeparatorShown(True)
        self._pace = named(Choice(), "paceChoice", says="Speed")
        for pace in PACES:
            self._pace.addItem(pace_name(pace), pace)
        self._until.currentIndexChanged.connect(self._take_until)
        self._until_step.valueChanged.connect(self._take_until)
        self._pace.currentIndexChanged.connect(self._take_pace)

    # --- from the person ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the curve under the phases where there is no room beside them, or more room below."""
        super().resizeEvent(event)
        is_narrow = self.width() < self.theme.px(NARROW) or self.height() > TALL * self.width()
        self._columns.setDirection(
            QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        )

    def minimumSizeHint(self) -> QSize:
        """Return the room that is needed side by side; in width, that of one above the other will do."""
        width = max(part.minimumSize().width() for part in (self._left, self._right))
        margins = self.body.contentsMargins()
        return QSize(width + margins.left() + margins.right(), super().minimumSizeHint().height())

    @Slot()
    def _take_until(self) -> None:
        kind = self._until.currentData()
        self._until_step.setVisible(kind == "step")
        self._controller.set_until(
            Until(step=self._until_step.value() if kind == "step" else None, converged=kind == "converged")
        )

    @Slot()
    def _take_pace(self) -> None:
        pace = self._pace.currentData()
        if pace != self._state.pace:
            self._controller.set_pace(pace)

    @Slot(str)
    def _change_chart(self, name: str) -> None:
        self.loss.set_gap_mode(name == "gap")
        charts = {"hidden": self.hidden, "layers": self.layers, "model": self.model}
        self._charts.setCurrentWidget(charts.get(name, self.loss))
        self._controller.set_wants_activations(name == "hidden")
        self._controller.set_wants_layers(name == "layers")
        self.hidden.refresh()
        self.layers.refresh()

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_pace(self) -> None:
        place = PACES.index(self._state.pace) if self._state.pace in PACES else len(PACES) - 1
        self._pace.setCurrentIndex(place)
        kind = "step" if self._state.until.step else "converged" if self._state.until.converged else "ever"
        with QSignalBlocker(self._until), QSignalBlocker(self._until_step):  # nobody chose anything here
            self._until.setCurrentIndex(self._until.findData(kind))
            self._until_step.setValue(self._state.until.step or self._until_step.value())
        self._until_step.setVisible(kind == "step")

    @Slot()
    def _show_run(self) -> None:
        run = self._state.run
        self.gap.set_available(CHARTS_OF[run.config.reads])
        playing = run.phase in (Phase.PLAYING, Phase.PAUSING) or self._controller.will_play
        self._show_play_icon("pause" if playing else "play")
        self._actions["step"].setEnabled(run.phase is Phase.PAUSED)
        self.loss.refresh()
        self._show_frame()

    @Slot()
    def _show_frame(self) -> None:
        state = self._state
        run, snapshot = state.run, state.snapshot
        self._step.setText(f"Step {run.step:,}")
        self._actions["back"].setEnabled(run.phase is Phase.PAUSED and run.step > 0)
        self._actions["rewind"].setEnabled(run.step > 0 and run.phase not in (Phase.WARMING, Phase.LOST))
        rate = snapshot.steps_per_second if snapshot and run.phase in (Phase.PLAYING, Phase.PAUSING) else 0.0
        phase = run.phase.value if run.phase is not Phase.PLAYING else ""
        losses = read_how(run.reading, run.step) if run.reading is not None else ""
        parts = (phase, f"{rate:,.0f} steps/s" if rate else "", losses)
        self._rate.setText(" · ".join(part for part in parts if part))

    def _show_play_icon(self, name: str) -> None:
        if name != self._play_icon:
            self._play_icon = name
            self._actions["play"].setIcon(transport_icon(name, self.theme.colour("on_accent")))
            self._actions["play"].setText("Pause" if name == "pause" else "Play")

    @Slot()
    def _show_icons(self) -> None:
        ink = self.theme.colour("ink")
        for name in (*TRANSPORT, *PHASES):
            icon = ICONS.get(name, name)
            if name == "playPhases" and self._steps.is_playing:
                icon = "pause"
            if name != "play":
                self._actions[name].setIcon(transport_icon(icon, ink))

    @Slot()
    def _restyle(self) -> None:
        self._play_icon = ""
        self._show_icons()
        for name, button in self._buttons.items():
            side = self.theme.px(28 if name == "play" else 22)
            button.setIconSize(QSize(side, side))
        self._columns.setSpacing(self.theme.px(24))
        self._step.setMinimumWidth(self._step.fontMetrics().horizontalAdvance(COMMON_STEP))
        self._show_run()  # which has colours in it


def pace_name(pace: float | None) -> str:
    """Return a pace in words."""
    if pace is None:
        return "full speed"
    return f"{pace:,.0f} step/s" if pace == 1 else f"{pace:,.0f} steps/s"
