"""The contexts of models that predict only what follows the whole window: where a text begins, and where an item.

In a list of items a context never crosses a boundary: in place of what belongs to the item before stands the
boundary token, as often as needed ("..e", "..."). In running text nothing stands before the beginning: its
first contexts are shorter.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from embedviz.models.base import LanguageModel

_CHUNK = 2**20  # numbers that a model makes on its way, at a time: 4 MiB, which stay in the cache
_FEWEST = 64  # contexts at a time: with a large vocabulary, reading the weights again for 8 takes most of the time


def pad(contexts: Tensor, block_size: int, boundary_id: int | None) -> Tensor:
    """Return `contexts` (N, t) as such a model reads them: the last `block_size` tokens, or fewer.

    In a list of items (N, block_size), with the boundary in place of whatever stands before the last one.
    """
    contexts = contexts[:, -block_size:]
    if boundary_id is None:
        return contexts
    framed = F.pad(contexts, (block_size - contexts.shape[1], 0), value=boundary_id)  # (N, T)
    return forget_items(framed, boundary_id)


def forget_items(contexts: Tensor, boundary_id: int) -> Tensor:
    """Put the boundary in place of all that stands before the last one in each of `contexts` (N, T)."""
    places = torch.arange(contexts.shape[1], device=contexts.device)  # (T,)
    last = ((contexts == boundary_id) * places).amax(1, keepdim=True)  # (N, 1)
    return contexts.masked_fill_(places < last, boundary_id)


class WalkedText:
    """A text `ids` (N,), N at least 2, as the contexts before each of its tokens but the first: all are read.

    It takes as long as it takes, but no more memory than `contexts_at_once`. Running text has `block_size` - 1
    contexts that are shorter, at its beginning; sampled batches, which are whole windows, have none of these.
    """

    floor: float | None = None  # nobody knows how low such a model can go

    def __init__(self, model: LanguageModel, ids: Tensor, boundary_id: int | None) -> None:
        config = model.config
        self._model = model
        self._boundary_id = boundary_id
        self._beginning = ids[: config.block_size if boundary_id is None else 1].long()  # (t,)
        if boundary_id is not None:
            ids = F.pad(ids, (config.block_size - 1, 0), value=boundary_id)
        whole = len(ids) > config.block_size
        self._windows = ids.unfold(0, config.block_size + 1, 1) if whole else ids[:0, None]  # (W, T + 1)
        in_cache = _CHUNK // model.numbers_per_context(config, model.vocab_size)
        self._chunk = min(max(in_cache, _FEWEST), model.contexts_at_once(config, model.vocab_size))
        self.short = len(self._beginning) - 1  # contexts, read one by one
        self.size = self.short + len(self._windows)  # contexts in all

    def loss(self) -> float:
        """Return the mean loss in nats per token, accumulated in float64 over the chunks."""
        total = sum(len(idx) * self._model.loss(idx, targets) for idx, targets in self._batches())
        return total / self.size

    def accumulate_gradients(self) -> Tensor:
        """Put the gradient of the mean loss into the parameters' `.grad`; return the loss."""
        parameters = list(self._model.parameters())
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        total = torch.zeros((), dtype=torch.float64)
        for idx, targets in self._batches():
            share = len(idx) / self.size
            total += share * self._model.accumulate_gradients(idx, targets).cpu()
            for part, parameter in zip(sums, parameters, strict=True):
                assert parameter.grad is not None
                part.add_(parameter.grad, alpha=share)
        for part, parameter in zip(sums, parameters, strict=True):
            parameter.grad = part
        return total

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield idx (n, t) and targets (n, t), every context once."""
        for t in range(1, len(self._beginning)):
            yield self._beginning[None, :t], self._beginning[None, 1 : t + 1]
        for start in range(0, len(self._windows), self._chunk):
            windows = self._windows[start : start + self._chunk].long()  # (n, T + 1), a copy
            if self._boundary_id is not None:
                forget_items(windows[:, :-1], self._boundary_id)
            yield windows[:, :-1], windows[:, 1:]
