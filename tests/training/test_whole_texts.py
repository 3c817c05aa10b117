"""Whole texts of models that read windows: side by side, all positions, each token predicted once."""

import numpy as np
import pytest
import torch
from torch import Tensor
from windowed_runs import CONFIGS, TRANSFORMER, VOCABULARY, running_text, some_ids

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.models import base
from embedviz.models.base import LanguageModel
from embedviz.models.initialization import make_generator
from embedviz.training import whole_texts
from embedviz.training.batches import to_tensor
from embedviz.training.session import TrainingSession
from embedviz.training.whole_texts import WalkedText, WindowedText, contexts_together

FROZEN = [name for name in CONFIGS if CONFIGS[name].freeze_embeddings]


def make_model(config: RunConfig) -> LanguageModel:
    model: LanguageModel = catalog.MODELS[config.model].load()(config, VOCABULARY)
    model.initialize(torch.zeros(0), make_generator(config.seed, "initialization"))
    return model


def mean_loss(model: LanguageModel, ids: np.ndarray) -> Tensor:
    """Return the mean loss over a text, a window at a time, in a plain loop."""
    total, size = torch.zeros((), dtype=torch.float64), model.config.block_size
    for start in range(0, len(ids) - 1, size):
        window = torch.from_numpy(ids[start : start + size + 1].astype(np.int64))
        logits = model(window[None, :-1])[0][0]  # (t, V)
        total = total + torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum").double()
    return total / (len(ids) - 1)


@pytest.mark.parametrize("chunk", [1, 2**20])
@pytest.mark.parametrize("length", [2, 4, 6, 7, 51, 54])
@pytest.mark.parametrize("name", CONFIGS)
def test_loss_and_gradient_are_those_of_a_plain_loop(
    name: str, length: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_texts, "_CHUNK", chunk)
    monkeypatch.setattr(whole_texts, "_FEWEST_TOKENS", 1)
    ids, model = some_ids(length), make_model(CONFIGS[name])
    expected = mean_loss(model, ids)
    expected.backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    text = WindowedText(model, to_tensor(ids))
    assert text.loss() == pytest.approx(expected.item(), rel=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())
    for _ in range(2):
        assert text.accumulate_gradients().item() == pytest.approx(expected.item(), rel=1e-6)
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            assert (parameter.grad is None) is (gradient is None) is (not parameter.requires_grad)
            if gradient is not None:
                torch.testing.assert_close(parameter.grad, gradient, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("length", [2, 5, 6, 7, 11, 104])
def test_each_token_but_the_first_is_predicted_once(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 3)
    ids = some_ids(length)
    text = WindowedText(make_model(TRANSFORMER), to_tensor(ids))
    batches = list(text.batches())
    assert np.concatenate([targets.numpy().ravel() for _, targets in batches]).tolist() == ids[1:].tolist()
    assert np.concatenate([idx.numpy().ravel() for idx, _ in batches]).tolist() == ids[:-1].tolist()
    assert sum(text.predictions(idx) for idx, _ in batches) == text.size == length - 1
    widths = {idx.shape[1] for idx, _ in batches}
    assert widths <= {5, (length - 1) % 5}
    assert max(len(idx) for idx, _ in batches) <= 3


@pytest.mark.parametrize(
    ("in_cache", "at_once", "together"), [(1, 1000, 205), (300, 1000, 300), (1, 7, 7), (1, 0, 1)]
)  # in windows of five tokens: 1,024 tokens at least
def test_no_more_windows_at_a_time_than_fit(
    in_cache: int, at_once: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(TRANSFORMER)
    a_window = model.numbers_per_context(TRANSFORMER, VOCABULARY)
    monkeypatch.setattr(base, "_NUMBERS_AT_ONCE", at_once * a_window)
    monkeypatch.setattr(whole_texts, "_CHUNK", in_cache * a_window)
    assert contexts_together(model, TRANSFORMER, VOCABULARY) == together


def test_models_that_predict_only_the_last_are_walked_through() -> None:
    kinds = {}
    for model in catalog.MODELS:
        config = RunConfig().with_model(model)
        kinds[model] = type(TrainingSession(config, running_text())._readings.train).__name__
    walked, windowed = WalkedText.__name__, WindowedText.__name__
    assert kinds == {
        "bigram": "PairText",
        "mlp": walked,
        "token-position": windowed,
        "transformer": windowed,
        "llama": windowed,
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_over_the_whole_text_has_its_loss(name: str) -> None:
    session = TrainingSession(CONFIGS[name].replace(batch_size=0), running_text())
    start = session.whole_losses().train
    for step in range(3):
        expected = session.whole_losses().train
        assert session.is_healthy
        assert next(session) == (step, pytest.approx(expected, rel=1e-6))
    assert session.whole_losses().train < start


@pytest.mark.parametrize("batch_size", [0, 4])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_table_never_moves(name: str, optimizer: str, batch_size: int) -> None:
    config = CONFIGS[name].replace(optimizer=optimizer, batch_size=batch_size, clip=1.0)
    session = TrainingSession(config, running_text())
    start = session.tables()
    for _ in range(5):
        next(session)
        session.trace_step(np.array([1, 2]))
    checkpoint = session.checkpoint()
    assert session.tables()["token"].tobytes() == start["token"].tobytes()
    assert (session.tables()["position"] != start["position"]).any()
    assert session.table_gradients().keys() == {"position"}
    again = TrainingSession(config.replace(seed=1), running_text())
    assert (again.tables()["token"] != start["token"]).any()
    again.restore(checkpoint)
    assert again.tables()["token"].tobytes() == start["token"].tobytes()
    again.restore(session.state())
    assert next(again).loss == next(session).loss


def test_an_estimate_is_about_the_whole() -> None:
    dataset = running_text(30_000)
    session = TrainingSession(TRANSFORMER.replace(block_size=16), dataset)
    for _ in range(30):
        next(session)
    estimate, whole = session.losses_within(0), session.whole_losses()
    assert (estimate.estimated, estimate.val_estimated) == (True, True)
    assert (whole.estimated, whole.val_estimated) == (False, False)
    assert estimate.train == pytest.approx(whole.train, rel=0.05)
    assert estimate.val == pytest.approx(whole.val, rel=0.05)
    ids = dataset.val_ids
    with torch.no_grad():
        assert whole.val == pytest.approx(mean_loss(session._model, ids).item(), rel=1e-6)


def test_a_text_shorter_than_a_block() -> None:
    session = TrainingSession(TRANSFORMER.replace(block_size=64, batch_size=0), running_text(20))
    assert session.config.block_size == len(session.tables()["position"]) == 15
    next(session)
    losses = session.whole_losses()
    assert losses.val is not None
    assert np.isfinite([losses.train, losses.val]).all()
