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
from test_fake_trainer import Desk, Table

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui.app import Beginning, Parts, make_application, make_window
from embedviz.gui.settings import Settings
from embedviz.gui.state import Phase
from embedviz.gui.tour import wait_until
from embedviz.gui.worker import TrainingWorker
from embedviz.training.session import TrainingSession

PATIENCE_S = 30.0  # for what should take moments: only a failing test waits so long
Key = Qt.Key


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
    assert parts.window.texts.open_sample(catalog.DEFAULT_SAMPLE)
    parts.window.resize(1366, 768)
    parts.window.show()
    wait(lambda: rests_at(parts, 0))
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
        assert window.window.texts.open_sample("fables")
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
    tables = {step: press_and_rest(desk, Key.Key_Right, step) for step in (1, 2, 3)}
    assert press_and_rest(desk, Key.Key_Left, 2).tobytes() == tables[2].tobytes()
    twelve = press_and_rest(desk, Key.Key_Right, 12, Qt.KeyboardModifier.ShiftModifier)
    assert twelve.tobytes() == straight(desk, 12)[1].tobytes()
    assert (
        press_and_rest(desk, Key.Key_Left, 2, Qt.KeyboardModifier.ShiftModifier).tobytes() == tables[2].tobytes()
    )
    start = press_and_rest(desk, Key.Key_Home, 0)
    assert not start.any()
    assert losses(desk) == []
    assert press_and_rest(desk, Key.Key_Right, 1).tobytes() == tables[1].tobytes()


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
    wait(lambda: rests_at(desk.parts, desk.state.run.step))
    reading = desk.state.run.reading
    assert reading is not None
    assert 0 < reading.train - desk.document.floor < 2e-3
    assert reading.sentence in desk.words(desk.training)
    assert reading.sentence.startswith("Converged")
    assert desk.sentences == []


def test_the_gradient_is_the_one_in_the_books(desk: Desk) -> None:
    desk.switch(desk.table, "gradient")
    press_and_rest(desk, Key.Key_Right, 1)
    pairs, size = desk.document.pairs, desk.document.vocab_size
    total = pairs.sum()
    expected = pairs.sum(axis=1, keepdims=True) / total / size - pairs / total  # softmax of zeros is 1 / V
    np.testing.assert_allclose(desk.snapshot.gradients["token"], expected, atol=1e-7)
    assert desk.table.heatmap.value_at(2, 3) == pytest.approx(expected[2, 3], abs=1e-7)


def test_another_context_while_paused(desk: Desk) -> None:
    press_and_rest(desk, Key.Key_Right, 1)
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
    assert desk.window.texts.open_text("banana bandana " * 20)
    wait(lambda: rests_at(desk.parts, 0))
    assert desk.snapshot.tables["token"].shape == (5, 5)
    press_and_rest(desk, Key.Key_Right, 10, Qt.KeyboardModifier.ShiftModifier)
    assert losses(desk) == straight(desk, 10)[0]
    assert desk.sentences == []


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
