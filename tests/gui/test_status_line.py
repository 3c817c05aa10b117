"""The line at the foot of the window: what the trainer does, with what, and on what."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from test_fake_trainer import Desk

from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.gui.state import Phase, RunStatus
from embedviz.gui.status import device_in_words, how_in_words
from embedviz.gui.widgets import ElidedLabel, LiveLabel


def parts(desk: Desk) -> list[str]:
    """Return what is said beside the phase, part by part."""
    text = desk.child(LiveLabel, "statusText").text()
    return text.split("     ") if text else []


def phase(desk: Desk) -> LiveLabel:
    return desk.child(LiveLabel, "statusPhase")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "seed 1337"),
        ({"seed": 0}, "seed 0"),
        ({"clip": 1.0}, "seed 1337, clipped at 1"),
        ({"clip": 0.25, "seed": 7}, "seed 7, clipped at 0.25"),
        ({"schedule": "cosine", "schedule_steps": 500}, "seed 1337, rate warm-up + cosine"),
        ({"model": "mlp", "freeze_embeddings": True, "tie": True}, "seed 1337, table frozen"),
        (
            {"model": "token-position", "tie": True, "clip": 1.0},
            "seed 1337, learned positions, head tied, clipped at 1",
        ),
        (
            {"model": "transformer", "position": "none", "residual_init": "zero", "n_embd": 32},
            "seed 1337, no positions, residual start zero",
        ),
        (
            {"model": "llama", "position": "rope", "scale_embeddings": True, "n_embd": 32},
            "seed 1337, rope positions, rows × √c",
        ),
        (
            {"model": "transformer", "residual_init": "zero", "n_layer": 0, "n_embd": 32},
            "seed 1337, learned positions",
        ),
    ],
)
def test_what_the_top_bar_does_not_say_of_a_run(changes: dict[str, object], words: str) -> None:
    assert how_in_words(RunConfig(**changes)).lower() == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "threads", "choice", "words"),
    [
        ("cpu", 1, "", "CPU, 1 thread"),
        ("cpu", 4, "", "CPU, 4 threads"),
        ("cuda", 1, "", "CUDA"),
        ("mps", 1, "", "MPS"),
        ("cpu", 1, "CPU, 1 thread: the only one here.", "CPU, 1 thread: the only one here"),
        ("cuda", 1, "CUDA: fastest of 2 measured (CPU 5 steps/s).", "CUDA: fastest of 2 measured (CPU 5 steps/s)"),
    ],
)
def test_where_a_run_computes_and_why(device: str, threads: int, choice: str, words: str) -> None:
    config = RunConfig(device=device, threads=threads)
    assert device_in_words(RunStatus(config=config, choice=choice)) == words


def test_before_the_trainer_answers_only_the_text_is_known(fresh_desk: Desk) -> None:
    dataset = fresh_desk.document.dataset
    assert phase(fresh_desk).text() == "Warming up"
    assert parts(fresh_desk) == [
        f"{len(dataset.train_ids):,} tokens to train on, {len(dataset.val_ids):,} held out"
    ]


def test_all_of_it_in_order(desk: Desk) -> None:
    size, dataset = desk.document.vocab_size, desk.document.dataset
    assert phase(desk).text() == "Paused"
    assert parts(desk) == [
        f"{size**2:,} weights",
        f"{len(dataset.train_ids):,} tokens to train on, {len(dataset.val_ids):,} held out",
        "seed 1337",
        "CPU, 1 thread: the only one here",
    ]


def test_what_hands_changed_comes_first(desk: Desk) -> None:
    before = parts(desk)
    edits = (
        HandEdit("cell", "token", 3, 5, 1.0, step=0),
        HandEdit("freeze", "token", 4, step=0),
    )
    desk.worker.say(m.Edited("run-1", 0, edits, False))
    label = desk.document.tokenizer.labels[4]
    assert parts(desk) == [f"1 cell changed, row ‘{label}’ frozen by hand", *before]
    desk.worker.say(m.Edited("run-1", 0, (), True))  # taken back
    assert parts(desk) == before


def test_what_a_run_that_moved_computes_on(desk: Desk) -> None:
    started = desk.answer()
    config = started.config.replace(device="cuda")
    choice = "CUDA: fastest of 2 measured (CPU 5 steps/s)."
    desk.worker.say(m.Started(**{**vars(started), "config": config, "choice": choice}))
    assert choice.rstrip(".") in parts(desk)
    moved = m.Moved("run-1", started.config, 20, "The device ran out of memory: the CPU goes on.", "")
    desk.worker.say(moved)
    assert "CPU, 1 thread" in parts(desk)  # that choice is no longer true


def test_another_run_forgets_how_the_last_one_was_chosen(desk: Desk) -> None:
    desk.controller.restart(desk.state.config.replace(device="cpu", threads=2, seed=7))
    assert not any("weights" in part or "only one" in part for part in parts(desk))
    desk.answer()
    assert parts(desk)[2:] == ["seed 7", "CPU, 2 threads"]


@pytest.mark.parametrize(
    ("is_in", "colour"),
    [
        (Phase.WARMING, "warning"),
        (Phase.PAUSED, "muted"),
        (Phase.PLAYING, "good"),
        (Phase.PAUSING, "warning"),
        (Phase.LOST, "bad"),
        (Phase.REFUSED, "muted"),
    ],
)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_phase_has_its_word_and_its_colour(desk: Desk, mode: str, is_in: Phase, colour: str) -> None:
    desk.theme.set_mode(mode)
    desk.state.update_run(phase=is_in)
    assert phase(desk).text() == is_in.value
    assert phase(desk).dot == desk.theme.colour(colour)


def test_the_colour_follows_the_theme(desk: Desk) -> None:
    desk.play()
    for mode in ("dark", "light"):
        desk.theme.set_mode(mode)
        assert phase(desk).dot == desk.theme.colour("good")


def test_playing_that_waits_for_the_trainer_is_said(fresh_desk: Desk) -> None:
    fresh_desk.press(Qt.Key.Key_Space)
    waits = fresh_desk.child(QLabel, "statusWaits")
    assert phase(fresh_desk).text() == "Warming up"
    assert waits.text() == "(starts when the trainer is warm)"
    assert waits.isVisible()
    fresh_desk.press(Qt.Key.Key_Space)
    assert not waits.isVisible()


def test_what_was_said_while_waiting_takes_no_room_afterwards(fresh_desk: Desk) -> None:
    text = fresh_desk.child(LiveLabel, "statusText")
    before = text.x()
    fresh_desk.press(Qt.Key.Key_Space)
    fresh_desk.qtbot.waitUntil(lambda: text.x() > before + 100)
    fresh_desk.answer()
    fresh_desk.play()
    fresh_desk.qtbot.waitUntil(lambda: text.x() <= before)


def test_another_text_counts_its_own_tokens(desk: Desk) -> None:
    desk.open_text("banana bandana " * 20)
    assert parts(desk)[-1] == "270 tokens to train on, 30 held out"


def test_a_long_line_gives_way(desk: Desk) -> None:
    before = desk.window.minimumSizeHint().width()
    desk.state.update_run(choice="x" * 2000 + ".")
    assert desk.window.minimumSizeHint().width() == before
    label = desk.child(LiveLabel, "statusText")
    assert isinstance(label, ElidedLabel)  # all of it is in its tool tip
    assert label.width() <= desk.window.width()
