"""Keys, menus and the words about them: what a person presses, and which command the trainer gets."""

from collections.abc import Callable
from itertools import product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QTextEdit,
    QToolButton,
    QWidget,
)
from test_fake_trainer import PHASES, Desk

from embedviz.analysis.units import BITS, NATS, PERPLEXITY
from embedviz.engine import messages as m
from embedviz.gui.actions import ACTIONS
from embedviz.gui.state import Phase
from embedviz.gui.theme import DARK, LIGHT

PLAIN, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Key = Qt.Key


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20."""
    desk.pause(20)
    desk.worker.sent.clear()
    return desk


def test_what_keys_ask_of_the_trainer(at_20: Desk) -> None:
    for key, modifiers, command in (
        (Key.Key_Space, PLAIN, m.Play("run-1", m.Until(converged=True))),
        (Key.Key_Right, CTRL, m.Advance("run-1", 1)),
        (Key.Key_Left, CTRL, m.GoTo("run-1", 19)),
        (Key.Key_Right, SHIFT, m.Advance("run-1", 10)),
        (Key.Key_Left, SHIFT, m.GoTo("run-1", 10)),
        (Key.Key_Home, PLAIN, m.GoTo("run-1", 0)),
        (Key.Key_BracketLeft, PLAIN, m.SetPace("run-1", 20)),
        (Key.Key_BracketRight, PLAIN, m.SetPace("run-1", 60)),
    ):
        at_20.worker.sent.clear()
        at_20.press(key, modifiers)
        assert at_20.worker.sent == [command], key


def test_the_buttons_do_what_the_keys_do(at_20: Desk) -> None:
    for name, command in (
        ("play", m.Play("run-1", m.Until(converged=True))),
        ("step", m.Advance("run-1", 1)),
        ("back", m.GoTo("run-1", 19)),
        ("rewind", m.GoTo("run-1", 0)),
    ):
        at_20.worker.sent.clear()
        at_20.click(at_20.child(QToolButton, f"{name}Button"))
        assert at_20.worker.sent == [command], name


def test_what_is_typed_into_the_own_line_is_text_and_no_command(at_20: Desk) -> None:
    at_20.focus(at_20.tokens.edit)
    at_20.press(Key.Key_End, CTRL)
    before = at_20.state.line
    at_20.type(" [a] .")
    assert at_20.state.line == before + " [a] ."
    at_20.press(Key.Key_Left)
    at_20.press(Key.Key_Home)
    at_20.press(Key.Key_Right, SHIFT)
    assert {type(command) for command in at_20.worker.sent} == {m.Watch}  # the context changed, and nothing else
    assert at_20.state.pace == 60
    assert at_20.state.run.phase is Phase.PAUSED


def test_a_space_in_a_search_field_is_a_space(at_20: Desk) -> None:
    at_20.tokens.segments.set_value("vocabulary")
    for name in ("findToken", "vocabularySearch"):
        field = at_20.child(QLineEdit, name)
        at_20.focus(field)
        at_20.type(" ")
        assert field.text() == " "
    assert not at_20.worker.sent


def test_space_plays_wherever_the_pointer_was_last(at_20: Desk) -> None:
    for widget in (at_20.tokens.chips, at_20.table.heatmap, at_20.following.bars):
        at_20.click(widget)
        at_20.worker.sent.clear()
        at_20.press(Key.Key_Space)
        assert at_20.worker.sent == [m.Play("run-1", m.Until(converged=True))]


def test_a_switch_that_tab_reached_is_moved_by_arrows(at_20: Desk) -> None:
    switch = at_20.training.gap
    first = at_20.training.findChild(QPushButton, "segment_loss")
    first.setFocus(Qt.FocusReason.TabFocusReason)
    at_20.press(Key.Key_Right)
    assert switch.value == "gap"
    at_20.press(Key.Key_Left)
    assert switch.value == "loss"
    assert at_20.worker.sent == []


def test_a_switch_that_was_clicked_leaves_the_arrows_to_the_run(at_20: Desk) -> None:
    at_20.switch(at_20.training, "gap")
    at_20.press(Key.Key_Right, SHIFT)
    assert at_20.worker.sent == [m.Advance("run-1", 10)]
    assert at_20.training.gap.value == "gap"


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Enter])
def test_return_presses_the_button_that_the_keyboard_is_on(at_20: Desk, key: Qt.Key) -> None:
    box = at_20.child(QCheckBox, "hideUnused")
    at_20.focus(box)
    at_20.press(key)
    assert box.isChecked()
    at_20.see_no(lambda: at_20.texts.open_text("aaa"))
    at_20.focus(at_20.child(QPushButton, "noticeDismiss"))
    at_20.press(key)
    assert at_20.sentences == []
    at_20.focus(at_20.child(QToolButton, "stepButton"))
    at_20.press(key)
    assert at_20.worker.sent == [m.Advance("run-1", 1)]


def test_return_in_the_own_line_is_a_line_end(at_20: Desk) -> None:
    at_20.focus(at_20.tokens.edit)
    at_20.press(Key.Key_End, CTRL)
    line = at_20.state.line
    at_20.press(Key.Key_Return)
    assert at_20.state.line == line + "\n"


def test_space_pauses_what_plays(desk: Desk) -> None:
    desk.press(Key.Key_Space)
    desk.play()
    assert desk.state.run.phase is Phase.PLAYING
    assert desk.action("play").text() == "Pause"
    desk.press(Key.Key_Space)
    assert desk.worker.sent[-1] == m.Pause("run-1")
    assert desk.state.run.phase is Phase.PAUSING  # until the step that is under way is done
    assert "Pausing after this step" in desk.words(desk.window.statusBar())
    desk.press(Key.Key_Space)
    assert desk.sent(m.Pause) == [m.Pause("run-1")]
    desk.pause(7)
    assert desk.state.run.phase is Phase.PAUSED
    assert desk.action("play").text() == "Play"


def test_space_before_the_trainer_is_warm_plays_when_it_is(fresh_desk: Desk) -> None:
    desk = fresh_desk
    desk.press(Key.Key_Space)
    assert desk.sent(m.Play) == []
    assert "starts when the trainer is warm" in desk.words(desk.window.statusBar())
    assert desk.action("play").text() == "Pause"
    desk.press(Key.Key_Space)  # not meant so
    assert "starts when" not in desk.words(desk.window.statusBar())
    desk.press(Key.Key_Space)
    desk.answer()
    assert len(desk.sent(m.Play)) == 1
    desk.answer()  # said once, done once
    assert len(desk.sent(m.Play)) == 1


def test_steps_are_only_taken_while_paused(at_20: Desk) -> None:
    at_20.play()
    at_20.worker.sent.clear()
    for key, modifiers in ((Key.Key_Right, CTRL), (Key.Key_Left, CTRL), (Key.Key_Right, SHIFT)):
        at_20.press(key, modifiers)
    assert at_20.worker.sent == []
    at_20.press(Key.Key_Home)  # the way back is open at any time
    assert at_20.worker.sent == [m.GoTo("run-1", 0)]


def test_rewinding_what_began_to_play_at_the_start(desk: Desk) -> None:
    desk.press(Key.Key_Space)
    desk.play()
    desk.show(500)
    desk.worker.sent.clear()
    desk.press(Key.Key_Home)
    assert desk.worker.sent == [m.GoTo("run-1", 0)]


def test_which_actions_there_are(desk: Desk) -> None:
    for phase, step in product(Phase, (0, 5)):
        desk.state.update_run(phase=phase, step=step)
        idle = phase is Phase.PAUSED
        enabled = {name: desk.action(name).isEnabled() for name in ("play", "step", "back", "rewind")}
        assert enabled == {
            "play": True,
            "step": idle,
            "back": idle and step > 0,
            "rewind": step > 0 and phase not in (Phase.WARMING, Phase.LOST),
        }, (phase, step)


def test_there_is_no_step_before_the_first(desk: Desk) -> None:
    desk.worker.sent.clear()
    for key, modifiers in ((Key.Key_Left, CTRL), (Key.Key_Left, PLAIN), (Key.Key_Home, PLAIN)):
        desk.press(key, modifiers)
    assert desk.worker.sent == []
    desk.press(Key.Key_Left, SHIFT)
    assert desk.worker.sent == [m.GoTo("run-1", 0)]


def test_the_pace_has_a_slowest_and_a_fastest(desk: Desk) -> None:
    box = desk.child(QComboBox, "paceChoice")
    assert box.currentText() == "60 steps/s"  # one step a frame, so that it can be seen
    desk.press(Key.Key_BracketLeft, times=8)
    assert (desk.state.pace, box.currentText()) == (1, "1 step/s")
    desk.press(Key.Key_BracketRight, times=12)
    assert (desk.state.pace, box.currentText()) == (None, "full speed")
    desk.press(Key.Key_BracketLeft)
    assert (desk.state.pace, box.currentText()) == (1000, "1,000 steps/s")


def test_go_to_step(at_20: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(*args: object) -> tuple[int, bool]:
        asked.append(args[3])
        return 300, len(asked) > 1

    monkeypatch.setattr(QInputDialog, "getInt", answer)
    at_20.press(Key.Key_G, CTRL)
    assert at_20.worker.sent == []  # cancelled
    at_20.press(Key.Key_G, CTRL)
    assert at_20.worker.sent == [m.GoTo("run-1", 300)]
    assert asked == [20, 20]


def test_the_size_of_everything(desk: Desk) -> None:
    small = desk.following.bars.row_height, desk.training.title.font().pointSizeF()
    desk.press(Key.Key_Plus, CTRL, times=3)
    assert desk.theme.scale == pytest.approx(1.3)
    large = desk.following.bars.row_height, desk.training.title.fontMetrics().height()
    assert large[0] > small[0]
    assert large[1] > small[1]
    desk.press(Key.Key_Equal, CTRL)  # where + needs Shift
    assert desk.theme.scale == pytest.approx(1.4)
    desk.press(Key.Key_Minus, CTRL, times=2)
    assert desk.theme.scale == pytest.approx(1.2)
    desk.press(Key.Key_0, CTRL)
    assert desk.theme.scale == 1.0
    assert desk.following.bars.row_height == small[0]
    desk.press(Key.Key_Minus, CTRL, times=9)
    assert desk.theme.scale == 0.8


def test_larger_works_while_typing(desk: Desk) -> None:
    desk.focus(desk.tokens.edit)
    desk.press(Key.Key_Plus, CTRL)
    assert desk.theme.scale == pytest.approx(1.1)


def test_dialogs_open_and_close(desk: Desk) -> None:
    for key, modifiers, title in (
        (Key.Key_F1, PLAIN, "Keys"),
        (Key.Key_T, CTRL, "Numbers as tables"),
        (Key.Key_Comma, CTRL, "Settings of the run"),
    ):
        desk.press(key, modifiers)
        (dialog,) = desk.window.findChildren(QDialog)
        assert dialog.windowTitle() == title
        desk.qtbot.waitUntil(dialog.isVisible)
        with desk.qtbot.waitSignal(dialog.destroyed):
            desk.qtbot.keyClick(dialog, Key.Key_Escape)
        assert not desk.window.findChildren(QDialog)
        desk.window.activateWindow()  # which a desktop would do
        desk.qtbot.waitUntil(desk.window.isActiveWindow)


def test_the_keys_dialog_names_every_key(desk: Desk) -> None:
    desk.action("keys").trigger()
    words = desk.words(desk.window.findChildren(QDialog)[0])
    for spec in ACTIONS:
        for key in spec.keys:
            assert key in words
    for key in ("Return", "Esc", "."):
        assert f"{key} | " in words


def test_about_names_the_versions(desk: Desk) -> None:
    desk.worker.say(m.Ready(1, "2.13.0+test"))
    desk.action("about").trigger()
    told = desk.child(QTextEdit, "aboutFacts").toPlainText()
    assert "PySide6\n6." in told
    assert "2.13.0+test" in told


def test_open_asks_for_a_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.document
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    desk.press(Key.Key_O, CTRL)
    assert desk.document is before
    assert desk.sentences == []


def test_the_clipboard(desk: Desk) -> None:
    QGuiApplication.clipboard().setText("banana bandana")
    with desk.qtbot.waitSignal(desk.texts.opened):
        desk.press(Key.Key_V, CTRL | SHIFT)
    assert desk.document.corpus.text == "banana bandana"
    QGuiApplication.clipboard().clear()
    before = desk.document
    desk.press(Key.Key_V, CTRL | SHIFT)
    assert desk.sentences == ["The clipboard holds no text: copy some first."]
    assert desk.document is before


def test_quitting_ends_the_trainer(desk: Desk) -> None:
    desk.press(Key.Key_Q, CTRL)
    assert not desk.window.isVisible()
    assert not desk.worker.isRunning()


# --- what there is, in words ------------------------------------------------------------------------


def menu_actions(menu: QMenu | QWidget) -> list[QAction]:
    found = []
    for action in menu.actions():
        inner = action.menu()
        found += menu_actions(inner) if isinstance(inner, QMenu) else [action]
    return found


def test_every_action_is_in_a_menu_and_explains_itself(desk: Desk) -> None:
    listed = menu_actions(desk.window.menuBar())
    for spec in ACTIONS:
        action = desk.action(spec.name)
        assert action in listed
        assert action.toolTip() == action.statusTip()
        assert action.toolTip().endswith(spec.tip)  # what is said of the run of now stands before
        assert spec.tip
        assert {key.toString() for key in action.shortcuts()} == {QKeySequence(k).toString() for k in spec.keys}


def test_no_key_means_two_things(desk: Desk) -> None:
    keys = [key.toString() for spec in ACTIONS for key in desk.action(spec.name).shortcuts()]
    assert len(keys) == len(set(keys))


def test_the_menus(desk: Desk) -> None:
    menus = {action.text(): action.menu() for action in desk.window.menuBar().actions()}
    assert list(menus) == ["&File", "&Run", "&View", "&Help"]  # Alt and the first letter open each
    for menu in menus.values():
        assert isinstance(menu, QMenu)
        assert menu.toolTipsVisible()


NAMED: list[tuple[str, str]] = [
    ("tokensPanel", "Tokens"),
    ("lookupTablePanel", "Lookup table"),
    ("nextTokenPanel", "Next token"),
    ("trainingPanel", "Training"),
    ("ownLine", "Own line"),
    ("chips", "Tokens"),
    ("vocabularyTable", "Vocabulary"),
    ("vocabularySearch", "Find a token or an id in the vocabulary"),
    ("findToken", "Find a token in the table"),
    ("rowOrder", "Order of the rows"),
    ("cellValue", "Value of the cell"),
    ("rowStrip", "Rows looked up"),
    ("lookupHeatmap", "Table as colours"),
    ("nextTokenBars", "Probabilities"),
    ("barNumbers", "Number beside the bars"),
    ("paceChoice", "Speed"),
    ("untilChoice", "When training stops by itself"),
    ("untilStep", "Step to stop at"),
    ("lossCurve", "Loss curve"),
]


def test_names_for_screen_readers(desk: Desk) -> None:
    desk.training.loss.load()
    for name, says in NAMED:
        assert desk.child(QWidget, name).accessibleName() == says, name


def test_charts_say_what_they_show(desk: Desk) -> None:
    desk.training.loss.load()
    desk.lose(0, 3.0, 2.9, 2.8)
    desk.pause(3)
    size = desk.document.vocab_size
    expected: dict[QWidget | None, str] = {
        desk.table.heatmap: f"{size} by {size} table; selected row",
        desk.table.strip: "rows: ",
        desk.following.bars: "bars; ",
        desk.tokens.chips: "tokens; selected token",
        desk.training.loss.curve: "last training loss 2.800",
        desk.table.legend: "colours from −",
    }
    for widget, words in expected.items():
        assert widget is not None
        desk.qtbot.waitUntil(lambda widget=widget, words=words: words in widget.accessibleDescription())


def test_buttons_without_words_have_a_name_and_a_tip(desk: Desk) -> None:
    for button in desk.window.findChildren(QToolButton):
        if button.isVisible():
            assert button.toolTip(), button.objectName()
            assert button.text() or button.accessibleName(), button.objectName()


def test_switches_have_tips(desk: Desk) -> None:
    switches = [b for b in desk.window.findChildren(QPushButton) if b.objectName().startswith("segment_")]
    assert len(switches) >= 17
    assert all(button.toolTip() and button.accessibleDescription() for button in switches)


def test_the_status_bar(desk: Desk) -> None:
    words = desk.words(desk.window.statusBar())
    train, val = len(desk.document.dataset.train_ids), len(desk.document.dataset.val_ids)
    assert "Paused" in words
    assert f"{desk.document.vocab_size**2:,} weights" in words
    assert words.endswith("CPU, 1 thread: the only one here")
    assert f"{train:,} tokens to train on, {val:,} held out" in words
    desk.worker.die()
    assert "Trainer ended" in desk.words(desk.window.statusBar())
    assert desk.child(QLabel, "statusPhase").isVisible()


def choices_of(desk: Desk, title: str) -> list[QAction]:
    """Return what can be chosen in the menu called `title`."""
    (menu,) = (menu for menu in desk.window.menuBar().findChildren(QMenu) if menu.title() == title)
    return menu.actions()


def test_the_theme_menu(desk: Desk) -> None:
    choices = choices_of(desk, "Theme")
    assert [choice.data() for choice in choices] == ["system", "light", "dark"]
    assert [choice.isChecked() for choice in choices] == [False, True, False]
    for choice, colours in ((choices[2], DARK), (choices[1], LIGHT), (choices[0], None)):
        choice.trigger()
        assert desk.theme.mode == choice.data()
        assert [other for other in choices if other.isChecked()] == [choice]
        assert desk.theme.colours is colours or colours is None


def test_the_units_of_losses(desk: Desk) -> None:
    choices = choices_of(desk, "Losses in")
    assert [choice.text() for choice in choices] == ["Nats", "Bits", "Perplexity"]
    assert [choice.isChecked() for choice in choices] == [True, False, False]
    choices[2].trigger()
    assert desk.state.unit is PERPLEXITY
    for unit in (NATS, BITS, PERPLEXITY, NATS):
        desk.press(Key.Key_U, CTRL)
        assert desk.state.unit is unit
        assert [choice.isChecked() for choice in choices] == [choice.data() == unit.name for choice in choices]


def test_less_motion_is_remembered(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    assert not desk.state.less_motion
    desk.action("lessMotion").trigger()
    assert desk.state.less_motion
    other = make_desk()
    assert other.state.less_motion
    assert other.action("lessMotion").isChecked()
    other.action("lessMotion").trigger()
    assert not make_desk().state.less_motion


# --- the phases of a step ---------------------------------------------------------------------------


def phase_actions(desk: Desk) -> tuple[bool, ...]:
    return tuple(desk.action(name).isEnabled() for name in ("prevPhase", "nextPhase", "playPhases"))


def test_arrows_go_through_the_phases_and_take_the_step_at_the_end(at_20: Desk) -> None:
    desk = at_20
    desk.tell_step(20)
    for index in range(len(PHASES)):
        desk.press(Key.Key_Right)
        assert desk.state.phase_index == index
    desk.press(Key.Key_Left)
    assert desk.state.phase_index == len(PHASES) - 2
    assert desk.worker.sent == []
    desk.press(Key.Key_Right, times=2)
    assert desk.worker.sent == [m.Advance("run-1", 1)]
    desk.worker.say(m.Paused("run-1", 21, "step"))
    desk.tell_step(21)
    assert desk.state.phase_index == 0
    desk.press(Key.Key_Left)
    assert desk.worker.sent == [m.Advance("run-1", 1), m.GoTo("run-1", 20)]


def test_which_phase_actions_there_are(desk: Desk) -> None:
    assert phase_actions(desk) == (False, False, False)  # no trace came yet
    desk.worker.say(m.Paused("run-1", 0, "asked"))
    assert phase_actions(desk) == (False, False, False)
    desk.tell_step(0)
    assert phase_actions(desk) == (False, True, True)
    desk.worker.say(m.Edited("run-1", 0, (), False))
    assert phase_actions(desk) == (False, True, True)
    desk.press(Key.Key_Right, times=2)
    assert phase_actions(desk) == (True, True, True)
    desk.play()
    assert phase_actions(desk) == (True, True, True)  # they pause
    desk.worker.die()
    assert phase_actions(desk) == (False, False, False)


def test_the_phases_play_and_stop(at_20: Desk) -> None:
    at_20.tell_step(20)
    play = at_20.action("playPhases")
    at_20.press(Key.Key_Space, CTRL)
    assert at_20.window.steps.is_playing
    assert play.text() == "Stop the phases"
    at_20.press(Key.Key_Space, CTRL)
    assert not at_20.window.steps.is_playing
    assert play.text() == "Play the phases"
