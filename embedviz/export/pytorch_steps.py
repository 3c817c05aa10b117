"""The last part of a script: what each step reads, the optimiser, and the steps."""

from embedviz.config import RunConfig

_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}

_FUSED = ("cpu", "auto", "cuda")  # where torch has a kernel for a whole update

_OPTIMIZER = """\
optimizer = {name}(model.parameters(), {settings}, fused=True)
"""

_OPTIMIZER_OR_ELSE = """\
try:
    optimizer = {name}(model.parameters(), {settings}, fused=True)
except RuntimeError:  # this device has no kernel for a whole update
    optimizer = {name}(model.parameters(), {settings}, foreach=True)
"""

_FORGET_ITEMS = '''\
def forget_items(idx):
    """Put the boundary in place of all before the last one: no context reaches into the item before."""
    places = torch.arange(block_size)  # (T,)
    last = ((idx == boundary) * places).amax(1, keepdim=True)  # (B, 1)
    return idx.masked_fill(places < last, boundary)
'''

_WINDOWS = """\
windows = train_ids.unfold(0, block_size + 1, 1)  # (n - T, T + 1), a view: what stands from each place on
generator = make_generator("batches")
"""

_BOUNDARIES = "train_ids = F.pad(train_ids, (block_size - 1, 0), value=boundary)  # before the first item\n"
_NOTHING = "train_ids = F.pad(train_ids, (block_size - 1, 0), value=-1)  # nothing stands before the beginning\n"

_PAIRS = """\
# Of a text a bigram sees how often each token follows each other one: the loss of it all is a sum over pairs.
pairs = torch.bincount(train_ids[:-1] * vocab_size + train_ids[1:], minlength=vocab_size**2)
frequency = (pairs / pairs.sum()).view(vocab_size, vocab_size){to}  # (V, V)
every_token = torch.arange(vocab_size){to}  # (V,)
"""

_ALL_CONTEXTS = """\
# Each step reads all contexts, a chunk at a time: the gradients of the chunks add up. Chunks of embedviz may have
# other sizes: the sums are the same, but their last digits may differ, and grow where weights are large.
chunks = train_ids.unfold(0, block_size + 1, 1).split(4096)  # (b, T + 1) each
n_predictions = len(train_ids) - block_size
"""

_ALL_WINDOWS = """\
# Each step reads the text in windows side by side, some at a time: the gradients add up. The last may be short.
# In embedviz a chunk may have more or fewer of them: the sums are the same, but their last digits may differ, and
# grow where weights are large.
windows = train_ids.unfold(0, block_size + 1, block_size)  # (W, T + 1)
rest = train_ids[None, len(windows) * block_size :]  # (1, t)
chunks = [chunk for chunk in (*windows.split(64), rest) if chunk.shape[1] > 1]
n_predictions = len(train_ids) - 1
"""

_RATE = '''\
def rate(step):
    """Rise in a line, then fall along half a cosine to a tenth (Loshchilov and Hutter, 2017)."""
{warmup}    done = min(1.0, (step - {warmup_steps}) / {span})
    return {lr} * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)
'''

_WARMUP = """\
    if step < {warmup_steps}:
        return {lr} * (step + 1) / {warmup_steps}
"""

_LEARN = """\
    loss = F.cross_entropy(model(idx).flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
"""

_BATCH_LOSS = """\
    starts = torch.randint(len(windows), ({batch_size},), generator=generator)  # (B,)
    idx, targets = {idx}{to}, {window_targets}{to}{shapes}
{learn}"""

_BY_HAND = """\
    logits = model(idx)  # (B, V)
    loss = F.cross_entropy(logits, targets)
    optimizer.zero_grad()
    p = F.log_softmax(logits.detach(), 1).exp()  # (B, V)
    # The same as loss.backward(), with the first gradient written out as in embedviz: bit by bit.
    logits.backward((p - F.one_hot(targets, vocab_size)) / len(idx))
"""

_PAIR_LOSS = """\
    loss = -(frequency * F.log_softmax(model(every_token), dim=1)).sum()
    optimizer.zero_grad()
    loss.backward()
"""

_CHUNK_LOSS = """\
    optimizer.zero_grad()
    loss = torch.zeros((), dtype=torch.float64)
    for chunk in chunks:
        idx, targets = {idx}{to}, {window_targets}{to}
        part = F.cross_entropy({logits}, {targets}, reduction="sum") / n_predictions
        part.backward()
        loss += part.detach(){back}
"""


def write(config: RunConfig, per_line: bool) -> list[str]:
    """Return the lines that take the steps, and print the loss before each as exactly as it is known."""
    parts = [_prepared(config, per_line)]
    if per_line and config.reads == "block":
        parts.append(_FORGET_ITEMS)
    if config.schedule == "cosine":
        parts.append(_rate(config))
    return [*parts, _optimizer(config), "for step in range(STEPS):\n" + _step(config, per_line)]


def device_call(config: RunConfig) -> str:
    """Return what takes a tensor to where the run computes; nothing where that is the CPU."""
    return "" if config.device.partition(":")[0] in ("cpu", "auto") else f'.to("{config.device}")'


def _words(config: RunConfig, per_line: bool) -> dict[str, str]:
    """Return how windows become idx and targets, and how these become a loss."""
    is_block = config.reads == "block"
    rows = "chunk[:" if config.whole_text else "windows[starts"
    idx = f"{rows}, :-1]"
    return {
        "idx": f"forget_items({idx})" if is_block and per_line else idx,
        "window_targets": f"{rows}, -1]" if is_block else f"{rows}, 1:]",
        "shapes": "" if device_call(config) else "  # (B, T), (B,)" if is_block else "  # (B, T) each",
        "logits": "model(idx)" if is_block else "model(idx).flatten(0, 1)",
        "targets": "targets" if is_block else "targets.flatten()",
        "learn": _BY_HAND if is_block else _LEARN,
        "to": device_call(config),
        "back": ".cpu()" if device_call(config) else "",
    }


def _prepared(config: RunConfig, per_line: bool) -> str:
    """Return the lines that make ready what the steps read."""
    is_block = config.reads == "block"
    if not config.whole_text:
        return (_BOUNDARIES if is_block and per_line else "") + _WINDOWS
    if config.reads == "token":
        return _PAIRS.format(to=device_call(config))
    return (_BOUNDARIES if per_line else _NOTHING) + _ALL_CONTEXTS if is_block else _ALL_WINDOWS


def _rate(config: RunConfig) -> str:
    return _RATE.format(
        warmup=_WARMUP.format(lr=config.lr, warmup_steps=config.warmup_steps) if config.warmup_steps else "",
        warmup_steps=config.warmup_steps,
        span=config.schedule_steps - config.warmup_steps,
        lr=config.lr,
    )


def _optimizer(config: RunConfig) -> str:
    to = device_call(config)
    betas = "" if config.optimizer == "sgd" else f", betas=({config.beta1}, {config.beta2})"
    settings = f"lr={config.lr}{betas}, weight_decay={config.weight_decay}"
    name = f"torch.optim.{_OPTIMIZERS[config.optimizer]}"
    is_fused = config.device.partition(":")[0] in _FUSED
    made = _OPTIMIZER if is_fused else _OPTIMIZER_OR_ELSE
    return (f"model{to}\n" if to else "") + made.format(name=name, settings=settings)


def _step(config: RunConfig, per_line: bool) -> str:
    template = _BATCH_LOSS
    if config.whole_text:
        template = _PAIR_LOSS if config.reads == "token" else _CHUNK_LOSS
    lines = template.format(batch_size=config.batch_size, **_words(config, per_line))
    if config.clip:
        lines += f"    nn.utils.clip_grad_norm_(model.parameters(), {config.clip})\n"
    if config.schedule == "cosine":
        lines += '    for group in optimizer.param_groups:\n        group["lr"] = rate(step)\n'
    return lines + '    optimizer.step()\n    print(f"step {step}: {loss.item()!r}")\n'
