"""`embedviz --self-test`: tries every part of the app where it stands, and says in one JSON object what works."""

import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import (
    QCoreApplication,
    QMessageLogContext,
    Qt,
    QtMsgType,
    qFormatLogMessage,
    qInstallMessageHandler,
    qVersion,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from embedviz import __version__, catalog
from embedviz.errors import EmbedvizError
from embedviz.files import is_packaged
from embedviz.gui.app import Beginning, ErrorHook, Parts, make_application, make_window
from embedviz.gui.driving import wait_until
from embedviz.gui.self_tests import of_crashes, of_runs, of_texts, of_trainer, of_views, of_window
from embedviz.gui.self_tests.trial import PATIENCE_S, Check, CheckError, Result, Trial, in_words
from embedviz.gui.settings import Settings

COMPLAINTS = ("stylesheet", "style sheet", "cannot open file", "pixmap", "svg")


class OutputError(EmbedvizError):
    """What came of it cannot be written where it should be."""


def run_self_test(out: Path | None) -> int:
    """Make all checks, and write what came of them to `out`, or to standard output if there is one.

    Returns 0 if all is well, else 1. Raises OutputError, before any check, for a file that cannot be written.
    """
    if out is not None:
        _write(out, "", keep=False)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="embedviz-self-test-") as folder, hear_qt() as complaints:
        results, facts = _perform(Path(folder))
    results.append(
        Result("style sheets and pictures", ok=not complaints, error=" ".join(dict.fromkeys(complaints)))
    )
    ok = all(result.ok for result in results)
    report = {
        "embedviz": __version__,
        "ok": ok,
        "packaged": is_packaged(),
        "platform": QGuiApplication.platformName(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "qt": qVersion(),
        "pyside": pyside_version,
        **facts,
        "seconds": round(time.perf_counter() - began, 3),
        "checks": [asdict(result) for result in results],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if out is not None:
        _write(out, text)
    elif sys.stdout is not None:  # a program without a console has none
        sys.stdout.write(text)
    return 0 if ok else 1


def checks() -> list[Check]:
    """Return all checks, in order."""
    return [
        *of_window.checks(),
        *of_trainer.first_checks(),
        *of_runs.checks(),
        *of_views.checks(),
        *of_texts.checks(),
        *of_crashes.checks(),
        *of_trainer.last_checks(),
        *of_window.last_checks(),
    ]


def _perform(folder: Path) -> tuple[list[Result], dict[str, str]]:
    """Open the window and make all checks; return what came of them, torch's version and the device."""
    facts = {"torch": "", "device": ""}
    began = time.perf_counter()
    try:
        make_application()
        parts = make_window(Settings(folder / "settings.ini"), mode="light", scale=1.0)
    except Exception as error:  # noqa: BLE001  # without a window there is one result, whatever the reason
        return [Result("window", seconds=round(time.perf_counter() - began, 3), error=in_words(error))], facts
    hook = ErrorHook(parts.notices)
    try:
        trial = Trial(parts, hook, folder)
        with _as_found():
            results = [trial.perform(check) for check in (Check("window", _open, needs_trainer=False), *checks())]
        facts = {"torch": parts.controller.torch_version, "device": trial.device}
    finally:
        _put_away(parts)
        hook.restore()
    return results, facts


def _open(trial: Trial) -> None:
    """Open the first window as a person finds it; once it is painted, the trainer starts."""
    Beginning(trial.parts)
    painted: list[bool] = []
    trial.window.first_painted.connect(lambda: painted.append(True))
    if not trial.texts.open_sample(catalog.DEFAULT_SAMPLE, wait=True):
        raise CheckError("The first sample cannot be opened.")
    began = time.perf_counter()
    trial.window.show()
    if not wait_until(lambda: bool(painted), PATIENCE_S):
        raise CheckError("The window was not painted.")
    trial.note(painted_after_s=time.perf_counter() - began)


def _put_away(parts: Parts) -> None:
    parts.close()
    for thing in (parts.window, parts.controller, parts.worker, parts.state, parts.notices, parts.theme):
        thing.deleteLater()
    QApplication.processEvents()


@contextlib.contextmanager
def hear_qt() -> Iterator[list[str]]:
    """Gather what Qt says of the app's own files; the rest, which may be a desktop's, goes to stderr as ever."""
    complaints: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if any(word in message.lower() for word in COMPLAINTS):
            complaints.append(f"Qt says: {message}")
        if sys.stderr is not None:
            sys.stderr.write(qFormatLogMessage(kind, context, message) + "\n")

    before = qInstallMessageHandler(hear)
    try:
        yield complaints
    finally:
        qInstallMessageHandler(before)


@contextlib.contextmanager
def _as_found() -> Iterator[None]:
    """Let Qt show its own file dialogs, which can be driven; give the clipboard back the text that it held."""
    clipboard = QGuiApplication.clipboard()
    held = clipboard.text()
    attribute = Qt.ApplicationAttribute.AA_DontUseNativeDialogs
    before = QCoreApplication.testAttribute(attribute)
    QCoreApplication.setAttribute(attribute)
    try:
        yield
    finally:
        QCoreApplication.setAttribute(attribute, before)
        if held:
            clipboard.setText(held)
        else:
            clipboard.clear()


def _write(out: Path, text: str, *, keep: bool = True) -> None:
    """Write `out` as a whole, or not at all; only try whether that can be done unless `keep`."""
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        if out.is_dir():
            raise IsADirectoryError(f"{out} is a folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        if keep:
            part.replace(out)
    except OSError as error:
        raise OutputError(f"'{out}' cannot be written: choose another file.", str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
