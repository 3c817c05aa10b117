"""Which example of a batch is followed: the watched context where the batch has it, as a slow search finds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traced_runs import DATASETS, EXACT, MLP, SAMPLED, begun
from windowed_runs import CONFIGS, TRANSFORMER, items, running_text

from embedviz.config import RunConfig
from embedviz.text.dataset import make_dataset
from embedviz.training import examples
from embedviz.training.examples import NO_PLACE, in_batch, in_text
from embedviz.training.session import TrainingSession

tokens = st.integers(0, 2)


def common_ending(one: list[int], other: list[int]) -> int:
    length = 0
    while length < min(len(one), len(other)) and one[-1 - length] == other[-1 - length]:
        length += 1
    return length


@given(st.lists(tokens, min_size=2, max_size=40), st.lists(tokens, min_size=1, max_size=6), st.data())
def test_the_longest_ending_is_found_where_it_first_stands(ids: list[int], context: list[int], data) -> None:  # type: ignore[no-untyped-def]
    shortest = data.draw(st.integers(1, len(context)))
    endings = [common_ending(ids[: place + 1], context) for place in range(len(ids) - 1)]
    expected = endings.index(max(endings)) if max(endings) >= shortest else NO_PLACE
    for chunk in (3, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(examples, "_CHUNK", chunk)
            assert in_text(np.array(ids, np.uint8), np.array(context), shortest) == expected


@given(st.integers(1, 4), st.integers(1, 5), st.lists(tokens, max_size=6), st.integers(1, 6), st.randoms())
def test_a_batch_is_searched_like_a_text(size: int, width: int, context: list[int], reads: int, random) -> None:  # type: ignore[no-untyped-def]
    idx = [[random.randint(0, 2) for _ in range(width)] for _ in range(size)]
    best: tuple[int, tuple[int, int] | None] = 0, None
    for row in range(size):
        for place in range(width):
            before = idx[row][: place + 1]
            length = common_ending(before, context)
            if context and before[-reads:] == context[-reads:] and length > best[0]:
                best = length, (row, place)
    assert in_batch(np.array(idx), np.array(context, np.int64), reads) == best[1]


def test_the_watched_context_is_followed_in_its_batch() -> None:
    session = begun(SAMPLED, DATASETS["text"])
    first = session.trace_step(np.zeros(0, np.int64))
    assert not first.is_watched
    assert (first.points["row"], first.points["place"]) == (0, 4)
    ids = first.arrays["batch ids"]
    trace = session.trace_step(ids[2, :4])
    assert trace.is_watched
    row, place = trace.points["row"], trace.points["place"]
    assert trace.arrays["ids"].tolist() == ids[row, max(0, place - 3) : place + 1].tolist()
    assert trace.arrays["ids"].tolist() == ids[2, :4].tolist()
    assert trace.points["target"] == trace.arrays["batch targets"][row, place]
    assert trace.points["token"] == ids[2, 3]
    assert not session.trace_step(np.array([1, 5])).is_watched


@pytest.mark.parametrize("config", [SAMPLED, MLP])
@pytest.mark.parametrize("name", DATASETS)
def test_rows_of_a_batch_say_where_in_the_text_they_begin(config: RunConfig, name: str) -> None:
    ids = DATASETS[name].train_ids
    session = begun(config.replace(batch_size=300), DATASETS[name])
    session._batches.generator.manual_seed(4)
    watched = np.array([0, 1, 2]) if name == "text" else np.array([1, 0])
    trace = session.trace_step(watched)
    points, arrays = trace.points, trace.arrays
    assert trace.is_watched
    assert points["last_row"] - points["first_row"] == 31
    assert points["followed_row"] == points["first_row"] + points["row"]
    assert ids[points["position"]] == points["token"]
    assert ids[points["position"] + 1] == points["target"]
    assert arrays["starts"].min() >= NO_PLACE
    for start, row in zip(arrays["starts"].tolist(), arrays["batch targets"][:, -1], strict=True):
        if start >= 0:
            assert ids[start + arrays["batch ids"].shape[1]] == row


def test_the_cut_of_a_large_batch_has_the_example_in_it() -> None:
    session = begun(MLP.replace(batch_size=400), DATASETS["text"])
    whole = session._batches.at(session._batches.draw_starts())[0].numpy()
    session = begun(MLP.replace(batch_size=400), DATASETS["text"])
    for last in (whole[399], whole[200]):
        trace = session.trace_step(last)
        row = int((whole == last).all(1).argmax())
        assert trace.points["followed_row"] == row + 1
        np.testing.assert_array_equal(trace.arrays["batch ids"][trace.points["row"]], last)
        first = trace.points["first_row"] - 1
        np.testing.assert_array_equal(trace.arrays["batch ids"], whole[first : first + 32])


def whole_text(config: RunConfig, ids: list[int], boundary_id: int | None = None) -> TrainingSession:
    dataset = make_dataset(np.array(ids, np.uint8), 6, 0.0, boundary_id=boundary_id)
    return TrainingSession(config.replace(batch_size=0), dataset)


def test_of_the_whole_text_a_window_is_shown() -> None:
    ids = np.random.default_rng(3).integers(0, 5, 200).tolist()
    session = whole_text(EXACT, ids)
    trace = session.trace_step(np.array(ids[100:108]))
    assert trace.points["position"] == 107
    assert trace.points["examples"] == 199
    assert trace.arrays["ids"].tolist() == ids[100:108]
    start = trace.points["start"]
    assert trace.arrays["batch ids"].tolist() == [ids[start : start + 24]]
    assert trace.arrays["batch targets"].tolist() == [ids[start + 1 : start + 25]]
    assert start + trace.points["place"] == 107
    assert not session.trace_step(np.array([5])).is_watched
    for place in (0, 198):
        trace = session.trace_step(np.array(ids[: place + 1]))
        assert trace.points["target"] == ids[trace.points["position"] + 1]


@pytest.mark.parametrize(
    ("context", "position"),
    [([1, 2], 1), ([2, 1, 3], 5), ([3, 2], NO_PLACE), ([4, 4, 4], NO_PLACE), ([1], 0), ([9, 2, 1, 3], 5)],
)
def test_an_mlp_reads_less_only_where_the_text_begins(context: list[int], position: int) -> None:
    trace = whole_text(MLP, [1, 2, 4, 2, 1, 3, 3, 4]).trace_step(np.array(context))
    assert trace.is_watched == (position >= 0)
    if position >= 0:
        assert trace.points["position"] == position
        assert trace.arrays["ids"].tolist() == [-1, -1, -1, *context][-3:]
    else:
        assert trace.arrays["ids"].tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("context", "read", "target"),
    [([], [0, 1, 2], 3), ([0], [0, 0, 0], 1), ([0, 1], [0, 0, 1], 2), ([3, 0], [0, 0, 0], 1),
     ([1, 2], [0, 1, 2], 3), ([0, 1, 2, 3], [1, 2, 3], 0)],
)  # fmt: skip
def test_in_a_list_the_boundary_stands_before(context: list[int], read: list[int], target: int) -> None:
    trace = whole_text(MLP, [0, 1, 2, 3, 0], boundary_id=0).trace_step(np.array(context, np.int64))
    assert (trace.arrays["ids"].tolist(), trace.points["target"]) == (read, target)
    assert trace.is_watched == bool(context)


def test_a_context_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    session, calls = begun(EXACT, DATASETS["text"]), []
    monkeypatch.setattr(examples, "in_text", lambda *asked: calls.append(asked) or in_text(*asked))
    for context in ([1, 2], [1, 2], [2, 1], [2, 1], [1, 2]):
        session.trace_step(np.array(context))
    assert len(calls) == 3


def test_a_text_of_two_tokens() -> None:
    for config in (EXACT, SAMPLED, MLP, MLP.replace(batch_size=0)):
        session = TrainingSession(config, make_dataset(np.array([1, 0], np.uint8), 2, 0.0))
        trace = session.trace_step(np.array([1]))
        assert (trace.points["token"], trace.points["target"]) == (1, 0)
        assert trace.is_watched


# --- models that read windows ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["token-position", "transformer", "llama-tied"])
def test_of_the_whole_text_a_row_of_windows_is_followed(name: str) -> None:
    ids = np.random.default_rng(3).integers(0, 7, 303).astype(np.uint8)
    session = TrainingSession(CONFIGS[name].replace(batch_size=0), make_dataset(ids, 7, 0.0))
    windows = ids[:300].reshape(60, 5)  # and two tokens more
    for row, length in ((0, 5), (41, 4), (59, 5), (59, 4)):
        trace = session.trace_step(windows[row, :length].astype(np.int64))
        points, arrays = trace.points, trace.arrays
        assert trace.is_watched
        assert (points["place"], points["followed_row"], points["batch_size"]) == (length - 1, row + 1, 61)
        assert arrays["ids"].tolist() == windows[row, :length].tolist()
        assert (points["position"], points["target"]) == (row * 5 + length - 1, ids[row * 5 + length])
        first = points["first_row"] - 1
        np.testing.assert_array_equal(arrays["batch ids"], windows[first : first + 32])
        np.testing.assert_array_equal(arrays["batch targets"], ids[1:301].reshape(60, 5)[first : first + 32])
        assert arrays["starts"].tolist() == [5 * (first + i) for i in range(len(arrays["batch ids"]))]
        np.testing.assert_array_equal(arrays["batch ids"][points["row"]], windows[row])
        assert points["examples"] == 302


def test_a_context_counts_only_where_a_window_begins_with_it() -> None:
    ids = np.array([1, 2, 3, 4, 5, 6, 1, 2, 3, 0, 0], np.uint8)
    session = TrainingSession(TRANSFORMER.replace(batch_size=0), make_dataset(ids, 7, 0.0))
    for context, watched in (([1, 2], True), ([2, 3], False), ([6, 1, 2], True), ([6, 2], False), ([], False)):
        trace = session.trace_step(np.array(context, np.int64))
        assert trace.is_watched is watched
        assert trace.arrays["ids"].tolist() == (context if watched else [1, 2, 3, 4, 5])
    trace = session.trace_step(np.array([4, 6, 1, 2, 3, 0]))  # longer than a window
    assert trace.arrays["ids"].tolist() == [6, 1, 2, 3, 0]
    assert trace.is_watched


@pytest.mark.parametrize("batch_size", [0, 400])
def test_of_items_a_window_that_begins_with_the_boundary_is_followed(batch_size: int) -> None:
    session = TrainingSession(TRANSFORMER.replace(batch_size=batch_size), items())
    rows = session.trace_step(np.zeros(0, np.int64)).arrays["batch ids"]
    item = next(row for row in rows if not row[0] and row[1:4].all())[1:4]
    trace = session.trace_step(item)
    assert trace.is_watched
    assert trace.arrays["ids"].tolist() == [0, *item.tolist()]
    assert trace.points["token"] == item[-1]


@pytest.mark.parametrize("name", CONFIGS)
def test_of_a_batch_a_row_is_read_from_its_beginning(name: str) -> None:
    session = TrainingSession(CONFIGS[name], running_text())
    for context in ([], [1, 2], [6, 6, 6, 6, 6, 6]):
        trace = session.trace_step(np.array(context, np.int64))
        row, place = trace.points["row"], trace.points["place"]
        assert trace.arrays["ids"].tolist() == trace.arrays["batch ids"][row, : place + 1].tolist()
