"""`embedviz tour`: drives the real window by itself, trains, selects, and saves a picture of each scene."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from embedviz import __version__, catalog
from embedviz.errors import EmbedvizError
from embedviz.gui.app import Beginning, ErrorHook, Parts, make_application, make_window
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.panels.tokens import TokensPanel
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
from embedviz.gui.tour_scenes import visit
from embedviz.gui.widgets import AnyWidget

PATIENCE_S = 60.0
SETTLE_MS = 120  # for what repaints a moment later: descriptions, the curve's range


class TourError(EmbedvizError):
    """The window did not do what the tour asked for."""


@dataclass(frozen=True)
class Scene:
    """One picture and what the window said when it was taken. Losses in nats per token."""

    picture: str
    title: str
    step: int
    train_loss: float | None
    val_loss: float | None
    steps_per_second: float
    seconds: float  # since the tour began


class Tour(QObject):
    """Visits the scenes one by one; each leaves the window in a state that the next one builds on."""

    def __init__(self, parts: Parts, out: Path) -> None:
        super().__init__()
        self._parts = parts
        self._out = out
        self._began = time.perf_counter()
        self.scenes: list[Scene] = []
        window = parts.window
        self.state, self.controller, self.texts = parts.state, parts.controller, window.texts
        self.notices, self.worker, self.theme = parts.notices, parts.worker, parts.theme
        self.actions = window.actions_by_name
        self.tokens = self.child(TokensPanel, "tokensPanel")
        self.table = self.child(LookupTablePanel, "lookupTablePanel")
        self.following = self.child(NextTokenPanel, "nextTokenPanel")
        self.training = self.child(TrainingPanel, "trainingPanel")
        self.window = window
        self.subject: QWidget = window  # what the next picture is of

    def run(self) -> None:
        """Visit all scenes. Raises TourError where the window does not follow."""
        for name, title in visit(self):
            self._photograph(name, title)

    # --- the means ----------------------------------------------------------------------------------

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
        found = self._parts.window.findChild(kind, name)
        assert found is not None
        return found

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Let the window live until `condition`, which is looked at every few milliseconds."""
        if wait_until(condition, PATIENCE_S):
            return
        pending = "; ".join(notice.sentence for notice in self._parts.notices.pending)
        raise TourError(f"The tour waited {PATIENCE_S:.0f} s for {what}, in vain. {pending}".strip())

    def _photograph(self, name: str, title: str) -> None:
        wait_until(lambda: False, SETTLE_MS / 1000)
        state = self.state
        picture = f"{len(self.scenes) + 1:03d}-{name}.png"
        if not self.subject.grab().save(str(self._out / picture)):
            raise TourError(f"'{self._out / picture}' could not be written.")
        reading = state.run.reading
        self.scenes.append(
            Scene(
                picture,
                title,
                state.run.step,
                reading.train if reading else None,
                reading.val if reading else None,
                state.snapshot.steps_per_second if state.snapshot else 0.0,
                round(time.perf_counter() - self._began, 3),
            )
        )


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


def run_tour(out: Path, size: tuple[int, int], mode: str, scale: float, text: Path | None) -> int:
    """Make the pictures and tour.json in `out`; return 0, or raise a sentence."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TourError(f"'{out}' cannot be made a folder for pictures.", str(error)) from error
    began = time.perf_counter()
    app = make_application()
    parts = make_window(Settings(out / ".settings.ini"), mode=mode, scale=scale)
    hook = ErrorHook(parts.notices)
    Beginning(parts)
    try:
        texts = parts.window.texts
        sample = catalog.DEFAULT_SAMPLE
        if not (texts.open_path(text, wait=True) if text else texts.open_sample(sample, wait=True)):
            raise TourError(parts.notices.pending[-1].sentence)
        parts.window.resize(*size)
        parts.window.show()
        if not wait_until(lambda: parts.state.run.phase is Phase.PAUSED, PATIENCE_S):
            raise TourError("The trainer did not start.")
        ready = time.perf_counter() - began
        tour = Tour(parts, out)
        tour.run()
    finally:
        parts.close()
        parts.window.deleteLater()
        hook.restore()
        QApplication.processEvents()
        (out / ".settings.ini").unlink(missing_ok=True)
    report = {
        "version": __version__,
        "size": list(size),
        "theme": mode,
        "scale": scale,
        "platform": app.platformName(),
        "text": str(text) if text else f"sample:{catalog.DEFAULT_SAMPLE}",
        "trainer_ready_s": round(ready, 3),
        "scenes": [asdict(scene) for scene in tour.scenes],
    }
    (out / "tour.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0
