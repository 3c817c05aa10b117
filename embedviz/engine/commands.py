"""What the window says to the trainer."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.text.dataset import Dataset

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Until:
    """When playing ends by itself: at `step`, when `converged`, or (neither) never."""

    step: int | None = None
    converged: bool = False


@dataclass(frozen=True, eq=False)
class LoadDataset:
    """Keep `dataset` under `key`; the runs that follow name it. Only the newest few are kept."""

    key: str
    dataset: Dataset


@dataclass(frozen=True, eq=False)
class StartRun:
    """Make a session and answer Started; with a checkpoint it goes on from there.

    The first `in_checkpoint` of `edits`, all if None, were made by hand before that checkpoint: doing the run
    again makes them again. Of the others those at its step are made at once; later ones are dropped.
    """

    run_id: str
    dataset_key: str
    config: RunConfig
    checkpoint: Checkpoint | None = None
    edits: tuple[HandEdit, ...] = ()
    in_checkpoint: int | None = None


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
    """Take `steps` steps, at least one, as fast as it goes, then pause."""

    run_id: str
    steps: int = 1


@dataclass(frozen=True)
class GoTo:
    """Pause at `step`, be it ahead or behind: behind is reached from the start again, bitwise the same."""

    run_id: str
    step: int


@dataclass(frozen=True)
class SetPace:
    """Take `steps_per_second` steps a second, more than 0, or as many as it goes if None."""

    run_id: str
    steps_per_second: float | None


@dataclass(frozen=True, eq=False)
class Watch:
    """Add to every snapshot the logits of `contexts` (N, T) of ids; table gradients and activations if asked for.

    With `traces` the coming step is traced too, of the first context: at every pause, and now and then between.
    With `layers` there are statistics of what each layer puts out; `attention` is the layer of attention, from 0,
    that is looked at, for the first context.
    """

    run_id: str
    contexts: Array
    gradients: bool = False
    activations: bool = False
    traces: bool = False
    layers: bool = False
    attention: int = -1  # none


@dataclass(frozen=True)
class Edit:
    """Change the table by hand, between two steps; answer Edited, with all edits.

    A run keeps 1,000 at most, a drag at one step being one of them: a further one is refused.
    """

    run_id: str
    edit: HandEdit


@dataclass(frozen=True)
class Undo:
    """Take the last edit back, or all of its gesture, and all steps that were taken since; answer Edited."""

    run_id: str


@dataclass(frozen=True)
class Redo:
    """Make again what was taken back last, if nothing was done since; answer Edited."""

    run_id: str


@dataclass(frozen=True, eq=False)
class Predict:
    """Answer Predicted with the logits of one context (T,) at the present step.

    With `check` the tables are compared before and after, to show that looking up changes nothing.
    """

    run_id: str
    request: int
    context: Array
    check: bool = False


@dataclass(frozen=True)
class StopRun:
    """Forget the run; answer Stopped."""

    run_id: str


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
