import numpy as np
import pytest
from plot_events import leave, move, pixel, turn_wheel
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetricsF

from embedviz.analysis.layers import LayerSummary, summarize_layer
from embedviz.gui.plots.layer_chart import LayerChart, is_stream
from embedviz.gui.plots.layer_rows import AXIS, AXIS_GAP
from embedviz.gui.theme import Role

Key = Qt.Key
NORMAL = np.random.default_rng(7).normal(size=5000)
NORMAL = ((NORMAL - NORMAL.mean()) / NORMAL.std()).astype(np.float32)


def layers(blocks=2, growth=1.0):
    """Return the layers of a model whose stream has a standard deviation of `growth` times the block."""
    sizes = {"rows": 0.02, "sum": 0.03}
    for block in range(1, blocks + 1):
        sizes |= {
            f"block {block} attention": 0.3,
            f"block {block} stream 1": growth * block,
            f"block {block} hidden": 0.5,
            f"block {block} feed-forward": 0.4,
            f"block {block} stream 2": growth * block,
        }
    sizes["norm"] = 1.0
    return {name: LayerSummary.of(summarize_layer(size * NORMAL)) for name, size in sizes.items()}


@pytest.fixture
def make(qtbot, any_theme):
    def made(data=None, size=(401, 177)):
        plot = LayerChart(any_theme)
        qtbot.addWidget(plot)
        plot.resize(*(round(side * any_theme.scale) for side in size))
        plot.set_data(layers() if data is None else data, 20)
        return plot

    return made


def width_of(plot, row):
    return plot.ridge(row).boundingRect().width()


def test_two_blocks_fit_without_scrolling(make):
    plot = make()
    assert len(plot.shown_rows()) == 13
    assert not plot.scroll_bar.isVisibleTo(plot)
    assert plot.row_rect(12).bottom() <= plot.page_height


def test_ridges_share_an_axis_and_are_as_wide_as_their_numbers(make):
    plot = make()
    names = list(layers())
    stream_1, stream_2 = names.index("block 1 stream 1"), names.index("block 2 stream 1")
    assert width_of(plot, stream_2) == pytest.approx(2 * width_of(plot, stream_1), rel=1e-3)
    assert width_of(plot, 0) < 0.05 * width_of(plot, stream_2)
    for row in range(len(names)):
        ridge = plot.ridge(row).boundingRect()
        assert ridge.left() >= plot.track_rect(row).left()
        assert ridge.right() <= plot.track_rect(row).right()
        assert ridge.height() == pytest.approx(plot.track_rect(row).height() - plot._theme.px(3))


def test_a_norm_that_is_far_larger_does_not_flatten_the_others(make, any_theme):
    small = {name: layers()[name] for name in ("rows", "sum", "norm")}
    plot = make(small, size=(401, 60))
    assert plot.limit == pytest.approx(0.15)  # five times the standard deviation of the sum
    assert plot.ridge(2).boundingRect().width() > plot.track_rect(2).width()
    beyond = QPointF(plot.track_rect(2).right() + 6, plot.row_rect(2).bottom() - 4)
    assert pixel(plot, beyond) == any_theme.colour("card")  # it is cut there
    alone = make({"norm": small["norm"]})
    assert alone.limit > 1


def test_the_peak_of_a_ridge_is_at_its_value(make):
    values = np.full(100, 1.5, np.float32)
    values[:5] = -3.0
    plot = make({"rows": LayerSummary.of(summarize_layer(values))})
    peak = min(plot.ridge(0), key=lambda point: point.y())
    assert peak.x() == pytest.approx(plot.x_of(1.5), abs=plot.track_rect(0).width() / 20)


def test_a_layer_of_zeros_is_a_spike_at_zero_and_one_that_ran_away_has_no_ridge(make):
    zeros = LayerSummary.of(summarize_layer(np.zeros(10, np.float32)))
    lost = LayerSummary.of(summarize_layer(np.array([np.nan], np.float32)))
    plot = make({"rows": zeros, "sum": lost})
    assert width_of(plot, 0) == 0
    assert plot.ridge(0).boundingRect().center().x() == pytest.approx(plot.x_of(0))
    assert plot.in_words(0) == "all 0"
    assert plot.ridge(1).isEmpty()
    assert plot.in_words(1) == "not all of it is a number"
    assert "to sum std none" in plot.describe()
    plot.grab()


def test_the_axis_grows_at_once_and_another_run_decides_anew(make):
    plot = make()
    before = plot.limit
    plot.set_data(layers(growth=3.0), 21)
    assert plot.limit > before
    plot.set_data(layers(), 22)
    assert plot.limit > before  # it holds still
    plot.reset()
    plot.set_data(layers(), 0)
    assert plot.limit == before


@pytest.mark.parametrize("width", [180, 250, 401, 900])
def test_ticks_are_on_the_axis_and_have_room(make, width):
    plot = make(size=(width, 177))
    ticks = plot.ticks()
    assert 0 in ticks
    assert ticks == [-value for value in reversed(ticks)]
    assert len(ticks) >= 3
    assert max(ticks) <= plot.limit


def test_the_stream_is_drawn_full_and_what_is_added_faded(make, any_theme):
    plot = make({name: layers()[name] for name in ("block 1 attention", "block 1 stream 1")}, size=(401, 120))
    inside = [QPointF(plot.x_of(0), plot.row_rect(row).bottom() - 8 * any_theme.scale) for row in (0, 1)]
    assert pixel(plot, inside[1]) == any_theme.colour("model")
    assert pixel(plot, inside[0]) not in (any_theme.colour("model"), any_theme.colour("card"))
    assert [is_stream(name) for name in ("rows", "sum", "block 3 stream 2", "norm", "block 1 hidden")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_names_are_short_where_there_is_no_room(make):
    assert "block 1 attention" in make(size=(401, 177)).shown_names()
    narrow = make(size=(220, 177))
    assert "1 attention" in narrow.shown_names()
    assert "norm" in narrow.shown_names()


def test_many_layers_scroll_by_wheel_and_by_keys(make, qtbot):
    plot = make(layers(blocks=12))
    assert plot.scroll_bar.isVisibleTo(plot)
    assert plot.row_height > 0
    assert len(plot.shown_rows()) < 20
    middle = QPointF(plot.width() / 2, plot.page_height / 2)
    assert turn_wheel(plot, middle, -2)
    assert plot.shown_rows().start > 0
    assert turn_wheel(plot, middle, 9)
    assert not turn_wheel(plot, middle, 1)  # it is at its top: the panel may have the wheel
    told = []
    plot.hovered.connect(told.append)
    leave(plot)
    told.clear()
    plot.show()
    plot.setFocus(Qt.FocusReason.TabFocusReason)
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Up, Key.Key_End, Key.Key_PageUp, Key.Key_Home):
        qtbot.keyClick(plot, key)
        row = told[-1]
        assert plot.row_rect(row).top() >= 0
        assert plot.row_rect(row).bottom() <= plot.page_height + 1
    assert told[:4] == [0, 1, 0, 62]
    assert told[4] < 62
    assert told[5] == 0


def test_a_row_that_is_pointed_at_tells_its_numbers(make):
    plot = make()
    move(plot, plot.row_rect(3).center())
    assert plot.describe().startswith("step 20: 13 layers, from rows std 0.0200 to norm std 1.00")
    assert "; at block 1 stream 1: mean " in plot.describe()
    assert "std 1.0" in plot.in_words(3)
    assert " at 0" not in plot.in_words(3)
    plot.grab()  # with its tag
    move(plot, QPointF(5, plot.height() - 2))  # the axis is no row
    assert "; at" not in plot.describe()


def test_outputs_that_are_switched_off_are_counted(make):
    relu = LayerSummary.of(summarize_layer(np.array([0, 0, 0, 1.0], np.float32)))
    assert make({"block 1 hidden": relu}).in_words(0).endswith("75 % at 0")


def test_another_model_lets_go_of_a_row_it_does_not_have(make):
    plot = make()
    move(plot, plot.row_rect(12).center())
    plot.set_data(layers(blocks=1), 0)
    assert "; at" not in plot.describe()


def test_without_data_there_is_nothing_to_point_at(qtbot, any_theme):
    plot = LayerChart(any_theme)
    qtbot.addWidget(plot)
    plot.resize(plot.sizeHint())
    plot.set_empty("Nothing yet.")
    plot.show()
    assert plot.describe() == ""
    qtbot.keyClick(plot, Key.Key_Down)
    move(plot, QPointF(50, 50))
    assert plot.describe() == ""
    plot.set_empty("")
    plot.grab()
    assert plot.minimumSizeHint().width() < plot.sizeHint().width()


def test_a_norm_beyond_the_axis_says_so_between_two_arrows(make, any_theme):
    data = {name: summary for name, summary in layers(growth=0.1).items() if not name.startswith("block 2")}
    plot = make(data)
    norm = list(data).index("norm")
    assert [row for row in range(len(data)) if plot.goes_beyond(row)] == [norm]
    assert plot.in_words(norm).endswith(", beyond the axis")
    assert "beyond" not in plot.in_words(0)
    image, track, ratio = plot.grab().toImage(), plot.track_rect(norm), plot.devicePixelRatioF()
    ink = any_theme.colour("ink")
    for x in (track.left() + any_theme.px(2), track.right() - any_theme.px(2) - 1):
        assert image.pixelColor(round(x * ratio), round(track.center().y() * ratio)) == ink
    alone = make({"norm": data["norm"]})  # then the axis is its own
    assert not alone.goes_beyond(0)


def test_the_axis_has_its_name_whole_beside_short_names_of_rows(make, any_theme):
    plot = make({name: layers()[name] for name in ("rows", "sum", "norm")})
    words = QFontMetricsF(any_theme.font(Role.CAPTION))
    room = plot.track_rect(0).left() - any_theme.px(14 + AXIS_GAP) + 1
    assert words.horizontalAdvance(AXIS) <= room
