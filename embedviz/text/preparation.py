"""From a text to what a run trains on: one way, for the window and for the command line."""

from typing import NamedTuple

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.text.tokenizers import Tokenizer


class Prepared(NamedTuple):
    """A tokenizer made for a text, and the text's tokens, split."""

    tokenizer: Tokenizer
    dataset: Dataset


def prepare(corpus: Corpus, config: RunConfig) -> Prepared:
    """Make the tokenizer that `config` names, encode `corpus` with it and split it as `config` says.

    Raises TextError where there is too little text.
    """
    tokenizer: Tokenizer = catalog.TOKENIZERS[config.tokenizer].load().from_corpus(corpus)
    ids = tokenizer.encode(corpus.stream_text)  # (T,)
    dataset = make_dataset(
        ids,
        tokenizer.vocab_size,
        config.val_fraction,
        boundary_id=tokenizer.boundary_id,
        seed=config.seed,
    )
    return Prepared(tokenizer, dataset)
