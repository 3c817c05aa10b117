"""Where the weights start: one function a row of catalog.STARTS and LAYER_STARTS, deterministic in its generator.

Random numbers are drawn on the CPU, whatever the weights are on, so that a start is the same everywhere.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Generator, Tensor, nn

Start = Callable[[Tensor, Tensor, Generator], None]
"""Sets a table (rows, columns) in place, given the training part's ids (N,), on the CPU, and a generator."""

LayerStart = Callable[[Tensor, Generator, float], None]
"""Sets the weights of a layer (fan_in, fan_out) in place, given a generator and the gain of what comes after."""

TANH_GAIN = 5 / 3
"""What keeps numbers as large after tanh as before it; torch.nn.init.calculate_gain."""

RELU_GAIN = math.sqrt(2)
"""The same for ReLU, and near enough for GELU and SiLU, which pass on about half of what they get."""

LOGITS_GAIN = 0.01
"""Nearly none: all tokens are about equally likely at first, and the loss begins at ln V."""


def make_generator(seed: int, stream: str) -> Generator:
    """Return the generator of one purpose of a run: the streams of one seed have nothing in common."""
    entropy = np.random.SeedSequence([seed, *stream.encode()]).generate_state(1, np.uint64)
    return Generator().manual_seed(int(entropy[0] >> 1))


@torch.no_grad()
def zeros(weight: Tensor, _ids: Tensor, _generator: Generator) -> None:
    """Make every token equally likely."""
    weight.zero_()


@torch.no_grad()
def normal(weight: Tensor, _ids: Tensor, generator: Generator, *, std: float) -> None:
    """Draw normal numbers around 0, with standard deviation `std`."""
    weight.copy_(torch.empty(weight.shape).normal_(std=std, generator=generator))


@torch.no_grad()
def xavier(weight: Tensor, _ids: Tensor, generator: Generator) -> None:
    """Draw uniformly within sqrt(6 / (rows + columns)) of 0 (Glorot and Bengio, 2010, equation 16)."""
    weight.copy_(nn.init.xavier_uniform_(torch.empty(weight.shape), generator=generator))


@torch.no_grad()
def log_counts(weight: Tensor, ids: Tensor, _generator: Generator) -> None:
    """Set a (V, V) table to log((count of i, j + 1) / (count of i + V)): the answer from counting."""
    codes = ids[:-1].long() * weight.shape[1] + ids[1:]  # (N - 1,)
    counts = torch.bincount(codes, minlength=weight.numel()).view(weight.shape).add_(1)  # (V, V)
    weight.copy_(counts).div_(counts.sum(1, keepdim=True).to(weight.device)).log_()


def kaiming(weight: Tensor, generator: Generator, gain: float) -> None:
    """Draw normal numbers of deviation gain / sqrt(fan_in) (He et al., 2015, equation 10)."""
    normal(weight, weight, generator, std=gain / math.sqrt(len(weight)))


STARTS: dict[str, Start] = {
    "zeros": zeros,
    "normal-0.01": partial(normal, std=0.01),
    "normal-0.02": partial(normal, std=0.02),
    "normal-1": partial(normal, std=1.0),
    "xavier": xavier,
    "log-counts": log_counts,
}

LAYER_STARTS: dict[str, LayerStart] = {
    "kaiming": kaiming,
    "xavier": lambda weight, generator, _gain: xavier(weight, weight, generator),
    "normal-0.02": lambda weight, generator, _gain: normal(weight, weight, generator, std=0.02),
    "normal-1": lambda weight, generator, _gain: normal(weight, weight, generator, std=1.0),
    "zeros": lambda weight, generator, _gain: zeros(weight, weight, generator),
}
