"""The third part of a script: the model is made, and set to its start with the numbers that the run drew."""

from embedviz.config import RunConfig
from embedviz.export import pytorch_blocks, pytorch_models

_STD = {"normal-0.01": "0.01", "normal-0.02": "0.02", "normal-1": "1.0"}
_TABLE = "model.token_embedding_table.weight"
_POSITIONS = "model.position_embedding_table.weight"

_LOG_COUNTS = f"""\
# The answer from counting: log of (count of the pair + 1) / (count of its first token + V).
counts = torch.bincount(train_ids[:-1] * vocab_size + train_ids[1:], minlength=vocab_size**2) + 1
counts = counts.float().view(vocab_size, vocab_size)
with torch.no_grad():
    {_TABLE}.copy_((counts / counts.sum(1, keepdim=True)).log())
"""

_START = '''\
@torch.no_grad()
def start(weight, purpose{gain}):
    """Draw a matrix (fan_out, fan_in), as nn.Linear keeps it; embedviz draws it the other way round."""
    drawn = torch.empty(weight.T.shape)  # (fan_in, fan_out): else the numbers would land in other places
    {draw}
    weight.copy_(drawn.T)
'''

_DRAW_KAIMING = """\
std = gain / math.sqrt(len(drawn))  # keeps what goes through as large as it is (He et al., 2015)
    nn.init.normal_(drawn, std=std, generator=make_generator(purpose))"""

_ZERO_LAYERS = """\
for layer in model.modules():
    if isinstance(layer, nn.Linear):
        nn.init.zeros_(layer.weight)
"""

_ZERO_BIASES = """\
for layer in model.modules():
    if isinstance(layer, nn.Linear) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
"""

_KAIMING = "# The gain of what comes after, over the root of fan-in (He et al., 2015).\n"

_PARTS = """\
    parts = block.attention.qkv.weight.detach().chunk(3)  # (C, C) each, drawn for itself
    for name, weight in zip(("query", "key", "value"), parts, strict=True):
"""

_HALVES = """\
    for half, weight in enumerate(block.feed_forward.up.weight.detach().chunk(2)):
"""

_RESIDUAL = {
    "scaled": """\
    with torch.no_grad():  # 2 n_layer projections add to the stream: each starts so much smaller (GPT-2)
        block.attention.projection.weight.mul_(1 / math.sqrt(2 * n_layer))
        block.feed_forward.down.weight.mul_(1 / math.sqrt(2 * n_layer))
""",
    "zero": """\
    nn.init.zeros_(block.attention.projection.weight)  # each block begins by passing on what it gets
    nn.init.zeros_(block.feed_forward.down.weight)
""",
}


def write(config: RunConfig) -> list[str]:
    """Return the lines that make `model` and draw its weights, each purpose from a generator of its own."""
    made = f"model = {pytorch_models.name(config)}()\n"
    if config.model == "bigram":
        return [
            made + (_LOG_COUNTS if config.init == "log-counts" else drawn(_TABLE, config.init, "initialization"))
        ]
    if config.model == "mlp":
        return [made + drawn(_TABLE, config.init, "initialization") + _mlp_layers(config) + _frozen(config)]
    is_zero = config.layer_init == "zeros"
    tables = drawn(_TABLE, config.init, "initialization")
    if config.position == "learned":
        tables += drawn(_POSITIONS, config.init, "position table")
    layers = "" if is_zero else _head(config) + _block_layers(config)
    biases = "" if config.model == "llama" else _ZERO_BIASES
    lines = made + (_ZERO_LAYERS if is_zero else "") + biases + tables + layers + _frozen(config)
    return [lines] if "start(" not in layers else [_start(config), lines]


def drawn(weight: str, start: str, purpose: str, kaiming: str = "") -> str:
    """Return the line that sets `weight` to a `start` of the catalogue."""
    if start == "zeros":
        return f"nn.init.zeros_({weight})\n"
    generator = f'generator=make_generator("{purpose}")'
    if start == "xavier":
        return f"nn.init.xavier_uniform_({weight}, {generator})\n"
    return f"nn.init.normal_({weight}, std={_STD.get(start, kaiming)}, {generator})\n"


def _mlp_layers(config: RunConfig) -> str:
    hidden = drawn("model.W1", config.layer_init, "hidden layer", "(5 / 3) / math.sqrt(block_size * n_embd)")
    output = drawn("model.W2", config.layer_init, "output layer", "0.01 / math.sqrt(hidden)")
    return (_KAIMING if config.layer_init == "kaiming" else "") + hidden + output


def _frozen(config: RunConfig) -> str:
    return (
        f"{_TABLE}.requires_grad_(False)  # frozen: it stays as it started\n" if config.freeze_embeddings else ""
    )


def _start(config: RunConfig) -> str:
    if config.layer_init == "kaiming":
        return _START.format(gain=", gain=1.0", draw=_DRAW_KAIMING)
    draw = f"nn.init.normal_(drawn, std={_STD.get(config.layer_init)}, generator=make_generator(purpose))"
    if config.layer_init == "xavier":
        draw = "nn.init.xavier_uniform_(drawn, generator=make_generator(purpose))"
    return _START.format(gain="", draw=draw)


def _head(config: RunConfig) -> str:
    return "" if config.tie else _started("model.head.weight", '"head"', "0.01", config)


def _block_layers(config: RunConfig) -> str:
    if not pytorch_blocks.has_blocks(config):
        return ""
    lines = "for i, block in enumerate(model.blocks):\n"
    lines += _PARTS + "        " + _started("weight", 'f"blocks.{i}.attention.{name}"', "", config)
    projection = 'f"blocks.{i}.attention.projection"'
    lines += "    " + _started("block.attention.projection.weight", projection, "", config)
    if config.model == "llama":
        lines += _HALVES + "        " + _started("weight", 'f"blocks.{i}.feed_forward.up.{half}"', "", config)
    else:
        up = 'f"blocks.{i}.feed_forward.up.0"'
        lines += "    " + _started("block.feed_forward.up.weight", up, "", config)
    down = _started("block.feed_forward.down.weight", 'f"blocks.{i}.feed_forward.down"', "math.sqrt(2)", config)
    return lines + "    " + down + _RESIDUAL.get(config.residual_init, "")


def _started(weight: str, purpose: str, gain: str, config: RunConfig) -> str:
    told = f", gain={gain}" if gain and config.layer_init == "kaiming" else ""
    return f"start({weight}, {purpose}{told})\n"
