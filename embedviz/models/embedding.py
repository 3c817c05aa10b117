"""Where a transformer begins: a row of a table for each token, and one for each position, added up.

    x[t] = E[ids[t]] * s + P[t]                             (T, C)

with s = 1, or sqrt(C) as in "Attention Is All You Need" (Vaswani et al., 2017, section 3.4), and without P where
positions come in otherwise, or not at all. Making the tables is one act, which happens once; looking up is
another, and changes nothing.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz.config import RunConfig
from embedviz.models.base import one_hot_difference
from embedviz.models.initialization import STARTS, make_generator


class TokenPositionEmbedding(nn.Module):
    """A table for tokens (V, C), and one for positions (T, C) if `config.position` is "learned"."""

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__()
        self._config = config
        self.scale = math.sqrt(config.n_embd) if config.scale_embeddings else 1.0
        self.token = nn.Parameter(torch.empty(vocab_size, config.n_embd))  # (V, C)
        self.token.requires_grad_(not config.freeze_embeddings)
        has_positions = config.position == "learned"
        self.position = nn.Parameter(torch.empty(config.block_size, config.n_embd)) if has_positions else None

    def forward(self, idx: Tensor) -> Tensor:
        """Return the rows of `idx` (B, T), T up to block_size, with their positions: (B, T, C)."""
        x = F.embedding(idx, self.token)  # (B, T, C)
        if self.scale != 1:
            x = x * self.scale
        return x if self.position is None else x + self.position[: idx.shape[1]]

    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Make the tables, each from random numbers of its own; `ids` (N,) is the training part."""
        start = STARTS[self._config.init]
        start(self.token, ids, generator)
        if self.position is not None:
            start(self.position, ids, make_generator(self._config.seed, "position table"))

    def tables(self) -> dict[str, Tensor]:
        """Return the tables by name."""
        return {"token": self.token, **({} if self.position is None else {"position": self.position})}

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        """Return which rows of each table stand for `ids` (T,)."""
        places = torch.arange(len(ids), device=ids.device)  # (T,)
        return {"token": ids, **({} if self.position is None else {"position": places})}

    def trace(self, idx: Tensor) -> dict[str, Tensor]:
        """Return all that is made of `idx` (T,), by name: the last is what the layers after it get, (T, C)."""
        rows = self.token.detach()[idx]  # (T, C)
        made = {"ids": idx, "rows": rows, "one-hot difference": one_hot_difference(self.token, idx, rows)}
        if self._config.scale_embeddings:
            made["scaled rows"] = rows = rows * self.scale
        if self.position is not None:
            made["position rows"] = self.position.detach()[: len(idx)]
            made["sum"] = rows + made["position rows"]
        return made

    @staticmethod
    def weight_parts(config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return how many weights the tables have."""
        parts = {"token table": vocab_size * config.n_embd}
        if config.position == "learned":
            parts["position table"] = config.block_size * config.n_embd
        return parts


def smaller_tables(config: RunConfig) -> str:
    """Return a sentence on what makes tables, and a head as large as the one of tokens, take less."""
    tied = "" if config.tie else "a tied head, "
    return f"Choose a smaller embedding width, {tied}or a tokenizer with fewer tokens."
