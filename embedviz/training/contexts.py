"""How contexts stand before a model: what of a line it reads, where a text begins, and where an item does.

In a list of items a context never crosses a boundary. For a model that reads a block of fixed length the boundary
stands in place of what belongs to the item before, as often as needed ("..e", "..."); one that reads a window is
given it once, where its windows begin ("." before "mar"). In running text nothing stands before the beginning: the
first contexts are shorter.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from embedviz.models.base import NOTHING, LanguageModel


class Read(NamedTuple):
    """Contexts as a model is given them. What stands behind `last` is never looked back at: models are causal."""

    idx: Tensor  # (N, t)
    last: Tensor  # (N,), where the last token of each stands

    @property
    def first(self) -> Tensor:
        """The first context alone (t,)."""
        return self.idx[0, : int(self.last[0]) + 1]

    def predictions(self, logits: Tensor) -> Tensor:
        """Return what follows each context, (N, V) of `logits` (N, T', V): those of the last T' places."""
        places = self.last - (self.idx.shape[1] - logits.shape[1])
        return logits[torch.arange(len(logits), device=logits.device), places]


class Contexts:
    """Lays contexts out as `model` reads them; `boundary_id` is that of a list of items."""

    def __init__(self, model: LanguageModel, boundary_id: int | None) -> None:
        self._length = model.context_length
        self._block_size = model.config.block_size
        self._boundary_id = boundary_id
        self._reads_block = not model.predicts_everywhere
        self.reads_window = reads_window(model)

    def read(self, contexts: NDArray[np.integer]) -> Read:
        """Return `contexts` (N, t) as the model is given them."""
        ids = torch.from_numpy(contexts.astype(np.int64))  # (N, t), a copy
        if self.reads_window and self._boundary_id is not None:
            return after_boundary(ids, self._block_size, self._boundary_id)
        ids = ids[:, -self._length :]
        if self._reads_block:
            ids = pad(ids, self._block_size, self._boundary_id)
        return Read(ids, torch.full((len(ids),), ids.shape[1] - 1))

    def padded(self, contexts: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return `contexts` (N, t) as the model reads them, side by side: NOTHING stands before a shorter one."""
        idx, last = self.read(contexts)
        places = torch.arange(idx.shape[1]) - (idx.shape[1] - 1 - last)[:, None]  # (N, T)
        found: NDArray[np.int64] = idx.gather(1, places.clamp(min=0)).masked_fill_(places < 0, NOTHING).numpy()
        return found


def reads_window(model: LanguageModel) -> bool:
    """Tell whether the model reads up to so many tokens, from where its window begins; a table reads one."""
    return model.predicts_everywhere and not model.rows_are_logits


def pad(contexts: Tensor, block_size: int, boundary_id: int | None) -> Tensor:
    """Return `contexts` (N, t) as a model of one block reads them: the last `block_size` tokens, or fewer.

    In a list of items (N, block_size), with the boundary in place of whatever stands before the last one.
    """
    contexts = contexts[:, -block_size:]
    if boundary_id is None:
        return contexts
    framed = F.pad(contexts, (block_size - contexts.shape[1], 0), value=boundary_id)  # (N, T)
    return forget_items(framed, boundary_id)


def forget_items(contexts: Tensor, boundary_id: int) -> Tensor:
    """Put the boundary in place of all that stands before the last one in each of `contexts` (N, T)."""
    return contexts.masked_fill_(_places(contexts) < _last_boundary(contexts, boundary_id), boundary_id)


def after_boundary(contexts: Tensor, block_size: int, boundary_id: int) -> Read:
    """Return each of `contexts` (N, t) from its last boundary on, which stands before it if it has none.

    At most the last `block_size` tokens of it: a longer item is read without its boundary.
    """
    framed = F.pad(contexts, (1, 0), value=boundary_id)[:, -block_size:]  # (N, T)
    start = _last_boundary(framed, boundary_id)  # (N, 1)
    end = framed.shape[1] - 1
    return Read(framed.gather(1, (_places(framed) + start).clamp(max=end)), end - start[:, 0])


def _places(contexts: Tensor) -> Tensor:
    return torch.arange(contexts.shape[1], device=contexts.device)  # (T,)


def _last_boundary(contexts: Tensor, boundary_id: int) -> Tensor:
    """Return where the last boundary stands in each of `contexts` (N, T), 0 where none does; (N, 1)."""
    return ((contexts == boundary_id) * _places(contexts)).amax(1, keepdim=True)
