"""Initialisation and forward pass: what each counts, what each does, and when it cannot be done."""

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox
from test_fake_trainer import Desk
from window_tables import TIME, show_step, to_windows

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui.acts import rows_a_step
from embedviz.gui.contexts import looked_up_ids

LIST = "anna\nemma\nolivia\nmia\n" * 6


def answer_pass(desk: Desk, change: float = 0.0) -> m.Predict:
    """Let the trainer answer the forward pass that was asked for last."""
    asked = desk.sent(m.Predict)[-1]
    logits = np.zeros(desk.document.vocab_size)
    desk.worker.say(m.Predicted(asked.run_id, asked.request, 0, logits, change))
    return asked


def test_they_are_there_for_models_that_read_windows_alone(desk: Desk) -> None:
    assert not desk.table.acts.isVisible()
    to_windows(desk)
    assert desk.table.acts.isVisible()
    desk.controller.restart(desk.state.config.with_model("mlp"))
    desk.answer()
    assert not desk.table.acts.isVisible()


def test_another_roll_is_a_run_from_the_next_seed(desk: Desk) -> None:
    config = to_windows(desk, seed=41)
    show_step(desk, 0)
    assert desk.table.acts.words[0] == "made once · seed 41"
    desk.click(desk.table.acts.re_roll)
    assert desk.sent(m.StartRun)[-1].config == config.replace(seed=42)
    desk.answer()
    assert desk.table.acts.words[0] == "made 2 times · seed 42"


def test_the_highest_seed_is_followed_by_the_lowest(desk: Desk) -> None:
    to_windows(desk, seed=2**32 - 1)
    desk.click(desk.table.acts.re_roll)
    assert desk.sent(m.StartRun)[-1].config.seed == 0


def test_another_model_and_another_text_are_made_for_the_first_time(desk: Desk) -> None:
    to_windows(desk)
    desk.controller.restart(desk.state.config.replace(lr=0.5))
    desk.answer()
    assert desk.table.acts.times == 2
    to_windows(desk, "transformer")
    assert desk.table.acts.times == 1
    desk.open_text("another text, of other characters! " * 9)
    desk.answer()
    assert desk.table.acts.times == 1


def test_going_on_after_a_death_makes_no_tables(desk: Desk) -> None:
    to_windows(desk)
    desk.checkpoint(5)
    desk.worker.die()
    desk.controller.resume()
    desk.answer(5)
    assert desk.table.acts.times == 1


def test_rows_are_counted_by_steps_and_by_passes(desk: Desk) -> None:
    to_windows(desk, batch_size=32)
    show_step(desk, 120)
    words = desk.table.acts.words
    assert words[1] == f"{32 * TIME} rows a step × 120 steps = {32 * TIME * 120:,}"
    assert words[2] == "only reads the tables"
    desk.click(desk.table.acts.forward)
    assert desk.table.acts.by_you == 0  # nothing counts before it was done
    asked = answer_pass(desk)
    assert asked.check
    np.testing.assert_array_equal(asked.context, desk.state.context_ids)
    rows = len(looked_up_ids(desk.state))
    assert desk.table.acts.words[1].endswith(f", {rows} by you")
    assert desk.table.acts.words[2] == "tables changed by 0"


def test_a_change_is_told_and_is_not_forgotten(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 3)
    for change in (0.25, 0.0):
        desk.click(desk.table.acts.forward)
        answer_pass(desk, change)
    assert desk.table.acts.words[2] == "tables changed by 0.250"


def test_answers_to_others_count_for_nothing(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 3)
    desk.click(desk.table.acts.forward)
    asked = desk.sent(m.Predict)[-1]
    assert asked.request < 0  # the sampler counts up from 1
    other = m.Predicted(asked.run_id, asked.request - 1, 3, np.zeros(desk.document.vocab_size), 0.0)
    desk.worker.say(other)
    assert desk.table.acts.by_you == 0
    answer_pass(desk)
    desk.worker.say(m.Predicted(asked.run_id, asked.request, 3, np.zeros(desk.document.vocab_size), 0.0))
    assert desk.table.acts.by_you == len(looked_up_ids(desk.state))  # once


def test_while_training_runs_a_pass_says_why_it_cannot_be_made(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 3)
    assert desk.table.acts.forward.isEnabled()
    desk.play()
    assert not desk.table.acts.forward.isEnabled()
    assert "Pause first" in desk.table.acts.forward.toolTip()


def test_without_a_context_a_pass_says_what_is_missing(desk: Desk) -> None:
    to_windows(desk)
    show_step(desk, 3)
    desk.tokens.edit.setPlainText("")
    assert not desk.table.acts.forward.isEnabled()
    assert "Select a token" in desk.table.acts.forward.toolTip()


def test_in_a_list_another_seed_asks_for_the_text_to_be_split_anew(desk: Desk) -> None:
    desk.see(lambda: desk.texts.open_text(LIST))
    desk.answer()
    desk.see(lambda: desk.texts.set_per_line(True))
    config = to_windows(desk)
    assert config.per_line
    started = len(desk.sent(m.StartRun))
    with desk.qtbot.waitSignal(desk.table.recut_wanted) as asked:
        desk.click(desk.table.acts.re_roll)
    assert asked.args == [config.replace(seed=config.seed + 1)]
    assert not desk.document.fits(asked.args[0])
    assert len(desk.sent(m.StartRun)) == started


def open_list(desk: Desk) -> RunConfig:
    """Open a list, and let a model that reads windows stand at step 0 of a run on it."""
    desk.see(lambda: desk.texts.open_text(LIST))
    desk.answer()
    desk.see(lambda: desk.texts.set_per_line(True))
    return to_windows(desk)


def test_on_a_list_too_tables_are_counted_whatever_the_split(desk: Desk) -> None:
    config = open_list(desk)
    show_step(desk, 0)
    assert desk.table.acts.words[0] == f"made once · seed {config.seed}"
    key = desk.document.key
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.click(desk.table.acts.re_roll)
    desk.answer()
    assert desk.document.key != key  # the items are split otherwise
    assert desk.table.acts.words[0] == f"made 2 times · seed {config.seed + 1}"
    desk.open_text(LIST.replace("mia", "pia"))
    desk.answer()
    assert desk.table.acts.times == 1


def test_while_a_run_is_under_way_tables_are_made_anew_at_once(desk: Desk) -> None:
    config = to_windows(desk)
    show_step(desk, 500)
    desk.play()
    desk.click(desk.table.acts.re_roll)
    assert desk.sent(m.StartRun)[-1].config == config.replace(seed=config.seed + 1)


def test_on_a_list_too_nobody_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words))
    config = open_list(desk)
    show_step(desk, 500)
    desk.play()
    desk.click(desk.table.acts.re_roll)
    run_id = desk.state.run.run_id
    assert desk.sent(m.Pause)[-1].run_id == run_id
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.worker.say(m.Paused(run_id, 501, "asked", "", ""))
    assert asked == []
    assert desk.sent(m.StartRun)[-1].config == config.replace(seed=config.seed + 1)


def test_a_run_that_was_replaced_meanwhile_is_not_re_rolled(desk: Desk) -> None:
    config = open_list(desk)
    show_step(desk, 500)
    desk.play()
    desk.click(desk.table.acts.re_roll)
    recut = []
    desk.table.recut_wanted.connect(recut.append)
    desk.controller.restart(config.replace(lr=0.5))
    desk.answer()
    assert recut == []
    assert desk.state.config.seed == config.seed


@pytest.mark.parametrize("width", [700, 420, 300, 260])
def test_where_there_is_little_room_words_give_way_and_numbers_do_not(desk: Desk, width: int) -> None:
    to_windows(desk, batch_size=1000)
    show_step(desk, 12_345)
    acts, each = desk.table.acts, 1000 * TIME
    acts.by_you = 8
    full = f"{each:,} rows a step × 12,345 steps = {each * 12_345:,}, 8 by you"
    shortest = f"{each:,} × 12,345 = {each * 12_345:,}, 8 by you"
    label = acts._words[1]
    label.setFixedWidth(width)
    desk.qtbot.waitUntil(lambda: label.width() == width)
    acts._show()
    assert label.fontMetrics().horizontalAdvance(acts.words[1]) <= width or acts.words[1] == shortest
    assert acts.words[1].startswith(f"{each:,}")
    assert acts.words[1].endswith(f" = {each * 12_345:,}, 8 by you")
    assert label.toolTip() == full
    assert (acts.words[1] == full) == (label.fontMetrics().horizontalAdvance(full) <= width)


@pytest.mark.parametrize(("batch_size", "rows"), [(32, 32 * 8), (0, 99)])
def test_rows_a_step(batch_size: int, rows: int) -> None:
    config = RunConfig().with_model("transformer").replace(batch_size=batch_size)
    assert rows_a_step(config, 100) == rows
