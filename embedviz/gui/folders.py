"""Opens a folder in the system's own program for that, also from the packaged app."""

import sys
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment, QUrl
from PySide6.QtGui import QDesktopServices

from embedviz.files import is_packaged

_CHANGED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # by the packaged app, which keeps the original beside it
_ORIGINAL = "_ORIG"


def system_environment(environment: Mapping[str, str], *, packaged: bool) -> dict[str, str]:
    """Return `environment` as the packaged app found it: other programs may crash on the app's libraries."""
    restored = dict(environment)
    if packaged:
        for name in _CHANGED:
            original = restored.pop(name + _ORIGINAL, None)
            restored.pop(name, None)
            if original:
                restored[name] = original
    return restored


def open_folder(folder: Path) -> bool:
    """Show `folder`, at once or a moment later; tell whether there is a program for it."""
    if sys.platform != "linux":
        return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
    inherited = QProcessEnvironment.systemEnvironment()
    found = {name: inherited.value(name) for name in inherited.keys()}  # noqa: SIM118  # Qt's, and no mapping
    environment = QProcessEnvironment()
    for name, value in system_environment(found, packaged=is_packaged()).items():
        environment.insert(name, value)
    opener = QProcess()
    opener.setProgram("xdg-open")
    opener.setArguments([str(folder)])
    opener.setProcessEnvironment(environment)
    opener.setStandardOutputFile(QProcess.nullDevice())
    opener.setStandardErrorFile(QProcess.nullDevice())
    started: object = opener.startDetached()  # a bool, whatever the stubs say
    return started is True
