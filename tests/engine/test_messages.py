import contextlib
import dataclasses
import json
import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.engine import wire
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace, TracePhase

TYPES = (*get_args(m.Command), *get_args(m.Event))

text = st.text(max_size=8)
names = text.filter(lambda name: not name.startswith("$"))  # paths like "parameters/..."; $ is the protocol's
steps = st.integers(0, 2**53)
floats = st.floats()
dtypes = st.sampled_from(["u1", "<u2", "<i4", "<i8", "<f4", "<f8", "?", ">i4"]).map(np.dtype)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
configs = st.builds(RunConfig, lr=st.floats(1e-6, 10), batch_size=st.integers(0, 64), seed=st.integers(0, 99))
datasets = st.builds(
    Dataset, arrays, arrays, vocab_size=st.integers(2, 99), boundary_id=st.none() | st.integers(0, 1)
)
checkpoints = st.builds(
    Checkpoint, steps, st.dictionaries(names, arrays, max_size=4), st.dictionaries(names, floats, max_size=2)
)
untils = st.builds(m.Until, step=st.none() | steps, converged=st.booleans())
readings = st.builds(
    m.Reading,
    step=steps,
    train=floats,
    val=st.none() | floats,
    estimated=st.booleans(),
    verdict=text,
    sentence=text,
    val_estimated=st.booleans(),
)
edits = st.builds(
    HandEdit,
    kind=st.sampled_from(["cell", "freeze", "thaw"]),
    table=text,
    row=steps,
    column=st.integers(-1, 9),
    value=floats,
    before=floats,
    step=steps,
    gesture=steps,
)
phases = st.builds(
    TracePhase, text, text, text, text, text, st.lists(text, max_size=3).map(tuple), text, text, context=text
)
traces = st.builds(
    StepTrace,
    steps,
    st.dictionaries(names, arrays.map(np.copy), max_size=4),
    st.dictionaries(names, steps, max_size=3),
    st.lists(phases, max_size=3).map(tuple),
    st.booleans(),
)
all_edits = st.lists(edits, max_size=3).map(tuple)
shapes = st.lists(st.integers(0, 9), max_size=3).map(tuple)

MESSAGES: dict[type, st.SearchStrategy[Any]] = {
    m.LoadDataset: st.builds(m.LoadDataset, text, datasets),
    m.StartRun: st.builds(m.StartRun, text, text, configs, st.none() | checkpoints, all_edits, st.none() | steps),
    m.Play: st.builds(m.Play, text, untils),
    m.Pause: st.builds(m.Pause, text),
    m.Advance: st.builds(m.Advance, text, steps),
    m.GoTo: st.builds(m.GoTo, text, steps),
    m.SetPace: st.builds(m.SetPace, text, st.none() | floats),
    m.Watch: st.builds(m.Watch, text, arrays, *[st.booleans()] * 4, st.integers(-1, 24)),
    m.Predict: st.builds(m.Predict, text, steps, arrays, st.booleans()),
    m.Edit: st.builds(m.Edit, text, edits),
    m.Undo: st.builds(m.Undo, text),
    m.Redo: st.builds(m.Redo, text),
    m.StopRun: st.builds(m.StopRun, text),
    m.Ready: st.builds(m.Ready, steps, text, st.lists(text, max_size=3).map(tuple)),
    m.Started: st.builds(
        m.Started,
        text,
        configs,
        steps,
        steps,
        st.none() | floats,
        floats,
        readings,
        text,
        steps,
        text,
        all_edits,
        st.lists(st.tuples(text, steps), max_size=3).map(tuple),
        st.lists(st.tuples(text, floats), max_size=3).map(tuple),
        floats,
    ),
    m.SnapshotWritten: st.builds(
        m.SnapshotWritten, text, steps, floats, readings, text, attention_layer=st.integers(-1, 24)
    ),
    m.Losses: st.builds(m.Losses, text, steps, arrays),
    m.Measured: st.builds(m.Measured, text, readings),
    m.CheckpointTaken: st.builds(m.CheckpointTaken, text, checkpoints, all_edits),
    m.Playing: st.builds(m.Playing, text, steps),
    m.Paused: st.builds(m.Paused, text, steps, text, text, text),
    m.Rewound: st.builds(m.Rewound, text, steps),
    m.Traced: st.builds(m.Traced, text, traces),
    m.Edited: st.builds(m.Edited, text, steps, all_edits, st.booleans()),
    m.Moved: st.builds(m.Moved, text, configs, steps, text, text),
    m.Predicted: st.builds(m.Predicted, text, steps, steps, arrays, floats),
    m.Stopped: st.builds(m.Stopped, text),
    m.Failed: st.builds(m.Failed, st.none() | text, text, text, text),
}


def frame(message: m.Message) -> tuple[bytes, bytes]:
    header, buffers = wire.encode(message)
    return header, b"".join(buffers)


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
        assert not found.flags.writeable
    elif dataclasses.is_dataclass(expected):
        for field in dataclasses.fields(expected):
            assert_same(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for item, value in zip(found, expected, strict=True):
            assert_same(item, value)
    elif isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(found)
    else:
        assert found == expected


def test_every_message_is_tried() -> None:
    assert set(MESSAGES) == set(TYPES)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_a_message_arrives_as_it_was(kind: type) -> None:
    @settings(max_examples=25, deadline=None)
    @given(MESSAGES[kind])
    def check(message: m.Message) -> None:
        assert_same(wire.decode(*frame(message)), message)

    check()


@pytest.mark.parametrize("payload", [bytes, bytearray])
def test_arrays_are_read_only_whatever_they_lie_in(payload: type) -> None:
    header, data = frame(m.Losses("a", 0, np.arange(3.0)))
    losses = wire.decode(header, payload(data)).losses  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="read-only"):
        losses[0] = 1.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        losses.flags.writeable = True


def test_arrays_in_any_memory_order_arrive() -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    for array in (table.T, table[:, ::2], np.asfortranarray(table), np.broadcast_to(table[0], (3, 4))):
        message = wire.decode(*frame(m.Predicted("a", 0, 0, array)))
        np.testing.assert_array_equal(message.logits, array)  # type: ignore[union-attr]


def test_numbers_of_numpy_travel_as_plain_ones() -> None:
    message: Any = wire.decode(*frame(m.GoTo("a", np.int64(7))))  # type: ignore[arg-type]
    assert type(message.step) is int
    assert message == m.GoTo("a", 7)


@given(st.sampled_from(TYPES).flatmap(MESSAGES.__getitem__), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_header_is_noticed_or_still_a_message(message: m.Message, data: st.DataObject) -> None:
    header, payload = frame(message)
    place = data.draw(st.integers(0, len(header) - 1))
    byte = data.draw(st.integers(0, 255))
    how = data.draw(st.sampled_from(["change", "insert", "remove", "cut"]))
    damaged = {
        "change": header[:place] + bytes([byte]) + header[place + 1 :],
        "insert": header[:place] + bytes([byte]) + header[place:],
        "remove": header[:place] + header[place + 1 :],
        "cut": header[:place],
    }[how]
    with contextlib.suppress(wire.ProtocolError):
        assert isinstance(wire.decode(damaged, payload), TYPES)


@given(st.integers(1, 24), st.booleans())
def test_a_payload_of_another_length_is_noticed(count: int, longer: bool) -> None:
    header, payload = frame(m.Losses("a", 0, np.arange(3.0)))
    with pytest.raises(wire.ProtocolError):
        wire.decode(header, payload + bytes(count) if longer else payload[:-count])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$type", "$array", "$tuple", "run_id", "step", "arrays", "reading"]),
            inner | st.sampled_from([kind.__name__ for kind in TYPES] + ["Reading", "Checkpoint", "|O", "<f8"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(json_values, st.binary(max_size=16))
@settings(max_examples=500, deadline=None)
def test_any_other_json_is_noticed(value: object, payload: bytes) -> None:
    with contextlib.suppress(wire.ProtocolError):
        assert isinstance(wire.decode(json.dumps(value).encode(), payload), TYPES)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"1",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"$type":"Nobody"}',
        b'{"$type":"Pause"}',
        b'{"$type":"Until","step":null,"converged":false}',  # a part, not a message
        b'{"$type":"Losses","run_id":"a","first_step":0,"losses":{"$array":["<f8",[-1]]}}',
        b'{"$type":"Losses","run_id":"a","first_step":0,"losses":{"$array":["|O",[1]]}}',
        b'{"$type":"Losses","run_id":"a","first_step":0,"losses":{"$array":["<f8",[9223372036854775808]]}}',
        b'{"$type":"Losses","run_id":"a","first_step":0,"losses":{"$array":["<f8",[4294967296,4294967296]]}}',
        b"[" * 100_000,
    ],
    ids=lambda header: header[:70].decode(errors="replace"),
)
def test_what_is_no_message_is_noticed(header: bytes) -> None:
    with pytest.raises(wire.ProtocolError) as caught:
        wire.decode(header, bytes(8))
    assert caught.value.sentence == "The trainer and the window misunderstood each other."
    assert caught.value.details
