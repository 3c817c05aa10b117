"""The line at the foot of the window: what the trainer does, with what, and on what."""

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QLabel, QStatusBar

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui.controller import RunController
from embedviz.gui.hand_words import edits_in_words
from embedviz.gui.state import AppState, Phase, RunStatus
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import ElidedLabel, named

COLOURS = {Phase.PLAYING: "good", Phase.PAUSING: "warning", Phase.WARMING: "warning", Phase.LOST: "bad"}

SWITCHED_ON = {"tie": "head tied", "scale_embeddings": "rows × √C", "freeze_embeddings": "table frozen"}
POSITIONS = {"none": "no", "learned": "learned", "rope": "RoPE"}


class StatusLine(QObject):
    """Keeps the labels of a status bar as the state is."""

    def __init__(self, bar: QStatusBar, state: AppState, controller: RunController, theme: Theme) -> None:
        super().__init__(bar)
        self._state = state
        self._controller = controller
        self._theme = theme
        self._phase = named(ElidedLabel(), "statusPhase")
        self._waits = named(QLabel("(starts when the trainer is warm)"), "statusWaits")  # no part of the phase:
        self._text = named(ElidedLabel(), "statusText")  # which keeps the room of the longest it ever said
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(theme.px(16), 0, theme.px(16), 0)
        bar.addWidget(self._phase)
        bar.addWidget(self._waits)
        bar.addWidget(self._text, 1)
        for changed in (state.run_changed, state.document_changed, theme.changed):
            changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Say it anew."""
        run, document = self._state.run, self._state.document
        self._phase.set_dot(self._theme.colour(COLOURS.get(run.phase, "muted")))
        self._phase.setText(run.phase.value)
        self._waits.setVisible(self._controller.will_play)
        parts = [f"{run.parameters:,} weights"] if run.parameters else []
        if document is not None:
            train, val = len(document.dataset.train_ids), len(document.dataset.val_ids)
            by_hand = edits_in_words(run.edits, labels=document.tokenizer.labels)
            parts = [by_hand, *parts, f"{train:,} tokens to train on, {val:,} held out"]
        if run.parameters:
            parts += [how_in_words(run.config), device_in_words(run)]  # the longest last: it may be cut
        self._text.setText("     ".join(part for part in parts if part))


def how_in_words(config: RunConfig) -> str:
    """Return what the top bar does not say of a run: "seed 1337, clipped at 1"."""
    parts = [f"seed {config.seed}", *switches_in_words(config)]
    if config.schedule != "constant":
        parts.append(f"rate {catalog.SCHEDULES[config.schedule].title.lower()}")
    if config.clip:
        parts.append(f"clipped at {config.clip:g}")
    return ", ".join(parts)


def switches_in_words(config: RunConfig) -> list[str]:
    """Return what is chosen of a model's parts: positions, switches that are on, another residual start."""
    words = []
    if config.has("position"):
        words.append(f"{POSITIONS[config.position]} positions")
    words += [said for name, said in SWITCHED_ON.items() if config.has(name) and getattr(config, name)]
    if config.has("residual_init") and config.n_layer and config.residual_init != "plain":
        words.append(f"residual start {catalog.RESIDUAL_INITS[config.residual_init].title}")
    return words


def device_in_words(run: RunStatus) -> str:
    """Return where a run computes, and why there: "CPU, 1 thread: fastest of 2 measured (…)"."""
    if run.choice:
        return run.choice.rstrip(".")
    config = run.config
    if config.device != "cpu":
        return config.device.upper()
    return f"CPU, {config.threads} thread" + ("s" if config.threads != 1 else "")
