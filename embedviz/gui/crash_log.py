"""The crash log: a file for every window process, with what would be asked about a crash. Qt is not loaded for it.

The process holds a lock on its file, which the system takes away whichever way the process ends; a process's
number may be another's by then. gui/crash_reports.py reads what was left.
"""

import faulthandler
import io
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from embedviz import __version__
from embedviz.errors import EmbedvizError
from embedviz.files import is_packaged

LIMIT = 256 * 1024  # bytes of one file: a loop of exceptions must not fill the disk
WENT_ON = "An exception that nobody caught; embedviz went on."
TRAINER_ENDED = "The trainer process ended unexpectedly; embedviz went on."
ENDED = "An exception that ended embedviz."
COULD_NOT_BEGIN = "embedviz could not begin."
QT_ENDED = "Qt ended embedviz."
WINDOW_OPEN = "The window is open."
CLOSED = "embedviz was closed."
SURVIVED = (WENT_ON, TRAINER_ENDED)
MARKS = {mark: mark not in SURVIVED for mark in (*SURVIVED, ENDED, COULD_NOT_BEGIN, QT_ENDED)}
"""The titles of what is worth a report, and whether it was the end of the process."""
_LEFT_OUT = b"\n(This file is full: more was left out.)\n"
_LOCKED_BYTE = 2**30  # on Windows a lock keeps others from reading what is locked, so it is far behind the text


def data_folder() -> Path | None:
    """Return the user's folder for data, as Qt's GenericDataLocation; None if the system does not say."""
    try:
        if sys.platform == "win32":
            return Path(os.environ["LOCALAPPDATA"])
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support"
        named = Path(os.environ.get("XDG_DATA_HOME", ""))
        return named if named.is_absolute() else Path.home() / ".local" / "share"
    except (KeyError, RuntimeError):  # nobody's home
        return None


def crash_folder() -> Path | None:
    """Return where crash logs are, whether or not there is such a folder yet."""
    folder = data_folder()
    return folder / "embedviz" / "crashes" if folder else None


def lock(descriptor: int) -> None:
    """Hold a file until it is closed or the process ends. Raises OSError if another holds it, or none can."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def begin() -> "CrashLog":
    """Watch this process until `close`; without a file where there can be none. Raises nothing.

    Afterwards there are a stdout and a stderr, whatever the process was started with.
    """
    _fill_standard_descriptors()
    log = CrashLog(crash_folder())
    log.watch()
    return log


class CrashLog:
    """The file of this process, removed at a proper end if nothing happened. As a context it ends by itself."""

    def __init__(self, folder: Path | None) -> None:
        """Make a file in `folder`; without one everything here does nothing."""
        self.path: Path | None = None
        self._descriptor = -1
        self._room = LIMIT
        self._is_worth_keeping = False
        self._told: BaseException | None = None
        self.has_window = False
        self._has_stderr = True
        self._has_qt = False
        self._faults_were_told = False  # on stderr, before they were written here
        with suppress(OSError, ValueError):
            if folder is not None:
                self._open(folder)
                self._write(_header().encode())

    def watch(self) -> None:
        """Write hard crashes here, and what is said to a stderr that is not there."""
        self._has_stderr = not _is_absent(sys.stderr)
        if _is_absent(sys.stdout):
            sys.stdout = _Stream(None)
        if not self._has_stderr:
            sys.stderr = _Stream(self)
        self._faults_were_told = faulthandler.is_enabled()
        with suppress(OSError, ValueError, AttributeError, RuntimeError):  # a stderr may be no file
            if self.path is not None:
                faulthandler.enable(self._descriptor, all_threads=True)
            elif self._has_stderr:
                faulthandler.enable(all_threads=True)

    def listen_to_qt(self) -> None:
        """Write down why Qt ends the process, if it does; its other messages go to stderr as ever."""
        from PySide6.QtCore import QMessageLogContext, QtMsgType, qFormatLogMessage, qInstallMessageHandler

        def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
            if kind == QtMsgType.QtFatalMsg:
                self.add(QT_ENDED, message)
                if self.is_stderr:
                    return
            with suppress(OSError, ValueError):
                if sys.stderr is not None:
                    sys.stderr.write(qFormatLogMessage(kind, context, message) + "\n")

        qInstallMessageHandler(hear)
        self._has_qt = True

    @property
    def is_stderr(self) -> bool:
        """True if what is written to stderr comes here."""
        return isinstance(sys.stderr, _Stream)

    def note(self, line: str) -> None:
        """Write a line that is no reason for a report."""
        self._write(f"[{time.strftime('%H:%M:%S')}] {line}\n".encode(errors="replace"))

    def note_window(self) -> None:
        """Write that there was a window to be seen: the start is over."""
        self.has_window = True
        self.note(WINDOW_OPEN)

    @property
    def holds_report(self) -> bool:
        """True if there is a file, with something worth a report."""
        return self._descriptor >= 0 and self._is_worth_keeping

    def add(self, mark: str, text: str) -> None:
        """Write what a report is for: one of MARKS, and the details."""
        self._is_worth_keeping = True
        self.note(f"{mark}\n{text.rstrip()}\n")

    def tell_of(self, error: BaseException) -> None:
        """Write what ends the process, once; what the command line says to a person is no report."""
        if error is self._told:
            return
        self._told = error
        if isinstance(error, EmbedvizError):
            if not self._has_stderr:
                self.add(COULD_NOT_BEGIN, f"{error.sentence}\n{error.details}")
        elif isinstance(error, Exception):
            self.add(ENDED, "".join(traceback.format_exception(error)))

    def write(self, text: str) -> None:
        """Write what was meant for stderr."""
        self._write(text.encode(errors="replace"))

    def close(self) -> None:
        """End properly: the file is removed if nothing happened."""
        if self._has_qt:
            from PySide6.QtCore import qInstallMessageHandler

            qInstallMessageHandler(None)
            self._has_qt = False
        if self._descriptor < 0:
            return
        faulthandler.disable()  # before its file's number can be another file's
        stderr = sys.__stderr__
        if self._faults_were_told and stderr is not None and not stderr.closed:
            faulthandler.enable(stderr)
        os.close(self._descriptor)
        self._descriptor = -1
        if not self._is_worth_keeping and self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    def __enter__(self) -> "CrashLog":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.tell_of(error)
        else:
            self.note(CLOSED)
        self.close()

    def _open(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        for attempt in range(3):
            path = folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}-{attempt}.log"
            try:
                descriptor = os.open(path, flags, 0o600)
            except FileExistsError:
                continue
            try:
                lock(descriptor)
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    self.path, self._descriptor = path, descriptor
                    return
            except OSError:  # another copy is just looking whose it is, and takes it for left behind
                pass
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()

    def _write(self, raw: bytes) -> None:
        if self._descriptor < 0 or self._room <= 0:
            return
        if len(raw) > self._room:
            raw = raw[: self._room] + _LEFT_OUT
        self._room -= len(raw)
        with suppress(OSError):  # the disk is full
            os.write(self._descriptor, raw)


class _Stream(io.TextIOBase):
    """A stdout or stderr for a process without: takes everything."""

    def __init__(self, log: CrashLog | None) -> None:
        super().__init__()
        self._log = log

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Put `text` into the crash log, or nowhere."""
        if self._log is not None:
            self._log.write(text)
        return len(text)


def _header() -> str:
    if sys.platform == "win32":
        system = "Windows {0.major}.{0.minor}.{0.build}".format(sys.getwindowsversion())
    else:
        names = os.uname()
        system = f"{names.sysname} {names.release} {names.machine}"
    lines = (
        f"embedviz {__version__}, {'packaged' if is_packaged() else 'run by Python'}",
        f"begun {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"Python {sys.version.split()[0]} on {system}",
    )
    return "\n".join(lines) + "\n\n"


def _is_absent(stream: object) -> bool:
    return stream is None or bool(getattr(stream, "closed", False))


def _fill_standard_descriptors() -> None:
    """Open /dev/null for each of 0, 1 and 2 that is closed: else the next file gets what Qt says to stderr."""
    if sys.platform == "win32":
        return  # whose windows have none, and give their numbers to nothing else
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
