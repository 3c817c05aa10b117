"""The smallest language model: one V x V table, and looking up a row is the whole forward pass.

What a bigram can learn of a text is how often each token follows each other one. With f(i, j) the
frequency of the pair (i, j), and f(i) that of its first token,

    loss           = - sum over i, j of f(i, j) * log softmax(W[i])[j]
    d loss / d W[i] = f(i) * softmax(W[i]) - f(i, :)

so that a step over a million characters costs no more than a step over one window of them.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz.config import RunConfig
from embedviz.models import initialization
from embedviz.models.base import (
    BYTES_PER_WEIGHT,
    LanguageModel,
    SizePart,
    gradient_of,
    one_hot_difference,
    trained_bytes,
)
from embedviz.trace import TracePhase

_CHUNK = 2**22  # elements of float64 workspace at a time: 32 MiB
_DOT = 2**16  # products in one float32 sum
_SMALL_VOCABULARY = 512  # up to here all rows cost less than finding out which are in a batch

_STAGES = (
    TracePhase(
        name="lookup",
        title="Look up",
        kind="signed",
        picture="rows",
        shape="rows {rows:shape}",
        lines=("{ids:tokens}", "{token:token}: row {token}"),
        formula="E[{token}] = {rows[-1]:vector}: row {token} of the table",
        explanation=(
            "No multiplication happens. A one-hot vector times the table gives the same {logits:shape} numbers "
            "(largest difference {one-hot difference}). A bigram reads one token: of the rows that are shown, the "
            "prediction uses that of {token:token} alone."
        ),
        context="rows",
    ),
    TracePhase(
        name="logits",
        title="Logits",
        kind="signed",
        picture="logits",
        shape="the row itself {logits:shape}",
        lines=("{target:token} {logits[target]:+}", "highest {likeliest:token} {logits[likeliest]:+}"),
        formula="the row itself: logit of {target:token} = E[{token}, {target}] = {rows[-1,target]:+}",
        explanation=(
            "Column {target} of the row says how well {target:token} goes after {token:token}. In the text "
            "{target:token} comes next here. The highest logit is that of {likeliest:token}: "
            "{logits[likeliest]:+}."
        ),
        marks=("target",),
        context="before",
    ),
)


class BigramLanguageModel(LanguageModel):
    """Its one parameter, `token_embedding_table.weight` (V, V): row i, the logits of what follows token i."""

    noun: ClassVar[str] = "A bigram table"
    rows_are_logits: ClassVar[bool] = True
    stages: tuple[TracePhase, ...] = _STAGES

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)  # (V, V)
        self._frequency: Tensor | None = None  # (V, V), of the pairs of a batch: made once, filled at each step

    @property
    def table(self) -> Tensor:
        """The V x V table."""
        return self.token_embedding_table.weight

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Look up the rows of `idx` (B, T): they are the logits (B, T, V)."""
        logits = self.token_embedding_table(idx)  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.reshape(-1, self.vocab_size), targets.reshape(-1))

    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Set the table to the start `config.init`; `ids` (N,) is what "log-counts" counts."""
        initialization.STARTS[self.config.init](self.table, ids, generator)

    def lookup_tables(self) -> dict[str, Tensor]:
        """Return the one table, (V, V)."""
        return {"token": self.table}

    @property
    def context_length(self) -> int:
        """A bigram reads one token, however many stand before it."""
        return 1

    def accumulate_gradients(self, idx: Tensor, targets: Tensor) -> Tensor:
        """Put the closed-form gradient on `idx`, `targets` (both (B, T)) into `.grad`; return the loss.

        Of a large table only the R rows that are in the batch are computed.
        """
        table, pairs = self.table, idx.numel()
        gradient = gradient_of(table)  # (V, V)
        if self.vocab_size <= _SMALL_VOCABULARY:
            if self._frequency is None or self._frequency.device != table.device:
                self._frequency = torch.empty_like(table, requires_grad=False)
            frequency = _count_pairs(idx, targets, out=self._frequency).div_(pairs)  # (V, V)
            return softmax_minus_data(table.detach(), frequency, frequency.sum(1, keepdim=True), out=gradient)
        rows, row_of = torch.unique(idx, return_inverse=True)  # (R,), (B, T)
        frequency = _count_pairs(row_of, targets, out=table.new_empty(len(rows), self.vocab_size)).div_(
            pairs
        )  # (R, V)
        part = torch.empty_like(frequency)  # (R, V)
        loss = softmax_minus_data(table.detach()[rows], frequency, frequency.sum(1, keepdim=True), out=part)
        gradient.zero_().index_copy_(0, rows, part)
        return loss

    @torch.no_grad()
    def loss(self, idx: Tensor, targets: Tensor) -> float:
        """Return the mean loss on `idx`, `targets` (both (B, T)) without an array of logits (B, T, V).

        It takes less memory than a step: rows go a few at a time, and so do pairs, summed up in float64.
        """
        at_once = max(1, _CHUNK // idx.shape[1])
        parts = list(zip(torch.split(idx, at_once), torch.split(targets, at_once), strict=True))  # (b, T) each
        is_read = torch.zeros(self.vocab_size, dtype=torch.bool, device=idx.device)
        for first, _ in parts:
            is_read[first] = True
        norms = self.table.new_zeros(self.vocab_size)  # (V,), log of sum of exp
        for rows in torch.split(is_read.nonzero()[:, 0], max(1, _CHUNK // self.vocab_size)):  # (r,)
            norms[rows] = self.table[rows].logsumexp(1)
        total = torch.zeros((), dtype=torch.float64)
        for first, second in parts:
            total += (norms[first] - self.table[first, second]).cpu().double().sum()
        return total.item() / idx.numel()

    @torch.no_grad()
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:  # noqa: ARG002  # nothing to add
        """Return ids (T,), rows (T, V), and of the last row the logits and probabilities, both (V,).

        "one-hot difference" () is the largest between that row and a one-hot vector times the table.
        """
        rows = self.token_embedding_table(idx)  # (T, V)
        logits = rows[-1]  # (V,)
        return {
            "ids": idx,
            "rows": rows,
            "one-hot difference": one_hot_difference(self.table, idx[-1:], rows[-1:]),
            "logits": logits,
            "probabilities": torch.softmax(logits, 0),
        }

    def points(self, trace: dict[str, Tensor]) -> dict[str, int]:
        """Return the token of the highest logit, "likeliest"."""
        return {"likeliest": int(trace["logits"].argmax())}

    def whole_text(self, ids: Tensor) -> "PairText":
        """Return the text `ids` (N,) as what a bigram sees of it: its pairs."""
        return PairText(self.table, ids)

    @classmethod
    def weight_parts(cls, _config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return the one table, V * V."""
        return {"token table": vocab_size**2}

    @classmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        """Return the table with gradient and optimiser state, and the pair frequencies of a step."""
        fewer_tokens = "Choose a tokenizer that makes fewer different tokens."
        table = SizePart("the table", trained_bytes(config, vocab_size**2), fewer_tokens)
        if config.whole_text:
            return [table, SizePart("the pairs", BYTES_PER_WEIGHT * vocab_size**2, fewer_tokens)]
        rows = min(config.batch_size * config.block_size, vocab_size)  # that one batch reads
        batch = 3 * BYTES_PER_WEIGHT * rows * vocab_size  # these rows, their frequencies and gradient
        return [table, SizePart("a batch", batch, "Choose a smaller batch.")]


class PairText:
    """A text (N,) as the frequencies of its P different pairs: all that the loss of a table depends on."""

    def __init__(self, table: Tensor, ids: Tensor) -> None:
        self._table = table
        vocab_size = len(table)
        self._codes, counts = _distinct(ids[:-1].long() * vocab_size + ids[1:], vocab_size**2)  # (P,), (P,)
        self._pair_frequency = counts.double() / counts.sum()  # (P,)
        first = self._codes // vocab_size  # (P,)
        self._rows, row_of = torch.unique_consecutive(first, return_inverse=True)  # (R,), (P,)
        row_frequency = self._pair_frequency.new_zeros(len(self._rows))  # (R,)
        self._row_frequency = row_frequency.index_add_(0, row_of, self._pair_frequency)  # (R,)
        surprise = torch.log(self._row_frequency[row_of] / self._pair_frequency)  # (P,)
        self.floor: float | None = torch.dot(self._pair_frequency, surprise).item()
        self._dense: tuple[Tensor, Tensor] | None = None  # (V, V), (V, 1); made when first needed

    def loss(self) -> float:
        """Return the mean loss in nats per token: the mean of log sum exp(W[i]) - W[i, j] over the pairs."""
        table = self._table.detach().cpu()  # (V, V)
        chunk = max(1, _CHUNK // len(table))
        chunks = zip(torch.split(self._rows, chunk), torch.split(self._row_frequency, chunk), strict=True)
        total = -torch.dot(self._pair_frequency, table.view(-1)[self._codes].double())
        for rows, frequency in chunks:
            total += torch.dot(frequency, table[rows].double().logsumexp(1))
        return total.item()

    def accumulate_gradients(self) -> Tensor:
        """Put the exact gradient into the table's `.grad`; return the loss."""
        if self._dense is None:
            frequency = torch.zeros_like(self._table, requires_grad=False)  # (V, V)
            device = frequency.device
            frequency.view(-1)[self._codes.to(device)] = self._pair_frequency.float().to(device)
            self._dense = frequency, frequency.sum(1, keepdim=True)
        frequency, row_frequency = self._dense
        return softmax_minus_data(self._table.detach(), frequency, row_frequency, out=gradient_of(self._table))


def softmax_minus_data(logits: Tensor, frequency: Tensor, row_frequency: Tensor, *, out: Tensor) -> Tensor:
    """Write `row_frequency * softmax(logits) - frequency` into `out` and return the loss.

    All but `row_frequency` (R, 1) are (R, V); none requires a gradient, and nothing else is allocated.
    """
    torch.log_softmax(logits, 1, out=out)
    loss = _dot(out.view(-1), frequency.view(-1)).neg_()
    out.exp_().mul_(row_frequency).sub_(frequency)
    return loss


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Return the sum of products of two vectors, summed up in float64 where there are many.

    A single float32 sum over 8,000 x 8,000 of them is 0.01 nats off.
    """
    if len(first) <= _DOT:
        return torch.dot(first, second)
    parts = zip(torch.split(first, _DOT), torch.split(second, _DOT), strict=True)
    return torch.stack([torch.dot(*pair) for pair in parts]).sum(dtype=_exact(first.device))


def _exact(device: torch.device) -> torch.dtype:
    """Return the widest type that sums can have: Apple's graphics have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def _count_pairs(first: Tensor, second: Tensor, *, out: Tensor) -> Tensor:
    """Count the pairs into `out` (R, V), and return it.

    Sums of ones are exact in float32 (up to 2**24 pairs of a kind), in whatever order a device adds them.
    """
    codes = (first * out.shape[1] + second).reshape(-1)
    out.zero_().view(-1).index_add_(0, codes, out.new_ones(len(codes)))
    return out


def _distinct(codes: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Return the distinct codes, which are below `limit`, in order, and how often each occurs."""
    if limit > len(codes):
        return torch.unique(codes, return_counts=True)  # type: ignore[no-any-return]
    counts = torch.bincount(codes, minlength=limit)
    found = counts.nonzero().squeeze(1)
    return found, counts[found]
