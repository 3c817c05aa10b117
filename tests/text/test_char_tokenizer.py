import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text import char_tokenizer
from embedviz.text.char_tokenizer import CharTokenizer
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.tokenizers import UNKNOWN, UnknownTokenError, VocabularyError

TEXTS = st.text(st.characters(exclude_characters="\r"), min_size=1)


def tokenizer_of(text: str) -> CharTokenizer:
    return CharTokenizer.from_corpus(Corpus("test", text))


def wide_text(size: int, first: int) -> str:
    return "".join(map(chr, range(first, first + size)))


def test_the_vocabulary_is_the_sorted_characters():
    tokenizer = tokenizer_of("hello 🙂é\n")
    assert tokenizer.vocabulary == ("\n", " ", "e", "h", "l", "o", "é", "🙂")
    assert tokenizer.vocab_size == 8
    assert tokenizer.boundary_id is None


def test_in_a_list_the_line_end_is_the_boundary():
    tokenizer = CharTokenizer.from_corpus(corpus_from_text("ben\n\tanna ").as_items())
    assert tokenizer.vocabulary == ("\n", "a", "b", "e", "n")
    assert tokenizer.boundary_id == 0
    tabbed = CharTokenizer.from_corpus(corpus_from_text("b\tb\nanna").as_items())
    assert tabbed.vocabulary[tabbed.boundary_id] == "\n"
    assert tabbed.boundary_id == 1


def test_ids_are_places_in_the_vocabulary():
    assert tokenizer_of("abc").encode("cab").tolist() == [2, 0, 1]
    assert tokenizer_of("ab€").encode("€ab").tolist() == [2, 0, 1]
    assert CharTokenizer(("z", "a")).encode("az").tolist() == [1, 0]


@pytest.mark.parametrize(
    ("size", "first", "dtype"),
    [
        (65, 32, np.uint8),
        (255, 0, np.uint8),
        (256, 0, np.uint8),  # ids 0 to 255
        (256, 1, np.uint8),  # one of them is beyond Latin-1
        (257, 0, np.uint16),
        (5000, 0x4E00, np.uint16),
    ],
)
def test_ids_have_the_smallest_type(size, first, dtype):
    text = wide_text(size, first)
    tokenizer = CharTokenizer(tuple(text))
    ids = tokenizer.encode(text)
    assert ids.dtype == dtype
    assert ids.tolist() == list(range(size))
    assert tokenizer.encode("").dtype == dtype
    assert tokenizer.decode(ids) == text


@settings(deadline=None)
@given(TEXTS)
def test_decode_undoes_encode(text):
    tokenizer = tokenizer_of(text)
    ids = tokenizer.encode(text)
    assert [tokenizer.vocabulary[i] for i in ids] == list(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids.tolist()) == text


@settings(deadline=None)
@given(TEXTS, st.text())
def test_a_line_and_a_text_are_encoded_alike(text, line):
    tokenizer = tokenizer_of(text)
    encoded = tokenizer.encode_line(line)
    assert encoded.text == line
    assert encoded.ids.dtype == encoded.spans.dtype == np.int64
    known = dict(zip(tokenizer.vocabulary, range(tokenizer.vocab_size), strict=True))
    assert encoded.ids.tolist() == [known.get(character, UNKNOWN) for character in line]
    assert [line[start:end] for start, end in encoded.spans] == list(line)
    unknown = [offset for offset, token_id in enumerate(encoded.ids) if token_id == UNKNOWN]
    if unknown:
        with pytest.raises(UnknownTokenError) as caught:
            tokenizer.encode(line)
        assert caught.value.offset == unknown[0]
        assert caught.value.character == line[unknown[0]]
    else:
        assert tokenizer.encode(line).tolist() == encoded.ids.tolist()


@pytest.mark.parametrize("vocabulary", ["abc\n", "abc\n€"])  # the fast way, the general way
@pytest.mark.parametrize(
    ("text", "shown", "line", "character"),
    [
        ("xa", "x", 1, 1),
        ("ab\n\nab é ☃", "␣", 3, 3),  # the first of several, whichever way they are found
        ("ab\nc☃é", "☃", 2, 2),
        ("\n\0", "␀", 2, 1),
        ("\ud800", "U+D800", 1, 1),
    ],
)
def test_an_unknown_character_is_named_with_its_place(vocabulary, text, shown, line, character):
    with pytest.raises(UnknownTokenError) as caught:
        tokenizer_of(vocabulary).encode(text)
    assert caught.value.sentence == (
        f"'{shown}' (line {line}, character {character} of that line) "
        f"is not among the {len(vocabulary)} tokens of the vocabulary."
    )
    assert (caught.value.line, caught.value.column) == (line, character)


@pytest.mark.parametrize("alphabet", ["abcde", "abcd€"])
def test_long_texts_go_in_chunks(monkeypatch, alphabet):
    monkeypatch.setattr(char_tokenizer, "_CHUNK", 7)
    text = (alphabet * 9)[:43]
    tokenizer = tokenizer_of(text)
    assert tokenizer.encode(text).tolist() == tokenizer.encode_line(text).ids.tolist()
    assert tokenizer.encode(text).tolist() == [i % 5 for i in range(43)]
    with pytest.raises(UnknownTokenError) as caught:
        tokenizer.encode(text + "x")
    assert caught.value.offset == 43


def test_the_255th_id_is_no_unknown():
    vocabulary = tuple(wide_text(256, 0))
    assert CharTokenizer(vocabulary).encode("\xff\x00").tolist() == [255, 0]
    with pytest.raises(UnknownTokenError):
        CharTokenizer(vocabulary[:255]).encode("\xff")


def test_characters_far_beyond_the_vocabulary_are_unknown():
    every = "".join(map(chr, range(1000))) + "\U0010ffff"
    ids = tokenizer_of("ab").encode_line(every).ids
    assert np.flatnonzero(ids != UNKNOWN).tolist() == [ord("a"), ord("b")]


def test_results_are_read_only():
    tokenizer = tokenizer_of("ab")
    line = tokenizer.encode_line("abx")
    for array in (line.ids, line.spans):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_chips_say_what_stands_there():
    line = tokenizer_of("a b\n").encode_line("a ☃\u200b\n")
    assert line.labels == ("a", "␣", "☃", "U+200B", "↵")
    assert line.captions == ("2", "1", "?", "?", "0")
    assert tokenizer_of("a\n\u0301").labels == ("↵", "a", "◌\u0301")


def test_spans_count_code_points():
    assert tokenizer_of("ab").spans("a🙂b").tolist() == [[0, 1], [1, 2], [2, 3]]
    assert tokenizer_of("ab").spans("").shape == (0, 2)
    assert tokenizer_of("ab").encode_line("").ids.shape == (0,)


def test_decode_refuses_what_is_no_id():
    tokenizer = tokenizer_of("ab")
    assert tokenizer.decode([]) == ""
    for ids in ([0, UNKNOWN], [2]):
        with pytest.raises(IndexError, match="ids go from 0 to 1"):
            tokenizer.decode(ids)


@pytest.mark.parametrize(
    ("vocabulary", "boundary_id", "sentence"),
    [
        ((), None, "A vocabulary needs at least one token, but this one is empty."),
        (("a", " ", " "), None, "'␣' is in the vocabulary twice."),
        (("a", "bc"), None, "'bc' cannot be a token here: each is one character."),
        (("a", ""), None, "'' cannot be a token here: each is one character."),
        (("a", "b"), 2, "The boundary is token 2, which the vocabulary lacks."),
        (("a", "b"), -1, "The boundary is token -1, which the vocabulary lacks."),
    ],
)
def test_unusable_vocabularies_are_refused(vocabulary, boundary_id, sentence):
    with pytest.raises(VocabularyError) as caught:
        CharTokenizer(vocabulary, boundary_id)
    assert caught.value.sentence == sentence


@settings(deadline=None)
@given(TEXTS, st.booleans())
def test_it_survives_being_saved(text, per_line):
    tokenizer = CharTokenizer.from_corpus(Corpus("test", text, per_line))
    assert CharTokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"name": "byte", "vocabulary": ["a"], "boundary_id": None},
        {"name": "char", "vocabulary": "ab", "boundary_id": None},
        {"name": "char", "vocabulary": ["a", 1], "boundary_id": None},
        {"name": "char", "vocabulary": ["a"], "boundary_id": "0"},
        {"name": "char", "vocabulary": ["a"], "boundary_id": False},
    ],
)
def test_a_damaged_record_is_refused(saved):
    with pytest.raises(VocabularyError, match="damaged"):
        CharTokenizer.from_json(saved)
