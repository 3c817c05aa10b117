"""Documents: a text read, tokenized, split and counted; and the table at step 0 that is known without torch."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui import documents
from embedviz.gui.documents import OWN_LINE_LENGTH, Document, is_offered_as_items, read_sample
from embedviz.gui.start import start_snapshot
from embedviz.text.corpus import TextError, corpus_from_text
from embedviz.training.session import TrainingSession

WHOLE = RunConfig(val_fraction=0.0)
HALF = RunConfig(val_fraction=0.5)


def document(text: str, config: RunConfig = WHOLE, *, per_line: bool = False) -> Document:
    corpus = corpus_from_text(text)
    return Document.make(corpus.as_items() if per_line else corpus, config)


def test_counts_in_closed_form() -> None:
    made = document("abababac")
    assert made.tokenizer.vocabulary == ("a", "b", "c")
    assert made.counts.tolist() == [4, 3, 1]
    assert made.pairs.tolist() == [[0, 3, 1], [3, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(made.probabilities, [[0, 0.75, 0.25], [1, 0, 0], [0, 0, 0]])
    assert (made.tokens, made.vocab_size) == (8, 3)
    # b is always followed by a; a by b or c, three times to one: H = 4/7 of the entropy of (3/4, 1/4).
    expected = 4 / 7 * -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert made.floor == pytest.approx(expected)


def test_only_the_training_part_is_counted() -> None:
    made = document("ababab" + "cccccc", HALF)
    assert made.vocab_size == 3  # the vocabulary is that of all of it
    assert made.counts.tolist() == [3, 3, 0]
    assert made.pairs.sum() == 5
    assert len(made.dataset.val_ids) == 6


def test_a_list_counts_beginnings_and_ends() -> None:
    made = document("ab\nab\n", per_line=True)
    newline, a, b = range(3)
    assert made.dataset.boundary_id == newline
    assert made.pairs[newline, a] == 2
    assert made.pairs[b, newline] == 2
    assert made.tokens == 7


@given(st.text("abc\n", min_size=2, max_size=60).filter(lambda text: len(set(text.strip())) > 1))
def test_the_counts_are_those_of_any_text(text: str) -> None:
    made = document(text)
    vocabulary = made.tokenizer.vocabulary
    pairs = [(vocabulary.index(x), vocabulary.index(y)) for x, y in itertools.pairwise(text)]
    for (row, column), count in np.ndenumerate(made.pairs):
        assert count == pairs.count((row, column))
    assert made.counts.tolist() == [text.count(token) for token in vocabulary]
    assert 0 <= made.floor <= math.log(made.vocab_size) + 1e-12
    assert made.first_line() in text
    assert made.first_line().strip()


def test_the_key_is_that_of_what_is_trained_on() -> None:
    text = "the cat sat on the mat and the dog ate the hat"
    made = document(text)
    assert document(text).key == made.key
    assert document(text, HALF).key != made.key
    assert document(text + "s").key != made.key
    assert document(text, RunConfig(val_fraction=0.0, lr=5.0)).key == made.key


def test_a_list_has_another_key_than_the_same_ids_as_a_text() -> None:
    text = "\nab\ncd\n"
    as_text = document(text)
    for seed in range(20):
        as_list = document(text, RunConfig(val_fraction=0.0, seed=seed), per_line=True)
        assert as_list.key != as_text.key


def test_too_many_symbols_are_refused_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_SYMBOLS", 3)
    with pytest.raises(TextError) as refusal:
        document("abcd")
    assert "has 4 different" in refusal.value.sentence
    assert "(at most 3)." in refusal.value.sentence
    assert document("abca").vocab_size == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("short\nlines\n", "short"),
        ("\n\n  indented\n", "indented"),
        ("title\n\n" + "word " * 20, ("word " * 12).strip()),
        ("x" * 70 + "y", "x" * OWN_LINE_LENGTH),
        ("\n" * 5000 + "late beginning", "late beginning"),
    ],
)
def test_the_first_line(text: str, line: str) -> None:
    assert document(text).first_line() == line


def test_the_first_line_of_a_list_is_its_first_item() -> None:
    assert document("emma\nolivia\n", per_line=True).first_line() == "emma"


@pytest.mark.parametrize("name", catalog.SAMPLES)
def test_the_samples_can_be_trained_on(name: str) -> None:
    corpus = read_sample(name)
    assert corpus.name == catalog.SAMPLES[name].title
    assert corpus.per_line is catalog.SAMPLES[name].per_line
    made = Document.make(corpus, RunConfig(per_line=corpus.per_line))
    assert 0 < made.floor < math.log(made.vocab_size)
    assert len(made.dataset.val_ids) > 0


def test_only_lists_opened_as_text_are_offered_as_lists() -> None:
    names = read_sample("names")
    assert not is_offered_as_items(names)
    assert is_offered_as_items(names.as_text())
    assert not is_offered_as_items(read_sample("fables"))


# --- the first frame --------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["zeros", "log-counts"])
@pytest.mark.parametrize("sample", ["fables", "names"])
def test_the_first_frame_is_what_the_trainer_starts_from(start: str, sample: str) -> None:
    corpus = read_sample(sample)
    config = RunConfig(init=start, per_line=corpus.per_line)
    made = Document.make(corpus, config)
    context = np.array([3, 1, 4])
    frame = start_snapshot("run-1", config, made, context)
    assert frame is not None
    session = TrainingSession(config, made.dataset)
    (table,) = session.tables().values()
    np.testing.assert_allclose(frame.tables["token"], table, rtol=1e-6, atol=1e-6)
    if start == "zeros":
        assert frame.tables["token"].tobytes() == table.tobytes()
    losses = session.losses_within(math.inf)
    assert frame.reading.train == pytest.approx(losses.train, abs=1e-6)
    assert frame.reading.val == pytest.approx(losses.val, abs=1e-6)
    assert (frame.reading.step, frame.reading.estimated, frame.step) == (0, False, 0)
    np.testing.assert_allclose(frame.logits, session.logits(context[None, :]), rtol=1e-6, atol=1e-6)
    assert frame.contexts.tolist() == [[3, 1, 4]]
    assert not frame.tables["token"].flags.writeable


def test_zeros_begin_at_ln_v() -> None:
    made = document("abcabcacb", HALF)
    frame = start_snapshot("run-1", HALF, made, np.zeros(0, np.int64))
    assert frame is not None
    assert frame.reading.train == pytest.approx(math.log(3))
    assert frame.reading.val == pytest.approx(math.log(3))
    assert frame.contexts.shape[0] == frame.logits.shape[0] == 0


def test_where_nothing_is_held_out_there_is_no_validation_loss() -> None:
    frame = start_snapshot("run-1", WHOLE, document("abcabc"), np.array([0]))
    assert frame is not None
    assert frame.reading.val is None


@pytest.mark.parametrize("start", ["normal-0.01", "normal-0.02", "normal-1", "xavier"])
def test_what_chance_decides_is_not_guessed(start: str) -> None:
    config = RunConfig(init=start)
    assert start_snapshot("run-1", config, document("abcabc"), np.array([0])) is None
