"""RunConfig: everything that decides what a training run computes, and nothing else."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from embedviz import catalog
from embedviz.errors import ConfigError

WHOLE_TEXT = 0
"""As `batch_size`: every step sees the whole training part (the exact gradient)."""

MOST_THREADS = 1024  # torch crashes where the system has no room for as many as are asked for


@dataclass(frozen=True)
class RunConfig:
    """One run. The same RunConfig on the same text, machine type and torch gives bitwise the same weights.

    `device` and `threads` may be "auto" and 0 until training.device_choice has chosen; a run that has started
    carries what was chosen. Raises ConfigError for a value outside its range in the catalogue.
    """

    tokenizer: str = "char"
    tokenizer_file: str = ""  # the tokenizer.json of "file"
    vocab_size: int = 1000  # asked for, of "word" and "subword"
    per_line: bool = False
    model: str = "bigram"
    n_embd: int = 10
    hidden: int = 200
    n_layer: int = 2
    n_head: int = 4
    position: str = "learned"
    tie: bool = False  # the head is the token table
    scale_embeddings: bool = False  # token rows times sqrt(n_embd)
    freeze_embeddings: bool = False  # the token table is not trained
    init: str = "zeros"  # of the lookup tables
    layer_init: str = "kaiming"  # of all other weights
    residual_init: str = "plain"  # of the layers that add to the residual stream
    optimizer: str = "adam"
    lr: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 0.0  # the largest norm of the gradient; 0 for any
    schedule: str = "constant"
    warmup_steps: int = 100
    schedule_steps: int = 3000
    batch_size: int = WHOLE_TEXT
    block_size: int = 8
    val_fraction: float = 0.1
    seed: int = 1337
    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        for name, table in _CHOICES.items():
            if getattr(self, name) not in table:
                known = ", ".join(table)
                raise ConfigError(f"'{getattr(self, name)}' is no {name} that embedviz knows: choose {known}.")
        for name in catalog.SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"'{catalog.SWITCHES[name].title}' is on or off, not {getattr(self, name)!r}.")
        for name, setting in catalog.SETTINGS.items():
            value = getattr(self, name)
            if name == "batch_size" and value == WHOLE_TEXT:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not setting.accepts(value):
                above = "above" if setting.open_minimum else "from"
                raise ConfigError(
                    f"{setting.title} is {value}, but has to be {'a whole number ' if setting.integer else ''}"
                    f"{above} {setting.minimum:,.10g} {'and up to' if setting.open_minimum else 'to'} "
                    f"{setting.maximum:,.10g}."
                )
        if not catalog.STARTS[self.init].suits(self.model):
            start, model = catalog.STARTS[self.init].title, catalog.MODELS[self.model].title
            raise ConfigError(f"The start '{start}' is not for the model '{model}': choose another.")
        self._check_heads()
        if (self.tokenizer == "file") != bool(self.tokenizer_file):
            raise ConfigError("A tokenizer from a file needs the file's name, and no other tokenizer has one.")
        if self.schedule == "cosine" and self.warmup_steps >= self.schedule_steps:
            raise ConfigError(
                f"The rate rises for {self.warmup_steps:,} steps, but is to be lowest at step "
                f"{self.schedule_steps:,}: let the warm-up end before."
            )
        if not 0 <= self.threads <= MOST_THREADS:
            raise ConfigError(
                f"Threads is {self.threads:,}, but has to be from 0 (choose for me) to {MOST_THREADS:,}."
            )

    def _check_heads(self) -> None:
        model = catalog.MODELS[self.model]
        if "position" in model.choices and not catalog.POSITIONS[self.position].suits(self.model):
            position = catalog.POSITIONS[self.position].title
            raise ConfigError(f"Positions by '{position}' are not for the model '{model.title}': choose others.")
        if "n_head" not in model.settings:
            return
        if not self.n_layer:
            if self.position == "rope":
                raise ConfigError(
                    "RoPE turns queries and keys, and without layers there are none: choose learned positions, "
                    "or none (--position learned, --position none)."
                )
            return
        if self.n_embd % self.n_head:
            raise ConfigError(
                f"{self.n_head:,} heads cannot share a width of {self.n_embd:,}: choose a width that is a "
                "multiple of the heads."
            )
        if self.position == "rope" and self.n_embd // self.n_head % 2:
            raise ConfigError(
                f"RoPE turns pairs of dimensions, and a head has {self.n_embd // self.n_head:,}: choose a width "
                "that gives each head an even number of them."
            )

    @property
    def reads(self) -> str:
        """What the model reads: "token", the last alone; "block", always so many; "window", up to so many."""
        return catalog.MODELS[self.model].reads

    def has(self, choice: str) -> bool:
        """Tell whether the model has this choice or switch of the catalogue."""
        return choice in catalog.MODELS[self.model].choices

    @property
    def whole_text(self) -> bool:
        """True if a step uses the exact gradient of the whole training part."""
        return self.batch_size == WHOLE_TEXT

    def with_model(self, model: str) -> "RunConfig":
        """Return a copy for another model, with the settings that suit it."""
        defaults = catalog.MODELS[model].defaults
        optimizer = catalog.optimizer_defaults(model, defaults["optimizer"])
        tokenizer = {}
        brought = catalog.MODELS[self.model].defaults.get("tokenizer")
        if "tokenizer" in defaults:
            tokenizer = {"tokenizer_file": ""}
        elif brought is not None and self.tokenizer == brought:
            tokenizer = {"tokenizer": RunConfig.tokenizer}  # it came with the model, and goes with it
        return self.replace(
            **{"clip": 0.0, "schedule": "constant", **optimizer, **defaults, **tokenizer, "model": model}
        )

    def replace(self, **changes: Any) -> "RunConfig":
        """Return a copy with `changes`, validated again."""
        return dataclasses.replace(self, **changes)


_CHOICES = {
    "tokenizer": catalog.TOKENIZERS,
    "model": catalog.MODELS,
    "init": catalog.STARTS,
    "layer_init": catalog.LAYER_STARTS,
    "position": catalog.POSITIONS,
    "residual_init": catalog.RESIDUAL_INITS,
    "schedule": catalog.SCHEDULES,
    "optimizer": catalog.OPTIMIZERS,
}
