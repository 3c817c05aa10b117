"""The dialogs: the run's settings, made from the catalogue, and the numbers behind the pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk, as_read

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui.dialogs import RunSettingsDialog
from embedviz.gui.keys_dialog import KeysDialog
from embedviz.gui.tables import NumbersDialog
from embedviz.gui.theme import Theme
from embedviz.text.glyphs import glyph


@pytest.fixture
def form(desk: Desk) -> RunSettingsDialog:
    desk.press(Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialog = desk.child(RunSettingsDialog, "runSettings")
    desk.qtbot.waitUntil(dialog.isVisible)
    desk.worker.sent.clear()
    return dialog


def fill(form: RunSettingsDialog, name: str, text: str) -> None:
    field = form.findChild(QLineEdit, f"setting_{name}")
    assert field is not None
    field.setText(text)


def text_of(form: RunSettingsDialog, name: str) -> str:
    field = form.findChild(QLineEdit, f"setting_{name}")
    assert field is not None
    return field.text()


def box_of(form: RunSettingsDialog, name: str) -> QComboBox:
    box = form.findChild(QComboBox, f"setting_{name}")
    assert box is not None
    return box


def switch_of(form: RunSettingsDialog, name: str) -> QCheckBox:
    switch = form.findChild(QCheckBox, f"setting_{name}")
    assert switch is not None
    return switch


def field_of(form: RunSettingsDialog, name: str) -> QWidget:
    field = form.findChild(QWidget, f"setting_{name}")
    assert field is not None
    return field


def words_of(form: RunSettingsDialog) -> list[str]:
    """Return all lines of text that are in the form."""
    return [line for label in form.findChildren(QLabel) for line in label.text().split("\n")]


def choose(desk: Desk, form: RunSettingsDialog, name: str, data: object) -> None:
    """Choose an entry by keys, as a person would."""
    box = box_of(form, name)
    box.setFocus()
    target = box.findData(data)
    while box.currentIndex() != target:
        key = Qt.Key.Key_Down if box.currentIndex() < target else Qt.Key.Key_Up
        desk.qtbot.keyClick(box, key)
    box.activated.emit(target)


def press_ok(desk: Desk, form: RunSettingsDialog) -> None:
    buttons = form.findChild(QDialogButtonBox)
    assert buttons is not None
    desk.click(buttons.button(QDialogButtonBox.StandardButton.Ok))


def problem(form: RunSettingsDialog) -> str:
    label = form.findChild(QLabel, "settingsProblem")
    assert label is not None
    return label.text() if label.isVisible() else ""


def visible_settings(form: RunSettingsDialog) -> set[str]:
    return {
        field.objectName().removeprefix("setting_")
        for field in form.findChildren(QLineEdit)
        if field.objectName().startswith("setting_") and field.isVisible()
    }


# --- settings ---------------------------------------------------------------------------------------


def test_the_form_shows_what_runs(desk: Desk, form: RunSettingsDialog) -> None:
    config = desk.state.config
    for name in ("model", "position", "init", "layer_init", "residual_init", "optimizer", "schedule"):
        assert box_of(form, name).currentData() == getattr(config, name)
    assert box_of(form, "batch").currentData() == "whole"
    assert float(text_of(form, "lr")) == config.lr
    assert text_of(form, "seed") == "1337"
    titles = {box.itemText(i) for box in form.findChildren(QComboBox) for i in range(box.count())}
    assert {entry.title for table in (catalog.STARTS, catalog.OPTIMIZERS) for entry in table.values()} < titles


BAD_BATCHES = (
    ("0", "Batch size has to be 1 or more; for all of it choose ‘whole text’."),
    ("70000", "Batch size is 70000, but has to be a whole number from 1 to 65,536."),
)
BAD = (
    ("lr", "fast", "Learning rate is ‘fast’, but has to be a number."),
    ("lr", "", "Learning rate is ‘’, but has to be a number."),
    ("lr", "1,000", "Learning rate is ‘1,000’: write a thousand as 1000, a decimal with a point."),
    ("lr", "0", "Learning rate is 0.0, but has to be above 0 and up to 1,000,000."),
    ("lr", "-1", "Learning rate is -1.0, but has to be above 0 and up to 1,000,000."),
    ("lr", "nan", "Learning rate is nan, but has to be above 0 and up to 1,000,000."),
    ("lr", "1e999", "Learning rate is inf, but has to be above 0 and up to 1,000,000."),
    ("beta1", "1", "Beta 1 is 1.0, but has to be from 0 to 0.9999."),
    ("beta2", "-0.1", "Beta 2 is -0.1, but has to be from 0 to 0.999999."),
    ("weight_decay", "11", "Weight decay is 11.0, but has to be from 0 to 10."),
    ("block_size", "0", "Block size is 0, but has to be a whole number from 1 to 1,024."),
    ("block_size", "2.5", "Block size is ‘2.5’, but has to be a whole number."),
    ("val_fraction", "0.95", "Held out is 0.95, but has to be from 0 to 0.9."),
    ("seed", "-1", "Seed is -1, but has to be a whole number from 0 to 4,294,967,295."),
    ("seed", "x", "Seed is ‘x’, but has to be a whole number."),
)


def test_a_bad_value_is_one_sentence_and_the_form_stays(desk: Desk, form: RunSettingsDialog) -> None:
    before = desk.state.config
    for name, text, sentence in BAD:
        good = text_of(form, name)
        fill(form, name, text)
        press_ok(desk, form)
        assert problem(form) == sentence
        assert form.isVisible()
        assert text_of(form, name) == text
        fill(form, name, good)
    choose(desk, form, "batch", "sampled")
    for text, sentence in BAD_BATCHES:
        fill(form, "batch_size", text)
        press_ok(desk, form)
        assert problem(form) == sentence
    assert desk.state.config is before
    assert desk.worker.sent == []


def test_good_values_start_another_run(desk: Desk, form: RunSettingsDialog) -> None:
    choose(desk, form, "init", "normal-1")
    choose(desk, form, "batch", "sampled")
    for name, text in {
        "lr": "0,25",
        "beta1": "0.8",
        "beta2": "0.99",
        "weight_decay": "0.5",
        "batch_size": " 64 ",
        "block_size": "4",
        "val_fraction": "0.25",
        "seed": "7",
    }.items():
        fill(form, name, text)
    with desk.qtbot.waitSignals([form.destroyed, desk.texts.opened]):  # another seed and split: read anew
        press_ok(desk, form)
    expected = desk.state.config.replace(
        init="normal-1",
        lr=0.25,
        beta1=0.8,
        beta2=0.99,
        weight_decay=0.5,
        batch_size=64,
        block_size=4,
        val_fraction=0.25,
        seed=7,
    )
    (started,) = desk.sent(m.StartRun)
    assert started.config == desk.state.config == expected
    assert (started.config.init, started.config.batch_size, started.config.lr) == ("normal-1", 64, 0.25)
    assert len(desk.state.context_ids) == 4


def test_cancelling_changes_nothing(desk: Desk, form: RunSettingsDialog) -> None:
    before = desk.state.config
    fill(form, "lr", "5")
    with desk.qtbot.waitSignal(form.destroyed):
        desk.qtbot.keyClick(form, Qt.Key.Key_Escape)
    assert desk.state.config is before
    assert desk.worker.sent == []


def test_a_mistake_can_be_mended(desk: Desk, form: RunSettingsDialog) -> None:
    fill(form, "lr", "fast")
    press_ok(desk, form)
    fill(form, "lr", "0.5")
    with desk.qtbot.waitSignal(form.destroyed):
        press_ok(desk, form)
    assert desk.state.config.lr == 0.5


@pytest.mark.parametrize("optimizer", catalog.OPTIMIZERS.values(), ids=lambda entry: entry.name)
def test_an_optimiser_brings_its_defaults_and_shows_what_it_has(
    desk: Desk, form: RunSettingsDialog, optimizer: catalog.Entry
) -> None:
    other = next(entry for entry in catalog.OPTIMIZERS.values() if entry is not optimizer)
    choose(desk, form, "optimizer", other.name)
    fill(form, "lr", "123")
    choose(desk, form, "optimizer", optimizer.name)
    for name, value in catalog.optimizer_defaults("bigram", optimizer.name).items():
        assert float(text_of(form, name)) == value
    assert visible_settings(form) & {"lr", "beta1", "beta2", "weight_decay"} == set(optimizer.settings)
    words = desk.words(form)
    assert optimizer.line in words


def test_a_value_that_is_hidden_cannot_be_wrong(desk: Desk, form: RunSettingsDialog) -> None:
    fill(form, "beta1", "x")
    choose(desk, form, "optimizer", "sgd")  # which has none
    with desk.qtbot.waitSignal(form.destroyed):
        press_ok(desk, form)
    assert desk.state.config.optimizer == "sgd"


def test_the_batch_size_is_only_there_for_batches(desk: Desk, form: RunSettingsDialog) -> None:
    assert "batch_size" not in visible_settings(form)
    choose(desk, form, "batch", "sampled")
    assert "batch_size" in visible_settings(form)
    choose(desk, form, "batch", "whole")
    with desk.qtbot.waitSignal(form.destroyed):
        press_ok(desk, form)
    assert desk.state.config.whole_text


def test_every_setting_explains_itself(form: RunSettingsDialog) -> None:
    for name, setting in catalog.SETTINGS.items():
        field = form.findChild(QLineEdit, f"setting_{name}")
        assert field is not None
        assert field.toolTip() == setting.line
        labels = [layout.labelForField(field) for layout in form.findChildren(QFormLayout)]
        (named,) = (label for label in labels if label is not None)
        assert isinstance(named, QLabel)
        assert named.text() == setting.title
        assert named.buddy() is field  # what a screen reader calls it


def test_a_model_brings_its_settings_and_shows_what_it_has(desk: Desk, form: RunSettingsDialog) -> None:
    assert not visible_settings(form) & {"n_embd", "hidden", "vocab_size", "warmup_steps"}
    choose(desk, form, "model", "mlp")
    assert {"n_embd", "hidden", "block_size", "batch_size"} <= visible_settings(form)
    choose(desk, form, "schedule", "cosine")
    assert {"warmup_steps", "schedule_steps"} <= visible_settings(form)
    fill(form, "n_embd", "2")
    fill(form, "clip", "1.5")
    with desk.qtbot.waitSignal(form.destroyed):
        press_ok(desk, form)
    (started,) = desk.sent(m.StartRun)
    suits = desk.state.config.with_model("mlp")
    assert started.config == suits.replace(n_embd=2, clip=1.5, schedule="cosine")


def test_what_contradicts_itself_is_one_sentence(desk: Desk, form: RunSettingsDialog) -> None:
    choose(desk, form, "model", "mlp")
    choose(desk, form, "init", "log-counts")
    press_ok(desk, form)
    assert problem(form) == "The start of the table is not for the model ‘MLP’: choose another."
    choose(desk, form, "init", "xavier")
    choose(desk, form, "schedule", "cosine")
    fill(form, "schedule_steps", "100")
    press_ok(desk, form)
    assert problem(form).startswith("The rate rises for 100 steps, but is to be lowest at step 100")
    assert desk.worker.sent == []


HAS = {
    "bigram": set(),
    "mlp": {"n_embd", "hidden", "layer_init", "freeze_embeddings"},
    "token-position": {"n_embd", "layer_init", "position", *catalog.SWITCHES},
    "transformer": {"n_embd", "n_layer", "n_head", "layer_init", "position", "residual_init", *catalog.SWITCHES},
    "llama": {"n_embd", "n_layer", "n_head", "layer_init", "position", "residual_init", *catalog.SWITCHES},
}


@pytest.mark.parametrize("model", HAS)
def test_the_form_has_what_a_model_has(model: str, desk: Desk, form: RunSettingsDialog) -> None:
    choose(desk, form, "model", model)
    fields = set().union(*HAS.values())
    shown = {name for name in fields if field_of(form, name).isVisible()}
    assert shown == HAS[model]
    choose(desk, form, "schedule", "cosine")
    assert form.width() <= 1366  # of a small screen, with room for a title bar
    assert form.height() <= 700
    form.reject()


def test_what_is_switched_starts_another_run(desk: Desk, form: RunSettingsDialog) -> None:
    choose(desk, form, "model", "transformer")
    for name in ("tie", "freeze_embeddings"):
        switch = switch_of(form, name)
        assert not switch.isChecked()
        switch.setFocus()
        desk.qtbot.keyClick(switch, Qt.Key.Key_Space)
        assert f"{switch.text()}: {catalog.SWITCHES[name].line}" in words_of(form)
    choose(desk, form, "position", "rope")
    choose(desk, form, "residual_init", "zero")
    assert f"Positions · RoPE: {catalog.POSITIONS['rope'].line}" in words_of(form)
    fill(form, "n_layer", "1")
    with desk.qtbot.waitSignal(form.destroyed):
        press_ok(desk, form)
    (started,) = desk.sent(m.StartRun)
    assert started.config == desk.state.config.with_model("transformer").replace(
        tie=True, freeze_embeddings=True, position="rope", residual_init="zero", n_layer=1
    )


def test_a_model_that_reads_bytes_brings_them(desk: Desk, form: RunSettingsDialog) -> None:
    choose(desk, form, "model", "token-position")
    with desk.qtbot.waitSignals([form.destroyed, desk.texts.opened]):
        press_ok(desk, form)
    assert desk.state.config.tokenizer == desk.document.tokenizer.name == "byte"
    assert desk.sent(m.StartRun)[-1].config == desk.state.config
    assert desk.state.config.n_embd == 4


@pytest.mark.parametrize(
    ("fields", "position", "sentence"),
    [
        ({"n_head": "3"}, "learned", "3 heads cannot share a width of 32: choose a width that is a multiple"),
        ({"n_embd": "12"}, "rope", "RoPE turns pairs of dimensions, and a head has 3: choose a width that gives"),
        ({"n_layer": "25"}, "learned", "Layers is 25, but has to be a whole number from 0 to 24."),
    ],
)
def test_heads_that_do_not_fit_are_one_sentence(
    fields: dict[str, str], position: str, sentence: str, desk: Desk, form: RunSettingsDialog
) -> None:
    choose(desk, form, "model", "transformer")
    choose(desk, form, "position", position)
    for name, text in fields.items():
        fill(form, name, text)
    press_ok(desk, form)
    assert problem(form).startswith(sentence)
    assert desk.worker.sent == []
    form.reject()


def test_another_model_forgets_the_numbers_of_the_last(opened: "Opened") -> None:
    dialog = opened(RunConfig().with_model("llama").replace(n_embd=64, tie=True, position="none"))
    box = box_of(dialog, "model")
    box.setCurrentIndex(box.findData("transformer"))
    box.activated.emit(box.currentIndex())
    assert text_of(dialog, "n_embd") == "32"
    assert not switch_of(dialog, "tie").isChecked()
    assert box_of(dialog, "position").currentData() == "learned"


# --- a dialog without a window around it ------------------------------------------------------------

Opened = Callable[..., RunSettingsDialog]
FIGURES = "CPU, 1 thread: fastest of 2 measured (1 thread 14,900 steps/s, 2 threads 9,800 steps/s)."


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    def open_it(config: RunConfig, **more: Any) -> RunSettingsDialog:
        dialog = RunSettingsDialog(config, Theme("light"), **more)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return open_it


def test_devices_are_what_the_trainer_found(opened: Opened) -> None:
    dialog = opened(RunConfig(), devices=("cpu", "cuda:0", "cuda:1"))
    box = box_of(dialog, "device")
    assert [box.itemData(i) for i in range(box.count())] == ["auto", "cpu", "cuda:0", "cuda:1"]
    assert [box.itemText(i) for i in range(box.count())] == ["auto: the fastest here", "CPU", "CUDA:0", "CUDA:1"]
    assert (box.currentData(), text_of(dialog, "threads")) == ("cpu", "1")
    assert box.accessibleName() == "Device"
    dialog.accept()
    assert dialog.changes() == {}
    box.setCurrentIndex(box.findData("cuda:1"))
    assert "threads" not in visible_settings(dialog)
    fill(dialog, "threads", "x")  # which no longer matters
    dialog.accept()
    assert dialog.changes() == {"device": "cuda:1"}


def test_a_device_that_is_gone_is_still_named(opened: Opened) -> None:
    dialog = opened(RunConfig(device="cuda:7"))
    assert box_of(dialog, "device").currentData() == "cuda:7"
    dialog.accept()
    assert dialog.changes() == {}


def test_auto_says_what_it_found(opened: Opened) -> None:
    dialog = opened(RunConfig(device="auto", threads=0), choice=FIGURES)
    assert (box_of(dialog, "device").currentData(), text_of(dialog, "threads")) == ("auto", "auto")
    assert f"Now on {FIGURES}" in words_of(dialog)
    dialog.accept()
    assert dialog.changes() == {}
    given = opened(RunConfig())
    assert not any("Now on" in label.text() for label in given.findChildren(QLabel))


@pytest.mark.parametrize(
    ("text", "threads"), [("auto", 0), ("0", 0), (" 2 ", 2), ("1024", 1024)], ids=["auto", "0", "2", "1024"]
)
def test_a_number_of_threads(text: str, threads: int, opened: Opened) -> None:
    dialog = opened(RunConfig(threads=3))
    fill(dialog, "threads", text)
    dialog.accept()
    assert dialog.changes() == {"threads": threads}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("many", "Threads is ‘many’, but has to be a whole number, or ‘auto’."),
        ("", "Threads is ‘’, but has to be a whole number, or ‘auto’."),
        ("1.5", "Threads is ‘1.5’, but has to be a whole number, or ‘auto’."),
        ("-1", "Threads is -1, but has to be from 0 (choose for me) to 1,024."),
    ],
)
def test_what_is_no_number_of_threads(text: str, sentence: str, opened: Opened) -> None:
    dialog = opened(RunConfig())
    fill(dialog, "threads", text)
    dialog.accept()
    assert problem(dialog) == sentence
    assert dialog.isVisible()
    assert dialog.changes() == {}


def test_only_what_was_changed_is_carried_over(opened: Opened) -> None:
    config = RunConfig(lr=0.012345678901, seed=2**32 - 1, optimizer="sgd", beta1=0.123456789012)
    dialog = opened(config)
    assert float(text_of(dialog, "lr")) == config.lr  # all its digits: what nobody touched stays the same
    dialog.accept()
    assert dialog.changes() == {}
    dialog = opened(config)
    fill(dialog, "val_fraction", "0.25")
    box_of(dialog, "batch").setCurrentIndex(1)
    fill(dialog, "batch_size", "64")
    dialog.accept()
    assert dialog.changes() == {"val_fraction": 0.25, "batch_size": 64}
    meanwhile = config.replace(tokenizer="byte", lr=1.0)
    assert meanwhile.replace(**dialog.changes()) == meanwhile.replace(val_fraction=0.25, batch_size=64)


def test_subwords_need_room_for_the_bytes(opened: Opened) -> None:
    dialog = opened(RunConfig(tokenizer="subword"))
    fill(dialog, "vocab_size", "256")
    dialog.accept()
    assert problem(dialog) == "Vocabulary is 256, but has to be 257 or more for the tokenizer ‘Subword’."
    fill(dialog, "vocab_size", "257")
    dialog.accept()
    assert dialog.changes() == {"vocab_size": 257}
    words = opened(RunConfig(tokenizer="word"))
    fill(words, "vocab_size", "2")
    words.accept()
    assert words.changes() == {"vocab_size": 2}


def test_the_form_is_as_high_as_what_it_shows(opened: Opened) -> None:
    dialog = opened(RunConfig(device="auto", threads=0), choice=FIGURES * 3)
    low = dialog.height()
    box = box_of(dialog, "schedule")
    box.setCurrentIndex(box.findData("cosine"))
    layout = dialog.layout()
    assert layout is not None
    assert dialog.height() == layout.totalHeightForWidth(dialog.width()) > low
    box.setCurrentIndex(box.findData("constant"))
    assert dialog.height() == low


# --- the same from the bar at the top ---------------------------------------------------------------


def top_menu(desk: Desk, name: str) -> QMenu:
    menu = desk.child(QToolButton, name).menu()
    menu.aboutToShow.emit()
    return menu


@pytest.mark.parametrize(
    ("button", "table", "field"),
    [("startButton", catalog.STARTS, "init"), ("optimizerButton", catalog.OPTIMIZERS, "optimizer")],
)
def test_starts_and_optimisers_in_the_top_bar(
    desk: Desk, button: str, table: dict[str, catalog.Entry], field: str
) -> None:
    for entry in reversed(table.values()):
        (action,) = (a for a in top_menu(desk, button).actions() if a.text() == entry.title)
        assert action.toolTip() == entry.line
        assert action.isChecked() is (getattr(desk.state.config, field) == entry.name)
        action.trigger()
        assert getattr(desk.state.config, field) == entry.name
        for name, value in entry.defaults.items():
            assert getattr(desk.state.config, name) == value
        assert entry.title in desk.child(QToolButton, button).text()
    runs = len(desk.sent(m.StartRun))
    action.trigger()  # what runs already does not start again
    assert len(desk.sent(m.StartRun)) == runs


def test_batches_in_the_top_bar(desk: Desk) -> None:
    titles = [a.text() for a in top_menu(desk, "batchButton").actions() if a.isCheckable()]
    assert titles == ["whole text", "32 windows of 8", "256 windows of 8"]
    (action,) = (a for a in top_menu(desk, "batchButton").actions() if a.text() == "32 windows of 8")
    action.trigger()
    assert desk.state.config.batch_size == 32
    assert desk.child(QToolButton, "batchButton").text() == "32 windows of 8"
    desk.controller.restart(desk.state.config.replace(batch_size=7))
    actions = {a.text(): a.isChecked() for a in top_menu(desk, "batchButton").actions() if a.isCheckable()}
    assert actions["7 windows of 8"]
    assert sum(actions.values()) == 1


# --- the numbers ------------------------------------------------------------------------------------


@pytest.fixture
def open_numbers(desk: Desk) -> Callable[[], NumbersDialog]:
    def open_them() -> NumbersDialog:
        desk.press(Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        return desk.child(NumbersDialog, "numbersDialog")

    return open_them


def read(view: QWidget) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Return the numbers and the names of rows and columns of a table, as they are shown."""
    assert isinstance(view, QTableView)
    model = view.model()
    rows, columns = range(model.rowCount()), range(model.columnCount())
    numbers = np.array([[float(str(model.index(r, c).data())) for c in columns] for r in rows])
    names = [
        [str(model.headerData(place, orientation, Qt.ItemDataRole.DisplayRole)) for place in places]
        for orientation, places in ((Qt.Orientation.Vertical, rows), (Qt.Orientation.Horizontal, columns))
    ]
    return numbers, *names


def tab(dialog: NumbersDialog, title: str) -> QWidget:
    (found,) = (
        dialog.tabs.widget(i) for i in range(dialog.tabs.count()) if dialog.tabs.tabText(i).startswith(title)
    )
    return found


def test_all_titles_of_the_numbers_are_seen_where_the_screen_has_room(
    desk: Desk, open_numbers: Callable[[], NumbersDialog]
) -> None:
    desk.show(20)
    dialog = open_numbers()
    for word in ("Position table", "Attention of layer 2", "Activations: hidden", "Layers", "Activations: more"):
        dialog.tabs.addTab(QWidget(), word)
    dialog._fit(most=99_999)
    assert dialog.tabs.width() >= dialog.tabs.tabBar().sizeHint().width() > 900
    dialog._fit(most=950)
    assert dialog.width() == 950
    assert dialog.tabs.usesScrollButtons()


def test_the_numbers_are_the_snapshot_s(desk: Desk, open_numbers: Callable[[], NumbersDialog]) -> None:
    desk.tokens.edit.setPlainText("the cat")
    table = desk.show(1234).tables["token"].astype(np.float64)
    dialog = open_numbers()
    vocabulary = desk.document.tokenizer.vocabulary
    labels = [f"{glyph(token)}  {i}" for i, token in enumerate(vocabulary)]
    numbers, rows, columns = read(tab(dialog, "Lookup table"))
    np.testing.assert_allclose(numbers, table, rtol=1e-5)
    assert rows == columns == labels
    numbers, rows, columns = read(tab(dialog, f"Next token after ‘t  {vocabulary.index('t')}’"))
    row = table[vocabulary.index("t")]
    np.testing.assert_allclose(numbers[:, 0], np.exp(row) / np.exp(row).sum(), rtol=1e-5)
    np.testing.assert_allclose(numbers[:, 1], desk.document.pairs.probabilities(vocabulary.index("t")), rtol=1e-5)
    assert (rows, columns) == (labels, ["model", "in the text"])
    assert "As of step 1,234" in desk.words(dialog)


def test_the_losses_are_the_readings(desk: Desk, open_numbers: Callable[[], NumbersDialog]) -> None:
    first, second = desk.reading(0, desk.table_at(0)), desk.reading(5, desk.table_at(5))
    desk.worker.say(m.Measured("run-1", second))
    desk.worker.say(m.Measured("run-1", as_read(desk.reading(9, desk.table_at(9)), val=None)))
    numbers, rows, columns = read(tab(open_numbers(), "Losses, nats per token"))
    assert rows == ["step 0", "step 5", "step 9"]
    assert columns == ["training", "validation"]
    np.testing.assert_allclose(numbers[:2], [(first.train, first.val), (second.train, second.val)], rtol=1e-5)
    assert np.isnan(numbers[2, 1])


def test_the_numbers_stay_while_training_goes_on(desk: Desk, open_numbers: Callable[[], NumbersDialog]) -> None:
    table = desk.show(20).tables["token"]
    dialog = open_numbers()
    desk.show(21)
    np.testing.assert_allclose(read(tab(dialog, "Lookup table"))[0], table, rtol=1e-5)
    assert "As of step 20" in desk.words(dialog)


def test_the_step_of_the_numbers_is_that_of_the_frame(
    desk: Desk, open_numbers: Callable[[], NumbersDialog]
) -> None:
    desk.show(20)
    desk.worker.say(m.Paused("run-1", 23, "asked"))  # the frame of step 23 is still under way
    assert "As of step 20" in desk.words(open_numbers())


def test_without_a_frame_the_dialog_says_why_it_is_empty(
    desk: Desk, open_numbers: Callable[[], NumbersDialog]
) -> None:
    desk.controller.restart(desk.state.config.replace(init="normal-1"))
    dialog = open_numbers()
    assert dialog.tabs.count() == 0
    assert "The trainer is warming up" in desk.words(dialog)


def test_keyboard_and_screen_reader_reach_the_numbers(
    desk: Desk, open_numbers: Callable[[], NumbersDialog]
) -> None:
    dialog = open_numbers()
    for index in range(dialog.tabs.count()):
        view = dialog.tabs.widget(index)
        assert isinstance(view, QTableView)
        assert view.accessibleName() == dialog.tabs.tabText(index)
        assert view.focusPolicy() == Qt.FocusPolicy.WheelFocus or view.focusPolicy() & Qt.FocusPolicy.TabFocus


def titles(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def chosen_in(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.isChecked()]


def press_in(desk: Desk, button: str, title: str) -> None:
    (action,) = (action for action in top_menu(desk, button).actions() if action.text() == title)
    action.trigger()


def test_all_models_are_in_the_top_bar(desk: Desk) -> None:
    for entry in catalog.MODELS.values():
        if entry.name != desk.state.config.model:
            press_in(desk, "modelButton", entry.title)
        desk.qtbot.waitUntil(lambda: not desk.texts.busy)
        assert desk.state.config.model == entry.name
        assert desk.document.tokenizer.name == entry.defaults.get("tokenizer", "char")  # and it goes with it
        assert desk.child(QToolButton, "modelButton").text() == entry.title
        assert entry.title in chosen_in(top_menu(desk, "modelButton"))
        switches = {catalog.SWITCHES[name].title for name in HAS[entry.name] & set(catalog.SWITCHES)}
        offered = set(titles(top_menu(desk, "modelButton")))
        assert offered & {row.title for row in catalog.SWITCHES.values()} == switches
        starts = set(titles(top_menu(desk, "startButton")))
        assert (catalog.RESIDUAL_INITS["scaled"].title in starts) is ("residual_init" in HAS[entry.name])


def test_switches_and_positions_restart_the_run(desk: Desk) -> None:
    press_in(desk, "modelButton", "TinyTransformer")
    config, button = desk.state.config, desk.child(QToolButton, "modelButton")
    for title, changes in (
        ("Tie the head", {"tie": True}),
        ("RoPE", {"position": "rope"}),
        ("Tie the head", {"tie": False}),
        ("none", {"position": "none"}),
    ):
        runs = len(desk.sent(m.StartRun))
        press_in(desk, "modelButton", title)
        config = config.replace(**changes)
        assert desk.state.config == desk.sent(m.StartRun)[-1].config == config
        assert len(desk.sent(m.StartRun)) == runs + 1
        position = catalog.POSITIONS[config.position].title
        assert chosen_in(top_menu(desk, "modelButton")) == [
            "TinyTransformer", position, *(["Tie the head"] if config.tie else [])
        ]  # fmt: skip
        assert f"Positions: {position}" in button.toolTip()
        assert ("Tie the head" in button.toolTip()) is config.tie
    for start in ("zero", "scaled"):
        press_in(desk, "startButton", catalog.RESIDUAL_INITS[start].title)
        assert desk.state.config.residual_init == start


def test_positions_that_do_not_fit_are_a_notice(desk: Desk) -> None:
    assert desk.texts.apply(desk.state.config.with_model("transformer").replace(n_embd=12))
    config = desk.state.config
    press_in(desk, "modelButton", "RoPE")
    assert desk.state.config == config
    (sentence,) = desk.sentences
    assert sentence.startswith("RoPE turns pairs of dimensions, and a head has 3: choose a width")
    assert "RoPE" not in chosen_in(top_menu(desk, "modelButton"))


def test_token_and_position_offers_no_rotations(desk: Desk) -> None:
    desk.see(lambda: desk.texts.apply(desk.state.config.with_model("token-position")))
    offered = titles(top_menu(desk, "modelButton"))
    assert {"none", "learned"} < set(offered)
    assert "RoPE" not in offered


@pytest.mark.parametrize("model", catalog.MODELS)
def test_no_choice_of_the_top_bar_is_cut_short_on_a_small_screen(model: str, desk: Desk) -> None:
    desk.window.resize(1366, 768)
    desk.texts.apply(desk.state.config.with_model(model).replace(tokenizer="char"))
    buttons = desk.window.top_bar.findChildren(QToolButton)
    assert len(buttons) == 7
    desk.qtbot.waitUntil(lambda: all(button.width() >= button.sizeHint().width() for button in buttons))


def test_the_groups_of_a_menu_have_names(desk: Desk) -> None:
    desk.texts.apply(desk.state.config.with_model("transformer"))
    for button, names in (
        ("modelButton", ["Positions", "Switches"]),
        ("startButton", ["Lookup table", "Layers", "Residual projections"]),
    ):
        headings = [action.text() for action in top_menu(desk, button).actions() if not action.isEnabled()]
        assert [heading for heading in headings if heading] == names
        assert not top_menu(desk, button).actions()[0].isSeparator()
    start = desk.child(QToolButton, "startButton")
    assert start.text() == "N(0, .02)"  # both are that
    assert "Residual projections: plain" in start.toolTip()


# --- keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.25, 2.0])
def test_the_list_of_keys_fits_the_screen_and_is_scrolled_by_keys(desk: Desk, scale: float) -> None:
    desk.theme.set_scale(scale)
    desk.press(Qt.Key.Key_F1)
    dialog = desk.window.findChild(KeysDialog)
    assert dialog is not None
    desk.qtbot.waitUntil(dialog.isVisible)
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width()
    assert dialog.height() < room.height()
    scroll = dialog.findChild(QScrollArea, "keysScroll")
    assert scroll is not None
    bar = scroll.verticalScrollBar()
    assert dialog.focusWidget() is scroll
    if bar.maximum() > 0:
        desk.qtbot.keyClick(scroll, Qt.Key.Key_Down)
        assert bar.value() > 0
        while bar.value() < bar.maximum():
            before = bar.value()
            desk.qtbot.keyClick(scroll, Qt.Key.Key_PageDown)
            assert bar.value() > before
    for label in scroll.widget().findChildren(QLabel):
        assert label.heightForWidth(label.width()) <= label.height()
        assert label.geometry().right() <= scroll.viewport().width()
    with desk.qtbot.waitSignal(dialog.destroyed):
        desk.qtbot.keyClick(scroll, Qt.Key.Key_Return)
