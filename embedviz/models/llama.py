"""A small transformer as LLaMA has it (Touvron et al., 2023, section 2.2): RMSNorm, RoPE, SwiGLU, no biases.

    x = x + attention(norm(x)), queries and keys turned by their positions       (T, C)
    x = x + W2 (silu(W1 norm(x)) * W3 norm(x))                                   (T, C)

RMSNorm (Zhang and Sennrich, 2019) divides each row by its root mean square, and takes no mean off.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.models.block import FeedForward
from embedviz.models.decoder import DecoderLanguageModel

EPSILON = 1e-6  # LLaMA's own
_MULTIPLE = 8  # that the middle of a feed-forward is rounded up to


class RMSNorm(nn.Module):
    """x / sqrt(mean of x^2 + epsilon) * gamma."""

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_embd))  # (C,)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (..., C), each row over its root mean square."""
        return F.rms_norm(x, self.weight.shape, self.weight, EPSILON)


class SwiGLU(FeedForward):
    """W2 (silu(W1 x) * W3 x): a gate opens for what passes (Shazeer, 2020). One matrix holds W1 and W3."""

    formula: ClassVar[str] = "(SiLU(x W1) · x W3) W2"

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.up = nn.Linear(n_embd, 2 * self.width(n_embd), bias=False)
        self.down = nn.Linear(self.width(n_embd), n_embd, bias=False)

    @staticmethod
    def width(n_embd: int) -> int:
        """Return 8 / 3 of the width, rounded up: three matrices so wide weigh as much as two of four times."""
        return -(-8 * n_embd // (3 * _MULTIPLE)) * _MULTIPLE

    def hidden(self, x: Tensor) -> Tensor:
        """Return what stands in the middle (..., F) for `x` (..., C)."""
        gate, value = self.up(x).chunk(2, -1)  # (..., F) each
        return F.silu(gate) * value  # type: ignore[no-any-return]

    @classmethod
    def weight_count(cls, n_embd: int) -> int:
        """Return the three matrices."""
        return 3 * n_embd * cls.width(n_embd)


class LlamaTransformer(DecoderLanguageModel):
    """`n_layer` blocks of RMSNorm, attention and SwiGLU."""

    noun: ClassVar[str] = "A LLaMA-style model"
    feed_forward: ClassVar[type[FeedForward]] = SwiGLU
    has_biases: ClassVar[bool] = False
    norm_formula: ClassVar[str] = "x / root mean square · γ"

    def make_norm(self) -> nn.Module:
        """Return an RMSNorm."""
        return RMSNorm(self.config.n_embd)

    @staticmethod
    def norm_weights(n_embd: int) -> int:
        """Return gamma."""
        return n_embd
