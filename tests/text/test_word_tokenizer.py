import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.config import RunConfig
from embedviz.text import word_tokenizer
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.tokenizers import VocabularyError
from embedviz.text.word_tokenizer import UNK, WordTokenizer

# All that can go wrong beside one another: what joins words, what ends them, spaces of every kind, accents.
ADVERSARIAL = (
    *("a", "B", "don't", "well-known", "l’eau", "7", "3x", "\u0301", "e\u0301", "नमस्ते", "漢字", "a-b-c'd"),
    *("-", "'", "’", "_", ".", ",", "\u200c", "\u200d", "می\u200cروم", "🙂", "<", ">", "\x00", "\ufffd", "½", "²"),
    *(" ", "\n", "\t", "\r", "\xa0", "\u3000", "\x1c", "\u2028"),
)
TOKENIZER = WordTokenizer((UNK, *ADVERSARIAL))


def learn(text: str, vocab_size: int = 1000, *, per_line: bool = False) -> WordTokenizer:
    return WordTokenizer.from_corpus(
        Corpus("test", text, per_line), RunConfig(tokenizer="word", vocab_size=vocab_size)
    )


def tokens_of(text: str) -> list[str]:
    tokenizer = learn(text, 65_536)
    return [tokenizer.vocabulary[i] for i in tokenizer.encode(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I love dogs", ["I", "love", "dogs"]),
        ("Well, well!", ["Well", ",", "well", "!"]),
        ("don't ’tis well-known -- o'clock-", ["don't", "’", "tis", "well-known", "-", "-", "o'clock", "-"]),
        ("a--b a''b a-'b", ["a", "-", "-", "b", "a", "'", "'", "b", "a", "-", "'", "b"]),
        ("3.14 2x", ["3", ".", "14", "2x"]),
        ("snake_case", ["snake", "_", "case"]),
        ("cafe\u0301s नमस्ते", ["cafe\u0301s", "नमस्ते"]),
        ("می\u200cروم क्\u200dष", ["می\u200cروم", "क्\u200dष"]),  # joiners inside a word
        ("\u200da b\u200c", ["\u200d", "a", "b", "\u200c"]),
        ("👨\u200d👩", ["👨", "\u200d", "👩"]),
        (" a", ["a"]),
        ("a  b", ["a", " ", "b"]),
        ("a   .", ["a", " ", " ", "."]),
        ("a \n b ", ["a", " ", "\n", "b", " "]),
        ("\t\ta", ["\t", "\t", "a"]),
    ],
)
def test_how_text_is_cut(text, tokens):
    assert tokens_of(text) == tokens


def test_the_vocabulary_is_by_frequency_then_by_code_points():
    tokenizer = learn("b a a c b a . C", 6)
    assert tokenizer.vocabulary == (UNK, "a", "b", ".", "C", "c")
    assert learn("b a a c b a . C", 3).vocabulary == (UNK, "a", "b")
    assert (tokenizer.unknown_id, tokenizer.boundary_id, tokenizer.vocab_size) == (0, None, 6)


@settings(deadline=None)
@given(st.text(), st.integers(2, 20))
def test_the_vocabulary_has_the_most_frequent(text, size):
    counts = Counter(tokens_of(text)) if text else Counter()
    if not counts:
        return
    tokenizer = learn(text, size)
    assert tokenizer.vocab_size == min(size, len(counts) + 1)
    kept = [counts[token] for token in tokenizer.vocabulary[1:]]
    assert kept == sorted(counts.values(), reverse=True)[: size - 1]


def test_in_a_list_the_line_end_always_has_a_token():
    tokenizer = learn("new york\nnew haven\nnew delhi\n", 2, per_line=True)
    assert tokenizer.vocabulary == (UNK, "\n")
    assert tokenizer.boundary_id == 1
    assert tokenizer.encode("\nnew york\n").tolist() == [1, 0, 0, 1]


def test_what_the_vocabulary_lacks_is_named():
    tokenizer = learn("the cat sat", 3)
    assert tokenizer.vocabulary == (UNK, "cat", "sat")
    line = tokenizer.encode_line("the cat\n\ud800 sat")
    assert line.ids.tolist() == [0, 1, 0, 0, 2]
    assert line.labels == ("the", "cat", "↵", "U+D800", "sat")
    assert line.captions == ("0 <unk>", "1", "0 <unk>", "0 <unk>", "2")
    assert line.spans.tolist() == [[0, 3], [3, 7], [7, 8], [8, 9], [9, 13]]
    assert tokenizer.decode(line.ids) == "<unk> cat <unk> <unk> sat"


def test_ids_have_the_smallest_type():
    assert learn("a b").encode("a").dtype == np.uint8
    assert learn(" ".join(map(str, range(300)))).encode("7").dtype == np.uint16


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("To be, or not to be: that's it.", "To be, or not to be: that's it."),
        ("a , b", "a, b"),  # the space before a mark is not kept
        ("a-b (c)", "a-b( c)"),
        (" a\n b", "a\nb"),
        ("a  b   c", "a  b   c"),
        ("a  \n", "a  \n"),
    ],
)
def test_what_comes_back(text, again):
    tokenizer = learn(text)
    assert tokenizer.decode(tokenizer.encode(text)) == again


@settings(deadline=None, max_examples=500)
@given(st.lists(st.integers(1, TOKENIZER.vocab_size - 1)))
def test_encode_undoes_decode_whatever_the_ids(ids):
    assert TOKENIZER.encode(TOKENIZER.decode(ids)).tolist() == ids


@settings(deadline=None)
@given(st.lists(st.text(st.characters(), min_size=1), min_size=1))
def test_encode_undoes_decode_for_the_words_of_any_text(texts):
    tokenizer = learn("".join(texts), 65_536)
    ids = [int(i) for text in texts for i in tokenizer.encode(text)]
    known = [i for i in ids if i]
    assert tokenizer.encode(tokenizer.decode(known)).tolist() == known


def test_memory_stays_bounded_where_every_word_is_new(monkeypatch):
    monkeypatch.setattr(word_tokenizer, "_MOST_COUNTED", 1000)
    text = " ".join(f"{number}x the" for number in range(40_000))
    assert learn(text, 3).vocabulary[1] == "the"


def test_long_words_have_short_labels():
    tokenizer = learn("x" * 10_000 + " y")
    assert max(map(len, tokenizer.labels)) < 60
    assert len(tokenizer.encode_line("z" * 10_000).labels[0]) < 60


@pytest.mark.parametrize("per_line", [False, True])
def test_it_survives_being_saved(per_line):
    corpus = corpus_from_text("ben 1\nanna b.")
    tokenizer = learn(corpus.text, per_line=per_line)
    assert WordTokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


@pytest.mark.parametrize(
    "vocabulary",
    [
        [],
        [UNK],
        ["a", "b"],
        [UNK, "a", "a"],
        [UNK, UNK],
        [UNK, "a b"],
        [UNK, " a"],
        [UNK, ""],
        [UNK, "a-"],
        [UNK, 1],
        "<unk>",
        None,
    ],
)
def test_a_damaged_record_is_refused(vocabulary):
    with pytest.raises(VocabularyError):
        WordTokenizer.from_json({"name": "word", "vocabulary": vocabulary, "boundary_id": None})
    with pytest.raises(VocabularyError):
        WordTokenizer.from_json({"name": "word", "vocabulary": [UNK, "a"], "boundary_id": 2})
