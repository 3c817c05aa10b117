"""Whole texts that have no closed form: read from beginning to end, in pieces, in bounded memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel
from embedviz.training.contexts import forget_items

_CHUNK = 2**20  # numbers that a model makes on its way, at a time: 4 MiB, which stay in the cache
_FEWEST = 64  # contexts at a time: of a large vocabulary, reading the weights again for 8 takes most of the time
_FEWEST_TOKENS = 1024  # the same of windows: fewer cost transformers of 32 to 128 channels up to twice the time


def contexts_together(model: LanguageModel | type[LanguageModel], config: RunConfig, vocab_size: int) -> int:
    """Return how many contexts a reading takes at a time: so few that they stay in the cache, but worth a pass."""
    in_cache = _CHUNK // model.numbers_per_context(config, vocab_size)
    fewest = -(-_FEWEST_TOKENS // config.block_size) if model.predicts_everywhere else _FEWEST
    return min(max(in_cache, fewest), model.contexts_at_once(config, vocab_size))


class ReadText(ABC):
    """A text as batches whose predictions, each made once, are all that there is to predict: `size` in number."""

    floor: float | None = None  # nobody knows how low such a model can go
    size: int
    alone: int = 0  # predictions that take a forward pass each

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._together = contexts_together(model, model.config, model.vocab_size)

    @abstractmethod
    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield idx (n, t) and targets (n, t)."""

    @abstractmethod
    def predictions(self, idx: Tensor) -> int:
        """Return how many predictions the model makes for `idx` (n, t)."""

    def loss(self) -> float:
        """Return the mean loss in nats per token, accumulated in float64 over the batches."""
        total = sum(self.predictions(idx) * self._model.loss(idx, targets) for idx, targets in self.batches())
        return total / self.size

    def accumulate_gradients(self) -> Tensor:
        """Put the gradient of the mean loss into the `.grad` of what is trained; return the loss."""
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        total = torch.zeros((), dtype=torch.float64)
        for idx, targets in self.batches():
            share = self.predictions(idx) / self.size
            total += share * self._model.accumulate_gradients(idx, targets).cpu()
            for part, parameter in zip(sums, parameters, strict=True):
                assert parameter.grad is not None
                part.add_(parameter.grad, alpha=share)
        for part, parameter in zip(sums, parameters, strict=True):
            parameter.grad = part
        return total


class WalkedText(ReadText):
    """A text `ids` (N,), N at least 2, as the contexts before each of its tokens but the first.

    For models that predict only what follows the whole context. Running text has `block_size` - 1 contexts that
    are shorter, at its beginning; sampled batches, which are whole windows, have none of these.
    """

    def __init__(self, model: LanguageModel, ids: Tensor, boundary_id: int | None) -> None:
        super().__init__(model)
        block_size = model.config.block_size
        self._boundary_id = boundary_id
        self._beginning = ids[: block_size if boundary_id is None else 1].long()  # (t,)
        if boundary_id is not None:
            ids = F.pad(ids, (block_size - 1, 0), value=boundary_id)
        whole = len(ids) > block_size
        self._windows = ids.unfold(0, block_size + 1, 1) if whole else ids[:0, None]  # (W, T + 1)
        self.alone = len(self._beginning) - 1
        self.size = self.alone + len(self._windows)

    def predictions(self, idx: Tensor) -> int:
        """One for each context."""
        return len(idx)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield idx (n, t) and targets (n, t), every context once."""
        for t in range(1, len(self._beginning)):
            yield self._beginning[None, :t], self._beginning[None, 1 : t + 1]
        for start in range(0, len(self._windows), self._together):
            windows = self._windows[start : start + self._together].long()  # (n, T + 1), a copy
            if self._boundary_id is not None:
                forget_items(windows[:, :-1], self._boundary_id)
            yield windows[:, :-1], windows[:, 1:]


class WindowedText(ReadText):
    """A text `ids` (N,), N at least 2, as windows side by side: each token but the first is predicted once.

    For models that predict at each place of a window. The last window is shorter where they do not come out even.
    """

    def __init__(self, model: LanguageModel, ids: Tensor) -> None:
        super().__init__(model)
        self._ids = ids
        self._block_size = model.config.block_size
        self.size = len(ids) - 1

    def predictions(self, idx: Tensor) -> int:
        """One at each place."""
        return idx.numel()

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield idx (n, t) and targets (n, t), every window once."""
        even = self.size - self.size % self._block_size  # tokens in whole windows
        step = self._together * self._block_size
        for start in range(0, even, step):
            yield self._windows(start, min(start + step, even), self._block_size)
        if even < self.size:
            yield self._windows(even, self.size, self.size - even)

    def _windows(self, start: int, end: int, length: int) -> tuple[Tensor, Tensor]:
        ids = self._ids[start : end + 1].long()
        return ids[:-1].view(-1, length), ids[1:].view(-1, length)
