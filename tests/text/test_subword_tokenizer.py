import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.config import RunConfig
from embedviz.text import tokenizer_library
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.progress import Cancelled
from embedviz.text.subword_tokenizer import LEAST, SubwordTokenizer
from embedviz.text.tokenizers import UnknownTokenError, VocabularyError

TEXT = "the cat sat on the mat, the cats sat; café, 🙂 — 漢字 don't\n" * 9


def learn(text: str, vocab_size: int = 300, *, per_line: bool = False) -> SubwordTokenizer:
    return SubwordTokenizer.from_corpus(
        Corpus("test", text, per_line), RunConfig(tokenizer="subword", vocab_size=vocab_size)
    )


TOKENIZER = learn(TEXT, 280)


def test_the_vocabulary_is_all_bytes_and_what_was_merged():
    assert TOKENIZER.vocab_size == len(TOKENIZER.vocabulary) == len(TOKENIZER.labels) == 280
    assert len(TOKENIZER.merges) == 280 - 256
    assert sorted(TOKENIZER.token_bytes[:256]) == [bytes([byte]) for byte in range(256)]
    assert "the" in TOKENIZER.vocabulary
    assert " cat" in TOKENIZER.vocabulary
    assert "␣cat" in TOKENIZER.labels
    assert "E6" in TOKENIZER.labels  # a byte that is no character
    assert TOKENIZER.boundary_id is TOKENIZER.unknown_id is None


def test_the_first_merge_is_the_most_frequent_pair_of_bytes():
    text = "ab ab ab cd"
    tokenizer = learn(text, LEAST)
    pairs = Counter(pair for word in text.split() for pair in pairwise(word))
    assert tokenizer.merges == (pairs.most_common(1)[0][0],)
    assert [tokenizer.vocabulary[i] for i in tokenizer.encode(text)] == [*("ab", " ") * 2, "ab", *" cd"]


def test_a_text_may_have_fewer_merges_than_asked_for():
    assert learn("ab", 1000).vocab_size == LEAST
    assert learn("ab", 1000).merges == (("a", "b"),)


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(VocabularyError, match="has to be at least 257, not 256"):
        learn(TEXT, 256)


def test_in_a_list_the_line_end_is_the_boundary():
    tokenizer = learn("anna\nbenanna\nben ann\n", per_line=True)
    assert tokenizer.vocabulary[tokenizer.boundary_id] == "\n"
    ids = tokenizer.encode_chunks(["\nanna\nben", " ann\n"])
    assert "".join("|" if i == tokenizer.boundary_id else tokenizer.vocabulary[i] for i in ids) == "|anna|ben ann|"


def test_labels_show_text_or_bytes():
    line = learn("漢 漢 漢 漢", LEAST + 1).encode_line(" 漢\n")
    assert "".join(line.labels[-1:]) == "↵"
    assert line.text == " 漢\n"
    labels = learn("漢字 " * 9, LEAST).labels
    assert " ".join(f"{byte:02X}" for byte in "漢".encode()[:2]) in labels or "␣E6" not in labels
    assert all(labels)


def test_captions_are_ids():
    line = TOKENIZER.encode_line("the cat")
    assert line.captions == tuple(map(str, line.ids))
    assert line.labels == ("the", "␣cat")
    assert line.spans.tolist() == [[0, 3], [3, 7]]


def test_a_character_in_parts_belongs_to_the_last_one():
    line = learn("plain words", LEAST).encode_line("x🙂")
    assert line.labels == ("x", "F0", "9F", "99", "82")
    assert line.spans.tolist() == [[0, 1], [1, 1], [1, 1], [1, 1], [1, 2]]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decode_undoes_encode_on_any_text(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@settings(deadline=None)
@given(st.lists(st.integers(0, 279)))
def test_any_ids_can_be_decoded(ids):
    data = b"".join(TOKENIZER.token_bytes[i] for i in ids)
    assert TOKENIZER.decode(ids) == data.decode("utf-8", "replace")


def test_ids_outside_are_refused():
    for ids in ([280], [-1]):
        with pytest.raises(IndexError):
            TOKENIZER.decode(ids)


def test_half_a_character_has_no_encoding_but_a_line():
    with pytest.raises(UnknownTokenError):
        TOKENIZER.encode("a\ud800")
    assert TOKENIZER.encode_line("a\ud800").ids.tolist() == TOKENIZER.encode("a\ufffd").tolist()


@pytest.mark.parametrize("piece", [1, 2, 7, 100])
@settings(deadline=None)
@given(text=st.text(st.sampled_from("ab'., \n\t\xa0\x1c\x85\u3000é7🙂_-sit"), max_size=200))
def test_the_pieces_of_a_text_are_cut_where_no_token_is(piece, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer_library, "_PIECE", piece)
        assert TOKENIZER.encode(text).tolist() == TOKENIZER._library.encode(text).ids
        batches = [part for pieces in tokenizer_library.batches(text) for part in pieces]
    assert "".join(batches) == text


def test_chunks_of_a_corpus_are_encoded_as_the_whole():
    corpus = corpus_from_text(TEXT * 300)
    ids = TOKENIZER.encode_chunks(corpus.chunks(1000))
    assert ids.dtype == np.uint16
    assert np.array_equal(ids, TOKENIZER.encode(corpus.text))


def test_learning_tells_how_far_it_is_and_can_be_cancelled():
    corpus, config = Corpus("test", TEXT * 500), RunConfig(tokenizer="subword", vocab_size=300)
    shares = []
    SubwordTokenizer.from_corpus(corpus, config, lambda *told: shares.append(told))
    assert shares == sorted(shares)
    assert shares[-1] == ("Learning the subwords", 1.0)
    assert len(shares) > 3

    def cancel(_doing, done):
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        SubwordTokenizer.from_corpus(corpus, config, cancel)


@pytest.mark.parametrize("per_line", [False, True])
def test_it_survives_being_saved(per_line):
    tokenizer = learn(TEXT, per_line=per_line)
    again = SubwordTokenizer.from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again == tokenizer
    assert again.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()


def test_the_same_text_gives_the_same_tokenizer():
    assert learn(TEXT) == learn(TEXT)


@pytest.mark.parametrize(
    "definition",
    [
        None,
        "",
        "{}",
        "[" * 100_000,
        json.dumps({**json.loads(TOKENIZER.definition), "model": None}),
        json.dumps(
            {**json.loads(TOKENIZER.definition), "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}
        ),
        TOKENIZER.definition.replace('"!":0', '"!":7777'),
        TOKENIZER.definition.replace('"merges":[', '"merges":[["Ġth","e"],'),
        TOKENIZER.definition[:-9],
    ],
)
def test_a_damaged_record_is_refused(definition):
    with pytest.raises(VocabularyError, match="damaged"):
        SubwordTokenizer.from_json({"name": "subword", "tokenizer": definition, "boundary_id": None})


def test_the_library_is_loaded_only_where_it_is_used():
    code = (
        "import sys\nbefore = set(sys.modules)\nimport embedviz.text.subword_tokenizer, embedviz.text.merges\n"
        "from embedviz.text.char_tokenizer import CharTokenizer\n"
        "CharTokenizer(('a', 'b')).encode_line('ab')\n"
        "assert 'tokenizers' not in sys.modules\n"
        "from embedviz.text.corpus import Corpus\n"
        "from embedviz.config import RunConfig\n"
        "config = RunConfig(tokenizer='subword', vocab_size=260)\n"
        "embedviz.text.subword_tokenizer.SubwordTokenizer.from_corpus(Corpus('x', 'ab ab'), config)\n"
        "assert 'tokenizers' in sys.modules\n"
        "assert not {'socket', 'ssl', 'huggingface_hub'} & (set(sys.modules) - before)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
