"""The start page's rows for texts opened before. Whether they are still there is looked for behind the window."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from embedviz.errors import EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.settings import Settings, is_there
from embedviz.gui.start_row import StartRow
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named
from embedviz.text.progress import Progress
from embedviz.text.reading import printable

INVITATION = "Open a text, or drop one on the window."
OPEN_NOW, GONE = "open now", "gone"


def _look(paths: Sequence[Path], progress: Progress) -> list[Path]:
    """Return those of `paths` that are gone."""
    gone = []
    for at, path in enumerate(paths):
        progress("Looking for texts", at / len(paths))
        if not is_there(path):
            gone.append(path)
    return gone


class RecentTexts(QWidget):
    """A row for each, newest first. One that is gone cannot be chosen, as soon as that is known."""

    chosen = Signal(Path)
    row_made = Signal(StartRow)

    def __init__(self, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self._settings = settings
        self._theme = theme
        self._paths: list[Path] = []
        self._gone: set[Path] = set()  # when one last looked
        self._is_open: Callable[[Path], bool] = lambda _path: False
        self.rows: list[StartRow] = []
        self._background = Background(self)
        self._why_none = caption()
        self._why_none.setWordWrap(True)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self._why_none)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def is_looking(self) -> bool:
        """True until it is known which texts are gone."""
        return self._background.is_busy

    def refresh(self) -> None:
        """Show the texts that were opened, and begin to look which of them are still there."""
        paths = self._settings.recent()
        if paths != self._paths:
            self._paths = paths
            self._fill()
        self._why_none.setText(f"{self._settings.why_no_recent}. {INVITATION}")
        self._why_none.setVisible(not paths)
        if paths:
            self._background.run(partial(_look, tuple(paths)), self._take_gone, _never)

    def mark(self, is_open: Callable[[Path], bool]) -> None:
        """Say which text is open, from now on by asking `is_open`, and which are gone."""
        self._is_open = is_open
        for path, row in zip(self._paths, self.rows, strict=True):
            words = OPEN_NOW if is_open(path) else GONE if path in self._gone else ""
            row.set_mark(words, is_current=words == OPEN_NOW)
            row.setEnabled(path not in self._gone)

    def _take_gone(self, gone: object) -> None:
        assert isinstance(gone, list)
        focused = next((at for at, row in enumerate(self.rows) if row.hasFocus()), None)
        self._gone = set(gone)
        self.mark(self._is_open)
        if focused is not None:
            self._keep_focus(focused)

    def _fill(self) -> None:
        focused = next((at for at, row in enumerate(self.rows) if row.hasFocus()), None)
        for row in self.rows:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []
        for at, path in enumerate(self._paths):
            title, folder = printable(path.name), printable(str(path.parent))
            row = named(StartRow(title, folder, self._theme, wraps=False), f"startRecent_{at}")
            row.setToolTip(printable(str(path)))
            row.clicked.connect(partial(self._choose, path))
            self.rows.append(row)
            self._layout.addWidget(row)
            self.row_made.emit(row)
        if focused is not None:
            self._keep_focus(focused)

    def _keep_focus(self, place: int) -> None:
        """Keep the keyboard at its place in the list, or where the next row is that can be chosen."""
        left = [*self.rows[place:], *reversed(self.rows[:place])]
        row = next((row for row in left if row.isEnabled()), None)
        if row is not None:
            row.setFocus()
        else:
            self.focusNextChild()

    def _choose(self, path: Path, _checked: bool = False) -> None:
        self.chosen.emit(path)

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._layout.setSpacing(px(2))
        self._why_none.setContentsMargins(px(12), px(4), px(12), 0)


def _never(error: EmbedvizError) -> None:
    raise error  # looking raises none
