"""An own line, a model with attention and a trainer's snapshots of it, without any trainer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.engine.messages import Reading
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import looked_up_ids
from embedviz.gui.documents import Document
from embedviz.gui.state import AppState, Phase, RunStatus
from embedviz.text.corpus import Corpus, read_corpus

LLAMA = RunConfig().with_model("llama")  # 4 heads of 8 numbers, 2 layers, 8 positions


class FakeController:
    """Takes what the views ask for, as RunController does."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self.asked: list[int] = []

    def watch_attention(self, layer: int) -> None:
        if layer != self._state.attention_layer:
            self._state.attention_layer = layer
            self.asked.append(layer)


def open_text(path, config: RunConfig, line: str, text: str = "the cat sat on the mat.\n" * 8) -> AppState:
    """Return a state that has a text open and a run of it paused."""
    path.write_text(text)
    corpus = read_corpus(path)
    corpus = Corpus(corpus.name, corpus.parts, config.per_line)
    state = AppState()
    state.config = config
    state.run = RunStatus(Phase.PAUSED, "run-1", config)
    state.set_document(Document.make(corpus, config), line)
    return state


def causal_weights(heads: int, count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return weights (H, T, T): softmax of random scores, 0 for what is ahead."""
    scores = np.random.default_rng(seed).normal(size=(heads, count, count)) * 2
    scores[:, np.triu(np.ones((count, count), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def snapshot_of(
    state: AppState,
    step: int = 120,
    most: int = 128,
    layer: int | None = None,
    longer: NDArray[np.int64] | None = None,
) -> Snapshot:
    """Return what a trainer sends of the selected context; row r is the same in every context that begins so.

    With `longer` also what it sends of a longer one, of which it reads these ids.
    """
    config = state.config
    ids = [token for token in looked_up_ids(state) if token is not None]
    count, heads = len(ids), config.n_head
    last = slice(-most, None)
    vectors = np.random.default_rng(step).normal(size=(2, heads, 1024, config.n_embd // heads))
    attention: dict[str, NDArray[Any]] = {
        "weights": causal_weights(heads, 1024 if count > 64 else 64, step)[:, :count, :count][:, last, last],
        "queries": vectors[0, :, :count].astype(np.float32)[:, last],
        "keys": vectors[1, :, :count].astype(np.float32)[:, last],
    }
    if longer is not None:
        more = len(longer)
        attention["longer weights"] = causal_weights(heads, 64, step)[:, :more, :more]
        attention["longer queries"] = vectors[0, :, :more].astype(np.float32)
        attention["longer keys"] = vectors[1, :, :more].astype(np.float32)
        attention["longer read"] = longer
    return Snapshot(
        "run-1",
        step,
        0.0,
        Reading(step, 1.0, None, False),
        {},
        {},
        state.context_ids[None],
        np.zeros((1, 1), np.float32),
        attention=attention,
        attention_layer=max(0, state.attention_layer) if layer is None else layer,
    )
