"""Sampler: writes on from the context with the model's own logits, a token at a time, beside the training."""

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from embedviz.analysis.sampling import Sampling, adjusted, draw
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.errors import EmbedvizError
from embedviz.gui.controller import RunController
from embedviz.gui.predictions import Draw
from embedviz.gui.sampler_lookup import SampleLookup
from embedviz.gui.samples import Sample, sample_of
from embedviz.gui.state import AppState, Phase
from embedviz.text.tokenizers import UNKNOWN

LONGEST = 60  # tokens of a sample
ITEMS = 10
SHOWN_LINE = 100  # tokens of the own line that are shown before what is written
PACES = {"slow": 250, "normal": 62, "fast": 0}  # ms to look at the bars, and as long again at what was drawn

_ANSWERING = (Phase.PAUSED, Phase.PLAYING, Phase.PAUSING)


@dataclass
class _Task:
    """What is being written, for which run."""

    run_id: str
    config: RunConfig
    sampling: Sampling
    context: list[int]  # what it begins with
    count: int  # how many samples
    generator: np.random.Generator = field(init=False)
    ids: list[int] = field(init=False)
    number: int = 0  # of the sample
    step: int = -1  # of the last answer

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin the sample `number`, with the seed so many places on."""
        self.generator = self.sampling.generator(self.number)
        self.ids = list(self.context)


class Sampler(QObject):
    """One sample, or ten items, at a time. Its generators are its own: training does not notice."""

    changed = Signal()  # what was written, whether it writes, what is said of it
    drawing_changed = Signal()  # the draw that the bars show; None when they show none
    settings_changed = Signal()

    def __init__(self, state: AppState, controller: RunController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._controller = controller
        self.sampling = Sampling()
        self.pace = "normal"
        self.next_seed = True  # after each time, so that the next one is another
        self.samples: tuple[Sample, ...] = ()
        self.drawing: Draw | None = None
        self.note = ""
        self._task: _Task | None = None
        self._requests = itertools.count(1)
        self._awaited = 0  # the request that an answer is taken for; 0 for none
        self._beat = QTimer(self, singleShot=True)
        self._beat.timeout.connect(self._go_on)
        self._lookup = SampleLookup(self)
        self._lookup.found.connect(self._take_known)
        controller.predicted.connect(self._take)
        state.run_changed.connect(self._check_run)
        state.document_changed.connect(self._forget)

    # --- what can be asked for ----------------------------------------------------------------------

    @property
    def is_sampling(self) -> bool:
        """True while it writes."""
        return self._task is not None

    @property
    def in_use(self) -> Sampling | None:
        """How what is being written is drawn: settings that change meanwhile wait for the next."""
        return self._task.sampling if self._task is not None else None

    @property
    def is_list(self) -> bool:
        """True if the text is a list of items."""
        document = self._state.document
        return document is not None and document.dataset.boundary_id is not None

    def why_not(self, *, items: bool = False) -> str:
        """Return a sentence that says why nothing can be sampled now; "" if it can be."""
        if self._state.run.phase not in _ANSWERING:
            return (
                "There is no trainer to ask yet." if self._state.run.phase is Phase.WARMING else "There is no run."
            )
        if not items and not self._context():
            return "Select a token of your line: the sample goes on from it."
        return ""

    def set_sampling(self, **changes: object) -> None:
        """Change how tokens are drawn; the next sample takes it. Raises SamplingError."""
        self.sampling = replace(self.sampling, **changes)  # type: ignore[arg-type]  # the fields' own types
        self.settings_changed.emit()

    @Slot()
    def toggle(self) -> None:
        """Stop, or write on from the selected token."""
        if self.is_sampling:
            self.stop("Stopped.")
        elif not self.why_not():
            self._start(self._context(), 1)

    @Slot()
    def make_items(self) -> None:
        """Make ten items, each from the beginning, as fast as it goes."""
        document = self._state.document
        if document is None or document.dataset.boundary_id is None or self.why_not(items=True):
            return
        self.stop()
        self._start([document.dataset.boundary_id], ITEMS)

    def stop(self, note: str = "") -> None:
        """Write no more; answers that are still under way are not taken. `note` says why."""
        if self._task is None:
            return
        used, self._task = self._task, None
        self._awaited = 0
        self._beat.stop()
        self.note = note
        if self.next_seed and self.sampling.seed == used.sampling.seed:  # else another was chosen meanwhile
            self.set_sampling(seed=used.sampling.seed + used.number + 1)
        self._show_drawing(None)
        self.changed.emit()

    # --- one token after the other ------------------------------------------------------------------

    def _start(self, context: list[int], count: int) -> None:
        run = self._state.run
        self._lookup.cancel()
        self._task = _Task(run.run_id, run.config, self.sampling, context, count)
        self.samples = (Sample(),)
        self.note = ""
        self._show_written()
        self._ask()

    def _context(self) -> list[int]:
        """Return the ids of the own line up to the selected token; in a list, of the item that is there."""
        state = self._state
        if state.document is None or not len(state.context_ids):
            return []
        first = max(0, state.selected + 1 - SHOWN_LINE)
        ids: list[int] = state.line_ids[first : state.selected + 1].tolist()
        for place in range(len(ids) - 1, -1, -1):
            if ids[place] == UNKNOWN:
                return ids[place + 1 :]
            if ids[place] == state.document.dataset.boundary_id:
                return ids[place:]
        return ids

    def _ask(self) -> None:
        task = self._task
        assert task is not None
        block_size = min(task.config.block_size, self._state.config.block_size)
        self._awaited = next(self._requests)
        self._controller.send(m.Predict(task.run_id, self._awaited, np.array(task.ids[-block_size:], np.int64)))

    @Slot(object)
    def _take(self, answer: object) -> None:
        """Draw from the logits that came, at once or after a look at them."""
        task = self._task
        if task is None or not self._awaited:
            return
        if isinstance(answer, m.Failed):
            self.stop(f"Stopped: {answer.sentence}")
            return
        if not isinstance(answer, m.Predicted) or answer.request != self._awaited:
            return
        self._awaited = 0
        if answer.step < task.step:
            self.stop("Stopped: the run went back.")
            return
        task.step = answer.step
        logits = answer.logits.astype(np.float64)  # (V,)
        try:
            probabilities = adjusted(logits, task.sampling)  # (V,)
        except EmbedvizError as error:
            self.stop(error.sentence)
            return
        found = Draw(tuple(task.ids), answer.step, logits, probabilities, task.sampling)
        if task.count == 1 and PACES[self.pace]:
            self._show_drawing(found)
            self._beat.start(PACES[self.pace])
        else:
            self._show_drawing(None)
            self._draw(found)
            self._go_on()

    @Slot()
    def _go_on(self) -> None:
        """Draw what is looked at; after that, ask for what follows."""
        if self._task is None:
            return
        if self.drawing is not None and self.drawing.token is None:
            self._draw(self.drawing)
            if self._task is not None:
                self._beat.start(PACES[self.pace])
            return
        if self._is_at_end(self._task):
            self._finish()
        else:
            self._ask()

    def _is_at_end(self, task: _Task) -> bool:
        document = self._state.document
        boundary = document.dataset.boundary_id if document is not None else None
        written = task.ids[len(task.context) :]
        return len(written) >= LONGEST or (boundary is not None and boundary in written)

    def _draw(self, found: Draw) -> None:
        task = self._task
        assert task is not None
        token, _number = draw(found.probabilities, task.generator)
        task.ids.append(token)
        if self.drawing is not None:
            self._show_drawing(replace(found, token=token))
        self._show_written()

    def _finish(self) -> None:
        """Go on with the next item, or end and look up what was written."""
        task = self._task
        assert task is not None
        if task.number + 1 < task.count:
            task.number += 1
            task.begin()
            self.samples = (*self.samples, Sample())
            self._ask()
            return
        self.stop()
        if self._state.document is not None:
            self._lookup.look_up(self._state.document.corpus, self.samples, as_items=self.is_list)

    # --- what was written ---------------------------------------------------------------------------

    def _show_written(self) -> None:
        task, document = self._task, self._state.document
        if task is None or document is None:
            return
        boundary = document.dataset.boundary_id
        context, ids = ([token for token in part if token != boundary] for part in (task.context, task.ids))
        self.samples = (*self.samples[:-1], sample_of(document.tokenizer, context, ids))
        self.changed.emit()

    @Slot(object, str)
    def _take_known(self, samples: tuple[Sample, ...], note: str) -> None:
        self.samples = samples
        self.note = note
        self.changed.emit()

    def _show_drawing(self, drawing: Draw | None) -> None:
        if drawing is not self.drawing:
            self.drawing = drawing
            self.drawing_changed.emit()

    # --- the run ------------------------------------------------------------------------------------

    @Slot()
    def _check_run(self) -> None:
        task, run = self._task, self._state.run
        if task is None:
            return
        if run.phase is Phase.LOST:
            self.stop("Stopped: the trainer ended.")
        elif run.run_id != task.run_id or run.phase not in _ANSWERING:
            self.stop("Stopped: another run began.")
        elif run.config != task.config:
            self.stop("Stopped: the run goes on elsewhere.")

    @Slot()
    def _forget(self) -> None:
        """Drop what was written of another text."""
        self.stop()
        self._lookup.cancel()
        self.samples = ()
        self.note = ""
        self.changed.emit()
