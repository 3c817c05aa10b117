"""The window on a real trainer process, end to end: a person plays, steps, rewinds, goes on after a loss."""

import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QMessageBox, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk, Table, step_trace

from embedviz import catalog
from embedviz.analysis import verdicts
from embedviz.analysis.activations import summarize
from embedviz.analysis.figures import figure
from embedviz.analysis.wording import told_apart
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui.app import Beginning, Parts, make_application, make_window
from embedviz.gui.contexts import looked_up_ids, rows_of
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
from embedviz.gui.tour import wait_until
from embedviz.gui.worker import TrainingWorker
from embedviz.training.session import TrainingSession

PATIENCE_S = 30.0  # for what should take moments: only a failing test waits so long
Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def wait(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, PATIENCE_S)


def rests_at(parts: Parts, step: int) -> bool:
    """Tell whether the run is paused and the frame of `step`, as the trainer sent it, is shown."""
    state = parts.state
    return (
        state.run.phase is Phase.PAUSED
        and state.snapshot is not None
        and state.snapshot.step == state.run.step == step
        and state.record is not None
        and state.record.snapshots_seen > 0
    )


def open_window(folder: Path) -> Parts:
    make_application()
    parts = make_window(Settings(folder / "settings.ini"), mode="light")
    Beginning(parts)
    assert parts.window.texts.open_sample(catalog.DEFAULT_SAMPLE, wait=True)
    parts.window.resize(1366, 768)
    parts.window.show()
    wait(lambda: rests_at(parts, 0))
    first = parts.state.document
    parts.window.texts.open_sample(catalog.DEFAULT_SAMPLE)  # so that the thread that reads is there for all tests
    wait(lambda: parts.state.document is not first and rests_at(parts, 0))
    return parts


def put_away(parts: Parts) -> None:
    parts.close()
    for thing in (parts.window, parts.controller, parts.worker, parts.state, parts.notices, parts.theme):
        thing.deleteLater()


@pytest.fixture(scope="module")
def window(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Give one window with one trainer to all tests here."""
    parts = open_window(tmp_path_factory.mktemp("real"))
    yield parts
    put_away(parts)


@pytest.fixture
def desk(window: Parts, qtbot: QtBot) -> Desk:
    """Give that window with a run of its own, paused at its start, and everything else as at the beginning."""
    if window.state.document is None or window.state.document.corpus.name != catalog.SAMPLES["fables"].title:
        assert window.window.texts.open_sample("fables", wait=True)
    desk = Desk(window, window.worker, qtbot)  # type: ignore[arg-type]  # the real one
    desk.notices.pending.clear()
    desk.state.set_until(m.Until(converged=True))
    desk.table.mode.set_value("weights")
    desk.controller.set_pace(None)
    desk.controller.restart(RunConfig())
    wait(lambda: rests_at(window, 0))
    desk.window.activateWindow()
    wait(desk.window.isActiveWindow)
    desk.focus(desk.window.centralWidget())
    return desk


def is_verdict(desk: Desk, kind: str) -> bool:
    reading = desk.state.run.reading
    return reading is not None and reading.verdict == kind


def press_and_rest(desk: Desk, key: Qt.Key, step: int, modifiers=Qt.KeyboardModifier.NoModifier) -> Table:
    """Press a key and wait until the run rests at a step; return the table of then."""
    desk.press(key, modifiers)
    wait(lambda: rests_at(desk.parts, step))
    return desk.snapshot.tables["token"]


def losses(desk: Desk) -> list[float]:
    """Return every loss of the run, step by step."""
    assert desk.state.record is not None
    series = desk.state.record.losses.series(0, 100_000, 100_000)
    assert series.steps.tolist() == list(range(len(series.steps)))
    return series.mean.tolist()


def straight(desk: Desk, steps: int) -> tuple[list[float], Table]:
    """Return losses and table of the same run, done here without window or pause."""
    session = TrainingSession(desk.state.run.config, desk.document.dataset)
    found = [next(session).loss for _ in range(steps)]
    (table,) = session.tables().values()
    return found, table


def test_the_first_frame_was_the_trainer_s_own(desk: Desk) -> None:
    guessed = desk.snapshot
    assert guessed.tables["token"].tobytes() == straight(desk, 0)[1].tobytes()
    assert guessed.reading.train == pytest.approx(math.log(desk.document.vocab_size), abs=1e-6)
    assert desk.state.run.floor == pytest.approx(desk.document.floor, abs=1e-9)
    assert desk.state.run.parameters == desk.document.vocab_size**2


def test_play_and_pause(desk: Desk) -> None:
    desk.controller.set_pace(200)
    desk.press(Key.Key_Space)
    wait(lambda: desk.snapshot.step >= 20)
    assert desk.state.run.phase is Phase.PLAYING
    desk.press(Key.Key_Space)
    wait(lambda: desk.state.run.phase is Phase.PAUSED)
    wait(lambda: rests_at(desk.parts, desk.state.run.step))
    step = desk.snapshot.step
    expected_losses, expected_table = straight(desk, step)
    assert losses(desk) == expected_losses  # not one is missing
    assert expected_losses[0] == pytest.approx(math.log(desk.document.vocab_size), abs=1e-6)
    assert expected_losses == sorted(expected_losses, reverse=True)
    assert desk.snapshot.tables["token"].tobytes() == expected_table.tobytes()
    words = f"step {step:,}"
    assert words in desk.words(desk.table)
    assert words in desk.words(desk.following)
    assert f"Step {step:,}" in desk.words(desk.training)
    curve = desk.training.loss.curve
    assert curve is not None
    assert curve._train[1].tolist() == expected_losses


def test_steps_forward_and_back_are_the_same_steps(desk: Desk) -> None:
    tables = {step: press_and_rest(desk, Key.Key_Right, step, CTRL) for step in (1, 2, 3)}
    assert press_and_rest(desk, Key.Key_Left, 2, CTRL).tobytes() == tables[2].tobytes()
    twelve = press_and_rest(desk, Key.Key_Right, 12, Qt.KeyboardModifier.ShiftModifier)
    assert twelve.tobytes() == straight(desk, 12)[1].tobytes()
    assert (
        press_and_rest(desk, Key.Key_Left, 2, Qt.KeyboardModifier.ShiftModifier).tobytes() == tables[2].tobytes()
    )
    start = press_and_rest(desk, Key.Key_Home, 0)
    assert not start.any()
    assert losses(desk) == []
    assert press_and_rest(desk, Key.Key_Right, 1, CTRL).tobytes() == tables[1].tobytes()


def test_a_random_start_is_rewound_to_itself(desk: Desk) -> None:
    desk.controller.restart(RunConfig(init="normal-1", batch_size=16, optimizer="adamw", lr=0.01))
    wait(lambda: rests_at(desk.parts, 0))
    start = desk.snapshot.tables["token"]
    ten = press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier)
    assert press_and_rest(desk, Key.Key_Home, 0).tobytes() == start.tobytes()
    assert press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier).tobytes() == ten.tobytes()


def test_until_a_step(desk: Desk) -> None:
    box = desk.child(QComboBox, "untilChoice")
    box.setCurrentIndex(box.findData("step"))
    desk.child(QSpinBox, "untilStep").setValue(25)
    press_and_rest(desk, Key.Key_Space, 25)
    assert losses(desk) == straight(desk, 25)[0]


def test_until_converged(desk: Desk) -> None:
    desk.press(Key.Key_Space)
    wait(lambda: desk.state.run.reason == "converged")
    # The frame of a step before may still come after the news of the pause.
    wait(lambda: rests_at(desk.parts, desk.state.run.step) and is_verdict(desk, "converged"))
    reading = desk.state.run.reading
    assert reading is not None
    assert 0 < reading.train - desk.document.floor < 2e-3
    loss = losses(desk)[-1]  # the trainer gave its verdict by the loss before the last step
    assert reading.sentence == verdicts.converged(reading.step - 1, loss, desk.document.floor)
    said = verdicts.converged(reading.step, reading.train, desk.document.floor)
    assert said in desk.words(desk.training)  # what is shown is the reading of this step
    assert said.startswith("Converged: ")
    assert desk.sentences == []


def test_the_gradient_is_the_one_in_the_books(desk: Desk) -> None:
    desk.switch(desk.table, "gradient")
    press_and_rest(desk, Key.Key_Right, 1, CTRL)
    pairs, size = desk.document.pairs, desk.document.vocab_size
    total = pairs.total
    expected = pairs.row_sums[:, None] / total / size - pairs.dense() / total  # softmax of zeros is 1 / V
    np.testing.assert_allclose(desk.snapshot.gradients["token"], expected, atol=1e-7)
    assert desk.table.heatmap.value_at(2, 3) == pytest.approx(expected[2, 3], abs=1e-7)


def test_another_context_while_paused(desk: Desk) -> None:
    press_and_rest(desk, Key.Key_Right, 1, CTRL)
    desk.tokens.edit.setPlainText("the fox")
    wanted = desk.state.context_ids.tolist()
    wait(lambda: desk.snapshot.contexts.tolist() == [wanted])
    assert desk.snapshot.step == 1
    assert desk.snapshot.logits[0].tobytes() == desk.snapshot.tables["token"][wanted[-1]].tobytes()


def test_divergence_is_said_and_the_run_stands_where_it_was_sound(desk: Desk) -> None:
    desk.controller.restart(RunConfig(optimizer="sgd", lr=1e6))
    wait(lambda: rests_at(desk.parts, 0))
    desk.press(Key.Key_Space)
    wait(lambda: desk.state.run.reason == "diverged")
    (sentence,) = desk.sentences
    assert "learning rate" in sentence
    wait(lambda: rests_at(desk.parts, desk.state.run.step))
    assert np.isfinite(desk.snapshot.tables["token"]).all()
    assert len(losses(desk)) == desk.snapshot.step
    desk.controller.restart(RunConfig())
    wait(lambda: rests_at(desk.parts, 0))
    assert desk.sentences == []


def test_another_text_while_training(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Ok)
    desk.state.set_until(m.Until())
    desk.press(Key.Key_Space)
    wait(lambda: desk.snapshot.step > 100)
    desk.open_text("banana bandana " * 20)
    wait(lambda: rests_at(desk.parts, 0))
    assert desk.snapshot.tables["token"].shape == (5, 5)
    press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier)
    assert losses(desk) == straight(desk, 10)[0]
    assert desk.sentences == []


def to_mlp(desk: Desk, **changes: object) -> None:
    """Train an MLP on the same text, from its start."""
    before = desk.state.run.run_id
    desk.texts.apply(desk.state.config.with_model("mlp").replace(**changes))
    wait(lambda: desk.state.run.run_id != before and rests_at(desk.parts, 0))


def select(desk: Desk, line: str, place: int) -> list[int]:
    """Type a line, select one of its tokens, and wait for the frame; return the context."""
    desk.tokens.edit.setPlainText(line)
    desk.state.select(place)
    context = desk.state.context_ids.tolist()
    wait(lambda: desk.snapshot.contexts.tolist() == [context])
    return context


def test_an_mlp_reads_three_rows_side_by_side(desk: Desk) -> None:
    to_mlp(desk)
    table = press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier)
    context = select(desk, "the fox", 6)
    rows = desk.snapshot.tables["token"][context]  # (3, 10)
    assert rows.shape == (3, 10)
    assert table.shape == (desk.document.vocab_size, 10)
    side = desk.table.side
    words = desk.words(side)
    assert "(3, 10)" in words
    assert "(30,)" in words
    part, column = 2, 7
    desk.point_at(side.joined, side.joined.cell_rect(part, column).center())
    assert side.cell.texts[0].startswith(f"row {context[part]} ‘x’, column {column}")
    assert side.cell.texts[1] == figure(float(rows[part, column]), signed=True)
    session = TrainingSession(desk.state.run.config, desk.document.dataset)
    for _ in range(10):
        next(session)
    trace = session.trace(np.array(context))
    np.testing.assert_array_equal(trace["concatenation"], rows.ravel())
    np.testing.assert_allclose(desk.snapshot.logits[0], trace["logits"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("sample", "line", "place", "read"),
    [
        ("fables", "the", 0, "––t"),  # running text: nothing stands before its beginning
        ("fables", "the", 2, "the"),
        ("names", "ada", 0, "↵↵a"),  # before an item stands the boundary
        ("names", "ada\nbo", 4, "↵↵b"),  # and a context never crosses into the item before
        ("names", "ada\nbo", 3, "↵↵↵"),
    ],
)
def test_what_stands_before_the_beginning(desk: Desk, sample: str, line: str, place: int, read: str) -> None:
    if sample == "names":
        desk.open_sample("names")
        wait(lambda: rests_at(desk.parts, 0))
    to_mlp(desk)
    context = select(desk, line, place)
    ids = looked_up_ids(desk.state)
    labels = desk.document.tokenizer.labels
    assert "".join("–" if token is None else labels[token] for token in ids) == read
    session = TrainingSession(desk.state.run.config, desk.document.dataset)
    padded = session.trace(np.array(context))["ids"].tolist()
    assert [-1 if token is None else token for token in ids] == padded  # what the model really reads
    rows = rows_of(desk.snapshot.tables["token"], ids)
    np.testing.assert_array_equal(rows, session.trace(np.array(context))["rows"])


def test_the_hidden_layer_is_sent_only_while_it_is_looked_at(desk: Desk) -> None:
    to_mlp(desk)
    press_and_rest(desk, Key.Key_Right, 1, CTRL)
    assert not desk.snapshot.activations
    desk.training.gap.set_value("hidden")
    wait(lambda: bool(desk.snapshot.activations))
    hidden = desk.snapshot.activations["hidden"]
    session = TrainingSession(desk.state.run.config, desk.document.dataset)
    next(session)
    np.testing.assert_array_equal(hidden, session.activations()["hidden"])
    histogram = desk.training.hidden.histogram
    wait(lambda: summarize(hidden).headline in histogram.accessibleDescription())
    desk.training.gap.set_value("loss")
    press_and_rest(desk, Key.Key_Right, 2, CTRL)
    assert not desk.snapshot.activations


# --- a step in phases -------------------------------------------------------------------------------


def is_traced(desk: Desk, step: int) -> bool:
    """Tell whether the run rests at a step, and what would come next is there too."""
    return rests_at(desk.parts, step) and desk.state.trace is not None and desk.state.trace.step == step


RUNS = [
    RunConfig(),
    RunConfig(optimizer="sgd", lr=10.0, batch_size=8, weight_decay=0.01, init="normal-1"),
    RunConfig(optimizer="adamw", lr=0.01, batch_size=8, weight_decay=0.1).with_model("mlp"),
]


@pytest.mark.parametrize("config", RUNS, ids=["adam", "sgd", "mlp"])
def test_walking_through_a_step_says_what_the_step_then_does(desk: Desk, config: RunConfig) -> None:
    before_run = desk.state.run.run_id
    desk.controller.restart(config)
    wait(lambda: desk.state.run.run_id != before_run and rests_at(desk.parts, 0))
    press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier)
    wait(lambda: is_traced(desk, 10))
    trace, labels = desk.state.trace, desk.document.tokenizer.labels
    assert trace is not None
    names = ["batch", "lookup", "logits", "softmax", "loss", "gradient", "update"]
    if config.model == "mlp":
        names[2:2] = ["concatenate", "hidden"]
    formulas = {}
    for index, name in enumerate(names):
        desk.press(Key.Key_Right)
        assert (desk.state.phase_index, trace.phases[index].name) == (index, name)
        formulas[name] = desk.training.phases._formula.text()
        assert formulas[name].startswith(f"{trace.phases[index].title}: ")
        assert not set("{}") & set(formulas[name])
    assert desk.state.run.step == 10  # looked at, and not taken
    table = desk.snapshot.tables["token"]
    token, target, column = (trace.points[name] for name in ("token", "target", "column"))
    assert f"→ ‘{labels[target]}’" in formulas["batch"]
    loss = float(trace.arrays["loss"].item())
    assert formulas["loss"].endswith(f"= {figure(loss)} nats")
    desk.press(Key.Key_Right)
    wait(lambda: is_traced(desk, 11))
    assert desk.state.phase_index == 0
    taken = desk.snapshot.tables["token"]
    was, now = float(table[token, column]), float(taken[token, column])
    assert was != now
    assert " → ".join(told_apart(was, now, signed=True)) in formulas["update"]
    read = trace.arrays["ids"][-1]
    assert read == token
    assert trace.arrays["before"][-1].tobytes() == table[token].tobytes()
    assert trace.arrays["after"][-1].tobytes() == taken[token].tobytes()
    assert losses(desk)[10] == pytest.approx(float(trace.arrays["batch loss"].item()), rel=1e-6)
    desk.press(Key.Key_Left)
    wait(lambda: is_traced(desk, 10))
    wait(lambda: desk.state.phase_index == len(names) - 1)
    assert desk.training.phases._formula.text() == formulas["update"]
    assert desk.snapshot.tables["token"].tobytes() == table.tobytes()


def test_the_trace_that_the_tests_make_is_the_trainer_s(desk: Desk) -> None:
    config = RunConfig(optimizer="sgd", lr=0.5, batch_size=4, weight_decay=0.1, init="normal-1")
    session = TrainingSession(config, desk.document.dataset)
    for _ in range(5):
        next(session)
    context = desk.document.tokenizer.encode("the fox")[-3:]
    (table,) = session.tables().values()
    made = session.trace_step(context)
    row, place = made.points["row"], made.points["place"]
    played = step_trace(
        table.copy(),
        made.arrays["batch ids"],
        made.arrays["batch targets"],
        row=row,
        place=place,
        reads=len(made.arrays["ids"]),
        step=5,
        rate=0.5,
        decay=0.1,
        is_watched=made.is_watched,
    )
    assert list(played.arrays) == list(made.arrays)
    for name in set(made.arrays) - {"starts", "one-hot difference"}:
        mine, its = played.arrays[name], made.arrays[name]
        assert (mine.dtype, mine.shape) == (its.dtype, its.shape), name
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6, err_msg=name)
    places = {"start", "position"}  # in the text, of which a played trace knows nothing
    assert {k: v for k, v in played.points.items() if k not in places} == {
        k: v for k, v in made.points.items() if k not in places
    }
    assert set(played.points) == set(made.points)
    assert (played.step, played.is_watched) == (made.step, made.is_watched)
    for mine, its in zip(played.phases, made.phases, strict=True):
        for field in ("name", "title", "kind", "picture", "marks", "context", "shape", "lines"):
            assert getattr(mine, field) == getattr(its, field), (mine.name, field)


def test_rows_of_two_numbers_are_places_in_the_plane(desk: Desk) -> None:
    to_mlp(desk, n_embd=2)
    desk.switch(desk.table, "plane")
    assert desk.table.plane.isVisible()
    assert not desk.table.heatmap.isVisible()
    to_mlp(desk, n_embd=10)  # ten numbers have no place in a plane
    assert desk.table.mode.value == "weights"
    assert desk.table.heatmap.isVisible()


def test_a_killed_trainer_and_the_way_on(desk: Desk) -> None:
    """The last one here: it closes the window, because another trainer than before is behind it."""
    parts = desk.parts
    desk.controller.set_pace(200)
    desk.state.set_until(m.Until())
    desk.controller.play_or_pause()
    record = desk.state.record
    assert record is not None
    wait(lambda: record.checkpoint is not None and desk.snapshot.step > record.checkpoint.step + 5)
    assert isinstance(parts.worker, TrainingWorker)
    pid = parts.worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(lambda: desk.state.run.phase is Phase.LOST)
    (sentence,) = desk.sentences
    assert sentence == "The trainer process ended unexpectedly (signal 9). Nothing that was open is lost."
    assert record.checkpoint is not None
    step = record.checkpoint.step
    button = desk.child(QPushButton, "noticeAction")
    assert button.text() == f"Go on from step {step:,}"
    desk.click(button)
    wait(lambda: rests_at(parts, step))
    assert parts.worker.pid != pid
    desk.controller.step(10)
    wait(lambda: rests_at(parts, step + 10))
    expected_losses, expected_table = straight(desk, step + 10)
    assert desk.snapshot.tables["token"].tobytes() == expected_table.tobytes()  # as if nothing had happened
    assert losses(desk) == expected_losses
    desk.controller.rewind()
    wait(lambda: rests_at(parts, 0))
    assert not desk.snapshot.tables["token"].any()
    parts.close()
    assert desk.worker.pid is None  # type: ignore[attr-defined]
