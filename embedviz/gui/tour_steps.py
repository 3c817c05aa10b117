"""The tour's scenes of a step in phases, of what is done by hand, of sampling, and of the units of a loss."""

from typing import TYPE_CHECKING

from embedviz.analysis.units import BITS, NATS, PERPLEXITY

if TYPE_CHECKING:
    from embedviz.gui.tour import Tour
    from embedviz.gui.tour_scenes import Scenes


def visit_phases(tour: "Tour", what: str) -> "Scenes":
    """Go through all phases of the coming step, and across its end into the next."""
    state, steps = tour.state, tour.window.steps
    tour.wait("the trace", tour.trace_is_current)
    assert state.trace is not None
    for phase in state.trace.phases:
        steps.next()
        tour.wait("the rows to land", lambda: not tour.window.flight.is_flying)
        yield f"phase-{what}-{phase.name}", f"A step of {what} in phases: {phase.title}"
    tour.training.phases.explain(on=True)
    yield f"phase-{what}-explained", f"A step of {what} in phases: the long form"
    tour.training.phases.explain(on=False)
    step = state.run.step + 1
    steps.next()
    tour.wait("the next step", lambda: tour.shown(step) and tour.trace_is_current() and state.phase_index == 0)
    steps.show(-1)


def visit_by_hand(tour: "Tour") -> "Scenes":
    """Change a cell and freeze a row, let training repair it, and take all of it back."""
    state, hand = tour.state, tour.window.hand
    began = state.run.step
    row = state.selected_id or 0
    hand.set_cell(row, 0, "6")
    tour.wait("the change", lambda: len(state.run.edits) == 1 and tour.cell(row, 0) == 6)
    yield "by-hand-cell", "A cell changed by hand: the prediction has moved"
    hand.toggle_frozen((row + 1) % len(state.snapshot.tables["token"]) if state.snapshot else 0)
    tour.wait("the frozen row", lambda: len(state.run.edits) == 2)
    step = state.run.step + 200
    tour.controller.go_to(step)
    tour.wait("the repair", lambda: tour.shown(step))
    yield "by-hand-repaired", "200 steps later: training has repaired it; a row is frozen"
    for left in (1, 0):
        hand.undo()
        tour.wait("the undoing", lambda left=left: len(state.run.edits) == left)  # type: ignore[misc]
    tour.wait("the step of before", lambda: tour.shown(began) and tour.trace_is_current())


def visit_units(tour: "Tour") -> "Scenes":
    """Say the losses in every unit."""
    for unit in (BITS, PERPLEXITY):
        tour.state.set_unit(unit)
        yield f"unit-{unit.name}", f"Losses in {unit.title.lower()}"
    tour.state.set_unit(NATS)


def visit_sampling(tour: "Tour") -> "Scenes":
    """Let the model write on, at a pace for the eye, and to the end."""
    sampler = tour.following.sampler
    sampler.set_sampling(temperature=0.8, top_k=8)
    sampler.toggle()
    tour.wait("some samples", lambda: sampler.drawing is not None and len(sampler.samples[-1].written) >= 6)
    yield "sampling", "The model writes on: the draw on the bars, what top-k leaves out beside it"
    sampler.stop()
    sampler.pace = "fast"
    sampler.toggle()
    tour.wait("the sample", lambda: not sampler.is_sampling)
    yield "sampled-text", "What it wrote, and how much of that stands in the text"
    sampler.pace = "normal"
    sampler.set_sampling(temperature=1.0, top_k=None)


def visit_items(tour: "Tour") -> "Scenes":
    """Make ten items."""
    sampler = tour.following.sampler
    sampler.make_items()
    tour.wait(
        "ten items", lambda: not sampler.is_sampling and all(s.is_known is not None for s in sampler.samples)
    )
    yield "ten-items", "Ten names from the model; those that are in the list are marked"
