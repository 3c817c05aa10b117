"""A look at a run takes no more memory than a step: what is made at once is recorded, operation by operation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from windowed_runs import TRANSFORMER

from embedviz.config import RunConfig
from embedviz.models import base, bigram
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training import tracing
from embedviz.training.session import TrainingSession

BATCH = 200
MLP = RunConfig().with_model("mlp").replace(hidden=8, n_embd=4, batch_size=BATCH)
BIGRAM = RunConfig(batch_size=BATCH, block_size=64, init="normal-1")


class Sizes(TorchDispatchMode):
    """Keeps the size, in bytes, of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() * leaf.element_size() for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]
        self.largest = max(self.largest, *sizes, 0)
        return found


def largest(action: Callable[[], object]) -> int:
    with Sizes() as sizes:
        action()
    return sizes.largest


def text(vocab_size: int) -> Dataset:
    ids = np.random.default_rng(0).integers(0, vocab_size, 4000)
    return make_dataset(ids.astype(np.uint16), vocab_size, 0.1)


@pytest.mark.parametrize(
    ("config", "vocab_size"),
    [(BIGRAM, 20), (BIGRAM, 600), (MLP, 300), (TRANSFORMER.replace(batch_size=BATCH), 300)],
)
def test_looking_takes_no_more_than_a_step(
    config: RunConfig, vocab_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_NUMBERS_AT_ONCE", 2**14)
    monkeypatch.setattr(bigram, "_CHUNK", 2**12)
    session = TrainingSession(config, text(vocab_size))
    next(session)
    step = largest(lambda: next(session))
    contexts = np.zeros((16, config.block_size), np.int64)
    for action in (
        lambda: session.is_healthy,
        session.checkpoint,
        lambda: session.losses_within(0.0),
        lambda: session.logits(contexts),
        lambda: session.trace_step(contexts[0]),
        session.layer_stats,
        lambda: session.attention(contexts[0], 0),
    ):
        assert largest(action) <= step


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("config", [TRANSFORMER, TRANSFORMER.with_model("token-position")])
def test_a_trace_keeps_what_its_size_says(config: RunConfig, optimizer: str) -> None:
    session = TrainingSession(config.replace(optimizer=optimizer), text(300))
    next(session)
    own = {p: p.grad for p in session._model.parameters()}
    states = session._optimizer.state.values()
    kept = [*own, *own.values(), *(values for state in states for values in state.values() if values.dim())]
    with tracing._undone(session._model, session._optimizer, session._batches.generator) as before:
        session._accumulate()
        copies = [values for state in before.states.values() for values in state.values() if values.dim()]
        kept += [*before.weights.values(), *(p.grad for p in session._model.parameters()), *copies]
        assert len({values.data_ptr() for values in kept}) == len(kept)  # all of it at once
        size = base.traced_bytes(session.config, session.parameters_count)
        assert sum(values.nbytes for values in kept) == size


def test_a_health_check_reads_a_large_batch_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 7)
    session = TrainingSession(TRANSFORMER.replace(batch_size=BATCH), text(300))
    forward, read = session._model.forward, []
    monkeypatch.setattr(session._model, "forward", lambda *args: read.append(len(args[0])) or forward(*args))
    assert session.is_healthy
    assert (max(read), sum(read)) == (7, BATCH)
    read.clear()
    next(session)
    assert read == [BATCH]


@pytest.mark.parametrize("vocab_size", [20, 600])
@pytest.mark.parametrize("chunk", [1, 1000, 2**22])
def test_the_loss_of_a_table_is_the_same_in_parts(
    chunk: int, vocab_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigram, "_CHUNK", chunk)
    session = TrainingSession(BIGRAM.replace(batch_size=9), text(vocab_size))
    idx, targets = session._batches.draw()
    logits = session._model.forward(idx)[0].double().flatten(0, 1)
    expected = torch.nn.functional.cross_entropy(logits, targets.flatten()).item()
    assert session._model.loss(idx, targets) == pytest.approx(expected, rel=1e-6)
