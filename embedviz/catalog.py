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
    defaults: dict[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()  # the only models that it is for; empty: for all
    rates: dict[str, float] = field(default_factory=dict)  # of a model: the learning rate with each optimiser
    minimums: dict[str, float] = field(default_factory=dict)  # of its settings, where they are above the usual
    choices: tuple[str, ...] = ()  # of a model: the tables and switches below that it has
    reads: str = ""  # of a model: "token", the last alone; "block", always so many; "window", up to so many

    def suits(self, model: str) -> bool:
        """Tell whether this can be chosen for `model`."""
        return not self.models or model in self.models

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
    Setting("clip", "Clip", 0.0, 0.0, 1e6, "The longest gradient that a step follows; 0 for any."),
    Setting("warmup_steps", "Warm-up", 100, 0, 1e8, "Steps over which the rate rises from 0.", integer=True),
    Setting("schedule_steps", "Cosine ends at", 3000, 1, 1e8, "The step where the rate is lowest.", integer=True),
    Setting("batch_size", "Batch size", 32, 1, 65_536, "Windows of text a step looks at.", integer=True),
    Setting("block_size", "Block size", 8, 1, 1024, "Tokens in one window of text.", integer=True),
    Setting("n_embd", "Embedding width", 10, 1, 1024, "Numbers in one row of the lookup table.", integer=True),
    Setting("hidden", "Hidden units", 200, 1, 4096, "Units of the hidden layer.", integer=True),
    Setting("n_layer", "Layers", 2, 0, 24, "Blocks of attention and feed-forward; 0 for none.", integer=True),
    Setting("n_head", "Heads", 4, 1, 32, "Attention heads of a block; they share its width.", integer=True),
    Setting("vocab_size", "Vocabulary", 1000, 2, 65_536, "Tokens; the text may have fewer.", integer=True),
    Setting("val_fraction", "Held out", 0.1, 0.0, 0.9, "The part kept back to validate on; 0 for none."),
    Setting("seed", "Seed", 1337, 0, 2**32 - 1, "The same seed gives the same run.", integer=True),
)

TOKENIZERS = _table(
    Entry("char", "Char", "One token for every character.", "embedviz.text.char_tokenizer:CharTokenizer"),
    Entry(
        "byte",
        "Byte",
        "One token for every byte of UTF-8: 256 of them, for any text.",
        "embedviz.text.byte_tokenizer:ByteTokenizer",
    ),
    Entry(
        "word",
        "Word",
        "Words, marks and white space; what is rarer than the vocabulary is large becomes <unk>.",
        "embedviz.text.word_tokenizer:WordTokenizer",
        settings=("vocab_size",),
    ),
    Entry(
        "subword",
        "Subword",
        "Byte pairs, merged where they are frequent in this text (byte-level BPE).",
        "embedviz.text.subword_tokenizer:SubwordTokenizer",
        settings=("vocab_size",),
        minimums={"vocab_size": 257},  # 256 bytes, and one pair of them
    ),
    Entry("file", "From a file", "A tokenizer.json of other tools.", "embedviz.text.file_tokenizer:FileTokenizer"),
)

_SWITCHES_OF_TABLES = ("tie", "scale_embeddings", "freeze_embeddings")
_LIKE_GPT = {
    "tie": False,
    "scale_embeddings": False,
    "freeze_embeddings": False,
    "batch_size": 32,
    "block_size": 8,
    "optimizer": "adamw",
    "init": "normal-0.02",
    "layer_init": "normal-0.02",
}
_WITH_BLOCKS = {**_LIKE_GPT, "n_embd": 32, "n_layer": 2, "n_head": 4, "residual_init": "plain"}
MODELS = _table(
    Entry(
        "bigram",
        "Bigram table",
        "One V × V table: row i holds the logits of whatever follows token i.",
        "embedviz.models.bigram:BigramLanguageModel",
        settings=("block_size",),
        defaults={"block_size": 8, "batch_size": 0, "optimizer": "adam", "init": "zeros"},
        rates={"sgd": 50.0, "adam": 0.1, "adamw": 0.1},
        reads="token",
    ),
    Entry(
        "mlp",
        "MLP",
        "The rows of the last few tokens, side by side, through a tanh layer (Bengio et al., 2003).",
        "embedviz.models.mlp:MLPLanguageModel",
        settings=("n_embd", "hidden", "block_size"),
        defaults={
            "n_embd": 10,
            "block_size": 3,
            "batch_size": 32,
            "optimizer": "adamw",
            "init": "normal-1",
            "layer_init": "kaiming",
            "freeze_embeddings": False,
        },
        rates={"sgd": 0.1, "adam": 0.003, "adamw": 0.003},
        choices=("layer_init", "freeze_embeddings"),
        reads="block",
    ),
    Entry(
        "token-position",
        "Token + position",
        "A row for each token and one for each position, added up, through one linear layer.",
        "embedviz.models.token_position:TokenPositionModel",
        settings=("n_embd", "block_size"),
        defaults={**_LIKE_GPT, "tokenizer": "byte", "n_embd": 4, "position": "learned", "init": "normal-1"},
        rates={"sgd": 1.0, "adam": 0.01, "adamw": 0.01},
        choices=("layer_init", "position", *_SWITCHES_OF_TABLES),
        reads="window",
    ),
    Entry(
        "transformer",
        "TinyTransformer",
        "Token + position, then blocks of causal attention and feed-forward (Vaswani et al., 2017).",
        "embedviz.models.transformer:TinyTransformer",
        settings=("n_embd", "n_layer", "n_head", "block_size"),
        defaults={**_WITH_BLOCKS, "position": "learned"},
        rates={"sgd": 0.1, "adam": 0.001, "adamw": 0.001},
        choices=("layer_init", "position", "residual_init", *_SWITCHES_OF_TABLES),
        reads="window",
    ),
    Entry(
        "llama",
        "LLaMA-style",
        "As LLaMA has it: RMSNorm, positions as rotations (RoPE), SwiGLU (Touvron et al., 2023).",
        "embedviz.models.llama:LlamaTransformer",
        settings=("n_embd", "n_layer", "n_head", "block_size"),
        defaults={**_WITH_BLOCKS, "position": "rope"},
        rates={"sgd": 0.1, "adam": 0.001, "adamw": 0.001},
        choices=("layer_init", "position", "residual_init", *_SWITCHES_OF_TABLES),
        reads="window",
    ),
)

STARTS = _table(
    Entry("zeros", "zeros", "Every number 0: a bigram table then holds every token equally likely."),
    Entry("normal-0.01", "N(0, .01)", "Small random numbers, standard deviation 0.01."),
    Entry("normal-0.02", "N(0, .02)", "Small random numbers, standard deviation 0.02, as in GPT-2."),
    Entry("normal-1", "N(0, 1)", "Large random numbers: torch's own start of an embedding."),
    Entry("xavier", "Xavier", "Uniform, scaled by the shape of the table (Glorot and Bengio, 2010)."),
    Entry(
        "log-counts",
        "log of counts + 1",
        "The answer from counting: training has little left to do.",
        models=("bigram",),
    ),
)

LAYER_STARTS = _table(
    Entry("kaiming", "Kaiming", "Scaled by fan-in: numbers stay as large from layer to layer; small logits."),
    Entry("xavier", "Xavier", "Uniform, scaled by fan-in and fan-out (Glorot and Bengio, 2010)."),
    Entry("normal-0.02", "N(0, .02)", "Small random numbers, as in GPT-2: layers begin nearly linear."),
    Entry("normal-1", "N(0, 1)", "Large random numbers: tanh units begin saturated, attention all on one token."),
    Entry("zeros", "zeros", "All units alike: they get the same gradient and never part."),
)

POSITIONS = _table(
    Entry("none", "none", "Nothing tells one place from another."),
    Entry("learned", "learned", "A second lookup table: its row for a position is added to the token's."),
    Entry(
        "rope",
        "RoPE",
        "Queries and keys are turned by an angle for each position (Su et al., 2021).",
        models=("transformer", "llama"),
    ),
)

RESIDUAL_INITS = _table(
    Entry("plain", "plain", "Projections into the residual stream start like all other layers."),
    Entry("scaled", "÷ √(2 · layers)", "They start 1/sqrt(2 n_layer) as large, as in GPT-2."),
    Entry("zero", "zero", "They start at 0: every block begins by passing on what it gets."),
)

SWITCHES = _table(
    Entry("tie", "Tie the head", "The head is the token table itself: each row then has two jobs."),
    Entry(
        "scale_embeddings",
        "Scale rows by √C",
        "Token rows times sqrt(n_embd) before anything is added (Vaswani et al., 2017).",
    ),
    Entry("freeze_embeddings", "Freeze the table", "The token table stays as it started; other layers learn."),
)
"""What is on or off, a field of RunConfig each."""

SCHEDULES = _table(
    Entry("constant", "constant", "The same learning rate at every step."),
    Entry(
        "cosine",
        "warm-up + cosine",
        "Up from 0 in a line, then down half a cosine to a tenth.",
        settings=("warmup_steps", "schedule_steps"),
    ),
)

_ADAM = ("lr", "beta1", "beta2", "weight_decay")
OPTIMIZERS = _table(
    Entry(
        "sgd",
        "SGD",
        "Straight down the gradient.",
        settings=("lr", "weight_decay"),
        defaults={"weight_decay": 0.0},
    ),
    Entry(
        "adam", "Adam", "A step size of its own for every weight.", settings=_ADAM, defaults={"weight_decay": 0.0}
    ),
    Entry(
        "adamw",
        "AdamW",
        "Adam, with the pull towards zero kept apart from the gradient.",
        settings=_ADAM,
        defaults={"weight_decay": 0.01},
    ),
)


def optimizer_defaults(model: str, optimizer: str) -> dict[str, float]:
    """Return the settings that choosing `optimizer` for `model` brings along."""
    return {**OPTIMIZERS[optimizer].defaults, "lr": MODELS[model].rates[optimizer]}


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
