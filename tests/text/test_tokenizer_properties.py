import json
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import id_dtype
from embedviz.text.tokenizers import UNKNOWN, Tokenizer, UnknownTokenError, mended

LEARNED_FROM = "The cats' café: “naïve” don't-know 漢字 e\u0301 🙂\u200d🙂\ufe0f!\t\xa0\u2028 A_b 3.14\n" * 5
ANY = st.text(st.characters()) | st.text(st.sampled_from(LEARNED_FROM + " \ud800\udfff\x00"))
WHOLE = st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.sampled_from(LEARNED_FROM))


def make(name: str, *, per_line: bool = False, folder=None) -> Tokenizer:
    corpus = Corpus("test", LEARNED_FROM, per_line)
    if name == "file":
        path = folder.mktemp("file") / "tokenizer.json"
        path.write_text(make("subword").definition, encoding="utf-8")
        config = RunConfig(tokenizer="file", tokenizer_file=str(path))
    else:
        config = RunConfig(tokenizer=name, vocab_size=300)
    return catalog.TOKENIZERS[name].load().from_corpus(corpus, config)


@pytest.fixture(scope="module", params=catalog.TOKENIZERS)
def tokenizer(request, tmp_path_factory) -> Tokenizer:
    return make(request.param, folder=tmp_path_factory)


@settings(deadline=None)
@given(text=ANY)
def test_a_line_is_covered_exactly_and_in_order(tokenizer, text):
    line = tokenizer.encode_line(text)
    assert line.text == text
    assert line.ids.dtype == line.spans.dtype == np.int64
    assert len(line.ids) == len(line.spans) == len(line.labels) == len(line.captions)
    assert "".join(text[start:end] for start, end in line.spans) == text
    assert [start for start, _ in line.spans] == [0, *(end for _, end in line.spans)][: len(line.ids)]
    assert np.array_equal(tokenizer.spans(text), line.spans)
    assert all(line.labels)
    assert all(line.captions)


@settings(deadline=None)
@given(text=ANY)
def test_a_line_and_a_text_are_encoded_alike_or_the_first_unknown_is_named(tokenizer, text):
    line = tokenizer.encode_line(text)
    if UNKNOWN in line.ids or (tokenizer.name in {"byte", "subword", "file"} and mended(text) != text):
        with pytest.raises(UnknownTokenError) as caught:
            tokenizer.encode(text)
        before = text[: caught.value.offset]
        assert tokenizer.encode(before).tolist() == tokenizer.encode_line(before).ids.tolist()
    else:
        ids = tokenizer.encode(text)
        assert ids.dtype == id_dtype(tokenizer.vocab_size)
        assert ids.tolist() == line.ids.tolist()


@settings(deadline=None)
@given(text=WHOLE)
def test_what_is_promised_to_come_back_comes_back(tokenizer, text):
    if tokenizer.name in {"byte", "subword", "file"}:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    elif tokenizer.name == "char":
        known = "".join(character for character in text if character in LEARNED_FROM)
        assert tokenizer.decode(tokenizer.encode(known)) == known
    else:
        ids = tokenizer.encode(text)
        again = tokenizer.encode(tokenizer.decode(ids[ids != tokenizer.unknown_id]))
        assert again.tolist() == ids[ids != tokenizer.unknown_id].tolist()


@settings(deadline=None)
@given(text=st.text(st.sampled_from(LEARNED_FROM), max_size=300))
def test_pieces_are_encoded_as_the_whole(tokenizer, text):
    ids = tokenizer.encode_chunks(Corpus("test", text).chunks(8))
    if not any(len(piece) > 60 for piece in Corpus("test", text).chunks(8)):  # else it is cut inside a word
        assert ids.tolist() == tokenizer.encode(text).tolist()
    assert ids.dtype == id_dtype(tokenizer.vocab_size)


@pytest.mark.parametrize("name", catalog.TOKENIZERS)
def test_in_a_list_the_boundary_stands_around_every_item(name, tmp_path_factory):
    made = make(name, per_line=True, folder=tmp_path_factory)
    corpus = Corpus("test", LEARNED_FROM, per_line=True)
    ids = made.encode_chunks(corpus.chunks(16))
    assert made.vocabulary[made.boundary_id] == "\n"
    assert np.count_nonzero(ids == made.boundary_id) == len(corpus.items) + 1
    assert ids[0] == ids[-1] == made.boundary_id


def test_labels_can_be_seen(tokenizer):
    assert len(tokenizer.labels) == len(tokenizer.vocabulary) == tokenizer.vocab_size
    for shown in tokenizer.labels:
        assert shown.strip() == shown != ""
        unseen = {part for part in shown if unicodedata.category(part) in {"Zs", "Zl", "Cf", "Cc", "Cs"}}
        assert unseen <= ({" "} if re.fullmatch("[0-9A-F]{2}( [0-9A-F]{2})*", shown) else set())


def test_it_survives_being_saved(tokenizer):
    again = type(tokenizer).from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again == tokenizer
    assert again.encode_line(LEARNED_FROM).ids.tolist() == tokenizer.encode_line(LEARNED_FROM).ids.tolist()


def test_the_policy_is_stated(tokenizer):
    assert tokenizer.policy.endswith(".")
