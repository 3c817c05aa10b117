import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.text import tokenizers
from embedviz.text.char_tokenizer import CharTokenizer
from embedviz.text.corpus import Corpus
from embedviz.text.progress import Cancelled
from embedviz.text.tokenizers import (
    BEGINNING,
    Line,
    UnknownTokenError,
    checked_ids,
    gathered,
    mended,
    spans_of_bytes,
    told,
    utf8,
)


@pytest.mark.parametrize("entry", catalog.TOKENIZERS.values(), ids=lambda entry: entry.name)
def test_the_catalogue_finds_them(entry):
    assert entry.load().name == entry.name


@settings(deadline=None)
@given(st.lists(st.text("ab\n")))
def test_a_place_is_that_of_the_whole_text(pieces):
    place = BEGINNING
    for piece in pieces:
        place = place.after(piece)
    text = "".join(pieces)
    assert place == (len(text), text.count("\n"), len(text.rpartition("\n")[2]))


@settings(deadline=None)
@given(st.lists(st.text("ab\n", max_size=9)), st.text("ab\n"), st.text("ab\n?"))
def test_an_unknown_character_is_placed_in_the_whole_text(before, begun, after):
    text = begun + "?" + after
    with pytest.raises(UnknownTokenError) as caught:
        CharTokenizer(("a", "b", "\n")).encode_chunks([*before, text])
    with pytest.raises(UnknownTokenError) as direct:
        CharTokenizer(("a", "b", "\n")).encode("".join(before) + text)
    for name in ("sentence", "details", "offset", "line", "column", "character"):
        assert getattr(caught.value, name) == getattr(direct.value, name)


@pytest.mark.parametrize("block", [1, 3, 10, 1000])
@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 12)))
def test_pieces_are_gathered_in_order(block, sizes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizers, "_BLOCK", block)
        chunks = ["x" * size for size in sizes]
        counter = iter(range(sum(sizes)))
        ids = gathered(chunks, lambda chunk: np.array([next(counter) for _ in chunk], dtype=np.uint16), 1 << 16)
    assert ids.tolist() == list(range(sum(sizes)))
    assert ids.dtype == np.uint16


def test_progress_reaches_the_end_and_can_cancel():
    corpus = Corpus("test", "some words " * 20_000)
    shares = []
    chunks = list(told(corpus, "Working", lambda doing, done: shares.append((doing, done))))
    assert "".join(chunks) == corpus.text
    assert len(shares) == len(chunks) > 3
    assert shares == sorted(shares)
    assert shares[-1] == ("Working", 1.0)

    def cancel(_doing, _done):
        raise Cancelled

    with pytest.raises(Cancelled):
        list(told(corpus, "Working", cancel))


@settings(deadline=None)
@given(st.text(), st.data())
def test_spans_of_bytes_are_those_of_the_characters_completed(text, data):
    text = mended(text)
    encoded = text.encode("utf-8")
    sizes, left = [], len(encoded)
    while left:
        sizes.append(data.draw(st.integers(0, left)))
        left -= sizes[-1]
    spans = spans_of_bytes(encoded, np.array(sizes, dtype=np.int64))
    done, expected = 0, []
    for size in sizes:
        done += size
        expected.append(len(encoded[:done].decode("utf-8", "ignore")))
    assert spans[:, 1].tolist() == expected
    assert spans[:, 0].tolist() == [0, *expected[:-1]][: len(expected)]


@settings(deadline=None)
@given(st.text(st.characters(categories=["Cs", "L", "N"])))
def test_half_characters_are_replaced_one_for_one(text):
    whole = mended(text)
    assert len(whole) == len(text)
    assert all(a == b or (b == "\ufffd" and "\ud800" <= a <= "\udfff") for a, b in zip(text, whole, strict=True))
    assert whole.encode("utf-8").decode("utf-8") == whole


def test_half_characters_are_named_where_they_are_not_replaced():
    assert utf8("aé", 256) == b"a\xc3\xa9"
    with pytest.raises(UnknownTokenError) as caught:
        utf8("a\nb\ud800", 256)
    assert (caught.value.offset, caught.value.line, caught.value.column) == (3, 2, 2)


@settings(deadline=None)
@given(st.lists(st.integers(-2, 12)))
def test_ids_outside_the_vocabulary_are_refused(ids):
    if all(0 <= i < 10 for i in ids):
        assert checked_ids(ids, 10).tolist() == ids
    else:
        with pytest.raises(IndexError, match="ids go from 0 to 9"):
            checked_ids(ids, 10)


def test_a_line_is_read_only():
    line = Line("a", np.array([0]), np.array([[0, 1]]), ("a",), ("0",))
    for array in (line.ids, line.spans):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
