"""The Training panel: transport, pace, when to stop, where the loss stands, and its curve."""

import math

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QSpinBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from embedviz import catalog
from embedviz.analysis.convergence import TOLERANCE
from embedviz.engine.messages import Until
from embedviz.gui.controller import PACES, RunController
from embedviz.gui.hidden_layer import HiddenLayerView
from embedviz.gui.icons import transport_icon
from embedviz.gui.loss_view import LossView
from embedviz.gui.plots.figures import figure
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import Card, Choice, Figure, LiveLabel, Segments, caption, named

LEFT_WIDTH = 536  # designed pixels, of the part beside the curve: the row of speed and end at its longest
TRANSPORT = ("rewind", "back", "play", "step")
UNTIL = (
    ("converged", "until converged", "Stops when the loss stays within 0.001 nats of the floor"),
    ("step", "until step", "Stops at the step given beside"),
    ("ever", "for ever", "Stops when you pause"),
)
VERDICT_COLOURS = {"learning": "warning", "converged": "good", "plateau": "warning"}


class TrainingPanel(Card):
    """Everything that makes the run move, and what it is worth so far."""

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Training", theme, parent)
        self.setObjectName("trainingPanel")
        self._state = state
        self._controller = controller
        self._actions = actions
        self._play_icon = ""
        self.gap = Segments(
            (
                ("loss", "Loss", "The loss itself, in nats per token"),
                (
                    "gap",
                    "Gap to the floor",
                    "How far above the floor the loss still is, on a logarithmic scale",
                ),
                ("hidden", "Hidden layer", "What the hidden units put out, and how many of them are stuck"),
            ),
            theme,
        )
        self.body.removeWidget(self.subtitle)  # here the header has room for it
        self.header.setStretch(0, 0)
        self.header.addWidget(self.subtitle, 1)
        self.header.addWidget(self.gap)
        self._left = QWidget()
        column = QVBoxLayout(self._left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(8))
        column.addLayout(self._make_transport())
        column.addStretch(1)
        column.addWidget(self._make_verdict())
        column.addLayout(self._make_figures())
        column.addStretch(1)
        column.addLayout(self._make_pace())
        self.loss = LossView(state, theme)
        self.hidden = HiddenLayerView(state, theme)
        self._charts = QStackedWidget()
        self._charts.addWidget(self.loss)
        self._charts.addWidget(self.hidden)
        middle = QHBoxLayout()
        middle.setSpacing(theme.px(24))
        middle.addWidget(self._left)
        middle.addWidget(self._charts, 1)
        self.body.addLayout(middle, 1)
        self.gap.chosen.connect(self._change_chart)
        state.run_changed.connect(self._show_run)
        state.frame_shown.connect(self._show_frame)
        state.pace_changed.connect(self._show_pace)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._show_pace()

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
        settings = named(QToolButton(), "settingsButton")
        settings.setDefaultAction(self._actions["settings"])
        settings.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        row.addWidget(settings)
        return row

    def _make_verdict(self) -> LiveLabel:
        self._verdict = LiveLabel()
        self._verdict.setObjectName("verdict")
        return self._verdict

    def _make_figures(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(self.theme.px(16))
        self._figures = {
            name: Figure(title, self.theme, Role.TITLE)
            for name, title in (
                ("train", "training loss"),
                ("val", "validation loss"),
                ("floor", "floor"),
                ("gap", "above the floor"),
                ("uniform", "ln V, guess"),
            )
        }
        for column, shown in enumerate(self._figures.values()):
            grid.addWidget(shown, 0, column)
        return grid

    def _make_pace(self) -> QHBoxLayout:
        self._until = named(Choice(), "untilChoice", says="When training stops by itself")
        for name, title, tip in UNTIL:
            self._until.addItem(title, name)
            self._until.setItemData(self._until.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._until_step = named(
            QSpinBox(minimum=1, maximum=9_999_999, value=600), "untilStep", says="Step to stop at"
        )
        self._until_step.setGroupSeparatorShown(True)
        self._pace = named(Choice(), "paceChoice", says="Speed")
        for pace in PACES:
            self._pace.addItem(pace_name(pace), pace)
        self._until.currentIndexChanged.connect(self._take_until)
        self._until_step.valueChanged.connect(self._take_until)
        self._pace.currentIndexChanged.connect(self._take_pace)
        row = QHBoxLayout()
        row.addWidget(self._pace)
        row.addSpacing(self.theme.px(8))
        row.addWidget(caption("Train"))
        row.addWidget(self._until)
        row.addWidget(self._until_step)
        row.addStretch(1)
        return row

    # --- from the person ----------------------------------------------------------------------------

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
        self._charts.setCurrentWidget(self.hidden if name == "hidden" else self.loss)
        self._controller.set_wants_activations(name == "hidden")

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_pace(self) -> None:
        place = PACES.index(self._state.pace) if self._state.pace in PACES else len(PACES) - 1
        self._pace.setCurrentIndex(place)
        kind = "step" if self._state.until.step else "converged" if self._state.until.converged else "ever"
        self._until.setCurrentIndex(self._until.findData(kind))
        self._until_step.setVisible(kind == "step")

    @Slot()
    def _show_run(self) -> None:
        run = self._state.run
        config = run.config
        optimizer = catalog.OPTIMIZERS[config.optimizer].title
        batch = "whole text" if config.whole_text else f"batches of {config.batch_size} × {config.block_size}"
        start = catalog.STARTS[config.init].title
        threads = f"{config.threads} thread" + ("s" if config.threads != 1 else "")
        if config.model != "bigram":
            start += f", layers from {catalog.LAYER_STARTS[config.layer_init].title}"
        rate = f"{config.lr:g}"
        if config.schedule != "constant":
            rate += f" {catalog.SCHEDULES[config.schedule].title}"
        clip = f", clipped at {config.clip:g}" if config.clip else ""
        how = f"{optimizer} · {rate}{clip}, {batch}, from {start}, seed {config.seed}"
        self.subtitle.setText(f"{how} · {config.device.upper()}, {threads}")
        self.gap.set_available(("loss", "gap") if config.model == "bigram" else ("loss", "hidden"))
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
        older = run.reading is not None and run.reading.step != run.step
        losses = f"losses of step {run.reading.step:,}" if older and run.reading else ""
        if run.reading is not None and run.reading.estimated:
            losses = f"{losses or 'losses'}, estimated"
        parts = (phase, f"{rate:,.0f} steps/s" if rate else "", losses)
        self._rate.setText(" · ".join(part for part in parts if part))
        self._show_losses()

    def _show_play_icon(self, name: str) -> None:
        if name != self._play_icon:
            self._play_icon = name
            self._actions["play"].setIcon(transport_icon(name, self.theme.colour("on_accent")))
            self._actions["play"].setText("Pause" if name == "pause" else "Play")

    def _show_losses(self) -> None:
        run = self._state.run
        reading = run.reading
        document = self._state.document
        if reading is None or document is None:
            for shown in self._figures.values():
                shown.set_value("–")
            self._verdict.setText("")
            return
        about = "≈ " if reading.estimated else ""  # the line under the step says what that means
        gap = reading.train - document.floor
        is_bigram = run.config.model == "bigram"
        self._figures["train"].set_value(f"{reading.train:.4f}", f"{about}training loss")
        self._figures["val"].set_value(
            "none" if reading.val is None else f"{reading.val:.4f}",
            "nothing held out" if reading.val is None else f"{about}validation loss",
        )
        self._figures["floor"].set_value(f"{document.floor:.4f}", "floor" if is_bigram else "bigram floor")
        side = "below" if gap < 0 and not is_bigram else "above"
        self._figures["gap"].set_value(figure(gap if is_bigram else abs(gap)), f"{side} the floor")
        self._figures["uniform"].set_value(
            f"{math.log(document.vocab_size):.4f}", f"ln {document.vocab_size}, guess"
        )
        sentence = reading.sentence
        if reading.verdict == "learning":  # said of an earlier step; this is of the one that is shown
            beginning = "Still learning" if run.step else "Before the first step"
            sentence = f"{beginning}: {figure(gap, digits=2)} nats above the floor"
            if is_bigram and gap < TOLERANCE:
                sentence = f"At the floor: less than {TOLERANCE:g} nats above it"
            elif not is_bigram:
                sentence = f"{beginning}: {figure(abs(gap), digits=2)} nats {side} the bigram floor"
                held_out = reading.val - document.floor if reading.val is not None else gap
                if gap < 0 < held_out and run.step:  # what it knows of the training part helps nowhere else
                    sentence = f"Memorising: {figure(-gap, digits=2)} below the bigram floor, held out "
                    sentence += f"{figure(held_out, digits=2)} above"
        colour = self.theme.colour(VERDICT_COLOURS.get(reading.verdict, "warning"))
        self._verdict.set_dot(colour)
        self._verdict.setText(sentence)

    @Slot()
    def _restyle(self) -> None:
        self._left.setFixedWidth(self.theme.px(LEFT_WIDTH))
        ink = self.theme.colour("ink")
        self._play_icon = ""
        for name in TRANSPORT:
            if name != "play":
                self._actions[name].setIcon(transport_icon(name, ink))
            side = self.theme.px(28 if name == "play" else 22)
            self._buttons[name].setIconSize(QSize(side, side))
        self._verdict.setFont(self.theme.font(Role.BODY, bold=True))
        self._show_run()  # which has colours in it


def pace_name(pace: float | None) -> str:
    """Return a pace in words."""
    if pace is None:
        return "as fast as it goes"
    return f"{pace:,.0f} step/s" if pace == 1 else f"{pace:,.0f} steps/s"
