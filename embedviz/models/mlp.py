"""A multilayer perceptron that reads the last few tokens (Bengio et al., 2003, in the shape of makemore).

Each of the T = block_size tokens of a context is looked up in one table of short rows, the rows are put side
by side, and two layers make logits of them:

    x      = row of the 1st token, ..., row of the T-th     (T * C,)
    h      = tanh(x W1 + b1)                                (H,)
    logits = h W2 + b2                                      (V,)

It predicts only what follows the whole context. Where a text has not begun yet, rows of zeros stand. Going
the same way back gives the gradient, of which `accumulate_gradients` makes every term by hand.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz.config import RunConfig
from embedviz.models.base import (
    BYTES_PER_WEIGHT,
    NOTHING,
    LanguageModel,
    SizePart,
    gradient_of,
    one_hot_difference,
    trained_bytes,
)
from embedviz.models.initialization import LAYER_STARTS, LOGITS_GAIN, STARTS, TANH_GAIN, make_generator
from embedviz.trace import TracePhase

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
            "No multiplication happens: each token of {ids:tokens} takes its row from the table. One-hot vectors "
            "times the table give the same {rows:shape} numbers (largest difference {one-hot difference})."
        ),
        context="rows",
    ),
    TracePhase(
        name="concatenate",
        title="Concatenate",
        kind="signed",
        picture="concatenation",
        shape="x {concatenation:shape}",
        lines=("{rows:shape}", "→ {concatenation:shape}"),
        formula="x = the rows of {ids:tokens} side by side: {rows:shape} → {concatenation:shape}",
        explanation=(
            "Nothing is computed. The rows stand one after the other, the oldest first, and each place has "
            "weights of its own in the next layer: so the order of the tokens counts."
        ),
        context="rows",
    ),
    TracePhase(
        name="hidden",
        title="Hidden layer",
        kind="signed",
        picture="hidden",
        shape="h = tanh(x W1 + b1) {hidden:shape}",
        lines=("unit {unit}: {preactivation[unit]:+}", "tanh {hidden[unit]:+}"),
        formula=(
            "h[{unit}] = tanh(x · W1[:, {unit}] + b1[{unit}]) = "
            "tanh({preactivation[unit]:+tanh hidden[unit]}) = {hidden[unit]:+}"
        ),
        explanation=(
            "Unit {unit} answers most strongly. Its weights are {hidden weights:vector}: their products with x "
            "add up to {hidden product:+}, and with its bias b1[{unit}] = {hidden bias:+} that is "
            "{preactivation[unit]:+}. The tanh keeps every answer between −1 and +1."
        ),
        marks=("unit",),
        context="rows",
    ),
    TracePhase(
        name="logits",
        title="Logits",
        kind="signed",
        picture="logits",
        shape="h W2 + b2 {logits:shape}",
        lines=("{target:token} {logits[target]:+}", "highest {likeliest:token} {logits[likeliest]:+}"),
        formula="logit of {target:token} = h · W2[:, {target}] + b2[{target}] = {logits[target]:+}",
        explanation=(
            "The weights of {target:token} are {output weights:vector}: their products with h add up to "
            "{output product:+}, and its bias b2[{target}] is {output bias:+}. The highest logit is that of "
            "{likeliest:token}, {logits[likeliest]:+}."
        ),
        marks=("target",),
        context="before",
    ),
)


class MLPLanguageModel(LanguageModel):
    """A table (V, C), a tanh layer W1 (T * C, H) with b1 (H,), and an output layer W2 (H, V) with b2 (V,)."""

    noun: ClassVar[str] = "An MLP"
    predicts_everywhere: ClassVar[bool] = False
    stages: tuple[TracePhase, ...] = _STAGES

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.token_embedding_table = nn.Embedding(vocab_size, config.n_embd)  # (V, C)
        self.table.requires_grad_(not config.freeze_embeddings)
        self.W1 = nn.Parameter(torch.empty(config.block_size * config.n_embd, config.hidden))  # (T * C, H)
        self.b1 = nn.Parameter(torch.empty(config.hidden))  # (H,)
        self.W2 = nn.Parameter(torch.empty(config.hidden, vocab_size))  # (H, V)
        self.b2 = nn.Parameter(torch.empty(vocab_size))  # (V,)

    @property
    def table(self) -> Tensor:
        """The lookup table (V, C)."""
        return self.token_embedding_table.weight

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the logits (B, 1, V) of what follows `idx` (B, T), and their loss on `targets[:, -1]`.

        Of a longer `idx` the last `block_size` tokens are read; a shorter one has its beginning in it.
        """
        x = self._side_by_side(self._rows(idx))  # (B, T * C)
        hidden = torch.tanh(x @ self.W1 + self.b1)  # (B, H)
        logits = hidden @ self.W2 + self.b2  # (B, V)
        loss = None if targets is None else F.cross_entropy(logits, targets[:, -1])
        return logits[:, None], loss

    @torch.no_grad()
    def accumulate_gradients(self, idx: Tensor, targets: Tensor) -> Tensor:
        """Put the gradient of the loss on `idx`, `targets` (both (B, T)) into `.grad`; return the loss.

        Forward, and then the same lines backwards, last first: each gradient is named after what it is of. By
        hand it takes two thirds of the time of autograd, which on so little work goes mostly into keeping books.
        """
        answers = targets[:, -1:]  # (B, 1)
        x = self._side_by_side(self._rows(idx))  # (B, T * C)
        hidden = torch.addmm(self.b1, x, self.W1).tanh_()  # (B, H)
        log_p = torch.log_softmax(torch.addmm(self.b2, hidden, self.W2), 1)  # (B, V)
        loss = F.nll_loss(log_p, answers[:, 0])

        # d loss / d logits = (softmax(logits) - one_hot(answers)) / B
        d_logits = log_p.exp_().scatter_(1, answers, -1.0, reduce="add").div_(len(idx))  # (B, V)
        # logits = hidden W2 + b2
        torch.mm(hidden.T, d_logits, out=gradient_of(self.W2))  # (H, V)
        torch.sum(d_logits, 0, out=gradient_of(self.b2))  # (V,)
        d_hidden = d_logits @ self.W2.T  # (B, H)
        # d tanh(z) / dz = 1 - tanh(z)^2
        d_preactivation = torch.ops.aten.tanh_backward(d_hidden, hidden)  # (B, H)
        # preactivation = x W1 + b1
        torch.mm(x.T, d_preactivation, out=gradient_of(self.W1))  # (T * C, H)
        torch.sum(d_preactivation, 0, out=gradient_of(self.b1))  # (H,)
        if self.table.requires_grad:  # else the table is frozen, and the way back ends here
            # x: a row of the table gets the sum of what came back to each place where it stood
            self._add_up_rows(idx, d_preactivation @ self.W1.T)  # of (B, T * C)
        return loss

    @torch.no_grad()
    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Set the table to the start `config.init`, the layers to `config.layer_init`, the biases to zero.

        Each layer has random numbers of its own, so that another start of one changes nothing in the others.
        """
        STARTS[self.config.init](self.table, ids, generator)
        start, seed = LAYER_STARTS[self.config.layer_init], self.config.seed
        start(self.W1, make_generator(seed, "hidden layer"), TANH_GAIN)
        start(self.W2, make_generator(seed, "output layer"), LOGITS_GAIN)
        self.b1.zero_()
        self.b2.zero_()

    def lookup_tables(self) -> dict[str, Tensor]:
        """Return the one table, (V, C)."""
        return {"token": self.table}

    @property
    def context_length(self) -> int:
        """It reads `block_size` tokens."""
        return self.config.block_size

    @torch.no_grad()
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:
        """Return all that is computed of one context `idx` (up to T,): what `forward` does, name by name.

        ids (T,) with NOTHING before the beginning, rows (T, C), concatenation (T * C,), preactivation (H,),
        hidden (H,), logits (V,), probabilities (V,). Between them what a worked example needs: of the hidden
        unit that answers most strongly weights (T * C,), product and bias; of the `target` the same.
        """
        idx = idx[-self.context_length :]
        rows = self._rows(idx[None])  # (1, T, C)
        x = self._side_by_side(rows)  # (1, T * C)
        preactivation = x @ self.W1 + self.b1  # (1, H)
        hidden = torch.tanh(preactivation)  # (1, H)
        logits = hidden @ self.W2 + self.b2  # (1, V)
        unit = int(hidden[0].abs().argmax())
        return {
            "ids": F.pad(idx, (self.context_length - len(idx), 0), value=NOTHING),
            "rows": rows[0],
            "one-hot difference": one_hot_difference(self.table, idx, rows[0, self.context_length - len(idx) :]),
            "concatenation": x[0],
            **_worked("hidden", self.W1, self.b1, x[0], unit),
            "preactivation": preactivation[0],
            "hidden": hidden[0],
            **({} if target is None else _worked("output", self.W2, self.b2, hidden[0], target)),
            "logits": logits[0],
            "probabilities": torch.softmax(logits[0], 0),
        }

    def points(self, trace: dict[str, Tensor]) -> dict[str, int]:
        """Return the hidden "unit" that answers most strongly, and the "likeliest" token."""
        return {"unit": int(trace["hidden"].abs().argmax()), "likeliest": int(trace["logits"].argmax())}

    @torch.no_grad()
    def activations(self, idx: Tensor) -> dict[str, Tensor]:
        """Return the hidden layer (N, H) of the contexts `idx` (N, T)."""
        x = self._side_by_side(self._rows(idx))  # (N, T * C)
        return {"hidden": torch.tanh(x @ self.W1 + self.b1)}

    @classmethod
    def weight_parts(cls, config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return V * C, T * C * H + H, and H * V + V."""
        names = "token table", "hidden layer", "output layer"
        return dict(zip(names, _weights(config, vocab_size), strict=True))

    @classmethod
    def numbers_per_context(cls, config: RunConfig, vocab_size: int) -> int:
        """Return the size of x and its gradient, of hidden and two gradients, of logits and log_p."""
        return 2 * config.block_size * config.n_embd + 3 * config.hidden + 2 * vocab_size

    @classmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        """Return table and layers with gradient and optimiser state, and what a batch makes on its way.

        A reading makes as much of as many contexts as it takes at once. Over the whole text the gradients of
        its chunks are summed up.
        """

        def part(name: str, weights: int, remedy: str) -> SizePart:
            sums = BYTES_PER_WEIGHT * weights if config.whole_text else 0
            return SizePart(name, trained_bytes(config, weights) + sums, remedy)

        table, hidden, output = _weights(config, vocab_size)
        contexts = max(config.batch_size, cls.contexts_at_once(config, vocab_size))
        made = BYTES_PER_WEIGHT * contexts * cls.numbers_per_context(config, vocab_size)
        return [
            part("the table", table, "Choose a smaller embedding width, or a tokenizer with fewer tokens."),
            part(
                "the hidden layer",
                hidden,
                "Choose a smaller block size, a smaller embedding width, or fewer hidden units.",
            ),
            part("the output layer", output, "Choose fewer hidden units, or a tokenizer with fewer tokens."),
            SizePart("a batch", made, "Choose a smaller batch."),
        ]

    def _rows(self, idx: Tensor) -> Tensor:
        """Look up the last T tokens of `idx`; rows of zeros stand before a shorter one. Returns (B, T, C)."""
        rows = F.embedding(idx[:, -self.context_length :], self.table)  # (B, t, C)
        missing = self.context_length - idx.shape[1]
        return F.pad(rows, (0, 0, missing, 0)) if missing > 0 else rows  # (B, T, C)

    def _side_by_side(self, rows: Tensor) -> Tensor:
        return rows.reshape(len(rows), self.W1.shape[0])  # (B, T * C)

    def _add_up_rows(self, idx: Tensor, d_x: Tensor) -> None:
        """Put the gradient of the table into its `.grad`; torch's own way is in the same order on every device."""
        read = idx[:, -self.context_length :]  # (B, t)
        d_rows = d_x.view(len(idx), self.context_length, -1)[:, self.context_length - read.shape[1] :]  # (B, t, C)
        gradient = torch.ops.aten.embedding_dense_backward(d_rows, read, self.vocab_size, -1, False)  # (V, C)
        gradient_of(self.table).copy_(gradient)


def _weights(config: RunConfig, vocab_size: int) -> tuple[int, int, int]:
    """Return how many weights table, hidden layer and output layer have."""
    inputs = config.block_size * config.n_embd
    return vocab_size * config.n_embd, (inputs + 1) * config.hidden, (config.hidden + 1) * vocab_size


def _worked(name: str, weight: Tensor, bias: Tensor, x: Tensor, column: int) -> dict[str, Tensor]:
    """Return what one column of `x weight + bias` is made of: its weights, x times these, its bias."""
    weights = weight.detach()[:, column]
    return {f"{name} weights": weights, f"{name} product": x @ weights, f"{name} bias": bias.detach()[column]}
