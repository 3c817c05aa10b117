import json
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from embedviz.config import RunConfig
from embedviz.text import merges
from embedviz.text.corpus import Corpus
from embedviz.text.merges import MergeHistory
from embedviz.text.progress import Cancelled
from embedviz.text.subword_tokenizer import LEAST, SubwordTokenizer

TEXT = "The cat sat on the mat; the cats sat there. Café, 🙂 — 漢字 and 漢字, don't!\n\n" * 4
SMALL = st.text(st.sampled_from("ab c.\né"), min_size=1, max_size=60)


def learn(text: str, vocab_size: int = 400) -> SubwordTokenizer:
    return SubwordTokenizer.from_corpus(
        Corpus("test", text), RunConfig(tokenizer="subword", vocab_size=vocab_size)
    )


def history_of(text: str, tokenizer: SubwordTokenizer | None = None) -> MergeHistory:
    return MergeHistory.make(Corpus("test", text), tokenizer or learn(text))


def cut_short(tokenizer: SubwordTokenizer, m: int) -> Tokenizer:
    """Return the library's own tokenizer with the first merges only."""
    saved = json.loads(tokenizer.definition)
    saved["model"]["merges"] = saved["model"]["merges"][:m]
    return Tokenizer.from_str(json.dumps(saved))


def recount(text: str, tokenizer: SubwordTokenizer, m: int) -> Counter[tuple[int, int]]:
    """Count each pair of neighbours inside a word, in the text after so many merges."""
    library = cut_short(tokenizer, m)
    words = [word for word, _ in library.pre_tokenizer.pre_tokenize_str(text)]
    pairs: Counter[tuple[int, int]] = Counter()
    for word in words:
        plain = b"".join(tokenizer.token_bytes[tokenizer.tokens.index(part)] for part in word)
        cut = library.model.tokenize(word)
        assert b"".join(tokenizer.token_bytes[token.id] for token in cut) == plain
        pairs.update(pairwise(token.id for token in cut))
    return pairs


def check_counts(text: str, tokenizer: SubwordTokenizer) -> list[bool]:
    """Compare every merge with a fresh count; return for each whether its pair was the most frequent."""
    history = history_of(text, tokenizer)
    assert len(history.merges) == len(tokenizer.merges)
    first = []
    for m, (merge, names) in enumerate(zip(history.merges, tokenizer.merges, strict=True)):
        pair = tuple(map(tokenizer.tokens.index, names))
        pairs = recount(text, tokenizer, m)
        assert (merge.left, merge.right) == tuple(tokenizer.labels[i] for i in pair)
        assert merge.label == tokenizer.labels[tokenizer.tokens.index("".join(names))]
        assert merge.count == pairs[pair]
        own = pairs.pop(pair, 0)
        ranked = sorted((-count, other) for other, count in pairs.items() if count)
        if ranked:
            assert merge.runner_up_count == -ranked[0][0]
            assert merge.runner_up == tuple(tokenizer.labels[i] for i in ranked[0][1])
        else:
            assert (merge.runner_up, merge.runner_up_count) == (None, 0)
        first.append(not ranked or (-own, pair) < ranked[0])
        assert ("Merged here" in merge.why) == (not first[-1])
    return first


def test_counts_are_those_of_the_text():
    assert all(check_counts(TEXT, learn(TEXT)))


@settings(deadline=None, max_examples=100)
@given(SMALL)
def test_counts_are_those_of_any_text_and_the_most_frequent_pair_is_merged(text):
    assert all(check_counts(text, learn(text)))


@settings(deadline=None, max_examples=60)
@given(SMALL, SMALL)
def test_counts_may_be_taken_in_another_text(learned_from, text):
    check_counts(text, learn(learned_from))


@settings(deadline=None, max_examples=100)
@given(SMALL, st.text() | SMALL, st.data())
def test_a_line_is_cut_as_the_first_merges_cut_it(learned_from, text, data):
    tokenizer = learn(learned_from)
    history = MergeHistory(tokenizer, ())
    merges = data.draw(st.integers(0, len(tokenizer.merges)))
    line = history.line_after(text, merges)
    assert line.text == text
    assert line.ids.tolist() == cut_short(tokenizer, merges).encode(text).ids
    assert line.labels == tuple(tokenizer.labels[i] for i in line.ids)
    assert line.captions == tuple(map(str, line.ids))


@settings(deadline=None)
@given(st.text(st.characters()) | st.text(st.sampled_from("the catsmon é漢字🙂\ud800")))
def test_from_bytes_to_the_tokenizers_own_cut(text):
    tokenizer = HISTORY.tokenizer
    own = tokenizer.encode_line(text)
    last = HISTORY.line_after(text, len(HISTORY.merges))
    assert last.ids.tolist() == own.ids.tolist()
    assert np.array_equal(last.spans, own.spans)
    assert (last.labels, last.captions) == (own.labels, own.captions)
    first = HISTORY.line_after(text, 0)
    assert all(len(tokenizer.token_bytes[i]) == 1 for i in first.ids)
    assert tokenizer.decode(first.ids) == tokenizer.decode(own.ids)


HISTORY = history_of(TEXT)


def test_sliding_back_undoes():
    before = [HISTORY.line_after(TEXT, m).ids.tolist() for m in range(len(HISTORY.merges) + 1)]
    sizes = [len(ids) for ids in before]
    assert sizes == sorted(sizes, reverse=True)
    for m in reversed(range(len(before))):
        assert HISTORY.line_after(TEXT, m).ids.tolist() == before[m]


def test_why_a_pair_was_merged():
    merges = history_of("ab ab ab cd").merges
    assert merges[0].why == (
        "Merged because no pair is more frequent: it stands 3 times in the text, '␣' + 'a' 2 times."
    )


def test_a_pair_that_is_rare_in_this_text_is_told():
    (merge, *_) = history_of("xy xy abc", learn("abc abc abc")).merges
    assert merge.why == (
        "Merged here because no pair was more frequent in all that the tokenizer learnt from: "
        "in what is counted here it stands once, "
        "'x' + 'y' 2 times."
    )


@pytest.mark.parametrize(("text", "left"), [("ab cd", "a"), ("cd ab", "a"), ("ax\nay", "a")])
def test_of_equal_pairs_the_one_of_lower_ids_is_merged(text, left):
    first = history_of(text).merges[0]
    assert (first.left, first.count, first.runner_up_count) == (left, 1, 1)
    assert first.why.startswith(
        f"As frequent as '{first.runner_up[0]}' + '{first.runner_up[1]}': each stands once"
    )


def test_pairs_that_overlap_are_told():
    first = history_of("aaa aaa aaa").merges[0]
    assert (first.left, first.right, first.count) == ("a", "a", 6)
    assert first.why.endswith("only one of two can be merged: 3 of them are.")


def test_the_only_pair_left():
    (merge,) = history_of("ab\nab").merges
    assert merge.why == "Merged because it is the only pair left: it stands 2 times in the text."
    assert (merge.runner_up, merge.runner_up_count) == (None, 0)


def test_of_a_text_with_too_many_words_the_beginning_is_counted_and_that_is_told(monkeypatch):
    monkeypatch.setattr(merges, "_MOST_BYTES", 1000)
    corpus = Corpus("test", " ".join(f"w{number}" for number in range(20_000)))
    history = MergeHistory.make(corpus, learn("w1 w2 w3", 257))
    first = next(corpus.chunks())
    assert history.remark == f"Counted in the first {len(first):,} of {corpus.n_characters:,} characters."
    assert (
        history.merges[0].count
        == recount(first, history.tokenizer, 0)[
            tuple(map(history.tokenizer.tokens.index, history.tokenizer.merges[0]))
        ]
    )
    assert HISTORY.remark == ""


def test_it_tells_how_far_it_is_and_can_be_cancelled():
    tokenizer, corpus, told = learn(TEXT), Corpus("test", TEXT), []
    MergeHistory.make(corpus, tokenizer, lambda doing, done: told.append((doing, done)))
    assert {doing for doing, _ in told} == {"Counting the words", "Reading the merges"}  # little work
    assert all(0 <= done <= 1 for _, done in told)


def test_much_work_is_told_of_and_can_be_cancelled_at_any_time():
    # A single merge changes all of the words: it is the work that counts, not the merges.
    words = ["ab" + "".join(letters) for letters in product("cdefghij", repeat=5)]  # 32,768
    text = " ".join(words)
    tokenizer, corpus, told = learn("ab ab", LEAST), Corpus("test", text), []
    MergeHistory.make(corpus, tokenizer, lambda doing, done: told.append((doing, done)))
    often = Counter(doing for doing, _ in told)
    pairs = 7 * len(words)  # each with the space before it
    assert len(tokenizer.merges) == 1
    assert often["Counting the pairs"] > pairs // merges._OFTEN - 1
    assert often["Replaying the merges"] > pairs // merges._OFTEN - 1
    assert all(0 <= done <= 1 for _, done in told)
    for last in ("Counting the words", "Reading the merges", "Counting the pairs", "Replaying the merges"):

        def cancel(doing, _done, last=last):
            if doing == last:
                raise Cancelled

        with pytest.raises(Cancelled):
            MergeHistory.make(corpus, tokenizer, cancel)
