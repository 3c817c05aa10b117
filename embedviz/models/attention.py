"""Causal multi-head self-attention (Vaswani et al., 2017, section 3.2): each position takes from those before it.

Each of H heads makes a query, a key and a value of D = C / H numbers for every position:

    weights = softmax(q k^T / sqrt(D)),  0 wherever a position would look ahead     (H, T, T)
    out     = the heads' weights v, side by side, times a projection                (T, C)

One matrix makes all queries, keys and values at once, which is the same and quicker than one for each head.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.models.rotation import Rotation


class CausalSelfAttention(nn.Module):
    """H = `n_head` heads over a width C = `n_embd`; `rotation` turns queries and keys, if there is one."""

    def __init__(self, n_embd: int, n_head: int, rotation: Rotation | None, *, bias: bool) -> None:
        super().__init__()
        self.n_head = n_head
        self.rotation = rotation
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.projection = nn.Linear(n_embd, n_embd, bias=bias)

    def heads(self, x: Tensor) -> Tensor:
        """Return queries, keys and values (3, B, H, T, D) of `x` (B, T, C)."""
        batch, time, _ = x.shape
        return self.qkv(x).view(batch, time, 3, self.n_head, -1).permute(2, 0, 3, 1, 4)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Return what each position of `x` (B, T, C) takes from itself and those before it (B, T, C)."""
        q, k, v = self.heads(x)  # (B, H, T, D) each
        if self.rotation is not None:
            q, k = self.rotation(torch.stack((q, k)))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        return self.projection(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    @torch.no_grad()
    def look(self, x: Tensor) -> dict[str, Tensor]:
        """Return what `forward` does with one `x` (T, C), written out.

        "queries" and "keys" (H, T, D) before they are turned, "scores" and "weights" (H, T, T), "out" (T, C).
        """
        queries, keys, values = self.heads(x[None])[:, 0]  # (H, T, D) each
        q, k = (queries, keys) if self.rotation is None else self.rotation(torch.stack((queries, keys)))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (H, T, T)
        ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=x.device).triu(1)  # (T, T)
        weights = scores.masked_fill(ahead, -math.inf).softmax(-1)  # (H, T, T)
        out = self.projection((weights @ values).transpose(0, 1).flatten(1))  # (T, C)
        return {"queries": queries, "keys": keys, "scores": scores, "weights": weights, "out": out}
