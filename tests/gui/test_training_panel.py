"""The Training panel: where the run stands, how fast and how long it runs, and its curve."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QComboBox, QPushButton, QSpinBox, QToolButton
from test_fake_trainer import Desk, as_read

from embedviz.engine import messages as m
from embedviz.gui.layers_view import WAITING
from embedviz.gui.plots.curve import LossCurve
from embedviz.gui.state import Phase
from embedviz.gui.widgets import Figure, LiveLabel
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import conditional_entropy, table_loss


def words(desk: Desk) -> str:
    return desk.words(desk.training)


def status(desk: Desk) -> str:
    return desk.child(LiveLabel, "statusText").text()


def figures(desk: Desk) -> list[Figure]:
    return desk.training.losses.figures.findChildren(Figure)


def choose(desk: Desk, name: str, data: object) -> None:
    box = desk.child(QComboBox, name)
    place = box.findData(data)
    assert place >= 0
    box.setCurrentIndex(place)


def curve(desk: Desk) -> LossCurve:
    desk.training.loss.load()
    found = desk.training.loss.curve
    assert found is not None
    return found


# --- numbers ----------------------------------------------------------------------------------------


def test_a_run_from_zeros_begins_at_ln_v(desk: Desk) -> None:
    size = desk.document.vocab_size
    assert "Step 0" in words(desk)
    assert f"{math.log(size):.4f} | training loss" in words(desk)
    assert f"{math.log(size):.4f} | ln {size}, guess" in words(desk)
    assert "Before the first step" in words(desk)


def test_the_losses_are_those_of_the_table_that_is_shown(desk: Desk) -> None:
    desk.pause(20)
    table, document = desk.snapshot.tables["token"], desk.document
    train = table_loss(table, document.pairs)
    val = table_loss(table, PairCounts.count(document.dataset.val_ids, document.vocab_size))
    floor = conditional_entropy(document.pairs)
    for number, name in (
        (train, "training loss"),
        (val, "validation loss"),
        (floor, "floor"),
    ):
        assert f"{number:.4f} | {name}" in words(desk)
    assert f"{train - floor:.2f} | above the floor" in words(desk)
    assert "Step 20" in words(desk)
    assert f"Still learning: {train - floor:.2g} nats above the floor" in words(desk)


def test_an_estimate_is_called_one_and_an_older_reading_says_so(desk: Desk) -> None:
    reading = as_read(desk.reading(20, desk.table_at(20)), step=18, estimated=True, val_estimated=True)
    desk.state.update_run(step=20, reading=reading)
    assert "≈ training loss" in words(desk)
    assert "losses of step 18, ≈ estimated" in words(desk)
    assert "≈ validation loss" in words(desk)


def test_where_nothing_is_held_out_there_is_no_validation_loss(desk: Desk) -> None:
    reading = as_read(desk.reading(20, desk.table_at(20)), val=None)
    desk.state.update_run(step=20, reading=reading)
    assert "none | nothing held out" in words(desk)


@pytest.mark.parametrize("verdict", ["converged", "plateau"])
def test_the_verdict_is_the_trainer_s(desk: Desk, verdict: str) -> None:
    floor = desk.document.floor
    reading = m.Reading(20, floor + 6e-4, floor + 0.5, False, verdict, f"It has {verdict}.")  # of step 19
    desk.state.update_run(step=20, reading=reading)
    said = {"converged": "Converged: 0.0006 nats above the floor at step 20", "plateau": "It has plateau."}
    assert desk.training.losses.verdict.text() == said[verdict]
    assert said[verdict] in words(desk)
    assert "Still learning" not in words(desk)


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        (-0.25, -0.125, "Still learning: 0.25 nats below the bigram floor"),
        (0.25, 0.5, "Still learning: 0.25 nats above the bigram floor"),
        (-0.25, 1.5, "Memorising: 0.25 nats below the bigram floor, held out 1.5 above"),
    ],
)
def test_a_model_of_several_tokens_is_held_against_the_bigram(
    desk: Desk, train: float, val: float, sentence: str
) -> None:
    floor = desk.document.floor
    reading = m.Reading(20, floor + train, floor + val, False)
    desk.state.update_run(step=20, reading=reading, config=desk.state.config.with_model("mlp"))
    assert sentence in words(desk)
    assert "bigram floor" in words(desk)


def test_before_the_first_reading_there_are_no_numbers(desk: Desk) -> None:
    desk.state.update_run(step=0, reading=None)
    assert [figure.text for figure in figures(desk)] == ["–"] * 5
    assert desk.training.losses.verdict.text() == ""


def test_numbers_are_told_to_screen_readers(desk: Desk) -> None:
    desk.pause(20)
    told = [figure.accessibleName() for figure in figures(desk)]
    floor = conditional_entropy(desk.document.pairs)
    assert f"floor: {floor:.4f}" in told
    assert any(name.startswith("training loss: ") for name in told)
    reading = as_read(desk.reading(20, desk.table_at(20)), estimated=True)
    desk.state.update_run(step=20, reading=reading)  # the same number, but an estimate
    assert any(figure.accessibleName().startswith("≈ training loss: ") for figure in figures(desk))


def test_what_runs_is_in_the_status_line(desk: Desk) -> None:
    assert "seed 1337 " in status(desk)
    assert "rate " not in status(desk)
    desk.controller.restart(
        desk.state.config.replace(optimizer="sgd", lr=50, batch_size=32, block_size=4, seed=7, clip=0.5)
    )
    desk.answer()
    assert "seed 7, clipped at 0.5 " in status(desk)


def test_device_and_rate(desk: Desk) -> None:
    assert "Step 0 | Paused |" in words(desk)
    desk.play()
    desk.show(30, rate=1234.4)
    assert "1,234 steps/s" in desk.training._rate.text()
    desk.worker.die()
    assert desk.training._rate.text() == "Trainer ended"
    started = desk.answer()
    config = started.config.replace(device="cuda", threads=4)
    desk.worker.say(m.Started(**{**vars(started), "config": config, "choice": ""}))
    assert status(desk).endswith("CUDA")


@pytest.mark.parametrize("phase", list(Phase), ids=lambda phase: phase.name)
def test_every_phase_has_its_word(desk: Desk, phase: Phase) -> None:
    desk.state.update_run(phase=phase)
    said = f"| {phase.value}" in words(desk)
    assert said is (phase is not Phase.PLAYING)  # there the rate says it
    assert phase.value in desk.words(desk.window.statusBar())


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_colours_in_words_and_icons_are_the_theme_s(desk: Desk, mode: str) -> None:
    desk.theme.set_mode("light" if mode == "dark" else "dark")
    before = desk.action("play").icon().cacheKey()
    desk.theme.set_mode(mode)
    verdict = desk.training.findChild(LiveLabel, "verdict")
    assert verdict.dot == desk.theme.colour("warning")
    assert desk.action("play").icon().cacheKey() != before
    colours = desk.training.findChild(QToolButton, "playButton").icon().pixmap(32, 32).toImage()
    assert colours.pixelColor(14, 16).name() == desk.theme.colours.on_accent


# --- how fast, how long -----------------------------------------------------------------------------


def test_the_speed(desk: Desk) -> None:
    box = desk.child(QComboBox, "paceChoice")
    assert [box.itemText(i) for i in range(box.count())] == [
        "1 step/s",
        "2 steps/s",
        "5 steps/s",
        "10 steps/s",
        "20 steps/s",
        "60 steps/s",
        "200 steps/s",
        "1,000 steps/s",
        "full speed",
    ]
    choose(desk, "paceChoice", 5)
    assert desk.worker.sent[-1] == m.SetPace("run-1", 5)
    desk.worker.sent.clear()
    box.setCurrentIndex(box.count() - 1)
    assert desk.worker.sent == [m.SetPace("run-1", None)]


def test_another_run_keeps_the_speed(desk: Desk) -> None:
    choose(desk, "paceChoice", 200)
    desk.controller.restart(desk.state.config.replace(seed=1))
    assert desk.sent(m.SetPace)[-1] == m.SetPace("run-2", 200)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("converged", m.Until(converged=True)),
        ("step", m.Until(step=600)),
        ("ever", m.Until()),
    ],
)
def test_until_when(desk: Desk, until: str, expected: m.Until) -> None:
    choose(desk, "untilChoice", until)
    assert desk.child(QSpinBox, "untilStep").isVisible() is (until == "step")
    desk.click(desk.child(QToolButton, "playButton"))
    assert desk.sent(m.Play) == [m.Play("run-1", expected)]


def test_until_a_step_of_one_s_own(desk: Desk) -> None:
    choose(desk, "untilChoice", "step")
    field = desk.child(QSpinBox, "untilStep")
    desk.focus(field)
    field.selectAll()
    desk.type("42")
    assert desk.state.until == m.Until(step=42)
    desk.click(desk.child(QToolButton, "playButton"))
    desk.play()
    desk.pause(42, "step")
    desk.click(desk.child(QToolButton, "playButton"))  # it is there already: go on
    assert desk.sent(m.Play) == [m.Play("run-1", m.Until(step=42)), m.Play("run-1", m.Until())]


def test_a_step_set_elsewhere_is_the_one_that_is_shown_and_kept(desk: Desk) -> None:
    desk.controller.set_until(m.Until(step=400))
    assert desk.child(QSpinBox, "untilStep").value() == 400
    assert desk.child(QComboBox, "untilChoice").currentData() == "step"
    assert desk.state.until == m.Until(step=400)


def test_until_when_can_change_while_it_runs(desk: Desk) -> None:
    desk.click(desk.child(QToolButton, "playButton"))
    desk.play()
    choose(desk, "untilChoice", "step")
    assert desk.sent(m.Play)[-1] == m.Play("run-1", m.Until(step=600))
    choose(desk, "untilChoice", "ever")
    assert desk.sent(m.Play)[-1] == m.Play("run-1", m.Until())


def test_until_when_starts_nothing(desk: Desk) -> None:
    choose(desk, "untilChoice", "step")
    assert desk.sent(m.Play) == []


def test_a_converged_run_can_be_played_on(desk: Desk) -> None:
    desk.play()
    desk.pause(300, "converged", "Converged: within 0.001 nats of the floor.")
    assert desk.sentences == []  # good news is no notice
    desk.click(desk.child(QToolButton, "playButton"))
    assert desk.sent(m.Play)[-1] == m.Play("run-1", m.Until())


# --- the curve --------------------------------------------------------------------------------------


def test_the_curve_waits_for_the_first_window(desk: Desk) -> None:
    assert desk.training.loss.curve is None
    desk.training.loss.load()
    assert desk.training.loss.curve is not None
    assert desk.training.loss.curve.isVisible()


def test_the_curve_has_every_loss_up_to_the_step_that_is_shown(desk: Desk) -> None:
    shown = curve(desk)
    desk.lose(0, 3.0, 2.5, 2.25, 2.125)
    desk.pause(4)
    desk.qtbot.waitUntil(lambda: "4 points up to step 3" in shown.accessibleDescription())
    assert "last training loss 2.125" in shown.accessibleDescription()
    desk.worker.say(m.Rewound("run-1", 0))
    desk.lose(0, 3.0, 2.5)
    desk.pause(2)
    desk.qtbot.waitUntil(lambda: "2 points up to step 1" in shown.accessibleDescription())
    assert "last training loss 2.500" in shown.accessibleDescription()


def test_the_curve_has_the_floor_and_ln_v(desk: Desk) -> None:
    shown = curve(desk)
    overlay = shown._canvas.overlay
    size, floor = desk.document.vocab_size, desk.document.floor
    desk.lose(0, 3.0, 2.5)
    desk.pause(2)
    assert overlay.floor == pytest.approx(conditional_entropy(desk.document.pairs))
    assert overlay.floor_text == f"floor of any bigram table {floor:.3f}"
    assert overlay.uniform == pytest.approx(math.log(size))
    assert overlay.uniform_text == f"ln {size} = {math.log(size):.3f}"
    assert shown.axis_title == "loss, nats per token"
    low, high = shown._canvas.view_box.viewRange()[1]
    assert low < floor < math.log(size) < high


def test_the_gap_to_the_floor_at_a_click(desk: Desk) -> None:
    shown = curve(desk)
    floor = desk.document.floor
    desk.lose(0, floor + 1.0, floor + 0.1, floor + 0.01)
    desk.pause(3)
    desk.switch(desk.training, "gap")
    assert shown.in_gap_mode
    assert shown.axis_title == "loss − floor, nats per token"
    np.testing.assert_allclose(shown.plotted(np.array([floor + 1.0, floor + 0.1, floor + 0.01])), [0, -1, -2])
    low, high = shown._canvas.view_box.viewRange()[1]
    assert low < -2
    assert high > 0
    desk.switch(desk.training, "loss")
    assert not shown.in_gap_mode


def test_the_gap_can_be_chosen_before_the_curve_is_there(desk: Desk) -> None:
    desk.switch(desk.training, "gap")
    assert curve(desk).in_gap_mode


@pytest.mark.parametrize(
    ("model", "charts"),
    [
        ("bigram", ["Loss", "Gap", "Model"]),
        ("mlp", ["Loss", "Hidden", "Model"]),
        ("token-position", ["Loss", "Layers", "Model"]),
        ("transformer", ["Loss", "Layers", "Model"]),
        ("llama", ["Loss", "Layers", "Model"]),
    ],
)
def test_a_model_has_the_charts_that_say_something_of_it(desk: Desk, model: str, charts: list[str]) -> None:
    desk.state.update_run(config=desk.state.config.with_model(model))
    buttons = desk.training.gap.findChildren(QPushButton)
    assert [button.text() for button in buttons if not button.isHidden()] == charts


def test_layers_are_asked_for_only_while_they_are_looked_at(desk: Desk) -> None:
    desk.state.update_run(config=desk.state.config.with_model("transformer"))
    desk.switch(desk.training, "layers")
    assert desk.training.layers.isVisible()
    assert desk.training.layers.chart.accessibleDescription() == WAITING
    assert desk.sent(m.Watch)[-1].layers
    desk.switch(desk.training, "model")
    assert desk.training.model.isVisible()
    assert not desk.sent(m.Watch)[-1].layers
    desk.switch(desk.training, "layers")
    desk.state.update_run(config=desk.state.config.with_model("bigram"))  # which has no such chart
    assert desk.training.gap.value == "loss"
    assert desk.training.loss.isVisible()
    assert not desk.sent(m.Watch)[-1].layers


def test_every_chart_fits_the_smallest_window(desk: Desk) -> None:
    for model in ("bigram", "mlp", "transformer"):
        desk.state.update_run(config=desk.state.config.with_model(model))
        segments = desk.training.gap
        assert segments.width() >= segments.sizeHint().width()
        assert segments.geometry().right() <= desk.training.width()


def test_the_dot_is_at_the_step_that_is_shown(desk: Desk) -> None:
    shown = curve(desk)
    desk.lose(0, *(3.0 - 0.1 * k for k in range(10)))
    desk.pause(10)
    dot = shown._canvas.overlay.dot
    assert dot is not None
    assert dot == (10, pytest.approx(table_loss(desk.snapshot.tables["token"], desk.document.pairs)))


def test_readings_make_the_validation_curve(desk: Desk) -> None:
    shown = curve(desk)
    desk.worker.say(m.Measured("run-1", as_read(desk.reading(2, desk.table_at(2)), val=2.0)))
    desk.worker.say(m.Measured("run-1", as_read(desk.reading(9, desk.table_at(9)), val=1.5)))
    desk.lose(0, 3.0, 2.9, 2.8)
    desk.pause(3)  # the reading of step 9 lies ahead: of a run that was rewound
    assert shown._validation is not None
    steps, losses = shown._validation
    assert steps.tolist() == [0, 2]
    assert losses.tolist() == [pytest.approx(math.log(desk.document.vocab_size)), 2.0]
    assert ("validation", True) in shown.legend


def test_another_run_has_another_curve(desk: Desk) -> None:
    shown = curve(desk)
    desk.lose(0, 3.0, 2.9, 2.8)
    desk.pause(3)
    desk.controller.restart(desk.state.config.replace(seed=2))
    assert len(shown._train[0]) == 0
    desk.answer()
    desk.lose(0, 3.5)
    desk.pause(1)
    assert shown._train[1].tolist() == [3.5]


def test_the_wheel_over_the_panel_changes_no_setting(desk: Desk) -> None:
    before = desk.state.pace, desk.state.until
    desk.click(desk.training, QPointF(2, 2))
    assert (desk.state.pace, desk.state.until) == before
