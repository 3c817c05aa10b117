"""A text made ready to train on and to look at: read, tokenized, split and counted, in one immutable piece."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedviz import catalog, files
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus, looks_like_items, read_corpus
from embedviz.text.dataset import Dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.preparation import prepare
from embedviz.text.progress import Progress, quiet
from embedviz.text.statistics import conditional_entropy, token_counts
from embedviz.text.tokenizers import Tokenizer

OWN_LINE_LENGTH = 60  # characters of a new text that the own line starts with
_LIST_HEAD = 1 << 18  # characters by which a list is recognised
_CHUNK = 1 << 22  # bytes hashed at once


@dataclass(frozen=True, eq=False)
class Document:
    """One training text under one tokenizer and one split. V is the vocabulary's size.

    `pairs` and `counts` (V,) are of the training part; `floor` is the conditional entropy of the pairs, nats
    per token: no bigram table can go below it. Equal keys mean equal ids of equal tokens, split alike.
    """

    corpus: Corpus
    config: RunConfig  # that it was made for; `fits` says which others it would have been the same for
    tokenizer: Tokenizer
    dataset: Dataset
    tokens: int  # in both parts; in a list of items each part has boundaries at both ends
    key: str
    pairs: PairCounts = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    floor: float
    characters_per_token: float

    @classmethod
    def make(cls, corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> "Document":
        """Tokenize, split and count `corpus` as `config` says. Raises EmbedvizError in a sentence."""
        tokenizer, dataset = prepare(corpus, config, progress)
        pairs = PairCounts.count(dataset.train_ids, tokenizer.vocab_size, progress)
        tokens = len(dataset.train_ids) + len(dataset.val_ids)
        return cls(
            corpus,
            config,
            tokenizer,
            dataset,
            tokens,
            _key(corpus, tokenizer, dataset, progress),
            pairs,
            token_counts(dataset.train_ids, tokenizer.vocab_size),
            conditional_entropy(pairs),
            corpus.n_stream_characters / tokens,
        )

    def fits(self, config: RunConfig) -> bool:
        """Tell whether `make` would make of the same text, read as `config` says, what this is."""
        return self.corpus.per_line == config.per_line and _shape(self.config, config.per_line) == _shape(
            config, config.per_line
        )

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.tokenizer.vocab_size

    def first_line(self) -> str:
        """Return the beginning of the text, to fill the own line with."""
        lines = [line.strip() for line in self.corpus.beginning(4000).splitlines() if line.strip()]
        if self.corpus.per_line:
            return lines[0]
        line = next((line for line in lines if len(line) > OWN_LINE_LENGTH), lines[0])
        return line if len(line) <= OWN_LINE_LENGTH else line[:OWN_LINE_LENGTH].rsplit(" ", 1)[0]


def read_sample(name: str) -> Corpus:
    """Read a sample of the catalogue."""
    sample = catalog.SAMPLES[name]
    corpus = read_corpus(files.resource(sample.file))
    return Corpus(sample.title, corpus.parts, sample.per_line)


def is_offered_as_items(corpus: Corpus) -> bool:
    """Tell whether to offer "one item per line" for a text that was opened as running text."""
    return not corpus.per_line and looks_like_items(corpus.beginning(_LIST_HEAD))


def _shape(config: RunConfig, per_line: bool) -> tuple[object, ...]:
    """Return what of `config` decides how a text is tokenized and split."""
    asked = config.vocab_size if "vocab_size" in catalog.TOKENIZERS[config.tokenizer].settings else None
    seed = config.seed if per_line else None  # only the items of a list are shuffled
    return config.tokenizer, config.tokenizer_file, asked, config.val_fraction, seed


def _key(corpus: Corpus, tokenizer: Tokenizer, dataset: Dataset, progress: Progress) -> str:
    digest = hashlib.blake2b(digest_size=12)
    digest.update(
        repr((corpus.per_line, dataset.vocab_size, dataset.boundary_id, len(dataset.train_ids))).encode()
    )
    for token in tokenizer.vocabulary:
        digest.update(f"{len(token)} {token}".encode("utf-8", "surrogatepass"))
    for ids in (dataset.train_ids, dataset.val_ids):
        data = ids.view(np.uint8).data
        for start in range(0, len(data), _CHUNK):
            progress("Counting", 1.0)
            digest.update(data[start : start + _CHUNK])
    return digest.hexdigest()
