import gc
import weakref

import numpy as np
import pytest
from plot_events import leave, move, pixel
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.plots.heatmap_lens import LensPainter


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(0, 2, (65, 65)).astype(np.float32)


@pytest.fixture
def make(qtbot, any_theme):
    def made(values, levels=(-4.0, 4.0), colormap="CET-D1", size=(700, 700), **labels):
        heatmap = Heatmap(any_theme)
        qtbot.addWidget(heatmap)
        heatmap.resize(*size)
        names = [chr(0x41 + k % 50) for k in range(values.shape[0])]
        heatmap.set_labels(labels.get("rows", names), labels.get("columns"))
        heatmap.set_data(values, levels, colormap)
        return heatmap

    return made


def _colour(value, levels, name):
    red, green, blue, _ = colormaps.table(name)[int(colormaps.indices(np.array([value]), levels)[0])]
    return QColor(int(red), int(green), int(blue))


def test_the_middle_of_a_cell_has_the_tables_colour(make, values):
    heatmap = make(values)
    image = heatmap.grab().toImage()
    for row, column in [(0, 0), (0, 64), (64, 0), (64, 64), (31, 7), (12, 50)]:
        found = image.pixelColor(heatmap.cell_rect(row, column).center().toPoint())
        assert found == _colour(values[row, column], (-4.0, 4.0), "CET-D1")


def test_colours_are_right_after_zooming_and_moving(make, values):
    heatmap = make(values)
    heatmap.zoom_about(QPointF(300, 200), 2.7)
    view, image = heatmap.view, heatmap.grab().toImage()
    for row in view.shown_rows[1:-1:5]:
        for column in view.shown_columns[1:-1:5]:
            found = image.pixelColor(heatmap.cell_rect(row, column).center().toPoint())
            assert found == _colour(values[row, column], (-4.0, 4.0), "CET-D1")


def test_what_is_not_finite_has_the_colour_of_lines(make, any_theme):
    values = np.array([[np.nan, 1.0], [np.inf, -np.inf]], dtype=np.float32)
    heatmap = make(values)
    for cell in [(0, 0), (1, 0), (1, 1)]:
        assert pixel(heatmap, heatmap.cell_rect(*cell).center()) == any_theme.colour("line")


def test_a_new_frame_is_painted_and_the_same_one_is_not_converted_again(make, values):
    heatmap = make(values)
    point = heatmap.cell_rect(3, 4).center()
    before = pixel(heatmap, point)
    heatmap.set_data(-values, (-4.0, 4.0), "CET-D1")
    assert pixel(heatmap, point) == _colour(-values[3, 4], (-4.0, 4.0), "CET-D1") != before


def test_a_frozen_array_given_twice_changes_nothing(make, values, monkeypatch):
    values.flags.writeable = False
    heatmap = make(values)
    touched = []
    monkeypatch.setattr(heatmap, "touch", lambda: touched.append(1))
    heatmap.set_data(values, (-4.0, 4.0), "CET-D1")
    assert not touched
    heatmap.set_data(values, (-3.0, 3.0), "CET-D1")
    assert touched


def test_each_line_of_a_tall_table_is_the_mean_of_its_rows(make):
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (5000, 8)).astype(np.float32)
    heatmap = make(values, size=(400, 500))
    down, across = heatmap.view.block(1.0)
    assert down > 1
    assert across == 1
    assert heatmap.pooling_note == f"each line shows the mean of {down} rows"
    image, rect = heatmap.grab().toImage(), heatmap.view.rect
    x = int(heatmap.cell_rect(0, 5).center().x())
    seen = set()
    for y in range(int(rect.top()), int(rect.bottom())):
        place = heatmap.view.position(x, y + 0.5)[0] / down
        if min(place % 1, 1 - place % 1) < 0.05:
            continue  # the middle of the pixel is on the border of two lines
        block = int(place)
        mean = values[block * down : (block + 1) * down, 5].mean()
        near = [_colour(mean + shift, (-4.0, 4.0), "CET-D1") for shift in (0.0, 1e-4, -1e-4)]
        assert image.pixelColor(x, y) in near
        seen.add(block)
    assert len(seen) > 0.8 * len(values) / down


def test_extremes_are_offered_too(make):
    values = np.zeros((5000, 2), dtype=np.float32)
    values[1234, 1] = -4.0
    heatmap = make(values, size=(300, 400))
    told = []
    heatmap.view_changed.connect(lambda: told.append(heatmap.pooling_note))
    heatmap.set_pooling("extreme")
    assert told == [heatmap.pooling_note]
    assert "farthest from 0" in heatmap.pooling_note
    point = heatmap.cell_rect(1234, 1).center()
    colours = {pixel(heatmap, point + QPointF(0, dy)).name() for dy in (-1, 0, 1)}
    assert _colour(-4.0, (-4.0, 4.0), "CET-D1").name() in colours


def test_no_note_where_every_cell_is_drawn(make, values):
    assert make(values).pooling_note == ""


@pytest.mark.parametrize(("rows", "columns"), [(65, 65), (256, 256), (5, 2), (3000, 40)])
def test_labels_never_overlap(make, rows, columns):
    names = [f"name{k}"[: 1 + k % 7] for k in range(columns)]
    heatmap = make(np.zeros((rows, columns), np.float32), columns=names)
    heatmap.set_outlined([1, 2, 3, rows - 1], 2)
    move(heatmap, heatmap.cell_rect(rows // 2, columns // 2).center())
    rects = heatmap.label_rects()
    assert len(rects) > 4
    for k, rect in enumerate(rects):
        assert not any(rect.intersects(other) for other in rects[k + 1 :])
        assert not rect.intersects(heatmap.view.rect)


def test_labels_of_selected_outlined_and_hovered_rows_are_always_there(make):
    names = [f"t{k}" for k in range(256)]
    heatmap = make(np.zeros((256, 256), np.float32), size=(400, 400), rows=names, columns=names)
    heatmap.set_outlined([100, 101, 103], 103)
    move(heatmap, heatmap.cell_rect(201, 155).center())
    row, column = heatmap.cursor_cell
    assert {"t100", "t101", "t103", names[row], names[column]} <= set(heatmap.shown_labels())


def test_long_labels_are_cut_in_the_middle(make):
    heatmap = make(np.zeros((2, 2), np.float32), rows=["antidisestablishmentarianism" * 2, "b"])
    label = heatmap.shown_labels()[0]
    assert "…" in label
    assert label.startswith("an")
    assert label.endswith("sm")


def test_columns_without_names_are_numbered(make):
    heatmap = make(np.zeros((2, 3), np.float32))
    assert heatmap.shown_labels()[-3:] == ["0", "1", "2"]


def test_an_outline_is_ink_between_lines_of_the_card(make, values, any_theme):
    heatmap = make(values)
    heatmap.set_outlined([10], 20)
    image, view = heatmap.grab().toImage(), heatmap.view
    for row, width in [(10, any_theme.px(1)), (20, any_theme.px(2))]:
        top = round(heatmap.row_rect(row).top())
        x = round(view.rect.center().x())
        above = [image.pixelColor(x, y) for y in range(top - width - 3 * any_theme.px(1) - 2, top + 2)]
        assert above.count(any_theme.colour("ink")) >= width
        assert any_theme.colour("card") in above


def test_the_lens_keeps_off_the_pointer_and_inside(make, values, any_theme):
    heatmap = make(values, size=(500, 500))
    lens = LensPainter(any_theme)
    within = heatmap.rect().toRectF()
    for x in range(0, 500, 50):
        for y in range(0, 500, 50):
            rect = lens.rect(within, QPointF(x, y), "row q, column u: +3.27")
            assert within.contains(rect)
            assert not rect.contains(QPointF(x, y))


def test_the_lens_can_be_switched_off(make):
    heatmap = make(np.full((200, 200), 4.0, np.float32), size=(400, 400))
    move(heatmap, heatmap.cell_rect(100, 100).center())
    with_lens = heatmap.grab().toImage()
    heatmap.set_lens(False)
    assert heatmap.grab().toImage() != with_lens


def test_no_lens_covers_a_table_of_which_a_cell_is_held(make):
    heatmap = make(np.full((200, 200), 4.0, np.float32), size=(400, 400))
    heatmap.hold((100, 99))
    move(heatmap, heatmap.cell_rect(100, 100).center())
    shown = heatmap.grab().toImage()
    heatmap.set_lens(False)
    assert heatmap.grab().toImage() == shown


def test_cells_of_a_square_table_are_never_too_long(make):
    heatmap = make(np.zeros((65, 65), np.float32), size=(1400, 300))
    assert heatmap.view.cell_width <= 2.5 * heatmap.view.cell_height + 1e-9
    assert heatmap.view.rect.left() < 80


def test_other_tables_fill_the_widget(make):
    heatmap = make(np.zeros((2000, 16), np.float32), size=(500, 600))
    assert heatmap.view.rect == heatmap.table_area()


def test_printed_numbers_may_differ_from_the_coloured_ones(make):
    counts = np.array([[0, 157], [3, 12]])
    heatmap = make(np.zeros((2, 2), np.float32), rows=["a", "b"], columns=["x", "y"])
    heatmap.set_data(np.log1p(counts).astype(np.float32), (0.0, 6.0), "viridis", counts)
    assert heatmap.value_at(0, 1) == 157
    move(heatmap, heatmap.cell_rect(0, 1).center())
    assert "row a, column y: 157" in heatmap.describe()


def test_numbers_are_printed_where_cells_are_large(make):
    heatmap = make(np.full((2, 2), 4.0, np.float32), size=(500, 400))
    inside = heatmap.cell_rect(0, 0).toRect()
    image = heatmap.grab().toImage().copy(inside)
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert len(colours) > 2


def test_an_empty_table_says_why(make, values):
    heatmap = make(values)
    heatmap.set_empty("Open a text to see its lookup table.")
    before = heatmap.grab().toImage()
    heatmap.set_data(values, (-4.0, 4.0), "CET-D1")
    assert heatmap.grab().toImage() != before
    hovered = []
    heatmap.set_empty("Nothing here.")
    heatmap.hovered.connect(lambda *cell: hovered.append(cell))
    move(heatmap, QPointF(300, 300))
    assert not hovered


def test_it_can_be_painted_before_it_has_data(qtbot, theme):
    heatmap = Heatmap(theme)
    qtbot.addWidget(heatmap)
    heatmap.set_labels(["a"], None)
    heatmap.set_outlined([3], 3)
    heatmap.grab()
    move(heatmap, QPointF(50, 50))
    assert heatmap.pooling_note == ""


def test_it_says_in_words_what_it_shows(qtbot, theme, values):
    heatmap = Heatmap(theme)
    qtbot.addWidget(heatmap)
    assert heatmap.accessibleName()
    heatmap.resize(500, 500)
    heatmap.set_labels([chr(0x41 + k) for k in range(65)], None)
    heatmap.set_data(values, (-4.0, 4.0), "CET-D1")
    heatmap.set_outlined([4], 4)
    heatmap.set_note("step 65")
    qtbot.waitUntil(lambda: heatmap.accessibleDescription() == "65 by 65 table; selected row E, step 65")
    move(heatmap, heatmap.cell_rect(1, 2).center())
    leave(heatmap)
    assert heatmap.cursor_cell is None


def test_another_look_is_taken_at_once(qtbot, theme):
    heatmap = Heatmap(theme)
    qtbot.addWidget(heatmap)
    heatmap.resize(400, 400)
    heatmap.set_data(np.full((2, 2), np.nan, np.float32), (0.0, 1.0), "viridis")
    light = pixel(heatmap, heatmap.cell_rect(0, 0).center())
    theme._mode = "dark"  # not set_mode: that would restyle the application under the other tests
    theme.changed.emit()
    assert pixel(heatmap, heatmap.cell_rect(0, 0).center()) == theme.colour("line") != light


def test_no_cycle_keeps_a_dropped_heatmap(qapp, theme, values):
    gc.collect()
    gc.disable()
    try:
        heatmap = Heatmap(theme)
        heatmap.set_data(values, (-4.0, 4.0), "CET-D1")
        heatmap.grab()
        gone = weakref.ref(heatmap)
        del heatmap
        assert gone() is None
    finally:
        gc.enable()
