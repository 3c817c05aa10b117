"""Sampled batches: windows of text, one random number each and one gather for all of them.

In a list of items a boundary token stands between any two, so that no pair crosses from one into the next. For
models that predict only what follows a whole window, no window does either.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from embedviz.text.dataset import Ids
from embedviz.training.contexts import forget_items


def to_tensor(ids: Ids) -> Tensor:
    """Return a copy of `ids` (N,) in the smallest type that torch can gather from."""
    return torch.from_numpy(ids.astype(np.uint8 if ids.dtype == np.uint8 else np.int32))


class Batches:
    """Draws batches of `batch_size` windows from `ids` (N,), N at least 2, on the device where `ids` are.

    `block_size` is what was asked for, or N - 1 where the text is too short for that. Numbers are drawn on
    the CPU, so that a seed gives the same windows on every device. With a `boundary_id` windows are contexts
    within one item, and each token but the first is as likely to be predicted.
    """

    def __init__(
        self,
        ids: Tensor,
        batch_size: int,
        block_size: int,
        generator: Generator,
        boundary_id: int | None = None,
    ) -> None:
        self.padding = 0 if boundary_id is None else block_size - 1  # boundaries put before the text
        if boundary_id is not None:
            ids = F.pad(ids, (self.padding, 0), value=boundary_id)
        self.ids = ids  # (N,), with the padding
        self.block_size = min(block_size, len(ids) - 1)
        self.generator = generator
        self._shape = (batch_size,)
        self._device = ids.device
        self._boundary_id = boundary_id
        self._windows = ids.unfold(0, self.block_size + 1, 1)  # (N - T, T + 1), a view

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return the next idx (B, T) and targets (B, T), int64."""
        return self.at(self.draw_starts())

    def draw_starts(self) -> Tensor:
        """Return where in `ids` the next windows begin (B,), on the CPU."""
        return torch.randint(len(self._windows), self._shape, generator=self.generator)  # (B,)

    def at(self, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Return idx (B, T) and targets (B, T) of the windows that begin at `starts` (B,)."""
        windows = self._windows.index_select(0, starts.to(self._device)).long()  # (B, T + 1)
        if self._boundary_id is not None:
            forget_items(windows[:, :-1], self._boundary_id)
        return windows[:, :-1], windows[:, 1:]
