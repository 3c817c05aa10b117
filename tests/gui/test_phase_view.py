"""The step-through in the Training panel: its cards, the formula of a phase, and what stands there before any."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QLabel, QToolButton
from test_fake_trainer import PHASES, Desk, step_trace

from embedviz.analysis.figures import figure
from embedviz.analysis.units import BITS, NATS, PERPLEXITY, LossUnit
from embedviz.analysis.wording import told_apart
from embedviz.gui.phase_cards import cards_of
from embedviz.gui.phase_view import INVITATION, PhaseView
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.phase_strip import PhaseStrip
from embedviz.trace import StepTrace

NAMES = [phase.name for phase in PHASES]
TITLES = [phase.title for phase in PHASES]
LABELS = ("e", "␣", "t", "h")


@pytest.fixture
def at_20(desk: Desk) -> Desk:
    """Give a window whose run is paused at step 20, and the trace of the step that comes next."""
    desk.pause(20)
    desk.tell_step(reads=3)
    return desk


@pytest.fixture
def trace() -> StepTrace:
    """Give a step of a table of four tokens, on a batch of two rows; "h" is expected after "the"."""
    table = np.arange(16, dtype=np.float32).reshape(4, 4) / 10
    ids, targets = np.array([[1, 0, 2], [2, 3, 0]]), np.array([[0, 2, 1], [3, 0, 3]])
    return step_trace(table, ids, targets, row=1, reads=3, step=1234)


def view(desk: Desk) -> PhaseView:
    return desk.training.phases


def strip(desk: Desk) -> PhaseStrip:
    return desk.child(PhaseStrip, "phaseStrip")


def formula(desk: Desk) -> str:
    return view(desk)._formula.text()


def explanation(desk: Desk) -> QLabel:
    return desk.child(QLabel, "phaseExplanation")


def numbers(desk: Desk) -> StepTrace:
    assert desk.state.trace is not None
    return desk.state.trace


# --- cards ------------------------------------------------------------------------------------------


def test_a_card_for_each_phase_with_the_numbers_of_the_trace(trace: StepTrace) -> None:
    cards = cards_of(trace, LABELS, NATS, context_length=1)
    assert [card.name for card in cards] == NAMES
    assert [card.title for card in cards] == TITLES
    assert [card.kind for card in cards] == [phase.kind for phase in PHASES]
    assert [card.caption for card in cards] == [
        "ids, targets (2, 3)",
        "rows (3, 4)",
        "the row itself (4,)",
        "exp, then ÷ sum (4,)",
        "−log p(‘h’)",
        "softmax − one-hot (4,)",
        "SGD: 4 of 4 rows move",
    ]
    for card, phase in zip(cards, PHASES, strict=True):
        assert card.picture is trace.arrays[phase.picture]  # not copied
    assert cards[0].lines == ("‘e’ → ‘h’", "row 2 of 2")
    assert cards[1].lines == ("“the”", "‘e’: row 0")
    assert cards[2].lines == ("‘h’ +0.300", "highest ‘h’ +0.300")
    p = np.exp(0.3) / np.exp([0, 0.1, 0.2, 0.3]).sum()
    assert cards[3].lines[0] == f"‘h’ {figure(p)}"
    assert cards[4].lines[0] == f"{figure(-np.log(p))} nats"
    assert cards[5].lines[0] == f"own {figure(p - 1, signed=True)}"
    p = np.exp([0, 0.1, 0.2, 0.3]) / np.exp([0, 0.1, 0.2, 0.3]).sum()  # (4,)
    moves = (np.array([0, 0, 1, 1]) - 2 * p) / 6  # "e" stands twice in the batch of six, before "t" and "h"
    column = trace.points["target"]
    cell = [figure(number, signed=True) for number in (column / 10, column / 10 + moves[column])]
    assert cards[6].lines[0] == " → ".join(cell)


def test_marks_are_places_of_the_picture(trace: StepTrace) -> None:
    cards = dict(zip(NAMES, cards_of(trace, LABELS, NATS, context_length=1), strict=True))
    assert cards["logits"].marks == cards["softmax"].marks == cards["gradient"].marks == (3,)
    assert cards["update"].marks == (trace.points["column"],)
    assert cards["loss"].marks == ()


@pytest.mark.parametrize("length", [1, 3])
def test_the_batch_shows_the_example_its_targets_and_what_is_read(trace: StepTrace, length: int) -> None:
    batch, *others = cards_of(trace, LABELS, NATS, context_length=length)
    assert batch.also is trace.arrays["batch targets"]
    assert batch.example == (1, 2)
    assert batch.reads == length
    assert [batch.labels(i) for i in range(4)] == list(LABELS)
    assert {(card.example, card.reads) for card in others} == {(None, 0)}
    assert all(card.also is None for card in others)


def test_rows_side_by_side_have_seams(trace: StepTrace) -> None:
    joined = replace(PHASES[1], name="concatenate")
    lookup, concatenate = cards_of(replace(trace, phases=(PHASES[1], joined)), LABELS, NATS, context_length=3)
    assert (lookup.parts, concatenate.parts) == (1, 3)


@pytest.mark.parametrize("unit", [NATS, BITS, PERPLEXITY], ids=lambda unit: unit.name)
def test_losses_are_in_the_unit(trace: StepTrace, unit: LossUnit) -> None:
    cards = dict(zip(NAMES, cards_of(trace, LABELS, unit, context_length=1), strict=True))
    own, batch = (unit.say(unit.convert(float(trace.arrays[name]))) for name in ("loss", "batch loss"))
    assert cards["loss"].lines == (own, f"batch {batch}")


def test_colours_that_all_can_tell_apart(trace: StepTrace) -> None:
    for safe, colours in ((False, colormaps.DIVERGING), (True, colormaps.DIVERGING_SAFE)):
        cards = cards_of(trace, LABELS, NATS, context_length=1, colour_blind=safe)
        assert {card.colormap for card in cards} == {colours}


# --- the view ---------------------------------------------------------------------------------------


def test_before_one_goes_to_a_phase_it_says_how(at_20: Desk) -> None:
    assert strip(at_20).describe() == f"7 phases: {', '.join(TITLES)}"
    assert strip(at_20).current == -1
    assert formula(at_20) == INVITATION
    assert explanation(at_20).text() == ""


def test_each_phase_has_its_formula_and_its_explanation(at_20: Desk) -> None:
    at_20.child(QToolButton, "explainPhase").click()
    for index, title in enumerate(TITLES):
        at_20.press(Qt.Key.Key_Right)
        assert strip(at_20).current == index
        assert formula(at_20).startswith(f"{title}: ")
        assert explanation(at_20).text()
        for words in (formula(at_20), explanation(at_20).text()):
            assert not set("{}") & set(words)


def test_the_numbers_are_those_of_the_step(at_20: Desk) -> None:
    trace = numbers(at_20)
    token, target = trace.points["token"], trace.points["target"]
    row = at_20.snapshot.tables["token"][token].astype(np.float64)  # (V,)
    p = np.exp(row) / np.exp(row).sum()  # (V,)
    at_20.go_to_phase("logits")
    assert formula(at_20).endswith(f"= E[{token}, {target}] = {figure(row[target], signed=True)}")
    at_20.go_to_phase("softmax")
    assert formula(at_20).endswith(f" = {figure(p[target])}")
    at_20.go_to_phase("loss")
    assert formula(at_20).endswith(f" = −log {figure(p[target])} = {figure(-np.log(p[target]))} nats")
    at_20.go_to_phase("gradient")
    assert formula(at_20).endswith(f" {figure(p[target])} − 1 = {figure(p[target] - 1, signed=True)}")
    at_20.go_to_phase("update")
    cell = [float(trace.arrays[name][-1, trace.points["column"]]) for name in ("before", "after")]
    assert " → ".join(told_apart(cell[0], cell[1], signed=True)) in formula(at_20)


def test_another_step_brings_its_own_numbers(at_20: Desk) -> None:
    at_20.go_to_phase("logits")
    before = formula(at_20), strip(at_20).tool_tip(2)
    at_20.pause(21)
    at_20.tell_step(reads=3)
    assert formula(at_20) != before[0]
    assert strip(at_20).tool_tip(2) != before[1]


def test_a_change_of_the_unit_shows_everywhere(at_20: Desk) -> None:
    at_20.go_to_phase("loss")
    loss, batch = (float(numbers(at_20).arrays[name]) for name in ("loss", "batch loss"))
    for unit in (BITS, PERPLEXITY, NATS):
        at_20.state.set_unit(unit)
        said = unit.say(unit.convert(batch))
        assert f"<br>{unit.say(unit.convert(loss))}<br>batch {said}" in strip(at_20).tool_tip(4)
        assert said in explanation(at_20).text()


def test_other_colours_show_at_once(at_20: Desk) -> None:
    at_20.go_to_phase("logits")
    card = strip(at_20).card_rect(2).toRect()
    before = strip(at_20).grab(card).toImage()
    at_20.state.set_colour_blind(on=True)
    assert strip(at_20).grab(card).toImage() != before
    at_20.state.set_colour_blind(on=False)
    assert strip(at_20).grab(card).toImage() == before


def test_a_click_goes_to_a_phase(at_20: Desk) -> None:
    for index in (4, 0, 6):
        at_20.click(strip(at_20), strip(at_20).card_rect(index).center())
        assert (at_20.state.phase_index, strip(at_20).current) == (index, index)
        assert formula(at_20).startswith(TITLES[index])


def test_so_do_the_buttons_under_the_cards(at_20: Desk) -> None:
    for name, index in (("nextPhase", 0), ("nextPhase", 1), ("prevPhase", 0)):
        at_20.click(at_20.child(QToolButton, f"{name}Button"))
        assert at_20.state.phase_index == index
    at_20.click(at_20.child(QToolButton, "playPhasesButton"))
    assert at_20.window.steps.is_playing


def test_explain_shows_the_long_form_and_hides_it(at_20: Desk) -> None:
    at_20.go_to_phase("gradient")
    button = at_20.child(QToolButton, "explainPhase")
    assert not explanation(at_20).isVisible()
    at_20.click(button)
    assert explanation(at_20).isVisible()
    has = len(np.unique(numbers(at_20).arrays["batch ids"]))
    assert explanation(at_20).text() == f"{has} of {at_20.document.vocab_size} rows got a gradient."
    at_20.click(button)
    assert not explanation(at_20).isVisible()


def test_the_long_form_does_not_move_what_is_above_from_phase_to_phase(at_20: Desk) -> None:
    at_20.click(at_20.child(QToolButton, "explainPhase"))
    places = set()
    for index in range(-1, len(PHASES)):
        at_20.state.show_phase(index)
        at_20.window.grab()  # lays out
        places.add((strip(at_20).geometry().getRect(), explanation(at_20).geometry().getRect()))
    assert len(places) == 1


def test_the_current_card_is_told_to_screen_readers(at_20: Desk) -> None:
    at_20.go_to_phase("softmax")
    words = f"at phase 4, Softmax: exp, then ÷ sum ({at_20.document.vocab_size},)"
    at_20.qtbot.waitUntil(lambda: words in strip(at_20).accessibleDescription())
    at_20.qtbot.waitUntil(lambda: formula(at_20).partition(": ")[2] in strip(at_20).accessibleDescription())


# --- where there is nothing -------------------------------------------------------------------------


def why_empty(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: strip(desk).accessibleDescription() == words)
    assert (formula(desk), explanation(desk).text(), strip(desk).current) == ("", "", -1)


def test_before_the_trainer_is_warm_it_says_so(fresh_desk: Desk) -> None:
    why_empty(fresh_desk, "The trainer is warming up: the phases come with its first step.")


def test_another_text_takes_the_old_step_away(at_20: Desk) -> None:
    at_20.go_to_phase("loss")
    at_20.open_text("banana bandana " * 20)
    why_empty(at_20, "The trainer is warming up: the phases come with its first step.")
    at_20.answer()
    at_20.show(0)
    at_20.tell_step()
    assert formula(at_20) == INVITATION
    assert "‘" in strip(at_20).tool_tip(0)


def test_a_run_that_is_refused_has_none_and_says_why(at_20: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_20.go_to_phase("loss")
    monkeypatch.setattr("embedviz.gui.limits.LARGEST_TABLE_BYTES", 10)
    at_20.controller.restart(at_20.state.config.replace(seed=2))
    why_empty(at_20, "This run was not started, for the reason told above: choose other settings or another text.")


# --- where the pictures are -------------------------------------------------------------------------


def test_where_a_picture_is_on_screen(at_20: Desk) -> None:
    shown = strip(at_20)
    whole = QRect(shown.mapToGlobal(shown.rect().topLeft()), shown.size())
    for index, name in enumerate(NAMES):
        place = view(at_20).picture_rect(name)
        assert place.topLeft() == shown.mapToGlobal(shown.picture_rect(index).toRect().topLeft())
        assert whole.contains(place)
        assert not place.isEmpty()
    assert view(at_20).picture_rect("concatenate").isEmpty()  # a bigram has no such phase


def test_what_is_not_to_be_seen_is_nowhere(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    assert view(desk).picture_rect("lookup").isEmpty()  # no trace yet
    desk.tell_step(0)
    assert not view(desk).picture_rect("lookup").isEmpty()
    desk.training.hide()
    assert view(desk).picture_rect("lookup").isEmpty()


def test_the_strip_never_slides_under_the_buttons(at_20: Desk) -> None:
    at_20.child(QToolButton, "explainPhase").click()
    phases = view(at_20)
    row = at_20.child(QToolButton, "nextPhaseButton")
    for height in range(phases.minimumSizeHint().height(), phases.minimumSizeHint().height() - 25, -6):
        phases.resize(893, height)
        at_20.window.grab()
        assert strip(at_20).geometry().bottom() < row.geometry().top(), height
        assert row.geometry().bottom() < explanation(at_20).geometry().top(), height
