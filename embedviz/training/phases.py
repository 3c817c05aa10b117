"""The words of the phases that every model has: the batch, and what comes after the logits.

Those of the update are in update_words.py.
"""

import math
from dataclasses import replace

from embedviz.analysis.figures import true_digits
from embedviz.analysis.units import raised
from embedviz.models.base import LanguageModel
from embedviz.trace import TracePhase
from embedviz.training.examples import Example
from embedviz.training.update_words import Arrays, Points, is_frozen, plain, update

_TINY_POWER = -30
_TINY = 10.0**_TINY_POWER  # a probability below it is not told from 0: float32 has hardly any digits for it
_MEAN = "is the mean over {examples:i} examples"
_OF_THEM = ", of which only those that read {token:token} have any for this row"

_SOFTMAX = TracePhase(
    name="softmax",
    title="Softmax",
    kind="probabilities",
    picture="probabilities",
    shape="exp, then ÷ sum {probabilities:shape}",
    lines=("{target:token} {probabilities[target]}", "highest {likeliest:token} {probabilities[likeliest]}"),
    formula="p({target:token}) = exp(logit − largest) / Σ",
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
    formula="loss = −log p({target:token})",
    explanation="What comes next here is {target:token}, so its probability alone counts: 1 would cost nothing.",
    context="before",
)
_GRADIENT = TracePhase(
    name="gradient",
    title="Gradient",
    kind="signed",
    picture="logit gradient",
    shape="softmax − one-hot {logit gradient:shape}",
    lines=("own {row gradient[-1,target]:+}", "batch {batch gradient[-1,target]:+}"),
    formula="softmax − one-hot: at {target:token} ",
    explanation=(
        "That is the example's own gradient of row {token}. The batch's, {batch gradient[-1,target]:+} in the "
        f"cell of {{target:token}}, {_MEAN}{_OF_THEM}. "
        "{rows_with_gradient:i} of {vocab_size:i} rows got a gradient."
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
        f"rows that were read. The batch's {_MEAN}. "
        "{rows_with_gradient:i} of {vocab_size:i} rows got a gradient."
    ),
    marks=("column",),
)
_TIED = " The head is the table: through its logit each token's row gets a gradient, read or not."
_FROZEN_GRADIENT = replace(
    _GRADIENT,
    lines=("at {target:token} {logit gradient[target]:+}", "row {token}: none, frozen"),
    formula="softmax − one-hot at {target:token} = {logit gradient[target]:+}; the table is frozen and gets none",
    explanation=(
        "The example's own gradient is softmax − one-hot {logit gradient:shape}, taken back to what is trained. "
        "The token table is not: no row of it gets a gradient."
    ),
)


def phases_of(model: LanguageModel, arrays: Arrays, points: Points, example: Example) -> tuple[TracePhase, ...]:
    """Return all phases of a traced step, in order; its numbers and its `example` say which words are true."""
    config = model.config
    gradient = _gradient_of(model, arrays, points)
    if example.losses == 1:
        alone = gradient.explanation.replace(_MEAN + _OF_THEM, "is the same").replace(_MEAN, "is the same")
        gradient = replace(gradient, explanation=alone)
    if "gradient norm" in arrays and float(arrays["gradient norm"]) > config.clip:
        shorter = f" Its norm, {{gradient norm}}, is over {plain(config.clip)}: all of it is shortened to that."
        gradient = replace(gradient, explanation=gradient.explanation + shorter)
    return (
        _batch(model, points, example),
        *model.stages,
        _softmax(arrays, points),
        _loss(arrays, points),
        gradient,
        update(model, arrays, points),
    )


def _gradient_of(model: LanguageModel, arrays: Arrays, points: Points) -> TracePhase:
    if model.rows_are_logits:
        return _gradient(arrays, points)
    if is_frozen(model):
        return _FROZEN_GRADIENT
    return replace(_ROW_GRADIENT, explanation=_ROW_GRADIENT.explanation + _TIED * model.config.tie)


def _softmax(arrays: Arrays, points: Points) -> TracePhase:
    """Return the phase with numbers in its formula, as many digits as it takes for the equation to be true."""
    p, over, total = _p(arrays, points), float(arrays["logit over largest"]), float(arrays["sum of powers"])
    if p < _TINY:
        little = f"below {raised(_TINY_POWER)}"
        return replace(
            _SOFTMAX,
            lines=(f"{{target:token}} {little}", _SOFTMAX.lines[1]),
            formula=f"{_SOFTMAX.formula} = exp({{logit over largest}}) / {{sum of powers}}, {little}",
            explanation=_SOFTMAX.explanation.replace("is {power}.", f"is {little}."),
        )
    digits = true_digits([over, total], lambda logit, powers: math.exp(logit) / powers, p)
    worked = f"exp({{logit over largest:{digits}}}) / {{sum of powers:{digits}}} = " if digits else ""
    return replace(_SOFTMAX, formula=f"{_SOFTMAX.formula} = {worked}{{probabilities[target]}}")


def _loss(arrays: Arrays, points: Points) -> TracePhase:
    """Return the phase; where p is too small, or too near 1, for its log to be the loss, the logits say it."""
    p = _p(arrays, points)
    digits = true_digits([p], lambda value: -math.log(value), float(arrays["loss"])) if not p < _TINY else None
    worked = f"−log {{probabilities[target]:{digits}}}" if digits else "log Σ exp(logit) − logit of {target:token}"
    mean = "this one" if points["examples"] == 1 else "the mean over {examples:i} such losses"
    return replace(
        _LOSS,
        formula=f"{_LOSS.formula} = {worked} = {{loss}} nats{{loss:also}}",
        explanation=f"{_LOSS.explanation} The loss of the batch is {mean}: {{batch loss:loss}}.",
    )


def _gradient(arrays: Arrays, points: Points) -> TracePhase:
    """Return the phase of a model whose rows are logits, with an equation that is true."""
    p, slope = _p(arrays, points), float(arrays["logit gradient"][points["target"]])
    digits = true_digits([p], lambda value: value - 1, slope) if not p < _TINY else None
    worked = f"{{probabilities[target]:{digits}}}" if digits else "p"
    rest = " − 1 = {logit gradient[target]:+}, elsewhere p; the batch's there {batch gradient[-1,target]:+}"
    return replace(_GRADIENT, formula=_GRADIENT.formula + worked + rest)


def _p(arrays: Arrays, points: Points) -> float:
    return float(arrays["probabilities"][points["target"]])


def _where_watched(model: LanguageModel, example: Example) -> str:
    """Return a sentence on what the example has of the watched context: all, as much as is read, or nothing."""
    is_text = model.config.whole_text
    if not example.is_watched:
        if is_text:
            return "The watched context is not in the training part: another example is followed."
        return "The batch does not have the watched context: another of its examples is followed."
    if example.is_whole:
        if is_text:
            return "This is the first place where the watched context stands."
        return "The batch has the context that is watched: it is followed."
    is_one = model.context_length == 1
    read = "{token:token}" if is_one else "{ids:tokens}"
    if len(example.read) == model.context_length:
        if is_text:
            return f"The model reads only {read}: this is the first place where that stands."
        return f"The batch has {read}, which is all that the model reads: it is followed."
    read = read if is_one else f"its last {model.context_length:,} tokens"
    if is_text:
        return (
            f"The model reads only {read}: this is the first place where {{ids:tokens}} stands, the longest end "
            "of the watched context that there is."
        )
    return f"The batch has {{ids:tokens}}, of which the model reads only {read}: it is followed."


def _batch(model: LanguageModel, points: Points, example: Example) -> TracePhase:
    config = model.config
    is_cut = points["last_row"] - points["first_row"] + 1 < points["batch_size"]
    if config.whole_text:
        shape, where = "of all {examples:i} a window {batch ids:shape}", "whole text"
        has = "all of it is the batch"
    else:
        shape = "rows {first_row:i}–{last_row:i} of {batch_size:i}" if is_cut else "ids, targets {batch ids:shape}"
        where = "row {followed_row:i} of {batch_size:i}"
        has = where
    return TracePhase(
        name="batch",
        title="Batch",
        kind="ids",
        picture="batch ids",
        shape=shape,
        lines=("{token:token} → {target:token}", where),
        formula="{ids:tokens} → {target:token}: token {position:nth} of "
        f"{example.tokens:,} of the training part; {has}",
        explanation=(
            "Each token's target is the one that follows it: the targets are the ids, shifted by one. "
            f"{{examples:i}} {'losses are' if points['examples'] != 1 else 'loss is'} averaged. "
            f"{_where_watched(model, example)}"
        ),
        marks=("place",),
    )
