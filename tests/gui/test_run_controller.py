"""What happens to the run: it is lost, falls silent, diverges, is replaced; and what a person can do about it."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from test_fake_trainer import Desk

from embedviz.engine import messages as m
from embedviz.engine.client import TrainerGoneError
from embedviz.gui import limits
from embedviz.gui.app import Beginning
from embedviz.gui.controller import SILENCE_S
from embedviz.gui.state import Phase

BANANA = "banana bandana"


# --- beginning --------------------------------------------------------------------------------------


def test_nothing_starts_before_the_window_is_up(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.open_text(BANANA)
    assert desk.worker.starts == 0
    assert [type(command).__name__ for command in desk.worker.sent] == [
        "LoadDataset",
        "StartRun",
        "SetPace",
        "Watch",
    ]
    desk.controller.begin()
    desk.controller.begin()
    assert desk.worker.starts == 1


def test_a_window_that_is_closed_at_once_starts_nothing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    beginning = Beginning(desk.parts)
    desk.window.show()
    desk.window.close()
    desk.window.first_painted.emit()  # was on its way
    assert desk.worker.starts == 0
    assert not desk.worker.isRunning()
    beginning.deleteLater()


def test_what_the_trainer_is_told_first(fresh_desk: Desk) -> None:
    desk = fresh_desk
    (loaded,), (started,) = desk.sent(m.LoadDataset), desk.sent(m.StartRun)
    assert loaded.dataset is desk.document.dataset
    assert started.dataset_key == loaded.key
    assert started.config == desk.state.config
    assert desk.sent(m.SetPace)[-1] == m.SetPace("run-1", 60)
    (watched,) = desk.sent(m.Watch)[-1].contexts.tolist()
    assert watched == desk.state.context_ids.tolist()
    assert len(watched) == 8


def test_a_table_too_large_to_show_is_refused_before_it_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = desk.document.vocab_size
    monkeypatch.setattr(limits, "LARGEST_TABLE_BYTES", 4 * size**2 - 1)
    desk.worker.sent.clear()
    desk.controller.restart(desk.state.config.replace(lr=0.2))
    assert [type(command) for command in desk.worker.sent] == [m.StopRun]
    assert desk.state.run.phase is Phase.REFUSED
    (sentence,) = desk.sentences
    assert sentence.startswith(f"A table of {size} x {size} takes 0 MB, and the window shows none of more than")
    desk.qtbot.waitUntil(lambda: "was not started" in desk.table.heatmap.accessibleDescription())
    desk.press(Qt.Key.Key_Space)
    desk.tokens.edit.setPlainText("cat")
    assert desk.sent(m.Play) == []
    desk.controller.restart(desk.state.config.with_model("mlp"))  # a smaller table
    assert desk.state.run.phase is Phase.WARMING
    assert len(desk.sent(m.StartRun)) == 1
    assert desk.sentences == []


def test_a_text_shorter_than_a_block_has_shorter_contexts(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("the cat sat on the mat")
    desk.controller.restart(desk.state.config.replace(block_size=8))
    assert len(desk.state.context_ids) == 8
    started = desk.answer()
    desk.worker.say(replace(started, config=started.config.replace(block_size=5)))
    assert len(desk.state.context_ids) == 5
    assert desk.sent(m.Watch)[-1].contexts.shape == (1, 5)


def test_started_says_what_runs(fresh_desk: Desk) -> None:
    desk = fresh_desk
    assert desk.state.run.phase is Phase.WARMING
    started = desk.answer()
    run = desk.state.run
    assert run.phase is Phase.PAUSED
    assert (run.parameters, run.floor, run.uniform) == (started.parameters, started.floor, started.uniform)
    assert run.reading == started.reading


def test_only_what_the_vocabulary_has_is_watched(desk: Desk) -> None:
    desk.tokens.edit.setPlainText("cΩt")
    vocabulary = desk.document.tokenizer.vocabulary
    assert desk.sent(m.Watch)[-1].contexts.tolist() == [[vocabulary.index("t")]]
    desk.tokens.edit.setPlainText("Ω")
    assert desk.sent(m.Watch)[-1].contexts.shape == (0, 1)
    desk.tokens.edit.setPlainText("")
    assert desk.sent(m.Watch)[-1].contexts.shape == (0, 1)


# --- another run ------------------------------------------------------------------------------------


def test_settings_start_another_run(desk: Desk) -> None:
    desk.pause(20)
    desk.worker.sent.clear()
    config = desk.state.config.replace(optimizer="sgd", lr=50.0)
    desk.controller.restart(config)
    assert desk.worker.sent[0] == m.StopRun("run-1")
    (started,) = desk.sent(m.StartRun)
    assert (started.run_id, started.config, started.checkpoint) == ("run-2", config, None)
    assert desk.state.run.step == 0
    assert desk.snapshot.step == 0
    assert desk.state.previous is None


def test_late_words_of_an_old_run_change_nothing(desk: Desk) -> None:
    desk.pause(20)
    old = desk.state.record
    assert old is not None
    desk.controller.restart(desk.state.config.replace(seed=2))
    before = desk.state.run, desk.snapshot
    late = [
        m.Playing("run-1", 20),
        m.Paused("run-1", 21, "diverged", "It diverged."),
        m.Failed("run-1", "Watch", "It failed."),
        m.Stopped("run-1"),
        m.Rewound("run-1", 0),
    ]
    for event in late:
        desk.worker.event_received.emit(event)
    assert (desk.state.run, desk.snapshot) == before
    assert desk.sentences == []
    desk.answer()
    desk.show(3)
    assert desk.snapshot.run_id == "run-2"
    assert desk.state.record is not old


def test_a_late_snapshot_of_an_old_run_is_not_shown(desk: Desk) -> None:
    late = desk.show(20)
    desk.controller.restart(desk.state.config.replace(seed=2))
    desk.answer()
    frames: list[int] = []
    desk.state.frame_shown.connect(lambda: frames.append(desk.snapshot.step))
    record = desk.state.record
    assert record is not None
    record.absorb(late)  # in the mailbox, of another run
    desk.qtbot.waitUntil(lambda: record._snapshot is None)  # until it was looked at
    desk.show(1)
    assert frames == [1]


def test_a_run_that_cannot_be_made_says_so(desk: Desk) -> None:
    desk.controller.restart(desk.state.config.replace(seed=2))
    desk.worker.say(m.Failed("run-2", "StartRun", "The trainer ran out of memory.", "traceback"))
    assert desk.sentences == ["The trainer ran out of memory."]
    assert desk.notices.pending[0].details == "traceback"


def test_a_command_that_cannot_be_sent_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_command: m.Command) -> None:
        raise TrainerGoneError("The trainer does not read its commands any more.")

    monkeypatch.setattr(desk.worker, "send", refuse)
    desk.press(Qt.Key.Key_Space)
    assert desk.sentences == ["The trainer does not read its commands any more."]


# --- divergence -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["diverged", "failed"])
def test_a_run_that_went_wrong_says_so(desk: Desk, reason: str) -> None:
    desk.play()
    desk.show(12)
    desk.pause(10, reason, "The learning rate, 1e+06, is too large.", "details")
    assert desk.state.run.phase is Phase.PAUSED
    assert desk.state.run.step == 10
    assert desk.window.notice_bar.sentence == "The learning rate, 1e+06, is too large."
    desk.play()
    assert desk.sentences == []


@pytest.mark.parametrize("reason", ["asked", "step", "converged"])
def test_an_ordinary_end_is_no_notice(desk: Desk, reason: str) -> None:
    desk.play()
    desk.pause(10, reason, "Converged.")
    assert desk.sentences == []
    assert desk.state.run.reason == reason


def test_another_run_takes_the_sentence_about_the_old_one_away(desk: Desk) -> None:
    desk.play()
    desk.pause(10, "diverged", "The learning rate, 1e+06, is too large.")
    desk.controller.restart(desk.state.config.replace(lr=0.1, seed=4))
    assert desk.sentences == []


# --- the trainer is gone ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "how"), [(-9, "signal 9"), (1, "exit code 1"), (None, "exit code unknown")], ids=str
)
def test_a_dead_trainer_is_one_notice_with_a_way_on(desk: Desk, code: int | None, how: str) -> None:
    desk.play()
    checkpoint = desk.checkpoint(1200)
    desk.show(1234)
    before = desk.document, desk.snapshot, desk.state.line
    desk.worker.sent.clear()
    desk.worker.die(code, "Killed")
    assert desk.state.run.phase is Phase.LOST
    sentence = f"The trainer process ended unexpectedly ({how}). Nothing that was open is lost."
    assert desk.sentences == [sentence]
    assert desk.window.notice_bar.sentence == sentence
    assert desk.notices.pending[0].details == "Killed"
    button = desk.child(QPushButton, "noticeAction")
    assert button.text() == "Go on from step 1,200"
    assert (desk.document, desk.snapshot, desk.state.line) == before

    desk.click(button)
    assert desk.worker.isRunning()
    assert desk.sentences == []
    (loaded,), (started,) = desk.sent(m.LoadDataset), desk.sent(m.StartRun)
    assert loaded.key == started.dataset_key  # the new process knows no text yet
    assert started.run_id == "run-1"
    assert started.checkpoint is checkpoint
    assert desk.state.run.phase is Phase.WARMING
    desk.answer(1200)
    desk.show(1200)
    assert desk.state.run.phase is Phase.PAUSED
    assert desk.state.run.step == 1200


def test_the_losses_up_to_the_checkpoint_are_kept(desk: Desk) -> None:
    desk.lose(0, *np.linspace(3, 2, 50))
    desk.checkpoint(30)
    desk.worker.die()
    desk.click_notice()
    desk.answer(30)
    assert desk.state.record is not None
    assert desk.state.record.losses.series(0, 100, 100).steps.tolist() == list(range(30))


def test_a_trainer_that_dies_before_it_was_warm_begins_again(fresh_desk: Desk) -> None:
    desk = fresh_desk
    desk.worker.die(1, "ImportError: torch")
    assert desk.child(QPushButton, "noticeAction").text() == "Go on from step 0"
    desk.click_notice()
    assert desk.worker.starts == 2
    assert desk.sent(m.StartRun)[-1].checkpoint is None
    desk.answer()
    assert desk.state.run.phase is Phase.PAUSED


def test_space_starts_another_trainer_too(desk: Desk) -> None:
    desk.worker.die()
    desk.press(Qt.Key.Key_Space)
    assert desk.worker.isRunning()
    assert desk.state.run.phase is Phase.WARMING
    assert desk.sentences == []


@pytest.mark.parametrize("dismissed", [True, False], ids=["dismissed", "pending"])
@pytest.mark.parametrize("what", ["text", "settings"])
def test_another_run_after_the_trainer_died_gets_a_trainer(desk: Desk, what: str, dismissed: bool) -> None:
    desk.checkpoint(30)
    desk.worker.die()
    if dismissed:
        desk.click(desk.child(QPushButton, "noticeDismiss"))
    desk.worker.sent.clear()
    if what == "text":
        desk.open_text(BANANA)
    else:
        desk.controller.restart(desk.state.config.replace(seed=3))
    assert desk.worker.isRunning()
    assert desk.sentences == []  # no way back to a step of another run
    (loaded,), (started,) = desk.sent(m.LoadDataset), desk.sent(m.StartRun)
    assert (started.dataset_key, started.checkpoint) == (loaded.key, None)
    desk.answer()
    assert desk.state.run.phase is Phase.PAUSED


def test_a_lost_run_takes_no_steps(desk: Desk) -> None:
    desk.pause(20)
    desk.worker.die()
    desk.worker.sent.clear()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Home):
        desk.press(key)
    desk.controller.go_to(3)
    assert desk.worker.sent == []


def test_a_lost_run_can_still_be_looked_at(desk: Desk) -> None:
    desk.show(20)
    desk.worker.die()
    desk.switch(desk.table, "softmax")
    desk.focus(desk.tokens.chips)
    desk.press(Qt.Key.Key_Home)
    assert "step 20" in desk.words(desk.table)
    assert desk.state.selected == 0


# --- the trainer is silent --------------------------------------------------------------------------


def fall_silent(desk: Desk) -> None:
    desk.worker.last_heard = time.monotonic() - SILENCE_S - 1


def test_a_silent_trainer_is_said_to_be_so_and_can_be_ended(desk: Desk) -> None:
    desk.play()
    assert desk.sentences == []
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    assert desk.sentences == ["The trainer has said nothing for 5 seconds: a step may be a long one."]
    button = desk.child(QPushButton, "noticeAction")
    assert button.text() == "End it"
    desk.click(button)
    assert desk.worker.kills == 1
    desk.worker.die()
    (sentence,) = desk.sentences
    assert "ended unexpectedly" in sentence


def test_a_trainer_that_speaks_again_is_not_called_silent(desk: Desk) -> None:
    desk.play()
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    desk.lose(0, 3.0)
    desk.qtbot.waitUntil(lambda: not desk.sentences)
    assert not desk.window.notice_bar.isVisible()


def test_a_silent_trainer_that_dies_is_said_to_be_dead_and_no_longer_silent(desk: Desk) -> None:
    desk.play()
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    desk.worker.die()
    (sentence,) = desk.sentences
    assert "ended unexpectedly" in sentence


def test_a_paused_trainer_may_be_silent(desk: Desk) -> None:
    desk.play()
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))
    desk.worker.event_received.emit(m.Paused("run-1", 3, "asked"))
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: not desk.sentences)


def test_a_step_that_is_long_can_be_ended_while_pausing(desk: Desk) -> None:
    desk.play()
    desk.press(Qt.Key.Key_Space)
    assert desk.state.run.phase is Phase.PAUSING
    fall_silent(desk)
    desk.qtbot.waitUntil(lambda: bool(desk.sentences))


# --- details ----------------------------------------------------------------------------------------


def test_details_are_for_the_curious(desk: Desk) -> None:
    desk.worker.die(1, "Traceback: out of memory")
    (button,) = (b for b in desk.window.notice_bar.findChildren(QPushButton) if b.text() == "Details")
    assert button.isVisible()
    assert "Traceback" not in desk.words(desk.window)
    desk.click(button)
    (box,) = desk.window.findChildren(QMessageBox)
    assert box.detailedText() == "Traceback: out of memory"
    with desk.qtbot.waitSignal(box.destroyed):
        box.close()


def test_a_notice_without_details_or_action_has_no_dead_buttons(desk: Desk) -> None:
    desk.worker.say(m.Failed("run-1", "Watch", "Something failed."))
    shown = [b.text() for b in desk.window.notice_bar.findChildren(QPushButton) if b.isVisible()]
    assert shown == ["Dismiss"]


def test_a_run_that_is_refused_does_not_warm_up_for_ever(desk: Desk) -> None:
    desk.worker.event_received.emit(m.Failed(desk.state.run.run_id, "StartRun", "A table would take 10.1 GB."))
    assert desk.state.run.phase is Phase.REFUSED
    assert desk.window.notice_bar.sentence == "A table would take 10.1 GB."
    assert Phase.REFUSED.value in desk.words(desk.window.statusBar())
