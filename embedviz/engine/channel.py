"""Frames over a pair of pipes: two lengths, a JSON header, raw bytes; the end of file when a side is gone."""

import os
import struct
import threading
from typing import TypeVar

from embedviz.engine.messages import Message
from embedviz.engine.wire import ProtocolError, decode, encode

_LENGTHS = struct.Struct("<IQ")  # bytes of the header, bytes of the payload
_SMALL = 2**16  # bytes that are rather copied than written by themselves
_HEADER_LIMIT = 16 * 2**20
_PAYLOAD_LIMIT = 4 * 2**30

Buffer = TypeVar("Buffer", bytes, memoryview)


class Channel:
    """Sends and receives messages over file descriptors, which it owns.

    Any thread may send (one frame at a time); one thread receives.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._sending = threading.Lock()
        self._closing = threading.Lock()
        self._open = {read_fd, write_fd}

    def send(self, message: Message) -> None:
        """Write one frame, waiting while the pipe is full. Raises OSError when the other side is gone."""
        header, buffers = encode(message)
        payload = sum(len(buffer) for buffer in buffers)
        first = _LENGTHS.pack(len(header), payload) + header
        with self._sending:
            if payload <= _SMALL:  # one write wakes the other side once
                self._write(b"".join((first, *buffers)))
                return
            self._write(first)
            for buffer in buffers:
                self._write(buffer)

    def receive(self) -> Message | None:
        """Wait for the next message; None at the end of file, also in the middle of a frame.

        Raises ProtocolError if what arrives is no frame.
        """
        lengths = self._read(_LENGTHS.size)
        if lengths is None:
            return None
        header_bytes, payload_bytes = _LENGTHS.unpack(lengths)
        if header_bytes > _HEADER_LIMIT or payload_bytes > _PAYLOAD_LIMIT:
            raise ProtocolError(
                "The trainer and the window misunderstood each other.",
                f"a frame of {header_bytes} + {payload_bytes} bytes",
            )
        header, payload = self._read(header_bytes), self._read(payload_bytes)
        return None if header is None or payload is None else decode(bytes(header), payload)

    def close_writing(self) -> None:
        """Let the other side see the end of file."""
        self._close(self._write_fd)

    def close(self) -> None:
        """Close both directions."""
        self._close(self._write_fd)
        self._close(self._read_fd)

    def _close(self, fd: int) -> None:
        with self._closing:
            if fd in self._open:
                self._open.discard(fd)
                os.close(fd)

    def _write(self, data: Buffer) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._write_fd, view) :]

    def _read(self, count: int) -> bytearray | None:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            # readv fills the buffer in place; on Windows there is none, so a read is copied in.
            chunk = os.read(self._read_fd, min(len(view), 2**20)) if not hasattr(os, "readv") else None
            got = os.readv(self._read_fd, [view]) if chunk is None else len(chunk)
            if got == 0:
                return None
            if chunk is not None:
                view[:got] = chunk
            view = view[got:]
        return data
