"""The one contract of everything that is trained here: what the session and the views rely on."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.trace import TracePhase

SIZE_LIMIT_BYTES = 2 * 1024**3
"""What weights, gradient, optimiser state and what a step makes on its way may take together."""

BYTES_PER_WEIGHT = 4  # float32: smaller types lose small updates

NOTHING = -1
"""In the ids of a trace: where nothing stands, before the beginning of a text."""

_STATES_PER_WEIGHT = {"sgd": 0, "adam": 2, "adamw": 2}
_CONTEXTS_AT_ONCE = 4096  # that a reading takes in one forward pass, at most
_NUMBERS_AT_ONCE = 2**24  # the same, of all that a model makes on its way: 64 MiB


class SizePart(NamedTuple):
    """A share of the memory that training takes: what for, and what makes it smaller."""

    name: str  # as in "1.07 GB of it for the output layer"
    size: int  # bytes
    remedy: str


class ModelSizeError(EmbedvizError):
    """The model would not fit into SIZE_LIMIT_BYTES; said before any of it is taken."""


class WholeText(Protocol):
    """A whole part of the text as one example: its loss, and the exact gradient of that loss."""

    floor: float | None
    """The loss, in nats per token, that no model of this kind can go below; None where it is not known."""

    def loss(self) -> float:
        """Return the mean loss in nats per token, accumulated in float64; leaves the gradients alone."""

    def accumulate_gradients(self) -> Tensor:
        """Put the gradient of the loss into the parameters' `.grad`; return the loss."""


class LanguageModel(nn.Module, ABC):
    """Predicts the next token. B batch, T time, C channels, V vocabulary.

    Made for one RunConfig and one vocabulary. Raises ModelSizeError before it takes memory that it should
    not take. The parameters hold their start only after `initialize`.
    """

    noun: ClassVar[str]  # begins a sentence about the model's size: "A bigram table"
    predicts_everywhere: ClassVar[bool] = True  # at each position of its input; else only at the last
    rows_are_logits: ClassVar[bool] = False  # the gradient of the logits is then that of the row
    stages: tuple[TracePhase, ...]
    """The phases from the look-up to the logits: their pictures and words name what `trace` returns, `points`, and
    the points "token" and "target", the last token that is read and the one that follows it."""

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        self.check_size(config, vocab_size)
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size

    @abstractmethod
    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return logits (B, T', V) for `idx` (B, T), and the mean loss if `targets` (B, T) are given.

        They are the logits of the last T' positions, and the loss is that of these: T' is T for a model that
        predicts everywhere, else 1.
        """

    @abstractmethod
    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Set the parameters to the start `config.init`; `ids` (N,) is the training part, for warm starts."""

    @abstractmethod
    def lookup_tables(self) -> dict[str, Tensor]:
        """Name the tables whose rows are looked up: {"token": (V, C), ...}."""

    @property
    @abstractmethod
    def context_length(self) -> int:
        """How many of the last tokens a prediction really reads."""

    @abstractmethod
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:
        """Return all that is computed of one context `idx` (T,), by name and in that order.

        It begins with "ids" (T,) and "rows" (T, C), and ends with "logits" (V,) and "probabilities" (V,). With
        a `target`, what the words of `stages` say of its logit is there too.
        """

    def points(self, _trace: dict[str, Tensor]) -> dict[str, int]:
        """Return the places of a `trace` that its words and pictures single out: {"unit": a hidden unit, ...}."""
        return {}

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        """Return which row of each table stands at each place of a trace, for its "ids" (T,).

        NOTHING where none does. A model with several tables overrides this; the first is that of "rows".
        """
        return {next(iter(self.lookup_tables())): ids}

    @property
    def attention_layers(self) -> int:
        """How many layers of attention there are, for `attention`."""
        return 0

    def attention(self, _idx: Tensor, _layer: int) -> dict[str, Tensor]:
        """Return what one layer of attention, from 0, computes of a context `idx` (T,), for H heads of D numbers.

        "weights" (H, T, T): row t, how much position t takes of each other; "queries" and "keys" (H, T, D),
        before positions turn them. Nothing for a model without such a layer.
        """
        return {}

    def layers(self, _idx: Tensor) -> dict[str, Tensor]:
        """Return what the layers put out for the windows `idx` (N, T), by name and in order, each (N, T, ...).

        {"rows": (N, T, C), "block 1 attention": (N, T, C), ...}, or nothing for a model of no such layers.
        """
        return {}

    def activations(self, _idx: Tensor) -> dict[str, Tensor]:
        """Return what the hidden layers say to the contexts `idx` (N, T): {"hidden": (N, H)}, or nothing."""
        return {}

    def whole_text(self, _ids: Tensor) -> WholeText | None:
        """Return the text `ids` (N,), N at least 2, as one example where that is less than reading it all."""
        return None

    @torch.no_grad()
    def loss(self, idx: Tensor, targets: Tensor) -> float:
        """Return the mean loss on `idx`, `targets` (both (B, T)); leaves the gradients alone.

        It takes no more memory than `contexts_at_once` do, however large the batch is.
        """
        at_once = self.contexts_at_once(self.config, self.vocab_size)
        total = torch.zeros((), dtype=torch.float64)
        for some, answers in zip(torch.split(idx, at_once), torch.split(targets, at_once), strict=True):
            loss: Tensor = self(some, answers)[1]
            total += len(some) / len(idx) * loss.cpu()
        return total.item()

    @classmethod
    @abstractmethod
    def weight_parts(cls, config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return how many weights such a model has, part by part: {"token table": V * C, ...}; makes none."""

    @classmethod
    def weight_count(cls, config: RunConfig, vocab_size: int) -> int:
        """Return how many weights such a model has, all parts together."""
        return sum(cls.weight_parts(config, vocab_size).values())

    def accumulate_gradients(self, idx: Tensor, targets: Tensor) -> Tensor:
        """Put the gradient of the loss on `idx`, `targets` (both (B, T)) into the parameters' `.grad`.

        Returns the loss. A model with a closed form overrides this.
        """
        self.zero_grad()
        loss: Tensor = self(idx, targets)[1]
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not typed it
        return loss.detach()

    @classmethod
    def numbers_per_context(cls, _config: RunConfig, vocab_size: int) -> int:
        """Return how many numbers a step computes on its way for each context: logits and their gradient."""
        return 2 * vocab_size

    @classmethod
    def contexts_at_once(cls, config: RunConfig, vocab_size: int) -> int:
        """Return how many contexts a reading may take in one forward pass, so that its memory is bounded."""
        return max(1, min(_CONTEXTS_AT_ONCE, _NUMBERS_AT_ONCE // cls.numbers_per_context(config, vocab_size)))

    @classmethod
    @abstractmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        """Return what training such a model takes, part by part: see `trained_bytes` for weights."""

    @classmethod
    def size_bytes(cls, config: RunConfig, vocab_size: int) -> int:
        """Return what training such a model takes, all parts together."""
        return sum(part.size for part in cls.size_parts(config, vocab_size))

    @classmethod
    def check_size(cls, config: RunConfig, vocab_size: int) -> None:
        """Raise ModelSizeError if such a model would take more than SIZE_LIMIT_BYTES to train."""
        needed = cls.size_bytes(config, vocab_size)
        if needed <= SIZE_LIMIT_BYTES:
            return
        largest = max(cls.size_parts(config, vocab_size), key=lambda part: part.size)
        optimizer = catalog.OPTIMIZERS[config.optimizer].title
        need, limit = _told_apart(needed, SIZE_LIMIT_BYTES)
        raise ModelSizeError(
            f"{cls.noun} for {vocab_size:,} tokens would take {need} while {optimizer} trains it, "
            f"{_in_words(largest.size)} of it for {largest.name}; the most that embedviz takes is {limit}. "
            f"{largest.remedy}"
        )


def trained_bytes(config: RunConfig, weights: int) -> int:
    """Return what so many weights take while they are trained: themselves, gradient, optimiser state."""
    return (2 + _STATES_PER_WEIGHT[config.optimizer]) * BYTES_PER_WEIGHT * weights


def traced_bytes(config: RunConfig, weights: int) -> int:
    """Return what they take while a step is traced: all of it twice, since the step is taken and undone."""
    return 2 * trained_bytes(config, weights)


def gradient_of(parameter: Tensor) -> Tensor:
    """Return the parameter's `.grad`, made if there is none yet, to be written over."""
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter)
    return parameter.grad


def one_hot_difference(table: Tensor, ids: Tensor, rows: Tensor) -> Tensor:
    """Return the largest difference () between `rows` (T, C) and one-hot vectors of `ids` (T,) times `table`.

    It is 0, since a product with 0 adds nothing: worth computing, not worth believing.
    """
    one_hot = torch.zeros(len(ids), len(table), dtype=table.dtype, device=table.device)  # (T, V)
    one_hot.scatter_(1, ids[:, None], 1.0)
    return F.pad((one_hot @ table - rows).abs().reshape(-1), (0, 1)).max()  # of no rows it is 0


def _in_words(size: int, digits: int = 3) -> str:
    """Return "2.15 GB", "734 MB", "160,000,000 GB"."""
    value, unit = (size / 1e9, "GB") if size >= 1e9 else (size / 1e6, "MB")
    decimals = digits - 1 - math.floor(math.log10(max(value, 1)))
    return f"{value:,.{max(decimals, 0)}f} {unit}"


def _told_apart(size: int, limit: int) -> tuple[str, str]:
    """Return both in words, with as many digits as it takes to see which one is more."""
    digits = 3
    while _in_words(size, digits) == _in_words(limit, digits):
        digits += 1
    return _in_words(size, digits), _in_words(limit, digits)
