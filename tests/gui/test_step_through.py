"""Walking through the phases of a step: forwards and backwards across steps, by hand and by itself."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy
from test_fake_trainer import PHASES, Desk

from embedviz.engine import messages as m
from embedviz.gui import step_through
from embedviz.gui.state import Phase

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
LAST = len(PHASES) - 1
NONE = -1
TAKES_A_STEP = m.Advance("run-1", 1)


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20, and the trace of the step that comes next."""
    desk.pause(20)
    desk.tell_step()
    return desk


@pytest.fixture
def at_the_end(at_20: Desk) -> Desk:
    """Give the same, at the last phase."""
    at_20.state.show_phase(LAST)
    return at_20


def asked(desk: Desk) -> list[m.Command]:
    """Return what was asked of the trainer that moves the run, oldest first."""
    return [command for command in desk.worker.sent if isinstance(command, m.Advance | m.GoTo | m.Pause | m.Play)]


def arrive(desk: Desk, step: int) -> None:
    """Let the trainer go to a step as it does: it plays, pauses there, shows it, and traces what would come."""
    desk.play()
    desk.pause(step, "step")
    desk.tell_step()


def hurry(desk: Desk) -> None:
    """Let each phase be shown for a moment only, if they play."""
    desk.window.steps._timer.setInterval(1)


# --- by hand ----------------------------------------------------------------------------------------


def test_nothing_is_looked_at_until_one_goes_there(at_20: Desk) -> None:
    assert at_20.state.phase_index == NONE
    at_20.press(Key.Key_Left)  # nothing lies before
    assert at_20.state.phase_index == NONE
    assert asked(at_20) == []


def test_forwards_and_backwards_within_a_step(at_20: Desk) -> None:
    for index in range(LAST + 1):
        at_20.press(Key.Key_Right)
        assert at_20.state.phase_index == index
        assert at_20.state.phase is PHASES[index]
    for index in reversed(range(LAST)):
        at_20.press(Key.Key_Left)
        assert at_20.state.phase_index == index
    assert asked(at_20) == []


def test_over_the_end_one_step_is_taken_and_the_next_one_begins(at_the_end: Desk) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    assert asked(desk) == [TAKES_A_STEP]
    assert desk.state.phase_index == LAST  # until there is something to show
    arrive(desk, 21)
    assert desk.state.trace is not None
    assert (desk.state.trace.step, desk.state.phase_index) == (21, 0)
    desk.press(Key.Key_Right)
    assert desk.state.phase_index == 1
    assert asked(desk) == [TAKES_A_STEP]


def test_before_the_beginning_is_the_end_of_the_step_before(at_20: Desk) -> None:
    at_20.state.show_phase(0)
    at_20.press(Key.Key_Left)
    assert asked(at_20) == [m.GoTo("run-1", 19)]
    arrive(at_20, 19)
    assert at_20.state.trace is not None
    assert (at_20.state.trace.step, at_20.state.phase_index) == (19, LAST)
    at_20.press(Key.Key_Right)
    assert asked(at_20) == [m.GoTo("run-1", 19), TAKES_A_STEP]
    arrive(at_20, 20)
    assert at_20.state.phase_index == 0  # where it all began


def test_nothing_is_before_the_first_step(desk: Desk) -> None:
    desk.tell_step(0)
    desk.press(Key.Key_Right)
    desk.press(Key.Key_Left)
    assert desk.state.phase_index == 0
    assert asked(desk) == []


def test_the_trace_of_the_step_that_was_left_is_not_taken_for_the_new_one(at_the_end: Desk) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    desk.play()
    desk.worker.say(m.Paused("run-1", 21, "step"))
    desk.tell_step(20)  # was under way
    assert desk.state.phase_index == LAST
    desk.tell_step(21)
    assert desk.state.phase_index == 0


def test_steps_on_the_way_back_do_not_end_it(at_20: Desk) -> None:
    at_20.state.show_phase(0)
    at_20.press(Key.Key_Left)
    at_20.play()
    for step in (3, 11):  # doing the run again, the trainer shows and traces some of its steps
        at_20.show(step)
        at_20.tell_step(step)
    arrive(at_20, 19)
    assert at_20.state.trace is not None
    assert (at_20.state.trace.step, at_20.state.phase_index) == (19, LAST)


def test_a_new_trace_of_the_same_step_leaves_the_phase_as_it_is(at_20: Desk) -> None:
    at_20.state.show_phase(4)
    at_20.tell_step(row=0)  # another context is watched
    assert at_20.state.phase_index == 4


def test_where_training_plays_it_is_paused_first(at_20: Desk) -> None:
    at_20.play()
    at_20.press(Key.Key_Right)
    assert asked(at_20) == [m.Pause("run-1")]
    assert at_20.state.run.phase is Phase.PAUSING
    at_20.press(Key.Key_Right)
    at_20.press(Key.Key_Left)
    assert asked(at_20) == [m.Pause("run-1")]
    assert at_20.state.phase_index == NONE
    at_20.pause(25)
    at_20.tell_step()
    at_20.press(Key.Key_Right)
    assert at_20.state.phase_index == 0


@pytest.mark.parametrize("told", [False, True], ids=["before the trainer answers", "while it is on its way"])
def test_keys_twice_as_fast_take_one_step(at_the_end: Desk, told: bool) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    if told:
        desk.play()
    desk.press(Key.Key_Right)
    desk.press(Key.Key_Left)
    assert asked(desk) == [TAKES_A_STEP]  # neither a second step, nor a pause on the way
    assert desk.state.phase_index == LAST
    arrive(desk, 21)
    assert desk.state.phase_index == 0  # none was skipped


@pytest.mark.parametrize("told", [False, True], ids=["before the trainer answers", "while it is on its way"])
def test_keys_twice_as_fast_go_back_one_step(at_20: Desk, told: bool) -> None:
    at_20.state.show_phase(0)
    at_20.press(Key.Key_Left)
    if told:
        at_20.play()  # a long way, all of it done again
        at_20.show(7)
    at_20.press(Key.Key_Left)
    at_20.press(Key.Key_Right)
    assert asked(at_20) == [m.GoTo("run-1", 19)]
    arrive(at_20, 19)
    assert at_20.state.phase_index == LAST


def test_keys_do_not_stop_the_way_back_halfway(at_20: Desk) -> None:
    at_20.state.show_phase(0)
    at_20.press(Key.Key_Left)
    at_20.play()
    at_20.show(7)
    at_20.tell_step(7)
    at_20.press(Key.Key_Left)
    assert asked(at_20) == [m.GoTo("run-1", 19)]


@pytest.mark.parametrize("stopped_at", [7, 20])
def test_who_stops_the_way_back_is_there_with_the_trace_that_came_before(at_20: Desk, stopped_at: int) -> None:
    at_20.state.show_phase(0)
    at_20.press(Key.Key_Left)
    at_20.play()
    at_20.tell_step(stopped_at)  # the trainer traces no step twice
    at_20.press(Key.Key_Space)
    assert asked(at_20) == [m.GoTo("run-1", 19), m.Pause("run-1")]
    at_20.pause(stopped_at)
    assert at_20.state.phase_index == LAST
    at_20.press(Key.Key_Left)
    assert at_20.state.phase_index == LAST - 1


def test_the_way_back_to_a_kept_step_is_no_way_at_all(desk: Desk) -> None:
    desk.pause(1)
    desk.tell_step()
    desk.state.show_phase(0)
    desk.press(Key.Key_Left)
    assert asked(desk) == [m.GoTo("run-1", 0)]
    desk.pause(0)  # it never played
    desk.tell_step()
    assert desk.state.phase_index == LAST


def test_news_of_edits_and_a_late_trace_do_not_count_as_arriving(at_the_end: Desk) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    desk.worker.say(m.Edited("run-1", 20, (), False))  # what was undone is forgotten before the step
    desk.tell_step(20, row=0)
    assert desk.state.phase_index == LAST
    arrive(desk, 21)
    assert desk.state.phase_index == 0


def test_without_a_trace_nothing_happens(desk: Desk) -> None:
    desk.pause(20)
    for key in (Key.Key_Right, Key.Key_Left):
        desk.press(key)
    desk.window.steps.next()  # by whatever way
    desk.window.steps.previous()
    assert asked(desk) == []
    assert desk.state.phase_index == NONE


@pytest.mark.parametrize("reason", ["failed", "diverged"])
def test_after_a_step_that_cannot_be_taken_the_keys_still_work(at_the_end: Desk, reason: str) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    desk.play()
    desk.pause(20, reason, "The step was not taken.")  # and its trace is there already
    desk.press(Key.Key_Left)
    assert desk.state.phase_index == LAST - 1


def test_a_lost_trainer_is_waited_for_no_more(at_the_end: Desk) -> None:
    desk = at_the_end
    desk.checkpoint(20)
    desk.press(Key.Key_Right)
    desk.worker.die()
    desk.press(Key.Key_Left)
    assert desk.state.phase_index == LAST  # nothing to walk through
    desk.controller.resume()
    desk.answer(20)
    desk.show(20)
    desk.tell_step()
    desk.press(Key.Key_Left)
    assert desk.state.phase_index == LAST - 1


def test_another_run_begins_with_no_phase(at_the_end: Desk) -> None:
    desk = at_the_end
    desk.press(Key.Key_Right)
    desk.controller.restart(desk.state.config.replace(seed=2))
    assert desk.state.trace is None
    assert desk.state.phase_index == NONE
    desk.answer()
    desk.show(0)
    desk.tell_step()
    assert desk.state.phase_index == NONE  # what was waited for is of the other run
    desk.press(Key.Key_Right)
    assert desk.state.phase_index == 0


def test_a_run_that_is_refused_has_no_phases(at_the_end: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedviz.gui.limits.LARGEST_TABLE_BYTES", 10)
    at_the_end.controller.restart(at_the_end.state.config.replace(seed=2))
    assert at_the_end.state.run.phase is Phase.REFUSED
    assert at_the_end.state.trace is None


# --- by itself --------------------------------------------------------------------------------------


def test_each_phase_stays_for_long_enough_to_be_read(at_20: Desk) -> None:
    assert at_20.window.steps._timer.interval() == step_through.PHASE_MS
    assert step_through.PHASE_MS >= 1000


def test_the_phases_go_by_and_the_steps_with_them(at_20: Desk) -> None:
    hurry(at_20)
    shown: list[int] = []
    at_20.state.trace_shown.connect(lambda: shown.append(at_20.state.phase_index))
    at_20.press(Key.Key_Space, CTRL)
    at_20.qtbot.waitUntil(lambda: asked(at_20) == [TAKES_A_STEP])
    assert list(dict.fromkeys(shown)) == list(range(LAST + 1))  # in order
    shown.clear()
    arrive(at_20, 21)
    at_20.qtbot.waitUntil(lambda: asked(at_20) == [TAKES_A_STEP] * 2)
    assert list(dict.fromkeys(shown)) == list(range(LAST + 1))
    assert at_20.window.steps.is_playing
    at_20.press(Key.Key_Space, CTRL)
    assert not at_20.window.steps.is_playing


def test_playing_begins_at_once_and_tells_when_it_does_and_ends(at_20: Desk) -> None:
    told = QSignalSpy(at_20.window.steps.playing_changed)
    at_20.press(Key.Key_Space, CTRL)
    assert at_20.state.phase_index == 0
    at_20.press(Key.Key_Space, CTRL)
    assert at_20.state.phase_index == 0
    at_20.window.steps.stop()  # twice is once
    assert [told.at(i)[0] for i in range(told.count())] == [True, False]


def test_playing_the_phases_while_training_pauses_it_and_goes_on_from_there(at_20: Desk) -> None:
    at_20.play()
    at_20.press(Key.Key_Space, CTRL)
    assert asked(at_20) == [m.Pause("run-1")]
    at_20.pause(25)
    at_20.tell_step()
    hurry(at_20)
    at_20.qtbot.waitUntil(lambda: at_20.state.phase_index == LAST)


@pytest.mark.parametrize("how", ["lost", "another run", "failed"])
def test_playing_stops_where_there_is_nothing_to_go_through(at_20: Desk, how: str) -> None:
    at_20.press(Key.Key_Space, CTRL)
    if how == "lost":
        at_20.worker.die()
    elif how == "another run":
        at_20.controller.restart(at_20.state.config.replace(seed=2))
    else:
        at_20.worker.say(m.Paused("run-1", 20, "failed", "The step was not taken.", ""))
    assert not at_20.window.steps.is_playing
    assert at_20.action("playPhases").text() == "Play the phases"


def test_who_lets_training_play_while_the_phases_go_by_gets_that(at_20: Desk) -> None:
    at_20.press(Key.Key_Space, CTRL)
    at_20.press(Key.Key_Space)
    at_20.play()
    assert not at_20.window.steps.is_playing  # else the next phase would pause the training again
    at_20.window.steps._timer.timeout.disconnect()
    assert at_20.sent(m.Pause) == []


@pytest.mark.parametrize("phase", [Phase.WARMING, Phase.LOST, Phase.REFUSED])
def test_phases_do_not_play_where_there_are_none(at_20: Desk, phase: Phase) -> None:
    at_20.state.update_run(phase=phase)
    at_20.window.steps.toggle_play()
    assert not at_20.window.steps.is_playing
    assert at_20.state.phase_index == NONE
