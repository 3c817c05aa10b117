"""A tiny GPT: token + position, blocks of attention and feed-forward, LayerNorm, a head without bias.

Each block adds twice to the residual stream x, and reads it through a LayerNorm (Radford et al., 2019):

    x = x + attention(norm(x))                                    (T, C)
    x = x + W2 gelu(W1 norm(x))                                   (T, C)

After the last block, logits = W norm(x)                          (T, V)

Without blocks it is the bare skeleton: rows of a table, and a head that reads them.
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.models.block import FeedForward
from embedviz.models.decoder import DecoderLanguageModel


class Gelu(FeedForward):
    """W2 gelu(W1 x), four times as wide in the middle (Hendrycks and Gimpel, 2016)."""

    formula: ClassVar[str] = "GELU(x W1 + b1) W2 + b2"

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.up = nn.Linear(n_embd, self.width(n_embd))
        self.down = nn.Linear(self.width(n_embd), n_embd)

    @staticmethod
    def width(n_embd: int) -> int:
        """Return how many numbers there are in the middle."""
        return 4 * n_embd

    def hidden(self, x: Tensor) -> Tensor:
        """Return what stands in the middle (..., F) for `x` (..., C)."""
        return F.gelu(self.up(x))

    @classmethod
    def weight_count(cls, n_embd: int) -> int:
        """Return the two matrices with their biases."""
        width = cls.width(n_embd)
        return 2 * n_embd * width + width + n_embd


class TinyTransformer(DecoderLanguageModel):
    """`n_layer` blocks of LayerNorm, attention and GELU."""

    noun: ClassVar[str] = "A transformer"
    feed_forward: ClassVar[type[FeedForward]] = Gelu
    has_biases: ClassVar[bool] = True
    norm_formula: ClassVar[str] = "(x − mean) / deviation · γ + β"

    def make_norm(self) -> nn.Module:
        """Return a LayerNorm (Ba et al., 2016): minus the mean, over the deviation, times gamma, plus beta."""
        return nn.LayerNorm(self.config.n_embd)

    @staticmethod
    def norm_weights(n_embd: int) -> int:
        """Return gamma and beta."""
        return 2 * n_embd
