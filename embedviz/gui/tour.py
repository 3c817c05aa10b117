"""`embedviz tour`: drives the real window by itself, trains, selects, and saves a picture of each scene."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QComboBox

from embedviz import __version__, catalog
from embedviz.engine.messages import Until
from embedviz.errors import EmbedvizError
from embedviz.gui.app import Beginning, ErrorHook, Parts, make_application, make_window
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.panels.tokens import TokensPanel
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
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
        self._tokens, self._table, self._next, self._training = (
            window.panel(title) for title in ("Tokens", "Lookup table", "Next token", "Training")
        )

    def run(self) -> None:
        """Visit all scenes. Raises TourError where the window does not follow."""
        for name, title in self._visit():
            self._photograph(name, title)

    def _visit(self) -> Iterator[tuple[str, str]]:
        yield "first-window", "The first window, before any step"
        yield from self._visit_training()
        yield from self._visit_modes()
        yield from self._visit_orders()
        yield from self._visit_tokens()
        yield from self._visit_starts()
        yield from self._visit_lists()
        yield from self._visit_mishaps()

    def _visit_training(self) -> Iterator[tuple[str, str]]:
        controller, state = self._parts.controller, self._parts.state
        controller.step(1)
        self._wait("one step", lambda: state.run.phase is Phase.PAUSED and self._shown(1))
        yield "one-step", "After one step"
        controller.set_pace(60)
        controller.play_or_pause()
        self._wait("training live", lambda: state.snapshot is not None and state.snapshot.step >= 40)
        yield "training-live", "Training at one step a frame"
        controller.play_or_pause()
        self._wait("a pause", lambda: state.run.phase is Phase.PAUSED)
        controller.set_pace(None)
        state.set_until(Until(converged=True))
        controller.play_or_pause()
        self._wait("convergence", lambda: state.run.reason == "converged")
        self._wait("the last step", lambda: self._shown(state.run.step))
        yield "converged", "Converged"
        assert isinstance(self._training, TrainingPanel)
        self._training.gap.set_value("gap")
        yield "gap", "The gap to the floor, on a logarithmic scale"
        self._training.gap.set_value("loss")

    def _visit_modes(self) -> Iterator[tuple[str, str]]:
        assert isinstance(self._table, LookupTablePanel)
        for mode in ("softmax", "counts", "change", "gradient"):
            self._table.mode.set_value(mode)
            if mode in ("change", "gradient"):
                self._step_once()
            yield f"table-{mode}", f"The lookup table: {mode}"
        self._table.mode.set_value("weights")

    def _visit_orders(self) -> Iterator[tuple[str, str]]:
        assert isinstance(self._table, LookupTablePanel)
        order = self._child(QComboBox, "rowOrder")
        order.setCurrentIndex(order.findData("similarity"))
        yield "by-similarity", "Rows in the order of their similarity"
        order.setCurrentIndex(order.findData("id"))
        selected = self._parts.state.selected_id or 0
        self._table.heatmap.center_on(selected, selected)
        self._table.heatmap.hovered.emit(selected, selected)
        yield "zoomed", "Zoomed to the selected row"
        self._table.heatmap.hovered.emit(-1, -1)
        self._table.heatmap.reset_view()

    def _visit_tokens(self) -> Iterator[tuple[str, str]]:
        assert isinstance(self._tokens, TokensPanel)
        assert isinstance(self._next, NextTokenPanel)
        state = self._parts.state
        self._tokens.edit.setPlainText("the quick Ω fox\tand\nthe end")
        state.select(2)
        self._wait("the new context", self._bars_are_current)
        yield "own-line", "A line of one's own, with a token that the vocabulary lacks"
        self._child(QComboBox, "barNumbers").setCurrentIndex(1)
        self._next.order.set_value("vocabulary")
        yield "by-id", "The next token by id, as log-probabilities"
        self._next.order.set_value("top")
        self._child(QComboBox, "barNumbers").setCurrentIndex(0)
        self._tokens.segments.set_value("vocabulary")
        yield "vocabulary", "The vocabulary with its counts"
        self._tokens.segments.set_value("line")

    def _visit_starts(self) -> Iterator[tuple[str, str]]:
        for start in ("normal-1", "log-counts"):
            self._parts.controller.restart(self._parts.state.config.replace(init=start))
            self._wait("another start", self._is_at_start)
            yield f"start-{start}", f"Step 0 of the start {catalog.STARTS[start].title}"
        self._parts.controller.restart(self._parts.state.config.replace(init="zeros", batch_size=32))
        self._wait("sampled batches", self._is_at_start)
        self._parts.controller.go_to(2000)
        self._wait("2,000 sampled steps", lambda: self._shown(2000))
        yield "sampled", "Sampled batches: a noisy loss"

    def _visit_lists(self) -> Iterator[tuple[str, str]]:
        self._parts.controller.restart(self._parts.state.config.replace(batch_size=0))
        self._parts.window.texts.open_sample("names")
        self._wait("the names", self._is_at_start)
        self._parts.controller.go_to(100)
        self._wait("100 steps on names", lambda: self._shown(100))
        yield "names", "A list of names, one item per line"

    def _visit_mishaps(self) -> Iterator[tuple[str, str]]:
        state = self._parts.state
        self._parts.window.texts.open_text("\0 is not text", "photo.png")
        yield "not-a-text", "A file that is no text: one sentence, and what was open stays"
        self._parts.notices.dismiss()
        self._parts.controller.restart(state.config.replace(optimizer="sgd", lr=1e6))
        self._wait("a wild run", self._is_at_start)
        self._parts.controller.play_or_pause()
        self._wait("divergence", lambda: state.run.reason == "diverged")
        yield "diverged", "Too large a learning rate: paused at the last good state"
        self._parts.notices.dismiss()
        self._parts.worker.end_trainer()
        self._wait("the trainer's end", lambda: state.run.phase is Phase.LOST)
        yield "trainer-gone", "The trainer was killed: the window lives, and offers to go on"
        self._parts.controller.resume()
        self._wait("another trainer", lambda: state.run.phase is Phase.PAUSED)

    # --- the means ----------------------------------------------------------------------------------

    def _step_once(self) -> None:
        step = self._parts.state.run.step + 1
        self._parts.controller.step(1)
        self._wait("a step", lambda: self._parts.state.run.phase is Phase.PAUSED and self._shown(step))

    def _shown(self, step: int) -> bool:
        snapshot = self._parts.state.snapshot
        return snapshot is not None and snapshot.step == step and self._bars_are_current()

    def _is_at_start(self) -> bool:
        return self._parts.state.run.phase is Phase.PAUSED and self._shown(0)

    def _bars_are_current(self) -> bool:
        state = self._parts.state
        snapshot = state.snapshot
        return (
            snapshot is not None
            and bool(len(snapshot.logits))
            and state.context_ids[-1] == snapshot.contexts[0, -1]
        )

    def _child(self, kind: type[AnyWidget], name: str) -> AnyWidget:
        found = self._parts.window.findChild(kind, name)
        assert found is not None
        return found

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Let the window live until `condition`, which is looked at every few milliseconds."""
        if wait_until(condition, PATIENCE_S):
            return
        pending = "; ".join(notice.sentence for notice in self._parts.notices.pending)
        raise TourError(f"The tour waited {PATIENCE_S:.0f} s for {what}, in vain. {pending}".strip())

    def _photograph(self, name: str, title: str) -> None:
        wait_until(lambda: False, SETTLE_MS / 1000)
        state = self._parts.state
        picture = f"{len(self.scenes) + 1:02d}-{name}.png"
        if not self._parts.window.grab().save(str(self._out / picture)):
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
        if not (texts.open_path(text) if text else texts.open_sample(catalog.DEFAULT_SAMPLE)):
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
