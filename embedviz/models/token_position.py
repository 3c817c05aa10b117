"""Token + position: two tables, their rows added up, and one linear layer that reads the sum.

    x      = E[ids[t]] + P[t]                               (T, C)
    logits = x W^T + b                                      (T, V)

It predicts after each token from that token and its place alone: no position sees another.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz.config import RunConfig
from embedviz.models.base import BYTES_PER_WEIGHT, LanguageModel, SizePart, traced_bytes
from embedviz.models.embedding import TokenPositionEmbedding, smaller_tables
from embedviz.models.initialization import LAYER_STARTS, LOGITS_GAIN, make_generator
from embedviz.models.stages import head, input_name, look_up


class TokenPositionModel(LanguageModel):
    """A token table (V, C), a position table (T, C) unless there is none, and a head (V, C) with bias (V,)."""

    noun: ClassVar[str] = "A token + position model"

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.embedding = TokenPositionEmbedding(config, vocab_size)
        self.head = nn.Linear(config.n_embd, vocab_size)
        if config.tie:
            self.head.weight = self.embedding.token
        last = f"{input_name(config)}[-1]"
        self.stages = (*look_up(config), head(config, last, is_tied=config.tie, has_bias=True))

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the logits (B, T, V) of what follows each token of `idx` (B, T), and the mean loss."""
        logits = self.head(self.embedding(idx))  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, self.vocab_size), targets.reshape(-1))

    @torch.no_grad()
    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Set both tables to the start `config.init`, the head to `config.layer_init`, its bias to 0."""
        self.embedding.initialize(ids, generator)
        if not self.config.tie:
            start = LAYER_STARTS[self.config.layer_init]
            start(self.head.weight.T, make_generator(self.config.seed, "head"), LOGITS_GAIN)
        self.head.bias.zero_()

    def lookup_tables(self) -> dict[str, Tensor]:
        """Return the token table (V, C), and that of positions (T, C) if there is one."""
        return self.embedding.tables()

    @property
    def context_length(self) -> int:
        """It knows `block_size` positions; of the tokens it reads the last alone."""
        return self.config.block_size

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        """Return which row of each table stands for `ids` (T,)."""
        return self.embedding.rows_read(ids)

    @torch.no_grad()
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:
        """Return ids (T,), rows (T, C), with positions these and the sum, logits and probabilities (V,)."""
        made = self.embedding.trace(idx[-self.context_length :])
        x = made[input_name(self.config)][-1]  # (C,)
        if target is not None:
            made["head row"] = self.head.weight.detach()[target]  # (C,)
        made["logits"] = self.head(x)  # (V,)
        made["probabilities"] = torch.softmax(made["logits"], 0)
        return made

    def points(self, trace: dict[str, Tensor]) -> dict[str, int]:
        """Return the "likeliest" token, the "last place", and the column that its position changes most."""
        points = {"likeliest": int(trace["logits"].argmax()), "last place": len(trace["ids"]) - 1}
        if "position rows" in trace:
            points["column of sum"] = int(trace["position rows"][-1].abs().argmax())
        return points

    @torch.no_grad()
    def layers(self, idx: Tensor) -> dict[str, Tensor]:
        """Return the rows and their sums with positions for the windows `idx` (N, T), each (N, T, C)."""
        rows = F.embedding(idx, self.embedding.token) * self.embedding.scale  # (N, T, C)
        return {"rows": rows, **({} if self.embedding.position is None else {"sum": self.embedding(idx)})}

    @classmethod
    def weight_parts(cls, config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return the tables, and the head; of a tied head the bias alone."""
        width = 1 if config.tie else config.n_embd + 1
        return {**TokenPositionEmbedding.weight_parts(config, vocab_size), "head": vocab_size * width}

    @classmethod
    def numbers_per_context(cls, config: RunConfig, vocab_size: int) -> int:
        """Return the rows, sums and logits of a window of T tokens, and their gradients."""
        return 2 * config.block_size * (2 * config.n_embd + vocab_size)

    @classmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        """Return the parts with gradient and optimiser state, traced, and what a batch makes on its way."""
        sums = BYTES_PER_WEIGHT if config.whole_text else 0  # the gradients of a text's chunks are summed up
        parts = cls.weight_parts(config, vocab_size)
        windows = max(config.batch_size, cls.contexts_at_once(config, vocab_size))
        made = BYTES_PER_WEIGHT * windows * cls.numbers_per_context(config, vocab_size)
        return [
            *(
                SizePart(f"the {name}", traced_bytes(config, count) + sums * count, smaller_tables(config))
                for name, count in parts.items()
            ),
            SizePart("a batch", made, "Choose a smaller batch, or a smaller block size."),
        ]
