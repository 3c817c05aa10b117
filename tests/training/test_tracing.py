"""A traced step: its numbers against torch's own functions and finite differences; it changes nothing."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from traced_runs import (
    CONFIGS,
    DATASETS,
    EXACT,
    MLP,
    SAMPLED,
    VOCABULARY,
    begun,
    contexts_and_targets,
    everything,
    weights_of,
)

from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace
from embedviz.training.session import TrainingSession

CONTEXT = np.array([1, 2, 3, 2])
NOBODYS = np.array([5, 5])

every_run = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
every_text = pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)


def logits_of(session: TrainingSession, weights: dict[str, Tensor], idx: Tensor) -> Tensor:
    """Return the logits (N, T', V) by torch's own layers, in the type of `weights`; -1 stands for nothing."""
    table = weights["token_embedding_table.weight"]
    if session.config.model == "bigram":
        return F.embedding(idx, table)
    rows = F.embedding(idx.clamp(min=0), table) * (idx >= 0)[..., None]
    hidden = torch.tanh(F.linear(rows.flatten(1), weights["W1"].T, weights["b1"]))
    return F.linear(hidden, weights["W2"].T, weights["b2"])[:, None]


def example_loss(session: TrainingSession, weights: dict[str, Tensor], trace: StepTrace) -> Tensor:
    logits = logits_of(session, weights, torch.tensor(trace.arrays["ids"])[None])[:, -1]
    return F.cross_entropy(logits, torch.tensor([trace.points["target"]]))


def doubles(session: TrainingSession) -> dict[str, Tensor]:
    return {name: weights.double().requires_grad_() for name, weights in weights_of(session).items()}


def rows_at(values: np.ndarray, ids: np.ndarray) -> np.ndarray:
    rows = values[np.maximum(ids, 0)]
    rows[ids < 0] = 0
    return rows


@every_text
@every_run
def test_tracing_changes_nothing(config: RunConfig, dataset: Dataset) -> None:
    alone, traced = TrainingSession(config, dataset), TrainingSession(config, dataset)
    contexts = [CONTEXT, NOBODYS, np.zeros(0, np.int64), dataset.train_ids[:2], np.array([0])]
    for step in range(7):
        for context in contexts[: 1 + step % 5]:
            assert traced.trace_step(context).step == step
            assert everything(traced) == everything(alone)
        assert len(traced._optimizer.state) == len(alone._optimizer.state)
        assert next(traced) == next(alone)
        assert everything(traced) == everything(alone)


@every_run
def test_a_traced_step_keeps_its_memory_where_it_is(config: RunConfig) -> None:
    session = begun(config, DATASETS["text"])

    def addresses() -> list[int]:
        kept = [*session._model.parameters(), *[weights.grad for weights in session._model.parameters()]]
        kept += [value for state in session._optimizer.state.values() for value in state.values()]
        return [tensor.data_ptr() for tensor in kept if isinstance(tensor, Tensor)]

    before = addresses()
    session.trace_step(CONTEXT)
    assert addresses() == before


def test_a_trace_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, failing = begun(SAMPLED, DATASETS["text"]), begun(SAMPLED, DATASETS["text"])
    with monkeypatch.context() as patch:
        patch.setattr("embedviz.training.tracing.moves_without_gradient", None)
        with pytest.raises(TypeError):
            failing.trace_step(CONTEXT)
    assert everything(failing) == everything(alone)
    assert next(failing) == next(alone)
    assert everything(failing) == everything(alone)


def test_what_cannot_be_put_back_does_not_keep_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, failing = begun(SAMPLED, DATASETS["text"]), begun(SAMPLED, DATASETS["text"])
    optimizer = failing._optimizer
    first = optimizer.param_groups[0]["params"][0]
    error = RuntimeError("the device is gone")
    put_back = Tensor.copy_

    def fails_once(self: Tensor, *arguments: object, **named: object) -> Tensor:
        if self is optimizer.state[first]["exp_avg"]:
            raise error
        return put_back(self, *arguments, **named)  # type: ignore[arg-type]

    momentum = optimizer.state[first]["exp_avg"].clone()
    with monkeypatch.context() as patch:
        patch.setattr(Tensor, "copy_", fails_once)
        with pytest.raises(RuntimeError) as caught:
            failing.trace_step(CONTEXT)
    assert caught.value is error
    optimizer.state[first]["exp_avg"].copy_(momentum)
    assert everything(failing) == everything(alone)
    assert next(failing) == next(alone)


@every_text
@every_run
def test_the_step_then_does_what_the_trace_says(config: RunConfig, dataset: Dataset) -> None:
    session = begun(config, dataset)
    before = session.tables()["token"]
    batch = session._batches.at(peeked_starts(session))
    trace = session.trace_step(CONTEXT)
    loss, rate = next(session).loss, session._optimizer.param_groups[0]["lr"]
    arrays, after = trace.arrays, session.tables()["token"]
    assert arrays["batch loss"].item() == loss
    assert arrays["learning rate"].item() == rate
    ids = arrays["ids"]
    np.testing.assert_array_equal(arrays["before"], rows_at(before, ids))
    np.testing.assert_array_equal(arrays["rows"], arrays["before"])
    np.testing.assert_array_equal(arrays["after"], rows_at(after, ids))
    np.testing.assert_array_equal(arrays["difference"], arrays["after"] - arrays["before"])
    np.testing.assert_array_equal(arrays["moved"], (before != after).any(1))
    gradient = session.table_gradients()["token"]
    np.testing.assert_array_equal(arrays["rows with gradient"], gradient.any(1))
    without = arrays["moved"] & ~gradient.any(1)
    np.testing.assert_array_equal(arrays["moved without gradient"], without)
    assert abs(arrays["largest silent move"].item()) == np.abs((after - before)[without]).max(initial=0)
    assert trace.points["rows_moved_without"] == without.sum()
    if config.batch_size:
        np.testing.assert_array_equal(arrays["batch ids"], batch[0])
        np.testing.assert_array_equal(arrays["batch targets"], batch[1])
    if config.clip:
        assert arrays["gradient norm"].item() == session.gradient_norm
        shorter = min(1.0, config.clip / (session.gradient_norm + 1e-6))
        np.testing.assert_allclose(arrays["batch gradient"] * shorter, rows_at(gradient, ids), rtol=1e-5)
    else:
        assert "gradient norm" not in arrays
        np.testing.assert_array_equal(arrays["batch gradient"], rows_at(gradient, ids))


def peeked_starts(session: TrainingSession) -> Tensor:
    before = session._batches.generator.get_state()
    starts = session._batches.draw_starts()
    session._batches.generator.set_state(before)
    return starts


@every_text
@every_run
def test_the_examples_own_numbers_are_those_of_torch(config: RunConfig, dataset: Dataset) -> None:
    session = begun(config, dataset)
    weights, trace = doubles(session), session.trace_step(CONTEXT)
    arrays, target = trace.arrays, trace.points["target"]
    logits = logits_of(session, weights, torch.tensor(arrays["ids"])[None])[0, -1]
    np.testing.assert_allclose(arrays["logits"], logits.detach(), atol=1e-5)
    probabilities = torch.softmax(logits, 0)
    np.testing.assert_allclose(arrays["probabilities"], probabilities.detach(), atol=1e-6)
    np.testing.assert_allclose(arrays["power"] / arrays["sum of powers"], probabilities[target].item(), rtol=1e-5)
    np.testing.assert_allclose(np.exp(arrays["logit over largest"]), arrays["power"], rtol=1e-6)
    assert arrays["largest logit"] == arrays["logits"].max()
    loss = F.cross_entropy(logits[None], torch.tensor([target]))
    assert arrays["loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    d_logits, d_table = torch.autograd.grad(loss, [logits, weights["token_embedding_table.weight"]])
    one_hot = F.one_hot(torch.tensor(target), VOCABULARY)
    np.testing.assert_allclose(arrays["logit gradient"], (probabilities - one_hot).detach(), atol=1e-6)
    np.testing.assert_allclose(arrays["logit gradient"], d_logits, atol=1e-6)
    np.testing.assert_allclose(arrays["row gradient"], rows_at(d_table.numpy(), arrays["ids"]), atol=1e-6)


@every_run
def test_the_examples_own_gradient_agrees_with_finite_differences(config: RunConfig) -> None:
    session = begun(config, DATASETS["text"])
    weights, trace = doubles(session), session.trace_step(CONTEXT)
    table = weights["token_embedding_table.weight"].data
    ids, step = trace.arrays["ids"], 1e-5
    for place, token in enumerate(ids.tolist()):
        for column in range(table.shape[1]):
            losses = []
            for sign in (1, -1):
                table[token, column] += sign * step
                losses.append(example_loss(session, weights, trace).item())
                table[token, column] -= sign * step
            slope = (losses[0] - losses[1]) / (2 * step)
            assert trace.arrays["row gradient"][place, column] == pytest.approx(slope, abs=1e-6)


def batch_loss(session: TrainingSession, weights: dict[str, Tensor], idx: Tensor, targets: Tensor) -> Tensor:
    logits = logits_of(session, weights, idx)
    return F.cross_entropy(logits.flatten(0, 1), targets[:, -logits.shape[1] :].flatten())


@every_text
@every_run
def test_the_batchs_gradient_is_that_of_autograd_and_of_finite_differences(
    config: RunConfig, dataset: Dataset
) -> None:
    session = begun(config, dataset)
    weights, trace = doubles(session), session.trace_step(CONTEXT)
    arrays, points = trace.arrays, trace.points
    drawn = torch.tensor(np.hstack([arrays["batch ids"], arrays["batch targets"][:, -1:]]))
    idx, targets = contexts_and_targets(session, dataset, drawn)
    loss = batch_loss(session, weights, idx, targets)
    assert arrays["batch loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    table = weights["token_embedding_table.weight"]
    gradient = torch.autograd.grad(loss, table)[0].numpy()
    np.testing.assert_allclose(arrays["batch gradient"], rows_at(gradient, arrays["ids"]), atol=1e-6)
    everywhere = config.model == "bigram"
    assert points["examples"] == (idx.numel() if everywhere else len(idx))
    losses = []
    for sign in (1, -1):
        moved = table.detach().clone()
        moved[points["token"], points["column"]] += sign * 1e-5
        losses.append(batch_loss(session, weights | {"token_embedding_table.weight": moved}, idx, targets).item())
    slope = (losses[0] - losses[1]) / 2e-5
    assert arrays["batch gradient"][-1, points["column"]] == pytest.approx(slope, abs=1e-6)


@every_text
@every_run
def test_the_update_is_that_of_torchs_optimizers(config: RunConfig, dataset: Dataset) -> None:
    session = begun(config, dataset)
    trace, model = session.trace_step(CONTEXT), copy.deepcopy(session._model)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    optimizer = kinds[config.optimizer](model.parameters(), lr=1.0, foreach=False)
    saved = session._optimizer.state_dict()
    groups = [{**group, "fused": False, "foreach": False} for group in saved["param_groups"]]
    optimizer.load_state_dict(copy.deepcopy({"state": saved["state"], "param_groups": groups}))
    optimizer.param_groups[0]["lr"] = trace.arrays["learning rate"].item()
    drawn = torch.tensor(np.hstack([trace.arrays["batch ids"], trace.arrays["batch targets"][:, -1:]]))
    optimizer.zero_grad()
    weights: dict[str, Tensor] = dict(model.named_parameters())
    batch_loss(session, weights, *contexts_and_targets(session, dataset, drawn)).backward()  # type: ignore[no-untyped-call]
    if config.clip:
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        assert trace.arrays["gradient norm"].item() == pytest.approx(norm.item(), rel=1e-5)
    optimizer.step()
    arrays, points = trace.arrays, trace.points
    after = model.lookup_tables()["token"].detach().numpy()
    np.testing.assert_allclose(arrays["after"], rows_at(after, arrays["ids"]), atol=2e-5)
    logits = logits_of(session, weights, torch.tensor(arrays["ids"])[None])[0, -1].detach()
    np.testing.assert_allclose(arrays["probabilities after"], torch.softmax(logits, 0), atol=2e-5)
    target = torch.tensor([points["target"]])
    assert arrays["loss after"].item() == pytest.approx(F.cross_entropy(logits[None], target).item(), abs=1e-4)
    cell = points["token"], points["column"]
    assert arrays["rule"].item() == pytest.approx(arrays["after"][-1, points["column"]], rel=1e-5, abs=1e-6)
    if config.model == "bigram":  # the cell of the target, of which the gradient speaks too
        assert points["column"] == points["target"]
    else:
        assert abs(arrays["difference"][-1, points["column"]]) == np.abs(arrays["difference"][-1]).max()
    state = optimizer.state[model.lookup_tables()["token"]]
    if config.optimizer != "sgd":
        t = points["updates"]
        assert t == 5
        np.testing.assert_allclose(arrays["m"], state["exp_avg"][cell], rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(arrays["v"], state["exp_avg_sq"][cell], rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(arrays["m hat"] * (1 - config.beta1**t), arrays["m"], rtol=1e-6)
        np.testing.assert_allclose(arrays["v hat"] * (1 - config.beta2**t), arrays["v"], rtol=1e-6)


@pytest.mark.parametrize("config", [EXACT, SAMPLED, MLP])
def test_a_run_that_is_beyond_numbers_is_traced_too(config: RunConfig) -> None:
    session = begun(config.replace(optimizer="sgd", lr=0.1), DATASETS["text"])
    with torch.no_grad():
        session._model.lookup_tables()["token"].fill_(torch.inf)
    trace = session.trace_step(CONTEXT)
    assert not np.isfinite(trace.arrays["after"]).all()
    assert len(trace.phases) == 5 + len(session._model.stages)


def test_the_largest_picture_is_small() -> None:
    config = SAMPLED.replace(batch_size=500)
    trace = begun(config, DATASETS["text"]).trace_step(NOBODYS)
    assert trace.arrays["batch ids"].shape == (32, 5)
    assert (trace.points["first_row"], trace.points["last_row"], trace.points["batch_size"]) == (1, 32, 500)
