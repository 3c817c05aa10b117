"""The second part of a script: the model as modules of plain layers, and the sizes that these are made with."""

from embedviz.config import RunConfig
from embedviz.export import pytorch_blocks

_BIGRAM = '''\
class BigramLanguageModel(nn.Module):
    """One V x V table: row i holds the logits of whatever follows token i."""

    def __init__(self):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)  # (V, V)

    def forward(self, idx):
        return self.token_embedding_table(idx)  # (B, T) -> (B, T, V)
'''

_MLP = '''\
class MLP(nn.Module):
    """The rows of T tokens side by side, a tanh layer, the logits of what follows (Bengio et al., 2003)."""

    def __init__(self):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)  # (V, C)
        self.W1 = nn.Parameter(torch.empty(block_size * n_embd, hidden))  # (T * C, H)
        self.b1 = nn.Parameter(torch.zeros(hidden))  # (H,)
        self.W2 = nn.Parameter(torch.empty(hidden, vocab_size))  # (H, V)
        self.b2 = nn.Parameter(torch.zeros(vocab_size))  # (V,)

    def forward(self, idx):
{rows}
        h = torch.addmm(self.b1, rows.flatten(1), self.W1).tanh()  # (B, H): tanh(x W1 + b1)
        return torch.addmm(self.b2, h, self.W2)  # (B, V): h W2 + b2
'''

_ROWS = "        rows = self.token_embedding_table(idx)  # (B, T, C)"

_ROWS_OR_NONE = """\
        rows = self.token_embedding_table(idx.clamp(min=0))  # (B, T, C)
        rows = rows * (idx >= 0)[:, :, None]  # zeros where nothing stands: before the text begins"""

_TOKEN_POSITION = '''\
class TokenPositionModel(nn.Module):
    """{what}"""

    def __init__(self):
        super().__init__()
{tables}        self.head = nn.Linear(n_embd, vocab_size)  # (C,) -> (V,)
{tie}
    def forward(self, idx):
{rows}        return self.head(x)  # (B, T, V)
'''

_NAMES = {
    "bigram": "BigramLanguageModel",
    "mlp": "MLP",
    "token-position": "TokenPositionModel",
    "transformer": "TinyTransformer",
    "llama": "LlamaTransformer",
}


def name(config: RunConfig) -> str:
    """Return the name of the model's class."""
    return _NAMES[config.model]


def write(config: RunConfig, per_line: bool) -> list[str]:
    """Return the sizes of the model of `config`, and its classes, the whole model last."""
    parts = [sizes] if (sizes := _sizes(config, per_line)) else []
    if config.model == "bigram":
        return [*parts, _BIGRAM]
    if config.model == "mlp":
        return [*parts, _MLP.format(rows=_ROWS_OR_NONE if config.whole_text and not per_line else _ROWS)]
    if config.model == "token-position":
        added = ", and one for each position, added up" if config.position == "learned" else ""
        what = f"A row for each token{added}, through one linear layer."
        return [*parts, _TOKEN_POSITION.format(what=what, **pytorch_blocks.embedding(config))]
    return [*parts, *pytorch_blocks.write(config, name(config))]


def _sizes(config: RunConfig, per_line: bool) -> str:
    """Return the lines that name the sizes; a text shorter than a block shortens it."""
    if config.reads == "token" and config.whole_text:
        return ""
    framed = per_line and config.reads == "block"  # boundaries before the text make it long enough
    lines = [
        f"block_size = {config.block_size if framed else f'min({config.block_size}, len(train_ids) - 1)'}  # T"
    ]
    if config.reads != "token":
        lines.append(f"n_embd = {config.n_embd}  # C")
    if config.model == "mlp":
        lines.append(f"hidden = {config.hidden}  # H")
    if pytorch_blocks.has_blocks(config):
        lines += pytorch_blocks.sizes(config)
    return "\n".join(lines) + "\n"
