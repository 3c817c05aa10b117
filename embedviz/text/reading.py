"""The bytes of a file, read in pieces; whatever is no such file is refused before it is opened."""

import os
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from embedviz.text.decoding import RefusedError
from embedviz.text.progress import Progress, quiet

_PIECE = 1 << 18  # bytes read at once; even, as UTF-16 and what looks for it need it
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Wanted(NamedTuple):
    """What is to be read, in words ("a text", "a file of text"), and how many bytes it may have."""

    what: str
    choose: str
    limit: int


def read_bytes(
    path: Path, wanted: Wanted, look: Callable[[bytes], object] | None = None, progress: Progress = quiet
) -> deque[bytes]:
    """Return the pieces of a file, each shown to `look` meanwhile.

    Raises RefusedError for what is no regular file, is not there, is longer than it may be, changes or vanishes.
    """
    try:
        status = path.stat()
        # Looked at before it is opened: opening a pipe may block for ever, opening a device may do things.
        if stat.S_ISDIR(status.st_mode):
            raise RefusedError(f"is a folder: choose {wanted.choose}")
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
            raise RefusedError(f"is not a file but {kind}: choose {wanted.choose}")
        if status.st_size > wanted.limit:
            raise too_large(wanted, status.st_size)
        return _read(path, wanted, look, progress)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RefusedError("was not found", str(error)) from error
    except PermissionError as error:
        raise RefusedError("cannot be read: you have no permission to", str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: the name itself holds a NUL
        raise RefusedError("could not be read", str(error)) from error


def too_large(wanted: Wanted, size: int) -> RefusedError:
    """Return the refusal of what has `size` bytes, more than are wanted."""
    return RefusedError(
        f"is too large: {wanted.what} may have {wanted.limit / 2**20:.3g} MiB", f"It has at least {size:,} bytes."
    )


def printable(name: str) -> str:
    """Return `name` as it can be shown: a file's may hold line ends, or bytes that are no text."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


def _read(path: Path, wanted: Wanted, look: Callable[[bytes], object] | None, progress: Progress) -> deque[bytes]:
    data: deque[bytes] = deque()
    size = 0
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        while piece := file.read(_PIECE):
            progress("Reading", min(0.5, 0.5 * size / max(1, before.st_size)))
            size += len(piece)
            if size > wanted.limit:  # it grew since it was looked at
                raise too_large(wanted, size)
            if look is not None:
                look(piece)
            data.append(piece)
        after = os.fstat(file.fileno())
        _refuse_another(path, after)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed()
    if size < after.st_size:  # some files of the system say that they are larger than they are
        raise RefusedError(f"could not be read whole: only {size:,} of its {after.st_size:,} bytes came")
    return data


def _refuse_another(path: Path, read: os.stat_result) -> None:
    """Refuse to have read what `path` no longer names: editors replace a file rather than write into it."""
    try:
        now = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RefusedError("vanished while it was being read", str(error)) from error
    if not os.path.samestat(now, read):
        raise _changed()


def _changed() -> RefusedError:
    return RefusedError("changed while it was being read: open it again")
