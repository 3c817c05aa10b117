"""What stands in the text too: against looking for every part of the sample in the plain string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz.text.corpus import PART, Corpus
from embedviz.text.progress import Cancelled
from embedviz.text.verbatim import SHORTEST, Stretch, items_in_text, longest_stretch

few = st.text("ab \né😀", max_size=40)


def by_force(text: str, sample: str) -> int:
    """Return the length of the longest part of `sample` in `text`."""
    parts = (sample[a:b] for a in range(len(sample)) for b in range(a + 1, len(sample) + 1) if sample[a:b] in text)
    return max(map(len, parts), default=0)


@given(few, few)
def test_the_longest_stretch_is_the_longest(text: str, sample: str) -> None:
    found = longest_stretch(Corpus("text", text), sample)
    expected = by_force(text, sample)
    if expected < SHORTEST:
        assert found is None
    else:
        assert found is not None
        assert found.length == expected
        assert sample[found.start : found.start + found.length] in text


@given(
    st.lists(st.sampled_from(["abcd", "bcde", "cdef", "e", "a", "\n"]), max_size=12).map("".join), few, st.data()
)
def test_of_equally_long_ones_it_is_the_first_in_the_sample(text: str, more: str, data: st.DataObject) -> None:
    sample = "".join(data.draw(st.permutations(["abcd", "-", "bcdef", "-", "cdef", more])))
    found = longest_stretch(Corpus("text", text), sample)
    length = by_force(text, sample)
    if length >= SHORTEST:
        starts = [a for a in range(len(sample) - length + 1) if sample[a : a + length] in text]
        assert found == Stretch(starts[0], length)


def test_the_text_may_have_a_later_one_first() -> None:
    assert longest_stretch(Corpus("text", "wxyz abcd"), "abcd-wxyz") == Stretch(0, 4)
    assert longest_stretch(Corpus("text", "vwxyz 12abcdef"), "abcde-vwxyz-12") == Stretch(0, 5)
    assert longest_stretch(Corpus("text", "wxyz" + "." * 2 * PART + "abcd"), "abcd-wxyz") == Stretch(0, 4)


def test_a_stretch_across_the_parts_of_a_text_is_found() -> None:
    text = "x" * (PART - 5) + "the quick brown fox" + "y" * PART
    assert longest_stretch(Corpus("text", text), "A quick brown cat") == Stretch(1, len(" quick brown "))


def test_all_of_a_sample_may_be_there() -> None:
    assert longest_stretch(Corpus("text", "one two three four"), "two three") == Stretch(0, 9)
    assert longest_stretch(Corpus("text", "one two three four"), "two") is None


@pytest.mark.parametrize("text", ["", "abc", "a" * 3 * PART])
def test_a_text_that_is_short_or_all_the_same(text: str) -> None:
    found = longest_stretch(Corpus("text", text), "a" * 100)
    assert found == (Stretch(0, 100) if len(text) > 100 else None)


def test_items_are_found_alone_on_their_line_only() -> None:
    corpus = Corpus("names", "anna\n  maria \nannabel\nRio de Janeiro\n", per_line=True)
    asked = ["anna", "maria", "ann", "bel", "Rio de Janeiro", "Janeiro", "", "anna\nmaria"]
    assert items_in_text(corpus, asked) == {"anna", "maria", "Rio de Janeiro"}
    assert items_in_text(corpus, []) == frozenset()


@given(st.lists(st.text("ab c", min_size=1, max_size=5), min_size=1, max_size=30), st.data())
def test_items_against_a_set(lines: list[str], data: st.DataObject) -> None:
    corpus = Corpus("names", "\n".join(lines), per_line=True)
    asked = data.draw(st.lists(st.text("ab c", min_size=1, max_size=5).map(str.strip), max_size=10))
    assert items_in_text(corpus, asked) == set(corpus.items) & set(asked)


def test_items_of_a_large_list_are_found_wherever_it_is_cut() -> None:
    items = [f"name {number} of many" for number in range(20_000)]
    corpus = Corpus("names", "\n".join(items), per_line=True)
    asked = items[::500]
    assert items_in_text(corpus, [*asked, "name 20001 of many"]) == set(asked)


def test_it_can_be_called_off() -> None:
    def called_off(_doing: str, _share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        longest_stretch(Corpus("text", "x" * 10), "abcdef", called_off)
    with pytest.raises(Cancelled):
        items_in_text(Corpus("names", "a\nb\n", per_line=True), ["q"], called_off)
