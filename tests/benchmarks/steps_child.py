"""Child: optimiser steps of a session, beside a textbook loop in the same process."""

import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.config import RunConfig
from embedviz.text.corpus import read_corpus
from embedviz.text.preparation import prepare
from embedviz.training.session import TrainingSession
from tests.benchmarks.harness import answer

STEPS = 2000


class Textbook(nn.Module):
    """The bigram of the lectures."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.token_embedding_table(idx)
        batch, time_, channels = logits.shape
        return logits, F.cross_entropy(logits.view(batch * time_, channels), targets.view(batch * time_))


def textbook_steps(data: Tensor, vocab_size: int, batch_size: int, block_size: int) -> float:
    """Return steps a second of a plain loop: a batch from a list of slices, default AdamW, cross_entropy."""
    model = Textbook(vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    begin = time.perf_counter()
    for _ in range(STEPS):
        ix = torch.randint(len(data) - block_size, (batch_size,))
        x = torch.stack([data[i : i + block_size] for i in ix])
        y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()
    return STEPS / (time.perf_counter() - begin)


def main() -> None:
    dataset = prepare(read_corpus(Path(sys.argv[1])), RunConfig()).dataset
    data = torch.tensor(dataset.train_ids.astype("int64"))
    sampled = TrainingSession(
        RunConfig(batch_size=32, block_size=8, optimizer="adamw", lr=0.01, device="cpu", threads=1), dataset
    )
    for line in sys.stdin:
        if json.loads(line)["what"] == "sampled":
            begin = time.perf_counter()
            for _ in range(STEPS):
                next(sampled)
            ours = STEPS / (time.perf_counter() - begin)
            answer({"ratio": ours / textbook_steps(data, dataset.vocab_size, 32, 8)})
        else:
            session = TrainingSession(RunConfig(device="cpu", threads=1), dataset)  # whole text, Adam 0.1, zeros
            assert session.floor is not None
            begin = time.perf_counter()
            while next(session).loss - session.floor > 1e-3:
                pass
            answer({"steps": session.step - 1, "seconds": time.perf_counter() - begin})


main()
