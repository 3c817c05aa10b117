"""What stands before a beginning, in batches, samples, whole texts and questions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.models import base
from embedviz.models.base import NOTHING
from embedviz.models.initialization import make_generator
from embedviz.models.mlp import MLPLanguageModel
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training import whole_texts
from embedviz.training.batches import Batches, to_tensor
from embedviz.training.contexts import after_boundary, forget_items, pad
from embedviz.training.session import TrainingSession
from embedviz.training.whole_texts import WalkedText

T = 3
MLP = RunConfig(model="mlp", block_size=T, n_embd=4, hidden=10, init="normal-1", layer_init="xavier", batch_size=8)
ITEMS = np.array([0, 11, 12, 0, 21, 0, 31, 32, 33, 34, 0], dtype=np.uint8)  # told apart by their tens; 0 between
CONTEXTS = {  # of ITEMS, with what follows
    (0, 0, 0): {11, 21, 31},
    (0, 0, 11): {12},
    (0, 11, 12): {0},
    (0, 0, 21): {0},
    (0, 0, 31): {32},
    (0, 31, 32): {33},
    (31, 32, 33): {34},
    (32, 33, 34): {0},
}


def in_plain_python(context: list[int], block_size: int, boundary: int) -> list[int]:
    inside: list[int] = []
    for token in context:
        inside = [] if token == boundary else [*inside, token]
    return ([boundary] * block_size + inside)[-block_size:]


@given(st.lists(st.integers(0, 3), min_size=0, max_size=8), st.integers(1, 6), st.integers(0, 3))
def test_a_context_stays_within_its_item(context: list[int], block_size: int, boundary: int) -> None:
    ids = torch.tensor([context], dtype=torch.int64)
    assert pad(ids, block_size, boundary).tolist() == [in_plain_python(context, block_size, boundary)]
    assert pad(ids, block_size, None).tolist() == [context[-block_size:]]


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=4), st.integers(1, 6))
def test_a_window_begins_with_one_boundary(contexts: list[list[int]], block_size: int) -> None:
    idx, last = after_boundary(torch.tensor(contexts), block_size, 0)
    for context, row, end in zip(contexts, idx.tolist(), last.tolist(), strict=True):
        item = "".join(map(str, [0, *context])).rpartition("0")[2]
        assert row[: end + 1] == [0, *map(int, item)][-block_size:]
        assert idx.shape[1] <= block_size


def test_many_contexts_at_once() -> None:
    rows = torch.tensor([[1, 0, 2, 3], [1, 2, 0, 0], [1, 2, 3, 4], [0, 1, 2, 3]])
    expected = [[0, 0, 2, 3], [0, 0, 0, 0], [1, 2, 3, 4], [0, 1, 2, 3]]
    assert forget_items(rows, 0).tolist() == expected


def seen(idx: Tensor, targets: Tensor) -> dict[tuple[int, ...], set[int]]:
    found: dict[tuple[int, ...], set[int]] = {}
    for context, target in zip(idx.tolist(), targets[:, -1].tolist(), strict=True):
        found.setdefault(tuple(context), set()).add(target)
    return found


def test_batches_of_items_hold_every_context_and_no_other() -> None:
    batches = Batches(to_tensor(ITEMS), 500, T, torch.Generator().manual_seed(0), boundary_id=0)
    assert seen(*batches.draw()) == CONTEXTS


def test_a_list_shorter_than_a_block_is_padded() -> None:
    ids = torch.tensor([0, 5, 0], dtype=torch.uint8)
    batches = Batches(ids, 100, 8, torch.Generator().manual_seed(0), boundary_id=0)
    assert batches.block_size == 8
    assert seen(*batches.draw()) == {(0,) * 8: {5}, (*(0,) * 7, 5): {0}}


def make_model(vocab_size: int, config: RunConfig = MLP) -> MLPLanguageModel:
    model = MLPLanguageModel(config, vocab_size)
    model.initialize(torch.zeros(0), make_generator(0, "initialization"))
    return model


def every_context(ids: np.ndarray, boundary: int | None) -> tuple[list[Tensor], list[int]]:
    """Return the context (t,) before each token but the first, and these tokens, in plain Python."""
    before = [ids[max(0, p - T) : p].tolist() for p in range(1, len(ids))]
    if boundary is not None:
        before = [in_plain_python(context, T, boundary) for context in before]
    return [torch.tensor(context) for context in before], ids[1:].tolist()


TEXT = np.random.default_rng(1).integers(0, 40, 60).astype(np.uint8)


@pytest.mark.parametrize("chunk", [1, 700, 2**20])
@pytest.mark.parametrize(("ids", "boundary"), [(TEXT, None), (ITEMS, 0), (TEXT[:2], None), (TEXT[:3], None)])
def test_a_whole_text_is_all_its_contexts(
    ids: np.ndarray, boundary: int | None, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_texts, "_CHUNK", chunk)
    monkeypatch.setattr(whole_texts, "_FEWEST", 1)
    model = make_model(40)
    text = WalkedText(model, to_tensor(ids), boundary)
    before, following = every_context(ids, boundary)
    assert text.size == len(before) == len(ids) - 1
    losses = torch.stack(
        [
            model(context[None], torch.tensor([[target]]))[1]
            for context, target in zip(before, following, strict=True)
        ]
    )
    losses.double().mean().backward()
    expected = [parameter.grad for parameter in model.parameters()]
    assert text.loss() == pytest.approx(losses.double().mean().item(), rel=1e-6)
    for _ in range(2):
        model.zero_grad()
        assert text.accumulate_gradients().item() == pytest.approx(text.loss(), rel=1e-6)
        for parameter, gradient in zip(model.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("numbers", [2**24, 2**17, 1])
def test_a_large_vocabulary_is_not_read_again_for_a_few_contexts(
    numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_NUMBERS_AT_ONCE", numbers)
    monkeypatch.setattr(whole_texts, "_CHUNK", 2**14)
    model = make_model(1000)  # 2,054 numbers a context: 7 of them in a chunk
    text = WalkedText(model, to_tensor(np.tile(TEXT, 10)), None)
    sizes = [len(idx) for idx, _ in text.batches() if idx.shape[1] == T]
    assert max(sizes) == {2**24: 64, 2**17: 63, 1: 1}[numbers]
    assert sum(sizes) + text.alone == text.size


def test_looking_at_a_whole_text_leaves_the_gradients_alone() -> None:
    model = make_model(40)
    WalkedText(model, to_tensor(TEXT), None).loss()
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.fixture
def make_session() -> Callable[..., TrainingSession]:
    def make(config: RunConfig = MLP, ids: np.ndarray = ITEMS, boundary: int | None = 0) -> TrainingSession:
        dataset = make_dataset(np.tile(ids[:-1], 30), 40, 0.2, boundary_id=boundary)
        return TrainingSession(config, dataset)

    return make


def test_questions_are_padded_as_batches_are(make_session: Callable[..., TrainingSession]) -> None:
    session = make_session()
    asked = np.array([[12, 0, 31, 32], [31, 32, 33, 0]])
    assert session.pad(asked).tolist() == [[0, 31, 32], [0, 0, 0]]
    np.testing.assert_array_equal(session.logits(asked), session.logits(session.pad(asked)))
    np.testing.assert_array_equal(session.logits(np.array([[31]])), session.logits(np.array([[0, 0, 31]])))
    assert session.trace(np.array([12, 0, 31]))["ids"].tolist() == [0, 0, 31]


def test_in_running_text_nothing_stands_before_the_beginning(make_session: Callable[..., TrainingSession]) -> None:
    session = make_session(boundary=None)
    asked = np.array([[0, 31]])
    assert session.pad(asked).tolist() == [[0, 31]]
    trace = session.trace(asked[0])
    assert trace["ids"].tolist() == [NOTHING, 0, 31]
    assert not trace["rows"][0].any()
    np.testing.assert_allclose(session.logits(asked)[0], trace["logits"], atol=1e-6)


@pytest.mark.parametrize("model", ["token-position", "transformer", "llama"])
def test_a_model_of_windows_reads_from_the_boundary_on(
    model: str, make_session: Callable[..., TrainingSession]
) -> None:
    session = make_session(RunConfig().with_model(model).replace(block_size=4, n_embd=8, init="normal-1"))
    lines = [[12, 0, 31, 32], [31, 32, 33, 0], [21, 31, 32, 33], [0, 0, 11, 12]]
    read = [[0, 31, 32], [0], [21, 31, 32, 33], [0, 11, 12]]
    padded = [[NOTHING] * (4 - len(context)) + context for context in read]
    assert session.pad(np.array(lines)).tolist() == padded
    together = session.logits(np.array(lines))
    for line, context, logits in zip(lines, read, together, strict=True):
        trace = session.trace(np.array(line))
        assert trace["ids"].tolist() == context
        np.testing.assert_allclose(logits, trace["logits"], atol=1e-5)
        np.testing.assert_allclose(logits, session.logits(np.array([context]))[0], atol=1e-5)
    assert session.trace(np.array([31, 32]))["ids"].tolist() == [0, 31, 32]
    np.testing.assert_allclose(
        session.logits(np.zeros((1, 0), np.int64)), session.logits(np.array([[0]])), atol=1e-6
    )


@pytest.mark.parametrize("model", ["token-position", "transformer", "llama"])
def test_in_running_text_a_window_is_read_as_it_is(
    model: str, make_session: Callable[..., TrainingSession]
) -> None:
    config = RunConfig().with_model(model).replace(block_size=4, n_embd=8, init="normal-1")
    session = make_session(config, boundary=None)
    for line, context in (([31, 0, 12], [31, 0, 12]), ([21, 31, 0, 0, 12], [31, 0, 0, 12])):
        assert session.pad(np.array([line])).tolist() == [context]
        trace = session.trace(np.array(line))
        assert trace["ids"].tolist() == context
        np.testing.assert_allclose(session.logits(np.array([line]))[0], trace["logits"], atol=1e-5)


def test_batches_of_windows_cross_items(make_session: Callable[..., TrainingSession]) -> None:
    config = RunConfig().with_model("transformer").replace(block_size=4, n_embd=8, batch_size=50)
    session = make_session(config)
    idx, targets = session._batches.draw()
    stream = bytes(session._batches.ids.tolist())
    rows = torch.cat([idx, targets[:, -1:]], 1).tolist()
    assert all(bytes(row) in stream for row in rows)
    assert any(0 in row[1:4] and row[0] != 0 for row in rows)


def test_a_table_is_trained_on_windows_as_before(make_session: Callable[..., TrainingSession]) -> None:
    config = RunConfig(batch_size=8, block_size=T)
    with_items, without = make_session(config), make_session(config)
    without._batches = Batches(
        to_tensor(make_dataset(np.tile(ITEMS[:-1], 30), 40, 0.2, boundary_id=0).train_ids),
        8,
        T,
        make_generator(config.seed, "batches"),
    )
    assert [next(with_items) for _ in range(20)] == [next(without) for _ in range(20)]


def test_activations_are_of_the_same_contexts_all_run_long(make_session: Callable[..., TrainingSession]) -> None:
    session = make_session()
    first = session.activations()["hidden"]
    assert first.shape == (128, 10)
    assert np.abs(first).max() < 1
    np.testing.assert_array_equal(session.activations(5)["hidden"], first[:5])
    start = session.checkpoint()
    next(session)
    assert (session.activations()["hidden"] != first).any()
    session.restore(start)
    np.testing.assert_array_equal(session.activations()["hidden"], first)


@pytest.mark.parametrize("batch_size", [WHOLE_TEXT, 8])
@pytest.mark.parametrize("boundary", [None, 0])
def test_it_learns_items_by_heart(
    boundary: int | None, batch_size: int, make_session: Callable[..., TrainingSession]
) -> None:
    # Each context has one token that follows, but for the first of an item: there are three items.
    config = MLP.replace(batch_size=batch_size, optimizer="adam", lr=0.05, val_fraction=0.0)
    session = make_session(config, boundary=boundary)
    for _ in range(400):
        next(session)
    logits = session.logits(np.array([[0, 31, 32], [31, 32, 33]]))
    assert logits.argmax(1).tolist() == [33, 34]
    if boundary is not None:
        probabilities = session.trace(np.array([0]))["probabilities"]
        assert probabilities[[11, 21, 31]].sum() > 0.95


def short(vocab_size: int = 4) -> Dataset:
    return make_dataset(np.array([0, 1, 2, 3, 0, 1], np.uint8), vocab_size, 0.34)


def test_a_text_shorter_than_a_block() -> None:
    session = TrainingSession(MLP.replace(block_size=8), short())
    assert session.config.block_size == 2  # three tokens to train on
    next(session)
    losses = session.whole_losses()
    assert losses.val is not None
    assert np.isfinite([losses.train, losses.val]).all()
