"""What can be chosen, as tables: menus, forms and the command line are made from these.

A new model, start, optimiser, tokenizer or sample is one entry here and one file elsewhere. Nothing here
imports what it names: `path` is a dotted path, loaded only where it is used.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass(frozen=True)
class Setting:
    """One number a person can choose; `minimum` and `maximum` are inclusive unless `open_minimum`."""

    name: str  # the field of RunConfig
    title: str
    default: float
    minimum: float
    maximum: float
    line: str
    integer: bool = False
    open_minimum: bool = False

    def accepts(self, value: float) -> bool:
        """Tell whether `value` is within the range (NaN never is)."""
        above = value > self.minimum if self.open_minimum else value >= self.minimum
        return above and value <= self.maximum and (not self.integer or float(value).is_integer())


@dataclass(frozen=True)
class Entry:
    """One thing to choose: `name` on the command line, `title` on screen, `line` to explain it."""

    name: str
    title: str
    line: str
    path: str = ""
    settings: tuple[str, ...] = ()
    defaults: dict[str, float] = field(default_factory=dict)

    def load(self) -> Any:
        """Import and return the object at `path` ("package.module:attribute")."""
        module, _, attribute = self.path.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class Sample:
    """A text that ships with the app."""

    name: str
    title: str
    line: str
    file: str
    per_line: bool = False


Row = TypeVar("Row", Entry, Sample, Setting)


def _table(*rows: Row) -> dict[str, Row]:
    return {row.name: row for row in rows}


SETTINGS = _table(
    Setting("lr", "Learning rate", 0.1, 0.0, 1e6, "How far one step moves the weights.", open_minimum=True),
    Setting("beta1", "Beta 1", 0.9, 0.0, 0.9999, "How much of the last direction Adam keeps."),
    Setting("beta2", "Beta 2", 0.999, 0.0, 0.999999, "How slowly Adam's step sizes adapt."),
    Setting("weight_decay", "Weight decay", 0.0, 0.0, 10.0, "Pulls every weight towards zero."),
    Setting("batch_size", "Batch size", 32, 1, 65_536, "Windows of text a step looks at.", integer=True),
    Setting("block_size", "Block size", 8, 1, 1024, "Tokens in one window of text.", integer=True),
    Setting("val_fraction", "Held out", 0.1, 0.0, 0.9, "The part kept back to validate on; 0 for none."),
    Setting("seed", "Seed", 1337, 0, 2**32 - 1, "The same seed gives the same run.", integer=True),
)

TOKENIZERS = _table(
    Entry("char", "Char", "One token for every character.", "embedviz.text.tokenizers:CharTokenizer"),
)

MODELS = _table(
    Entry(
        "bigram",
        "Bigram table",
        "One V x V table: row i holds the logits of whatever follows token i.",
        "embedviz.models.bigram:BigramLanguageModel",
    ),
)

STARTS = _table(
    Entry("zeros", "zeros", "Every token equally likely: the loss starts at ln V."),
    Entry("normal-0.01", "N(0, .01)", "Small random numbers, standard deviation 0.01."),
    Entry("normal-0.02", "N(0, .02)", "Small random numbers, standard deviation 0.02, as in GPT-2."),
    Entry("normal-1", "N(0, 1)", "Large random numbers: torch's own start of an embedding."),
    Entry("xavier", "Xavier", "Uniform, scaled by the shape of the table (Glorot and Bengio, 2010)."),
    Entry("log-counts", "log of counts + 1", "The answer from counting: training has little left to do."),
)

_ADAM = ("lr", "beta1", "beta2", "weight_decay")
OPTIMIZERS = _table(
    Entry(
        "sgd",
        "SGD",
        "Straight down the gradient.",
        settings=("lr", "weight_decay"),
        defaults={"lr": 50.0, "weight_decay": 0.0},
    ),
    Entry("adam", "Adam", "A step size of its own for every weight.", settings=_ADAM, defaults={"lr": 0.1}),
    Entry(
        "adamw",
        "AdamW",
        "Adam, with the pull towards zero kept apart from the gradient.",
        settings=_ADAM,
        defaults={"lr": 0.1, "weight_decay": 0.01},
    ),
)

SAMPLES = _table(
    Sample("fables", "Short fables", "Plain English prose, written for this app.", "samples/fables.txt"),
    Sample("names", "Given names", "One name a line, from many countries.", "samples/names.txt", True),
    Sample(
        "toy_grammar",
        "Toy grammar",
        "Sentences from a tiny grammar whose word classes are known.",
        "samples/toy_grammar.txt",
    ),
)

DEFAULT_SAMPLE = "fables"
