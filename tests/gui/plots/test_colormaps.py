import sys
from subprocess import run

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embedviz.gui.plots import colormaps


@pytest.mark.parametrize("name", colormaps.NAMES)
def test_a_table_has_256_opaque_colours_but_the_last(name):
    table = colormaps.table(name)
    assert table.shape == (256, 4)
    assert table.dtype == np.uint8
    assert (table[:255, 3] == 255).all()
    assert tuple(table[colormaps.MISSING]) == (0, 0, 0, 0)
    assert not table.flags.writeable
    assert colormaps.table(name) is table


def test_viridis_runs_from_dark_purple_to_yellow():
    table = colormaps.table("viridis")
    assert tuple(table[0][:3]) == (68, 1, 84)
    assert tuple(table[colormaps.TOP][:3]) == (253, 231, 37)


@pytest.mark.parametrize("name", [colormaps.DIVERGING, colormaps.DIVERGING_SAFE])
def test_the_middle_of_a_diverging_table_is_the_lightest_and_nearly_grey(name):
    colours = colormaps.table(name)[:255, :3].astype(int)
    assert np.ptp(colours[colormaps.MIDDLE]) <= 12
    assert abs(int(colours.sum(axis=1).argmax()) - colormaps.MIDDLE) <= 3


def test_diverging_tables_are_blue_when_low_and_red_or_yellow_when_high():
    for name in (colormaps.DIVERGING, colormaps.DIVERGING_SAFE):
        low, high = colormaps.table(name)[0].astype(int), colormaps.table(name)[colormaps.TOP].astype(int)
        assert low[2] > low[0]
        assert high[0] > high[2]


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(ValueError, match="turbo"):
        colormaps.table("turbo")


def test_ends_middle_and_beyond():
    values = np.array([-9.0, -4.5, 0.0, 4.5, 9.0], dtype=np.float32)
    assert colormaps.indices(values, (-4.5, 4.5)).tolist() == [0, 0, 127, 254, 254]


def test_what_is_not_finite_is_missing_and_warns_of_nothing():
    values = np.array([np.nan, np.inf, -np.inf, 0.5], dtype=np.float32)
    assert colormaps.indices(values, (0.0, 1.0)).tolist() == [255, 255, 255, 127]


def test_equal_levels_put_their_value_in_the_middle():
    assert colormaps.indices(np.array([-1.0, 0.0, 1.0, np.nan]), (0.0, 0.0)).tolist() == [0, 127, 254, 255]


@given(arrays(np.float32, 20, elements=st.floats(-1e6, 1e6, width=32)))
def test_larger_values_never_have_lower_indices(values):
    found = colormaps.indices(np.sort(values), (-1000.0, 3000.0)).astype(int)
    assert (np.diff(found) >= 0).all()


def test_packed_colours_are_those_of_the_table():
    packed = colormaps.rgb32("viridis", 0xFF123456)
    red, green, blue, _ = (int(part) for part in colormaps.table("viridis")[100])
    assert int(packed[100]) == 0xFF000000 | red << 16 | green << 8 | blue
    assert int(packed[colormaps.MISSING]) == 0xFF123456


def test_only_the_curve_brings_the_plotting_library_with_it():
    modules = ["heatmap", "strip", "bars", "chips", "colorbar"]
    lines = [f"import embedviz.gui.plots.{module}" for module in modules]
    lines += ["from embedviz.gui.plots import colormaps", "colormaps.table('viridis')", "import sys"]
    lines += ["sys.exit('pyqtgraph' in sys.modules)"]
    assert run([sys.executable, "-c", "; ".join(lines)], check=False).returncode == 0
