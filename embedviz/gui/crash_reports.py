"""What the crash logs of processes that are gone hold, and how a person is told of it."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from embedviz.gui.crash_log import CLOSED, LIMIT, MARKS, WINDOW_OPEN, lock

KEPT = 5
OFFERED = ".offered.log"  # which desktops open as a text
MOST_READ = 2 * LIMIT  # bytes: what is written at a hard crash comes on top of the limit
SAFE_MODE = (
    "This was before the window was open. If embedviz cannot start any more, 'embedviz --safe-mode' starts it "
    "without the saved settings, and leaves them as they are."
)
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d+-\d(\.offered)?\.log")
_FATAL = re.compile(r"^(Fatal Python error|Windows fatal exception): ", re.MULTILINE)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip  # strftime would say them in the language of the system


@dataclass(frozen=True)
class Report:
    """What one process left: `has_ended` tells a crash from an error after which it went on."""

    path: Path
    when: datetime
    text: str
    has_ended: bool

    @property
    def is_of_start(self) -> bool:
        """True if embedviz ended before its window was open."""
        return self.has_ended and WINDOW_OPEN not in self.text


def find(folder: Path | None) -> list[Report]:
    """Return what was not offered yet, newest first; remove what says nothing, and all but the newest KEPT.

    Files of living processes, and whatever else is in the folder, are left alone. Raises nothing.
    """
    reports: list[Report] = []
    kept = 0
    for path in _newest_first(folder):
        with suppress(OSError, ValueError, OverflowError):
            raw = _read(path)
            if raw is None:
                continue  # its process lives
            report = _report(path, raw)
            if report is None or kept >= KEPT:
                path.unlink()
                continue
            kept += 1
            if not path.name.endswith(OFFERED):
                reports.append(report)
    return sorted(reports, key=lambda report: report.when, reverse=True)


def last(folder: Path | None) -> Report | None:
    """Return the newest report, whether or not it was offered; None if there is none. Raises nothing."""
    for path in _newest_first(folder):
        with suppress(OSError, ValueError, OverflowError):
            raw = _read(path)
            report = _report(path, raw) if raw is not None else None
            if report is not None:
                return report
    return None


def mark_offered(reports: Sequence[Report]) -> list[Report]:
    """Let `reports` not be offered again; return them as they are called now."""
    marked = []
    for report in reports:
        path = report.path.with_suffix(OFFERED)
        with suppress(OSError):  # another copy did
            report.path.rename(path)
        marked.append(Report(path, report.when, report.text, report.has_ended))
    return marked


def sentence(reports: Sequence[Report], today: datetime) -> str:
    """Say in a sentence what there is to read; there is at least one report."""
    newest, earlier = reports[0], len(reports) - 1
    when = f"{newest.when.day} {_MONTHS[newest.when.month - 1]}"
    when += f" {newest.when.year}" if newest.when.year != today.year else ""
    what = "ended unexpectedly" if newest.has_ended else "reported an error"
    more = f"; there {'is' if earlier == 1 else 'are'} {earlier} earlier report{'s' * (earlier > 1)}"
    return f"embedviz {what} on {when} at {newest.when:%H:%M}{more if earlier else ''}."


def whole_text(reports: Sequence[Report]) -> str:
    """Return all that there is to read, newest first."""
    texts = [report.text.strip() + "\n" for report in reports]
    hint = f"{SAFE_MODE}\n\n" if any(report.is_of_start for report in reports) else ""
    return hint + f"\n{'-' * 72}\n\n".join(texts)


def _newest_first(folder: Path | None) -> list[Path]:
    """Return the logs there are, by the time at which their processes began."""
    try:
        entries = [entry for entry in os.scandir(folder) if _is_ours(entry)] if folder else []
    except OSError:
        return []
    return [Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name, reverse=True)]


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return _NAME.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)


def _read(path: Path) -> bytes | None:
    """Return what a file holds; None if a living process has it."""
    with path.open("r+b", buffering=0) as file:
        try:
            lock(file.fileno())
        except OSError:
            return None
        return file.read(MOST_READ)


def _report(path: Path, raw: bytes) -> Report | None:
    """Return what happened to a process; None if nothing did that one could tell of."""
    text = raw.replace(b"\0", b"").decode(errors="replace").replace("\r\n", "\n")  # a power cut leaves zeros
    ends = [is_end for mark, is_end in MARKS.items() if f"] {mark}\n" in text]
    is_fatal = _FATAL.search(text) is not None and CLOSED not in text  # on Windows some are survived
    if not ends and not is_fatal:
        return None
    return Report(path, datetime.fromtimestamp(path.stat().st_mtime), text, any(ends) or is_fatal)
