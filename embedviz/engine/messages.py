"""What the window and the trainer say to each other: frozen dataclasses, and how they become bytes.

A message travels as one frame: a JSON header and, behind it, the raw bytes of every array in it. Commands go
from the window to the trainer, events come back. Arrays of snapshots do not travel here: see snapshots.py.
"""

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.text.dataset import Dataset

Array: TypeAlias = NDArray[Any]


class ProtocolError(EmbedvizError):
    """The other side said something that is no message."""


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
    """Make a session and answer Started; with a checkpoint it goes on from there."""

    run_id: str
    dataset_key: str
    config: RunConfig
    checkpoint: Checkpoint | None = None


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
    """Add to every snapshot the logits of `contexts` (N, T); table gradients and activations if asked for."""

    run_id: str
    contexts: Array
    gradients: bool = False
    activations: bool = False


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


Command: TypeAlias = LoadDataset | StartRun | Play | Pause | Advance | GoTo | SetPace | Watch | Predict | StopRun
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
    | Predicted
    | Stopped
    | Failed
)
Message: TypeAlias = Command | Event

_MESSAGES: tuple[type, ...] = (*Command.__args__, *Event.__args__)
_PARTS = (Until, RunConfig, Dataset, Checkpoint, Reading)  # dataclasses found inside messages
_TYPES: dict[str, type] = {cls.__name__: cls for cls in (*_MESSAGES, *_PARTS)}
# Looked up for every snapshot, sixty times a second: worth having at hand.
_FIELDS = {cls: tuple(field.name for field in dataclasses.fields(cls)) for cls in _TYPES.values()}
_NUMBERS = re.compile(r"[<>|][biuf]\d+")  # the types of array that travel: numbers and booleans
_PLAIN = {str, int, float, bool, type(None)}
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_TYPE, _ARRAY, _TUPLE = "$type", "$array", "$tuple"


def encode(message: Message) -> tuple[bytes, list[memoryview]]:
    """Return the JSON header of `message` and the raw bytes of its arrays, in order."""
    buffers: list[memoryview] = []

    def pack(value: Any) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, np.ndarray):
            flat = np.ascontiguousarray(value)
            buffers.append(flat.reshape(-1).view(np.uint8).data)
            return {_ARRAY: [flat.dtype.str, list(value.shape)]}
        if (names := _FIELDS.get(type(value))) is not None:
            packed = {_TYPE: type(value).__name__}
            for name in names:
                item = getattr(value, name)
                packed[name] = item if type(item) in _PLAIN else pack(item)
            return packed
        if isinstance(value, dict):
            return {str(key): pack(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return {_TUPLE: [item if type(item) in _PLAIN else pack(item) for item in value]}
        return value.item() if isinstance(value, np.generic) else value

    return _to_json(pack(message)).encode(), buffers


def decode(header: bytes, payload: bytes | bytearray) -> Message:
    """Return the message of a frame; its arrays are read-only views of `payload`.

    Raises ProtocolError if the frame is not one that encode() makes.
    """
    data = memoryview(payload).toreadonly()
    offset = 0

    def unpack(value: Any) -> Any:
        nonlocal offset
        if not isinstance(value, dict):
            return value
        if _ARRAY in value:
            kind, shape = str(value[_ARRAY][0]), tuple(value[_ARRAY][1])
            if not _NUMBERS.fullmatch(kind) or (count := math.prod(shape)) < 0:
                raise ValueError(f"an array of {kind} of shape {shape}")
            dtype = np.dtype(kind)
            array = np.frombuffer(data, dtype, count, offset).reshape(shape)
            offset += array.nbytes
            return array
        if _TUPLE in value:
            return tuple(unpack(item) for item in value[_TUPLE])
        items = {key: unpack(item) for key, item in value.items() if key != _TYPE}
        return _TYPES[value[_TYPE]](**items) if _TYPE in value else items

    try:
        message: Message = unpack(json.loads(header))
        if not isinstance(message, _MESSAGES) or offset != len(data):
            raise ValueError(f"a {type(message).__name__} that takes {offset} of {len(data)} bytes")
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        EmbedvizError,
    ) as error:
        raise ProtocolError("The trainer and the window misunderstood each other.", repr(error)) from error
    return message
