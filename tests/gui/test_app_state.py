"""AppState: one text, one line, one selection, one run, one frame."""

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from test_fake_trainer import TEXT

from embedviz.config import RunConfig
from embedviz.engine.messages import Reading, Until
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.gui.state import AT_ONCE, AppState, Phase
from embedviz.text.corpus import corpus_from_text
from embedviz.text.tokenizers import UNKNOWN


@pytest.fixture
def state(qtbot: QtBot) -> AppState:
    made = AppState()
    made.set_document(Document.make(corpus_from_text(TEXT), made.config), "the cat sat")
    return made


def snapshot(step: int, run_id: str = "run-1") -> Snapshot:
    reading = Reading(step, 3.0 - step / 100, None, False)
    nothing = np.zeros((0, 1), np.int64)
    table = np.full((2, 2), step, np.float32)
    return Snapshot(run_id, step, 0.0, reading, {"token": table}, {}, nothing, table[:0])


def test_before_a_text_is_open_nothing_happens(qtbot: QtBot) -> None:
    state = AppState()
    state.set_line("abc")
    assert (state.line, state.selected, state.selected_id) == ("", -1, None)
    assert list(state.context_range) == []
    assert len(state.context_ids) == 0


def test_a_text_brings_its_line_and_selects_its_end(state: AppState) -> None:
    assert state.line == "the cat sat"
    assert state.selected == 10
    assert state.selected_id == sorted(set(TEXT)).index("t")
    assert state.line_spans.tolist() == [[i, i + 1] for i in range(11)]


def test_another_text_begins_anew(qtbot: QtBot, state: AppState) -> None:
    state.select(2)
    state.set_hovered(3)
    state.show_snapshot(snapshot(1))
    with qtbot.waitSignals([state.document_changed, state.line_changed, state.selection_changed]):
        state.set_document(Document.make(corpus_from_text("banana"), state.config), "ban")
    assert (state.selected, state.hovered_token, state.snapshot, state.previous) == (2, -1, None, None)
    assert state.line_ids.tolist() == [1, 0, 2]


def test_while_a_text_is_exchanged_no_old_id_is_selected(state: AppState) -> None:
    seen: list[object] = []
    state.document_changed.connect(lambda: seen.append((state.selected_id, state.context_ids.tolist())))
    state.set_document(Document.make(corpus_from_text("banana"), state.config), "ban")
    assert seen == [(None, [])]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (10, "the cat sat!", 11),  # the end stays the end
        (10, "the", 2),
        (2, "the dog", 2),  # what stands in the middle stays there
        (6, "the", 2),  # as long as it is there
        (2, "", -1),
    ],
)
def test_the_selection_stays_where_it_can(state: AppState, before: int, after: str, expected: int) -> None:
    state.select(before)
    state.set_line(after)
    assert state.selected == expected


def test_after_an_empty_line_the_end_is_selected(state: AppState) -> None:
    state.set_line("")
    assert state.selected_id is None
    state.set_line("cat")
    assert state.selected == 2


@pytest.mark.parametrize("place", [-1, 11, 10_000, 10])
def test_what_cannot_be_selected_or_is_already(qtbot: QtBot, state: AppState, place: int) -> None:
    with qtbot.assertNotEmitted(state.selection_changed):
        state.select(place)
    assert state.selected == 10


@pytest.mark.parametrize(
    ("block_size", "selected", "expected"), [(8, 10, (3, 11)), (8, 4, (0, 5)), (1, 4, (4, 5)), (99, 10, (0, 11))]
)
def test_the_context_ends_at_the_selection(
    state: AppState, block_size: int, selected: int, expected: tuple[int, int]
) -> None:
    state.config = RunConfig(block_size=block_size)
    state.update_run(config=state.config)
    state.select(selected)
    assert (state.context_range.start, state.context_range.stop) == expected
    vocabulary = sorted(set(TEXT))
    assert state.context_ids.tolist() == [vocabulary.index(c) for c in "the cat sat"[slice(*expected)]]


def test_the_context_is_no_longer_than_the_model_reads(state: AppState) -> None:
    state.config = RunConfig(block_size=30)
    state.update_run(config=RunConfig(block_size=2))  # the text was too short for 30
    assert state.context_range == range(9, 11)


def test_what_is_unknown_is_in_the_line_but_not_in_the_context(state: AppState) -> None:
    state.set_line("aΩ")
    assert state.line_ids.tolist() == [sorted(set(TEXT)).index("a"), UNKNOWN]
    assert state.selected_id is None
    assert len(state.context_ids) == 0
    state.set_line("aΩaa")
    state.select(3)
    assert state.context_range == range(2, 4)  # no model reads across a token that it has no row for


def test_a_line_comes_with_labels_and_captions(state: AppState) -> None:
    state.set_line("a\tΩ")
    assert state.encoded.labels == ("a", "⇥", "Ω")
    assert len(state.encoded.captions) == 3
    assert (state.line, state.line_ids is state.encoded.ids) == ("a\tΩ", True)


def test_a_long_line_is_asked_for_and_the_old_one_stays(qtbot: QtBot, state: AppState) -> None:
    long = "cat " * (AT_ONCE // 4) + "s"
    with qtbot.assertNotEmitted(state.line_changed), qtbot.waitSignal(state.line_wanted) as wanted:
        state.set_line(long)
    assert wanted.args == [long]
    assert (state.line, state.wanted_line, state.selected) == ("the cat sat", long, 10)
    assert state.document is not None
    with qtbot.waitSignals([state.line_changed, state.selection_changed]):
        state.set_encoded_line(state.document.tokenizer.encode_line(long))
    assert (state.line, state.selected) == (long, AT_ONCE)


def test_a_long_line_of_another_text_has_no_tokens_until_it_is_cut(qtbot: QtBot, state: AppState) -> None:
    long = "ban" * AT_ONCE
    with qtbot.waitSignal(state.line_wanted):
        state.set_document(Document.make(corpus_from_text("banana"), state.config), long)
    assert (state.line, state.selected, len(state.context_ids)) == (long, -1, 0)


def test_pointing_is_told_once(qtbot: QtBot, state: AppState) -> None:
    with qtbot.waitSignal(state.hovered_changed):
        state.set_hovered(3)
    with qtbot.assertNotEmitted(state.hovered_changed):
        state.set_hovered(3)


def test_the_frame_shown_before(state: AppState) -> None:
    for step in (0, 3, 7):
        state.show_snapshot(snapshot(step))
    assert state.previous is not None
    assert state.previous.step == 3
    state.show_snapshot(snapshot(7))  # the same step again, for another context
    assert state.previous.step == 3
    state.show_snapshot(snapshot(2))
    assert state.previous is None  # going back is no change that training made


def test_the_frame_sets_step_and_reading(qtbot: QtBot, state: AppState) -> None:
    with qtbot.waitSignal(state.frame_shown):
        state.show_snapshot(snapshot(7))
    assert state.run.step == 7
    assert state.run.reading == snapshot(7).reading


def test_the_run_is_replaced_and_never_changed(qtbot: QtBot, state: AppState) -> None:
    before = state.run
    with qtbot.waitSignal(state.run_changed):
        state.update_run(phase=Phase.PLAYING, step=4)
    assert before.phase is Phase.WARMING
    assert state.run == replace(before, phase=Phase.PLAYING, step=4)


def test_pace_and_end(qtbot: QtBot, state: AppState) -> None:
    assert (state.pace, state.until) == (60.0, Until(converged=True))  # one step a frame, until converged
    with qtbot.waitSignal(state.pace_changed):
        state.set_pace(None)
    with qtbot.waitSignal(state.pace_changed):
        state.set_until(Until(step=5))
    assert (state.pace, state.until) == (None, Until(step=5))
