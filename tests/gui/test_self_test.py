"""`embedviz --self-test`: the whole of it as a process, and that it can fail, says of what, and always ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import qWarning
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from embedviz import __version__, catalog
from embedviz.cli import main
from embedviz.engine import client
from embedviz.errors import EmbedvizError
from embedviz.gui import self_test
from embedviz.gui.panels.training import CHARTS
from embedviz.gui.self_test import run_self_test
from embedviz.gui.self_tests import of_texts, of_trainer, of_window, trial
from embedviz.gui.self_tests.trial import Result
from embedviz.gui.table_view import MODES

FACTS = (
    "embedviz",
    "ok",
    "packaged",
    "platform",
    "system",
    "python",
    "qt",
    "pyside",
    "torch",
    "device",
    "seconds",
)
NO_TRAINER = [sys.executable, "-c", "import sys; sys.exit('no torch in sight')"]
SILENT_TRAINER = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def of_catalogue() -> set[str]:
    """Return the names of the checks that the catalogue asks for."""
    tables = {
        "model": catalog.MODELS,
        "start": catalog.STARTS,
        "layer start": catalog.LAYER_STARTS,
        "residual start": catalog.RESIDUAL_INITS,
        "position": catalog.POSITIONS,
        "optimizer": catalog.OPTIMIZERS,
        "schedule": catalog.SCHEDULES,
        "switch": catalog.SWITCHES,
        "tokenizer": catalog.TOKENIZERS,
        "sample": catalog.SAMPLES,
        "table": {mode for mode, _, _ in MODES},
        "chart": {chart for chart, _, _ in CHARTS},
    }
    return {f"{title} {name}" for title, table in tables.items() for name in table}


def read(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the report, and its checks by name."""
    report = json.loads(path.read_text(encoding="utf-8"))
    assert tuple(report) == (*FACTS, "checks")
    return report, {check["name"]: check for check in report["checks"]}


def pictures(checks: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names of the checks that the window is painted, which need no trainer."""
    return {name for name in checks if name.startswith("window ") and ", " in name}


# --- all of it -------------------------------------------------------------------------------------------


def test_everything_works_here(tmp_path: Path, home: Path) -> None:
    out = tmp_path / "a folder" / "self-test.json"
    command = [sys.executable, "-m", "embedviz", "--self-test", "--out", str(out)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=360, check=False)
    report, checks = read(out)
    assert [check for check in checks.values() if not check["ok"]] == []
    assert (done.returncode, done.stdout, report["ok"]) == (0, "", True)
    assert "Traceback" not in done.stderr
    assert (report["embedviz"], report["packaged"], report["platform"]) == (__version__, False, "offscreen")
    assert report["torch"]
    assert report["device"]
    assert list(out.parent.iterdir()) == [out]
    assert not [path for path in home.rglob("*.ini") if path.is_file()]  # nobody's settings are touched

    assert not [path for path in home.rglob("*.log") if path.is_file()]  # nor does a crash leave anything there
    assert list(Path.cwd().glob("core*")) == []

    assert len(checks) == len(report["checks"])
    assert list(checks)[-2:] == ["window without torch", "style sheets and pictures"]  # told at the end of it all
    assert of_catalogue() <= set(checks)
    assert all(check["error"] == "" and check["seconds"] >= 0 for check in checks.values())
    for name in catalog.MODELS:
        numbers = checks[f"model {name}"]["numbers"]
        assert numbers["step"] == 100
        assert numbers["loss"] < numbers["loss_at_start"]
        assert numbers["phases"] > 3
        assert numbers["written"] > 0
        assert all(numbers[f"{view} changed"] > 0.1 for view in ("table", "bars", "curve"))
    for name, entry in catalog.STARTS.items():
        losses = {key for key in checks[f"start {name}"]["numbers"] if key.endswith(" loss")}
        assert losses == {f"{model} loss" for model in catalog.MODELS if entry.suits(model)}
    assert checks["tokenizer subword"]["numbers"]["merges"] == of_texts.VOCAB_SIZE - 256
    replaced = checks["trainer replaced"]["numbers"]
    assert replaced["step"] == of_trainer.KILLED_AT + of_trainer.FEW
    assert replaced["killed"] == checks["trainer starts"]["numbers"]["pid"] != replaced["pid"]
    assert checks["end"]["numbers"] == {"trainers": 2, "unasked_ends": 0}
    for form in of_window.FORMS:
        for mode in of_window.MODES:
            numbers = checks[f"window {form}, {mode}"]["numbers"]
            assert numbers["tabs"] == (form == "in tabs")
            assert all(numbers[f"{title} share"] < 0.99 for title in of_window.PANELS)


# --- a trainer that does not work ------------------------------------------------------------------------


def test_without_a_trainer_it_says_what_does_not_work(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "trainer_command", lambda: NO_TRAINER)
    assert run_self_test(tmp_path / "out.json") == 1
    report, checks = read(tmp_path / "out.json")
    assert not report["ok"]
    assert report["torch"] == ""
    failed = {name: check["error"] for name, check in checks.items() if not check["ok"]}
    assert of_catalogue() <= set(failed)
    assert {"trainer starts", "trainer replaced"} <= set(failed)
    assert len(pictures(checks) - set(failed)) == 4  # the window itself works
    assert checks["end"]["ok"]
    first = failed["trainer starts"]
    assert first.startswith("The trainer did not come. The trainer process ended unexpectedly (exit code 1).")
    assert "no torch in sight" in first  # what the trainer said last
    assert failed["model llama"] == "Not tried: the trainer has ended 3 times by itself."


def test_a_trainer_that_says_nothing_does_not_hold_it_up(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "trainer_command", lambda: SILENT_TRAINER)
    monkeypatch.setattr(client, "GRACE_S", 0.05)
    monkeypatch.setattr(trial, "LIMIT_S", 8.0)
    monkeypatch.setattr(trial, "START_PATIENCE_S", 0.2)
    monkeypatch.setattr(of_trainer, "START_PATIENCE_S", 0.2)
    assert run_self_test(tmp_path / "out.json") == 1
    _, checks = read(tmp_path / "out.json")
    assert "was waited for in vain" in checks["trainer starts"]["error"]
    assert of_catalogue() <= {name for name, check in checks.items() if not check["ok"]}


# --- what is written -------------------------------------------------------------------------------------


def stand_in(monkeypatch: pytest.MonkeyPatch, *results: Result) -> list[Path]:
    """Let the checks have these results; return the folders that they were made in."""
    folders: list[Path] = []

    def perform(folder: Path) -> tuple[list[Result], dict[str, str]]:
        folders.append(folder)
        return list(results), {"torch": "2", "device": "cpu"}

    monkeypatch.setattr(self_test, "_perform", perform)
    return folders


def test_what_cannot_be_written_is_a_sentence_before_anything_is_tried(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = stand_in(monkeypatch)
    (tmp_path / "file").write_text("as it was")
    for out in (tmp_path / "file" / "out.json", tmp_path):
        assert main(["--self-test", "--out", str(out)]) == 2
        assert capsys.readouterr() == ("", f"embedviz: '{out}' cannot be written: choose another file.\n")
    assert folders == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "as it was"


def test_one_failed_check_is_exit_code_1(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = stand_in(monkeypatch, Result("good", ok=True), Result("bad", error="It does not work."))
    out = tmp_path / "out.json"
    out.write_text("what was there before")
    assert run_self_test(out) == 1
    report, checks = read(out)
    assert (report["ok"], checks["good"]["ok"], checks["bad"]["error"]) == (False, True, "It does not work.")
    assert list(tmp_path.iterdir()) == [out]
    assert not folders[0].exists()


def test_what_qt_says_of_a_style_sheet_is_a_failed_check(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, Result("good", ok=True))
    perform = self_test._perform

    def complain(folder: Path) -> tuple[list[Result], dict[str, str]]:
        widget = QWidget()
        qtbot.addWidget(widget)
        qWarning("This desktop has no accessibility bus")  # which is none of the app's files
        for _ in range(2):
            widget.setStyleSheet("QWidget { color: ")
            widget.ensurePolished()
        return perform(folder)

    monkeypatch.setattr(self_test, "_perform", complain)
    assert run_self_test(tmp_path / "out.json") == 1
    _, checks = read(tmp_path / "out.json")
    told = checks["style sheets and pictures"]
    assert told["ok"] is False
    assert told["error"].startswith("Qt says: Could not parse stylesheet")
    assert "accessibility" not in told["error"]
    assert "accessibility" in capsys.readouterr().err  # nothing is kept from who reads it


def test_how_a_process_is_made_to_crash_is_nobodys_business(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["self-test", "--help"])
    told = capsys.readouterr().out
    assert "--out" in told
    assert "--crash" not in told


def test_standard_output_has_one_object_and_may_be_absent(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, Result("naïve", ok=True))
    assert run_self_test(None) == 0
    assert json.loads(capsys.readouterr().out)["checks"][0]["name"] == "naïve"
    monkeypatch.setattr(sys, "stdout", None)
    assert run_self_test(None) == 0


def test_a_window_that_cannot_be_made_is_a_failed_check(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise EmbedvizError("The file 'icons/check-light.svg' is missing.", "looked in nothing")

    monkeypatch.setattr(self_test, "make_window", refuse)
    assert run_self_test(tmp_path / "out.json") == 1
    _, checks = read(tmp_path / "out.json")
    assert checks["window"]["error"] == "The file 'icons/check-light.svg' is missing. (looked in nothing)"
