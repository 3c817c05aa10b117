import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.text import dataset as dataset_module
from embedviz.text.char_tokenizer import CharTokenizer
from embedviz.text.corpus import TextError, corpus_from_text
from embedviz.text.dataset import id_dtype, make_dataset
from embedviz.text.progress import Cancelled

FRACTIONS = st.floats(0, 0.9)


def items_of(ids: np.ndarray, boundary: int) -> list[tuple[int, ...]]:
    """Take a framed stream apart, slowly; fails if it is not framed or an item is empty."""
    assert ids[0] == ids[-1] == boundary
    items: list[list[int]] = []
    for token in ids.tolist():
        if token == boundary:
            items.append([])
        else:
            items[-1].append(token)
    assert items.pop() == []
    assert all(items)
    return [tuple(item) for item in items]


@pytest.mark.parametrize(
    ("vocab_size", "dtype"),
    [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.uint32)],
)
def test_ids_take_the_smallest_type(vocab_size, dtype):
    assert id_dtype(vocab_size) == dtype
    ids = make_dataset(np.array([0, vocab_size - 1] * 20), vocab_size, 0.5).train_ids
    assert ids.dtype == dtype
    assert ids.max() == vocab_size - 1


def test_no_type_holds_every_vocabulary():
    with pytest.raises(ValueError, match="no type"):
        id_dtype(2**32 + 1)


def test_a_text_is_cut_in_two():
    ids = np.arange(20) % 7
    dataset = make_dataset(ids, 7, 0.25)
    assert dataset.train_ids.tolist() == ids[:15].tolist()
    assert dataset.val_ids.tolist() == ids[15:].tolist()
    assert (dataset.vocab_size, dataset.boundary_id) == (7, None)


def test_the_usual_tenth_of_the_usual_text():
    dataset = make_dataset(np.zeros(1_115_394, dtype=np.uint8), 65, 0.1)
    assert len(dataset.train_ids) == 1_003_854
    assert len(dataset.val_ids) == 111_540


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), FRACTIONS)
def test_a_split_text_is_the_text(ids, val_fraction):
    dataset = make_dataset(np.array(ids), 5, val_fraction)
    assert [*dataset.train_ids, *dataset.val_ids] == ids
    assert len(dataset.train_ids) >= 2
    assert len(dataset.val_ids) != 1
    assert abs(len(dataset.val_ids) - val_fraction * len(ids)) < 3


@pytest.mark.parametrize(
    ("size", "val_fraction", "train", "val"),
    [(2, 0.9, 2, 0), (4, 0.9, 2, 2), (3, 0.9, 3, 0), (10, 0.1, 10, 0), (20, 0.1, 18, 2), (100, 0.0, 100, 0)],
)
def test_small_parts(size, val_fraction, train, val):
    dataset = make_dataset(np.zeros(size, dtype=np.uint8), 3, val_fraction)
    assert (len(dataset.train_ids), len(dataset.val_ids)) == (train, val)


@pytest.mark.parametrize("boundary_id", [None, 0])
def test_both_parts_are_read_only_copies(boundary_id):
    ids = np.array([0, 1, 2, 0, 3, 4, 0, 1, 0] * 4, dtype=np.uint8)
    before = ids.copy()
    dataset = make_dataset(ids, 5, 0.5, boundary_id=boundary_id)
    train, val = dataset.train_ids.tolist(), dataset.val_ids.tolist()
    for part in (dataset.train_ids, dataset.val_ids):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1
    ids[:] = 4
    assert (dataset.train_ids.tolist(), dataset.val_ids.tolist()) == (train, val)
    assert before.flags.writeable


def test_ids_that_are_read_only_already_are_not_copied():
    ids = CharTokenizer(("a", "b")).encode("ab" * 50)
    assert np.shares_memory(make_dataset(ids, 2, 0.1).train_ids, ids)


def test_items_are_framed_shuffled_and_split_by_item():
    names = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    corpus = corpus_from_text("\n".join(names)).as_items()
    tokenizer = CharTokenizer.from_corpus(corpus)
    ids = tokenizer.encode(corpus.stream_text)
    dataset = make_dataset(ids, tokenizer.vocab_size, 0.1, boundary_id=tokenizer.boundary_id, seed=3)
    parts = [tokenizer.decode(part) for part in (dataset.train_ids, dataset.val_ids)]
    order = np.random.default_rng(3).permutation(100)
    shuffled = [names[i] for i in order]
    assert parts == ["\n".join(["", *items, ""]) for items in (shuffled[:90], shuffled[90:])]
    assert dataset.boundary_id == tokenizer.boundary_id


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=6), min_size=1, max_size=12),
    FRACTIONS,
    st.integers(0, 5),
    st.integers(1, 9),
)
def test_no_item_is_lost_or_torn(items, val_fraction, seed, chunk):
    ids = np.array([0, *(token for item in items for token in (*item, 0))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset_module, "_CHUNK", chunk)
        dataset = make_dataset(ids, 6, val_fraction, boundary_id=0, seed=seed)
    train = items_of(dataset.train_ids, 0)
    val = items_of(dataset.val_ids, 0) if len(dataset.val_ids) else []
    assert sorted(train + val) == sorted(map(tuple, items))
    assert len(train) == max(int((1 - val_fraction) * len(items)), 1)
    order = np.random.default_rng(seed).permutation(len(items))
    assert train + val == [tuple(items[i]) for i in order]


def test_the_seed_decides_the_split():
    ids = np.array([0, *(token for item in range(1, 60) for token in (item, 0))])
    first, again, other = (
        make_dataset(ids, 60, 0.3, boundary_id=0, seed=seed).val_ids.tolist() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_missing_frames_and_empty_items_are_put_right():
    dataset = make_dataset(np.array([1, 2, 0, 0, 3]), 4, 0.0, boundary_id=0)
    assert sorted(items_of(dataset.train_ids, 0)) == [(1, 2), (3,)]


@pytest.mark.parametrize(
    ("ids", "boundary_id", "sentence"),
    [
        ([], None, "The text is too short: it has 0 of the 2 tokens that training needs."),
        ([1], None, "The text is too short: it has 1 of the 2 tokens that training needs."),
        ([], 0, "The list is too short: it has no items."),
        ([0, 0], 0, "The list is too short: it has no items."),
    ],
)
def test_too_little_text(ids, boundary_id, sentence):
    with pytest.raises(TextError) as caught:
        make_dataset(np.array(ids, dtype=np.uint8), 2, 0.1, boundary_id=boundary_id)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(("ids", "val_fraction"), [([0, 2], 0.1), ([-1, 0], 0.1), ([0, 1], 1.0), ([0, 1], -0.1)])
def test_mistakes_of_the_caller(ids, val_fraction):
    with pytest.raises(ValueError, match=r"id lies outside|val_fraction"):
        make_dataset(np.array(ids), 2, val_fraction)


@pytest.mark.parametrize("boundary_id", [None, 0])
def test_splitting_takes_no_eight_bytes_a_token(boundary_id):
    ids = np.tile(np.array([0, 1, 2, 3, 1, 2, 3, 1], dtype=np.uint8), 250_000)
    ids[-1] = 0
    ids.flags.writeable = False
    tracemalloc.start()
    make_dataset(ids, 4, 0.1, boundary_id=boundary_id)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A list: the joined parts, 12 bytes for each item (8 tokens long), and what one chunk needs.
    assert peak < (100_000 if boundary_id is None else 3 * len(ids) + 64 * dataset_module._CHUNK)


def test_a_long_item_among_short_ones(monkeypatch):
    monkeypatch.setattr(dataset_module, "_CHUNK", 10)
    items = [(1,) * 35, (2, 3), (2,) * 10, (3,) * 9, (1, 2, 3)]
    ids = np.array([0, *(token for item in items for token in (*item, 0))])
    for seed in range(10):
        dataset = make_dataset(ids, 4, 0.0, boundary_id=0, seed=seed)
        order = np.random.default_rng(seed).permutation(5)
        assert items_of(dataset.train_ids, 0) == [items[i] for i in order]


def test_splitting_a_list_can_be_cancelled():
    def cancelled(doing, done):
        assert (doing, 0 <= done <= 1) == ("Splitting", True)
        raise Cancelled

    with pytest.raises(Cancelled):
        make_dataset(np.array([0, 1, 0, 2, 0]), 3, 0.1, boundary_id=0, progress=cancelled)
