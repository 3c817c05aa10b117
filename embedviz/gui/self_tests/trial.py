"""One window put through many checks: each begins from a known state, and none takes the next ones with it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PySide6.QtWidgets import QApplication, QDialog, QTabWidget, QWidget

from embedviz.catalog import DEFAULT_SAMPLE
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.gui.app import ErrorHook, Parts
from embedviz.gui.documents import Document, read_sample
from embedviz.gui.driving import Driver, wait_until
from embedviz.gui.self_tests.painted import see_plots
from embedviz.gui.state import Phase
from embedviz.text.corpus import corpus_from_text

PATIENCE_S = 30.0  # for what takes moments
START_PATIENCE_S = 90.0  # for the trainer, which may have to be read from a slow disk
LIMIT_S = 300.0  # for everything
MOST_DEATHS = 3  # of the trainer, that nobody asked for
SIZE = (1366, 768)  # of the window, in logical pixels
CHARACTERS = 4000  # of the text that most runs are on
LINE = "the fox and the crow"


class CheckError(EmbedvizError):
    """Something does not work."""


@dataclass(frozen=True)
class Check:
    """One thing to try, by name; `run` raises for what does not work."""

    name: str
    run: Callable[["Trial"], None]
    needs_trainer: bool = True


@dataclass
class Result:
    """What came of a check."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    numbers: dict[str, float | None] = field(default_factory=dict)
    error: str = ""  # sentences


class Trial(Driver):
    """Drives the window, fails at once where the run has failed, and puts things right between checks."""

    def __init__(self, parts: Parts, hook: ErrorHook, folder: Path) -> None:
        super().__init__(parts)
        self.parts = parts
        self.folder = folder  # for files; gone afterwards
        self.device = ""  # that was chosen for the first run
        self.pids: set[int] = set()  # of all trainers
        self.ink: dict[str, float] = {}  # the least that any plot was seen with, by class
        self.expects_death = False
        self.deaths = 0
        self._caught: list[str] = []
        self._is_stuck = False
        self._numbers: dict[str, float | None] = {}
        self._deadline = time.perf_counter() + LIMIT_S
        hook.caught.connect(self._take_error)
        self.worker.died.connect(self._count_death)

    # --- checks -------------------------------------------------------------------------------------

    def perform(self, check: Check) -> Result:
        """Run one check; whatever goes wrong is in the result."""
        began = time.perf_counter()
        self._caught.clear()
        self._numbers = {}
        errors = []
        try:
            if began > self._deadline:
                raise CheckError(f"Not tried: all of it may take {LIMIT_S:.0f} s, and they are over.")
            if check.needs_trainer:
                self._rest()
            check.run(self)
            QApplication.processEvents()
        except Exception as error:  # noqa: BLE001  # whatever it is, the next checks are made
            errors.append(in_words(error))
        errors += self._caught
        seconds = round(time.perf_counter() - began, 3)
        return Result(check.name, not errors, seconds, self._numbers, " ".join(dict.fromkeys(errors)))

    def note(self, **numbers: float) -> None:
        """Put numbers into the result; None for what is not finite."""
        self._numbers |= {
            name: (number if isinstance(number, int) else float(f"{number:.6g}"))
            if math.isfinite(number)
            else None
            for name, number in numbers.items()
        }

    @cached_property
    def document(self) -> Document:
        """The text that most runs are on: small, in characters."""
        text = read_sample(DEFAULT_SAMPLE).beginning(CHARACTERS)
        return Document.make(corpus_from_text(text, "Self-test"), RunConfig())

    # --- runs ---------------------------------------------------------------------------------------

    def start(self, config: RunConfig) -> None:
        """Begin a run of `config` on the text that is open, as fast as it goes, and see it at step 0."""
        self.begin(f"a run of {config.model}", lambda: self.texts.apply(config))
        self.controller.set_pace(None)

    def take(self, steps: int) -> float:
        """Take so many steps; return the loss on the training part after them. Raises unless it is finite."""
        step = self.state.run.step + steps
        self.controller.step(steps)
        self.wait(f"step {step:,}", lambda: self.state.run.phase is Phase.PAUSED and self.shown(step))
        return self.loss()

    def loss(self) -> float:
        """Return the loss on the training part that is shown. Raises unless it is finite."""
        reading = self.state.run.reading
        if reading is None or not math.isfinite(reading.train):
            raise CheckError(f"The loss at step {self.state.run.step:,} is no number.")
        return reading.train

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Let the window live until `condition`. Raises CheckError in vain, at once where the run has failed."""
        seconds = max(0.0, min(seconds, self._deadline - time.perf_counter()))
        has_held = False

        def look() -> bool:
            nonlocal has_held
            has_held = condition()  # may hold for a moment only: that was it
            return has_held or self.has_failed()

        if wait_until(look, seconds) and has_held:
            return
        has_failed = self.has_failed()
        self._is_stuck = not has_failed and self.state.run.phase is not Phase.PAUSED
        how = "did not come" if has_failed else f"was waited for in vain, {seconds:.0f} s long"
        told = " ".join(_told(notice.sentence, notice.details) for notice in self.notices.pending)
        raise CheckError(f"{what[0].upper()}{what[1:]} {how}. {told}".strip())

    def has_failed(self) -> bool:
        """Tell whether what was asked for cannot come any more: it was refused, or something broke."""
        if self._caught:
            return True
        is_told = any(notice.topic in ("run", "text") for notice in self.notices.pending)
        return not self.expects_death and (is_told or self.state.run.phase in (Phase.LOST, Phase.REFUSED))

    def _rest(self) -> None:
        """Bring everything back to where a check begins: paused, at step 0 or later, on the small text."""
        self.expects_death = False
        self._put_away()
        if self.deaths >= MOST_DEATHS:
            raise CheckError(f"Not tried: the trainer has ended {self.deaths} times by itself.")
        state = self.state
        if state.run.phase in (Phase.PLAYING, Phase.PAUSING):
            self.controller.play_or_pause()
        if self._is_stuck:  # whatever it is doing, another one is begun
            self._is_stuck = False
            self.worker.end_trainer()
            wait_until(lambda: state.run.phase is Phase.LOST, PATIENCE_S)
        self.notices.pending.clear()
        self.notices.changed.emit()
        if state.run.phase is not Phase.PAUSED or state.document is not self.document:
            before = state.run.run_id
            self.controller.open_document(self.document, LINE, RunConfig())
            self.wait(
                "the trainer",
                lambda: state.run.run_id != before and state.run.phase is Phase.PAUSED and self.shown(0),
                START_PATIENCE_S,
            )
        if self.worker.pid is not None:
            self.pids.add(self.worker.pid)

    def _put_away(self) -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QDialog) and widget.isVisible():
                widget.reject()
        self.window.start.leave()
        self.texts.cancel()
        self.following.sampler.stop()
        self.window.steps.stop()
        self.table.mode.set_value("weights")
        self.training.gap.set_value("loss")
        if self.theme.mode != "light":
            self.theme.set_mode("light")
        self.window.resize(*SIZE)

    def bring(self, title: str) -> QWidget:
        """Return a panel of the window, in sight: in a narrow one, where panels are tabs, only one of them is."""
        panel = self.window.panel(title)
        tabs = self.window.findChild(QTabWidget, "panelTabs")
        if tabs is not None:
            tabs.setCurrentWidget(panel)
        QApplication.processEvents()
        if not panel.isVisible():
            raise CheckError(f"The panel ‘{title}’ is not to be seen.")
        return panel

    def see_plots(self, what: str, root: QWidget) -> int:
        """See that every plot in `root` is painted; return how many kinds have something to show."""
        QApplication.processEvents()
        found = see_plots(what, root)
        self.ink |= {kind: min(ink, self.ink.get(kind, 1.0)) for kind, ink in found.items()}
        return len(found)

    # --- what happens by itself ---------------------------------------------------------------------

    def _take_error(self, sentence: str, details: str) -> None:
        self._caught.append(_told(sentence, details))

    def _count_death(self, _death: object) -> None:
        self.deaths += not self.expects_death


def in_words(error: Exception) -> str:
    """Return what an error says, and what kind it is if it was not made to be read."""
    if isinstance(error, EmbedvizError):
        return _told(error.sentence, error.details)
    return f"{type(error).__name__}: {error}."


def _told(sentence: str, details: str) -> str:
    """Return a sentence, and the last line of its details, which says most."""
    last = next((line.strip() for line in reversed(details.splitlines()) if line.strip()), "")
    return f"{sentence} ({last})" if last else sentence
