"""What is looked at of a run between its steps: nothing of it changes for that, nor draws a random number."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedviz.analysis.layers import summarize_layer
from embedviz.models.base import LanguageModel
from embedviz.training.contexts import Contexts, Read

Floats = NDArray[np.float32]

MOST_ATTENDED = 128
"""Positions, the last of a context, that attention is shown of."""

_LAYER_NUMBERS = 2**19  # that all layers put out together, at most, where they are looked at


class StartFacts(NamedTuple):
    """A model as it was made, before any step."""

    parts: dict[str, int]  # weights, part by part
    table_std: dict[str, float]  # of each lookup table
    first_loss: float  # nats per token: of the training part where there is a closed form, else of a sample

    @classmethod
    def of(cls, model: LanguageModel, first_loss: float) -> "StartFacts":
        """Describe `model` as it is now."""
        tables = model.lookup_tables().items()
        std = {name: table.detach().std(correction=0).item() for name, table in tables}
        return cls(model.weight_parts(model.config, model.vocab_size), std, first_loss)


class Looker:
    """Asks `model` about contexts, and about the windows `sample` (N, T), the same for the whole run."""

    def __init__(self, model: LanguageModel, boundary_id: int | None, sample: Tensor) -> None:
        self.contexts = Contexts(model, boundary_id)
        self._model = model
        self._sample = sample
        self._probe: Tensor | None = None  # (n, t), as much of the sample as layers are looked at with
        self._asked: NDArray[np.integer] | None = None
        self._read = Read(torch.zeros(0, 1), torch.zeros(0))

    @torch.no_grad()
    def logits(self, contexts: NDArray[np.integer]) -> Floats:
        """Return the logits (N, V) of what follows `contexts` (N, t), few at a time where they are large."""
        if contexts is not self._asked:  # the same are asked for sixty times a second
            self._asked, self._read = contexts, self.read(contexts)
        at_once = self._model.contexts_at_once(self._model.config, self._model.vocab_size)
        found = []
        for part in zip(*(torch.split(tensor, at_once) for tensor in self._read), strict=True):
            some = Read(*part)
            found.append(some.predictions(self._model.forward(some.idx)[0]))
        return copy(torch.cat(found))

    def trace(self, context: NDArray[np.integer]) -> dict[str, NDArray[np.generic]]:
        """Return copies of all that the model computes of one `context` (t,), by name and in order."""
        if self._reads_one:
            idx = torch.from_numpy(context.astype(np.int64)).to(self._sample.device)  # (t,)
        else:
            idx = self.read(context[None]).first
        return {name: copy(array) for name, array in self._model.trace(idx).items()}

    def to_trace(self, context: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return `context` (t,) as it is looked for in a batch; no batch has an empty one."""
        ids: NDArray[np.int64] = context.astype(np.int64)
        if len(ids) and not self._reads_one:
            ids = self.read(ids[None]).first.cpu().numpy()
        return ids

    def activations(self, limit: int) -> dict[str, Floats]:
        """Return the hidden layers, {"hidden": (N, H)}, on the first `limit` windows of the sample."""
        return {name: copy(layer) for name, layer in self._model.activations(self._sample[:limit]).items()}

    @torch.no_grad()
    def layer_stats(self) -> dict[str, Floats]:
        """Return what the layers put out, {"block 1 attention": (STATS,), ...}, as analysis.layers sums it up."""
        if self._probe is None:
            a_token = sum(layer.numel() for layer in self._model.layers(self._sample[:1, :1]).values())
            tokens, length = max(1, _LAYER_NUMBERS // max(1, a_token)), self._sample.shape[1]
            self._probe = self._sample[: max(1, tokens // length), :tokens]
        layers = self._model.layers(self._probe).items()
        return {name: summarize_layer(layer.detach().cpu().numpy()) for name, layer in layers}

    @torch.no_grad()
    def attention(self, context: NDArray[np.integer], layer: int) -> dict[str, Floats]:
        """Return weights (H, t, t), queries and keys (H, t, D) of one `context`, its last MOST_ATTENDED places."""
        if not (len(context) and 0 <= layer < self._model.attention_layers):
            return {}
        found = self._model.attention(self.read(context[None]).first, layer)
        last = slice(-MOST_ATTENDED, None)
        found["weights"] = found["weights"][..., last]
        return {name: copy(array[:, last]) for name, array in found.items()}

    def read(self, contexts: NDArray[np.integer]) -> Read:
        """Return `contexts` (N, t) as the model is given them, where it computes."""
        idx, last = self.contexts.read(contexts)
        return Read(idx.to(self._sample.device), last.to(self._sample.device))

    @property
    def _reads_one(self) -> bool:
        """Whether the model reads one token, and is told of the others all the same: each has a row."""
        return self._model.predicts_everywhere and not self.contexts.reads_window


def copy(tensor: Tensor) -> Floats:
    """Return an array of its own."""
    return np.array(tensor.detach().cpu().numpy())
