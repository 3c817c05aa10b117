"""The server on a thread of this process: what it does with commands, and in which order it answers."""

import os
import time

import numpy as np
import pytest
from engine_window import Window, assert_same_tables, straight_run, toy_dataset

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.engine import entry, keeping, reading, server, snapshots, telling
from embedviz.engine import messages as m
from embedviz.engine.snapshots import Snapshot
from embedviz.text.dataset import Dataset
from embedviz.training.session import StepResult, TrainingSession

WHOLE = RunConfig()
SAMPLED = RunConfig(init="normal-1", optimizer="adamw", lr=0.01, batch_size=4, block_size=5)
MLP = RunConfig(model="mlp", n_embd=3, hidden=7, block_size=4, init="normal-1", optimizer="adamw", batch_size=4)


def files_left() -> list[str]:
    return [path.name for folder in snapshots.folders() for path in folder.glob(f"embedviz-{os.getpid()}-*")]


# --- steps, losses, snapshots -----------------------------------------------------------------------


@pytest.mark.parametrize("takes", [True, False], ids=["credit", "no credit"])
@pytest.mark.parametrize("pace", [None, 400.0], ids=["fast", "paced"])
@pytest.mark.parametrize("config", [WHOLE, SAMPLED, MLP], ids=["whole text", "batches", "MLP"])
def test_no_loss_is_left_out(
    window: Window, dataset: Dataset, config: RunConfig, pace: float | None, takes: bool
) -> None:
    window.takes_snapshots = takes
    steps = 60 if pace else 5000  # more than are sent at once without a snapshot
    window.start("a", dataset, config)
    window.send(m.SetPace("a", pace), m.Play("a", m.Until(step=steps)))
    paused = window.wait_for(m.Paused, "a")
    assert paused.step == steps
    expected, _ = straight_run(config, dataset, steps)
    assert window.losses("a").tobytes() == expected.tobytes()


def test_what_a_run_says_first(window: Window, dataset: Dataset) -> None:
    started = window.start("a", dataset, WHOLE)
    snapshot = window.wait_for(Snapshot, "a")
    session = TrainingSession(WHOLE, dataset)
    assert (started.step, started.parameters, started.config) == (0, 144, session.config)
    assert started.uniform == pytest.approx(np.log(12))
    assert started.floor == session.floor
    assert started.reading == m.Reading(0, *session.whole_losses()[1:3], estimated=False)
    assert snapshot.step == 0
    assert snapshot.reading == started.reading
    assert not snapshot.gradients
    assert snapshot.contexts.size == snapshot.logits.size == 0
    assert_same_tables(snapshot, session.tables())


def test_a_snapshot_is_written_only_when_the_last_was_taken(window: Window, dataset: Dataset) -> None:
    window.takes_snapshots = False
    window.start("a", dataset, WHOLE)
    window.wait_for_snapshot("a", 0)
    window.send(m.SetPace("a", 1000.0), m.Play("a", m.Until(step=300)))
    window.wait_for(m.Paused, "a")
    window.catch_up("a")
    assert [snapshot.step for snapshot in window.of(Snapshot)] == [0]
    window.take("a")
    assert_same_tables(window.wait_for(Snapshot, "a"), straight_run(WHOLE, dataset, 300)[1])
    window.take("a")
    window.catch_up("a")
    assert [snapshot.step for snapshot in window.of(Snapshot)] == [0, 300]


def test_snapshots_are_of_steps_that_were_taken_in_order(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.SetPace("a", 100.0), m.Play("a", m.Until(step=30)))
    window.wait_for_snapshot("a", 30)
    shown = [snapshot.step for snapshot in window.of(Snapshot)]
    assert shown == sorted(set(shown))
    assert len(shown) > 10
    for snapshot in window.of(Snapshot)[::5]:
        assert_same_tables(snapshot, straight_run(SAMPLED, dataset, snapshot.step)[1])


def test_the_rate_is_told_while_playing(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.SetPace("a", 100.0), m.Play("a", m.Until(step=100)))
    paused_at = window.wait_for_snapshot("a", 100)
    rates = [snapshot.steps_per_second for snapshot in window.of(Snapshot)]
    assert rates[0] == paused_at.steps_per_second == 0
    assert 30 < max(rates) < 130


# --- transport --------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [WHOLE, SAMPLED], ids=["whole text", "batches"])
def test_going_to_a_step_is_bitwise_the_straight_run(window: Window, dataset: Dataset, config: RunConfig) -> None:
    window.start("a", dataset, config)
    window.send(m.SetPace("a", 5.0))  # going somewhere does not wait for it
    for step in (200, 70, 70, 150, 149, 0, 90):
        window.send(m.GoTo("a", step))
        paused = window.wait_for(m.Paused, "a")
        assert paused.step == step
        losses, tables = straight_run(config, dataset, step)
        assert_same_tables(window.wait_for_snapshot("a", step), tables)
        assert window.losses("a").tobytes() == losses.tobytes()
    steps = [rewound.step for rewound in window.of(m.Rewound)]
    assert steps[0] <= 70 <= steps[1] <= 149
    assert steps[2:] == [0]


def test_going_back_while_playing(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.Play("a"))
    window.wait_for(m.Losses, "a")
    window.send(m.GoTo("a", 3))
    assert window.wait_for(m.Rewound, "a").step == 0
    assert window.wait_for(m.Playing, "a").step == 0
    assert window.wait_for(m.Paused, "a") == m.Paused("a", 3, "step")
    assert len(window.losses("a")) == 3


def test_a_step_before_the_start_is_the_start(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.Advance("a", 5))
    window.wait_for(m.Paused, "a")
    window.send(m.GoTo("a", -1))
    window.wait_for(m.Rewound, "a")
    assert window.wait_for(m.Paused, "a").step == 0


def test_single_steps(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    for step, steps in ((1, 1), (2, 1), (12, 10)):
        window.send(m.Advance("a", steps))
        assert window.wait_for(m.Playing, "a").step == step - steps
        assert window.wait_for(m.Paused, "a") == m.Paused("a", step, "step")
        assert_same_tables(window.wait_for_snapshot("a", step), straight_run(SAMPLED, dataset, step)[1])


def test_pausing(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.Play("a"))
    window.wait_for(m.Losses, "a")
    window.send(m.Pause("a"))
    paused = window.wait_for(m.Paused, "a")
    assert paused == m.Paused("a", len(window.losses("a")), "asked")
    assert window.of(m.Measured, "a")[-1].reading.step == paused.step
    assert window.of(m.CheckpointTaken, "a")[-1].checkpoint.step == paused.step
    window.wait_for_snapshot("a", paused.step)
    window.catch_up("a")
    assert isinstance(window.heard[-1], m.Predicted)
    assert window.heard[-1].step == paused.step


def test_the_pace(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.SetPace("a", 50.0))
    begin = time.perf_counter()
    window.send(m.Play("a", m.Until(step=21)))
    window.wait_for(m.Paused, "a")
    assert 0.39 < time.perf_counter() - begin < 3.0  # the first step is taken at once, 20 after 20 ms each


def test_the_pace_can_change_on_the_way(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.SetPace("a", 0.1), m.Play("a", m.Until(step=500)))
    window.wait_for_snapshot("a", 1)
    window.send(m.SetPace("a", None))
    assert window.wait_for(m.Paused, "a").step == 500


def test_single_steps_do_not_wait_for_the_pace(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.SetPace("a", 0.1), m.Advance("a", 40))
    assert window.wait_for(m.Paused, "a").step == 40


@pytest.mark.parametrize(
    "config",
    [WHOLE, RunConfig(optimizer="sgd", lr=5.0, init="log-counts", batch_size=4096, block_size=16)],
    ids=["whole text", "batches"],
)
def test_until_converged(window: Window, config: RunConfig) -> None:
    started = window.start("a", toy_dataset(vocab_size=4), config)
    window.send(m.Play("a", m.Until(converged=True)))
    paused = window.wait_for(m.Paused, "a")
    assert paused.reason == "converged"
    assert paused.sentence.startswith("Converged: ")
    reading = window.of(m.Measured, "a")[-1].reading
    assert reading.verdict == "converged"
    assert reading.sentence == paused.sentence
    assert started.floor is not None
    assert abs(reading.train - started.floor) < 2e-3
    assert len(window.losses("a")) == paused.step


def test_one_end_is_said_once(window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_VERDICTS_WHOLE", 1)
    config = RunConfig(lr=1e-6, init="log-counts")
    text = toy_dataset(vocab_size=3, tokens=60_000)
    window.start("a", text, config)
    window.send(m.Play("a", m.Until(step=3, converged=True)))  # converged after three verdicts
    window.wait_for(m.Paused, "a")
    window.catch_up("a")
    assert [(paused.step, paused.reason) for paused in window.of(m.Paused)] == [(3, "converged")]


def test_a_text_without_held_out_part(window: Window) -> None:
    rng = np.random.default_rng(0)
    text = Dataset(rng.integers(0, 5, 100).astype(np.uint8), np.zeros(0, np.uint8), 5)
    started = window.start("a", text, WHOLE)
    assert started.reading.val is None
    window.send(m.Advance("a", 2))
    window.wait_for(m.Paused, "a")
    assert window.of(m.Measured, "a")[-1].reading.val is None


def test_divergence_ends_at_the_last_sound_step(window: Window, dataset: Dataset) -> None:
    config = RunConfig(optimizer="sgd", lr=1e6)
    window.start("a", dataset, config)
    window.send(m.Play("a"))
    rewound = window.wait_for(m.Rewound, "a")
    paused = window.wait_for(m.Paused, "a")
    assert paused.reason == "diverged"
    assert paused.step == rewound.step
    assert f"The run is back at step {paused.step:,}" in paused.sentence
    assert "learning rate, 1,000,000" in paused.sentence
    losses, tables = straight_run(config, dataset, paused.step)
    assert window.losses("a").tobytes() == losses.tobytes()
    assert_same_tables(window.wait_for_snapshot("a", paused.step), tables)
    assert np.isfinite(window.of(m.Measured, "a")[-1].reading.train)
    window.send(m.GoTo("a", 0))  # and it lives on
    assert window.wait_for(m.Paused, "a").step == 0


# --- looking ----------------------------------------------------------------------------------------


def test_a_prediction_is_the_row_of_the_table(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.Advance("a", 10))
    table = window.wait_for_snapshot("a", 10).tables["token"]
    for request, context in enumerate(([3], [0, 11], list(range(9)))):
        window.send(m.Predict("a", request, np.array(context)))
        predicted = window.wait_for(m.Predicted, "a")
        assert (predicted.request, predicted.step) == (request, 10)
        assert predicted.logits.tobytes() == table[context[-1]].tobytes()


@pytest.mark.parametrize("model", ["bigram", "mlp"])
def test_a_prediction_waits_for_no_step_but_the_one_under_way(
    window: Window, dataset: Dataset, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, asked_at = TrainingSession.__next__, range(100, 120)

    def ask_on_the_way(session: TrainingSession) -> StepResult:
        if session.step in asked_at:
            window.inbox.commands.put_nowait(m.Predict("a", session.step, np.array([1, 2])))
        return take(session)

    monkeypatch.setattr(TrainingSession, "__next__", ask_on_the_way)
    window.start("a", dataset, RunConfig().with_model(model).replace(batch_size=4, device="cpu", threads=1))
    window.send(m.Watch("a", np.array([[1, 2]]), traces=True), m.Play("a"))
    answers = [window.wait_for(m.Predicted, "a") for _ in asked_at]
    assert [(answer.request, answer.step) for answer in answers] == [(step, step + 1) for step in asked_at]


def test_looking_does_not_disturb(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.SetPace("a", 200.0), m.Play("a", m.Until(step=60)))
    for request in range(30):
        contexts = np.full((2, 3), request % 12)
        window.send(m.Predict("a", request, contexts[0]), m.Watch("a", contexts, gradients=True))
        window.wait_for(m.Predicted, "a")
    window.wait_for(m.Paused, "a")
    losses, tables = straight_run(SAMPLED, dataset, 60)
    assert_same_tables(window.wait_for_snapshot("a", 60), tables)
    assert window.losses("a").tobytes() == losses.tobytes()


def test_watching_while_paused_shows_the_same_step_again(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.Advance("a", 7))
    window.wait_for_snapshot("a", 7)
    contexts = np.array([[1, 2], [5, 0], [3, 11]])
    window.send(m.Watch("a", contexts))
    snapshot = window.wait_for(Snapshot, "a")
    assert snapshot.step == 7
    np.testing.assert_array_equal(snapshot.contexts, contexts)
    assert snapshot.logits.tobytes() == snapshot.tables["token"][[2, 0, 11]].tobytes()
    assert not snapshot.gradients


def test_gradients_are_those_of_the_step_that_made_these_weights(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.send(m.Advance("a", 7), m.Watch("a", np.zeros((0, 1), np.int64), gradients=True))
    window.wait_for(m.Paused, "a")
    snapshot = window.wait_for_snapshot("a", 7)
    session = TrainingSession(SAMPLED, dataset)
    for _ in range(7):
        next(session)
    assert snapshot.gradients["token"].tobytes() == session.table_gradients()["token"].tobytes()
    window.send(m.GoTo("a", 0))
    assert not window.wait_for_snapshot("a", 0).gradients  # no step made them


def test_activations_come_only_where_they_are_asked_for_and_there_are_any(
    window: Window, dataset: Dataset
) -> None:
    window.start("a", dataset, MLP)
    window.send(m.Advance("a", 7))
    assert not window.wait_for_snapshot("a", 7).activations
    window.send(m.Watch("a", np.array([[1]]), activations=True))
    snapshot = window.wait_for(Snapshot, "a")
    session = TrainingSession(MLP, dataset)
    for _ in range(7):
        next(session)
    assert snapshot.activations["hidden"].tobytes() == session.activations()["hidden"].tobytes()
    assert snapshot.logits.tobytes() == session.logits(np.array([[1]])).tobytes()
    window.start("b", dataset, SAMPLED)
    window.send(m.Watch("b", np.array([[1]]), activations=True))
    assert not window.wait_for(Snapshot, "b").activations


def test_only_as_much_is_watched_as_there_is_room_for(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, SAMPLED)
    window.wait_for(Snapshot, "a")
    contexts = np.random.default_rng(0).integers(0, 12, (40, 30))
    window.send(m.Watch("a", contexts, gradients=True))
    snapshot = window.wait_for(Snapshot, "a")
    np.testing.assert_array_equal(snapshot.contexts, contexts[: telling.MOST_CONTEXTS, -5:])
    assert snapshot.logits.shape == (telling.MOST_CONTEXTS, 12)


# --- several runs -----------------------------------------------------------------------------------


@pytest.fixture
def steps_taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the list to which every step of any session adds the seed of its run."""
    taken: list[int] = []

    class Watched(TrainingSession):
        def __next__(self) -> StepResult:
            taken.append(self.config.seed)
            return super().__next__()

    monkeypatch.setattr(server, "TrainingSession", Watched)
    return taken


@pytest.mark.parametrize("pace", [None, 300.0], ids=["fast", "paced"])
@pytest.mark.parametrize("count", [2, 4])
def test_runs_stay_in_step(
    window: Window, dataset: Dataset, steps_taken: list[int], count: int, pace: float | None
) -> None:
    runs = [str(seed) for seed in range(count)]
    steps = 2000 if pace is None else 100
    for run in runs:
        window.start(run, dataset, SAMPLED.replace(seed=int(run)))
    for run in runs:
        window.send(m.SetPace(run, pace), m.Play(run, m.Until(step=steps)))
    for _ in runs:
        assert window.wait_for(m.Paused).step == steps
    counters = np.cumsum(np.array(steps_taken)[:, None] == np.arange(count), axis=0)  # (steps, runs)
    together = counters[(counters > 0).all(1) & (counters < steps).all(1)]
    ahead = together - together[0]  # since the last of them began to play
    assert len(together) > steps
    assert (ahead.max(1) - ahead.min(1)).max() <= 1 if pace is None else 2
    for run in runs:
        losses, tables = straight_run(SAMPLED.replace(seed=int(run)), dataset, steps)
        assert window.losses(run).tobytes() == losses.tobytes()
        assert_same_tables(window.snapshot_of(run, steps), tables)


def test_one_run_pauses_and_the_other_goes_on(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.start("b", dataset, SAMPLED)
    window.send(m.Play("a"), m.Play("b", m.Until(step=50)))
    assert window.wait_for(m.Paused) == m.Paused("b", 50, "step")
    at = len(window.losses("a"))
    while len(window.losses("a")) == at:
        window.wait_for(m.Losses, "a")
    window.send(m.Pause("a"))
    assert window.wait_for(m.Paused).run_id == "a"


def test_nothing_of_a_stopped_run_follows(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.start("b", dataset, WHOLE)
    window.send(m.Play("a"))
    window.wait_for(m.Losses, "a")
    window.send(m.StopRun("a"), m.Play("a"), m.Pause("a"), m.Advance("a"), m.GoTo("a", 3), m.SetPace("a", 1.0))
    window.send(m.Watch("a", np.zeros((1, 1), np.int64)), m.Predict("a", 0, np.zeros(1, np.int64)))
    window.send(m.StopRun("a"))
    window.wait_for(m.Stopped, "a")
    end = len(window.heard)
    window.catch_up("b")
    assert not [event for event in window.heard[end:] if getattr(event, "run_id", None) == "a"]
    assert not window.of(m.Failed)
    window.send(m.StartRun("a", "text of a", WHOLE), m.Advance("a", 2))  # the name is free again
    assert window.wait_for(m.Paused, "a").step == 2


def test_files_of_runs_go_with_them(window: Window, dataset: Dataset) -> None:
    window.send(m.LoadDataset("text", dataset))
    for run in ("a", "b", "a"):
        window.send(m.StartRun(run, "text", WHOLE))  # each can be opened, though it may be stopped by then
    window.send(m.StopRun("a"), m.StopRun("b"))
    for _ in range(2):
        window.wait_for(m.Stopped)
    assert len(window.of(m.Started)) == 3
    assert files_left() == []


def test_files_that_nobody_opened_go_at_the_end(window: Window, dataset: Dataset) -> None:
    window.opens_files = False
    window.start("a", dataset, WHOLE)
    window.start("b", dataset, WHOLE)
    assert len(files_left()) == 2
    window.leave()
    assert files_left() == []


# --- checkpoints ------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [WHOLE, SAMPLED], ids=["whole text", "batches"])
def test_a_run_goes_on_from_a_checkpoint(window: Window, dataset: Dataset, config: RunConfig) -> None:
    window.start("a", dataset, config)
    window.send(m.Advance("a", 100))
    window.wait_for(m.Paused, "a")
    checkpoint = window.of(m.CheckpointTaken, "a")[-1].checkpoint
    window.send(m.StopRun("a"))
    started = window.start("b", dataset, config, checkpoint)
    assert started.step == started.reading.step == checkpoint.step == 100
    losses, tables = straight_run(config, dataset, 250)
    window.send(m.Play("b", m.Until(step=250)))
    window.wait_for(m.Paused, "b")
    assert_same_tables(window.wait_for_snapshot("b", 250), tables)
    assert window.losses("b").tobytes() == losses[100:].tobytes()
    window.send(m.GoTo("b", 30))  # before the checkpoint: from the very same start
    assert_same_tables(window.wait_for_snapshot("b", 30), straight_run(config, dataset, 30)[1])
    assert window.losses("b").tobytes() == losses[:30].tobytes()


def test_checkpoints_come_while_playing(window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "CHECKPOINT_SPACING_S", 0.05)
    window.start("a", dataset, SAMPLED)
    window.send(m.Play("a"))
    taken = [window.wait_for(m.CheckpointTaken, "a").checkpoint for _ in range(4)]
    steps = [checkpoint.step for checkpoint in taken]
    assert steps == sorted(set(steps))
    expected = TrainingSession(SAMPLED, dataset)
    while expected.step < steps[2]:
        next(expected)
    for name, array in expected.checkpoint().arrays.items():
        assert taken[2].arrays[name].tobytes() == array.tobytes()


def test_a_checkpoint_of_another_model_is_refused(window: Window, dataset: Dataset) -> None:
    window.start("a", dataset, WHOLE)
    window.send(m.Pause("a"))
    checkpoint = window.wait_for(m.CheckpointTaken, "a").checkpoint
    window.send(m.LoadDataset("other", toy_dataset(vocab_size=7)))
    window.send(m.StartRun("b", "other", WHOLE, checkpoint))
    failed = window.wait_for(m.Failed, "b")
    assert failed.command == "StartRun"
    assert failed.sentence == "The checkpoint was taken of another model: its arrays do not fit this one."
    window.catch_up("a")
    assert files_left() == []  # that of "a" was opened, so that it has no name any more


# --- what goes wrong --------------------------------------------------------------------------------


def test_an_unknown_text_is_said(window: Window) -> None:
    window.send(m.StartRun("a", "nobody's", WHOLE))
    assert window.wait_for(m.Failed) == m.Failed(
        "a", "StartRun", "The trainer has no text to train on yet.", "nobody's"
    )


def test_only_the_newest_texts_are_kept(window: Window, dataset: Dataset) -> None:
    keys = [str(number) for number in range(server.MOST_DATASETS + 1)]
    for key in (*keys[:2], keys[0], *keys[2:]):  # the first is said again: it is not the oldest any more
        window.send(m.LoadDataset(key, dataset))
    window.send(*(m.StartRun(f"run on {key}", key, WHOLE) for key in keys))
    assert window.wait_for(m.Failed).run_id == "run on 1"
    window.wait_for(m.Started, f"run on {keys[-1]}")
    assert len(window.of(m.Started)) == server.MOST_DATASETS


def test_a_table_that_is_too_large_is_refused(window: Window) -> None:
    ids = np.arange(100, dtype=np.uint16)
    window.send(m.LoadDataset("large", Dataset(ids, ids[:0], 50_257)), m.StartRun("a", "large", WHOLE))
    failed = window.wait_for(m.Failed, "a")
    assert failed.sentence.startswith("A bigram table for 50,257 tokens would take")


def test_no_room_for_snapshots_is_said(window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "folders", list)
    window.send(m.LoadDataset("text", dataset), m.StartRun("a", "text", WHOLE))
    assert window.wait_for(m.Failed, "a").sentence.startswith("There is no room for the ")


TORN = RuntimeError("the table is torn.")


def tear(*_arguments: object) -> None:
    raise TORN


def test_whatever_else_a_command_does_becomes_a_sentence(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.start("a", dataset, WHOLE)
    window.wait_for(Snapshot, "a")
    monkeypatch.setattr(TrainingSession, "logits", tear)
    window.send(m.Predict("a", 1, np.array([11])))
    failed = window.wait_for(m.Failed, "a")
    assert failed.command == "Predict"
    assert failed.sentence == "That could not be done: the table is torn."
    assert "Traceback" in failed.details
    monkeypatch.undo()
    window.catch_up("a")
    assert not window.of(m.Paused)


def test_a_watch_that_cannot_be_shown_pauses_the_run_and_says_so_once(
    window: Window, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.start("a", dataset, WHOLE)
    window.start("b", dataset, WHOLE)
    monkeypatch.setattr(TrainingSession, "logits", tear)
    window.send(m.Play("b"), m.Watch("a", np.array([[10]])))
    paused = window.wait_for(m.Paused, "a")
    assert (paused.reason, paused.sentence) == ("failed", "Training stopped: the table is torn.")
    assert "Traceback" in paused.details
    for _ in range(10):
        window.wait_for(Snapshot, "b")
    assert window.of(m.Paused, "a") == [paused]
    monkeypatch.undo()
    window.send(m.Watch("a", np.array([[11]])))
    assert window.wait_for(Snapshot, "a").contexts.tolist() == [[11]]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "The trainer ran out of memory: try a smaller batch or a smaller vocabulary."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "The trainer ran out of memory: try a smaller batch or a smaller vocabulary.",
        ),
        (NotImplementedError("no such kernel\nand more"), "Training stopped: no such kernel."),
        (RuntimeError(), "Training stopped: RuntimeError."),
    ],
    ids=["memory", "torch's memory", "kernel", "silent"],
)
def test_a_step_that_fails_pauses_its_run_alone(
    window: Window,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sentence: str,
) -> None:
    class Failing(TrainingSession):
        def __next__(self) -> StepResult:
            if self.config.seed == 1 and self.step == 20:
                raise error
            return super().__next__()

    monkeypatch.setattr(server, "TrainingSession", Failing)
    window.start("a", dataset, WHOLE.replace(seed=1))
    window.start("b", dataset, WHOLE.replace(seed=2))
    window.send(m.Play("b"), m.Play("a"))
    paused = window.wait_for(m.Paused)
    assert (paused.run_id, paused.step, paused.reason, paused.sentence) == ("a", 20, "failed", sentence)
    assert len(window.losses("a")) == 20
    window.send(m.GoTo("b", 100))
    assert window.wait_for(m.Paused, "b").step == 100
    window.send(m.GoTo("a", 10))
    assert window.wait_for(m.Paused, "a").step == 10


def test_more_commands_than_fit_are_refused_aloud(idle_window: Window, dataset: Dataset) -> None:
    window = idle_window  # nobody reads the commands yet, as in a long step
    window.send(m.LoadDataset("text", dataset), m.StartRun("a", "text", WHOLE))
    for _ in range(entry.MOST_COMMANDS + 3):
        window.send(m.Advance("a", 1))
    failures = [window.wait_for(m.Failed) for _ in range(5)]
    assert {(failure.run_id, failure.command) for failure in failures} == {("a", "Advance")}
    assert failures[0].sentence == "The trainer is too busy for another command (1024 are waiting)."
    window.serve()
    assert window.wait_for(m.Started, "a")
    window.wait_for(m.Paused, "a")  # no step is taken while commands wait
    window.catch_up("a")
    assert len(window.of(m.Failed)) == 5


def test_a_message_that_is_no_command_is_answered(window: Window, dataset: Dataset) -> None:
    window.channel.send(m.Ready(1, "2"))
    assert window.wait_for(m.Failed).command == "Ready"
    window.start("a", dataset, WHOLE)


def test_noise_ends_the_server(window: Window, capfd: pytest.CaptureFixture[str]) -> None:
    os.write(window.channel._write_fd, bytes(range(255, 155, -1)))
    assert window.gone.wait(10)
    assert "ProtocolError" in capfd.readouterr().err


def test_a_checkpoint_with_nothing_in_it_is_refused(window: Window, dataset: Dataset) -> None:
    window.send(m.LoadDataset("text", dataset), m.StartRun("a", "text", WHOLE, Checkpoint(1, {}, {})))
    assert window.wait_for(m.Failed, "a").command == "StartRun"
