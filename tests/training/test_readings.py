"""Whole losses where they are cheap, estimates where they are not."""

import math
from pathlib import Path

import numpy as np
import pytest

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.files import resource
from embedviz.models import base
from embedviz.text.corpus import read_corpus
from embedviz.text.dataset import Dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.preparation import prepare
from embedviz.text.statistics import conditional_entropy, smoothed_log_probabilities, table_loss
from embedviz.training import readings
from embedviz.training.session import TrainingSession
from embedviz.training.whole_texts import WalkedText

MLP = RunConfig(
    model="mlp", block_size=3, n_embd=10, hidden=200, init="normal-1", batch_size=32, optimizer="adamw", lr=0.01
)


class Clock:
    """Time that passes only while contexts are read: a second for each, and `per_pass_s` for however many."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, session: TrainingSession, per_pass_s: float = 0.0) -> None:
        self.now = 0.0
        loss = session._model.loss
        monkeypatch.setattr(readings.time, "perf_counter", lambda: self.now)

        def read(idx, targets):  # type: ignore[no-untyped-def]
            self.now += len(idx) + per_pass_s
            return loss(idx, targets)

        monkeypatch.setattr(session._model, "loss", read)


def test_the_first_reading_of_an_mlp_is_an_estimate_where_the_whole_takes_long(
    text: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 50)
    session = TrainingSession(MLP, text)
    clock = Clock(monkeypatch, session)
    val = len(text.val_ids) - 1
    whole = len(text.train_ids) - 1 + val
    losses = session.losses_within(val - 1)
    assert losses.estimated
    assert losses.val_estimated
    assert clock.now == 102  # 50 of each part, and one alone: no more was read
    losses = session.losses_within(whole)
    assert not losses.estimated
    assert losses == session.whole_losses()
    begin = clock.now
    assert session.losses_within(val - 1).estimated
    assert clock.now == begin + 100  # now that it was measured, nothing is read to know


@pytest.mark.parametrize(("first_s", "looked_at"), [(0.0, 102), (math.inf, 50)])
def test_what_is_held_out_is_read_as_a_whole_before_the_training_part(
    first_s: float, looked_at: int, text: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 50)
    session = TrainingSession(MLP, text)
    clock = Clock(monkeypatch, session)
    session.losses_within(first_s)  # known from an estimate, or from the whole
    begin, val = clock.now, len(text.val_ids) - 1
    losses = session.losses_within(val + len(text.train_ids) - 2)
    assert (losses.estimated, losses.val_estimated) == (True, False)
    assert clock.now - begin == val + looked_at
    assert losses.val == session.whole_losses().val


def test_short_contexts_are_read_one_by_one_and_cost_as_much(
    text: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 50)
    session = TrainingSession(MLP.replace(block_size=100), text)
    clock = Clock(monkeypatch, session, per_pass_s=10.0)
    assert session.losses_within(1000).estimated  # 198 passes for the beginnings alone
    assert clock.now == 142  # four passes


def test_an_estimate_is_about_the_whole(text: Dataset) -> None:
    session = TrainingSession(MLP.replace(layer_init="normal-1"), text)
    estimate, whole = session.losses_within(0), session.whole_losses()
    assert estimate.estimated
    assert estimate == session.losses_within(0)
    assert estimate.train == pytest.approx(whole.train, rel=0.1)
    assert estimate.val == pytest.approx(whole.val, rel=0.2)
    assert session.losses_within(math.inf) == whole


def test_an_mlp_has_no_floor_and_is_walked_through(text: Dataset) -> None:
    session = TrainingSession(MLP.replace(batch_size=0), text)
    assert session.floor is None
    assert isinstance(session._readings.train, WalkedText)
    expected = session.whole_losses().train
    assert next(session).loss == pytest.approx(expected, rel=1e-6)
    assert session.is_healthy


def test_the_sample_shrinks_with_what_a_context_takes(text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_NUMBERS_AT_ONCE", 7 * (2 * 3 * 10 + 3 * 200 + 2 * 5))
    assert len(TrainingSession(MLP, text).activations()["hidden"]) == 7


def test_given_names_beat_what_any_bigram_can_do() -> None:
    sample = catalog.SAMPLES["names"]
    config = MLP.replace(per_line=True, seed=1337)
    dataset = prepare(read_corpus(Path(resource(sample.file))).as_items(), config).dataset
    session = TrainingSession(config, dataset)
    while session.step < 3000:
        next(session)
    losses = session.whole_losses()
    pairs = PairCounts.count(dataset.train_ids, dataset.vocab_size)
    assert losses.train < conditional_entropy(pairs)
    held_out = PairCounts.count(dataset.val_ids, dataset.vocab_size)
    assert losses.val is not None
    assert losses.val < table_loss(smoothed_log_probabilities(pairs), held_out)
    assert np.isfinite(session.tables()["token"]).all()
