"""The bytes of a file of text, read in pieces; whatever is no such file is refused before it is opened."""

import os
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path

from embedviz.text.decoding import RefusedError
from embedviz.text.progress import Progress

_PIECE = 1 << 18  # bytes read at once; even, as UTF-16 and what looks for it need it
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_bytes(path: Path, limit: int, look: Callable[[bytes], object], progress: Progress) -> deque[bytes]:
    """Return the pieces of a file, each shown to `look` meanwhile.

    Raises RefusedError for what is no regular file, is not there, is longer than `limit` bytes or changes.
    """
    try:
        status = path.stat()
        # Looked at before it is opened: opening a pipe may block for ever, opening a device may do things.
        if stat.S_ISDIR(status.st_mode):
            raise RefusedError("is a folder: choose a file of text")
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
            raise RefusedError(f"is not a file but {kind}: choose a file of text")
        if status.st_size > limit:
            raise too_large(limit, status.st_size)
        return _read(path, limit, look, progress)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RefusedError("was not found", str(error)) from error
    except PermissionError as error:
        raise RefusedError("cannot be read: you have no permission to", str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: the name itself holds a NUL
        raise RefusedError("could not be read", str(error)) from error


def too_large(limit: int, size: int) -> RefusedError:
    """Return the refusal of a text of `size` bytes where only `limit` are taken."""
    return RefusedError(
        f"is too large: a text may have {limit / 2**20:.3g} MiB", f"It has at least {size:,} bytes."
    )


def _read(path: Path, limit: int, look: Callable[[bytes], object], progress: Progress) -> deque[bytes]:
    data: deque[bytes] = deque()
    size = 0
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        while piece := file.read(_PIECE):
            progress("Reading", min(0.5, 0.5 * size / max(1, before.st_size)))
            size += len(piece)
            if size > limit:  # it grew since it was looked at
                raise too_large(limit, size)
            look(piece)
            data.append(piece)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size < after.st_size:
        raise RefusedError("changed while it was being read: open it again")
    return data
