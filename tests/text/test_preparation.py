"""Preparation: the same ids whether a text is encoded whole or in chunks, and progress all along."""

import numpy as np
import pytest

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.char_tokenizer import CharTokenizer
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.dataset import make_dataset
from embedviz.text.preparation import make_tokenizer, prepare
from embedviz.text.progress import Cancelled

TEXT = "Ben and Ünal met Anna, 3 times.\n" * 300
LIST = "\n".join(f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst")
OWN = [name for name in catalog.TOKENIZERS if name != "file"]


def config_of(tokenizer: str, corpus: Corpus) -> RunConfig:
    return RunConfig(tokenizer=tokenizer, vocab_size=300, per_line=corpus.per_line, val_fraction=0.25, seed=5)


@pytest.mark.parametrize("tokenizer", OWN)
@pytest.mark.parametrize(
    "corpus", [corpus_from_text(TEXT), corpus_from_text(LIST).as_items()], ids=["text", "list"]
)
def test_what_is_trained_on_is_the_whole_stream_encoded_and_split(tokenizer, corpus):
    config = config_of(tokenizer, corpus)
    made, dataset = prepare(corpus, config)
    assert made.name == tokenizer
    ids = made.encode(corpus.stream_text)
    expected = make_dataset(ids, made.vocab_size, 0.25, boundary_id=made.boundary_id, seed=5)
    assert np.array_equal(dataset.train_ids, expected.train_ids)
    assert np.array_equal(dataset.val_ids, expected.val_ids)
    assert (dataset.vocab_size, dataset.boundary_id) == (made.vocab_size, made.boundary_id)
    assert (dataset.boundary_id is None) is not corpus.per_line


def test_the_ids_are_not_copied(monkeypatch):
    encoded = []

    def encode_chunks(self, chunks):
        encoded.append(np.concatenate([self.encode(chunk) for chunk in chunks]))
        return encoded[0]

    monkeypatch.setattr(CharTokenizer, "encode_chunks", encode_chunks)
    dataset = prepare(corpus_from_text(TEXT), RunConfig()).dataset
    assert np.shares_memory(dataset.train_ids, encoded[0])


@pytest.mark.parametrize("tokenizer", OWN)
def test_the_tokenizer_is_that_of_the_configuration(tokenizer):
    corpus = corpus_from_text(TEXT)
    config = config_of(tokenizer, corpus)
    assert make_tokenizer(corpus, config).to_json() == prepare(corpus, config).tokenizer.to_json()


@pytest.mark.parametrize("per_line", [False, True])
def test_progress_is_told_of_every_stage_in_order(per_line):
    corpus = corpus_from_text(LIST)
    corpus = corpus.as_items() if per_line else corpus
    told = []
    prepare(corpus, config_of("char", corpus), lambda doing, done: told.append((doing, done)))
    stages = list(dict.fromkeys(doing for doing, _ in told))
    assert stages == ["Learning the vocabulary", "Encoding", *(["Splitting"] if per_line else [])]
    for stage in stages:
        shares = [done for doing, done in told if doing == stage]
        assert stage == "Splitting" or shares == sorted(shares)
        assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize("stage", ["Learning the vocabulary", "Encoding", "Splitting"])
def test_every_stage_can_be_cancelled(stage):
    def progress(doing, done):
        if doing == stage:
            raise Cancelled

    corpus = corpus_from_text(LIST).as_items()
    with pytest.raises(Cancelled):
        prepare(corpus, config_of("char", corpus), progress)
