import numpy as np
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.colorbar import ColorBar


def test_numbers_are_signed_where_the_scale_goes_below_0(qtbot, theme):
    bar = ColorBar(theme)
    qtbot.addWidget(bar)
    bar.set_levels((-4.5, 4.5), "CET-D1")
    assert bar.texts == ("+4.50", "0", "−4.50")
    bar.set_levels((0.0, 1.0), "viridis")
    assert bar.texts == ("1.00", "0.500", "0")


def test_numbers_can_be_given_for_a_scale_that_is_not_linear(qtbot, theme):
    bar = ColorBar(theme)
    qtbot.addWidget(bar)
    bar.set_levels((0.0, 9.2), "viridis", ("10,000", "99", "0"))
    assert bar.texts == ("10,000", "99", "0")
    assert bar.describe() == "colours from 0 to 10,000"


def test_colours_run_from_low_at_the_bottom_to_high_at_the_top(qtbot, any_theme):
    bar = ColorBar(any_theme)
    qtbot.addWidget(bar)
    bar.resize(bar.sizeHint())
    bar.set_levels((-1.0, 1.0), "CET-D1")
    image, rect = bar.grab().toImage(), bar.bar_rect()
    x, table = int(rect.center().x()), colormaps.table("CET-D1")
    for y, index in [(rect.top() + 2, 254), (rect.center().y(), 127), (rect.bottom() - 2, 0)]:
        found = np.array(image.pixelColor(x, int(y)).getRgb()[:3])
        assert np.abs(found - table[index, :3].astype(int)).max() < 20


def test_it_never_narrows_while_numbers_change(qtbot, theme):
    bar = ColorBar(theme)
    qtbot.addWidget(bar)
    bar.set_levels((-1234.5, 1234.5), "CET-D1")
    wide = bar.sizeHint().width()
    bar.set_levels((0.0, 1.0), "viridis")
    assert bar.sizeHint().width() == wide


def test_numbers_have_room(qtbot, any_theme):
    bar = ColorBar(any_theme)
    qtbot.addWidget(bar)
    bar.set_levels((-99999.0, 99999.0), "CET-D1")
    bar.resize(bar.sizeHint().width() + 20, 200)
    image = bar.grab().toImage()
    beyond = {
        image.pixelColor(x, y).name() for x in range(bar.sizeHint().width(), image.width()) for y in range(200)
    }
    assert beyond == {QColor(any_theme.colours.card).name()}
