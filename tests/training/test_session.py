"""TrainingSession: its steps, losses, tables and logits, against closed forms and torch's textbook loop."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.models.base import ModelSizeError
from embedviz.models.initialization import make_generator
from embedviz.text.corpus import read_corpus
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.preparation import prepare
from embedviz.text.statistics import conditional_entropy, table_loss
from embedviz.training import state
from embedviz.training.batches import Batches, to_tensor
from embedviz.training.device_choice import Choice, DeviceChooser, Start
from embedviz.training.session import TrainingSession

SHAKESPEARE = Path(__file__).parents[3] / "shared" / "data" / "tinyshakespeare.txt"

EXACT = RunConfig(optimizer="adam", lr=0.1, batch_size=WHOLE_TEXT)
SAMPLED = RunConfig(optimizer="adamw", lr=0.1, weight_decay=0.01, batch_size=4, block_size=8)
MLP = RunConfig(model="mlp", optimizer="adamw", lr=0.01, batch_size=4, block_size=3, init="normal-1")


def train(config: RunConfig, dataset: Dataset, steps: int) -> TrainingSession:
    session = TrainingSession(config, dataset)
    for _ in range(steps):
        next(session)
    return session


def weights(session: TrainingSession) -> bytes:
    return session.tables()["token"].tobytes()


@pytest.mark.parametrize("vocab_size", [27, 65, 256])
@pytest.mark.parametrize("config", [EXACT, SAMPLED])
def test_from_zeros_the_first_loss_is_ln_v(config: RunConfig, vocab_size: int) -> None:
    ids = np.arange(vocab_size, dtype=np.uint8).repeat(3)
    session = TrainingSession(config, make_dataset(ids, vocab_size, 0.1))
    assert session.uniform == math.log(vocab_size)
    assert session.whole_losses() == (
        0,
        pytest.approx(math.log(vocab_size), abs=1e-12),
        pytest.approx(session.uniform),
        False,
        False,
    )
    assert next(session) == (0, pytest.approx(math.log(vocab_size), abs=1e-6))
    assert session.step == 1


def test_losses_are_those_of_the_weights_before_the_update(text: Dataset) -> None:
    session = TrainingSession(EXACT, text)
    for step in range(20):
        expected = session.whole_losses().train
        result = next(session)
        assert result == (step, pytest.approx(expected, rel=1e-6))


@pytest.mark.parametrize("batch_size", [WHOLE_TEXT, 4])
@pytest.mark.parametrize(
    ("optimizer", "make"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.7, weight_decay=0.01)),
        ("adam", lambda p: torch.optim.Adam(p, lr=0.7, betas=(0.8, 0.95), weight_decay=0.01)),
        ("adamw", lambda p: torch.optim.AdamW(p, lr=0.7, betas=(0.8, 0.95), weight_decay=0.01)),
    ],
)
def test_training_is_that_of_the_textbook_loop(batch_size, optimizer, make, text: Dataset) -> None:  # type: ignore[no-untyped-def]
    config = RunConfig(
        optimizer=optimizer,
        lr=0.7,
        beta1=0.8,
        beta2=0.95,
        weight_decay=0.01,
        batch_size=batch_size,
        init="xavier",
    )
    session = TrainingSession(config, text)
    ids = to_tensor(text.train_ids).long()
    table = torch.nn.Embedding(5, 5, _weight=torch.from_numpy(session.tables()["token"]))
    textbook = make(table.parameters())
    batches = Batches(ids, 4, config.block_size, make_generator(config.seed, "batches"))
    for _ in range(30):
        idx, targets = batches.draw() if batch_size else (ids[None, :-1], ids[None, 1:])
        loss = F.cross_entropy(table(idx).reshape(-1, 5), targets.reshape(-1))
        textbook.zero_grad()
        loss.backward()
        textbook.step()
        assert next(session).loss == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(session.tables()["token"], table.weight.detach().numpy(), atol=1e-4)


def test_exact_training_reaches_the_floor(text: Dataset) -> None:
    session = train(RunConfig(optimizer="adam", lr=0.05), text, 1500)
    pairs = PairCounts.count(text.train_ids, 5)
    assert session.floor == pytest.approx(conditional_entropy(pairs), rel=1e-12)
    losses = session.whole_losses()
    assert session.floor <= losses.train < session.floor + 1e-5
    assert losses.val == pytest.approx(table_loss(session.tables()["token"], PairCounts.count(text.val_ids, 5)))
    probabilities = torch.softmax(torch.from_numpy(session.tables()["token"]), 1).numpy()
    counts = pairs.dense()
    np.testing.assert_allclose(probabilities, counts / counts.sum(1, keepdims=True), atol=0.005)


def test_a_two_token_text_follows_its_closed_form() -> None:
    # "ababab...": row a is (-x, x) after a step of SGD, where x = lr * f(a) / 2.
    dataset = make_dataset(np.array([0, 1] * 10, np.uint8), 2, 0.0)
    session = train(RunConfig(optimizer="sgd", lr=1.0), dataset, 1)
    f = 10 / 19
    np.testing.assert_allclose(session.tables()["token"][0], [-f / 2, f / 2], rtol=1e-6)
    assert session.floor == 0
    assert session.whole_losses().train == pytest.approx(
        f * math.log1p(math.exp(-f)) + (1 - f) * math.log1p(math.exp(f - 1))
    )
    assert session.whole_losses().val is None
    assert session.losses_within(0).val is None


if SHAKESPEARE.exists():  # it does not ship with the project

    def test_tinyshakespeare_converges_as_measured() -> None:
        dataset = prepare(read_corpus(SHAKESPEARE), EXACT).dataset
        session = TrainingSession(EXACT, dataset)
        assert session.floor == pytest.approx(2.4519, abs=5e-5)
        above = {}
        while session.step < 600:
            next(session)
            above[session.step] = session.whole_losses().train - session.floor
        assert above[300] == pytest.approx(2.18e-3, abs=5e-6)
        assert above[512] > 1e-3 > above[513]
        assert above[600] == pytest.approx(7.9e-4, abs=5e-6)
        warm = TrainingSession(EXACT.replace(init="log-counts"), dataset)
        assert warm.whole_losses().val == pytest.approx(2.4819, abs=5e-5)


@pytest.mark.parametrize("config", [EXACT.replace(init="normal-1"), SAMPLED.replace(init="xavier"), MLP])
def test_the_same_config_gives_the_same_weights(config: RunConfig, text: Dataset) -> None:
    runs = [train(config, text, 50) for _ in range(2)]
    assert weights(runs[0]) == weights(runs[1])
    assert weights(train(config.replace(seed=1), text, 50)) != weights(runs[0])


@pytest.mark.parametrize("config", [EXACT, SAMPLED, MLP])
def test_looking_changes_nothing(config: RunConfig, text: Dataset) -> None:
    alone, watched = TrainingSession(config, text), TrainingSession(config, text)
    for _ in range(30):
        alone_result = next(alone)
        watched.whole_losses()
        watched.losses_within(0)
        watched.logits(np.array([[1, 2]]))
        watched.trace(np.array([1, 2]))["rows"][:] = 7
        watched.trace_step(np.array([1, 2]))
        for layer in watched.activations().values():
            layer[:] = 7
        watched.tables()["token"][:] = 7
        for gradient in watched.table_gradients().values():
            gradient[:] = 7
        watched.checkpoint()
        assert next(watched) == alone_result
    assert weights(alone) == weights(watched)


def test_an_estimate_is_always_from_the_same_sample(text: Dataset) -> None:
    session = train(SAMPLED, text, 10)
    first = session.losses_within(0)  # never measured: whole
    assert first == session.whole_losses()
    assert not first.estimated
    estimate = session.losses_within(0)
    assert estimate.estimated
    assert estimate == session.losses_within(0)
    assert estimate.step == 10
    assert estimate.train == pytest.approx(first.train, abs=0.1)
    assert estimate.val == pytest.approx(first.val, abs=0.1)
    assert not session.losses_within(math.inf).estimated
    again = train(SAMPLED, text, 10)
    again.whole_losses()
    assert again.losses_within(0) == estimate


def test_tables_and_gradients_are_copies(text: Dataset) -> None:
    session = TrainingSession(EXACT, text)
    assert session.table_gradients() == {}
    before = session.tables()["token"]
    next(session)
    assert not before.any()
    gradient, table = session.table_gradients()["token"], session.tables()["token"]
    assert gradient.dtype == table.dtype == np.float32
    assert gradient.shape == table.shape == (5, 5)
    frequency = PairCounts.count(text.train_ids, 5).dense() / (len(text.train_ids) - 1)
    np.testing.assert_allclose(gradient, frequency.sum(1, keepdims=True) / 5 - frequency, atol=1e-7)
    kept = gradient.copy()
    next(session)
    np.testing.assert_array_equal(gradient, kept)


def test_logits_are_those_of_the_last_token(text: Dataset) -> None:
    session = TrainingSession(EXACT.replace(init="normal-1"), text)
    logits = session.logits(np.array([[0, 1, 2], [4, 4, 0]]))
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, session.tables()["token"][[2, 0]])
    assert session.logits(np.zeros((0, 1), np.int64)).shape == (0, 5)


def test_the_config_says_what_is_used(text: Dataset) -> None:
    class Chooser(DeviceChooser):
        def choose(self, config: RunConfig, dataset: Dataset, start: Start) -> Choice:
            assert (config.device, config.threads, dataset, start) == ("auto", 0, text, TrainingSession)
            return Choice(config.replace(device="cpu", threads=1), "CPU, 1 thread: a test says so.")

    session = TrainingSession(RunConfig(device="auto", threads=0, batch_size=4), text, Chooser())
    assert (session.config.device, session.config.threads, session.config.block_size) == ("cpu", 1, 8)
    assert session.choice == "CPU, 1 thread: a test says so."
    assert (session.vocab_size, session.parameters_count) == (5, 25)
    short = make_dataset(np.array([0, 1, 2], np.uint8), 3, 0.0)
    assert TrainingSession(SAMPLED, short).config.block_size == 2
    assert math.isfinite(next(train(SAMPLED, short, 3)).loss)


def test_items_are_learnt_without_pairs_across_them() -> None:
    # Two items, "12" and "34", around the boundary 0: 2 never comes before 3, whatever the order.
    ids = np.array([0, *[1, 2, 0, 3, 4, 0] * 20], np.uint8)
    session = train(SAMPLED, make_dataset(ids, 5, 0.2, boundary_id=0), 300)
    probabilities = torch.softmax(torch.from_numpy(session.tables()["token"]), 1)
    assert probabilities[2, 0] > 0.95
    assert probabilities[2, 3] < 0.02


@pytest.mark.parametrize("config", [EXACT, SAMPLED, MLP])
def test_a_trace_ends_with_the_logits(config: RunConfig, text: Dataset) -> None:
    session = train(config.replace(init="normal-1"), text, 3)
    context = np.array([0, 3, 1, 2])
    trace = session.trace(context)
    np.testing.assert_allclose(trace["logits"], session.logits(context[None])[0], atol=1e-6)
    np.testing.assert_array_equal(trace["rows"], session.tables()["token"][trace["ids"]])
    assert trace["ids"].tolist() == (context[-3:] if config is MLP else context).tolist()
    assert trace["ids"].dtype == np.int64
    assert trace["probabilities"].sum() == pytest.approx(1)


def test_a_table_has_no_hidden_layer_and_reads_one_token(text: Dataset) -> None:
    session = TrainingSession(EXACT, text)
    assert session.activations() == {}
    assert session.pad(np.array([[0, 1, 2], [4, 4, 0]])).tolist() == [[2], [0]]


@pytest.mark.parametrize("init", list(catalog.STARTS))
def test_every_start_trains(init: str, text: Dataset) -> None:
    session = train(EXACT.replace(init=init), text, 300)
    assert session.floor is not None
    assert session.whole_losses().train < session.floor + 0.01


def test_an_optimizer_without_a_fused_kernel(text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unfused(torch.optim.Adam):
        def __init__(self, *args, fused=None, **kwargs) -> None:  # type: ignore[no-untyped-def]
            if fused:
                raise RuntimeError("fused is not supported here")
            super().__init__(*args, **kwargs)

    fused = train(EXACT, text, 20)
    monkeypatch.setitem(state._OPTIMIZERS, "adam", Unfused)
    np.testing.assert_allclose(
        train(EXACT, text, 20).tables()["token"], fused.tables()["token"], rtol=1e-4, atol=1e-6
    )


def test_what_is_too_large_is_refused_at_once() -> None:
    dataset = Dataset(np.zeros(3, np.uint32), np.zeros(0, np.uint32), vocab_size=50_257)
    with pytest.raises(ModelSizeError):
        TrainingSession(EXACT, dataset)
