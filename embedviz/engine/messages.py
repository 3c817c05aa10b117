"""What the window and the trainer say to each other, as frozen dataclasses; wire.py makes bytes of them.

Commands go from the window to the trainer, events come back. Arrays of snapshots do not travel here: see
snapshots.py.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Until:
    """When playing ends by itself: at `step`, when `converged`, or (neither) never."""

    step: int | None = None
    converged: bool = False


# --- commands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LoadDataset:
    """Keep `dataset` under `key`; the runs that follow name it. Only the newest few are kept."""

    key: str
    dataset: Dataset


@dataclass(frozen=True, eq=False)
class StartRun:
    """Make a session and answer Started; with a checkpoint it goes on from there.

    `edits` were made by hand before that checkpoint: doing the run again makes them again.
    """

    run_id: str
    dataset_key: str
    config: RunConfig
    checkpoint: Checkpoint | None = None
    edits: tuple[HandEdit, ...] = ()


@dataclass(frozen=True)
class Play:
    """Take steps at the run's pace until `until`."""

    run_id: str
    until: Until = field(default_factory=Until)


@dataclass(frozen=True)
class Pause:
    """Stop taking steps, after the one that is under way."""

    run_id: str


@dataclass(frozen=True)
class Advance:
    """Take `steps` steps as fast as it goes, then pause."""

    run_id: str
    steps: int = 1


@dataclass(frozen=True)
class GoTo:
    """Pause at `step`, be it ahead or behind: behind is reached from the start again, bitwise the same."""

    run_id: str
    step: int


@dataclass(frozen=True)
class SetPace:
    """Take `steps_per_second` steps a second, or as many as it goes if None."""

    run_id: str
    steps_per_second: float | None


@dataclass(frozen=True, eq=False)
class Watch:
    """Add to every snapshot the logits of `contexts` (N, T); table gradients and activations if asked for.

    With `traces` the coming step is traced too, of the first context: at every pause, and now and then between.
    """

    run_id: str
    contexts: Array
    gradients: bool = False
    activations: bool = False
    traces: bool = False


@dataclass(frozen=True)
class Edit:
    """Change the table by hand, between two steps; answer Edited."""

    run_id: str
    edit: HandEdit


@dataclass(frozen=True)
class Undo:
    """Take the last edit back, and all steps that were taken since; answer Edited."""

    run_id: str


@dataclass(frozen=True)
class Redo:
    """Make the edit again that was taken back last, if nothing was done since; answer Edited."""

    run_id: str


@dataclass(frozen=True, eq=False)
class Predict:
    """Answer Predicted with the logits of one context (T,) at the present step."""

    run_id: str
    request: int
    context: Array


@dataclass(frozen=True)
class StopRun:
    """Forget the run; answer Stopped."""

    run_id: str


# --- events -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ready:
    """The trainer can take commands without delay: torch is loaded and warm."""

    pid: int
    torch_version: str
    devices: tuple[str, ...] = ("cpu",)  # that can be chosen


@dataclass(frozen=True)
class Reading:
    """Losses over the whole splits at `step`, or estimates of them, and what they say of the run.

    Nats per token; `val` is None where nothing is held out.
    """

    step: int
    train: float
    val: float | None
    estimated: bool
    verdict: str = "learning"  # or "converged", "plateau"
    sentence: str = ""


@dataclass(frozen=True)
class Started:
    """The run stands at `step`, paused. `config` carries the device and threads that were chosen."""

    run_id: str
    config: RunConfig
    step: int
    parameters: int
    floor: float | None  # nats per token
    uniform: float  # ln V
    reading: Reading
    snapshot_path: str
    snapshot_bytes: int
    choice: str = ""  # how device and threads were chosen, with figures; "" where they were given
    edits: tuple[HandEdit, ...] = ()


@dataclass(frozen=True, eq=False)
class Losses:
    """Training losses of the consecutive steps from `first_step` on, (N,) float64, none left out."""

    run_id: str
    first_step: int
    losses: Array


@dataclass(frozen=True, eq=False)
class SnapshotWritten:
    """A snapshot lies in the mapped file, where `layout` says.

    `losses` are those since the last ones: they come along, since a message more is a wake-up more.
    """

    run_id: str
    step: int
    steps_per_second: float
    reading: Reading
    layout: str
    losses: Losses | None = None


@dataclass(frozen=True)
class Measured:
    """A reading was taken."""

    run_id: str
    reading: Reading


@dataclass(frozen=True, eq=False)
class CheckpointTaken:
    """Where the run can go on from, kept outside the trainer."""

    run_id: str
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Playing:
    """Steps are being taken."""

    run_id: str
    step: int


@dataclass(frozen=True)
class Paused:
    """No steps are being taken; `reason` is "asked", "step", "converged", "diverged" or "failed"."""

    run_id: str
    step: int
    reason: str
    sentence: str = ""
    details: str = ""


@dataclass(frozen=True)
class Rewound:
    """The run went back to `step`; losses from there on are void."""

    run_id: str
    step: int


@dataclass(frozen=True, eq=False)
class Traced:
    """All that the coming step computes for one example; the step itself is still to be taken."""

    run_id: str
    trace: StepTrace


@dataclass(frozen=True)
class Edited:
    """All that was changed by hand in this run, in order; the run stands at `step`."""

    run_id: str
    step: int
    edits: tuple[HandEdit, ...]
    can_redo: bool = False


@dataclass(frozen=True)
class Moved:
    """The device failed: the run goes on with `config`, on the CPU, from the checkpoint of `step`."""

    run_id: str
    config: RunConfig
    step: int
    sentence: str
    details: str = ""


@dataclass(frozen=True, eq=False)
class Predicted:
    """The logits (V,) that Predict asked for."""

    run_id: str
    request: int
    step: int
    logits: Array


@dataclass(frozen=True)
class Stopped:
    """The run is forgotten; nothing of it follows."""

    run_id: str


@dataclass(frozen=True)
class Failed:
    """A command could not be carried out; the trainer lives on."""

    run_id: str | None
    command: str
    sentence: str
    details: str = ""


Command: TypeAlias = (
    LoadDataset
    | StartRun
    | Play
    | Pause
    | Advance
    | GoTo
    | SetPace
    | Watch
    | Predict
    | Edit
    | Undo
    | Redo
    | StopRun
)
Event: TypeAlias = (
    Ready
    | Started
    | SnapshotWritten
    | Losses
    | Measured
    | CheckpointTaken
    | Playing
    | Paused
    | Rewound
    | Traced
    | Edited
    | Moved
    | Predicted
    | Stopped
    | Failed
)
Message: TypeAlias = Command | Event
