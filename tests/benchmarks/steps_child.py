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
from tests.benchmarks.textbook import textbook_steps

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
            model = Textbook(dataset.vocab_size)
            plain = textbook_steps(model, data, batch_size=32, block_size=8, lr=1e-2, steps=STEPS)
            answer({"ratio": ours / plain})
        else:
            session = TrainingSession(RunConfig(device="cpu", threads=1), dataset)  # whole text, Adam 0.1, zeros
            assert session.floor is not None
            begin = time.perf_counter()
            while next(session).loss - session.floor > 1e-3:
                pass
            answer({"steps": session.step - 1, "seconds": time.perf_counter() - begin})


main()
