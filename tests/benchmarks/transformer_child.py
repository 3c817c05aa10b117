"""Child: optimiser steps of a TinyTransformer, beside a textbook loop in the same process; and what it learns."""

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
from tests.benchmarks.textbook import textbook_steps

STEPS = 300
SMALL = RunConfig(device="cpu", threads=1).with_model(
    "transformer"
)  # n_embd 32, 2 layers, 4 heads, block 8, batch 32
REFERENCE = SMALL.replace(
    n_layer=4, n_head=4, n_embd=128, block_size=64, batch_size=12, lr=1e-3, threads=2, seed=1337
)
REFERENCE_STEPS = 2000


class Head(nn.Module):
    """One head of attention, with layers of its own."""

    tril: Tensor

    def __init__(self, head_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(SMALL.n_embd, head_size, bias=False)
        self.query = nn.Linear(SMALL.n_embd, head_size, bias=False)
        self.value = nn.Linear(SMALL.n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(SMALL.block_size, SMALL.block_size)))

    def forward(self, x: Tensor) -> Tensor:
        time_ = x.shape[1]
        k, q = self.key(x), self.query(x)
        weights = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        weights = weights.masked_fill(self.tril[:time_, :time_] == 0, float("-inf"))
        return F.softmax(weights, dim=-1) @ self.value(x)


class TextbookBlock(nn.Module):
    """The block of the lectures."""

    def __init__(self) -> None:
        super().__init__()
        width = SMALL.n_embd
        self.heads = nn.ModuleList(Head(width // SMALL.n_head) for _ in range(SMALL.n_head))
        self.projection = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.ln1(x)
        x = x + self.projection(torch.cat([head(normed) for head in self.heads], dim=-1))
        return x + self.feed_forward(self.ln2(x))


class Textbook(nn.Module):
    """The transformer of the lectures: one module for each head."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, SMALL.n_embd)
        self.position_embedding_table = nn.Embedding(SMALL.block_size, SMALL.n_embd)
        self.blocks = nn.Sequential(*[TextbookBlock() for _ in range(SMALL.n_layer)])
        self.ln_f = nn.LayerNorm(SMALL.n_embd)
        self.lm_head = nn.Linear(SMALL.n_embd, vocab_size, bias=False)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        x = self.token_embedding_table(idx) + self.position_embedding_table(torch.arange(idx.shape[1]))
        logits = self.lm_head(self.ln_f(self.blocks(x)))
        batch, time_, channels = logits.shape
        return logits, F.cross_entropy(logits.view(batch * time_, channels), targets.view(batch * time_))


def main() -> None:
    dataset = prepare(read_corpus(Path(sys.argv[1])), SMALL).dataset
    data = torch.tensor(dataset.train_ids.astype("int64"))
    session = TrainingSession(SMALL, dataset)
    for line in sys.stdin:
        if json.loads(line)["what"] == "steps":
            torch.set_num_threads(1)
            begin = time.perf_counter()
            for _ in range(STEPS):
                next(session)
            ours = STEPS / (time.perf_counter() - begin)
            model, batch_size, block_size = Textbook(dataset.vocab_size), SMALL.batch_size, SMALL.block_size
            plain = textbook_steps(model, data, batch_size=batch_size, block_size=block_size, lr=1e-3, steps=STEPS)
            answer({"steps_per_second": ours, "ratio": ours / plain})
        else:
            reference = TrainingSession(REFERENCE, dataset)
            begin = time.perf_counter()
            for _ in range(REFERENCE_STEPS):
                next(reference)
            seconds = time.perf_counter() - begin
            losses = reference.whole_losses()
            answer({"val": losses.val, "train": losses.train, "seconds": seconds})


main()
