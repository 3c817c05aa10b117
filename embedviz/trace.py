"""StepTrace: all that one step of training computes for one example, and the words for it. Plain numpy, no torch.

The trainer makes it, the window shows it. Words are templates, which analysis.wording fills with the trace's
own numbers: a new model brings its own phases, and nothing else has to know of them.
"""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class TracePhase:
    """One phase of a step: a picture of what it makes, and templates that say it with its numbers."""

    name: str  # "lookup"
    title: str  # "Look up"
    kind: str  # how the picture is drawn: "ids", "signed", "weights", "probabilities", "number", "change"
    picture: str  # the name of the array that is drawn
    shape: str  # what the caption under the title says: "rows {rows:shape}"
    lines: tuple[str, ...]  # two or three telling numbers, a line each
    formula: str  # one line
    explanation: str  # a sentence or two more
    marks: tuple[str, ...] = ()  # points that are marked in the picture, places in its last dimension
    context: str = ""  # what the other panels should show: "", "rows", "before", "after" or "both"


@dataclass(frozen=True, eq=False)
class StepTrace:
    """One step, of the weights after `step` updates, for one example: the watched context if the batch has it.

    It owns the arrays, and makes them read-only; a single number is an array without a dimension, or of one number
    where it has travelled. Points are single places that words and pictures refer to:
    {"token": an id, "target": an id, "unit": a place in the hidden layer, ...}.
    """

    step: int
    arrays: dict[str, NDArray[Any]]  # in the order in which they are computed
    points: dict[str, int]
    phases: tuple[TracePhase, ...]
    is_watched: bool  # the example is the context that is watched; else another of the batch

    def __post_init__(self) -> None:
        for array in self.arrays.values():
            array.flags.writeable = False
