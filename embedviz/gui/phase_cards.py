"""The phases of a trace as cards: pictures from its arrays, words from its templates."""

from collections.abc import Sequence
from functools import partial

from embedviz.analysis.units import LossUnit
from embedviz.analysis.wording import fill
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.trace import StepTrace, TracePhase


def cards_of(
    trace: StepTrace, labels: Sequence[str], unit: LossUnit, *, context_length: int, colour_blind: bool = False
) -> list[PhaseCard]:
    """Return a card for each phase, in order; ids are named by `labels` (V,), losses are said in `unit`.

    `context_length` is how many tokens of the batch's row the model reads for its example.
    """
    return [_card(trace, phase, labels, unit, context_length, colour_blind) for phase in trace.phases]


def _card(
    trace: StepTrace,
    phase: TracePhase,
    labels: Sequence[str],
    unit: LossUnit,
    context_length: int,
    colour_blind: bool,
) -> PhaseCard:
    arrays, points = trace.arrays, trace.points
    say = partial(fill, trace=trace, labels=labels, unit=unit)
    is_batch = phase.kind == "ids"
    return PhaseCard(
        phase.name,
        phase.title,
        say(phase.shape),
        phase.kind,
        arrays[phase.picture],
        tuple(say(line) for line in phase.lines),
        tuple(points[mark] for mark in phase.marks if mark in points),
        columns=arrays["ids"] if phase.kind == "weights" else None,
        also=arrays["batch targets"] if is_batch else None,
        example=(points["row"], points["place"]) if is_batch else None,
        reads=context_length if is_batch else 0,
        labels=labels.__getitem__,
        parts=len(arrays["rows"]) if phase.name == "concatenate" else 1,
        colormap=colormaps.DIVERGING_SAFE if colour_blind else colormaps.DIVERGING,
        words=say(phase.formula),
    )
