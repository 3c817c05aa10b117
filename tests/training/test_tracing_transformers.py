"""Traced steps of models that read windows: their numbers against float64, autograd and torch's own steps."""

import copy
import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from traced_runs import DATASETS, WINDOWED, begun, everything, weights_of, window

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.models.base import LanguageModel
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.trace import StepTrace
from embedviz.training.session import TrainingSession

CONTEXT = np.array([1, 2, 3, 2])
CONTEXTS = [CONTEXT, np.zeros(0, np.int64), np.array([5, 5]), np.array([0])]

every_run = pytest.mark.parametrize("config", WINDOWED.values(), ids=WINDOWED)
every_text = pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)


@dataclass(frozen=True, eq=False)
class Traced:
    """A traced step, and a copy in float64 of the model that it was traced of."""

    session: TrainingSession
    trace: StepTrace
    model: LanguageModel
    tables: dict[str, Tensor]

    @classmethod
    def of(cls, config: RunConfig, dataset: Dataset) -> "Traced":
        session = begun(config, dataset)
        model = copy.deepcopy(session._model).double()
        return cls(session, session.trace_step(CONTEXT), model, model.lookup_tables())

    def rows(self) -> list[tuple[str, str, np.ndarray]]:
        """Return prefix and name of each table, and which of its rows are read."""
        ids = self.trace.arrays["ids"].copy()  # a trace's own are read-only
        found = [("", "token", ids), ("position ", "position", np.arange(len(ids)))]
        return found[: len(self.tables)]

    def example_loss(self) -> Tensor:
        logits = self.model(torch.tensor(self.trace.arrays["ids"])[None])[0][:, -1]
        return F.cross_entropy(logits, torch.tensor([self.trace.points["target"]]))

    def batch_loss(self, dataset: Dataset) -> Tensor:
        """Return the loss of the coming step: of the batch drawn, or of windows of the text side by side."""
        size = self.session.config.block_size
        if self.session.config.batch_size:
            text = [(self.trace.arrays["batch ids"], self.trace.arrays["batch targets"])]
        else:
            ids = dataset.train_ids.astype(np.int64)
            places = range(0, len(ids) - 1, size)
            pairs = [(ids[a : min(a + size, len(ids) - 1)], ids[a + 1 : a + size + 1]) for a in places]
            text = [(idx[None], targets[None]) for idx, targets in pairs]
        total, count = torch.zeros((), dtype=torch.float64), 0
        for idx, targets in text:
            logits = self.model(torch.tensor(idx))[0].flatten(0, 1)
            total = total + F.cross_entropy(logits, torch.tensor(targets).flatten(), reduction="sum")
            count += targets.size
        return total / count


@every_text
@every_run
def test_tracing_changes_nothing(config: RunConfig, dataset: Dataset) -> None:
    alone, traced = TrainingSession(config, dataset), TrainingSession(config, dataset)
    for step in range(4):
        for context in CONTEXTS[: 1 + step]:
            assert traced.trace_step(context).step == step
            assert everything(traced) == everything(alone)
        assert next(traced) == next(alone)
        assert everything(traced) == everything(alone)


@every_text
@every_run
def test_the_step_then_does_what_the_trace_says(config: RunConfig, dataset: Dataset) -> None:
    done = Traced.of(config, dataset)
    session, arrays = done.session, done.trace.arrays
    before, weights = session.tables(), weights_of(session)
    loss = next(session).loss
    after, gradients = session.tables(), session.table_gradients()
    assert arrays["batch loss"].item() == loss
    assert arrays["learning rate"].item() == session._optimizer.param_groups[0]["lr"]
    shorter = 1.0
    if config.clip:
        assert session.gradient_norm is not None
        assert arrays["gradient norm"].item() == session.gradient_norm
        shorter = min(1.0, config.clip / (session.gradient_norm + 1e-6))
    for prefix, table, rows in done.rows():
        gradient = gradients.get(table, np.zeros_like(before[table]))
        np.testing.assert_array_equal(arrays[f"{prefix}before"], before[table][rows])
        np.testing.assert_array_equal(arrays[f"{prefix}after"], after[table][rows])
        np.testing.assert_array_equal(arrays[f"{prefix}difference"], after[table][rows] - before[table][rows])
        np.testing.assert_allclose(arrays[f"{prefix}batch gradient"] * shorter, gradient[rows], rtol=1e-5)
        np.testing.assert_array_equal(arrays[f"{prefix}rows with gradient"], gradient.any(1))
        moved = (before[table] != after[table]).any(1)
        np.testing.assert_array_equal(arrays[f"{prefix}moved"], moved)
        np.testing.assert_array_equal(arrays[f"{prefix}moved without gradient"], moved & ~gradient.any(1))
    assert done.trace.points["rows_moved"] == arrays["moved"].sum()
    for name, values in weights_of(session).items():
        held = config.freeze_embeddings and name == "embedding.token"
        assert torch.equal(values, weights[name]) == held, name
    logits = session._model(torch.tensor(arrays["ids"])[None])[0][0, -1]
    np.testing.assert_array_equal(arrays["probabilities after"], torch.softmax(logits, 0).detach())
    target = torch.tensor([done.trace.points["target"]])
    assert arrays["loss after"].item() == F.cross_entropy(logits[None], target).item()


@every_text
@every_run
def test_the_examples_own_numbers_are_those_of_autograd(config: RunConfig, dataset: Dataset) -> None:
    done = Traced.of(config, dataset)
    arrays, target = done.trace.arrays, done.trace.points["target"]
    logits = done.model(torch.tensor(arrays["ids"])[None])[0][0, -1]
    np.testing.assert_allclose(arrays["logits"], logits.detach(), atol=2e-5)
    probabilities = torch.softmax(logits, 0).detach()
    np.testing.assert_allclose(arrays["probabilities"], probabilities, atol=1e-5)
    np.testing.assert_allclose(
        arrays["logit gradient"], probabilities - F.one_hot(torch.tensor(target), 6), atol=1e-5
    )
    assert arrays["largest logit"] == arrays["logits"].max()
    loss = done.example_loss()
    assert arrays["loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    trained = {name: table for name, table in done.tables.items() if table.requires_grad}
    assert ("token" in trained) != config.freeze_embeddings
    own = dict(zip(trained, torch.autograd.grad(loss, list(trained.values())), strict=True)) if trained else {}
    for prefix, table, rows in done.rows():
        expected = own[table][rows] if table in own else torch.zeros(len(rows), config.n_embd)
        np.testing.assert_allclose(arrays[f"{prefix}row gradient"], expected, atol=2e-5)


@every_run
def test_the_examples_own_gradient_agrees_with_finite_differences(config: RunConfig) -> None:
    done = Traced.of(config, DATASETS["text"])
    for prefix, name, rows in done.rows():
        table, step = done.tables[name].data, 1e-5
        for (place, row), column in itertools.product(enumerate(rows.tolist()), (0, 3, 7)):
            before, losses = table[row, column].item(), []
            for sign in (1, -1):
                table[row, column] = before + sign * step
                losses.append(done.example_loss().item())
            table[row, column] = before
            slope = 0.0 if name == "token" and config.freeze_embeddings else (losses[0] - losses[1]) / (2 * step)
            assert done.trace.arrays[f"{prefix}row gradient"][place, column] == pytest.approx(slope, abs=2e-5)


@every_text
@every_run
def test_the_batchs_gradient_is_that_of_autograd(config: RunConfig, dataset: Dataset) -> None:
    done = Traced.of(config, dataset)
    loss = done.batch_loss(dataset)
    assert done.trace.arrays["batch loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    losses = config.batch_size * config.block_size or len(dataset.train_ids) - 1
    assert done.trace.points["examples"] == losses
    for prefix, table, rows in done.rows():
        weights = done.tables[table]
        expected = (
            torch.autograd.grad(loss, weights, retain_graph=True)[0] if weights.requires_grad else weights * 0
        )
        found = done.trace.arrays[f"{prefix}batch gradient"]
        np.testing.assert_allclose(found, expected.detach()[rows], atol=1e-5)


@every_run
def test_the_update_is_that_of_torchs_optimizers(config: RunConfig) -> None:
    done = Traced.of(config, DATASETS["text"])
    arrays, points = done.trace.arrays, done.trace.points
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    optimizer = kinds[config.optimizer](done.model.parameters(), lr=1.0, foreach=False)
    saved = done.session._optimizer.state_dict()
    groups = [{**group, "fused": False, "foreach": False} for group in saved["param_groups"]]
    optimizer.load_state_dict(copy.deepcopy({"state": saved["state"], "param_groups": groups}))
    optimizer.param_groups[0]["lr"] = arrays["learning rate"].item()
    optimizer.zero_grad()
    done.batch_loss(DATASETS["text"]).backward()  # type: ignore[no-untyped-call]
    if config.clip:
        norm = torch.nn.utils.clip_grad_norm_(done.model.parameters(), config.clip)
        assert arrays["gradient norm"].item() == pytest.approx(norm.item(), rel=1e-5)
    optimizer.step()
    for prefix, table, rows in done.rows():
        np.testing.assert_allclose(arrays[f"{prefix}after"], done.tables[table].detach()[rows], atol=3e-5)
    with torch.no_grad():
        assert arrays["loss after"].item() == pytest.approx(done.example_loss().item(), abs=5e-4)
    cell = arrays["after"][-1, points["column"]]
    assert points["is_held"] == config.freeze_embeddings
    if not config.freeze_embeddings:
        assert arrays["rule"].item() == pytest.approx(cell, rel=1e-5, abs=1e-6)
    assert abs(arrays["difference"][-1, points["column"]]) == np.abs(arrays["difference"][-1]).max()
    assert points["updates"] == (0 if config.optimizer == "sgd" or config.freeze_embeddings else 5)


@every_text
@every_run
def test_a_tied_head_gives_every_row_a_gradient(config: RunConfig, dataset: Dataset) -> None:
    trace = begun(config, dataset).trace_step(CONTEXT)
    if config.freeze_embeddings:
        assert trace.points["rows_with_gradient"] == trace.points["rows_moved"] == 0
    elif config.tie:
        assert trace.points["rows_with_gradient"] == trace.points["rows_moved"] == 6
        assert trace.points["rows_moved_without"] == 0
    else:
        assert not trace.arrays["rows with gradient"][5]  # which no text has


@every_run
def test_the_names_of_a_trace_are_in_the_order_of_what_is_computed(config: RunConfig) -> None:
    names = list(begun(config, DATASETS["text"], 1).trace_step(CONTEXT).arrays)
    layers = config.n_layer if config.has("residual_init") else 0
    expected = ["ids", "rows", "one-hot difference"]
    expected += ["scaled rows"] if config.scale_embeddings else []
    expected += ["position rows", "sum"] if config.position == "learned" else []
    for number in range(1, layers + 1):
        of_it = "norm 1,attention,attention last,attention out,stream 1,norm 2,hidden,feed-forward out,stream 2"
        expected += [f"block {number} {part}" for part in of_it.split(",")]
    expected += ["norm"] if config.has("residual_init") else []
    expected += ["logits", "probabilities", "loss", "row gradient", "batch loss", "batch gradient", "after"]
    assert [name for name in names if name in expected] == expected
    assert ("position after" in names) == (config.position == "learned")


@pytest.mark.parametrize("model", ["transformer", "llama", "token-position"])
def test_what_does_not_move_is_the_same_to_the_last_bit(model: str) -> None:
    for position, length in itertools.product(catalog.POSITIONS, (1, 2, 5)):
        if not catalog.POSITIONS[position].suits(model):
            continue
        session = begun(
            window(model, position=position, block_size=8, optimizer="sgd", lr=1e-30), DATASETS["text"]
        )
        arrays = session.trace_step(DATASETS["text"].train_ids[:length].astype(np.int64)).arrays
        assert not arrays["moved"].any()
        np.testing.assert_array_equal(arrays["probabilities after"], arrays["probabilities"])
        assert arrays["loss after"] == arrays["loss"]


@pytest.mark.parametrize("model", ["transformer", "llama", "token-position"])
def test_a_run_that_is_beyond_numbers_is_traced_too(model: str) -> None:
    for value, tie in itertools.product((torch.inf, torch.nan), (False, True)):
        session = begun(window(model, tie=tie), DATASETS["text"])
        with torch.no_grad():
            session._model.lookup_tables()["token"].fill_(value)
        trace = session.trace_step(CONTEXT)
        assert not np.isfinite(trace.arrays["after"]).all()
        assert len(trace.phases) == 5 + len(session._model.stages)


@pytest.mark.parametrize("model", ["transformer", "llama", "token-position"])
def test_a_window_of_one_token_and_a_head_of_two_numbers_are_traced_too(model: str) -> None:
    text = make_dataset(np.arange(40, dtype=np.uint8) % 6, 6, 0.0)
    for width, heads, block_size in [(2, 1, 1), (2, 1, 3), (8, 4, 1)]:
        session = begun(window(model, n_embd=width, n_head=heads, block_size=block_size, batch_size=1), text)
        trace = session.trace_step(np.array([3]))
        if model != "token-position" and block_size == 1:
            assert (trace.arrays["block 2 attention"] == 1).all()
        loss = next(session).loss
        assert trace.arrays["batch loss"].item() == loss
