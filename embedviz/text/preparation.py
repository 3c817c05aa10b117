"""From a text to what a run trains on: one way, for the window and for the command line."""

from typing import NamedTuple

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.text.progress import Progress, quiet
from embedviz.text.tokenizers import Tokenizer, told


class Prepared(NamedTuple):
    """A tokenizer made for a text, and the text's tokens, split."""

    tokenizer: Tokenizer
    dataset: Dataset


def make_tokenizer(corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Tokenizer:
    """Make the tokenizer that `config` names for `corpus`. Raises EmbedvizError where there can be none."""
    progress("Learning the vocabulary", 0.0)
    tokenizer: Tokenizer = catalog.TOKENIZERS[config.tokenizer].load().from_corpus(corpus, config, progress)
    return tokenizer


def prepare(corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Prepared:
    """Make the tokenizer that `config` names, encode `corpus` with it and split it as `config` says.

    Raises TextError where there is too little text.
    """
    tokenizer = make_tokenizer(corpus, config, progress)
    ids = tokenizer.encode_chunks(told(corpus, "Encoding", progress))  # (T,)
    ids.flags.writeable = False  # nobody else's: the data set need not copy it
    dataset = make_dataset(
        ids,
        tokenizer.vocab_size,
        config.val_fraction,
        boundary_id=tokenizer.boundary_id,
        seed=config.seed,
        progress=progress,
    )
    return Prepared(tokenizer, dataset)
