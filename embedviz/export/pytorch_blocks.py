"""The classes of transformers in a script: attention, feed-forward, a block of both, and the whole."""

from embedviz.config import RunConfig

_TOKEN_TABLE = "        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)  # (V, C)\n"
_POSITION_TABLE = "        self.position_embedding_table = nn.Embedding(block_size, n_embd)  # (T, C)\n"
_TIE = "        self.head.weight = self.token_embedding_table.weight  # tied: one matrix, two jobs\n"
_ROWS = "        x = self.token_embedding_table(idx){scale}  # (B, T, C)\n"
_POSITIONS = """\
        x = x + self.position_embedding_table.weight[: idx.shape[1]]  # (B, T, C)
"""

_ROTATE = '''\
def rotate(x):
    """Turn each pair of numbers in x (..., T, D) by position times speed (RoPE; Su et al., 2021)."""
    T, D = x.shape[-2:]
    speed = 10000.0 ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)  # (D / 2,)
    angle = torch.arange(T)[:, None] * speed  # (T, D / 2)
    cos, sin = angle.cos().to(x), angle.sin().to(x)
    a, b = x[..., 0::2], x[..., 1::2]  # (..., T, D / 2)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)
'''

_ATTENTION = '''\
class CausalSelfAttention(nn.Module):
    """Each position takes from itself and those before it, in n_head ways at once (Vaswani et al., 2017)."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)  # queries, keys and values
        self.projection = nn.Linear(n_embd, n_embd{no_bias})

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, n_head, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
{rotate}        # softmax(q k^T / sqrt(D)) v, where no position sees what comes after it:
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, D)
        return self.projection(out.transpose(1, 2).flatten(2))  # (B, T, C)
'''

_TURN = "        q, k = rotate(q), rotate(k)  # (B, H, T, D): their product depends on the distance alone\n"

_GELU = '''\
class FeedForward(nn.Module):
    """Two layers, four times as wide between them."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(n_embd, 4 * n_embd)
        self.down = nn.Linear(4 * n_embd, n_embd)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))
'''

_SWIGLU = '''\
class FeedForward(nn.Module):
    """SwiGLU (Shazeer, 2020): a gate opens for what passes."""

    def __init__(self):
        super().__init__()
        self.up = nn.Linear(n_embd, 2 * width, bias=False)  # the gate, and what passes
        self.down = nn.Linear(width, n_embd, bias=False)

    def forward(self, x):
        gate, passing = self.up(x).chunk(2, -1)  # (B, T, F) each
        return self.down(F.silu(gate) * passing)
'''

_BLOCK = '''\
class Block(nn.Module):
    """Attention and feed-forward: each reads the stream through a norm, and adds to it."""

    def __init__(self):
        super().__init__()
        self.norm_1 = {norm}
        self.attention = CausalSelfAttention()
        self.norm_2 = {norm}
        self.feed_forward = FeedForward()

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.feed_forward(self.norm_2(x))
'''

_MODEL = '''\
class {name}(nn.Module):
    """{what}"""

    def __init__(self):
        super().__init__()
{tables}{blocks}        self.norm = {norm}
        self.head = nn.Linear(n_embd, vocab_size, bias=False)  # (C,) -> (V,)
{tie}
    def forward(self, idx):
{rows}{through}        return self.head(self.norm(x))  # (B, T, V)
'''

_BLOCKS = "        self.blocks = nn.ModuleList(Block() for _ in range(n_layer))\n"
_THROUGH = """\
        for block in self.blocks:
            x = block(x)
"""

_MULTIPLE = 8  # that the middle of a LLaMA's feed-forward is rounded up to
_NORMS = {"transformer": "nn.LayerNorm(n_embd)", "llama": "nn.RMSNorm(n_embd, eps=1e-6)"}


def has_blocks(config: RunConfig) -> bool:
    """Tell whether the model has blocks of attention and feed-forward."""
    return config.has("residual_init") and config.n_layer > 0


def sizes(config: RunConfig) -> list[str]:
    """Return the lines that name the sizes of blocks."""
    lines = [f"n_layer, n_head = {config.n_layer}, {config.n_head}"]
    if config.model == "llama":
        width = -(-8 * config.n_embd // (3 * _MULTIPLE)) * _MULTIPLE
        lines.append(f"width = {width}  # F: 8 / 3 of n_embd, rounded up to a multiple of {_MULTIPLE}")
    return lines


def embedding(config: RunConfig) -> dict[str, str]:
    """Return the lines that make the tables, tie the head to them, and look rows up."""
    is_learned = config.position == "learned"
    scale = " * math.sqrt(n_embd)" if config.scale_embeddings else ""
    return {
        "tables": _TOKEN_TABLE + (_POSITION_TABLE if is_learned else ""),
        "tie": _TIE if config.tie else "",
        "rows": _ROWS.format(scale=scale) + (_POSITIONS if is_learned else ""),
    }


def write(config: RunConfig, name: str) -> list[str]:
    """Return the classes of a transformer, the whole model last, called `name`."""
    norm = _NORMS[config.model]
    is_turned = config.position == "rope"
    blocks = has_blocks(config)
    parts = [_ROTATE] if blocks and is_turned else []
    if blocks:
        no_bias = ", bias=False" if config.model == "llama" else ""
        parts.append(_ATTENTION.format(no_bias=no_bias, rotate=_TURN if is_turned else ""))
        parts += [_SWIGLU if config.model == "llama" else _GELU, _BLOCK.format(norm=norm)]
    what = "Rows of a table, blocks that add to them, a norm, and a head that makes logits."
    model = _MODEL.format(
        name=name,
        what=what if blocks else "Rows of a table, a norm, and a head that makes logits: no blocks.",
        norm=norm,
        blocks=_BLOCKS if blocks else "",
        through=_THROUGH if blocks else "",
        **embedding(config),
    )
    return [*parts, model]
