import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from embedviz.config import RunConfig
from embedviz.text import file_tokenizer
from embedviz.text.corpus import Corpus, corpus_from_text
from embedviz.text.file_tokenizer import FileTokenizer
from embedviz.text.subword_tokenizer import SubwordTokenizer
from embedviz.text.tokenizers import UNKNOWN, TokenizerFileError, UnknownTokenError, VocabularyError, mended

TEXT = "The cats sat on the mat. The dog's café: naïve 🙂\n" * 20


def word_piece() -> Tokenizer:
    words = ["[UNK]", "[CLS]", "the", "cat", "##s", "sat", "cafe", ".", "[SEP]"]
    made = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 8), ("[CLS]", 1))
    made.enable_truncation(3)
    made.enable_padding(length=50)
    return made


def unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.train_from_iterator(
        [TEXT],
        trainers.UnigramTrainer(vocab_size=60, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False),
    )
    return made


def word_level(unk_token: str | None = "?") -> Tokenizer:
    vocabulary = {"?": 0, "The": 1, "cats": 2, "sat": 3}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=unk_token or "nowhere"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def byte_level(*, prefix: bool = False) -> Tokenizer:
    """Byte-level BPE with holes among its ids, inside a sequence, with a special token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    trainer = trainers.BpeTrainer(
        vocab_size=280, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator([TEXT], trainer)
    saved = json.loads(made.to_str())
    saved["model"]["vocab"] = {token: i + 10 * (i >= 100) for token, i in saved["model"]["vocab"].items()}
    saved["model"]["vocab"]["<|end é|>"] = 300
    made = Tokenizer.from_str(json.dumps(saved))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=prefix)]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken("<|end é|>", special=True)])
    return made


def byte_fallback() -> Tokenizer:
    vocabulary = {"<unk>": 0, "▁": 1, "a": 2, "▁a": 3, **{f"<0x{byte:02X}>": 4 + byte for byte in range(256)}}
    made = Tokenizer(models.BPE(vocabulary, [("▁", "a")], unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made


def dropping() -> Tokenizer:
    return Tokenizer(models.BPE({"a": 0, "b": 1}, []))  # what it lacks, it drops


KINDS = {
    "word piece": word_piece,
    "unigram": unigram,
    "word level": word_level,
    "word level without <unk>": lambda: word_level(None),
    "byte level": byte_level,
    "byte level with a space in front": lambda: byte_level(prefix=True),
    "byte fallback": byte_fallback,
    "dropping": dropping,
}
MADE = {name: FileTokenizer(kind().to_str()) for name, kind in KINDS.items()}
LISTS = {name: FileTokenizer(made.definition, 0) for name, made in MADE.items()}


def refused(path) -> str:
    with pytest.raises(TokenizerFileError) as caught:
        FileTokenizer.from_file(path)
    return caught.value.sentence


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_from_a_file(kind, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(MADE[kind].definition, encoding="utf-8-sig")
    config = RunConfig(tokenizer="file", tokenizer_file=str(path))
    found = FileTokenizer.from_corpus(Corpus("test", TEXT), config)
    assert found.title == "'tokenizer.json'"
    assert found.definition == MADE[kind].definition
    again = FileTokenizer.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert again.encode_line(TEXT).ids.tolist() == found.encode_line(TEXT).ids.tolist()


@pytest.mark.parametrize(
    "made", [*MADE.values(), *LISTS.values()], ids=[*MADE, *(f"{kind}, list" for kind in LISTS)]
)
@settings(deadline=None, max_examples=60)
@given(text=st.text(st.characters()) | st.text(st.sampled_from("The cats sat.\n\t é🙂ab<|end é|>\ud800")))
def test_any_line_is_covered_exactly_and_in_order(made, text):
    line = made.encode_line(text)
    assert line.text == text
    assert len(line.ids) == len(line.spans) == len(line.labels) == len(line.captions)
    assert np.array_equal(made.spans(text), line.spans)
    assert all(line.labels)
    if len(line.ids):
        assert line.spans[0, 0] == 0
        assert line.spans[-1, 1] == len(text)
        assert (line.spans[1:, 0] == line.spans[:-1, 1]).all()
        assert (line.spans[:, 0] <= line.spans[:, 1]).all()
        assert line.ids.min() >= UNKNOWN
        assert line.ids.max() < made.vocab_size
    if UNKNOWN in line.ids or mended(text) != text:
        with pytest.raises(UnknownTokenError) as caught:
            made.encode(text)
        assert text[caught.value.offset] == caught.value.character
    else:
        assert made.encode(text).tolist() == line.ids.tolist()
        assert isinstance(made.decode(line.ids), str)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_byte_level_ones_give_any_text_back(text):
    made = MADE["byte level"]
    assert made.decode(made.encode(text)) == text
    listed = FileTokenizer(made.definition, made.line_end_id)
    assert listed.decode(listed.encode(text)) == text


def test_special_tokens_are_not_added_nothing_is_truncated_or_padded():
    made = MADE["word piece"]
    line = made.encode_line("The cats sat on thé cafe.")
    assert [made.vocabulary[i] for i in line.ids] == ["the", "cat", "##s", "sat", "[UNK]", "the", "cafe", "."]
    assert line.spans.tolist() == [[0, 3], [3, 7], [7, 8], [8, 12], [12, 15], [15, 19], [19, 24], [24, 25]]
    assert line.labels == ("the", "cat", "##s", "sat", "on", "the", "cafe", ".")
    assert line.captions[3:6] == ("5", "0 [UNK]", "2")
    assert made.unknown_id == 0


def test_ids_may_have_holes():
    made = MADE["byte level"]
    assert made.vocab_size == 301
    assert made.labels[105] == made.vocabulary[105] == "(unused 105)"
    assert all(made.labels)
    assert isinstance(made.decode(range(made.vocab_size)), str)
    with pytest.raises(IndexError):
        made.decode([made.vocab_size])


def test_tokens_that_stand_for_bytes_are_shown_as_text():
    made = MADE["byte level"]
    assert " the" in made.vocabulary
    assert "␣the" in made.labels
    assert made.vocabulary[-1] == "<|end é|>"
    line = made.encode_line("x<|end é|>é漢")
    assert line.ids[1] == made.vocab_size - 1
    assert line.labels == ("x", "<|end␣é|>", "é", "E6", "BC", "A2")
    assert line.spans.tolist() == [[0, 1], [1, 10], [10, 11], [11, 11], [11, 11], [11, 12]]


def test_bytes_of_a_character_share_its_span():
    line = MADE["byte fallback"].encode_line("a 漢a")
    assert line.labels == ("▁a", "▁", "<0xE6>", "<0xBC>", "<0xA2>", "a")
    assert line.spans.tolist() == [[0, 1], [1, 2], [2, 2], [2, 2], [2, 3], [3, 4]]


def test_unknown_words_are_unknown_where_there_is_no_token_for_them():
    made = MADE["word level without <unk>"]
    line = made.encode_line("The dogs sat\ud800")
    assert line.ids.tolist() == [1, UNKNOWN, UNKNOWN]
    assert line.labels == ("The", "dogs", "satU+D800")
    assert line.captions == ("1", "?", "?")
    with pytest.raises(UnknownTokenError) as caught:
        made.encode_chunks(["The cats\n", "The dogs"])
    assert (caught.value.offset, caught.value.line, caught.value.column) == (13, 2, 5)


def unigram_without_unk() -> FileTokenizer:
    pieces = ["▁", *("the", "quick", "fox", "▁the", "sat"), *"thequickfoxsa"]
    made = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(dict.fromkeys(pieces))]))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return FileTokenizer(made.to_str())


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("the\n", 3),
        (" \n", 1),
        ("\t", 0),
        ("the quick\nfox", 9),
        ("the quickzfox", 9),
        ("the " + "fox" * 50 + "!", 154),
        ("the" + " " * 200 + "\t" * 200, 203),
    ],
)
def test_the_first_character_that_is_refused_is_named(text, offset):
    with pytest.raises(UnknownTokenError) as caught:
        unigram_without_unk().encode(text)
    assert (caught.value.offset, caught.value.character) == (offset, text[offset])
    assert caught.value.line == text.count("\n", 0, offset) + 1


def test_in_a_list_the_line_end_is_never_the_one_that_is_refused():
    made = FileTokenizer(unigram_without_unk().definition, 0)
    for text, offset in (("the\nfox!\n", 7), ("\n!", 1), ("\nfox\n\nz", 6)):
        with pytest.raises(UnknownTokenError) as caught:
            made.encode(text)
        assert caught.value.offset == offset


def test_of_a_refused_word_the_longest_beginning_that_is_known_counts():
    with pytest.raises(UnknownTokenError) as caught:
        MADE["word level without <unk>"].encode("The cats sat.")
    assert (caught.value.offset, caught.value.character) == (12, ".")


def test_a_text_that_is_refused_only_as_a_whole_is_refused_at_its_beginning():
    made = Tokenizer(models.WordLevel({"The": 0, " cats": 1}, unk_token="nowhere"))
    with pytest.raises(UnknownTokenError) as caught:
        FileTokenizer(made.to_str()).encode("The cats")
    assert caught.value.offset == 0


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(MADE["word level"].definition, encoding="utf-8")
    with pytest.raises(TokenizerFileError) as caught:
        FileTokenizer.from_file(path, lambda _doing, _done: path.unlink(missing_ok=True))
    assert caught.value.sentence == "'tokenizer.json' vanished while it was being read."


def test_the_token_for_the_unknown_is_found():
    assert [made.unknown_id for made in MADE.values()] == [0, 0, 0, None, None, None, 0, None]


def test_blanks_that_are_dropped_are_no_tokens():
    line = MADE["word level"].encode_line("  \t ")
    assert line.ids.shape == (0,)
    assert line.spans.shape == (0, 2)


def test_in_a_list_the_line_end_is_the_boundary(tmp_path):
    corpus = corpus_from_text("anna b\nben\n").as_items()
    for kind in ("byte level", "byte fallback"):
        path = tmp_path / "tokenizer.json"
        path.write_text(MADE[kind].definition, encoding="utf-8")
        made = FileTokenizer.from_corpus(corpus, RunConfig(tokenizer="file", tokenizer_file=str(path)))
        assert made.boundary_id == made.line_end_id
        assert made.decode([made.boundary_id]) == "\n"
        found = made.encode_chunks(corpus.chunks(4)).tolist()
        assert found.count(made.boundary_id) == 3
        assert found[0] == found[-1] == made.boundary_id
        assert made.decode(found) == corpus.stream_text
    path.write_text(MADE["word level"].definition, encoding="utf-8")
    with pytest.raises(TokenizerFileError, match="no token for the end of a line"):
        FileTokenizer.from_corpus(corpus, RunConfig(tokenizer="file", tokenizer_file=str(path)))


def test_what_is_no_tokenizer_is_refused_in_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    assert refused(path) == "'tokenizer.json' was not found."
    assert refused(path / "x") == "'x' was not found."
    assert refused(tmp_path).endswith("is a folder: choose a tokenizer.json.")
    assert refused("a\0b") == "'a\ufffdb' could not be read."
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "'pipe' is not a file but a pipe: choose a tokenizer.json."
    for data, why in (
        (b"", "it is not JSON."),
        (b"no json", "it is not JSON."),
        (b"\xff\xfe", "it is not JSON."),
        (b"[" * 100_000, "it is not JSON."),
        (b"[1, 2]", "it is JSON, but says nothing of a 'model'."),
        (b'{"a": 1}', "it is JSON, but says nothing of a 'model'."),
        (b'{"model": 1}', "the tokenizers library refuses it."),
    ):
        path.write_bytes(data)
        assert refused(path).startswith("'tokenizer.json' is no tokenizer")
        assert refused(path).endswith(why)
    monkeypatch.setattr(file_tokenizer, "LIMIT", 2**20)
    path.write_bytes(b" " * (2**20 + 1))
    assert refused(path) == "'tokenizer.json' is too large: a tokenizer may have 1 MiB."


@pytest.mark.parametrize(
    ("vocabulary", "why"),
    [
        ({}, "its vocabulary is empty."),
        ({"a": 0}, "its vocabulary has only one token."),
        ({"a": 0, "b": 262_144}, "its ids go up to 262,144, but a vocabulary may have 262,144 tokens."),
        ({"a": 0, "b": 4_000_000_000}, "its ids go up to 4,000,000,000, but"),
    ],
)
def test_unusable_vocabularies_are_refused(vocabulary, why, tmp_path):
    path = tmp_path / "x.json"
    saved = {**json.loads(MADE["word level"].definition), "pre_tokenizer": None}
    saved["model"] = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "a"}
    path.write_text(json.dumps(saved), encoding="utf-8")
    assert refused(path).startswith(f"'x.json' cannot be used: {why}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, part in list(inner)[:40] for place in places(part, (*here, key)))]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(MADE.values())), JSON, st.data())
def test_hostile_json_is_refused_or_used(made, value, data):
    saved = json.loads(made.definition)
    place = data.draw(st.sampled_from(places(saved)[1:]))
    inner = saved
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    try:
        found = FileTokenizer(json.dumps(saved))
    except TokenizerFileError:
        pass
    else:
        line = found.encode_line("The cats sat. é🙂\n")
        assert len(line.labels) == len(line.ids)
        assert line.ids.max(initial=0) < found.vocab_size == len(found.labels) == len(found.vocabulary)
        assert isinstance(found.decode(range(min(found.vocab_size, 300))), str)
        assert found.unknown_id is None or 0 <= found.unknown_id < found.vocab_size
        assert found.line_end_id is None or 0 <= found.line_end_id < found.vocab_size


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"name": "file", "tokenizer": None, "title": "x"},
        {"name": "file", "tokenizer": "{}", "title": "x"},
        {"name": "file", "tokenizer": MADE["unigram"].definition},
        {"name": "file", "tokenizer": MADE["unigram"].definition, "title": "x", "boundary_id": 60_000},
    ],
)
def test_a_damaged_record_is_refused(saved):
    with pytest.raises(VocabularyError):
        FileTokenizer.from_json(saved)


@settings(deadline=None)
@given(st.text())
def test_a_learned_tokenizer_is_the_same_from_its_file(text):
    learned = SubwordTokenizer.from_corpus(Corpus("x", TEXT), RunConfig(tokenizer="subword", vocab_size=300))
    filed = FileTokenizer(learned.definition)
    assert (filed.vocabulary, filed.labels) == (learned.vocabulary, learned.labels)
    ours, theirs = learned.encode_line(text), filed.encode_line(text)
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert np.array_equal(ours.spans, theirs.spans)
    assert (ours.labels, ours.captions) == (theirs.labels, theirs.captions)
