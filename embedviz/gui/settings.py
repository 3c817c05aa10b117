"""What the app remembers between starts; in memory alone where it may not write."""

import math
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

MOST_RECENT = 8


class _Memory:
    """As much of QSettings as is used here, without any file."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def value(self, key: str, default: object = None) -> object:
        return self._values.get(key, default)

    def setValue(self, key: str, value: object) -> None:
        self._values[key] = value

    def remove(self, key: str) -> None:
        self._values.pop(key, None)

    def sync(self) -> None:
        pass

    def fileName(self) -> str:
        return ""

    def isWritable(self) -> bool:
        return False

    def status(self) -> QSettings.Status:
        return QSettings.Status.NoError


class Settings:
    """Window state, look and recent texts, in the system's place for settings (or in `path`).

    Where that cannot be written, what is set lasts until the end: QSettings keeps it, and reads what is there.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._store: QSettings | _Memory
        if path is not None:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)
        else:
            self._store = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "embedviz", "embedviz")

    @classmethod
    def in_memory(cls) -> "Settings":
        """Return settings of which none are saved, and that neither read nor write those that are."""
        settings = cls.__new__(cls)
        settings._store = _Memory()
        return settings

    @property
    def path(self) -> Path | None:
        """The file, whether or not there is one yet; None in memory."""
        name = self._store.fileName()
        return Path(name) if name else None

    @property
    def is_writable(self) -> bool:
        """False where nothing will be remembered. A damaged file is mended by writing it."""
        return self._store.isWritable() and self._store.status() != QSettings.Status.AccessError

    def text(self, key: str, default: str) -> str:
        """Return a remembered text."""
        return str(self._store.value(key, default))

    def number(self, key: str, default: float) -> float:
        """Return a remembered number; the default if it is damaged."""
        try:
            number = float(self._store.value(key, default))  # type: ignore[arg-type]  # anything may be in a file
        except (TypeError, ValueError):
            return default
        return number if math.isfinite(number) else default

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a remembered yes or no."""
        return str(self._store.value(key, default)).lower() == "true"

    def data(self, key: str) -> QByteArray:
        """Return remembered bytes, empty if there are none."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set(self, key: str, value: object) -> None:
        """Remember `value`."""
        self._store.setValue(key, value)

    def recent(self) -> list[Path]:
        """Return the texts opened last, newest first."""
        value = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [Path(str(name)) for name in names if name]

    def recent_entries(self) -> list[tuple[Path, bool]]:
        """Return the texts opened last, newest first, and of each whether it is still there.

        There are MOST_RECENT at most. One on a network drive that is gone may take the system some seconds to
        look for; a menu that waits for them says the truth.
        """
        return [(path, is_there(path)) for path in self.recent()]

    @property
    def why_no_recent(self) -> str:
        """Say why `recent` is empty, if it is."""
        if self.path is None:
            return "Safe mode: texts opened before are left aside"
        return "Nothing was opened yet"

    def clear_recent(self) -> None:
        """Forget which texts were opened."""
        self._store.remove("recent")

    def add_recent(self, path: Path) -> None:
        """Remember `path` as the newest text."""
        path = path.absolute()
        names = [str(path), *(str(old) for old in self.recent() if old != path)]
        self.set("recent", names[:MOST_RECENT])

    def sync(self) -> None:
        """Write now."""
        self._store.sync()


def is_there(path: Path) -> bool:
    """Look for a file: on a network drive that is gone the system may take some seconds for that."""
    try:
        return path.exists()
    except (OSError, ValueError):  # no permission to look, or no name that a file can have
        return False
