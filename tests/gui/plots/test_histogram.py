import numpy as np
import pytest
from plot_events import leave, move, pixel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from embedviz.analysis.activations import summarize
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.histogram import ActivationHistogram

Key = Qt.Key


def outputs(units=8, examples=10):
    """Return half of the units saturated on all, the others spread evenly."""
    hidden = np.tile(np.linspace(-0.85, 0.85, examples, dtype=np.float32)[:, None], (1, units))
    hidden[:, : units // 2] = 1
    return hidden


@pytest.fixture
def make(qtbot, any_theme):
    def made(hidden=None, bins=20):
        plot = ActivationHistogram(any_theme)
        qtbot.addWidget(plot)
        plot.resize(plot.sizeHint())
        plot.set_data(summarize(outputs() if hidden is None else hidden, bins), 65)
        return plot

    return made


def test_bars_are_as_high_as_their_shares(make):
    plot = make()
    shares = summarize(outputs(), 20).shares
    heights = np.array([plot.bar_rect(index).height() for index in range(20)])
    assert np.allclose(heights / heights.max(), shares / shares.max())
    assert plot.bar_rect(0).left() == pytest.approx(plot.plot_rect().left())
    assert plot.bar_rect(19).right() == pytest.approx(plot.plot_rect().right())
    assert plot.plot_rect().contains(plot.bar_rect(19).center())


def test_bars_are_blue_and_the_ends_are_shaded(make, any_theme):
    plot = make()
    bar = plot.bar_rect(19)
    assert pixel(plot, QPointF(bar.center().x() - 1, bar.bottom() - 3)) == any_theme.colour("model")
    left, right = plot.zone_rects()
    assert left.width() == pytest.approx(0.015 * plot.plot_rect().width())
    assert left.width() == pytest.approx(right.width())
    assert pixel(plot, QPointF(left.center().x(), left.top() + 4)) != any_theme.colour("card")
    assert pixel(plot, QPointF(plot.plot_rect().center().x(), left.top() + 4)) == any_theme.colour("card")


def test_the_axis_holds_still_while_the_bars_move(make):
    plot = make()
    plot.set_data(summarize(outputs(), 20), 66)
    before = plot.bar_rect(19).height()
    fewer = outputs()
    fewer[0, 0] = 0  # of 80
    plot.set_data(summarize(fewer, 20), 67)
    shares = [summarize(hidden, 20).shares[19] for hidden in (outputs(), fewer)]
    assert plot.bar_rect(19).height() == pytest.approx(before * shares[1] / shares[0])


def test_ticks_are_round_and_on_the_axis(make):
    plot = make()
    ticks = plot.ticks()
    assert ticks[0] == 0
    assert len(ticks) >= 2
    assert ticks[1] in (0.1, 0.2, 0.5)
    plot.resize(240, 200)
    assert len(plot.ticks()) <= len(ticks)


def test_each_unit_has_the_colour_of_its_saturation(make):
    plot = make()
    image = plot.grab().toImage()
    for unit, share in ((0, 1.0), (7, 0.0)):
        place = plot.unit_rect(unit).center()
        red, green, blue, _ = colormaps.table("viridis")[colormaps.indices(np.float32(share), (0.0, 1.0))]
        assert image.pixelColor(int(place.x()), int(place.y())) == QColor(int(red), int(green), int(blue))


def test_more_units_than_pixels_hide_no_saturated_one(make):
    hidden = np.zeros((2, 4096), dtype=np.float32)
    hidden[1] = 0.1
    hidden[:, 2000] = 1
    plot = make(hidden)
    image = plot.grab().toImage()
    y = int(plot.map_rect().center().y())
    near = plot.unit_rect(2000).center().x()
    red, green, blue, _ = colormaps.table("viridis")[colormaps.TOP]
    seen = {image.pixelColor(int(near) + by, y).name() for by in (-1, 0, 1)}
    assert QColor(int(red), int(green), int(blue)).name() in seen


def test_pointing_tells_the_unit_and_describes_the_bar(make):
    plot = make()
    seen = []
    plot.hovered_unit.connect(seen.append)
    move(plot, plot.unit_rect(3).center())
    assert plot.describe().endswith("; at unit 3: saturated on 100 % of contexts")
    bar = plot.bar_rect(19)
    move(plot, QPointF(bar.center().x(), plot.plot_rect().top() + 2))
    assert plot.describe().endswith("; at +0.90 to +1.0: 50 % of activations")
    leave(plot)
    assert seen == [3, -1, -1]


def test_keys_reach_every_bar_and_unit(make, qtbot):
    plot = make()
    seen = []
    plot.hovered_unit.connect(seen.append)
    for key in (Key.Key_Right, Key.Key_Left, Key.Key_Down, Key.Key_End, Key.Key_Right, Key.Key_Home, Key.Key_Up):
        qtbot.keyClick(plot, key)
    assert seen == [-1, 0, 7, 0, -1]
    assert "; at −0.90 to −0.80: " in plot.describe()  # the bar above the middle of the first unit


def test_it_says_the_headline_with_its_step(make):
    plot = make()
    assert plot.describe() == (
        "step 65: 50.0 % of activations saturated; 4 of 8 units mostly so, 4 dead (on 10 contexts)"
    )


def test_fewer_units_let_go_of_the_one_pointed_at(make):
    plot = make()
    move(plot, plot.unit_rect(7).center())
    plot.set_data(summarize(outputs(units=4), 20), 66)
    assert "; at" not in plot.describe()


def test_it_is_painted_empty_and_with_its_reason(qtbot, theme):
    plot = ActivationHistogram(theme)
    qtbot.addWidget(plot)
    plot.resize(400, 280)
    blank = plot.grab().toImage()
    plot.set_empty("The trainer sends the hidden layer with its next step.")
    assert plot.grab().toImage() != blank
