"""Where the loss stands: the verdict and the figures, the curve and the tables behind it, in every unit."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableView, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from embedviz.analysis import verdicts
from embedviz.analysis.units import BITS, NATS, PERPLEXITY, UNITS, LossUnit
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.record import RunRecord
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.gui.loss_figures import LossFigures, read_how
from embedviz.gui.loss_view import LossView
from embedviz.gui.plots.curve import LossCurve
from embedviz.gui.plots.curve_unit import UnitButton
from embedviz.gui.state import AppState
from embedviz.gui.tables import NumbersDialog
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Figure, LiveLabel
from embedviz.text.corpus import corpus_from_text
from embedviz.text.statistics import conditional_entropy

TEXT = "the cat sat on the mat.\n\tthe dog ate the cat's hat.\n" * 8


@pytest.fixture
def theme(qtbot: QtBot) -> Theme:  # fonts need the application
    return Theme("light")


@pytest.fixture
def state() -> Iterator[AppState]:
    made = AppState()
    made.set_document(Document.make(corpus_from_text(TEXT, "cats.txt"), RunConfig()), "the cat")
    made.record = RunRecord()
    yield made
    made.deleteLater()


@pytest.fixture
def losses(state: AppState, theme: Theme) -> Iterator[LossFigures]:
    """Give verdict and figures, each in its place."""
    holder = QWidget()
    made = LossFigures(state, theme, holder)
    column = QVBoxLayout(holder)
    column.addWidget(made.verdict)
    column.addWidget(made.figures)
    holder.show()
    yield made
    holder.deleteLater()


@pytest.fixture
def curve(state: AppState, theme: Theme) -> Iterator[LossCurve]:
    view = LossView(state, theme)
    view.resize(500, 300)
    view.load()
    view.show()
    assert view.curve is not None
    yield view.curve
    view.deleteLater()


def floor_of(state: AppState) -> float:
    assert state.document is not None
    return conditional_entropy(state.document.pairs)


def read(state: AppState, step: int, train: float, val: float | None = None, **rest: object) -> m.Reading:
    """Let a reading be the one of the frame that is shown."""
    reading = m.Reading(step, train, val, **{"estimated": False, **rest})  # type: ignore[arg-type]
    assert state.record is not None
    if state.run.reading is None:
        state.record.start(step, reading)
    else:
        state.record.absorb(m.Measured("run-1", reading))
    state.update_run(step=step, reading=reading)
    state.frame_shown.emit()
    return reading


def lose(state: AppState, *losses: float) -> None:
    assert state.record is not None
    state.record.absorb(m.Losses("run-1", 0, np.array(losses)))


def words(losses: LossFigures) -> str:
    """Return what verdict and figures say."""
    labels = losses.figures.findChildren(QLabel)
    return " | ".join([losses.verdict.text(), *(label.text() for label in labels)])


# --- in nats ----------------------------------------------------------------------------------------


def test_a_run_from_zeros_begins_at_ln_v(state: AppState, losses: LossFigures) -> None:
    assert state.document is not None
    size = state.document.vocab_size
    read(state, 0, math.log(size))
    assert f"{math.log(size):.4f} | training loss" in words(losses)
    assert f"{math.log(size):.4f} | ln {size}, guess" in words(losses)
    assert "Before the first step: " in losses.verdict.text()


def test_the_losses_and_how_far_they_are_from_the_floor(state: AppState, losses: LossFigures) -> None:
    floor = floor_of(state)
    read(state, 20, floor + 0.51234, floor + 0.7)
    for number, name in ((floor + 0.51234, "training loss"), (floor + 0.7, "validation loss"), (floor, "floor")):
        assert f"{number:.4f} | {name}" in words(losses)
    assert "0.512 | above the floor" in words(losses)
    assert losses.verdict.text() == "Still learning: 0.51 nats above the floor"


def test_an_estimate_is_called_one(state: AppState, losses: LossFigures) -> None:
    read(state, 20, 2.5, 2.6, estimated=True, val_estimated=True)
    assert "≈ training loss" in words(losses)
    assert "≈ validation loss" in words(losses)
    read(state, 21, 2.5, 2.6, estimated=True)
    assert "≈ training loss" in words(losses)
    assert "≈ validation loss" not in words(losses)
    read(state, 22, 2.5, 2.6, val_estimated=True)
    assert "≈ training loss" not in words(losses)
    assert "≈ validation loss" in words(losses)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (m.Reading(20, 2.5, 2.6, False), ""),
        (m.Reading(18, 2.5, 2.6, False), "losses of step 18"),
        (m.Reading(20, 2.5, 2.6, True, val_estimated=True), "≈ estimated"),
        (m.Reading(1800, 2.5, None, True), "losses of step 1,800, ≈ estimated"),
        (m.Reading(20, 2.5, 2.6, False, val_estimated=True), "≈ estimated"),
    ],
)
def test_it_is_said_of_which_step_losses_are_and_whether_one_is_an_estimate(reading: m.Reading, said: str) -> None:
    assert read_how(reading, 20) == said


def test_where_nothing_is_held_out_there_is_no_validation_loss(state: AppState, losses: LossFigures) -> None:
    read(state, 20, 2.5)
    assert "none | nothing held out" in words(losses)


def test_a_plateau_is_said_in_the_trainer_s_words(state: AppState, losses: LossFigures) -> None:
    sentence = "Plateau: the best loss has hardly fallen in 30 readings up to step 99; it may still fall again"
    read(state, 99, 2.5, verdict="plateau", sentence=sentence)
    assert losses.verdict.text() == sentence
    assert losses.verdict.dot is not None


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        (-0.25, -0.125, "Still learning: 0.25 nats below the bigram floor"),
        (0.25, 0.5, "Still learning: 0.25 nats above the bigram floor"),
        (-0.25, 1.5, "Memorising: 0.25 nats below the bigram floor, held out 1.5 above"),
    ],
)
@pytest.mark.parametrize("model", ["mlp", "transformer"])
def test_a_model_of_several_tokens_is_held_against_the_bigram(
    state: AppState, losses: LossFigures, train: float, val: float, sentence: str, model: str
) -> None:
    floor = floor_of(state)
    state.update_run(config=state.config.with_model(model))
    read(state, 20, floor + train, floor + val)
    assert losses.verdict.text() == sentence
    assert f"0.250 | {'below' if train < 0 else 'above'} the floor" in words(losses)
    assert "bigram floor" in words(losses)


def test_before_the_first_reading_there_are_no_numbers(state: AppState, losses: LossFigures) -> None:
    read(state, 0, 2.5)
    state.update_run(step=0, reading=None)
    assert {figure.text for figure in losses.figures.findChildren(Figure)} == {"–"}
    assert losses.verdict.text() == ""


def test_a_run_that_ran_away_is_told_what_helps(state: AppState, losses: LossFigures) -> None:
    read(state, 7, math.nan)
    assert losses.verdict.text() == "The loss is no longer a number at step 7: try a smaller learning rate"


def test_numbers_are_told_to_screen_readers(state: AppState, losses: LossFigures) -> None:
    read(state, 20, 2.5)
    names = [figure.accessibleName() for figure in losses.figures.findChildren(Figure)]
    assert f"floor: {floor_of(state):.4f}" in names
    assert "training loss: 2.5000" in names
    read(state, 20, 2.5, estimated=True)  # the same number, but an estimate
    names = [figure.accessibleName() for figure in losses.figures.findChildren(Figure)]
    assert "≈ training loss: 2.5000" in names


@pytest.mark.parametrize(("verdict", "colour"), [("learning", "warning"), ("converged", "good")])
def test_the_dot_has_the_verdict_s_colour_in_every_theme(
    state: AppState, losses: LossFigures, theme: Theme, verdict: str, colour: str
) -> None:
    read(state, 20, floor_of(state) + 0.0005, verdict=verdict)
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        assert losses.verdict.dot == theme.colour(colour)


# --- in other units ---------------------------------------------------------------------------------


def test_the_verdict_has_its_name_and_gives_way_where_there_is_no_room(losses: LossFigures) -> None:
    assert isinstance(losses.verdict, LiveLabel)
    assert losses.verdict.objectName() == "verdict"
    losses.verdict.setText("Plateau: " + "the best loss has hardly fallen " * 9)
    assert losses.verdict.minimumSizeHint().width() < losses.verdict.sizeHint().width() / 4


def test_the_verdict_takes_as_many_words_as_have_room(losses: LossFigures) -> None:
    said, verdict = "Still learning: 1.8 nats above the bigram floor", losses.verdict
    verdict.setText(said)
    for words in (said, *verdicts.shorter(said)):
        width = verdict.fontMetrics().horizontalAdvance(words)
        assert verdict._fitted(width) == words
        assert verdict._fitted(width - 1) != words
    assert verdict._fitted(40).endswith("…")
    assert verdict.text() == verdict.accessibleName() == said


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
def test_every_figure_follows_the_unit(state: AppState, losses: LossFigures, unit: LossUnit) -> None:
    assert state.document is not None
    floor = floor_of(state)
    read(state, 20, floor + 0.5, floor + 0.75)
    state.set_unit(unit)
    shown = [figure.text for figure in losses.figures.findChildren(Figure)]
    train, val, least, gap, guess = (float(text.replace(",", "")) for text in shown)
    assert train == pytest.approx(unit.convert(floor + 0.5), abs=5e-4)
    assert val == pytest.approx(unit.convert(floor + 0.75), abs=5e-4)
    assert least == pytest.approx(unit.convert(floor), abs=5e-4)
    assert gap == pytest.approx(unit.convert(floor + 0.5) - unit.convert(floor), rel=5e-3)
    assert guess == pytest.approx(unit.convert(math.log(state.document.vocab_size)), rel=1e-4)
    assert "Still learning: " + unit.amount(f"{gap:.2f}" if gap < 1 else f"{gap:.1f}") in losses.verdict.text()


def test_the_unit_is_named_and_changed_at_a_click(state: AppState, losses: LossFigures, qtbot: QtBot) -> None:
    read(state, 20, 2.5)
    button = losses.figures.findChild(UnitButton)
    assert button is not None
    seen = []
    for _ in UNITS:
        seen.append((button.text(), button.toolTip()))
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert seen == [
        ("nats", "Click: bits per token"),
        ("bits", "Click: perplexity per token"),
        ("perplexity", "Click: nats per token"),
    ]
    assert state.unit is NATS
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert state.unit is BITS
    assert button.cursor().shape() == Qt.CursorShape.PointingHandCursor


def test_convergence_is_said_in_the_unit(state: AppState, losses: LossFigures) -> None:
    floor = floor_of(state)
    sentence = "Converged: 0.0008 nats above the floor at step 540"
    read(state, 540, floor + 0.0008, verdict="converged", sentence=sentence)
    assert losses.verdict.text() == sentence
    state.set_unit(BITS)
    assert losses.verdict.text() == "Converged: 0.0012 bits above the floor at step 540"
    state.set_unit(PERPLEXITY)
    above = math.exp(floor + 0.0008) - math.exp(floor)
    assert losses.verdict.text() == f"Converged: perplexity {above:.4f} above the floor at step 540"


@pytest.mark.parametrize("train", [40.0, 900.0, math.inf])
def test_a_run_away_does_not_push_the_window_apart(state: AppState, losses: LossFigures, train: float) -> None:
    read(state, 20, 2.5)
    state.set_unit(PERPLEXITY)
    before = losses.figures.sizeHint().width()
    read(state, 21, train, train)
    figures = [figure.text for figure in losses.figures.findChildren(Figure)]
    assert figures[0] == ("∞" if train > 700 else f"{math.exp(train):.4e}".replace("e+17", "·10¹⁷"))
    assert losses.figures.sizeHint().width() < 1.5 * before


# --- the curve --------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
def test_the_curve_follows_the_unit(state: AppState, curve: LossCurve, unit: LossUnit) -> None:
    assert state.document is not None
    floor, size = floor_of(state), state.document.vocab_size
    read(state, 0, floor + 1.0)
    lose(state, floor + 1.0, floor + 0.5, floor + 0.25)
    read(state, 3, floor + 0.2)
    state.set_unit(unit)
    overlay = curve._canvas.overlay
    gaps = np.array([1.0, 0.5, 0.25])
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], unit.converted(floor + gaps))
    assert overlay.floor == pytest.approx(unit.convert(floor))
    assert overlay.uniform == pytest.approx(unit.convert(math.log(size)))
    assert overlay.dot == (3, pytest.approx(unit.convert(floor + 0.2)))
    assert overlay.floor_text == f"floor of any bigram table {unit.figure(floor, decimals=3)}"
    guess = {"nats": f"ln {size} = ", "bits": f"log₂ {size} = ", "perplexity": f"V = {size}"}[unit.name]
    assert overlay.uniform_text.startswith(guess)
    assert curve.axis_title == unit.axis
    assert unit.axis in curve.describe()


def test_the_name_of_the_axis_changes_the_unit(state: AppState, curve: LossCurve, qtbot: QtBot) -> None:
    read(state, 0, 3.0)
    lose(state, 3.0, 2.5)
    read(state, 2, 2.25)
    button = curve.findChild(UnitButton)
    assert button is not None
    for unit in (BITS, PERPLEXITY, NATS):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert state.unit is unit
        assert button.text() == unit.axis


def test_a_unit_chosen_before_the_curve_is_there_holds(state: AppState, theme: Theme, qtbot: QtBot) -> None:
    view = LossView(state, theme)
    qtbot.addWidget(view)
    state.set_unit(BITS)
    view.load()
    assert view.curve is not None
    assert view.curve.axis_title == "loss, bits per token"


# --- the numbers ------------------------------------------------------------------------------------


def test_the_tables_follow_the_unit_and_keep_their_readings(state: AppState, theme: Theme, qtbot: QtBot) -> None:
    assert state.document is not None
    size = state.document.vocab_size
    read(state, 0, 2.5, 2.6)
    state.set_unit(BITS)
    reading = read(state, 5, 2.25)
    table = np.zeros((size, size), np.float32)
    contexts = np.zeros((0, 1), np.int64)
    state.show_snapshot(Snapshot("run-1", 5, 0.0, reading, {"token": table}, {}, contexts, table[:0]))
    dialog = NumbersDialog(state, theme)
    qtbot.addWidget(dialog)
    read(state, 6, 1.5)  # after it was opened
    for unit in (BITS, PERPLEXITY, NATS):
        state.set_unit(unit)
        (view,) = (view for view in dialog.findChildren(QTableView) if view.accessibleName().startswith("Losses"))
        assert view.accessibleName() == f"Losses, {unit.words}"
        assert dialog.tabs.tabText(dialog.tabs.indexOf(view)) == f"Losses, {unit.words}"
        model = view.model()
        assert model.rowCount() == 2
        shown = [[float(str(model.index(row, column).data())) for column in (0, 1)] for row in (0, 1)]
        expected = [[unit.convert(2.5), unit.convert(2.6)], [unit.convert(2.25), math.nan]]
        np.testing.assert_allclose(shown, expected, rtol=1e-5)
