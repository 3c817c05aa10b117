"""Runs whose steps are traced in tests: each model, optimiser and kind of batch."""

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel, SizePart, trained_bytes
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.trace import TracePhase
from embedviz.training.session import TrainingSession

VOCABULARY = 6  # token 5 is in no text; of a list, 0 is the boundary
EXACT = RunConfig(optimizer="adam", lr=0.1, init="normal-1")
SAMPLED = EXACT.replace(batch_size=4, block_size=5)
MLP = RunConfig(model="mlp", optimizer="adamw", lr=0.01, batch_size=4, block_size=3, n_embd=4, hidden=7)
MLP = MLP.replace(init="normal-1")
CLIPPED = {"clip": 0.05, "schedule": "cosine", "warmup_steps": 3, "schedule_steps": 20}

CONFIGS = {
    "exact-sgd-decay": EXACT.replace(optimizer="sgd", lr=20.0, weight_decay=0.01),
    "exact-adam": EXACT,
    "exact-adamw-clip": EXACT.replace(optimizer="adamw", weight_decay=0.1, **CLIPPED),
    "sampled-sgd": SAMPLED.replace(optimizer="sgd", lr=5.0),
    "sampled-adam-decay": SAMPLED.replace(weight_decay=0.01),
    "sampled-adam-clip": SAMPLED.replace(**CLIPPED),
    "sampled-adamw-decay": SAMPLED.replace(optimizer="adamw", weight_decay=0.1),
    "mlp-adamw": MLP.replace(weight_decay=0.1),
    "mlp-sgd-clip": MLP.replace(optimizer="sgd", lr=0.5, **CLIPPED),
    "mlp-exact-adam": MLP.replace(optimizer="adam", batch_size=0),
    "mlp-one-column": MLP.replace(n_embd=1, hidden=1, block_size=1),
}

WINDOW = {
    "tokenizer": "char",
    "n_embd": 8,
    "n_head": 2,
    "n_layer": 2,
    "block_size": 5,
    "batch_size": 4,
    "lr": 0.01,
}
FROZEN = {"freeze_embeddings": True, "weight_decay": 0.1}
SGD = {"optimizer": "sgd", "lr": 0.2, "weight_decay": 0.01}


def window(model: str, **changes: object) -> RunConfig:
    """Return a small run of a model that predicts at each place of a window, with weights that say something."""
    config = RunConfig().with_model(model)
    return config.replace(**{**WINDOW, "init": "normal-1", "layer_init": "xavier", **changes})


WINDOWED = {
    "transformer-adamw": window("transformer", weight_decay=0.1),
    "transformer-tied-scaled-sgd-clip": window("transformer", tie=True, scale_embeddings=True, **SGD, **CLIPPED),
    "transformer-frozen-adam": window("transformer", optimizer="adam", n_layer=1, **FROZEN),
    "transformer-exact-adam": window("transformer", optimizer="adam", n_layer=1, position="none", batch_size=0),
    "transformer-no-layers": window("transformer", n_layer=0, scale_embeddings=True, position="none"),
    "llama-tied-adamw": window("llama", tie=True, weight_decay=0.1),
    "llama-learned-frozen-tied-sgd": window("llama", position="learned", tie=True, **{**SGD, **FROZEN}),
    "llama-scaled-sgd": window("llama", scale_embeddings=True, residual_init="zero", optimizer="sgd", lr=0.1),
    "token-position-adamw": window("token-position"),
    "token-position-tied-scaled-adam": window("token-position", tie=True, scale_embeddings=True, optimizer="adam"),
    "token-position-exact-sgd": window("token-position", position="none", batch_size=0, **SGD),
}


def running_text() -> Dataset:
    random = np.random.default_rng(0)
    ids = np.zeros(300, dtype=np.uint8)
    for t in range(1, len(ids)):
        ids[t] = (ids[t - 1] + random.choice(5, p=[0.1, 0.5, 0.2, 0.15, 0.05])) % 5
    return make_dataset(ids, VOCABULARY, 0.0)


def items() -> Dataset:
    random = np.random.default_rng(1)
    ids = [0]
    for _ in range(60):
        ids += [*random.integers(1, 5, random.integers(1, 6)).tolist(), 0]
    return make_dataset(np.array(ids, np.uint8), VOCABULARY, 0.0, boundary_id=0)


DATASETS = {"text": running_text(), "list": items()}


def begun(config: RunConfig, dataset: Dataset, steps: int = 4) -> TrainingSession:
    session = TrainingSession(config, dataset)
    for _ in range(steps):
        next(session)
    return session


def weights_of(session: TrainingSession) -> dict[str, Tensor]:
    return {name: weights.detach().clone() for name, weights in session._model.named_parameters()}


def everything(session: TrainingSession) -> dict[str, bytes]:
    """Return all that a step depends on, or leaves behind."""
    found = {name: array.tobytes() for name, array in session.state().arrays.items()}
    found |= {f"gradient/{name}": array.tobytes() for name, array in session.table_gradients().items()}
    rates = [group["lr"] for group in session._optimizer.param_groups]
    return found | {"rest": repr((session.step, session.gradient_norm, session._guard.__dict__, rates)).encode()}


def contexts_and_targets(session: TrainingSession, dataset: Dataset, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Return the windows that the coming step reads; `batch` (b, T + 1) where it is drawn."""
    if session.config.batch_size:
        return batch[:, :-1], batch[:, 1:]
    ids = torch.from_numpy(dataset.train_ids.astype(np.int64))
    if session.config.model == "bigram":
        return ids[None, :-1], ids[None, 1:]
    blocks = [session.pad(ids[None, : t + 1].numpy())[0] for t in range(len(ids) - 1)]
    width = session.config.block_size
    table = torch.tensor([[-1] * (width - len(block)) + block.tolist() for block in blocks])  # (N - 1, T)
    return table, torch.cat([table[:, 1:], ids[1:, None]], 1)


class Positioned(LanguageModel):
    """A model as later ones will be: rows of two tables, and predictions at each position."""

    noun: ClassVar[str] = "A toy"
    stages: ClassVar[tuple[TracePhase, ...]] = (
        TracePhase("lookup", "Look up", "signed", "rows", "{rows:shape}", ("{token}",), "{rows[-1]:vector}", "."),
        TracePhase("sum", "Add", "signed", "sum", "{sum:shape}", ("{last}",), "{sum[last,0]:+}", ".", ("last",)),
    )

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.token = nn.Embedding(vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)
        self.head = nn.Linear(config.n_embd, vocab_size)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        x = self.token(idx) + self.position(torch.arange(idx.shape[1]))  # (B, T, C)
        means = x.cumsum(1) / torch.arange(1, idx.shape[1] + 1)[:, None]  # of all that was read
        logits = self.head(means)
        return logits, None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def initialize(self, _ids: Tensor, generator: torch.Generator) -> None:
        with torch.no_grad():
            for weights in self.parameters():
                weights.normal_(generator=generator)

    def lookup_tables(self) -> dict[str, Tensor]:
        return {"token": self.token.weight, "position": self.position.weight}

    @property
    def context_length(self) -> int:
        return self.config.block_size

    @torch.no_grad()
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:  # noqa: ARG002  # needs none
        rows, positions = self.token(idx), self.position(torch.arange(len(idx)))
        logits = self(idx[None])[0][0, -1]
        found = {"ids": idx, "rows": rows, "positions": positions, "sum": rows + positions}
        return found | {"logits": logits, "probabilities": torch.softmax(logits, 0)}

    def points(self, trace: dict[str, Tensor]) -> dict[str, int]:
        return {"last": len(trace["ids"]) - 1, "likeliest": int(trace["logits"].argmax())}

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        return {"token": ids, "position": torch.arange(len(ids))}

    @classmethod
    def weight_parts(cls, config: RunConfig, vocab_size: int) -> dict[str, int]:
        return {"all of it": (vocab_size + config.block_size + vocab_size) * config.n_embd + vocab_size}

    @classmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        return [SizePart("all of it", trained_bytes(config, cls.weight_count(config, vocab_size)), "")]


class Frozen(Positioned):
    """The same with a position table that is not trained."""

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.position.weight.requires_grad_(False)


class AllFrozen(Frozen):
    """The same with no table that is trained."""

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.token.weight.requires_grad_(False)
