"""A block of a transformer: attention and a feed-forward, which read the stream through norms and add to it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

from embedviz.models.attention import CausalSelfAttention

_MAPPED = 128  # positions: of more a trace keeps the last row of each map, not the maps of all layers


class FeedForward(nn.Module, ABC):
    """Two layers with a width F between them; `formula` says it in a line."""

    formula: ClassVar[str]
    up: nn.Linear
    down: nn.Linear

    @staticmethod
    @abstractmethod
    def width(n_embd: int) -> int:
        """Return F."""

    @abstractmethod
    def hidden(self, x: Tensor) -> Tensor:
        """Return what stands in the middle (..., F) for `x` (..., C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what is added to the stream (..., C) for `x` (..., C)."""
        return self.down(self.hidden(x))  # type: ignore[no-any-return]

    @classmethod
    @abstractmethod
    def weight_count(cls, n_embd: int) -> int:
        """Return how many weights it has."""


class Block(nn.Module):
    """Attention and feed-forward, each reading the stream through a norm and adding to it."""

    def __init__(
        self, norm_1: nn.Module, attention: CausalSelfAttention, norm_2: nn.Module, feed_forward: FeedForward
    ) -> None:
        super().__init__()
        self.norm_1 = norm_1
        self.attention = attention
        self.norm_2 = norm_2
        self.feed_forward = feed_forward

    def forward(self, x: Tensor) -> Tensor:
        """Return the stream `x` (B, T, C) after this block."""
        x = x + self.attention(self.norm_1(x))
        return x + self.feed_forward(self.norm_2(x))  # type: ignore[no-any-return]

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield what the block makes of the stream `x` (T, C), by name; the last is the stream after it."""
        yield "norm 1", (normed := self.norm_1(x))  # (T, C)
        seen = self.attention.look(normed)
        if len(x) <= _MAPPED:
            yield "attention", seen["weights"]  # (H, T, T)
        yield "attention last", seen["weights"][:, -1]  # (H, T)
        yield "scores last", seen["scores"][:, -1]  # (H, T)
        yield "attention out", seen["out"]  # (T, C)
        yield "stream 1", (x := x + seen["out"])
        yield "norm 2", (normed := self.norm_2(x))
        yield "hidden", (hidden := self.feed_forward.hidden(normed))  # (T, F)
        yield "feed-forward out", (out := self.feed_forward.down(hidden))  # (T, C)
        yield "stream 2", x + out
