"""What the window may look at of models that read windows: layers, attention, and how they began."""

import math

import numpy as np
import pytest
from engine_window import Line, Window

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine import reading, server
from embedviz.engine.reading import LossReader
from embedviz.engine.snapshots import Snapshot
from embedviz.models import base
from embedviz.text.dataset import Dataset
from embedviz.training.session import TrainingSession

TRANSFORMER = RunConfig().with_model("transformer").replace(n_embd=8, n_head=2, n_layer=2, init="normal-1")
CONTEXTS = np.array([[0, 1, 2, 0, 1], [3, 3, 3, 1, 2]])
MODELS = {
    "token-position": RunConfig().with_model("token-position"),
    "transformer": TRANSFORMER,
    "llama": RunConfig().with_model("llama").replace(tie=True, scale_embeddings=True),
    "skeleton": TRANSFORMER.replace(n_layer=0),
    "long": TRANSFORMER.replace(block_size=300, batch_size=2),
    "mlp": RunConfig().with_model("mlp"),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_that_can_be_watched_is_what_a_session_says(name: str, window: Window, dataset: Dataset) -> None:
    config = MODELS[name]
    started = window.start("a", dataset, config)
    window.send(m.Watch("a", CONTEXTS, True, True, True, True, 0), m.Advance("a", 3))
    snapshot = window.wait_for_snapshot("a", 3)
    session = TrainingSession(config, dataset)
    assert started.parts == tuple(session.start.parts.items())
    assert started.table_std == tuple(session.start.table_std.items())
    assert started.first_loss == session.start.first_loss
    for _ in range(3):
        next(session)
    cut = CONTEXTS[:, -config.block_size :]
    for found, expected in (
        (snapshot.layers, session.layer_stats()),
        (snapshot.attention, session.attention(cut[0], 0)),
        (snapshot.activations, session.activations()),
        (snapshot.gradients, session.table_gradients()),
    ):
        assert list(found) == list(expected)
        for key, array in expected.items():
            np.testing.assert_array_equal(found[key], array)
    assert snapshot.attention_layer == (0 if "attention" in session.start.parts else -1)
    np.testing.assert_allclose(snapshot.logits, session.logits(cut), atol=1e-6)
    assert window.wait_for(m.Traced, "a").trace.step == 3


def watched(window: Window, command: m.Watch) -> Snapshot:
    """Return the first snapshot after `command`, whose contexts no other command has."""
    window.send(command)
    while not np.array_equal((snapshot := window.wait_for(Snapshot, "a")).contexts, command.contexts):
        pass
    return snapshot


def test_only_what_is_watched_is_told(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, TRANSFORMER)
    contexts = [np.array([[token, 1, 2]]) for token in range(4)] + [np.array([[4, 4]])]
    for command, layers, attended in (
        (m.Watch("a", contexts[0]), False, -1),
        (m.Watch("a", contexts[1], layers=True), True, -1),
        (m.Watch("a", contexts[2], attention=1), False, 1),
        (m.Watch("a", contexts[3], attention=2), False, -1),  # there is no such layer
        (m.Watch("a", np.zeros((0, 1), np.int64), layers=True, attention=1), True, -1),
        (m.Watch("a", contexts[4], layers=True, attention=0), True, 0),
    ):
        snapshot = watched(window, command)
        assert (bool(snapshot.layers), snapshot.attention_layer) == (layers, attended)
        assert bool(snapshot.attention) == (attended >= 0)


def told(window: Window, context: list[int], attention: int = 1) -> m.Array | None:
    """Return what is read of the longer context, if one is told of."""
    snapshot = watched(window, m.Watch("a", np.array([context]), attention=attention))
    assert snapshot.attention_layer == attention
    assert ("longer read" in snapshot.attention) == ("longer weights" in snapshot.attention)
    return snapshot.attention.get("longer read")


def test_a_context_that_is_looked_at_stays_while_one_selects_within_it(window: Window, dataset: Dataset) -> None:
    config = TRANSFORMER.replace(block_size=5)
    window.start("a", dataset, config)
    longer = [0, 1, 2, 0, 1]
    assert told(window, longer) is None
    for context in (longer[:2], longer[:4], longer[:1]):
        np.testing.assert_array_equal(told(window, context), longer)
    assert told(window, longer) is None
    window.send(m.Watch("a", np.array([longer[:3]]), attention=0), m.Advance("a", 2))
    snapshot = window.wait_for_snapshot("a", 2)
    session = TrainingSession(config, dataset)
    next(session)
    next(session)
    for prefix, context in (("", longer[:3]), ("longer ", longer)):
        for name, array in session.attention(np.array(context), 0).items():
            np.testing.assert_allclose(snapshot.attention[prefix + name], array, atol=1e-6)
    np.testing.assert_allclose(
        snapshot.attention["longer weights"][:, :3, :3], snapshot.attention["weights"], atol=1e-6
    )  # no position takes from later ones


def test_a_context_that_is_no_part_of_it_takes_its_place(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, TRANSFORMER)
    told(window, [0, 1, 2, 0, 1])
    assert told(window, [0, 1, 3]) is None
    assert told(window, [0, 1]) is not None
    window.send(m.Watch("a", np.array([[0, 1]]), attention=-1))
    assert told(window, [0]) is None  # nobody looked meanwhile


def test_a_row_that_is_not_told_of_is_looked_at_for_itself(window: Window) -> None:
    ids = np.random.default_rng(0).integers(0, 12, 5000)
    window.start("a", Dataset(ids, ids[:0], 12), TRANSFORMER.replace(block_size=512, batch_size=1))
    longest = ids[:300].tolist()
    told(window, longest)
    np.testing.assert_array_equal(told(window, longest[:173]), longest)  # the first of the last 128
    assert told(window, longest[:172]) is None


def test_an_item_and_its_boundary_are_where_the_model_reads_them(window: Window) -> None:
    ids = np.array([0, 1, 2, 3] * 30)
    items = Dataset(ids, ids[:0], 4, boundary_id=0)
    window.start("a", items, TRANSFORMER.replace(block_size=4, batch_size=1))
    told(window, [1, 2, 3])
    np.testing.assert_array_equal(told(window, [1, 2]), [0, 1, 2, 3])
    assert told(window, [1, 2, 3, 1]) is None  # read without the boundary: others stand at 0
    assert told(window, [1, 2, 3]) is None


def test_attention_of_the_longest_context_has_room(window: Window) -> None:
    ids = np.random.default_rng(0).integers(0, 12, 5000)
    window.start("a", Dataset(ids, ids[:0], 12), TRANSFORMER.replace(block_size=512, batch_size=1))
    snapshot = watched(window, m.Watch("a", ids[None, :512], gradients=True, layers=True, attention=1))
    assert snapshot.attention["weights"].shape == (2, 128, 128)
    assert snapshot.attention["keys"].shape == (2, 128, 4)
    snapshot = watched(window, m.Watch("a", ids[None, :500], gradients=True, layers=True, attention=1))
    assert snapshot.attention["longer weights"].shape == snapshot.attention["weights"].shape == (2, 128, 128)
    np.testing.assert_array_equal(snapshot.attention["longer read"], ids[:512])


def test_they_travel_to_the_real_window(line: Line, dataset: Dataset) -> None:
    started = line.start("looked at", dataset, TRANSFORMER)
    line.send(m.Watch("looked at", CONTEXTS, layers=True, attention=1), m.Advance("looked at", 2))
    snapshot = line.wait_for_snapshot("looked at", 2)
    session = TrainingSession(started.config, dataset)
    next(session)
    next(session)
    assert dict(started.parts) == session.start.parts
    assert snapshot.attention_layer == 1
    np.testing.assert_allclose(
        snapshot.attention["weights"], session.attention(CONTEXTS[0], 1)["weights"], atol=1e-5
    )
    assert snapshot.layers.keys() == session.layer_stats().keys()


@pytest.mark.parametrize("name", MODELS)
def test_looking_up_is_shown_to_change_nothing(name: str, window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, MODELS[name])
    window.send(m.Advance("a", 3), m.Predict("a", 1, CONTEXTS[0, -3:], check=True), m.Predict("a", 2, CONTEXTS[0]))
    checked, unchecked = window.wait_for(m.Predicted, "a"), window.wait_for(m.Predicted, "a")
    assert (checked.request, checked.table_change) == (1, 0)
    assert (unchecked.request, unchecked.table_change) == (2, -1)


def test_a_forward_pass_that_changed_a_table_would_be_found(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = TrainingSession.logits

    def spoil(session: TrainingSession, contexts: m.Array) -> m.Array:
        session._model.lookup_tables()["position"].data[1, 2] += 0.25
        return logits(session, contexts)

    window.start("a", dataset, TRANSFORMER.replace(init="zeros"))
    monkeypatch.setattr(TrainingSession, "logits", spoil)
    window.send(m.Predict("a", 1, CONTEXTS[0], check=True))
    assert window.wait_for(m.Predicted, "a").table_change == 0.25


def test_tables_beyond_numbers_have_not_changed() -> None:
    table = np.array([[np.nan, np.inf]])
    assert server._largest_change({"token": table}, {"token": table.copy()}) == 0


@pytest.mark.parametrize(
    ("budget_s", "estimates"), [(11.0, (False, False)), (1.0, (True, False)), (0.01, (True, True))]
)
def test_a_reading_says_which_part_is_an_estimate(
    budget_s: float, estimates: tuple[bool, bool], dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole where it takes no longer than it may: what is held out first."""
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 8)
    monkeypatch.setattr(reading, "LONGEST_WALK_S", math.inf)
    session = TrainingSession(TRANSFORMER.replace(batch_size=4, block_size=64), dataset)
    reader = LossReader(session)
    whole = session.whole_losses()
    for part, cost_s in ((session._readings._train, 10.0), (session._readings._val, 0.1)):
        assert part is not None
        part._cost_s = cost_s
    found = reader.read(budget_s)
    assert (found.estimated, found.val_estimated) == estimates
    assert (found.train != whole.train, found.val != whole.val) == estimates
