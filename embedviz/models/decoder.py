"""What transformers here have in common: rows, blocks that add to a residual stream, a norm, and a head.

    x = rows (+ positions)                                        (T, C)
    x = x + attention(norm(x));  x = x + feed-forward(norm(x))    for each block
    logits = W norm(x)                                            (T, V), W = E where the head is tied

transformer.py and llama.py say what a norm and a feed-forward are.
"""

import math
from abc import abstractmethod
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from embedviz.config import RunConfig
from embedviz.models.attention import CausalSelfAttention
from embedviz.models.base import BYTES_PER_WEIGHT, LanguageModel, SizePart, traced_bytes
from embedviz.models.block import Block, FeedForward
from embedviz.models.embedding import TokenPositionEmbedding, smaller_tables
from embedviz.models.initialization import LAYER_STARTS, LOGITS_GAIN, RELU_GAIN, make_generator
from embedviz.models.rotation import Rotation
from embedviz.models.stages import input_name, stages_of


class DecoderLanguageModel(LanguageModel):
    """A transformer that reads up to `block_size` tokens, and predicts what follows each of them."""

    feed_forward: ClassVar[type[FeedForward]]
    has_biases: ClassVar[bool]  # in attention's projection
    norm_formula: ClassVar[str]

    def __init__(self, config: RunConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.embedding = TokenPositionEmbedding(config, vocab_size)
        is_turned = config.position == "rope"
        self.rotation = Rotation(config.n_embd // config.n_head, config.block_size) if is_turned else None
        self.blocks = nn.ModuleList(self._make_block() for _ in range(config.n_layer))
        self.norm = self.make_norm()
        self.head = nn.Linear(config.n_embd, vocab_size, bias=False)
        if config.tie:
            self.head.weight = self.embedding.token
        self.stages = stages_of(config, self.norm_formula, self.feed_forward.formula)

    @abstractmethod
    def make_norm(self) -> nn.Module:
        """Return a norm over C numbers, whose weights are yet to be set."""

    @staticmethod
    @abstractmethod
    def norm_weights(n_embd: int) -> int:
        """Return how many weights a norm has."""

    def _make_block(self) -> Block:
        config = self.config
        attention = CausalSelfAttention(config.n_embd, config.n_head, self.rotation, bias=self.has_biases)
        return Block(self.make_norm(), attention, self.make_norm(), type(self).feed_forward(config.n_embd))

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return the logits (B, T, V) of what follows each token of `idx` (B, T), and the mean loss."""
        x = self.embedding(idx)  # (B, T, C)
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, self.vocab_size), targets.reshape(-1))

    @torch.no_grad()
    def initialize(self, ids: Tensor, generator: Generator) -> None:
        """Set tables to `config.init`, matrices to `config.layer_init`, biases to 0, norms to 1 and 0.

        What adds to the residual stream starts as `config.residual_init` says. Each matrix has random numbers of
        its own, so that another start of one changes nothing in the others.
        """
        self.embedding.initialize(ids, generator)
        for name, module in self.named_modules():
            if module is self.head:
                if not self.config.tie:
                    self._start(name, self.head.weight, LOGITS_GAIN)
            elif isinstance(module, CausalSelfAttention):
                for part, weight in zip(("query", "key", "value"), module.qkv.weight.chunk(3), strict=True):
                    self._start(f"{name}.{part}", weight)
                self._start_residual(f"{name}.projection", module.projection)
            elif isinstance(module, FeedForward):
                size = module.down.in_features
                for number, weight in enumerate(torch.split(module.up.weight, size)):
                    self._start(f"{name}.up.{number}", weight)
                _zero_bias(module.up)
                self._start_residual(f"{name}.down", module.down, RELU_GAIN)
        for norm in (self.norm, *(norm for block in self._blocks() for norm in (block.norm_1, block.norm_2))):
            for kind, parameter in norm.named_parameters():
                parameter.fill_(kind == "weight")

    def _start(self, name: str, weight: Tensor, gain: float = 1.0) -> None:
        """Set a matrix (out, in), torch's order, by a start that thinks in (in, out)."""
        LAYER_STARTS[self.config.layer_init](weight.T, make_generator(self.config.seed, name), gain)

    def _start_residual(self, name: str, layer: nn.Linear, gain: float = 1.0) -> None:
        """Set a layer whose output is added to the stream, 2 n_layer of which there are (GPT-2, section 2.3)."""
        self._start(name, layer.weight, gain)
        _zero_bias(layer)
        if self.config.residual_init == "scaled":
            layer.weight.mul_(1 / math.sqrt(2 * self.config.n_layer))
        elif self.config.residual_init == "zero":
            layer.weight.zero_()

    def lookup_tables(self) -> dict[str, Tensor]:
        """Return the token table (V, C), and that of positions (T, C) if they are learned."""
        return self.embedding.tables()

    @property
    def context_length(self) -> int:
        """It reads up to `block_size` tokens."""
        return self.config.block_size

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        """Return which row of each table stands for `ids` (T,)."""
        return self.embedding.rows_read(ids)

    @torch.no_grad()
    def trace(self, idx: Tensor, target: int | None = None) -> dict[str, Tensor]:
        """Return all that is computed of one context `idx` (T,): what `forward` does, name by name.

        ids (T,), rows (T, C), with positions these and the sum; of each block its norms, attention (H, T, T),
        that of the last position (H, T), what is added, and the stream after it; norm (T, C), logits (V,),
        probabilities (V,). Of the `target` the head's row, and its product with the last position.
        """
        idx = idx[-self.context_length :]
        made = self.embedding.trace(idx)
        x = made[input_name(self.config)]  # (T, C)
        for number, block in enumerate(self._blocks(), 1):
            for name, values in block.walk(x):
                made[f"block {number} {name}"] = values
            x = made[f"block {number} stream 2"]
        made["norm"] = self.norm(x)  # (T, C)
        if target is not None:
            made["head row"] = self.head.weight.detach()[target]  # (C,)
        made["logits"] = self.head(made["norm"][-1])  # (V,)
        made["probabilities"] = torch.softmax(made["logits"], 0)
        return made

    def points(self, trace: dict[str, Tensor]) -> dict[str, int]:
        """Return the "likeliest" token; what each block's last position attends to most, and in which head.

        And the column where each sum changes most: "column of sum", "block 1 column 1".
        """
        ids = trace["ids"]
        points = {"likeliest": int(trace["logits"].argmax()), "last place": len(ids) - 1}
        if "sum" in trace:
            points["column of sum"] = int(trace["position rows"][-1].abs().argmax())
        for number in range(1, self.config.n_layer + 1):
            name = f"block {number}"
            weights = trace[f"{name} attention last"]  # (H, T)
            head, place = divmod(int(weights.argmax()), weights.shape[1])
            points |= {f"{name} head": head, f"{name} place": place, f"{name} seen": int(ids[place])}
            points[f"{name} column 1"] = int(trace[f"{name} attention out"][-1].abs().argmax())
            points[f"{name} column 2"] = int(trace[f"{name} feed-forward out"][-1].abs().argmax())
            points[f"{name} unit"] = int(trace[f"{name} hidden"][-1].abs().argmax())
        return points

    @property
    def attention_layers(self) -> int:
        """One in each block."""
        return self.config.n_layer

    @torch.no_grad()
    def attention(self, idx: Tensor, layer: int) -> dict[str, Tensor]:
        """Return "weights" (H, T, T), "queries" and "keys" (H, T, D) of a layer, from 0, for `idx` (T,)."""
        x = self.embedding(idx[None, -self.context_length :])  # (1, T, C)
        blocks = self._blocks()
        for block in blocks[:layer]:
            x = block(x)
        seen = blocks[layer].attention.look(blocks[layer].norm_1(x)[0])
        return {name: seen[name] for name in ("weights", "queries", "keys")}

    @torch.no_grad()
    def layers(self, idx: Tensor) -> dict[str, Tensor]:
        """Return what each layer puts out for the windows `idx` (N, T), in order, each (N, T, C or F)."""
        x = F.embedding(idx, self.embedding.token) * self.embedding.scale  # (N, T, C)
        found = {"rows": x}
        if self.embedding.position is not None:
            found["sum"] = x = self.embedding(idx)
        for number, block in enumerate(self._blocks(), 1):
            name = f"block {number}"
            added = block.attention(block.norm_1(x))
            found[f"{name} attention"] = added
            found[f"{name} stream 1"] = x = x + added
            hidden = block.feed_forward.hidden(block.norm_2(x))  # (N, T, F)
            found[f"{name} hidden"] = hidden
            added = block.feed_forward.down(hidden)
            found[f"{name} feed-forward"] = added
            found[f"{name} stream 2"] = x = x + added
        found["norm"] = self.norm(x)
        return found

    def _blocks(self) -> list[Block]:
        return [cast("Block", block) for block in self.blocks]

    @classmethod
    def weight_parts(cls, config: RunConfig, vocab_size: int) -> dict[str, int]:
        """Return tables, attention, feed-forward, norms, and the head, which has none of its own where tied."""
        width, layers = config.n_embd, config.n_layer
        bias = width if cls.has_biases else 0
        return {
            **TokenPositionEmbedding.weight_parts(config, vocab_size),
            **({"attention": layers * (4 * width**2 + bias)} if layers else {}),
            **({"feed-forward": layers * cls.feed_forward.weight_count(width)} if layers else {}),
            "norms": (2 * layers + 1) * cls.norm_weights(width),
            "head": 0 if config.tie else vocab_size * width,
        }

    @classmethod
    def numbers_per_context(cls, config: RunConfig, vocab_size: int) -> int:
        """Return what a window of T tokens makes on its way: the stream, what blocks keep, and logits.

        Twice, for their gradients; attention weights are there for one layer at a time.
        """
        time, width = config.block_size, config.n_embd
        block = 12 * width + 2 * cls.feed_forward.width(width)
        return time * 2 * (2 * width + config.n_layer * block + vocab_size) + config.n_head * time**2

    @classmethod
    def size_parts(cls, config: RunConfig, vocab_size: int) -> list[SizePart]:
        """Return the parts with gradient and optimiser state, traced, and what a batch makes on its way."""
        weights = cls.weight_parts(config, vocab_size)
        sums = BYTES_PER_WEIGHT if config.whole_text else 0  # the gradients of a text's chunks are summed up
        remedies = {
            **dict.fromkeys(("token table", "head"), smaller_tables(config)),
            "position table": "Choose a smaller block size, or a smaller embedding width.",
        }
        layers = "Choose fewer layers, or a smaller embedding width."
        windows = max(config.batch_size, cls.contexts_at_once(config, vocab_size))
        made = BYTES_PER_WEIGHT * windows * cls.numbers_per_context(config, vocab_size)
        return [
            *(
                SizePart(f"the {name}", traced_bytes(config, count) + sums * count, remedies.get(name, layers))
                for name, count in weights.items()
            ),
            SizePart("a batch", made, "Choose a smaller batch, or a smaller block size."),
        ]


def _zero_bias(layer: nn.Linear) -> None:
    if layer.bias is not None:
        layer.bias.zero_()
