import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import double_click
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication, QMenu

from embedviz.analysis.units import BITS, PERPLEXITY, UNITS
from embedviz.gui.plots.curve import LossCurve
from embedviz.gui.plots.curve_range import nice_end, thin, y_range
from embedviz.gui.plots.curve_unit import UnitButton

FLOOR, UNIFORM = 2.4519, 4.1744


def _losses(count, start=UNIFORM, rate=30.0):
    steps = np.arange(count)
    return steps, FLOOR + 0.01 + (start - FLOOR) * np.exp(-steps / rate)


@pytest.fixture
def curve(qtbot, any_theme):
    made = LossCurve(any_theme)
    qtbot.addWidget(made)
    made.resize(450, 300)
    made.show()
    made.set_floor(FLOOR, "floor of any bigram table 2.452")
    made.set_uniform(UNIFORM, "ln 65 = 4.174")
    return made


def _set(curve, count=300, **kwargs):
    steps, loss = _losses(count, **kwargs)
    curve.set_curves((steps, loss, loss, loss), None, False)
    curve.set_shown_step(int(steps[-1]), float(loss[-1]))
    return steps, loss


def test_losses_are_plotted_as_they_are(curve):
    steps, loss = _set(curve, 100)
    x, y = curve._canvas.plotted_points()
    np.testing.assert_array_equal(x, steps)
    np.testing.assert_allclose(y, loss)


def test_gap_mode_plots_the_logarithm_of_loss_minus_floor(curve):
    _, loss = _set(curve, 100)
    curve.set_gap_mode(True)
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], np.log10(loss - FLOOR))
    assert curve.axis_title == "loss − floor, nats per token"
    assert curve._canvas.overlay.dot == pytest.approx((99, np.log10(loss[-1] - FLOOR)))
    curve.set_gap_mode(False)
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], loss)


def test_what_is_not_above_the_floor_leaves_a_gap(curve):
    curve.set_gap_mode(True)
    found = curve.plotted(np.array([FLOOR + 0.1, FLOOR, FLOOR - 1, np.nan]))
    assert found[0] == pytest.approx(-1)
    assert np.isnan(found[1:]).all()


def test_gap_mode_without_a_floor_shows_the_loss(curve):
    curve.set_floor(None, "")
    _, loss = _set(curve, 50)
    curve.set_gap_mode(True)
    assert not curve.in_gap_mode
    assert curve.axis_title == "loss, nats per token"
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], loss)


def test_other_units_multiply(curve):
    _, loss = _set(curve, 50)
    curve.set_unit(BITS)
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], loss / np.log(2))
    assert curve.axis_title == "loss, bits per token"
    assert curve._canvas.overlay.floor == pytest.approx(FLOOR / np.log(2))


def test_perplexity_is_the_exponential_and_its_gap_a_difference(curve):
    _, loss = _set(curve, 50)
    curve.set_unit(PERPLEXITY)
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], np.exp(loss))
    assert curve.axis_title == "perplexity per token"
    assert curve._canvas.overlay.floor == pytest.approx(np.exp(FLOOR))
    assert curve._canvas.overlay.dot_text == f"{np.exp(loss[-1]):.2f}"
    curve.set_gap_mode(True)
    np.testing.assert_allclose(curve._canvas.plotted_points()[1], np.log10(np.exp(loss) - np.exp(FLOOR)))
    assert curve.axis_title == "perplexity − floor"
    assert curve._canvas.overlay.dot_text == f"+{np.exp(loss[-1]) - np.exp(FLOOR):.2f}"


def test_another_unit_shows_all_again(curve):
    _set(curve, 300)
    curve._canvas.view_box.setRange(xRange=(10, 20), yRange=(3, 4), padding=0)
    curve._canvas.view_box.sigRangeChangedManually.emit([True, True])
    curve.set_unit(PERPLEXITY)
    low, high = curve._canvas.view_box.viewRange()[1]
    assert low < np.exp(FLOOR)
    assert high > np.exp(UNIFORM - 1)


@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
@pytest.mark.parametrize("size", [3, 65, 65_536])
def test_numbers_at_the_ticks_have_room_in_every_unit(curve, unit, size):
    curve.set_uniform(math.log(size), "guess")
    curve.set_unit(unit)
    for start in (math.log(size), 30.0, 1e4):
        for count in (1, 10, 400):
            _set(curve, count, start=start)
            assert not curve.grab().isNull()
            left, view = curve._canvas.left, curve._canvas.view_box.viewRange()[1]
            assert np.isfinite(view).all()
            ticks = left.tickValues(*view, curve._canvas.plot_rect().height())
            assert ticks[0][1]
            metrics = QFontMetricsF(left.style["tickFont"])
            room = left.width() - left.style["tickTextOffset"][0]
            for spacing, values in ticks:
                for text in left.tickStrings(values, 1.0, spacing):
                    assert metrics.horizontalAdvance(text) <= room, text


def test_a_perplexity_that_came_down_is_not_flattened_by_guessing(curve):
    curve.set_uniform(math.log(65_536), "V = 65,536")
    curve.set_unit(PERPLEXITY)
    _, loss = _set(curve, 400, start=math.log(65_536))
    curve.grab()
    high = curve._canvas.view_box.viewRange()[1][1]
    assert high < 8000
    assert f"↑ from {np.exp(loss[0]):,.0f}" in [text for text, _, _ in curve._canvas.words()]


def test_what_no_axis_reaches_leaves_a_gap(curve):
    curve.set_unit(PERPLEXITY)
    steps = np.arange(6)
    loss = np.array([1e4, 800.0, 30.0, 4.0, 3.0, 2.5])
    curve.set_curves((steps, loss, loss, loss), None, False)
    curve.grab()
    assert np.isnan(curve._canvas.plotted_points()[1][:3]).all()
    np.testing.assert_allclose(curve._canvas.plotted_points()[1][3:], np.exp(loss[3:]))
    assert "↑ from ∞" in [text for text, _, _ in curve._canvas.words()]


def test_the_name_of_the_axis_is_a_button(curve, qtbot):
    _set(curve, 50)
    button = curve.findChild(UnitButton)
    assert button.text() == curve.axis_title == "loss, nats per token"
    assert button.toolTip() == "Click: bits per token"
    assert button.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert button.focusPolicy() == Qt.FocusPolicy.TabFocus
    with qtbot.waitSignal(curve.unit_clicked):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(curve.unit_clicked):
        qtbot.keyClick(button, Qt.Key.Key_Space)
    for unit in UNITS.values():
        for mode in (False, True):
            curve.set_unit(unit)
            curve.set_gap_mode(mode)
            assert button.text() == curve.axis_title
            assert curve.axis_title in button.accessibleName()
            assert not button.geometry().intersects(curve._canvas.geometry())


def test_the_name_of_the_axis_goes_with_the_plot(curve):
    curve.set_empty("Press play: the loss of each step appears here.")
    assert not curve.findChild(UnitButton).isVisible()
    _set(curve, 10)
    assert curve.findChild(UnitButton).isVisible()


def test_words_are_inside_and_apart_wherever_the_dot_is(curve):
    steps, loss = _set(curve, 300)
    for mode in (False, True):
        curve.set_gap_mode(mode)
        for size in [(450, 300), (250, 140), (900, 200)]:
            curve.resize(*size)
            curve.grab()
            for shown in (0, 5, 100, 299):
                curve.set_shown_step(int(steps[shown]), float(loss[shown]))
                words = curve._canvas.words()
                rects = [rect for _, rect, _ in words]
                for k, rect in enumerate(rects):
                    assert curve._canvas.plot_rect().adjusted(-1, -1, 1, 1).contains(rect)
                    assert not any(rect.intersects(other) for other in rects[k + 1 :])
                assert words[0][2] == "model"


def test_floor_and_dot_are_named(curve):
    _set(curve, 300)
    curve.grab()
    texts = [text for text, _, _ in curve._canvas.words()]
    assert any("2.452" in text for text in texts)
    assert "2.462" in texts


def test_the_first_losses_do_not_flatten_the_rest_for_ever(curve):
    _set(curve, 1000, start=40.0)
    curve.grab()
    low, high = curve._canvas.view_box.viewRange()[1]
    assert low < FLOOR
    assert high < 6
    assert "↑ from 40.0" in [text for text, _, _ in curve._canvas.words()]


def test_the_usual_start_is_shown_whole(curve):
    for count in (2, 30, 300, 3000):
        _set(curve, count)
        curve.grab()
        low, high = curve._canvas.view_box.viewRange()[1]
        assert low < FLOOR
        assert high > UNIFORM
        assert not any("from" in text for text, _, _ in curve._canvas.words())


def test_the_step_axis_only_grows_until_there_is_nothing(curve):
    ends = []
    for count in (10, 100, 90, 1000, 400):
        _set(curve, count)
        ends.append(curve._canvas.view_box.viewRange()[0][1])
    assert ends == sorted(ends)
    assert ends[-1] >= 1000
    nothing = np.zeros(0)
    curve.set_curves((nothing, nothing, nothing, nothing), None, False)
    _set(curve, 10)
    assert curve._canvas.view_box.viewRange()[0][1] <= 20


def test_a_person_who_zooms_is_left_alone_until_a_double_click(curve):
    _set(curve, 300)
    curve.grab()
    canvas = curve._canvas
    whole = canvas.view_box.viewRange()
    canvas.view_box.setRange(xRange=(10, 20), yRange=(3, 4), padding=0)
    canvas.view_box.sigRangeChangedManually.emit([True, True])
    _set(curve, 310)
    assert canvas.view_box.viewRange()[0] == pytest.approx([10, 20])
    double_click(canvas.viewport(), canvas.plot_rect().center())
    assert canvas.view_box.viewRange()[0][0] == whole[0][0]
    assert canvas.view_box.viewRange()[0][1] >= whole[0][1]


def test_keys_zoom(curve, qtbot):
    _set(curve, 300)
    curve.grab()
    whole = curve._canvas.view_box.viewRange()[0]
    qtbot.keyClick(curve, Qt.Key.Key_Plus)
    near = curve._canvas.view_box.viewRange()[0]
    assert near[1] - near[0] < whole[1] - whole[0]
    qtbot.keyClick(curve, Qt.Key.Key_0)
    assert curve._canvas.view_box.viewRange()[0] == whole


def test_nan_is_drawn_as_a_gap(curve):
    steps, loss = _losses(100)
    loss[40:60] = np.nan
    loss[70] = np.inf
    curve.set_curves((steps, loss, loss - 0.1, loss + 0.1), (steps[::10], loss[::10]), True)
    curve.grab()
    curve.set_gap_mode(True)
    curve.grab()
    nan = np.full(5, np.nan)
    curve.set_curves((np.arange(5), nan, nan, nan), None, True)
    curve.set_shown_step(3, float("nan"))
    curve.grab()


def test_both_curves_are_named_and_estimates_owned_up_to(curve):
    steps, loss = _losses(20)
    curve.set_curves((steps, loss, loss, loss), None, False)
    assert curve.legend == [("training", False)]
    curve.set_curves((steps, loss, loss, loss), (steps, loss), True)
    assert curve.legend == [("training (batches)", False), ("validation", True)]


def test_no_menus(curve):
    assert not curve._canvas.view_box.menuEnabled()
    assert not [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMenu)]


def test_it_says_in_words_what_it_shows(curve):
    assert curve.describe() == "no steps yet"
    _set(curve, 66)
    words = curve.describe()
    assert words.startswith("loss, nats per token; 66 points up to step 65, last training loss 2.6")
    assert "floor of any bigram table 2.452" in words


def test_a_reason_takes_the_plots_place_until_there_are_steps(curve):
    curve.set_empty("Press play: the loss of each step appears here.")
    assert not curve._canvas.isVisible()
    _set(curve, 10)
    assert curve._canvas.isVisible()


def test_zooming_brings_the_points_back_that_were_taken_together(curve):
    steps, loss = _set(curve, 5000)
    curve.grab()
    coarse = len(curve._canvas.plotted_points()[0])
    assert coarse < 1000
    curve._canvas.view_box.setRange(xRange=(10, 60), yRange=(2, 4), padding=0)
    curve._canvas.view_box.sigRangeChangedManually.emit([True, True])
    x, y = curve._canvas.plotted_points()
    np.testing.assert_array_equal(x, steps[9:62])
    np.testing.assert_allclose(y, loss[9:62])


@given(st.integers(1, 4000), st.integers(1, 500))
def test_thinning_keeps_ends_means_and_extremes(count, most):
    rng = np.random.default_rng(count)
    mean = rng.normal(3, 1, count)
    train = np.arange(count, dtype=float), mean, mean - 0.5, mean + 0.5
    steps, thinned, low, high = thin(train, 0, count, most)
    assert len(steps) <= max(count, 1) if count <= most else len(steps) <= most + 3
    assert (steps[0], steps[-1]) == (0, count - 1)
    assert (thinned[0], thinned[-1]) == (mean[0], mean[-1])
    assert (np.diff(steps) >= 0).all()
    assert low.min() == train[2].min()
    assert high.max() == train[3].max()


def test_thinning_passes_over_nan():
    mean = np.array([np.nan, 1.0, 3.0, np.nan, np.nan, np.nan])
    steps = np.arange(6, dtype=float)
    found = thin((steps, mean, mean, mean), 0, 5, 3)
    np.testing.assert_array_equal(found[1], [np.nan, 1.0, 3.0, np.nan, np.nan])
    np.testing.assert_array_equal(found[0], [0, 0.5, 2.5, 4.5, 5])


@given(st.floats(0, 1e7), st.floats(0, 1e4))
def test_the_end_of_the_axis_has_room_and_is_round(last, present):
    end = nice_end(last, present)
    assert end >= max(last, present)
    assert end <= max(present, 20, 1.6 * last)


@pytest.mark.parametrize(
    ("values", "lines", "settled"),
    [
        ([], [], None),
        ([], [2.0, 4.0], 4.0),
        ([3.0], [], None),
        ([np.nan, np.inf], [], 4.0),
        ([5.0, 5.0], [5.0], 5.0),
    ],
)
def test_there_is_always_a_range(values, lines, settled):
    low, high = y_range(np.array(values, dtype=float), lines, settled)
    assert np.isfinite([low, high]).all()
    assert low < high


def test_points_of_the_pointer_are_found(curve):
    _set(curve, 300)
    curve.grab()
    rect = curve._canvas.plot_rect()
    (left, right), (low, high) = curve._canvas.view_box.viewRange()
    assert curve._canvas.place(left, high) == rect.topLeft()
    assert curve._canvas.place(right, low) == QPointF(rect.right(), rect.bottom())
