"""The sampler: what it asks the trainer, what it makes of the answers, and when it stops; no window around it."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider, QApplication, QCheckBox, QLabel, QPushButton, QSlider, QSpinBox
from pytestqt.qtbot import QtBot
from test_fake_trainer import FakeWorker

from embedviz.analysis.sampling import Sampling, adjusted, draw
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui import controller as controller_module
from embedviz.gui import sampler as module
from embedviz.gui.background import Background
from embedviz.gui.controller import RunController
from embedviz.gui.documents import Document
from embedviz.gui.notices import Notices
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.plots.bar_marks import Mark
from embedviz.gui.sampled_text import MOST_ROWS
from embedviz.gui.sampler import ITEMS, LONGEST
from embedviz.gui.samples import readable
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme
from embedviz.text.corpus import Corpus

TEXT = "abcde abcde edcba " * 20
OFFSCREEN = r"^This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)"
NAMES = "anna\nbea\ncleo\ndora\nemma\n" * 4


class Table:
    """A panel with a sampler on it, and the trainer's part."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.state, self.worker, self.notices = AppState(), FakeWorker(), Notices()
        self.controller = RunController(self.state, self.worker, self.notices)
        self.theme = Theme("light")
        self.panel = NextTokenPanel(self.state, self.controller, self.theme)
        self.sampler = self.panel.sampler
        self.panel.resize(330, 480)
        qtbot.addWidget(self.panel)
        self.panel.show()
        self.answered = 0

    def open(self, text: str = TEXT, line: str = "abc", per_line: bool = False, **config: object) -> None:
        chosen = RunConfig(per_line=per_line, **config)  # type: ignore[arg-type]
        document = Document.make(Corpus("text", text, per_line), chosen)
        self.controller.open_document(document, line, chosen)
        self.start()

    def start(self) -> None:
        found = [command for command in self.worker.sent if isinstance(command, m.StartRun)]
        command = found[-1]
        reading = m.Reading(0, 1.0, None, False)
        self.worker.say(m.Started(command.run_id, command.config, 0, 9, 1.0, 2.0, reading, "", 0))

    def label(self, token: int) -> str:
        assert self.state.document is not None
        return self.state.document.tokenizer.labels[token]

    @property
    def asked(self) -> list[m.Predict]:
        return [command for command in self.worker.sent if isinstance(command, m.Predict)]

    def answer(self, logits: NDArray[np.float64], step: int = 0) -> None:
        last = self.asked[-1]
        self.worker.say(m.Predicted(last.run_id, last.request, step, logits.astype(np.float32)))

    def sure_of(self, character: str) -> NDArray[np.float64]:
        assert self.state.document is not None
        tokenizer = self.state.document.tokenizer
        return np.where(np.array(tokenizer.vocabulary) == character, 50.0, 0.0)

    def write(self, text: str) -> None:
        """Answer one request after the other, so that `text` is written."""
        for character in text:
            self.answer(self.sure_of(character))

    def click(self, name: str) -> None:
        button = self.panel.findChild(QPushButton, name)
        assert button is not None
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    @property
    def shown(self) -> str:
        return self.panel.sampling.text.toPlainText()

    @property
    def note(self) -> str:
        return self.panel.sampling.note.text()

    def wait_until(self, ask: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(ask)


@pytest.fixture
def table(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setattr(controller_module, "FRAME_MS", 1)
    monkeypatch.setattr(module, "PACES", {"slow": 4, "normal": 1, "fast": 0})
    made = Table(qtbot)
    made.open()
    made.sampler.pace = "fast"
    yield made
    for background in made.panel.findChildren(Background):
        background.stop()
    made.panel.close()


# --- writing on -------------------------------------------------------------------------------------


def test_it_writes_on_from_the_context(table: Table) -> None:
    table.click("sampleButton")
    assert table.asked[-1].context.tolist() == [1, 2, 3]  # "abc", the vocabulary begins with a blank
    table.write("de a")
    assert table.shown == "abcde a"
    block_size = table.state.run.config.block_size
    assert table.asked[-1].context.tolist() == [1, 2, 3, 4, 5, 0, 1][-block_size:]


def test_it_draws_as_the_seed_says(table: Table) -> None:
    logits = np.zeros(6)
    generator = Sampling(seed=7).generator()
    expected = [draw(adjusted(logits, Sampling()), generator)[0] for _ in range(12)]
    for _ in range(2):
        table.sampler.set_sampling(seed=7)
        table.click("sampleButton")
        for _ in expected:
            table.answer(logits)
        assert table.shown == "abc" + "".join(" abcde"[token] for token in expected)
        table.click("sampleButton")
    assert table.sampler.sampling.seed == 8  # the next one is another
    table.sampler.next_seed = False
    table.click("sampleButton")
    table.click("sampleButton")
    assert table.sampler.sampling.seed == 8


def test_it_ends_at_its_length_and_says_what_stands_in_the_text(table: Table) -> None:
    table.click("sampleButton")
    table.write("abcde edcba".ljust(LONGEST, "a"))
    assert not table.sampler.is_sampling
    assert len(table.asked) == LONGEST
    table.wait_until(lambda: "in the text too: 11 characters" in table.note)
    (sample,) = table.sampler.samples
    assert sample.stretch == (0, 11)


def test_the_stretch_is_underlined_and_the_colours_tell_who_wrote(table: Table) -> None:
    table.click("sampleButton")
    table.write("de edcba" + "e" * (LONGEST - 8))
    table.wait_until(lambda: "in the text too" in table.note)
    document = table.panel.sampling.text.document()

    def look_of(place: int) -> tuple[QColor, bool]:
        cursor = QTextCursor(document)
        cursor.setPosition(place + 1)
        form = cursor.charFormat()
        return form.foreground().color(), form.fontUnderline()

    ink, model = table.theme.colour("ink"), table.theme.colour("model")
    assert look_of(0) == (ink, False)
    assert look_of(3) == (model, True)
    assert look_of(40) == (model, False)


def test_nothing_in_common_with_the_text_is_said_too(table: Table) -> None:
    table.click("sampleButton")
    table.write("a" * LONGEST)
    table.wait_until(lambda: table.note == "No 4 characters in a row are in the text.")


def test_before_anything_was_sampled_there_is_no_box(table: Table) -> None:
    assert not table.panel.sampling.text.isVisible()
    assert not table.panel.sampling.note.isVisible()
    assert not table.panel.findChild(QPushButton, "tenItemsButton").isVisible()
    table.click("sampleButton")
    table.write("d")
    assert table.panel.sampling.text.isVisible()


def test_a_selection_stays_while_it_writes_and_can_be_copied(table: Table) -> None:
    table.click("sampleButton")
    table.write("de")
    edit = table.panel.sampling.text
    cursor = edit.textCursor()
    cursor.setPosition(1)
    cursor.setPosition(5, QTextCursor.MoveMode.KeepAnchor)
    edit.setTextCursor(cursor)
    table.write(" abc")
    assert edit.textCursor().selectedText() == "bcde"
    edit.copy()
    assert QApplication.clipboard().text() == "bcde"
    assert edit.isReadOnly()


def test_a_caret_stands_at_the_end_while_it_writes(table: Table) -> None:
    table.click("sampleButton")
    table.write("de")
    edit = table.panel.sampling.text

    def blue() -> int:
        image = edit.viewport().grab().toImage()
        end = edit.cursorRect(_at_end(edit))
        colour = table.theme.colour("model")
        return sum(image.pixelColor(end.left() + d, end.center().y()) == colour for d in (0, 1, 2))

    assert blue() > 0
    table.click("sampleButton")
    assert blue() == 0


def _at_end(edit: object) -> QTextCursor:
    cursor = QTextCursor(edit.document())  # type: ignore[attr-defined]
    cursor.movePosition(QTextCursor.MoveOperation.End)
    return cursor


def test_bytes_that_are_no_character_yet_are_shown_as_they_come(table: Table) -> None:
    table.open("aé" * 200, "a", tokenizer="byte")
    table.click("sampleButton")
    for byte, text in ((0xC3, "aC3"), (0xA9, "aé"), (0xA9, "aéA9"), (0x61, "aé\ufffda")):
        table.answer(np.where(np.arange(256) == byte, 50.0, 0.0))
        assert table.shown == text


def test_bytes_of_an_end(table: Table) -> None:
    table.open("aé" * 200, "a", tokenizer="byte")
    assert table.state.document is not None
    tokenizer = table.state.document.tokenizer
    assert readable(tokenizer, [0x61, 0xF0, 0x9F, 0x98]) == "aF0 9F 98"
    assert readable(tokenizer, []) == ""
    assert readable(tokenizer, [0x80] * 5) == "\ufffd" * 5


def test_an_unknown_token_is_where_the_context_begins(table: Table) -> None:
    table.state.set_line("aΩbc")
    table.click("sampleButton")
    table.write("d")
    assert table.shown == "bcd"
    table.click("sampleButton")
    table.state.set_line("abΩ")
    assert not table.panel.findChild(QPushButton, "sampleButton").isEnabled()
    table.sampler.toggle()
    assert not table.sampler.is_sampling


def whole_lines(table: Table) -> int:
    """Return how many lines the box shows, none of which may be cut."""
    edit = table.panel.sampling.text
    lines, rest = divmod(edit.viewport().height(), edit.fontMetrics().lineSpacing())
    assert rest <= 1
    assert not edit.horizontalScrollBar().isVisible()
    return lines


def test_the_end_is_in_sight_unless_the_person_scrolled_away(table: Table) -> None:
    table.panel.resize(330, 410)
    table.state.set_line("abcde " * 15)
    table.click("sampleButton")
    table.write("abcde " * 4)
    edit = table.panel.sampling.text
    bar = edit.verticalScrollBar()
    table.wait_until(lambda: bar.maximum() > 1 and bar.value() == bar.maximum())
    table.wait_until(lambda: edit.height() == edit.minimumHeight())
    assert whole_lines(table) == 2
    end = edit.cursorRect(_at_end(edit))
    assert edit.viewport().height() - 1 - end.height() <= end.top()  # the last line stands at the bottom
    assert end.bottom() <= edit.viewport().height()
    bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
    table.write("abcde " * 2)
    assert bar.value() == 0
    bar.triggerAction(QAbstractSlider.SliderAction.SliderToMaximum)
    table.write("abcde " * 4)
    assert bar.value() == bar.maximum()
    bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
    table.click("sampleButton")
    table.click("sampleButton")
    table.write("abcde")
    assert bar.value() == bar.maximum()  # another sample is followed anew


def test_ten_names_fit(listed: Table) -> None:
    listed.panel.resize(315, 410)
    listed.click("tenItemsButton")
    for name in ("lem", "baro", "rom", "dobea", "acadomero", "malan", "leo", "moran", "bea", ""):
        listed.write(name + "\n")
    listed.wait_until(lambda: "in the text" in listed.note)
    assert whole_lines(listed) in (2, 3)
    assert listed.panel.sampling.text.verticalScrollBar().maximum() == 0
    assert listed.shown.endswith("bea ✓ · –")


def test_the_note_says_what_the_sample_under_way_is_drawn_with(table: Table) -> None:
    table.sampler.set_sampling(temperature=0.5)
    table.click("sampleButton")
    table.sampler.set_sampling(temperature=1.0)
    assert table.note == "This sample: temperature 0.5."
    table.sampler.stop()
    assert table.note == ""


def test_each_token_s_list_begins_at_its_top(table: Table) -> None:
    table.open("".join(map(chr, range(0x61, 0x61 + 26))) * 20, "abc")
    bars = table.panel.bars
    table.sampler.pace = "normal"
    table.sampler.set_sampling(greedy=False, seed=0)
    table.click("sampleButton")
    count = 26
    table.answer(np.where(np.arange(count) == 3, 50.0, 0.0))
    bars.scroll_bar.setValue(bars.scroll_bar.maximum())  # before the draw
    assert bars.scroll_bar.value() > 0
    table.wait_until(lambda: len(table.asked) == 2)
    assert bars.row_rect(0).top() >= 0  # the drawn row, the first, came into sight
    bars.scroll_bar.setValue(bars.scroll_bar.maximum())
    table.answer(np.zeros(count))
    assert bars.scroll_bar.value() == 0


# --- what ends it -----------------------------------------------------------------------------------


def test_the_button_stops_it_and_late_answers_are_not_taken(table: Table) -> None:
    button = table.panel.findChild(QPushButton, "sampleButton")
    table.click("sampleButton")
    assert button.text() == "Stop"
    table.write("d")
    late = table.asked[-1]
    table.click("sampleButton")
    assert button.text() == "Sample"
    table.worker.say(m.Predicted(late.run_id, late.request, 0, np.zeros(6, np.float32)))
    assert table.shown == "abcd"
    assert table.note == "Stopped."
    table.click("sampleButton")
    table.worker.say(m.Predicted(late.run_id, late.request, 0, np.zeros(6, np.float32)))
    assert table.shown == "abc"


def test_it_goes_on_while_training_plays_with_the_weights_of_the_moment(table: Table) -> None:
    table.click("sampleButton")
    table.worker.say(m.Playing(table.state.run.run_id, 0))
    for step in (5, 60, 400):
        table.answer(table.sure_of("d"), step)
    table.worker.say(m.Paused(table.state.run.run_id, 400, "asked"))
    assert table.shown == "abcddd"
    assert table.sampler.is_sampling


def test_a_run_that_goes_back_ends_it(table: Table) -> None:
    table.click("sampleButton")
    table.answer(table.sure_of("d"), 10)
    table.answer(table.sure_of("e"), 9)
    assert (table.shown, table.note) == ("abcd", "Stopped: the run went back.")


def test_another_run_ends_it(table: Table) -> None:
    table.click("sampleButton")
    table.write("d")
    table.controller.restart(table.state.config.replace(seed=3))
    assert table.note == "Stopped: another run began."
    assert not table.panel.findChild(QPushButton, "sampleButton").isEnabled()
    table.start()
    assert table.panel.findChild(QPushButton, "sampleButton").isEnabled()


def test_another_device_ends_it(table: Table) -> None:
    table.click("sampleButton")
    run = table.state.run
    table.worker.say(m.Moved(run.run_id, run.config.replace(threads=2), 0, "It goes on."))
    assert table.note == "Stopped: the run goes on elsewhere."


def test_the_trainer_s_death_ends_it(table: Table) -> None:
    table.click("sampleButton")
    table.worker.die()
    assert table.note == "Stopped: the trainer ended."
    table.sampler.toggle()
    assert not table.sampler.is_sampling


def test_another_text_ends_it_and_takes_what_was_written(table: Table) -> None:
    table.click("sampleButton")
    table.write("d")
    table.open(NAMES, "an", per_line=True)
    assert not table.sampler.is_sampling
    assert table.shown == ""
    assert not table.panel.sampling.text.isVisible()


def test_what_the_trainer_cannot_answer_is_told(table: Table) -> None:
    table.click("sampleButton")
    table.worker.say(m.Failed(table.state.run.run_id, "Predict", "It is out of memory."))
    assert table.note == "Stopped: It is out of memory."


def test_logits_that_are_no_numbers_end_it(table: Table) -> None:
    table.click("sampleButton")
    table.answer(np.full(6, math.nan))
    assert "not numbers" in table.note
    assert not table.sampler.is_sampling


# --- the bars ---------------------------------------------------------------------------------------


def test_the_bars_show_each_draw(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], dict[int, Mark], float]] = []
    chart = table.panel.bars
    give = chart.set_data

    def keep(labels: list[str], ids: list[int], model: NDArray[np.float64], *rest: object, **more: object) -> None:
        seen.append((list(rest[1]), {ids[row]: mark for row, mark in more["marks"].items()}, model[0]))  # type: ignore
        give(labels, ids, model, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(chart, "set_data", keep)
    table.sampler.pace = "normal"
    table.sampler.set_sampling(top_k=2, temperature=0.5)
    table.click("sampleButton")
    logits = np.log(np.array([0.1, 0.4, 0.05, 0.25, 0.1, 0.1]))
    table.answer(logits)
    texts, marks, first = seen[-1]
    assert set(marks.values()) == {Mark.CUT}
    assert sorted(marks) == [0, 2, 4, 5]
    assert texts[2:] == ["cut"] * 4
    assert first == pytest.approx(0.16 / (0.16 + 0.0625))
    assert "after “abc”, sampling" in table.panel.subtitle.text()
    table.wait_until(lambda: Mark.DRAWN in seen[-1][1].values())
    drawn = next(token for token, mark in seen[-1][1].items() if mark is Mark.DRAWN)
    assert drawn in (1, 3)
    assert f"drawn: {table.label(drawn)}" in chart.describe()
    assert table.shown == "abc" + table.label(drawn)
    table.wait_until(lambda: len(table.asked) == 2)
    table.click("sampleButton")
    assert "sampling" not in table.panel.subtitle.text()


def test_at_full_pace_the_bars_stay(table: Table) -> None:
    before = table.panel.subtitle.text()
    table.click("sampleButton")
    table.write("de")
    assert table.panel.subtitle.text() == before
    assert table.sampler.drawing is None


def test_a_pace_that_changes_meanwhile_is_taken(table: Table) -> None:
    table.sampler.pace = "slow"
    table.click("sampleButton")
    table.write("d")
    assert table.sampler.drawing is not None
    table.sampler.pace = "fast"
    table.wait_until(lambda: len(table.asked) == 2)
    table.write("e")
    assert table.shown == "abcde"


# --- lists ------------------------------------------------------------------------------------------


@pytest.fixture
def listed(table: Table) -> Table:
    table.open(NAMES, "an", per_line=True)
    return table


def test_an_item_ends_at_the_boundary(listed: Table) -> None:
    listed.click("sampleButton")
    listed.write("na\n")
    assert not listed.sampler.is_sampling
    listed.wait_until(lambda: listed.shown == "anna  ✓ in the text")
    listed.click("sampleButton")
    listed.write("dora\n")
    listed.wait_until(lambda: listed.shown == "andora  new")


def test_ten_items_come_at_once_and_known_ones_are_marked(listed: Table) -> None:
    listed.sampler.pace = "slow"
    seed = listed.sampler.sampling.seed
    listed.click("tenItemsButton")
    boundary = listed.state.document.dataset.boundary_id  # type: ignore[union-attr]
    assert listed.asked[-1].context.tolist() == [boundary]
    for item in ["anna", "dean", "bea"] + ["ed"] * 7:
        assert listed.asked[-1].context.tolist()[-1] == boundary
        listed.write(item + "\n")
    assert not listed.sampler.is_sampling
    listed.wait_until(lambda: listed.note == "✓ in the text: 2 of 10.")
    items = listed.shown.split(" · ")
    assert len(items) == ITEMS
    assert items[:4] == ["anna ✓", "dean", "bea ✓", "ed"]
    edit = listed.panel.sampling.text
    edit.selectAll()
    edit.copy()
    assert QApplication.clipboard().text().split("\n") == items
    assert listed.sampler.sampling.seed == seed + ITEMS


def test_the_tenth_item_is_that_of_the_ninth_seed_on(listed: Table) -> None:
    logits = np.linspace(0, 1, listed.state.document.vocab_size)  # type: ignore[union-attr]
    listed.click("tenItemsButton")
    while listed.sampler.is_sampling:
        listed.answer(logits)
    tenth = listed.sampler.samples[-1].written
    generator = Sampling().generator(9)
    chosen = [draw(adjusted(logits, Sampling()), generator)[0] for _ in tenth]
    assert listed.state.document.tokenizer.decode(chosen) == tenth  # type: ignore[union-attr]


def test_items_can_be_stopped_too(listed: Table) -> None:
    listed.click("tenItemsButton")
    listed.write("anna\nbe")
    listed.click("sampleButton")
    assert listed.shown == "anna · be"


def test_items_need_no_context(listed: Table) -> None:
    listed.state.set_line("")
    assert not listed.panel.findChild(QPushButton, "sampleButton").isEnabled()
    listed.click("tenItemsButton")
    assert listed.sampler.is_sampling


def test_what_stands_before_a_line_end_is_another_item(listed: Table) -> None:
    listed.state.set_line("bea\nan")
    listed.click("sampleButton")
    listed.write("na\n")
    listed.wait_until(lambda: listed.shown == "anna  ✓ in the text")


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.qt_log_ignore(OFFSCREEN)
def test_settings_are_taken_and_said(table: Table) -> None:
    table.click("samplerOptionsButton")
    options = table.panel.sampling.options
    assert options.isVisible()
    slider, top_k = options.findChild(QSlider, "temperature"), options.findChild(QSpinBox, "topK")
    assert slider.hasFocus()
    slider.setValue(8)
    top_k.setValue(3)
    options.findChild(QSpinBox, "topP").setValue(90)
    options.findChild(QSpinBox, "seed").setValue(41)
    assert table.sampler.sampling == Sampling(0.8, 3, 0.9, False, 41)
    words = [label.text() for label in options.findChildren(QLabel)]
    assert "Temperature 0.8" in words
    assert any("the bars stay the model's own" in text for text in words)
    assert table.note == "The next sample: temperature 0.8, top-k 3, top-p 0.9."
    options.findChild(QCheckBox, "greedy").setChecked(True)
    assert not slider.isEnabled()
    assert table.sampler.sampling.greedy
    assert table.note == "Greedy: always the likeliest."
    options.findChild(QCheckBox, "nextSeed").setChecked(False)
    assert not table.sampler.next_seed
    QTest.mouseClick(options.findChild(QPushButton, "segment_slow"), Qt.MouseButton.LeftButton)
    assert table.sampler.pace == "slow"
    QTest.keyClick(options, Qt.Key.Key_Escape)
    assert not options.isVisible()


@pytest.mark.qt_log_ignore(OFFSCREEN)
def test_the_options_leave_the_panel_in_sight(table: Table) -> None:
    options, panel = table.panel.sampling.options, table.panel
    for left, is_beside in ((options.sizeHint().width() + 60, True), (0, False)):
        panel.move(left, 200)
        table.click("samplerOptionsButton")
        place = options.frameGeometry()
        if is_beside:
            assert place.right() < panel.mapToGlobal(QPoint(0, 0)).x()
        else:
            assert place.bottom() < panel.sampling.more.mapToGlobal(QPoint(0, 0)).y()
        assert place.left() >= 0
        options.close()


@pytest.mark.qt_log_ignore(OFFSCREEN)
def test_a_top_k_of_none_is_all(table: Table) -> None:
    table.click("samplerOptionsButton")
    top_k = table.panel.sampling.options.findChild(QSpinBox, "topK")
    assert top_k.text() == "all"
    top_k.setValue(3)
    top_k.setValue(0)
    assert table.sampler.sampling.top_k is None
    table.panel.sampling.options.close()


def test_while_the_trainer_warms_up_the_button_says_so(table: Table) -> None:
    button = table.panel.findChild(QPushButton, "sampleButton")
    table.controller.restart(table.state.config.replace(seed=9))
    assert table.state.run.phase is Phase.WARMING
    assert not button.isEnabled()
    assert button.toolTip() == "There is no trainer to ask yet."


def test_the_panel_never_grows_for_what_is_written(listed: Table) -> None:
    size = listed.panel.size()
    least = listed.panel.minimumSizeHint()
    listed.click("tenItemsButton")
    for _ in range(ITEMS):
        listed.write("anna" * 5 + "\n")
    assert listed.panel.size() == size
    assert whole_lines(listed) == MOST_ROWS
    assert listed.panel.minimumSizeHint().width() == least.width()
