"""The words of the phases that every model has: the batch, and what comes after the logits."""

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from embedviz import catalog
from embedviz.analysis.figures import counted, figure
from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel
from embedviz.trace import TracePhase

Arrays = dict[str, NDArray[Any]]
Points = dict[str, int]

_SOFTMAX = TracePhase(
    name="softmax",
    title="Softmax",
    kind="probabilities",
    picture="probabilities",
    shape="exp, then ÷ sum {probabilities:shape}",
    lines=("{target:token} {probabilities[target]}", "highest {likeliest:token} {probabilities[likeliest]}"),
    formula=(
        "p({target:token}) = exp(logit − largest) / Σ = exp({logit over largest}) / {sum of powers} "
        "= {probabilities[target]}"
    ),
    explanation=(
        "Each logit becomes exp(logit), divided by the sum of all, so that the probabilities add up to 1. The "
        "largest logit, {largest logit:+}, is taken off first: no quotient changes by that, and no exp gets too "
        "large. That of {target:token} is {power}."
    ),
    marks=("target",),
    context="before",
)
_LOSS = TracePhase(
    name="loss",
    title="Loss",
    kind="number",
    picture="loss",
    shape="−log p({target:token})",
    lines=("{loss:loss}", "batch {batch loss:loss}"),
    formula="loss = −log p({target:token}) = −log {probabilities[target]} = {loss} nats",
    explanation=(
        "What comes next here is {target:token}, so its probability alone counts: 1 would cost nothing. The loss "
        "of the batch is the mean over {examples:i} such losses: {batch loss:loss}."
    ),
    context="before",
)
_GRADIENT = TracePhase(
    name="gradient",
    title="Gradient",
    kind="signed",
    picture="logit gradient",
    shape="softmax − one-hot {logit gradient:shape}",
    lines=("own {row gradient[-1,target]:+}", "batch {batch gradient[-1,target]:+}"),
    formula=(
        "softmax − one-hot: at {target:token} {probabilities[target]} − 1 = {logit gradient[target]:+}, "
        "elsewhere p; the batch's there {batch gradient[-1,target]:+}"
    ),
    explanation=(
        "That is the example's own gradient of row {token}. The batch's, {batch gradient[-1,target]:+} in the "
        "cell of {target:token}, is the mean over {examples:i} examples, of which only those that read "
        "{token:token} have any for this row. {rows_with_gradient:i} of {vocab_size:i} rows got a gradient."
    ),
    marks=("target",),
    context="rows",
)
_ROW_GRADIENT = replace(
    _GRADIENT,
    picture="row gradient",
    shape="of the rows {row gradient:shape}",
    lines=("own {row gradient[-1,column]:+}", "batch {batch gradient[-1,column]:+}"),
    formula=(
        "softmax − one-hot at {target:token} = {logit gradient[target]:+}; gone back through the layers, "
        "E[{token}, {column}] gets {row gradient[-1,column]:+}, the batch's {batch gradient[-1,column]:+}"
    ),
    explanation=(
        "The example's own gradient is softmax − one-hot {logit gradient:shape}, taken back layer by layer to the "
        "rows that were read. The batch's is the mean over {examples:i} examples. {rows_with_gradient:i} of "
        "{vocab_size:i} rows got a gradient."
    ),
    marks=("column",),
)
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


def phases_of(model: LanguageModel, arrays: Arrays, points: Points, *, is_watched: bool) -> tuple[TracePhase, ...]:
    """Return all phases of a traced step, in order; `arrays` and `points` say which words are true of it."""
    config = model.config
    gradient = _GRADIENT if model.rows_are_logits else _ROW_GRADIENT
    if "gradient norm" in arrays and float(arrays["gradient norm"]) > config.clip:
        shorter = f" Its norm, {{gradient norm}}, is over {_plain(config.clip)}: all of it is shortened to that."
        gradient = replace(gradient, explanation=gradient.explanation + shorter)
    return (
        _batch(config, points, is_watched=is_watched),
        *model.stages,
        _SOFTMAX,
        _LOSS,
        gradient,
        _update(config, arrays, points),
    )


def _batch(config: RunConfig, points: Points, *, is_watched: bool) -> TracePhase:
    is_cut = points["last_row"] - points["first_row"] + 1 < points["batch_size"]
    if config.whole_text:
        shape, where = "of all {examples:i} a window {batch ids:shape}", "whole text"
        has = "all of it is the batch"
        searched = "This is the first place where the watched context stands."
        missing = "The watched context is not in the training part: another example is followed."
    else:
        shape = "rows {first_row:i}–{last_row:i} of {batch_size:i}" if is_cut else "ids, targets {batch ids:shape}"
        where = "row {followed_row:i} of {batch_size:i}"
        has = "row {followed_row:i} of {batch_size:i}"
        searched = "The batch has the context that is watched: it is followed."
        missing = "The batch does not have the watched context: another of its examples is followed."
    return TracePhase(
        name="batch",
        title="Batch",
        kind="ids",
        picture="batch ids",
        shape=shape,
        lines=("{token:token} → {target:token}", where),
        formula="{ids:tokens} → {target:token}: token {position:i} of the training part; " + has,
        explanation=(
            "Each token's target is the one that follows it: the targets are the ids, shifted by one. "
            f"{{examples:i}} {'losses are' if points['examples'] != 1 else 'loss is'} averaged. "
            f"{searched if is_watched else missing}"
        ),
        marks=("place",),
    )


def _update(config: RunConfig, arrays: Arrays, points: Points) -> TracePhase:
    title = catalog.OPTIMIZERS[config.optimizer].title
    if points["is_held"]:
        formula = "E[{token}, {column}] is frozen: it stays at {after[-1,column]:+}"
    else:
        has_decay = config.weight_decay > 0
        rule = (_DECAYED_RULES if has_decay else _RULES)[config.optimizer]
        decay = f", λ {_plain(config.weight_decay)}" if has_decay else ""
        terms = f"lr {_plain(float(arrays['learning rate']))}, {_TERMS[config.optimizer]}{decay}"
        formula = f"{rule}: {_CHANGE} ({terms})"
    return TracePhase(
        name="update",
        title="Update",
        kind="change",
        picture="difference",
        shape=f"{title}: {{rows_moved:i}} of {{vocab_size:i}} rows move",
        lines=(_CHANGE, "p {probabilities[target]:to probabilities after[target]}"),
        formula=formula,
        explanation=f"{_what_moved(config, arrays, points)}{_how(config)} The loss of the example: "
        "{loss:to loss after} nats.",
        marks=("column",),
        context="both",
    )


def _plain(value: float) -> str:
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
        f" m is the running mean of the gradient, now {mean}, and v that of its square, both as after update "
        "{updates:i}."
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
