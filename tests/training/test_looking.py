"""What is looked at of a run: layers, attention, and the model as it was made."""

import math

import numpy as np
import pytest
import torch
from windowed_runs import CONFIGS, LLAMA, TOKEN_POSITION, TRANSFORMER, VOCABULARY, items, running_text

from embedviz.analysis.layers import STATS, LayerSummary, summarize_layer
from embedviz.config import RunConfig
from embedviz.training import looking
from embedviz.training.looking import MOST_ATTENDED
from embedviz.training.session import TrainingSession


@pytest.mark.parametrize("name", CONFIGS)
def test_layers_are_summed_up_on_the_same_windows_all_run_long(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_LAYER_NUMBERS", 2**30)  # on all of the sample
    session = TrainingSession(CONFIGS[name], running_text())
    first = session.layer_stats()
    layers = session._model.layers(session._readings.train_sample[0])
    assert list(first) == list(layers)
    for layer, stats in first.items():
        assert stats.shape == (STATS,)
        np.testing.assert_array_equal(stats, summarize_layer(layers[layer].detach().numpy()))
    start = session.state()
    for _ in range(3):
        next(session)
    assert any((stats != first[layer]).any() for layer, stats in session.layer_stats().items())
    session.restore(start)
    for layer, stats in session.layer_stats().items():
        np.testing.assert_array_equal(stats, first[layer])


@pytest.mark.parametrize(("numbers", "shape"), [(1, (1, 1)), (300, (1, 3)), (1000, (2, 5)), (2**30, (819, 5))])
def test_layers_are_looked_at_with_so_few_windows_that_it_costs_little(
    numbers: int, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_LAYER_NUMBERS", numbers)
    session = TrainingSession(TRANSFORMER.replace(n_layer=1), running_text())
    a_token = sum(layer.numel() for layer in session._model.layers(torch.zeros(1, 1).long()).values())
    assert a_token == 8 * (1 + 1 + 4 + 4 + 1)  # rows, sum, four of the block, four times as wide, norm
    seen = []
    layers = session._model.layers
    monkeypatch.setattr(session._model, "layers", lambda idx: seen.append(tuple(idx.shape)) or layers(idx))
    session.layer_stats()
    session.layer_stats()
    assert seen == [(1, 1), shape, shape]


def test_a_zero_start_adds_nothing_to_the_stream() -> None:
    stats = TrainingSession(TRANSFORMER.replace(residual_init="zero"), running_text()).layer_stats()
    for number in (1, 2):
        assert LayerSummary.of(stats[f"block {number} attention"]).largest == 0
        assert LayerSummary.of(stats[f"block {number} stream 2"]).rms == LayerSummary.of(stats["sum"]).rms


@pytest.mark.parametrize("config", [TRANSFORMER, LLAMA.replace(n_layer=2)])
@pytest.mark.parametrize("context", [[1], [0, 3, 1, 2], [5, 5, 1, 2, 3, 4]])
def test_attention_is_that_of_the_context(config: RunConfig, context: list[int]) -> None:
    session = TrainingSession(config.replace(init="normal-1"), running_text())
    trace = session.trace(np.array(context))
    t = min(len(context), 5)
    for layer in (0, 1):
        found = session.attention(np.array(context), layer)
        assert list(found) == ["weights", "queries", "keys"]
        assert found["queries"].shape == found["keys"].shape == (2, t, 4)
        np.testing.assert_allclose(found["weights"], trace[f"block {layer + 1} attention"], atol=1e-5)
        np.testing.assert_allclose(found["weights"].sum(-1), 1, atol=1e-5)


def test_of_a_long_context_the_last_positions_are_told() -> None:
    session = TrainingSession(TRANSFORMER.replace(block_size=200, init="normal-1"), running_text(1000))
    context = running_text(1000).train_ids[:200].astype(np.int64)
    found = session.attention(context, 1)
    whole = session._model.attention(torch.from_numpy(context), 1)
    np.testing.assert_allclose(found["weights"], whole["weights"][:, -MOST_ATTENDED:, -MOST_ATTENDED:], atol=1e-6)
    np.testing.assert_allclose(found["queries"], whole["queries"][:, -MOST_ATTENDED:], atol=1e-6)
    assert found["keys"].shape == (2, MOST_ATTENDED, 4)


def test_attention_reads_items_from_their_boundary_on() -> None:
    session = TrainingSession(TRANSFORMER, items())
    found = session.attention(np.array([3, 0, 1, 2]), 0)
    assert found["weights"].shape == (2, 3, 3)
    np.testing.assert_array_equal(found["weights"], session.attention(np.array([1, 2]), 0)["weights"])


@pytest.mark.parametrize(
    ("config", "layer"),
    [(TRANSFORMER, -1), (TRANSFORMER, 2), (TRANSFORMER.replace(n_layer=0), 0), (TOKEN_POSITION, 0),
     (RunConfig(), 0), (RunConfig().with_model("mlp"), 0)],
)  # fmt: skip
def test_there_is_no_such_layer(config: RunConfig, layer: int) -> None:
    session = TrainingSession(config, running_text())
    assert session.attention(np.array([1, 2]), layer) == {}
    assert session.attention(np.zeros(0, np.int64), 0) == {}


def test_models_without_such_layers_tell_of_none() -> None:
    for config in (RunConfig(), RunConfig().with_model("mlp")):
        assert TrainingSession(config, running_text()).layer_stats() == {}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_start_is_that_of_the_weights_as_they_were_made(name: str) -> None:
    config = CONFIGS[name]
    session = TrainingSession(config, running_text())
    start = session.start
    assert sum(start.parts.values()) == session.parameters_count
    tables = session.tables()
    assert start.table_std == {key: pytest.approx(table.std(), rel=1e-5) for key, table in tables.items()}
    assert start.first_loss == session.losses_within(0).train
    for _ in range(3):
        next(session)
    again = TrainingSession(config, running_text())
    again.restore(session.checkpoint())
    assert again.start == session.start == start


def test_the_first_loss_is_exact_where_it_is_known() -> None:
    session = TrainingSession(RunConfig(init="zeros"), running_text())
    assert session.start.first_loss == pytest.approx(math.log(VOCABULARY), abs=1e-12)
    assert session.start.table_std == {"token": 0}
    assert session.start.parts == {"token table": VOCABULARY**2}
    session = TrainingSession(RunConfig(init="normal-1"), running_text())
    assert session.start.first_loss == session.whole_losses().train
