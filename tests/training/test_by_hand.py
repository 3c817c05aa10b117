"""What is done by hand is done exactly, is no divergence, and training mends it unless it is frozen."""

import math
from itertools import islice

import numpy as np
import pytest
from windowed_runs import CONFIGS as WINDOWED
from windowed_runs import running_text

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.edits import HandEdit
from embedviz.models import base
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training.by_hand import HandEditError
from embedviz.training.guard import DivergenceError, Guard
from embedviz.training.session import TrainingSession

CONFIGS = [
    RunConfig(optimizer=name, lr=0.1, weight_decay=decay, batch_size=batch_size, init="normal-0.02")
    for name in catalog.OPTIMIZERS
    for batch_size in (WHOLE_TEXT, 4)
    for decay in (0.0, 0.1)
]
MLP = RunConfig(model="mlp", block_size=3, n_embd=4, hidden=10, init="normal-1", lr=0.02, batch_size=4)
CONFIGS += [
    MLP.replace(optimizer="adamw", weight_decay=0.1),
    MLP.replace(schedule="cosine", warmup_steps=5, schedule_steps=30, clip=0.1),
]


def cell(row: int, column: int, value: float) -> HandEdit:
    return HandEdit("cell", "token", row, column, value)


def take(session: TrainingSession, steps: int) -> list[float]:
    return [result.loss for result in islice(session, steps)]


@pytest.mark.parametrize("config", [*CONFIGS[::4], MLP])
def test_a_cell_is_what_it_was_set_to_and_all_else_stays(config: RunConfig, text: Dataset) -> None:
    session = TrainingSession(config, text)
    take(session, 7)
    before = session.state().arrays
    done = session.edit(cell(2, 3, 0.1))
    after = session.state().arrays
    table = before["parameters/token_embedding_table.weight"].copy()
    assert done == HandEdit("cell", "token", 2, 3, float(np.float32(0.1)), float(table[2, 3]), 7)
    table[2, 3] = 0.1
    changed = {"parameters/token_embedding_table.weight": table, "guard/recent": np.empty(0)}
    assert after.keys() == before.keys()
    for name, array in {**before, **changed}.items():
        assert after[name].tobytes() == array.tobytes()
    assert session.step == 7


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize("table", ["token", "position"])
def test_every_table_of_every_model_can_be_changed(table: str, name: str) -> None:
    """A frozen table too: it is training that does not move it."""
    session = TrainingSession(WINDOWED[name], running_text())
    take(session, 3)
    start = session.tables()
    if table not in start:
        with pytest.raises(HandEditError, match="This model has no table 'position': it has token"):
            session.edit(HandEdit("cell", table, 4, 7, 2.5))
        return
    done = session.edit(HandEdit("cell", table, 4, 7, 2.5))
    assert (done.before, done.step) == (start[table][4, 7], 3)
    session.edit(HandEdit("freeze", table, 4))
    take(session, 5)
    after = session.tables()
    expected = start[table][4].copy()
    expected[7] = 2.5
    np.testing.assert_array_equal(after[table][4], expected)
    if table == "token" and session.config.freeze_embeddings:
        np.testing.assert_array_equal(np.delete(after[table], 4, 0), np.delete(start[table], 4, 0))
    else:
        assert (np.delete(after[table], 4, 0) != np.delete(start[table], 4, 0)).any()
    again = TrainingSession(session.config, running_text())
    again.restore(session.state())
    assert take(again, 3) == take(session, 3)
    session.edit(HandEdit("thaw", table, 4))
    take(session, 3)
    is_still = table == "token" and session.config.freeze_embeddings
    assert (session.tables()[table][4] == expected).all() == is_still


@pytest.mark.parametrize("name", ["token-position", "transformer", "llama-tied"])
def test_a_huge_cell_of_a_model_of_windows_is_no_divergence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = TrainingSession(WINDOWED[name].replace(optimizer="sgd", lr=1e-6), running_text())
    take(session, 3)
    read = []
    forward = session._model.forward
    monkeypatch.setattr(base, "_CONTEXTS_AT_ONCE", 5)
    monkeypatch.setattr(session._model, "forward", lambda idx: read.append(len(idx)) or forward(idx))
    session.edit(cell(1, 3, 1e4))
    monkeypatch.undo()
    assert (max(read), sum(read)) == (5, 33)  # 16 contexts, with that token and without, and it alone
    take(session, 30)


@pytest.mark.parametrize("config", CONFIGS)
def test_no_step_moves_a_frozen_row(config: RunConfig, text: Dataset) -> None:
    session = TrainingSession(config, text)
    take(session, 5)  # so that there is momentum
    start = session.tables()["token"]
    for row in (3, 0):
        assert session.edit(HandEdit("freeze", "token", row)).step == 5
    take(session, 20)
    table = session.tables()["token"]
    assert table[[0, 3]].tobytes() == start[[0, 3]].tobytes()
    assert (table[[1, 2, 4]] != start[[1, 2, 4]]).any(1).all()
    session.edit(cell(0, 1, 2.5))  # by hand it can be moved all the same
    take(session, 3)
    assert session.tables()["token"][0, 1] == 2.5
    session.edit(HandEdit("thaw", "token", 0))
    take(session, 3)
    assert session.tables()["token"][0, 1] != 2.5
    assert session.tables()["token"][3].tobytes() == start[3].tobytes()


def test_the_gradient_of_a_frozen_row_is_told(text: Dataset) -> None:
    frozen, free = (TrainingSession(RunConfig(lr=0.1), text) for _ in range(2))
    for row in range(5):
        frozen.edit(HandEdit("freeze", "token", row))
    assert take(frozen, 5) == [take(free, 1)[0]] * 5
    assert frozen.table_gradients()["token"].tobytes() == free.table_gradients()["token"].tobytes()


def test_what_was_frozen_and_thawed_was_never_there(text: Dataset) -> None:
    session, untouched = (TrainingSession(MLP, text) for _ in range(2))
    session.edit(HandEdit("freeze", "token", 1))
    session.edit(HandEdit("freeze", "token", 1))
    session.edit(HandEdit("thaw", "token", 1))
    session.edit(HandEdit("thaw", "token", 2))
    assert take(session, 10) == take(untouched, 10)
    assert session.state().arrays.keys() == untouched.state().arrays.keys()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (HandEdit("cell", "position", 0, 0), "This model has no table 'position': it has token."),
        (cell(5, 0, 1.0), "The table 'token' has no row 5: its last is 4."),
        (cell(-1, 0, 1.0), "The table 'token' has no row -1: its last is 4."),
        (cell(0, 5, 1.0), "The table 'token' has no column 5: its last is 4."),
        (HandEdit("cell", "token", 0), "The table 'token' has no column -1: its last is 4."),
        (cell(0, 0, math.nan), "A weight has to be a finite number."),
        (cell(0, 0, -math.inf), "A weight has to be a finite number."),
        (cell(0, 0, 10_001.0), "A weight set by hand has to be from −10,000 to +10,000."),
        (HandEdit("freeze", "token", 9), "The table 'token' has no row 9: its last is 4."),
        (HandEdit("melt", "token", 1), "'melt' is nothing that can be done by hand."),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_done_is_said(edit: HandEdit, sentence: str, text: Dataset) -> None:
    session = TrainingSession(RunConfig(), text)
    take(session, 3)
    before = session.state().arrays
    with pytest.raises(HandEditError) as caught:
        session.edit(edit)
    assert caught.value.sentence == sentence
    assert all(array.tobytes() == before[name].tobytes() for name, array in session.state().arrays.items())


# --- the guard --------------------------------------------------------------------------------------


def test_training_mends_a_cell_that_costs_far_more_than_the_limit(text: Dataset) -> None:
    session = TrainingSession(RunConfig(optimizer="adam", lr=0.5), text)
    take(session, 200)
    session.edit(cell(2, 0, 300.0))
    assert session.is_healthy
    assert session.checkpoint().step == 200
    losses = take(session, 1500)
    assert losses[0] > Guard(5).usual_limit
    assert session.floor is not None
    assert session.whole_losses().train < session.floor + 0.01


@pytest.mark.parametrize("config", [RunConfig(batch_size=1, block_size=1, optimizer="sgd", lr=0.1), MLP])
def test_batches_that_read_the_row_late_and_in_a_row_are_no_divergence(config: RunConfig) -> None:
    # Row 1 is read only from the middle of the text on: a guard that had forgiven for a while would raise there.
    ids = np.array([0, 2] * 300 + [1, 2] * 300, np.uint8)
    session = TrainingSession(config, make_dataset(ids, 3, 0.0))
    take(session, 50)
    for column in range(2):
        session.edit(cell(1, column, 60.0))
    session.edit(HandEdit("freeze", "token", 1))  # so that it is never mended
    losses = np.array(take(session, 600))
    assert np.isfinite(losses).all()
    assert session.step == 650
    assert session.is_healthy


def test_a_run_that_runs_away_after_an_edit_is_turned_back_to_after_it(text: Dataset) -> None:
    session = TrainingSession(RunConfig(optimizer="sgd", lr=1e6, batch_size=WHOLE_TEXT), text)
    session.edit(cell(1, 1, 7.0))
    with pytest.raises(DivergenceError) as caught:
        take(session, 10_000)
    again = TrainingSession(session.config, text)
    again.edit(cell(1, 1, 7.0))
    take(again, caught.value.last_good_step)
    assert session.step == again.step
    assert session.tables()["token"].tobytes() == again.tables()["token"].tobytes()


def test_a_guard_that_forgave_remembers_it_in_checkpoints(text: Dataset) -> None:
    session = TrainingSession(RunConfig(), text)
    assert "guard_limit" not in session.checkpoint().scalars
    session.edit(cell(0, 0, 500.0))
    scalars = session.checkpoint().scalars
    assert scalars["guard_limit"] == pytest.approx(2 * (math.log(5) + 500.0))
    other = TrainingSession(RunConfig(), text)
    other.restore(session.checkpoint())
    assert other.checkpoint().scalars == scalars


def test_a_worst_that_is_no_number_changes_no_limit() -> None:
    guard = Guard(5)
    guard.alarms(0, 1.0)
    guard.forgive(math.nan)
    assert guard.limit == guard.usual_limit
    assert not guard.recent
