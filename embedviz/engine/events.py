"""What the trainer says to the window. Arrays of snapshots do not travel here: see snapshots.py."""

from dataclasses import dataclass
from typing import TypeAlias

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine.commands import Array
from embedviz.trace import StepTrace


@dataclass(frozen=True)
class Ready:
    """The trainer can take commands without delay: torch is loaded and warm."""

    pid: int
    torch_version: str
    devices: tuple[str, ...] = ("cpu",)  # that can be chosen


@dataclass(frozen=True)
class Reading:
    """Losses over the whole splits at `step`, or estimates of them, and what they say of the run.

    Nats per token; `val` is None where nothing is held out. `estimated` is said of `train`.
    """

    step: int
    train: float
    val: float | None
    estimated: bool
    verdict: str = "learning"  # or "converged", "plateau"
    sentence: str = ""
    val_estimated: bool = False


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
    parts: tuple[tuple[str, int], ...] = ()  # weights, part by part
    table_std: tuple[tuple[str, float], ...] = ()  # of each lookup table, as it was made
    first_loss: float = 0.0  # nats per token, of the weights as they were made


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
    attention_layer: int = -1  # whose arrays lie there; -1 where none do


@dataclass(frozen=True)
class Measured:
    """A reading was taken."""

    run_id: str
    reading: Reading


@dataclass(frozen=True, eq=False)
class CheckpointTaken:
    """Where the run can go on from, kept outside the trainer; `edits` are those that are in it."""

    run_id: str
    checkpoint: Checkpoint
    edits: tuple[HandEdit, ...] = ()


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
    """All that was changed by hand in this run, in order, 1,000 at most; the run stands at `step`."""

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
    """The logits (V,) that Predict asked for; how much any table changed meanwhile, -1 if that was not checked."""

    run_id: str
    request: int
    step: int
    logits: Array
    table_change: float = -1.0


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
