"""Copy as command and as PyTorch: what lands on the clipboard, and what the window says of it."""

import shlex
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from test_fake_trainer import Desk

from embedviz import catalog
from embedviz.edits import HandEdit
from embedviz.files import resource

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20."""
    desk.pause(20)
    desk.worker.sent.clear()
    return desk


def copied(desk: Desk, key: Qt.Key) -> str:
    desk.press(key, CTRL | SHIFT)
    return QGuiApplication.clipboard().text()


def test_a_run_is_copied_as_a_command(at_20: Desk, tmp_path: Path) -> None:
    line = copied(at_20, Key.Key_C)
    assert line == "embedviz train --text text.txt --steps 20"  # without the device, which the window chose
    save = "Save the text as text.txt first, where you run it: it is in no file."
    assert at_20.sentences == [f"Copied: {line} {save}"]
    path = tmp_path / "my text.txt"
    path.write_text("banana bandana\n" * 30)
    at_20.see(lambda: at_20.texts.open_path(path))
    at_20.texts.apply(at_20.state.config.with_model("llama").replace(n_embd=16, tie=True, lr=0.01))
    line = copied(at_20, Key.Key_C)
    words = "--model llama --n-embd 16 --tie --lr 0.01 --steps 1000"  # which is none taken yet
    assert line == f"embedviz train --text {shlex.quote(str(path))} {words}"
    assert at_20.sentences[-1] == f"Copied: {line}"


def test_a_device_is_copied_if_it_was_chosen(desk: Desk) -> None:
    desk.texts.apply(desk.state.config.replace(device="cpu", threads=2))
    assert copied(desk, Key.Key_C).endswith("--threads 2")
    desk.texts.apply(desk.state.config.replace(threads=0))
    assert "--threads" not in copied(desk, Key.Key_C)  # as many as were fastest here


def test_a_sample_is_copied_by_its_name(desk: Desk) -> None:
    desk.see(lambda: desk.texts.open_sample("names"))
    line = copied(desk, Key.Key_C)
    assert "--text sample:names --steps 1000" in line
    assert "per-line" not in line
    assert desk.sentences[-1] == f"Copied: {line}"
    desk.see(lambda: desk.texts.set_per_line(False))
    assert "--text sample:names --no-per-line" in copied(desk, Key.Key_C)


def test_the_script_of_a_sample_reads_the_file_that_came_with_the_app(desk: Desk) -> None:
    desk.see(lambda: desk.texts.open_sample("names"))
    path = resource(catalog.SAMPLES["names"].file)
    assert f"else {str(path)!r}\n".replace("'", '"') in copied(desk, Key.Key_P)


def test_a_script_has_the_threads_of_the_run_whoever_chose_them(desk: Desk) -> None:
    desk.see(lambda: desk.texts.open_sample("fables"))
    run = desk.state.run.config.replace(device="cpu", threads=2)
    desk.state.update_run(config=run)
    assert "torch.set_num_threads(2)" in copied(desk, Key.Key_P)
    assert "--threads" not in copied(desk, Key.Key_C)
    desk.state.update_run(config=run.replace(device="cuda:0", threads=4))  # which the script does without
    assert "torch.set_num_threads(1)" in copied(desk, Key.Key_P)


def test_whoever_copies_a_text_that_is_in_no_file_reads_which_to_save(at_20: Desk) -> None:
    script = copied(at_20, Key.Key_P)
    assert 'else "text.txt"' in script
    assert at_20.sentences[-1].endswith("Save the text as text.txt first, where you run it: it is in no file.")


def test_what_was_changed_by_hand_is_not_in_a_copy(desk: Desk) -> None:
    desk.pause(3)
    desk.state.update_run(edits=(HandEdit("freeze", "token", 0, step=3),))
    copied(desk, Key.Key_C)
    assert desk.sentences[-1].endswith("What was changed by hand is not in it.")


@pytest.mark.parametrize("model", catalog.MODELS)
def test_a_run_is_copied_as_pytorch(model: str, desk: Desk) -> None:
    desk.see(lambda: desk.texts.open_sample("fables"))
    desk.texts.apply(desk.state.config.with_model(model))
    desk.qtbot.waitUntil(lambda: not desk.texts.busy)
    script = copied(desk, Key.Key_P)
    compile(script, "copied", "exec")
    assert "import torch" in script
    assert "embedviz" not in "".join(line for line in script.splitlines() if "import" in line)
    lines = script.count("\n")
    title = catalog.MODELS[model].title
    assert desk.sentences[-1] == f"Copied: {title} as a PyTorch script, {lines} lines of Python."
