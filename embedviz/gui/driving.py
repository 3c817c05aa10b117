"""Drives the real window by program: acts as a person does, and waits until the window shows it."""

import math
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from embedviz.errors import EmbedvizError
from embedviz.gui.app import Parts
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.panels.tokens import TokensPanel
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.state import Phase
from embedviz.gui.widgets import AnyWidget

PATIENCE_S = 60.0


class InVainError(EmbedvizError):
    """The window did not do in time what was waited for."""


class Driver(QObject):
    """The parts of a window under short names, and what is done with them again and again."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.window = window = parts.window
        self.state, self.controller, self.texts = parts.state, parts.controller, window.texts
        self.notices, self.worker, self.theme = parts.notices, parts.worker, parts.theme
        self.actions = window.actions_by_name
        self.tokens = self.child(TokensPanel, "tokensPanel")
        self.table = self.child(LookupTablePanel, "lookupTablePanel")
        self.following = self.child(NextTokenPanel, "nextTokenPanel")
        self.training = self.child(TrainingPanel, "trainingPanel")

    def step_once(self) -> None:
        """Take one step, and see it shown."""
        step = self.state.run.step + 1
        self.controller.step(1)
        self.wait("a step", lambda: self.state.run.phase is Phase.PAUSED and self.shown(step))

    def shown(self, step: int) -> bool:
        """Tell whether every view shows `step`."""
        snapshot = self.state.snapshot
        return snapshot is not None and snapshot.step == step and self.bars_are_current()

    def begin(self, what: str, action: Callable[[], object]) -> None:
        """Do what begins another run, and wait until that stands at its step 0, shown."""
        before = self.state.run.run_id
        action()
        self.wait(
            what,
            lambda: self.state.run.run_id != before and self.state.run.phase is Phase.PAUSED and self.shown(0),
        )

    def change(self, what: str, **changes: object) -> None:
        """Begin another run with changed settings."""
        self.begin(what, lambda: self.texts.apply(self.state.config.replace(**changes)))

    def bars_are_current(self) -> bool:
        """Tell whether the frame has the logits of the selected context."""
        state = self.state
        snapshot = state.snapshot
        return (
            snapshot is not None
            and bool(len(snapshot.logits))
            and np.array_equal(snapshot.contexts[0], state.context_ids[-snapshot.contexts.shape[1] :])
        )

    def trace_is_current(self) -> bool:
        """Tell whether the step-through shows the step that comes next."""
        trace, run = self.state.trace, self.state.run
        return run.phase is Phase.PAUSED and trace is not None and trace.step == run.step

    def cell(self, row: int, column: int) -> float:
        """Return a number of the table that is shown."""
        return float(self.state.snapshot.tables["token"][row, column]) if self.state.snapshot else math.nan

    def child(self, kind: type[AnyWidget], name: str) -> AnyWidget:
        """Return the widget of the window that has this object name."""
        found = self.window.findChild(kind, name)
        assert found is not None
        return found

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Let the window live until `condition`, looked at every few milliseconds. Raises InVainError."""
        if wait_until(condition, PATIENCE_S):
            return
        pending = "; ".join(notice.sentence for notice in self.notices.pending)
        raise InVainError(f"Waited {PATIENCE_S:.0f} s for {what}, in vain. {pending}".strip())


def click(widget: QWidget) -> None:
    """Press and let go the left button of the pointer in the middle of a widget."""
    place = QPointF(widget.rect().center())
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, held in ((QEvent.Type.MouseButtonPress, left), (QEvent.Type.MouseButtonRelease, none)):
        at = widget.mapToGlobal(place)
        event = QMouseEvent(kind, place, at, left, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Run the event loop until `condition` holds or `seconds` have passed; tell which."""
    loop = QEventLoop()
    deadline = time.perf_counter() + seconds
    held = False

    def look() -> None:
        nonlocal held
        held = condition()
        if held or time.perf_counter() >= deadline:
            loop.quit()

    timer = QTimer(interval=5)
    timer.timeout.connect(look)
    timer.start()
    loop.exec()
    timer.stop()
    return held
