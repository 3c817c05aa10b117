import numpy as np
import pytest
from plot_events import click, leave, move, pixel, turn_wheel
from PySide6.QtCore import QPointF, Qt

from embedviz.gui.plots.bar_marks import Mark
from embedviz.gui.plots.bars import BarChart


@pytest.fixture
def make(qtbot, any_theme):
    def made(count=14, size=(340, 400), data=True):
        chart = BarChart(any_theme)
        qtbot.addWidget(chart)
        chart.resize(*size)
        model = np.linspace(0.3, 0.0, count)
        labels = [chr(0x61 + k % 26) for k in range(count)]
        chart.set_data(
            labels, list(range(count)), model, model * 1.1 if data else None, [f"{p:.3f}" for p in model], 0.4
        )
        return chart, model

    return made


@pytest.fixture
def rows():
    return []


def test_lengths_are_proportional(make):
    chart, model = make()
    whole = chart.track_rect(0).width()
    for row, value in enumerate(model):
        assert chart.bar_rect(row).width() == pytest.approx(whole * value / 0.4)
        assert chart.tick_x(row) - chart.track_rect(row).left() == pytest.approx(whole * min(1, value * 1.1 / 0.4))


def test_bars_are_blue_ticks_orange_and_the_rest_card(make, any_theme):
    chart, _ = make(size=(500, 600))
    bar = chart.bar_rect(1)
    assert pixel(chart, bar.center()) == any_theme.colour("model")
    assert pixel(chart, QPointF(chart.track_rect(1).right() - 2, bar.center().y())) == any_theme.colour("card")
    tick = QPointF(chart.tick_x(1), bar.center().y())
    found = {pixel(chart, tick + QPointF(dx, 0)).name() for dx in (-1, 0)}
    assert any_theme.colour("data").name() in found


def test_without_data_there_are_no_ticks(make):
    chart, _ = make(data=False)
    assert chart.tick_x(0) is None
    chart.grab()


def test_what_is_not_a_number_has_no_bar(make):
    chart, _ = make()
    chart.set_data(["a"], [0], np.array([np.nan]), np.array([np.nan]), ["?"], 1.0)
    assert chart.bar_rect(0).width() == 0
    assert chart.tick_x(0) is None
    chart.grab()


def test_a_value_beyond_the_maximum_ends_at_the_edge(make):
    chart, _ = make()
    chart.set_data(["a"], [0], np.array([3.0]), None, ["3"], 1.0)
    assert chart.bar_rect(0).width() == chart.track_rect(0).width()


def test_values_never_move_the_bars(make):
    chart, _ = make()
    before = chart.track_rect(0)
    chart.set_data(["m", "n"], [1, 2], np.array([0.1, 0.2]), None, ["7", "8"], 0.4)
    after = chart.track_rect(0)
    assert (after.left(), after.width()) == (before.left(), before.width())


def test_rows_are_comfortably_high(make, any_theme):
    for count in (3, 14, 100):
        chart, _ = make(count)
        assert any_theme.px(26) <= chart.row_height <= any_theme.px(34)


def test_all_rows_can_be_scrolled_to(make):
    chart, _ = make(100)
    assert len(chart.shown_rows()) < 100
    assert turn_wheel(chart, QPointF(50, 50), -1000)
    assert chart.shown_rows().stop == 100
    assert chart.row_rect(99).bottom() <= chart.height()
    assert not turn_wheel(chart, QPointF(50, 50), -1)


def test_no_scrolling_where_all_fit(make, any_theme):
    chart, _ = make(5, size=(300, 40 * 5 * 2))
    assert chart.scroll_bar.maximum() == 0
    assert chart.scroll_bar.isHidden()


def test_pointing_tells_the_row(make, rows):
    chart, _ = make()
    chart.hovered.connect(rows.append)
    move(chart, chart.row_rect(2).center())
    move(chart, chart.row_rect(5).center())
    leave(chart)
    assert rows == [2, 5, -1]


def test_pointing_is_right_when_scrolled(make, rows):
    chart, _ = make(100)
    chart.scroll_bar.setValue(700)
    chart.hovered.connect(rows.append)
    middle = chart.shown_rows()[3]
    move(chart, chart.row_rect(middle).center())
    assert rows == [middle]


def test_a_click_and_return_activate(make, rows, qtbot):
    chart, _ = make()
    chart.row_activated.connect(rows.append)
    click(chart, chart.row_rect(3).center())
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    qtbot.keyClick(chart, Qt.Key.Key_Return)
    assert rows == [3, 1]


def test_arrows_bring_their_row_into_sight(make, rows, qtbot):
    chart, _ = make(60)
    chart.hovered.connect(rows.append)
    for _ in range(60):
        qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert rows == list(range(60))
    assert chart.rect().toRectF().contains(chart.row_rect(59).center())
    for _ in range(60):
        qtbot.keyClick(chart, Qt.Key.Key_Up)
    assert chart.row_rect(0).top() == 0


def test_fewer_rows_let_go_of_the_cursor(make, rows):
    chart, _ = make()
    move(chart, chart.row_rect(9).center())
    chart.hovered.connect(rows.append)
    chart.set_data(["a"], [0], np.array([0.1]), None, ["0.100"], 0.4)
    assert rows == [-1]


def test_a_caption_is_above_the_first_row(make):
    chart, _ = make()
    assert chart.row_rect(0).top() == 0
    chart.set_caption("probability of the next token")
    assert chart.row_rect(0).top() > 8
    assert chart.row_at(2) is None
    chart.grab()


def test_it_says_in_words_what_it_shows(make):
    chart, _ = make()
    assert chart.accessibleName()
    assert chart.describe().startswith("14 bars; a 0.300, b 0.277")


def test_empty_and_before_any_data(qtbot, theme, rows):
    chart = BarChart(theme)
    qtbot.addWidget(chart)
    chart.resize(200, 200)
    chart.hovered.connect(rows.append)
    blank = chart.grab().toImage()
    move(chart, QPointF(50, 50))
    chart.set_empty("Select a token of your line: the bars show what follows it.")
    assert chart.grab().toImage() != blank
    assert rows == []


def test_a_line_says_where_a_bar_ended_before(make, any_theme):
    chart, model = make(size=(500, 600))
    assert chart.before_x(0) is None
    labels = [str(row) for row in range(len(model))]
    chart.set_data(labels, range(len(model)), model, None, labels, 0.4, before=model / 2)
    track, middle = chart.track_rect(1), chart.bar_rect(1).center().y()
    assert chart.before_x(1) == pytest.approx(track.left() + track.width() * model[1] / 0.8)
    ink = any_theme.colour("ink")
    found = [pixel(chart, QPointF(chart.before_x(1) + dx, middle)) for dx in (-1, 0)]
    assert min(abs(colour.blue() - ink.blue()) for colour in found) < 32  # the bar's blue is far from it


def test_two_numbers_take_room_only_while_they_are_there(make):
    chart, model = make()
    width = chart.track_rect(0).width()
    ids = list(range(len(model)))
    chart.set_data(["a"] * 14, ids, model, None, ["0.12345 → 0.12346"] * 14, 0.4, before=model)
    assert chart.track_rect(0).width() < width
    chart.set_data(["a"] * 14, ids, model, None, ["0.123"] * 14, 0.4)
    assert chart.track_rect(0).width() == pytest.approx(width)


def test_what_is_cut_off_is_only_outlined(make, any_theme):
    chart, model = make(size=(500, 600))
    texts = ["cut"] * 14
    chart.set_data(["a"] * 14, range(14), model, None, texts, 0.4, marks={1: Mark.CUT})
    assert pixel(chart, chart.bar_rect(1).center()) == any_theme.colour("card")
    edge = QPointF(chart.bar_rect(1).center().x(), chart.bar_rect(1).top())
    assert pixel(chart, edge) == any_theme.colour("model")
    assert pixel(chart, chart.bar_rect(0).center()) == any_theme.colour("model")
    assert "cut:" not in chart.describe()


@pytest.mark.parametrize("mark", [Mark.TARGET, Mark.DRAWN])
def test_a_marked_row_has_a_frame_a_word_and_is_described(make, any_theme, mark):
    chart, model = make(size=(500, 600))
    texts = [f"{p:.3f}" for p in model]
    chart.set_data(["q"] * 14, range(14), model, None, texts, 0.4, marks={3: mark})
    row = chart.row_rect(3)
    column = [pixel(chart, QPointF(row.center().x(), row.top() + dy)) for dy in range(5)]
    assert any_theme.colour(mark.colour) in column
    assert chart.describe().endswith(f"; {mark.value}: q {texts[3]}")
    bare = chart.grab().toImage()
    chart.set_data(["q"] * 14, range(14), model, None, texts, 0.4)
    assert chart.grab().toImage() != bare


def test_a_word_finds_its_place_in_a_long_bar_and_none_in_a_short_one(make, any_theme):
    chart, _ = make(size=(330, 200))
    for value, maximum in ((0.4, 0.4), (0.0, 0.4), (0.2, 0.4)):
        chart.set_data(["q"], [0], np.array([value]), None, ["1"], maximum, marks={0: Mark.TARGET})
        assert chart.grab().toImage().size().isValid()


def test_a_row_can_be_brought_into_sight(make):
    chart, _ = make(100)
    chart.show_row(80)
    assert 80 in chart.shown_rows()
    assert chart.rect().toRectF().contains(chart.row_rect(80).center())
    chart.show_top()
    assert chart.row_rect(0).top() == 0


@pytest.mark.parametrize("row", [0, 3, 9])
def test_a_frame_leaves_its_letter_whole(make, any_theme, row):
    chart, _ = make(100, size=(340, 260))

    def letter(marks):
        chart.set_data(["j"] * 100, range(100), np.zeros(100), None, ["1"] * 100, 0.4, marks=marks)
        chart.show_row(row)
        place = chart.row_rect(row)
        inside = place.adjusted(any_theme.px(6), any_theme.px(4), 0, -any_theme.px(2))
        inside.setWidth(any_theme.px(14))
        return chart.grab().toImage().copy(inside.toRect())

    assert letter({row: Mark.TARGET}) == letter({})
    assert chart.row_rect(row).bottom() <= chart.height()


def test_labels_hold_their_column_until_other_labels_come(make):
    chart, _ = make(count=1)
    narrow = chart.track_rect(0).left()

    def show(label):
        chart.set_data([label], [0], np.array([0.5]), None, ["0.500"], 1.0)
        return chart.track_rect(0).left()

    wide = show("crow")
    assert wide > narrow
    assert show("a") == wide  # from frame to frame nothing jumps
    chart.forget_widths()
    assert show("b") == narrow
