import json

import numpy as np
import pytest

from embedviz.text.byte_tokenizer import ByteTokenizer
from embedviz.text.corpus import corpus_from_text
from embedviz.text.tokenizers import UnknownTokenError, VocabularyError


def test_ids_are_the_bytes_whatever_the_text():
    tokenizer = ByteTokenizer.from_corpus(corpus_from_text("only ascii"))
    assert tokenizer.vocab_size == len(tokenizer.vocabulary) == len(tokenizer.labels) == 256
    ids = tokenizer.encode("Hi, é🙂")
    assert ids.dtype == np.uint8
    assert bytes(ids) == "Hi, é🙂".encode()
    assert tokenizer.boundary_id is tokenizer.unknown_id is None


def test_the_documents_example():
    assert ByteTokenizer().encode("Hi").tolist() == [72, 105]


def test_in_a_list_the_line_end_is_the_boundary():
    assert ByteTokenizer.from_corpus(corpus_from_text("ben\nanna").as_items()).boundary_id == 10


def test_labels_are_characters_and_hex():
    labels = ByteTokenizer().labels
    assert [labels[byte] for byte in b"a \n\x00\x7f"] == ["a", "␣", "↵", "00", "7F"]
    assert labels[0x80] == "80"
    assert labels[0xC3] == "C3"
    assert len(set(labels)) == 256


def test_the_byte_that_completes_a_character_shows_it():
    line = ByteTokenizer().encode_line("aé🙂\n")
    assert line.labels == ("a", "C3", "é", "F0", "9F", "99", "🙂", "↵")
    assert line.captions[:3] == ("0x61 97", "0xC3 195", "0xA9 169")
    assert line.spans.tolist() == [[0, 1], [1, 1], [1, 2], [2, 2], [2, 2], [2, 2], [2, 3], [3, 4]]


def test_half_a_character_is_taken_for_the_replacement():
    line = ByteTokenizer().encode_line("\ud800a")
    assert line.text == "\ud800a"
    assert bytes(line.ids.astype(np.uint8)) == "\ufffda".encode()
    assert line.spans.tolist() == [[0, 0], [0, 0], [0, 1], [1, 2]]
    with pytest.raises(UnknownTokenError, match=r"U\+D800"):
        ByteTokenizer().encode("\ud800a")


def test_bytes_that_are_no_text_are_decoded_as_replacements():
    tokenizer = ByteTokenizer()
    assert tokenizer.decode([0xC3]) == "\ufffd"
    assert tokenizer.decode([0x61, 0xFF, 0x62]) == "a\ufffdb"
    assert tokenizer.decode([]) == ""
    with pytest.raises(IndexError):
        tokenizer.decode([256])


def test_it_survives_being_saved():
    for tokenizer in (ByteTokenizer(), ByteTokenizer(10)):
        assert ByteTokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))) == tokenizer


@pytest.mark.parametrize(
    "saved",
    [{}, {"name": "char"}, {"name": "byte", "boundary_id": "10"}, {"name": "byte", "boundary_id": 256}],
)
def test_a_damaged_record_is_refused(saved):
    with pytest.raises(VocabularyError):
        ByteTokenizer.from_json(saved)
