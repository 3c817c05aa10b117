import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_events import click, leave, move, press, release
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from embedviz.gui.plots import colormaps, phase_strip
from embedviz.gui.plots.phase_batch import BatchPicture, batch_grid
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.plots.phase_layout import Heights, stack, widths
from embedviz.gui.plots.phase_pictures import bands, drawn_part, loss_point, pooled
from embedviz.gui.plots.phase_places import MARGIN, faces, widest
from embedviz.gui.plots.phase_strip import AFTER, PhaseStrip
from embedviz.gui.theme import Theme

GENERATOR = np.random.default_rng(7)
TEXT = GENERATOR.integers(0, 26, 200)
STARTS = GENERATOR.integers(0, 190, 32)
IDS, TARGETS = (np.stack([TEXT[s + by : s + by + 8] for s in STARTS]) for by in (0, 1))
LOGITS = GENERATOR.normal(0, 2, 65).astype(np.float32)
SHARES = (np.exp(LOGITS) / np.exp(LOGITS).sum()).astype(np.float32)
SIZES = [(820, 110), (1300, 120), (1850, 230)]


def letter(token: int) -> str:
    return chr(97 + token)


def card(kind: str, picture, title="Title", **more) -> PhaseCard:
    return PhaseCard(title.lower(), title, "shape (65,)", kind, np.asarray(picture), **more)


BATCH = card("ids", IDS, "Batch", also=TARGETS, example=(4, 3), labels=letter, lines=("e → r", "row 5"))
BIGRAM = [
    BATCH,
    card("signed", LOGITS, "Look up", lines=("E[4] from −3.20", "to +3.20"), levels=4.5),
    card("signed", LOGITS, "Logits", lines=("r +3.20", "e +2.43"), marks=(17,)),
    card("probabilities", SHARES, "Softmax", lines=("r 0.277", "e 0.128", "Σ = 1.000"), marks=(17,)),
    card("number", 1.283, "Loss", lines=("−log 0.277", "= 1.283 nats")),
    card("signed", SHARES - 0.1, "Gradient", lines=("r −0.723", "e +0.128"), marks=(17,)),
    card("change", LOGITS / 100, "Update", lines=("+3.202 → +3.211", "P 0.2771 → 0.2781"), marks=(17,)),
]
MLP = [
    *BIGRAM[:1],
    card("signed", LOGITS[:30].reshape(3, 10), "Rows", lines=("C[4] −1.20", "C[5] +0.70")),
    card("signed", LOGITS[:30], "Concatenate", lines=("3 rows of 10", "→ 30 numbers"), parts=3),
    *BIGRAM[2:],
    card("change", LOGITS[:30].reshape(3, 10), "Moves", lines=("+3.202 → +3.211",)),
]


@pytest.fixture
def make(qtbot, any_theme):
    def made(cards=BIGRAM, size=(1300, 160), current=-1) -> PhaseStrip:
        strip = PhaseStrip(any_theme)
        qtbot.addWidget(strip)
        strip.resize(*size)
        strip.set_phases(cards)
        strip.set_current(current)
        return strip

    return made


def colour_at(strip: PhaseStrip, point: QPointF) -> QColor:
    return strip.grab().toImage().pixelColor(int(point.x()), int(point.y()))


def colours_in(strip: PhaseStrip, rect: QRectF) -> set[str]:
    image, area = strip.grab().toImage(), rect.toRect()
    return {
        image.pixelColor(x, y).name()
        for x in range(area.left(), area.right() + 1)
        for y in range(area.top(), area.bottom() + 1)
    }


def colour_of(value: float, limit: float) -> QColor:
    red, green, blue, _ = colormaps.table("CET-D1")[colormaps.indices(np.float32(value), (-limit, limit))]
    return QColor(int(red), int(green), int(blue))


# ---- the arithmetic of places

NEEDS = st.lists(st.floats(1, 500), min_size=1, max_size=12)


@given(NEEDS, st.floats(0, 3000))
def test_widths_fill_the_room_and_meet_needs_while_that_can_be_had(needs, room):
    shares = widths(needs, room)
    assert sum(shares) == pytest.approx(room)
    if sum(needs) <= room:
        assert all(share >= need - 1e-6 for share, need in zip(shares, needs, strict=True))
        smallest = min(shares)
        assert all(share == pytest.approx(max(need, smallest)) for share, need in zip(shares, needs, strict=True))
    else:
        largest = max(shares)
        assert all(share == pytest.approx(min(need, largest)) for share, need in zip(shares, needs, strict=True))


def test_no_cards_need_no_widths():
    assert widths([], 100) == []


def test_the_picture_shrinks_first_then_the_third_line_goes_then_the_caption():
    heights = Heights(padding=8, title=18, caption=14, line=14, gap=3, lowest=12)
    full = 2 * 8 + 18 + 14 + 2 * 3 + 3 * 14
    roomy, least = stack(full + 100, 3, heights), stack(full + 12, 3, heights)
    assert (roomy.picture_height, roomy.lines, roomy.has_caption, roomy.complete) == (100, 3, True, True)
    assert (least.picture_height, least.lines, least.has_caption, least.complete) == (12, 3, True, True)
    lower = stack(full + 11, 3, heights)
    assert (lower.picture_height, lower.lines, lower.has_caption) == (11 + 14, 2, True)
    lowest = stack(full - 14 + 11, 3, heights)
    assert (lowest.picture_height, lowest.lines, lowest.has_caption) == (11 + 14, 2, False)
    nothing = stack(10, 3, heights)
    assert (nothing.picture_height, nothing.lines, nothing.complete) == (0, 0, False)


# ---- a batch


def test_targets_that_are_the_ids_moved_by_one_add_one_column():
    grid = batch_grid(BATCH)
    np.testing.assert_array_equal(grid.ids[:, :8], IDS)
    np.testing.assert_array_equal(grid.ids[:, 8], TARGETS[:, -1])
    assert (grid.seam, grid.example, grid.target) == (8, (4, 3), (4, 4))
    assert grid.ids[grid.target] == TARGETS[4, 3]


@pytest.mark.parametrize("place", [(0, 0), (4, 3), (31, 7)])
@pytest.mark.parametrize("other", [False, True])
def test_the_target_cell_holds_the_target_of_the_example(place, other):
    targets = (TARGETS + 1) % 26 if other else TARGETS
    grid = batch_grid(replace(BATCH, also=targets, example=place))
    assert grid.ids[grid.target] == targets[place]
    assert grid.ids.shape == (32, 16 if other else 9)


@pytest.mark.parametrize("shape", [(32, 1), (32,)])
def test_one_target_a_row_stands_behind_all_that_is_read(shape):
    last = TARGETS[:, -1].reshape(shape)
    grid = batch_grid(replace(BATCH, also=last, example=(2, 7)))
    assert grid.target == (2, 8)
    np.testing.assert_array_equal(grid.ids[:, 8], TARGETS[:, -1])


def test_a_model_that_predicts_at_the_end_only_has_its_target_there():
    targets = np.full_like(TARGETS, -1)
    targets[:, -1] = 3
    grid = batch_grid(replace(BATCH, also=targets, example=(1, 7)))
    assert grid.ids.shape == (32, 9)
    assert grid.target == (1, 8)
    assert grid.ids[grid.target] == 3


def test_a_batch_may_come_without_targets_and_with_an_example_that_it_does_not_have():
    grid = batch_grid(replace(BATCH, also=None))
    assert (grid.seam, grid.example, grid.target) == (8, (4, 3), None)
    assert batch_grid(replace(BATCH, example=(32, 0))).example is None
    assert batch_grid(replace(BATCH, example=None)).target is None


def test_cells_have_labels_where_letters_fit_and_tints_elsewhere(theme):
    assert BatchPicture(BATCH, QRectF(0, 0, 240, 100), theme).labelled
    assert not BatchPicture(BATCH, QRectF(0, 0, 20, 100), theme).labelled
    assert not BatchPicture(BATCH, QRectF(0, 0, 240, 8), theme).labelled


def test_a_small_batch_shows_few_cells_with_letters_and_not_many_without(theme):
    area = QRectF(0, 0, theme.px(76), theme.px(16))
    picture = BatchPicture(replace(BATCH, reads=3), area, theme)
    assert picture.labelled
    assert min(picture.cell_width, picture.cell_height) >= theme.px(12)
    for column in (1, 2, 3, 4):  # what is read, and its target
        assert area.intersects(picture.cell_rect(4, column))


def test_targets_of_a_window_stand_under_its_ids_where_there_is_room(theme):
    window = replace(BATCH, picture=TEXT[None, :24], also=TEXT[None, 1:25], example=(0, 11))
    high, low = (BatchPicture(window, QRectF(0, 0, 200, theme.px(height)), theme) for height in (32, 18))
    np.testing.assert_array_equal(high.grid.ids, np.stack([TEXT[:24], TEXT[1:25]]))
    assert high.grid.target == (1, 11)
    assert list(high.shown_rows()) == [0, 1]
    assert low.grid.ids.shape == (1, 25)
    assert low.grid.target == (0, 12)


@pytest.mark.parametrize("row", [0, 1, 16, 31])
@pytest.mark.parametrize("size", [(240, 100), (240, 22), (70, 100), (70, 30), (60, 12)])
def test_the_example_is_in_the_picture_whatever_is_cut(theme, row, size):
    area = QRectF(5, 7, *size)
    picture = BatchPicture(replace(BATCH, example=(row, 5)), area, theme)
    assert row in picture.shown_rows()
    assert 5 in picture.shown_columns()
    assert area.intersects(picture.cell_rect(row, 5))
    assert area.intersects(picture.cell_rect(row, 6))


def test_a_batch_owns_up_to_what_it_cuts(theme):
    assert BatchPicture(BATCH, QRectF(0, 0, 240, 800), theme).part() == ""
    picture = BatchPicture(BATCH, QRectF(0, 0, 240, 60), theme)
    rows = picture.shown_rows()
    assert 1 < len(rows) < 32
    assert picture.part() == f"Drawn: rows {rows.start + 1} to {rows.stop} of 32."
    window = replace(BATCH, picture=TEXT[None, :24], also=TEXT[None, 1:25], example=(0, 11))
    columns = BatchPicture(window, QRectF(0, 0, 200, 20), theme).shown_columns()
    assert {11, 12} <= set(columns)
    assert drawn_part(window, QRectF(0, 0, 200, 20), theme) == (
        f"Drawn: columns {columns.start + 1} to {columns.stop} of 25."
    )


def test_the_target_is_orange_and_what_is_read_is_framed_in_ink(make, any_theme):
    strip = make(size=(1850, round(230 * any_theme.scale)))
    rect = strip.picture_rect(0)
    picture = BatchPicture(BATCH, rect, any_theme)
    assert picture.labelled
    assert any_theme.colour("data").name() in colours_in(strip, picture.cell_rect(4, 4))
    assert any_theme.colour("data").name() not in colours_in(strip, picture.cell_rect(4, 5))
    read = picture.cell_rect(4, 0).united(picture.cell_rect(4, 3))
    middle = QPointF(read.center().x(), read.top())
    line = QRectF(middle.x(), middle.y() - 3, 1, 6)
    assert any_theme.colour("ink").name() in colours_in(strip, line)


def test_only_what_the_model_reads_is_framed(make, any_theme):
    one = replace(BATCH, reads=1)
    strip = make([one], size=(600, 200))
    picture = BatchPicture(one, strip.picture_rect(0), any_theme)
    for column, is_framed in ((1, False), (3, True)):
        cell = picture.cell_rect(4, column)
        line = QRectF(cell.center().x(), cell.top() - 3, 1, 6)
        assert (any_theme.colour("ink").name() in colours_in(strip, line)) is is_framed


def test_a_frame_is_open_where_what_is_read_is_cut(make, any_theme):
    ink = any_theme.colour("ink").name()
    for place, is_closed in ((0, True), (7, False)):
        followed = replace(BATCH, example=(16, place))
        strip = make([followed], size=(round(110 * any_theme.scale), round(200 * any_theme.scale)))
        area = strip.picture_rect(0)
        picture = BatchPicture(followed, area, any_theme)
        assert picture.labelled
        cell = picture.cell_rect(16, place)
        edge = QRectF(area.left(), cell.top() + any_theme.px(3), any_theme.px(2), 2)
        assert (ink in colours_in(strip, edge)) is is_closed


def test_the_same_id_has_the_same_tint_and_others_another(make, any_theme):
    ids = np.array([[1, 2], [2, 1]] * 20)
    strip = make([card("ids", ids, labels="a wide label {}".format)], size=(60, 200))
    picture = BatchPicture(strip._cards[0], strip.picture_rect(0), any_theme)
    assert not picture.labelled
    one, two, three, four = (
        colour_at(strip, picture.cell_rect(row, column).center()) for row in (10, 11) for column in (0, 1)
    )
    assert one == four
    assert two == three
    assert one != two


# ---- other pictures


def test_cells_have_the_tables_colours(make, any_theme):
    strip = make()
    rect = strip.picture_rect(1)
    for column in (0, 20, 64):
        x = rect.left() + (column + 0.5) / 65 * rect.width()
        assert colour_at(strip, QPointF(x, rect.center().y())) == colour_of(LOGITS[column], 4.5)


def test_rows_of_cells_are_apart_and_inside(make, any_theme):
    strip = make(MLP, size=(1850, 300))
    rect = strip.picture_rect(1)
    places = bands(3, rect, any_theme)
    assert len(places) == 3
    assert all(upper.bottom() < lower.top() for upper, lower in pairwise(places))
    assert all(rect.contains(place) for place in places)
    values = LOGITS[:30].reshape(3, 10)
    limit = float(np.abs(values).max())
    for row, place in enumerate(places):
        at = QPointF(place.left() + 7.5 / 10 * place.width(), place.center().y())
        assert colour_at(strip, at) == colour_of(values[row, 7], limit)


def test_parts_have_seams_between_them(make, any_theme):
    strip = make([MLP[2]], size=(620, 160))
    rect = strip.picture_rect(0)
    muted = any_theme.colour("muted").name()
    for place, is_seam in ((1 / 3, True), (2 / 3, True), (1 / 6, False), (1 / 2, False)):
        around = QRectF(rect.left() + place * rect.width() - 5, rect.center().y(), 10, 1)
        assert (muted in colours_in(strip, around)) is is_seam


def test_bars_end_where_their_probabilities_do(make, any_theme):
    shares = np.array([0.5, 0.25, 0.125, 0.125], dtype=np.float32)
    strip = make([card("probabilities", shares)], size=(300, 300))
    rect, blue = strip.picture_rect(0), any_theme.colour("model")
    image = strip.grab().toImage()
    heights = []
    for column in range(4):
        x = int(rect.left() + (column + 0.5) / 4 * rect.width())
        heights.append(sum(image.pixelColor(x, y) == blue for y in range(int(rect.top()), int(rect.bottom()) + 1)))
    assert heights[0] > 100
    np.testing.assert_allclose(np.array(heights) / heights[0], shares / 0.5, atol=0.02)


def test_the_marked_bar_is_orange_however_low_it_is(make, any_theme):
    shares = np.full(65, 1 / 64, dtype=np.float32)
    shares[17] = 0.0
    orange = any_theme.colour("data").name()
    marked, plain = (make([card("probabilities", shares, marks=marks)]) for marks in ((17,), ()))
    assert orange in colours_in(marked, marked.picture_rect(0))
    assert orange not in colours_in(plain, plain.picture_rect(0))


def test_changes_go_up_and_down_from_a_line(make, any_theme):
    strip = make([card("change", np.array([1.0, -1.0]))], size=(300, 200))
    rect, blue = strip.picture_rect(0), any_theme.colour("model")
    left, right = rect.left() + rect.width() / 4, rect.left() + 3 * rect.width() / 4
    upper, lower = rect.top() + rect.height() / 4, rect.top() + 3 * rect.height() / 4
    seen = [colour_at(strip, QPointF(x, y)) == blue for y in (upper, lower) for x in (left, right)]
    assert seen == [True, False, False, True]


@given(st.integers(1, 5000), st.integers(1, 300))
def test_pooling_keeps_what_is_farthest_from_zero(count, room):
    values = np.zeros(count, dtype=np.float32)
    values[count // 3] = -2.0
    values[count // 2] = 1.0
    result = pooled(values, room)
    assert len(result) == min(count, room)
    assert min(result) == -2.0 or (count // 3 == count // 2 and max(result) == 1.0)
    assert set(np.unique(result)) <= {-2.0, 0.0, 1.0}


@pytest.mark.parametrize("loss", [0.0, 0.3, 1.283, math.log(65), 12.0])
def test_a_loss_is_a_point_of_the_curve(loss):
    area = QRectF(10, 20, 100, 50)
    here = loss_point(loss, area)
    assert area.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(here)
    share = (here.x() - area.left()) / area.width()
    top = max(5.0, 1.1 * loss)
    assert (area.bottom() - here.y()) / area.height() * top == pytest.approx(loss, abs=1e-9)
    assert -math.log(share) == pytest.approx(loss, abs=1e-9)


def test_the_point_of_a_loss_is_painted_and_none_for_a_run_that_ran_away(make, any_theme):
    known, away = make([card("number", 1.283)], (300, 200)), make([card("number", math.nan)], (300, 200))
    ink = any_theme.colour("ink").name()
    assert ink in colours_in(known, known.picture_rect(0))
    assert ink not in colours_in(away, away.picture_rect(0))


HARD = {
    "nothing": np.zeros(0, np.float32),
    "no number": np.float32(0),
    "one": np.ones(1, np.float32),
    "zeros": np.zeros(65, np.float32),
    "not finite": np.array([np.nan, np.inf, -np.inf, 1.0], np.float32),
    "all nan": np.full((2, 3), np.nan, np.float32),
    "huge": np.full((3, 4), 3e38, np.float32),
    "tiny": np.full(5, 1e-42, np.float32),
    "long": np.linspace(-1, 1, 65536, dtype=np.float32),
    "wide": np.linspace(-1, 1, 32 * 1024, dtype=np.float32).reshape(32, 1024),
    "tall": np.linspace(-1, 1, 3000, dtype=np.float32).reshape(1000, 3),
}


@pytest.mark.parametrize("kind", ["signed", "probabilities", "number", "change"])
@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("size", [(820, 110), (300, 300), (40, 40)])
def test_whatever_the_numbers_are_they_are_painted_and_said(qtbot, theme, kind, name, size):
    strip = PhaseStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(*size)
    strip.set_phases([card(kind, HARD[name], marks=(-1, 0, 2, 70000), parts=2)])
    strip.grab()
    assert "nan" not in strip.tool_tip(0)
    assert "Title" in strip.describe()


@pytest.mark.parametrize("shape", [(1, 1), (1, 24), (3, 1), (32, 8), (32, 1024), (0, 0), (2, 0)])
@pytest.mark.parametrize("size", [(820, 110), (300, 300), (40, 40)])
def test_batches_of_any_shape_are_painted(qtbot, theme, shape, size):
    strip = PhaseStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(*size)
    ids = np.arange(math.prod(shape)).reshape(shape) - 1
    strip.set_phases([card("ids", ids, also=ids + 1, example=(0, 0))])
    strip.grab()
    strip.tool_tip(0)


def test_pictures_own_up_to_what_they_take_together(theme):
    rect = QRectF(0, 0, 200, 100)
    assert drawn_part(BIGRAM[1], rect, theme) == ""
    said = drawn_part(card("signed", HARD["long"]), rect, theme)
    assert said == "Each line shows, of 328 columns, the value farthest from 0."


def test_scales_are_said():
    assert BIGRAM[1].scale_in_words() == "Colours go from −4.50 to +4.50."
    assert card("probabilities", [0.25, 0.75]).scale_in_words() == "The highest bar is 0.750."
    assert card("change", [0.25, -0.5]).scale_in_words() == "Bars go from −0.500 to +0.500."
    assert card("number", 1.0).scale_in_words() == ""


# ---- the row of cards


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cards", [BIGRAM, MLP], ids=["bigram", "mlp"])
def test_cards_are_apart_inside_and_have_a_picture(make, any_theme, cards, size):
    strip = make(cards, (size[0], round(size[1] * any_theme.scale)), current=2)
    strip.grab()
    rects = {index: strip.card_rect(index) for index in strip.shown}
    inside = QRectF(strip.rect())
    assert 2 in rects
    assert all(inside.contains(rect) for rect in rects.values())
    assert all(left.right() < right.left() for left, right in pairwise(rects.values()))
    last = strip.edge_rect(AFTER) if strip.shown.stop < len(cards) else rects[len(cards) - 1]
    assert last.right() == pytest.approx(inside.right() - any_theme.px(MARGIN), abs=1)
    for index, rect in rects.items():
        assert rect.contains(strip.picture_rect(index))
        assert strip.picture_rect(index).height() >= any_theme.px(12)
    assert strip.card_rect(len(cards)).isEmpty()
    assert strip.picture_rect(-1).isEmpty()


def test_high_pictures_are_of_one_height_and_low_ones_take_what_there_is(make, any_theme):
    high, low = (make(size=(1850, round(height * any_theme.scale))) for height in (230, 110))
    assert len({high.picture_rect(index).height() for index in range(7)}) == 1
    assert low.picture_rect(1).height() > low.picture_rect(3).height()  # two lines below it, not three


def test_cards_keep_their_widths_from_step_to_step(make):
    strip = make(size=(1100, 130))
    before = [strip.card_rect(index) for index in range(7)]
    longer = [replace(each, lines=(*each.lines[:1], "a line that needs more")) for each in BIGRAM]
    strip.set_phases([*longer[:1], *BIGRAM[1:]])
    after = [strip.card_rect(index) for index in range(7)]
    assert after[0].width() > before[0].width()
    strip.set_phases([replace(each) for each in BIGRAM])
    assert [strip.card_rect(index) for index in range(7)] == after
    strip.set_phases([replace(BIGRAM[0], title="Examples"), *BIGRAM[1:]])
    assert strip.card_rect(0).width() < after[0].width()


NARROW = [
    card("signed", LOGITS, title, lines=lines)
    for title, lines in (
        ("Batch", ("‘j’ → ‘r’", "row 1 of 32")),
        ("Look up", ("“abc”", "‘c’: row 2")),
        ("Concatenate", ("(3, 10)", "→ (30,)")),
        ("Hidden layer", ("unit 151: +5.20", "tanh +1.00")),
        ("Logits", ("‘j’ +0.882", "highest ‘r’ +1.51")),
        ("Softmax", ("‘j’ 0.0617", "highest ‘r’ 0.116")),
        ("Loss", ("2.78 nats", "batch 2.80 nats")),
        ("Gradient", ("own −6.65·10⁻⁵", "batch +0.00875")),
        ("Update", ("−0.0399 → −0.0413", "p 0.12614 → 0.12658")),
    )
]


def test_nine_narrow_cards_have_all_their_figures_and_titles(make, any_theme):
    strip = make(NARROW, size=(round(890 * any_theme.scale), round(92 * any_theme.scale)))
    places = strip._placed()
    for each, rect in zip(NARROW, places.rects, strict=True):
        inside = rect.width() - 2 * places.face.padding
        lines, cut = places.face.set_lines(each.lines, inside, places.stack.lines)
        assert lines == list(each.lines)
        assert cut.width(lines) <= inside
        assert widest(places.face._titles, [each.title], inside).width([each.title]) <= inside


def test_letters_are_no_narrower_than_they_must_be(theme):
    face = faces(theme)[0]
    line = ["−0.0399 → −0.0413"]
    cuts = [face.set_lines(line, room, 1)[1] for room in (400, *(cut.width(line) for cut in face._lines[1:]))]
    assert cuts == face._lines


def test_a_change_that_is_too_long_becomes_two_lines_where_there_is_a_second(theme):
    face, line = faces(theme)[-1], "0.126140001 → 0.126580001"
    room = face._lines[-1].width([line]) - 1
    assert face.set_lines([line], room, 2)[0] == ["0.126140001", "→ 0.126580001"]
    assert face.set_lines([line, "p"], room, 2)[0] == [line, "p"]


def test_a_caption_that_is_cut_keeps_its_shape(theme):
    cut = faces(theme)[-1]._captions[-1]
    words = "h = tanh(x W1 + b1) (200,)"
    shown = cut.elided(words, cut.width([words]) * 0.6)
    assert shown.startswith("h = ")
    assert shown.endswith("… (200,)")
    assert cut.width([shown]) <= cut.width([words]) * 0.6
    assert cut.elided(words, 1000) == words
    many = "of all 30,950 windows of the text"
    assert {cut.elided(many, cut.width([many[:count]]) + cut.width(["…"]) + 0.5) for count in range(8, 13)} == {
        "of all…"
    }
    assert "…" in cut.elided("no shape at all in this", cut.width(["no shape"]))


def test_the_current_card_is_outlined_in_ink_on_the_cards_colour(make, any_theme):
    strip = make(current=1)
    ink, inside = any_theme.colour("ink"), any_theme.colour("card")
    for index, (line, ground) in {1: (ink, inside), 2: (any_theme.colour("well"),) * 2}.items():
        rect = strip.card_rect(index)
        assert colour_at(strip, QPointF(rect.left() + 1, rect.center().y())) == line
        assert colour_at(strip, QPointF(rect.right() - any_theme.px(4), rect.center().y())) == ground
    strip.set_current(9)
    assert strip.current == -1
    assert colour_at(strip, strip.card_rect(1).topLeft() + QPointF(1, 30)) == any_theme.colour("well")


def test_what_is_in_the_cards_is_painted_once(make, monkeypatch):
    painted = []
    real = phase_strip.draw_picture
    monkeypatch.setattr(phase_strip, "draw_picture", lambda *given: (painted.append(given[1].title), real(*given)))
    strip = make()
    strip.grab()
    assert painted == [each.title for each in BIGRAM]
    strip.set_current(3)
    move(strip, strip.card_rect(1).center())
    strip.set_phases(BIGRAM)
    strip.grab()
    assert len(painted) == 7
    strip.resize(1200, 160)
    strip.grab()
    assert len(painted) == 14


def test_pointing_and_clicking_tell_the_card(make):
    strip = make()
    seen, activated = [], []
    strip.hovered.connect(seen.append)
    strip.activated.connect(activated.append)
    move(strip, strip.card_rect(2).center())
    assert strip.cursor().shape() == Qt.CursorShape.PointingHandCursor
    click(strip, strip.card_rect(2).center())
    move(strip, QPointF(0, 0))
    click(strip, QPointF(0, 0))
    move(strip, strip.picture_rect(6).center())
    leave(strip)
    assert seen == [2, -1, 6, -1]
    assert activated == [2]
    assert strip.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_a_click_that_ends_elsewhere_is_none(make):
    strip = make()
    activated = []
    strip.activated.connect(activated.append)
    press(strip, strip.card_rect(2).center())
    release(strip, strip.card_rect(3).center())
    assert activated == []


def test_return_activates_and_the_arrows_are_left_to_the_window(make, qtbot):
    strip = make()
    activated = []
    strip.activated.connect(activated.append)
    assert strip.focusPolicy() == Qt.FocusPolicy.StrongFocus
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    strip.set_current(4)
    qtbot.keyClick(strip, Qt.Key.Key_Enter)
    move(strip, strip.card_rect(2).center())
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert activated == [0, 4, 2]
    assert not strip.own_keys & {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space}


def test_fewer_cards_let_go_of_what_was_there(make):
    strip = make(current=6)
    seen = []
    move(strip, strip.card_rect(5).center())
    strip.hovered.connect(seen.append)
    strip.set_phases(BIGRAM[:3])
    assert seen == [-1]
    assert strip.current == 2


def test_it_says_in_words_what_it_shows(make):
    strip = make(BIGRAM[:3])
    assert strip.accessibleName() == "Phases of a step"
    assert strip.describe() == "3 phases: Batch, Look up, Logits"
    strip.set_current(1)
    words = "Look up: shape (65,): E[4] from −3.20; to +3.20"
    assert strip.describe() == f"3 phases: Batch, Look up, Logits; at phase 2, {words}"
    move(strip, strip.card_rect(2).center())
    assert strip.describe().endswith("; under the pointer Logits: shape (65,): r +3.20; e +2.43")
    assert replace(BIGRAM[1], words="row 43").in_words() == "Look up: shape (65,): row 43"
    strip.set_phases([])
    assert strip.describe() == ""


def test_the_tool_tip_has_all_words_as_they_are(make):
    line = "<unk> a line much longer than a card of this width can show"
    strip = make([replace(each, lines=(line,)) for each in BIGRAM], size=(820, 110))
    place = strip.card_rect(2).center().toPoint()
    tip = strip.tool_tip(2)
    assert "<b>Logits</b><br>shape (65,)<br>&lt;unk&gt; a line much longer" in tip
    QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, place, strip.mapToGlobal(place)))
    assert QToolTip.text() == tip
    QToolTip.hideText()


def test_a_sentence_stands_in_its_place_when_it_is_empty(make, any_theme):
    strip = make()
    cards = strip.grab().toImage()
    strip.set_empty("The phases come with the first step.")
    assert strip.grab().toImage() != cards
    activated = []
    strip.activated.connect(activated.append)
    click(strip, strip.card_rect(2).center())
    assert activated == []
    strip.set_phases(BIGRAM)
    assert strip.grab().toImage() == cards


def test_it_takes_another_look_at_once(qtbot):
    theme = Theme("light")
    strip = PhaseStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(1300, 160)
    strip.set_phases(BIGRAM)
    light, hint = strip.grab().toImage(), strip.minimumSizeHint()
    theme.set_mode("dark")
    assert strip.grab().toImage() != light
    theme.set_scale(2.0)
    assert strip.minimumSizeHint().height() > hint.height()
    theme.set_scale(1.0)
    theme.set_mode("light")
    assert strip.grab().toImage() == light


def test_its_least_size_has_room_for_a_picture_and_two_lines(make, any_theme):
    strip = make(BIGRAM[:2])
    strip.resize(strip.minimumSizeHint())
    assert strip.picture_rect(0).height() >= any_theme.px(12)
    assert strip._placed().stack.lines == 2
