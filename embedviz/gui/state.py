"""What is loaded, selected, running and shown: the panels meet here and nowhere else."""

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from embedviz.analysis.units import NATS, LossUnit
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine.messages import Reading, Until
from embedviz.engine.record import RunRecord
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.text.tokenizers import UNKNOWN, Line
from embedviz.trace import StepTrace, TracePhase

AT_ONCE = 5000  # characters of an own line that are cut into tokens within a frame; longer ones take longer


class Phase(Enum):
    """What the trainer is doing for this window."""

    WARMING = "Warming up"
    PAUSED = "Paused"
    PLAYING = "Training"
    PAUSING = "Pausing after this step"
    LOST = "Trainer ended"
    REFUSED = "Not started"


@dataclass(frozen=True)
class RunStatus:
    """The run as the trainer last described it."""

    phase: Phase = Phase.WARMING
    run_id: str = ""
    config: RunConfig = field(default_factory=RunConfig)
    step: int = 0
    parameters: int = 0
    floor: float | None = None  # nats per token
    uniform: float = 0.0  # ln V
    reading: Reading | None = None
    reason: str = ""  # why it paused
    choice: str = ""  # how device and threads were chosen
    edits: tuple[HandEdit, ...] = ()  # what was changed by hand
    can_redo: bool = False
    parts: tuple[tuple[str, int], ...] = ()  # weights, part by part
    table_std: tuple[tuple[str, float], ...] = ()  # of each lookup table, as it was made
    first_loss: float | None = None  # nats per token, of the weights as they were made


class AppState(QObject):
    """The one selection, the one run, the one shown frame. Setters emit; nothing here computes for long."""

    document_changed = Signal()
    line_changed = Signal()
    line_wanted = Signal(str)  # a line too long to be cut here: set_encoded_line brings it when that is done
    selection_changed = Signal()  # also when the context changed
    hovered_changed = Signal()  # a token pointed at in one panel, marked in the others
    run_changed = Signal()
    pace_changed = Signal()
    colours_changed = Signal()
    frame_shown = Signal()
    unit_changed = Signal()  # in which losses are said
    trace_shown = Signal()  # another step, or another phase of it

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: Document | None = None
        self.encoded = _without_tokens("")
        self.wanted_line = ""  # the own line as it was last asked for: a long one is cut later
        self.selected = -1
        self.hovered_token = -1
        self.config = RunConfig(device="auto", threads=0)  # what was asked for; run.config is what runs
        self.run = RunStatus()
        self.record: RunRecord | None = None
        self.snapshot: Snapshot | None = None
        self.previous: Snapshot | None = None  # the last shown one of an earlier step
        self.pace: float | None = 60.0
        self.until = Until(converged=True)
        self.wants_gradients = False
        self.wants_activations = False
        self.wants_traces = False
        self.wants_layers = False
        self.attention_layer = -1  # that is looked at; -1 for none
        self.colour_blind = False
        self.less_motion = False
        self.unit: LossUnit = NATS
        self.trace: StepTrace | None = None  # of the step that would come next
        self.phase_index = -1  # of the phase that is looked at; -1 for none

    # --- text ---------------------------------------------------------------------------------------

    def set_document(self, document: Document, line: str) -> None:
        """Replace the training text and the own line."""
        self.document = document
        self.snapshot = self.previous = self.trace = None
        self.phase_index = -1
        self.encoded = _without_tokens(line)  # the ids of the old line mean nothing here
        self.selected = -1
        self.hovered_token = -1
        self.document_changed.emit()
        if len(line) > AT_ONCE:
            self.set_encoded_line(self.encoded)  # until it is cut
        self.set_line(line)

    def set_line(self, line: str) -> None:
        """Cut `line` into tokens; a long one is only asked for, and the old one stays until it is cut."""
        if self.document is None:
            return
        self.wanted_line = line
        if len(line) > AT_ONCE:
            self.line_wanted.emit(line)
        else:
            self.set_encoded_line(self.document.tokenizer.encode_line(line))

    def set_encoded_line(self, line: Line) -> None:
        """Show `line`, of this tokenizer; the selection stays where it was if it can, else it goes to the end."""
        was_last = self.selected >= len(self.line_ids) - 1
        self.encoded = line
        self.selected = len(self.line_ids) - 1 if was_last else min(max(self.selected, 0), len(self.line_ids) - 1)
        self.line_changed.emit()
        self.selection_changed.emit()

    @property
    def line(self) -> str:
        """The own line."""
        return self.encoded.text

    @property
    def line_ids(self) -> NDArray[np.int64]:
        """Its ids, (T,): UNKNOWN for what the vocabulary lacks."""
        return self.encoded.ids

    @property
    def line_spans(self) -> NDArray[np.int64]:
        """Where each of its tokens begins and ends, (T, 2), in code points."""
        return self.encoded.spans

    def select(self, index: int) -> None:
        """Select a token of the own line by its place."""
        if 0 <= index < len(self.line_ids) and index != self.selected:
            self.selected = index
            self.selection_changed.emit()

    @property
    def context_range(self) -> range:
        """Places in the own line: up to and including the selected token, block_size at most.

        It begins after what the vocabulary lacks: no model reads across a token that it has no row for.
        """
        first = max(0, self.selected + 1 - min(self.config.block_size, self.run.config.block_size))
        unknown = np.flatnonzero(self.line_ids[first : self.selected + 1] == UNKNOWN)
        return range(first + int(unknown[-1]) + 1 if len(unknown) else first, self.selected + 1)

    @property
    def context_ids(self) -> NDArray[np.int64]:
        """Ids of the context, (T,); none if the selected token is unknown."""
        return self.line_ids[self.context_range.start : self.context_range.stop]

    @property
    def selected_id(self) -> int | None:
        """The selected token's id; None if there is none or the vocabulary lacks it."""
        if not 0 <= self.selected < len(self.line_ids):
            return None
        token = int(self.line_ids[self.selected])
        return None if token == UNKNOWN else token

    def set_hovered(self, token: int) -> None:
        """Mark a token id everywhere (-1 for none)."""
        if token != self.hovered_token:
            self.hovered_token = token
            self.hovered_changed.emit()

    def set_colour_blind(self, on: bool) -> None:
        """Draw signed numbers in blue and yellow instead of blue and red."""
        self.colour_blind = on
        self.colours_changed.emit()

    def set_unit(self, unit: LossUnit) -> None:
        """Say losses in `unit`, everywhere."""
        if unit is not self.unit:
            self.unit = unit
            self.unit_changed.emit()

    # --- the step-through ---------------------------------------------------------------------------

    def show_trace(self, trace: StepTrace | None) -> None:
        """Make `trace` the step that the step-through shows."""
        self.trace = trace
        if trace is None or self.phase_index >= len(trace.phases):
            self.phase_index = -1
        self.trace_shown.emit()

    def show_phase(self, index: int) -> None:
        """Look at a phase of the trace; -1 for none."""
        if index != self.phase_index:
            self.phase_index = index
            self.trace_shown.emit()

    @property
    def phase(self) -> TracePhase | None:
        """The phase that is looked at."""
        trace = self.trace
        return trace.phases[self.phase_index] if trace is not None and self.phase_index >= 0 else None

    # --- run ----------------------------------------------------------------------------------------

    def update_run(self, **changes: object) -> None:
        """Replace parts of the run's status."""
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]  # the fields' own types
        self.run_changed.emit()

    def set_pace(self, pace: float | None) -> None:
        """Set the steps a second; None for as fast as it goes."""
        self.pace = pace
        self.pace_changed.emit()

    def set_until(self, until: Until) -> None:
        """Set when playing ends by itself."""
        self.until = until
        self.pace_changed.emit()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Make `snapshot` the frame that every view shows."""
        if self.snapshot is not None and self.snapshot.step < snapshot.step:
            self.previous = self.snapshot
        elif self.snapshot is not None and self.snapshot.step > snapshot.step:
            self.previous = None  # rewound: a change across that would mean nothing
        self.snapshot = snapshot
        self.run = replace(self.run, step=snapshot.step, reading=snapshot.reading)
        self.frame_shown.emit()


def _without_tokens(line: str) -> Line:
    return Line(line, np.zeros(0, np.int64), np.zeros((0, 2), np.int64), (), ())
