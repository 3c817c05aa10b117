"""The tour's scenes of models with positions and attention, and of their switches."""

from typing import TYPE_CHECKING

from embedviz import catalog
from embedviz.gui.tour_steps import visit_phases

if TYPE_CHECKING:
    from embedviz.gui.tour import Tour
    from embedviz.gui.tour_scenes import Scenes

LINE = "the fox and the crow"
STEPS = 400
SWITCHES: tuple[tuple[str, dict[str, object]], ...] = (
    ("tie", {"tie": True}),
    ("scale", {"scale_embeddings": True}),
    ("freeze", {"freeze_embeddings": True}),
    ("position-none", {"position": "none"}),
    ("position-rope", {"position": "rope"}),
    ("residual-scaled", {"residual_init": "scaled"}),
    ("residual-zero", {"residual_init": "zero"}),
    ("xavier", {"layer_init": "xavier"}),
    ("no-layers", {"n_layer": 0}),
)


def visit_models(tour: "Tour") -> "Scenes":
    """See each of the models, what is in them, and what each switch changes."""
    yield from _visit_token_position(tour)
    yield from _visit_transformer(tour)
    yield from _visit_switches(tour)
    yield from _visit_llama(tour)


def _begin(tour: "Tour", model: str) -> None:
    tour.begin(catalog.MODELS[model].title, lambda: tour.texts.apply(tour.state.config.with_model(model)))
    tour.tokens.edit.setPlainText(LINE)
    tour.wait("the new context", tour.bars_are_current)


def _train(tour: "Tour", steps: int = STEPS) -> None:
    tour.controller.go_to(steps)
    tour.wait(f"{steps:,} steps", lambda: tour.shown(steps) and tour.trace_is_current())


def _visit_token_position(tour: "Tour") -> "Scenes":
    _begin(tour, "token-position")
    yield "token-position-start", "Token + position: two tables, and their sums row by row"
    acts = tour.table.acts
    acts.forward.click()
    tour.wait("the forward pass", lambda: acts.by_you > 0)
    yield "forward-pass", "A forward pass: rows are looked up, and no table changes"
    tour.begin("other tables", acts.re_roll.click)
    yield "re-roll", "Initialisation: the tables are made anew, from the next seed"
    _train(tour)
    yield "token-position-trained", "Token + position after 400 steps"
    tour.table.table.set_value("position")
    yield "position-table", "The position table by itself"
    tour.table.table.set_value("token")
    tour.table.side.sums.view.set_value("two")
    yield "two-positions", "The same token at two positions: one row of the one table, two of the other"
    tour.table.side.sums.view.set_value("context")
    yield from visit_phases(tour, "token-position")


def _visit_transformer(tour: "Tour") -> "Scenes":
    _begin(tour, "transformer")
    yield "transformer-start", "A TinyTransformer at its start"
    _train(tour)
    yield from visit_phases(tour, "transformer")
    tour.table.mode.set_value("attention")
    tour.wait("the attention", lambda: bool(tour.state.snapshot and tour.state.snapshot.attention))
    yield "attention", "Attention: where each head looks, token by token"
    tour.table.mode.set_value("weights")
    tour.training.gap.set_value("layers")
    tour.wait("the layers", lambda: bool(tour.state.snapshot and tour.state.snapshot.layers))
    yield "layers", "What each layer puts out"


def _visit_switches(tour: "Tour") -> "Scenes":
    """Begin with each switch by itself; the panel says what it changed against the plain model."""
    plain = tour.state.config
    tour.training.gap.set_value("model")
    for name, changes in SWITCHES:
        tour.begin(f"the switch {name}", lambda: tour.controller.restart(plain.replace(**changes)))  # noqa: B023
        yield f"switch-{name}", f"What it changes: {', '.join(f'{k} {v}' for k, v in changes.items())}"
        tour.begin("the plain model", lambda: tour.controller.restart(plain))
    tour.training.gap.set_value("loss")


def _visit_llama(tour: "Tour") -> "Scenes":
    _begin(tour, "llama")
    _train(tour)
    yield "llama-trained", "A LLaMA-style model after 400 steps"
    yield from visit_phases(tour, "llama")
    for mode in ("attention", "rotation"):
        tour.table.mode.set_value(mode)
        tour.wait(mode, lambda: bool(tour.state.snapshot and tour.state.snapshot.attention))
        yield f"llama-{mode}", f"LLaMA-style: {mode}"
    tour.table.mode.set_value("weights")
