"""What the self-test is made of: it sees what is blank, and a check that fails says of what and always ends."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui import self_test
from embedviz.gui.app import ErrorHook
from embedviz.gui.notices import Notice
from embedviz.gui.self_tests import meeting, of_trainer, of_window
from embedviz.gui.self_tests.meeting import NoDialogError, meet
from embedviz.gui.self_tests.painted import BlankError, not_blank, paint_of, painted
from embedviz.gui.self_tests.trial import Check, Trial
from embedviz.gui.state import Phase

# --- what is painted -------------------------------------------------------------------------------------


def test_what_is_blank_is_found_to_be(qtbot: QtBot) -> None:
    blank, words = QWidget(), QLabel("The fox and the crow, 12,345 times")
    for widget in (blank, words):
        qtbot.addWidget(widget)
        widget.resize(300, 60)
    with pytest.raises(BlankError) as refusal:
        painted("The panel", blank)
    assert refusal.value.sentence.startswith("The panel is blank: 1 colours, and 100.00% of 300 x 60 pixels")
    assert painted("The words", words).colours > 12


def test_a_picture_of_few_colours_or_of_few_pixels_is_blank() -> None:
    image = QImage(103, 50, QImage.Format.Format_RGB32)  # whose lines are no multiple of anything
    image.fill(Qt.GlobalColor.white)
    for x in range(103):
        for y in range(10):
            image.setPixel(x, y, 0xFF000000 + x % 5)
    found = paint_of(image)
    assert (found.colours, found.share, found.lightness) == (6, 0.8, 1.0)
    assert found.is_blank  # a fifth of it is painted, but in next to no colours
    for x in range(20):
        image.setPixel(x, 0, 0xFF00FF00 + x)
    assert not not_blank("It", image).is_blank
    image.fill(Qt.GlobalColor.black)
    for x in range(20):
        image.setPixel(x, 0, 0xFF00FF00 + x)
    assert paint_of(image).is_blank  # in many colours, but next to nothing
    assert paint_of(image).lightness == 0.0
    assert paint_of(QImage()).is_blank


@pytest.fixture
def attempt(fresh_desk: Desk, tmp_path: Path) -> Iterator[Trial]:
    """Give a trial of a window whose trainer is a fake one, which has said nothing yet."""
    hook = ErrorHook(fresh_desk.notices)
    made = Trial(fresh_desk.parts, hook, tmp_path)
    yield made
    hook.restore()


def test_a_panel_in_the_wrong_colours_is_noticed(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt.theme, "set_mode", lambda _mode: None)
    checks = {check.name: check for check in of_window.checks()}
    result = attempt.perform(checks["window side by side, dark"])
    assert result.error.startswith("The panel ‘Tokens’ is not dark: its lightness is ")


# --- how a check fails -----------------------------------------------------------------------------------


def check_of(run: Callable[[Trial], None]) -> Check:
    return Check("it", run, needs_trainer=False)


def test_whatever_a_check_raises_is_a_sentence_and_the_next_one_runs(attempt: Trial) -> None:
    def divide(at: Trial) -> None:
        at.note(steps=3, loss=float("nan"), rate=0.123456789)
        at.note(share=1 / 0)

    result = attempt.perform(check_of(divide))
    assert (result.ok, result.error) == (False, "ZeroDivisionError: division by zero.")
    assert result.numbers == {"steps": 3, "loss": None, "rate": 0.123457}
    after = attempt.perform(check_of(lambda at: at.note(steps=4)))
    assert (after.ok, after.error, after.numbers) == (True, "", {"steps": 4})


def test_an_error_that_nobody_caught_fails_the_check(attempt: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LookupError("in a slot")

    def wait_for_nothing(at: Trial) -> None:
        QTimer.singleShot(0, fail)
        at.wait("what never comes", lambda: False)

    result = attempt.perform(check_of(wait_for_nothing))
    assert result.error.startswith("What never comes did not come.")  # at once, not after all the patience
    assert "(LookupError: in a slot)" in result.error
    assert "LookupError: in a slot" in capsys.readouterr().err


def test_a_refused_run_fails_at_once_with_what_the_window_says(attempt: Trial) -> None:
    def wait_for_nothing(at: Trial) -> None:
        at.notices.show(Notice("There is no room.", "Traceback\nMemoryError: 9 GB\n", topic="run"))
        at.wait("a run", lambda: False)

    result = attempt.perform(check_of(wait_for_nothing))
    assert result.error == "A run did not come. There is no room. (MemoryError: 9 GB)"


def test_a_run_with_a_loss_that_is_no_number_fails(desk: Desk, attempt: Trial) -> None:
    desk.state.update_run(phase=Phase.PAUSED, reading=None)
    assert attempt.perform(check_of(lambda at: [at.loss()])).error == "The loss at step 0 is no number."


def test_when_time_is_over_the_rest_is_not_tried(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_deadline", 0.0)
    tried: list[Trial] = []
    result = attempt.perform(check_of(tried.append))
    assert result.error == "Not tried: all of it may take 300 s, and they are over."
    assert tried == []


# --- dialogs, processes, the clipboard -------------------------------------------------------------------


@pytest.mark.parametrize("waits", [True, False])
def test_a_dialog_is_looked_at_until_it_is_ready_and_closed(qtbot: QtBot, waits: bool) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    looks: list[QDialog] = []
    meet(dialog.exec if waits else dialog.open, lambda found: looks.append(found) or len(looks) == 3)
    assert looks == [dialog] * 3
    assert not dialog.isVisible()


def test_a_dialog_that_does_not_come_or_shows_nothing_is_a_sentence(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meeting, "PATIENCE_S", 0.1)
    with pytest.raises(NoDialogError) as refusal:
        meet(lambda: None, lambda _found: True)
    assert refusal.value.sentence == "No dialog opened in 0 s."
    dialog = QDialog(windowTitle="Keys")
    qtbot.addWidget(dialog)
    with pytest.raises(NoDialogError) as refusal:
        meet(dialog.exec, lambda _found: False)
    assert refusal.value.sentence == "‘Keys’ did not show what it should in 0 s."
    with pytest.raises(ZeroDivisionError):
        meet(dialog.exec, lambda _found: bool(1 / 0))
    assert not dialog.isVisible()


def test_a_process_is_known_to_run_or_not() -> None:
    assert of_trainer.is_running(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not of_trainer.is_running(ended.pid)


@pytest.mark.parametrize("held", ["what was copied before", ""])
def test_the_clipboard_has_its_text_again(qtbot: QtBot, held: str) -> None:
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(held)
    with self_test._as_found():
        clipboard.setText("of the self-test")
    assert clipboard.text() == held


def test_small_runs_are_valid_for_every_model() -> None:
    from embedviz.gui.self_tests.of_runs import small

    for model in catalog.MODELS:
        config = small(model, optimizer="sgd", schedule="cosine")
        assert isinstance(config, RunConfig)
        assert config.lr == catalog.MODELS[model].rates["sgd"]
