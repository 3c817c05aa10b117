"""The scenes of the tour, in order; each leaves the window in a state that the next one builds on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QSlider

from embedviz import catalog
from embedviz.engine.messages import Until
from embedviz.gui.dialogs import RunSettingsDialog
from embedviz.gui.state import Phase
from embedviz.gui.tokenizer_views.dialog import TokenizerDialog
from embedviz.gui.tour_models import visit_models
from embedviz.gui.tour_steps import visit_by_hand, visit_items, visit_phases, visit_sampling, visit_units

if TYPE_CHECKING:
    from embedviz.gui.tour import Tour

DIALOG_SIZE = (1100, 680)  # designed pixels

Scenes = Iterator[tuple[str, str]]  # the name of a picture, and its title


def visit(tour: "Tour") -> Scenes:
    """Bring the window into one scene after the other."""
    yield "first-window", "The first window, before any step"
    yield from _visit_start_page(tour)
    yield from _visit_training(tour)
    yield from _visit_modes(tour)
    yield from _visit_orders(tour)
    yield from _visit_tokens(tour)
    yield from _visit_starts(tour)
    yield from _visit_lists(tour)
    yield from _visit_mlp(tour)
    yield from _visit_tokenizers(tour)
    yield from _visit_dialogs(tour)
    yield from visit_models(tour)
    yield from _visit_mishaps(tour)


def _visit_start_page(tour: "Tour") -> Scenes:
    tour.actions["startPage"].trigger()
    yield "start-page", "The start page: texts, samples and models, each one click away"
    tour.actions["startPage"].trigger()


def _visit_training(tour: "Tour") -> Scenes:
    controller, state = tour.controller, tour.state
    controller.step(1)
    tour.wait("one step", lambda: state.run.phase is Phase.PAUSED and tour.shown(1))
    yield "one-step", "After one step"
    controller.set_pace(60)
    controller.play_or_pause()
    tour.wait("training live", lambda: state.snapshot is not None and state.snapshot.step >= 40)
    yield "training-live", "Training at one step a frame"
    controller.play_or_pause()
    tour.wait("a pause", lambda: state.run.phase is Phase.PAUSED)
    yield from visit_phases(tour, "bigram")
    controller.set_pace(None)
    state.set_until(Until(converged=True))
    controller.play_or_pause()
    tour.wait("convergence", lambda: state.run.reason == "converged")
    tour.wait("the last step", lambda: tour.shown(state.run.step))
    yield "converged", "Converged"
    tour.training.gap.set_value("gap")
    yield "gap", "The gap to the floor, on a logarithmic scale"
    tour.training.gap.set_value("loss")
    yield from visit_units(tour)
    yield from visit_by_hand(tour)
    yield from visit_sampling(tour)


def _visit_modes(tour: "Tour") -> Scenes:
    for mode in ("softmax", "counts", "change", "gradient"):
        tour.table.mode.set_value(mode)
        if mode in ("change", "gradient"):
            tour.step_once()
        yield f"table-{mode}", f"The lookup table: {mode}"
    tour.table.mode.set_value("weights")


def _visit_orders(tour: "Tour") -> Scenes:
    order = tour.child(QComboBox, "rowOrder")
    order.setCurrentIndex(order.findData("similarity"))
    yield "by-similarity", "Rows in the order of their similarity"
    order.setCurrentIndex(order.findData("id"))
    selected = tour.state.selected_id or 0
    tour.table.heatmap.center_on(selected, selected)
    tour.table.heatmap.hovered.emit(selected, selected)
    yield "zoomed", "Zoomed to the selected row"
    tour.table.heatmap.hovered.emit(-1, -1)
    tour.table.heatmap.reset_view()


def _visit_tokens(tour: "Tour") -> Scenes:
    state = tour.state
    tour.tokens.edit.setPlainText("the quick Ω fox\tand\nthe end")
    state.select(2)
    tour.wait("the new context", tour.bars_are_current)
    yield "own-line", "A line of one's own, with a token that the vocabulary lacks"
    tour.child(QComboBox, "barNumbers").setCurrentIndex(1)
    tour.following.order.set_value("vocabulary")
    yield "by-id", "The next token by id, as log-probabilities"
    tour.following.order.set_value("top")
    tour.child(QComboBox, "barNumbers").setCurrentIndex(0)
    tour.tokens.segments.set_value("vocabulary")
    yield "vocabulary", "The vocabulary with its counts"
    tour.tokens.segments.set_value("line")


def _visit_starts(tour: "Tour") -> Scenes:
    for start in ("normal-1", "log-counts"):
        tour.change("another start", init=start)
        yield f"start-{start}", f"Step 0 of the start {catalog.STARTS[start].title}"
    tour.change("sampled batches", init="zeros", batch_size=32)
    tour.controller.go_to(2000)
    tour.wait("2,000 sampled steps", lambda: tour.shown(2000))
    yield "sampled", "Sampled batches: a noisy loss"
    tour.wait("the trace", tour.trace_is_current)
    tour.window.steps.next()
    yield "phase-sampled-batch", "A sampled batch: ids, and the targets that follow them"
    tour.window.steps.show(-1)


def _visit_lists(tour: "Tour") -> Scenes:
    tour.change("the whole text", batch_size=0)
    tour.begin("the names", lambda: tour.texts.open_sample("names"))
    tour.controller.go_to(100)
    tour.wait("100 steps on names", lambda: tour.shown(100))
    yield "names", "A list of names, one item per line"


def _visit_mlp(tour: "Tour") -> Scenes:
    state = tour.state
    tour.begin("the MLP", lambda: tour.texts.apply(state.config.with_model("mlp")))
    tour.tokens.edit.setPlainText("marian")
    tour.wait("the new context", tour.bars_are_current)
    yield "mlp-start", "An MLP at its start: rows of ten numbers, three of them side by side"
    tour.controller.go_to(3000)
    tour.wait("3,000 steps of the MLP", lambda: tour.shown(3000))
    yield "mlp-trained", "The MLP after 3,000 steps: below what any bigram table can reach"
    yield from visit_phases(tour, "mlp")
    yield from visit_items(tour)
    tour.training.gap.set_value("hidden")
    tour.wait("the hidden layer", lambda: state.snapshot is not None and bool(state.snapshot.activations))
    yield "mlp-hidden", "The hidden layer: how much of it is saturated"
    tour.change("large layers", layer_init="normal-1")
    tour.wait("the hidden layer", lambda: state.snapshot is not None and bool(state.snapshot.activations))
    yield "mlp-saturated", "The hidden layer from N(0, 1): most of it begins saturated"
    tour.training.gap.set_value("loss")
    tour.change(
        "a plane", n_embd=2, layer_init="kaiming", schedule="cosine", warmup_steps=100, schedule_steps=4000
    )
    tour.controller.go_to(4000)
    tour.wait("4,000 steps in the plane", lambda: tour.shown(4000))
    tour.table.mode.set_value("plane")
    yield "mlp-plane", "Rows of two numbers: every token is a place in the plane"
    tour.table.mode.set_value("weights")
    tour.tokens.edit.setPlainText("ma")
    tour.wait("the short context", tour.bars_are_current)
    yield "mlp-short", "A context that begins before its item: the boundary fills it up"


def _visit_tokenizers(tour: "Tour") -> Scenes:
    tour.begin("the fables", lambda: tour.texts.open_sample("fables"))
    tour.change("rows of ten numbers", n_embd=10, schedule="constant")
    for name, title in (("byte", "Bytes"), ("word", "Words"), ("subword", "Subwords")):
        tour.begin(title, lambda name=name: tour.texts.set_tokenizer(name))  # type: ignore[misc]
        tour.tokens.edit.setPlainText("The fox said “no” – naïve, the crow laughed.")
        tour.controller.go_to(500)
        tour.wait("500 steps", lambda: tour.shown(500))
        yield f"tokenizer-{name}", f"{title}: the same line, cut another way"
    tour.begin("the bigram table", lambda: tour.texts.apply(tour.state.config.with_model("bigram")))
    tour.controller.go_to(60)
    tour.wait("60 steps", lambda: tour.shown(60))
    yield "subword-bigram", "A bigram table of a thousand subwords"


def _visit_dialogs(tour: "Tour") -> Scenes:
    for name, title in (
        ("sideBySide", "The own line in every tokenizer at once"),
        ("merges", "The merges of the subword vocabulary, one by one"),
    ):
        tour.actions[name].trigger()
        tour.subject = dialog = tour.child(TokenizerDialog, "tokenizerDialog")
        dialog.resize(tour.theme.px(DIALOG_SIZE[0]), tour.theme.px(DIALOG_SIZE[1]))
        tour.wait(title, lambda: dialog.is_ready)  # noqa: B023  # called before the next round
        if name == "merges":
            tour.child(QSlider, "mergeSlider").setValue(3)
        yield f"dialog-{name}", title
    dialog.close()
    tour.actions["settings"].trigger()
    tour.subject = form = tour.child(RunSettingsDialog, "runSettings")
    yield "dialog-settings", "The settings of a run, made from the catalogue"
    form.reject()
    tour.subject = tour.window
    tour.begin("characters", lambda: tour.texts.set_tokenizer("char"))


def _visit_mishaps(tour: "Tour") -> Scenes:
    state = tour.state
    tour.texts.open_text("\0 is not text", "photo.png")
    tour.wait("the refusal", lambda: bool(tour.notices.pending))
    yield "not-a-text", "A file that is no text: one sentence, and what was open stays"
    tour.notices.dismiss()
    tour.change("a wild run", optimizer="sgd", lr=1e6)
    tour.controller.play_or_pause()
    tour.wait("divergence", lambda: state.run.reason == "diverged")
    yield "diverged", "Too large a learning rate: paused at the last good state"
    tour.notices.dismiss()
    tour.worker.end_trainer()
    tour.wait("the trainer's end", lambda: state.run.phase is Phase.LOST)
    yield "trainer-gone", "The trainer was killed: the window lives, and offers to go on"
    tour.controller.resume()
    tour.wait("another trainer", lambda: state.run.phase is Phase.PAUSED)
