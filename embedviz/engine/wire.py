"""How messages become bytes, and bytes messages again.

A message travels as one frame: a JSON header and, behind it, the raw bytes of every array in it.
"""

import dataclasses
import json
import math
import re
from typing import Any

import numpy as np

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine.messages import Command, Event, Message, Reading, Until
from embedviz.errors import EmbedvizError
from embedviz.text.dataset import Dataset
from embedviz.trace import StepTrace, TracePhase


class ProtocolError(EmbedvizError):
    """The other side said something that is no message."""


_MESSAGES: tuple[type, ...] = (*Command.__args__, *Event.__args__)
_PARTS = (
    Until,
    RunConfig,
    Dataset,
    Checkpoint,
    Reading,
    HandEdit,
    StepTrace,
    TracePhase,
)  # dataclasses found inside messages
_TYPES: dict[str, type] = {cls.__name__: cls for cls in (*_MESSAGES, *_PARTS)}
# Looked up for every snapshot, sixty times a second: worth having at hand.
_FIELDS = {cls: tuple(field.name for field in dataclasses.fields(cls)) for cls in _TYPES.values()}
_NUMBERS = re.compile(r"[<>|][biuf]\d+")  # the types of array that travel: numbers and booleans
_PLAIN = {str, int, float, bool, type(None)}
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_TYPE, _ARRAY, _TUPLE = "$type", "$array", "$tuple"


def encode(message: Message) -> tuple[bytes, list[memoryview]]:
    """Return the JSON header of `message` and the raw bytes of its arrays, in order."""
    buffers: list[memoryview] = []

    def pack(value: Any) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, np.ndarray):
            flat = np.ascontiguousarray(value)
            buffers.append(flat.reshape(-1).view(np.uint8).data)
            return {_ARRAY: [flat.dtype.str, list(value.shape)]}
        if (names := _FIELDS.get(type(value))) is not None:
            packed = {_TYPE: type(value).__name__}
            for name in names:
                item = getattr(value, name)
                packed[name] = item if type(item) in _PLAIN else pack(item)
            return packed
        if isinstance(value, dict):
            return {str(key): pack(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return {_TUPLE: [item if type(item) in _PLAIN else pack(item) for item in value]}
        return value.item() if isinstance(value, np.generic) else value

    return _to_json(pack(message)).encode(), buffers


def decode(header: bytes, payload: bytes | bytearray) -> Message:
    """Return the message of a frame; its arrays are read-only views of `payload`.

    Raises ProtocolError if the frame is not one that encode() makes.
    """
    data = memoryview(payload).toreadonly()
    offset = 0

    def unpack(value: Any) -> Any:
        nonlocal offset
        if not isinstance(value, dict):
            return value
        if _ARRAY in value:
            kind, shape = str(value[_ARRAY][0]), tuple(value[_ARRAY][1])
            if not _NUMBERS.fullmatch(kind) or (count := math.prod(shape)) < 0:
                raise ValueError(f"an array of {kind} of shape {shape}")
            dtype = np.dtype(kind)
            array = np.frombuffer(data, dtype, count, offset).reshape(shape)
            offset += array.nbytes
            return array
        if _TUPLE in value:
            return tuple(unpack(item) for item in value[_TUPLE])
        items = {key: unpack(item) for key, item in value.items() if key != _TYPE}
        return _TYPES[value[_TYPE]](**items) if _TYPE in value else items

    try:
        message: Message = unpack(json.loads(header))
        if not isinstance(message, _MESSAGES) or offset != len(data):
            raise ValueError(f"a {type(message).__name__} that takes {offset} of {len(data)} bytes")
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        EmbedvizError,
    ) as error:
        raise ProtocolError("The trainer and the window misunderstood each other.", repr(error)) from error
    return message
