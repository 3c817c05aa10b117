"""The plain loop of the lectures, which steps are measured against."""

import time

import torch
from torch import Tensor, nn


def textbook_steps(
    model: nn.Module, data: Tensor, *, batch_size: int, block_size: int, lr: float, steps: int, last: bool = False
) -> float:
    """Return steps a second: a batch from a list of slices, default AdamW, cross_entropy.

    With `last` the model predicts only what follows a whole window.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    begin = time.perf_counter()
    for _ in range(steps):
        ix = torch.randint(len(data) - block_size, (batch_size,))
        x = torch.stack([data[i : i + block_size] for i in ix])
        y = torch.stack([data[i + block_size] if last else data[i + 1 : i + block_size + 1] for i in ix])
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()
    return steps / (time.perf_counter() - begin)
