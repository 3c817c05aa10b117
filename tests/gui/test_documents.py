"""Documents: a text read, tokenized, split and counted; and the table at step 0 that is known without torch."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui import start as start_module
from embedviz.gui.documents import OWN_LINE_LENGTH, Document, is_offered_as_items, read_sample
from embedviz.gui.start import start_snapshot
from embedviz.text.corpus import corpus_from_text
from embedviz.text.progress import Cancelled
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
    assert made.pairs.dense().tolist() == [[0, 3, 1], [3, 0, 0], [0, 0, 0]]
    assert [made.pairs.probabilities(row).tolist() for row in range(3)] == [[0, 0.75, 0.25], [1, 0, 0], [0, 0, 0]]
    assert (made.tokens, made.vocab_size, made.characters_per_token) == (8, 3, 1.0)
    # b is always followed by a; a by b or c, three times to one: H = 4/7 of the entropy of (3/4, 1/4).
    expected = 4 / 7 * -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert made.floor == pytest.approx(expected)


def test_only_the_training_part_is_counted() -> None:
    made = document("ababab" + "cccccc", HALF)
    assert made.vocab_size == 3  # the vocabulary is that of all of it
    assert made.counts.tolist() == [3, 3, 0]
    assert made.pairs.total == 5
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
    for (row, column), count in np.ndenumerate(made.pairs.dense()):
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


def test_the_key_tells_texts_apart_that_have_the_same_ids() -> None:
    assert document("abab").key != document("cdcd").key


def test_the_key_is_that_of_the_vocabulary_too() -> None:
    text = "one two three one two three four five six"
    keys = {
        document(text, WHOLE.replace(tokenizer=name, vocab_size=size)).key
        for name, size in (("char", 2), ("byte", 2), ("word", 4), ("word", 5), ("subword", 258), ("subword", 259))
    }
    assert len(keys) == 6


@pytest.mark.parametrize("per_line", [False, True])
@pytest.mark.parametrize("tokenizer", ["char", "byte", "word", "subword"])
def test_a_document_fits_the_configurations_that_would_make_it_again(tokenizer: str, per_line: bool) -> None:
    text = "".join(f"{word} {number}\n" for number, word in enumerate(["cat", "sat", "mat", "cat hat"] * 75))
    config = RunConfig(tokenizer=tokenizer, vocab_size=270, per_line=per_line, val_fraction=0.3, seed=1)
    made = document(text, config, per_line=per_line)
    for changes in (
        {"lr": 5.0, "model": "mlp", "init": "normal-1", "block_size": 3},
        {"vocab_size": 265},
        {"seed": 2},
        {"val_fraction": 0.4},
    ):
        other = config.replace(**changes)
        assert made.fits(other) is (document(text, other, per_line=per_line).key == made.key), changes
    assert made.fits(config)
    assert not made.fits(config.replace(per_line=not per_line))
    assert not made.fits(config.replace(tokenizer="file", tokenizer_file="tokenizer.json"))
    others = {"char", "byte", "word", "subword"} - {tokenizer}
    assert not any(made.fits(config.replace(tokenizer=other)) for other in others)


@pytest.mark.parametrize(("tokenizer", "tokens"), [("byte", 9), ("char", 8), ("word", 4)])
def test_characters_per_token_are_those_of_the_stream(tokenizer: str, tokens: int) -> None:
    made = document("ab é cd\n", WHOLE.replace(tokenizer=tokenizer))
    assert made.tokens == tokens  # the words: three, each with the blank before it, and the line end
    assert made.characters_per_token == 8 / made.tokens
    listed = document(" ab \n\ncd", WHOLE.replace(tokenizer="char", per_line=True), per_line=True)
    assert (listed.tokens, listed.characters_per_token) == (7, 1.0)


def test_making_one_can_be_cancelled_while_it_counts() -> None:
    def progress(doing: str, done: float) -> None:
        if doing == "Counting":
            raise Cancelled

    with pytest.raises(Cancelled):
        Document.make(corpus_from_text("abcabc"), WHOLE, progress)


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


def test_other_models_and_large_tables_are_left_to_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = document("abcabc")
    mlp = WHOLE.replace(model="mlp", init="zeros")
    assert start_snapshot("run-1", mlp, made, np.array([0])) is None
    monkeypatch.setattr(start_module, "MOST_ROWS", 2)
    assert start_snapshot("run-1", WHOLE, made, np.array([0])) is None
    monkeypatch.setattr(start_module, "MOST_ROWS", 3)
    assert start_snapshot("run-1", WHOLE, made, np.array([0])) is not None
