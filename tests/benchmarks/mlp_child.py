"""Child: optimiser steps of an MLP session, beside a textbook loop in the same process."""

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
CONFIG = RunConfig(
    model="mlp",
    n_embd=10,
    hidden=200,
    block_size=3,
    batch_size=32,
    init="normal-1",
    optimizer="adamw",
    lr=0.01,
    weight_decay=0.01,
    device="cpu",
    threads=1,
)


class Textbook(nn.Module):
    """The MLP of the lectures, of torch's own layers."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        inputs = CONFIG.block_size * CONFIG.n_embd
        self.token_embedding_table = nn.Embedding(vocab_size, CONFIG.n_embd)
        self.hidden = nn.Linear(inputs, CONFIG.hidden)
        self.output = nn.Linear(CONFIG.hidden, vocab_size)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.token_embedding_table(idx)
        logits = self.output(torch.tanh(self.hidden(rows.view(len(idx), -1))))
        return logits, F.cross_entropy(logits, targets)


def textbook_steps(data: Tensor, vocab_size: int) -> float:
    """Return steps a second of a plain loop: a batch from a list of slices, default AdamW, cross_entropy."""
    block_size = CONFIG.block_size
    model = Textbook(vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    begin = time.perf_counter()
    for _ in range(STEPS):
        ix = torch.randint(len(data) - block_size, (CONFIG.batch_size,))
        x = torch.stack([data[i : i + block_size] for i in ix])
        y = torch.stack([data[i + block_size] for i in ix])
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()
    return STEPS / (time.perf_counter() - begin)


def main() -> None:
    dataset = prepare(read_corpus(Path(sys.argv[1])), CONFIG).dataset
    data = torch.tensor(dataset.train_ids.astype("int64"))
    session = TrainingSession(CONFIG, dataset)
    for line in sys.stdin:
        what = json.loads(line)["what"]
        if what != "mlp":
            raise ValueError(f"there is no figure '{what}' here")
        begin = time.perf_counter()
        for _ in range(STEPS):
            next(session)
        ours = STEPS / (time.perf_counter() - begin)
        answer({"steps_per_second": ours, "ratio": ours / textbook_steps(data, dataset.vocab_size)})


main()
