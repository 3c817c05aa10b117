"""The words of the phase in which weights move: the rule with its numbers, and what moved by itself."""

from typing import Any

from numpy.typing import NDArray

from embedviz import catalog
from embedviz.analysis.figures import counted, figure
from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel
from embedviz.trace import TracePhase

Arrays = dict[str, NDArray[Any]]
Points = dict[str, int]

_FROZEN = "The token table is frozen: no row moves, by gradient or decay. All else is trained."
_CHANGE = "{before[-1,column]:+to after[-1,column]}"
_RULES = {
    "sgd": "E[{token}, {column}] − lr · g",
    "adam": "E[{token}, {column}] − lr · m / (√v + ε)",
    "adamw": "E[{token}, {column}] − lr · m / (√v + ε)",
}
_DECAYED_RULES = {
    "sgd": "E[{token}, {column}] − lr · (g + λ · E[{token}, {column}])",
    "adam": _RULES["adam"],
    "adamw": "(1 − lr · λ) · E[{token}, {column}] − lr · m / (√v + ε)",
}
_TERMS = {
    "sgd": "g {gradient used:+}",
    "adam": "m {m hat:+}, v {v hat}",
    "adamw": "m {m hat:+}, v {v hat}",
}


def update(model: LanguageModel, arrays: Arrays, points: Points) -> TracePhase:
    """Return the phase: by which rule the cell moved, if it did, and why rows moved that have no gradient."""
    config = model.config
    title = catalog.OPTIMIZERS[config.optimizer].title
    if points["is_held"]:
        formula = "E[{token}, {column}] is frozen: it stays at {after[-1,column]:+}"
    else:
        has_decay = config.weight_decay > 0
        rule = (_DECAYED_RULES if has_decay else _RULES)[config.optimizer]
        decay = f", λ {plain(config.weight_decay)}" if has_decay else ""
        terms = f"lr {plain(float(arrays['learning rate']))}, {_TERMS[config.optimizer]}{decay}"
        formula = f"{rule}: {_CHANGE} ({terms})"
    moved = _FROZEN if is_frozen(model) else _what_moved(config, arrays, points) + _how(config)
    return TracePhase(
        name="update",
        title="Update",
        kind="change",
        picture="difference",
        shape=f"{title}: {{rows_moved:i}} of {{vocab_size:i}} rows move",
        lines=(_CHANGE, "p {probabilities[target]:to probabilities after[target]}"),
        formula=formula,
        explanation=f"{moved} The difference is "
        "{difference[-1,column]:+}; the loss of the example: {loss:to loss after} nats.",
        marks=("column",),
        context="both",
    )


def is_frozen(model: LanguageModel) -> bool:
    """Tell whether the table that is looked up first is not trained at all."""
    return not next(iter(model.lookup_tables().values())).requires_grad


def plain(value: float) -> str:
    """Return a number that a person chose, without zeros at its end: "0.003", "50"."""
    text = figure(value)
    return text.rstrip("0").rstrip(".") if "." in text and "·" not in text else text


def _how(config: RunConfig) -> str:
    """Return what the terms of the formula are, with their numbers."""
    if config.optimizer == "sgd":
        return ""
    mean = "{gradient used:+}"
    if config.optimizer == "adam" and config.weight_decay > 0:
        mean += " + λ · w ({decay:+})"
    return (
        f" m is the running mean of the gradient, now {mean}, v that of its square, both after update "
        "{updates:i} and corrected for their beginning at 0."
    )


def _what_moved(config: RunConfig, arrays: Arrays, points: Points) -> str:
    """Return a sentence on the rows that moved though they got no gradient, and the cause of it."""
    stayed = f" {counted(points['rows_stayed'], 'row')} with a gradient stayed: frozen, or too small a move."
    stayed = stayed if points["rows_stayed"] else ""
    if not points["rows_moved"]:
        return "No row moved." + stayed
    if not points["rows_moved_without"]:
        return "Only rows with a gradient moved." + stayed
    return _silent_moves(config, arrays, points) + stayed


def _silent_moves(config: RunConfig, arrays: Arrays, points: Points) -> str:
    moved = counted(points["rows_moved_without"], "row")
    moved += " moved without a gradient, by up to {largest silent move:+}: "
    if not float(arrays["of it momentum"]):
        return moved + "weight decay pulls every weight towards 0."
    if not config.weight_decay:
        return moved + "the running mean of earlier gradients still pushes."
    if config.optimizer == "adamw":
        return moved + "{of it decay:+} of that is weight decay, {of it momentum:+} the mean of earlier gradients."
    return moved + "the running mean still pushes, of earlier gradients and of weight decay."
