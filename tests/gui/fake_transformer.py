"""A traced step of a transformer with random numbers: names, shapes and phases as the trainer tells them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from test_fake_trainer import PHASES, step_trace

from embedviz.trace import StepTrace, TracePhase

Arrays = dict[str, NDArray[Any]]


def transformer_trace(
    vocab_size: int, ids: NDArray[np.int64], *, blocks: int, heads: int = 4, width: int = 32, step: int = 0
) -> StepTrace:
    """Return a step of a transformer of so many `blocks` on one window of `ids` (T,), its last token followed."""
    generator = np.random.default_rng(step)
    table = generator.normal(0, 0.1, (vocab_size, vocab_size)).astype(np.float32)
    window = np.array(ids, np.int64)[None]  # (1, T)
    base = step_trace(table, window, np.roll(window, -1), reads=window.shape[1], step=step)
    length = window.shape[1]

    def stream(*shape: int) -> NDArray[Any]:
        return generator.normal(0, 1, shape).astype(np.float32)

    arrays = dict(base.arrays) | {"rows": stream(length, width)}
    arrays |= {"position rows": stream(length, width), "sum": stream(length, width)}
    for block in range(1, blocks + 1):
        arrays |= _of_block(f"block {block} ", generator, heads, length, width)
    arrays |= {
        "norm": stream(length, width),
        "row gradient": stream(length, width),
        "before": stream(length, width),
    }
    arrays |= {"batch gradient": stream(length, width), "difference": stream(length, width) / 100}
    arrays["after"] = arrays["before"] + arrays["difference"]
    points = base.points | {"column": 3, "target": base.points["target"] % width}
    kept = {name: np.array(array) for name, array in arrays.items()}
    return StepTrace(step, kept, points, phases_of(blocks), True)


def phases_of(blocks: int) -> tuple[TracePhase, ...]:
    """Return the phases of a transformer with learned positions, in order."""
    batch, lookup, logits, softmax, loss, gradient, update = PHASES
    sizes = "{rows:shape}"
    positions = _cells("positions", "Add positions", "sum", f"+ rows of positions {sizes}")
    before = [batch, replace(lookup, formula="rows of {ids:tokens}"), positions]
    within = [phase for block in range(1, blocks + 1) for phase in _phases_of_block(block, sizes)]
    after = [
        _cells("norm", "Norm", "norm", "LayerNorm {norm:shape}"),
        replace(logits, formula="norm · W_head + b", shape="last row · W {logits:shape}"),
        softmax,
        loss,
        replace(gradient, picture="row gradient", marks=("column",)),
        update,
    ]
    return (*before, *within, *after)


def _phases_of_block(block: int, sizes: str) -> list[TracePhase]:
    name, array = f"block-{block}", f"block {block}"
    weights = TracePhase(
        f"{name}-attention",
        f"{block} · Attention",
        "weights",
        f"{array} attention last",
        f"softmax(q · kᵀ / √d) {{{array} attention last:shape}}",
        (f"head 1: {{{array} attention last[0,-1]}}", "on {token:token}"),
        f"block {block}: each head mixes values of {{ids:tokens}}",
        "Each row adds up to 1. It looks back only.",
    )
    return [
        _cells(f"{name}-norm-1", f"{block} · Norm", f"{array} norm 1", f"LayerNorm {sizes}"),
        weights,
        _cells(f"{name}-add-1", f"{block} · Add", f"{array} stream 1", f"stream + attention {sizes}"),
        _cells(f"{name}-norm-2", f"{block} · Norm", f"{array} norm 2", f"LayerNorm {sizes}"),
        _cells(
            f"{name}-feed-forward",
            f"{block} · Feed-forward",
            f"{array} hidden",
            f"4 × wider {{{array} hidden:shape}}",
        ),
        _cells(f"{name}-add-2", f"{block} · Add", f"{array} stream 2", f"stream + that {sizes}"),
    ]


def _cells(name: str, title: str, picture: str, shape: str) -> TracePhase:
    lines = (f"{{{picture}[-1,0]:+}} at 0", f"{{{picture}[-1,column]:+}} at {{column}}")
    formula = f"{title} of block: {{{picture}[-1]:vector}}"
    return TracePhase(name, title, "signed", picture, shape, lines, formula, "The last row predicts.")


def _of_block(prefix: str, generator: np.random.Generator, heads: int, length: int, width: int) -> Arrays:
    def stream(columns: int) -> NDArray[Any]:
        return generator.normal(0, 1, (length, columns)).astype(np.float32)

    scores = np.tril(np.exp(generator.normal(0, 2, (heads, length, length))))  # (H, T, T)
    attention = (scores / scores.sum(-1, keepdims=True)).astype(np.float32)
    arrays: Arrays = {"norm 1": stream(width), "attention": attention, "attention last": attention[:, -1]}
    arrays |= {"attention out": stream(width), "stream 1": stream(width), "norm 2": stream(width)}
    arrays |= {"hidden": stream(4 * width), "feed-forward out": stream(width), "stream 2": stream(width)}
    return {f"{prefix}{name}": array for name, array in arrays.items()}
