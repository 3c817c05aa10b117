"""Snapshots, and the mapped file through which their arrays go from the trainer to the window."""

import contextlib
import itertools
import json
import mmap
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedviz.engine.messages import Array, Reading
from embedviz.errors import EmbedvizError

Places: TypeAlias = tuple[tuple[str, str, tuple[int, ...], int], ...]  # name, dtype, shape, offset
_ALIGNMENT = 64
_FREE, _FULL = 0, 1
_counter = itertools.count()


class SnapshotFileError(EmbedvizError):
    """The mapped file could not be made or opened."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What the trainer showed of one step. All arrays are read-only and nobody else's.

    `tables` are the lookup tables by name, float32 (rows, columns); `gradients` the loss gradients of the
    same tables that made this step's weights (empty unless watched); `logits` (N, V) belong to `contexts`
    (N, T) at this very step; `activations` are those of hidden layers by name, (examples, units), on examples
    that stay the same for the whole run (empty unless watched, and for models without). `layers` are statistics
    of each layer, (STATS,) of analysis.layers; `attention` is what the layer `attention_layer` computes of the
    last t positions of the first context: "weights" (H, t, t), "queries" and "keys" (H, t, D); with the prefix
    "longer ", and the ids "longer read", of the longer context that began so. Both as above.
    """

    run_id: str
    step: int
    steps_per_second: float
    reading: Reading
    tables: Mapping[str, NDArray[np.float32]]
    gradients: Mapping[str, NDArray[np.float32]]
    contexts: NDArray[np.int64]
    logits: NDArray[np.float32]
    activations: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    layers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    attention: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    attention_layer: int = -1


class SnapshotFile:
    """One mapped file with room for one snapshot, and one byte that says whether it was taken out.

    That byte is the credit: the trainer writes only while `is_free`, which costs it a look at memory, where
    a message would wake it up sixty times a second (measured: 4 % of its speed).

    The trainer makes the file, the window opens it by path. It is unlinked as early as the system allows, so
    that nothing stays behind however the two end; remove_stale() takes what a crash in between left.
    """

    def __init__(self, path: Path, size: int, mapping: mmap.mmap) -> None:
        self.path = path
        self.size = size
        self._mapping = mapping

    @classmethod
    def create(cls, size: int) -> "SnapshotFile":
        """Make a file of `size` bytes that are really there. Raises SnapshotFileError if there is no room."""
        problems = []
        for folder in folders():
            path = folder / f"embedviz-{os.getpid()}-{next(_counter)}.snapshot"
            try:
                return cls(path, size, _allocate(path, size))
            except OSError as error:
                problems.append(f"{folder}: {error}")
        raise SnapshotFileError(
            f"There is no room for the {size / 2**20:.1f} MB that the window and the trainer share.",
            "; ".join(problems),
        )

    @classmethod
    def open(cls, path: Path, size: int) -> "SnapshotFile":
        """Map the file that the other process made, and take its name away where the system allows it."""
        try:
            with path.open("r+b") as file:
                mapping = mmap.mmap(file.fileno(), size)
        except (OSError, ValueError) as error:
            raise SnapshotFileError("The window cannot read what the trainer shares.", str(error)) from error
        opened = cls(path, size, mapping)
        if sys.platform != "win32":  # there a mapped file cannot be removed
            opened.unlink()
        return opened

    def write(self, arrays: Mapping[str, Array]) -> str:
        """Copy `arrays` in, one behind the other; return where they lie, for read(). The file is free no more."""
        layout = []
        offset = _ALIGNMENT
        for name, array in arrays.items():
            target: Array = np.frombuffer(self._mapping, array.dtype, array.size, offset).reshape(array.shape)
            np.copyto(target, array)
            layout.append((name, array.dtype.str, array.shape, offset))
            offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        self._mapping[0] = _FULL
        return _to_text(tuple(layout))

    @property
    def is_free(self) -> bool:
        """True if the last snapshot was taken out, or there was none."""
        return self._mapping[0] != _FULL

    def read(self, layout: str) -> dict[str, Array]:
        """Copy the arrays out that lie as `layout` says; read-only."""
        arrays: dict[str, Array] = {}
        for name, dtype, shape, offset in _from_text(layout):
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(self._mapping, np.dtype(dtype), count, offset).reshape(shape).copy()
            array.flags.writeable = False
            arrays[name] = array
        return arrays

    def free(self) -> None:
        """Let the next snapshot be written."""
        self._mapping[0] = _FREE

    def unlink(self) -> None:
        """Remove the file's name, if it is still there."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def unmap(self) -> None:
        """Let go of the file, but leave its name: the other side may not have opened it yet."""
        with contextlib.suppress(BufferError):  # an array that was being written when an error came
            self._mapping.close()

    def close(self) -> None:
        """Unmap and remove."""
        self.unmap()
        self.unlink()


def room_for(arrays: Mapping[str, tuple[tuple[int, ...], Any]]) -> int:
    """Return the bytes that write() needs for arrays of these (shape, dtype)."""
    sizes = [int(np.prod(shape)) * int(np.dtype(dtype).itemsize) for shape, dtype in arrays.values()]
    return _ALIGNMENT + sum((-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes), 0)


def remove_stale() -> list[Path]:
    """Remove the files of trainers that are gone; return which."""
    removed = []
    for folder in folders():
        for path in folder.glob("embedviz-*.snapshot"):
            owner = re.fullmatch(r"embedviz-(\d+)-\d+\.snapshot", path.name)
            if owner and not _is_running(int(owner[1])):
                with contextlib.suppress(OSError):  # somebody else's, or still mapped on Windows
                    path.unlink()
                    removed.append(path)
    return removed


def remove_own() -> None:
    """Remove the names of this process's files that nobody has opened yet."""
    for folder in folders():
        for path in folder.glob(f"embedviz-{os.getpid()}-*.snapshot"):
            with contextlib.suppress(OSError):
                path.unlink()


@lru_cache(maxsize=64)
def _to_text(places: Places) -> str:
    return json.dumps(places)  # hardly ever another than the last time: worth keeping, sixty times a second


@lru_cache(maxsize=64)
def _from_text(layout: str) -> Places:
    return tuple((name, dtype, tuple(shape), offset) for name, dtype, shape, offset in json.loads(layout))


def folders() -> list[Path]:
    """Return where files of snapshots are made, the first that has room."""
    shared = [Path("/dev/shm")] if sys.platform == "linux" else []  # memory: never written to a disk
    return [folder for folder in (*shared, Path(tempfile.gettempdir())) if folder.is_dir()]


def _allocate(path: Path, size: int) -> mmap.mmap:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # a sparse file would end the process with SIGBUS on a full disk
            os.posix_fallocate(fd, 0, size)
        else:
            for start in range(0, size, 2**20):
                os.write(fd, bytes(min(2**20, size - start)))
        return mmap.mmap(fd, size)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(fd)


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        return False  # removing a file in use fails there, which is answer enough
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # nobody has it, or nobody can
        return False
    except OSError:
        return True
    return True
