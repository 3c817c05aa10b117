"""The self-test notices what a panel hides: a blank plot, a dead view, an empty page, a lost crash report."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk

from embedviz import catalog
from embedviz.engine import messages as m
from embedviz.gui import about, crash_reports, report_dialog
from embedviz.gui.app import ErrorHook
from embedviz.gui.crash_log import crash_folder
from embedviz.gui.driving import click
from embedviz.gui.plots.alignment import AlignmentView
from embedviz.gui.plots.bars import BarChart
from embedviz.gui.plots.base import Plot
from embedviz.gui.plots.chips import ChipView
from embedviz.gui.plots.curve import LossCurve
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.phase_strip import PhaseStrip
from embedviz.gui.row_order import RowOrder
from embedviz.gui.self_tests import of_crashes, of_runs, of_views, of_window
from embedviz.gui.self_tests.trial import Check, Result, Trial
from embedviz.gui.start_row import StartRow


@pytest.fixture
def attempt(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """Give a trial of a window that stands at step 0, whose runs are already begun."""
    hook = ErrorHook(desk.notices)
    made = Trial(desk.parts, hook, tmp_path)
    monkeypatch.setattr(made, "start", lambda _config: None)
    monkeypatch.setattr(made, "take", lambda _steps: 0.0)
    yield made
    hook.restore()


def perform(attempt: Trial, name: str) -> Result:
    """Run one check of the self-test on the window as it is."""
    every = [*of_window.checks(), *of_views.checks(), *of_crashes.checks(), *of_window.last_checks()]
    (run,) = [check.run for check in every if check.name == name]
    return attempt.perform(Check(name, run, needs_trainer=False))


def nothing(*_: object, **__: object) -> None:
    """Stand in for what paints or shows something."""


# --- blank plots -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "panel"), [(ChipView, "Tokens"), (Heatmap, "Lookup table"), (BarChart, "Next token")]
)
def test_a_plot_that_paints_nothing_is_noticed_in_its_panel(
    attempt: Trial, monkeypatch: pytest.MonkeyPatch, kind: type[Plot], panel: str
) -> None:
    name = "window side by side, light"
    assert perform(attempt, name).error == ""
    monkeypatch.setattr(kind, "draw", nothing)
    result = perform(attempt, name)
    assert result.error.startswith(f"The panel ‘{panel}’: ‘")
    assert result.error.endswith(f"({kind.__name__}) is blank.")
    assert f"{panel} colours" in result.numbers  # by itself the panel is not blank


def test_a_plot_in_a_dialog_that_paints_nothing_is_noticed(
    attempt: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert perform(attempt, "dialog sideBySide").error == ""
    monkeypatch.setattr(AlignmentView, "draw", nothing)
    assert perform(attempt, "dialog sideBySide").error.endswith("(AlignmentView) is blank.")


def test_a_kind_of_plot_that_was_never_seen_is_noticed(attempt: Trial) -> None:
    error = perform(attempt, "every kind of plot").error
    assert error.startswith("Never seen with something in it: ")
    for kind in (Heatmap, BarChart, PhaseStrip, LossCurve):
        assert kind.__name__ in error
        attempt.ink[kind.__name__] = 0.1
    assert "Heatmap" not in perform(attempt, "every kind of plot").error


# --- dead views ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "method", "what"),
    [(Heatmap, "set_data", "table"), (BarChart, "set_data", "bars"), (LossCurve, "set_curves", "curve")],
)
def test_a_view_that_does_not_follow_is_noticed(
    desk: Desk, attempt: Trial, monkeypatch: pytest.MonkeyPatch, kind: type[Plot], method: str, what: str
) -> None:
    attempt.training.loss.load()

    def follow(first: int) -> Result:
        """Go on for many steps, from a picture that was taken before."""
        pictures = of_runs._pictures(attempt)
        desk.lose(first, *np.linspace(4, 3, 90))
        desk.pause(first + 90)
        return attempt.perform(Check("it", partial(of_runs._see_changes, before=pictures), needs_trainer=False))

    follow(0)  # views have the room now that they keep
    assert follow(90).error == ""
    monkeypatch.setattr(kind, method, nothing)
    assert f"The view of the {what} has not changed: " in follow(180).error


def test_a_mode_that_shows_the_weights_is_noticed(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    assert perform(attempt, "table counts").error == ""
    monkeypatch.setattr(Heatmap, "set_data", nothing)
    assert perform(attempt, "table counts").error == "The table as ‘counts’ looks like the weights."


def test_an_order_that_changes_nothing_is_noticed(
    desk: Desk, attempt: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.show(40)
    assert perform(attempt, "orders of rows").error == ""
    arrange = RowOrder.arrange

    def by_id(order: RowOrder, document: Any, _how: str, *rest: Any, **named: Any) -> None:
        arrange(order, document, "id", *rest, **named)

    monkeypatch.setattr(RowOrder, "arrange", by_id)
    assert perform(attempt, "orders of rows").error == "The rows of the table look the same in another order."


# --- the start page, About -------------------------------------------------------------------------------


def test_every_row_of_the_start_page_is_looked_at(attempt: Trial) -> None:
    result = perform(attempt, "start page")
    assert (result.error, result.numbers["rows"]) == ("", 2 + len(catalog.SAMPLES) + len(catalog.MODELS))


def test_a_start_page_with_blank_rows_is_noticed(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StartRow, "paintEvent", nothing)
    assert "on the start page is blank" in perform(attempt, "start page").error


def test_rows_of_the_start_page_are_clicked(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(attempt.texts, "open_sample", lambda name: bool(opened.append(name)) or True)
    monkeypatch.setattr(attempt.texts, "apply", lambda config: bool(opened.append(config.model)) or True)

    def begin(_what: str, action: Callable[[], object]) -> None:
        action()
        assert not attempt.window.findChild(StartRow, "startModel_mlp").isVisible()

    monkeypatch.setattr(attempt, "begin", begin)
    result = perform(attempt, "start page opens")
    assert opened == [list(catalog.SAMPLES)[-1], "mlp"]
    assert result.error.startswith("The start page opened ‘cats.txt’")  # since nothing came of it here


def test_a_click_is_that_of_the_pointer(qtbot: QtBot) -> None:
    button = QPushButton("Press")
    qtbot.addWidget(button)
    clicks: list[bool] = []
    button.clicked.connect(lambda: clicks.append(button.isDown()))
    click(button)
    button.setEnabled(False)
    click(button)
    assert clicks == [False]


def test_an_about_without_values_is_noticed(desk: Desk, attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.worker.say(m.Ready(1, torch_version="2.10.0", devices=("cpu",)))
    assert perform(attempt, "dialog about").error == ""
    versions = (("Qt", "6"), ("torch", ""))
    monkeypatch.setattr(about, "facts", lambda *_: (("Versions", versions),))
    error = perform(attempt, "dialog about").error
    assert error == "‘Versions’ in About lacks values: {'Qt': '6', 'torch': ''}."
    monkeypatch.setattr(about, "facts", lambda *_: (("Versions", (("torch", "0.0"),)),))
    assert perform(attempt, "dialog about").error.startswith("About does not say what is so: ")


# --- crash reports ---------------------------------------------------------------------------------------


def test_a_crash_is_found_and_read_and_leaves_nothing(attempt: Trial, home: Path, tmp_path: Path) -> None:
    result = perform(attempt, "crash report")
    assert result.error == ""
    assert result.numbers["code"] != 0
    assert list(home.rglob("*.log")) == []
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
    assert list(Path.cwd().glob("core*")) == []
    assert crash_folder() == Path(os.environ["XDG_DATA_HOME"]) / "embedviz" / "crashes"


def test_a_crash_report_that_is_lost_or_empty_is_noticed(attempt: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(report_dialog, "whole_text", lambda _reports: "")
        assert perform(attempt, "crash report").error == "The report is not to be read."
    monkeypatch.setattr(crash_reports, "find", lambda _folder: [])
    assert perform(attempt, "crash report").error.startswith("0 reports were found of a process that ended with")
