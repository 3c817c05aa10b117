"""Positions as rotations (RoPE; Su et al., 2021, section 3.2.2), in the pairs that LLaMA turns.

Numbers 2i and 2i + 1 of a query or a key at position m are one point of a plane, and turn by the angle m * f(i):

    (a, b) -> (a cos - b sin, a sin + b cos),        f(i) = 10000 ** (-2i / D)

The dot product of two turned vectors depends on their distance alone, since a rotation by m against one by n
is one by m - n.
"""

import torch
from torch import Tensor, nn

BASE = 10_000.0


class Rotation(nn.Module):
    """Turns the vectors at positions 0 to `block_size` - 1, of an even `head_size` D."""

    cos: Tensor  # (T, D / 2)
    sin: Tensor  # (T, D / 2)

    def __init__(self, head_size: int, block_size: int) -> None:
        super().__init__()
        speed = BASE ** (-torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)  # (D / 2,)
        angle = torch.arange(block_size, dtype=torch.float64)[:, None] * speed  # (T, D / 2)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (..., T, D) with each vector turned by its position."""
        cos, sin = self.cos[: x.shape[-2]], self.sin[: x.shape[-2]]  # (T, D / 2)
        a, b = x[..., 0::2], x[..., 1::2]  # (..., T, D / 2)
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)  # (..., T, D)
