"""A model brings its own phases, tables and points; tracing knows nothing of them."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from traced_runs import DATASETS, MLP, begun

from embedviz import catalog
from embedviz.analysis.wording import fill
from embedviz.training.session import TrainingSession

CONFIG = MLP.replace(block_size=4, optimizer="adam", weight_decay=0.1)


def make(name: str, monkeypatch: pytest.MonkeyPatch) -> TrainingSession:
    entry = dataclasses.replace(catalog.MODELS["mlp"], path=f"traced_runs:{name}")
    monkeypatch.setitem(catalog.MODELS, "mlp", entry)
    return begun(CONFIG, DATASETS["text"], 2)


def test_each_table_has_its_gradient_and_its_move(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make("Positioned", monkeypatch)
    before = session.tables()
    trace = session.trace_step(np.zeros(0, np.int64))
    arrays, ids = trace.arrays, torch.tensor(trace.arrays["ids"])
    loss = F.cross_entropy(session._model(ids[None])[0][:, -1], torch.tensor([trace.points["target"]]))
    own = torch.autograd.grad(loss, list(session._model.lookup_tables().values()))
    next(session)
    after, gradients = session.tables(), session.table_gradients()
    for (prefix, table, rows), gradient in zip(
        [("", "token", ids), ("position ", "position", torch.arange(4))], own, strict=True
    ):
        np.testing.assert_allclose(arrays[f"{prefix}row gradient"], gradient[rows], atol=1e-6)
        np.testing.assert_array_equal(arrays[f"{prefix}batch gradient"], gradients[table][rows])
        np.testing.assert_array_equal(arrays[f"{prefix}before"], before[table][rows])
        np.testing.assert_array_equal(arrays[f"{prefix}after"], after[table][rows])
        assert arrays[f"{prefix}moved"].shape == (len(before[table]),)
    assert [phase.name for phase in trace.phases] == [
        *("batch", "lookup", "sum", "softmax", "loss", "gradient", "update")
    ]
    assert fill(trace.phases[2].formula, trace, "abcdef") == fill("{sum[-1,0]:+}", trace, "abcdef")
    assert trace.phases[5].picture == "row gradient"


def test_a_table_that_is_not_trained_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make("Frozen", monkeypatch)
    arrays = session.trace_step(np.array([1])).arrays
    assert not arrays["position row gradient"].any()
    assert not arrays["position batch gradient"].any()
    assert not arrays["position rows with gradient"].any()
    assert not arrays["position moved"].any()
    assert arrays["moved"].any()


def test_a_frozen_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = make("AllFrozen", monkeypatch).trace_step(np.array([1]))
    assert not trace.arrays["moved"].any()
    assert " is frozen: it stays at " in fill(trace.phases[-1].formula, trace, "abcdef")
    assert trace.arrays["loss after"] != trace.arrays["loss"]  # the head goes on learning


def test_a_context_is_followed_where_all_that_is_read_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make("Positioned", monkeypatch)
    rows = session.trace_step(np.zeros(0, np.int64)).arrays["batch ids"]
    for length in range(1, 5):
        trace = session.trace_step(rows[3, :length])
        assert trace.is_watched
        assert trace.points["place"] == length - 1
        assert trace.arrays["ids"].tolist() == rows[3, :length].tolist()
    assert session.trace_step(np.array([5, *rows[3]])).is_watched
    assert not session.trace_step(np.array([5, *rows[3, :3]])).is_watched
