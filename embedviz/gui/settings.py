"""What the app remembers between starts; in memory alone where it may not write."""

import math
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

MOST_RECENT = 8


class Settings:
    """Window state, look and recent texts, in the system's place for settings (or in `path`)."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)
        else:
            self._store = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "embedviz", "embedviz")

    @property
    def is_writable(self) -> bool:
        """False where nothing will be remembered."""
        return self._store.isWritable() and self._store.status() == QSettings.Status.NoError

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

    def add_recent(self, path: Path) -> None:
        """Remember `path` as the newest text."""
        path = path.absolute()
        names = [str(path), *(str(old) for old in self.recent() if old != path)]
        self.set("recent", names[:MOST_RECENT])

    def sync(self) -> None:
        """Write now."""
        self._store.sync()
