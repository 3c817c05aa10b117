"""A text made ready to train on and to look at: read, tokenized, split and counted, in one immutable piece."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedviz import catalog, files
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus, TextError, looks_like_items, read_corpus
from embedviz.text.dataset import Dataset
from embedviz.text.preparation import prepare
from embedviz.text.statistics import (
    conditional_entropy,
    next_token_probabilities,
    pair_counts,
    token_counts,
)
from embedviz.text.tokenizers import Tokenizer

MOST_SYMBOLS = 8192  # the counts of all pairs would take more than half a gigabyte beyond that
OWN_LINE_LENGTH = 60  # characters of a new text that the own line starts with


@dataclass(frozen=True, eq=False)
class Document:
    """One training text under one tokenizer and one split. V is the vocabulary's size.

    `pairs` (V, V) and `counts` (V,) are of the training part; `floor` is the conditional entropy of the
    pairs, nats per token: no bigram table can go below it.
    """

    corpus: Corpus
    tokenizer: Tokenizer
    dataset: Dataset
    tokens: int  # in both parts; in a list of items each part has boundaries at both ends
    key: str
    pairs: NDArray[np.int64] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    floor: float

    @classmethod
    def make(cls, corpus: Corpus, config: RunConfig) -> "Document":
        """Tokenize, split and count `corpus` as `config` says. Raises EmbedvizError in a sentence."""
        tokenizer, dataset = prepare(corpus, config)
        if tokenizer.vocab_size > MOST_SYMBOLS:
            raise TextError(
                f"'{corpus.name}' has {tokenizer.vocab_size:,} different tokens; a table of "
                f"{tokenizer.vocab_size:,} x {tokenizer.vocab_size:,} is more than embedviz takes "
                f"(at most {MOST_SYMBOLS:,})."
            )
        pairs = pair_counts(dataset.train_ids, tokenizer.vocab_size)
        parts = (
            dataset.train_ids.tobytes(),
            b"|",
            dataset.val_ids.tobytes(),
            f"{dataset.vocab_size} {dataset.boundary_id}".encode(),
        )
        return cls(
            corpus,
            tokenizer,
            dataset,
            len(dataset.train_ids) + len(dataset.val_ids),
            hashlib.blake2b(b"".join(parts), digest_size=12).hexdigest(),
            pairs,
            token_counts(dataset.train_ids, tokenizer.vocab_size),
            conditional_entropy(pairs),
        )

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """How often each token follows each, (V, V), rows summing to 1 (or 0 where nothing follows)."""
        return next_token_probabilities(self.pairs)

    @cached_property
    def characters_per_token(self) -> float:
        """The mean length of a token of the training part."""
        lengths = np.array([len(token) for token in self.tokenizer.vocabulary])  # (V,)
        return float(lengths @ self.counts) / max(1, int(self.counts.sum()))

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.tokenizer.vocab_size

    def first_line(self) -> str:
        """Return the beginning of the text, to fill the own line with."""
        lines = [line.strip() for line in self.corpus.text.lstrip()[:4000].splitlines() if line.strip()]
        if self.corpus.per_line:
            return lines[0]
        line = next((line for line in lines if len(line) > OWN_LINE_LENGTH), lines[0])
        return line if len(line) <= OWN_LINE_LENGTH else line[:OWN_LINE_LENGTH].rsplit(" ", 1)[0]


def read_sample(name: str) -> Corpus:
    """Read a sample of the catalogue."""
    sample = catalog.SAMPLES[name]
    corpus = read_corpus(files.resource(sample.file))
    return Corpus(sample.title, corpus.text, sample.per_line)


def is_offered_as_items(corpus: Corpus) -> bool:
    """Tell whether to offer "one item per line" for a text that was opened as running text."""
    return not corpus.per_line and looks_like_items(corpus.text)
