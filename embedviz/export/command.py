"""Copy as command: the `embedviz train` line that makes a run again."""

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.export.source import UNSAVED, TextSource

_SAMPLE = "sample:"
_CHOICES = ("position", "init", "layer_init", "residual_init")
_SHAPE = ("n_embd", "hidden", "n_layer", "n_head", "block_size")
_RATES = ("lr", "weight_decay")
_OF_COSINE = ("warmup_steps", "schedule_steps")
_AUTO = "auto"


def as_command(config: RunConfig, source: TextSource, steps: int) -> str:
    """Return the line, quoted for a shell: only what differs from what `embedviz train` does by itself.

    A text that is in no file is read from UNSAVED. The line makes `heard(config)`.
    """
    config = heard(config)
    parts = (
        _of_text(config, source),
        _of_model(config),
        _of_optimizer(config),
        _of_data(config),
        ("--steps", str(steps)),
        _of_machine(config),
    )
    return shlex.join(["embedviz", "train", *(word for part in parts for word in part)])


def heard(config: RunConfig) -> RunConfig:
    """Return the same run, with what says nothing to its model, tokenizer, optimiser or schedule by default."""
    unheard: set[str] = set()
    for table, chosen in (
        (catalog.MODELS, config.model),
        (catalog.TOKENIZERS, config.tokenizer),
        (catalog.OPTIMIZERS, config.optimizer),
        (catalog.SCHEDULES, config.schedule),
    ):
        unheard |= {name for entry in table.values() for name in (*entry.settings, *entry.choices)}
        unheard -= {*table[chosen].settings, *table[chosen].choices}
    usual = _usual(config)
    return config.replace(**{name: getattr(usual, name) for name in unheard})


def _usual(config: RunConfig) -> RunConfig:
    """Return what runs where nothing is chosen but the model and the optimiser of `config`."""
    rates = catalog.optimizer_defaults(config.model, config.optimizer)
    return RunConfig().with_model(config.model).replace(optimizer=config.optimizer, **rates)


def _of_text(config: RunConfig, source: TextSource) -> Iterator[str]:
    if source.kind == "sample":
        text, is_list = _SAMPLE + source.name, catalog.SAMPLES[source.name].per_line
    else:
        text, is_list = _file(source.path) if source.kind == "file" else UNSAVED, False
    if text != _SAMPLE + catalog.DEFAULT_SAMPLE:
        yield from ("--text", text)
    if config.per_line != is_list:
        yield "--per-line" if config.per_line else "--no-per-line"
    if config.tokenizer == "file":
        yield from ("--tokenizer", _file(config.tokenizer_file))
    elif config.tokenizer != _usual(config).tokenizer:
        yield from ("--tokenizer", config.tokenizer)
    yield from _differing(config, ("vocab_size",))


def _of_model(config: RunConfig) -> Iterator[str]:
    if config.model != RunConfig.model:
        yield from ("--model", config.model)
    yield from _differing(config, (*_SHAPE, *_CHOICES))
    for name in catalog.SWITCHES:
        if getattr(config, name) != getattr(_usual(config), name):
            yield _flag(name) if getattr(config, name) else _flag(f"no_{name}")


def _of_optimizer(config: RunConfig) -> Iterator[str]:
    if config.optimizer != RunConfig().with_model(config.model).optimizer:
        yield from ("--optimizer", config.optimizer)
    yield from _differing(config, _RATES)
    betas, usual = (config.beta1, config.beta2), _usual(config)
    if betas != (usual.beta1, usual.beta2):
        yield from ("--betas", *map(repr, betas))
    yield from _differing(config, ("clip", "schedule"))
    if config.schedule == "cosine":  # by default they depend on the steps
        for name in _OF_COSINE:
            yield from (_flag(name), _written(name, getattr(config, name)))


def _of_data(config: RunConfig) -> Iterator[str]:
    return _differing(config, ("batch_size", "val_fraction", "seed"))


def _of_machine(config: RunConfig) -> Iterator[str]:
    if config.device != RunConfig.device:
        yield from ("--device", config.device)
    if config.threads != (0 if config.device == _AUTO else RunConfig.threads):
        yield from ("--threads", str(config.threads or _AUTO))


def _differing(config: RunConfig, names: tuple[str, ...]) -> Iterator[str]:
    usual = _usual(config)
    for name in names:
        value = getattr(config, name)
        if value != getattr(usual, name):
            yield from (_flag(name), _written(name, value))


def _written(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name == "batch_size" and value == WHOLE_TEXT:
        return "all"
    return str(int(value)) if catalog.SETTINGS[name].integer else repr(value)


def _file(path: str) -> str:
    """Return `path` so that it is read as that of a file, and as no flag, sample or tokenizer's name."""
    is_plain = PurePath(path).is_absolute() or path.startswith("./")
    return path if is_plain else f"./{path}"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
