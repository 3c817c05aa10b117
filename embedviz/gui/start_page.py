"""The start page: texts opened before, samples and models, each one click away. It never opens by itself."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from embedviz import catalog
from embedviz.gui.actions import ACTIONS
from embedviz.gui.copying import source_of
from embedviz.gui.icons import app_icon
from embedviz.gui.settings import Settings
from embedviz.gui.start_row import StartRow
from embedviz.gui.state import AppState
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named
from embedviz.text.reading import printable

WIDEST = 1200  # designed pixels of both columns: longer lines are hard to read
SHARES = (9, 11)  # of the width: explanations of models are longer than names of files
ICON = 48
PROMISE = "See how a language model learns its embeddings: live, on your own text, offline."
EMPTY = "Nothing opened yet: open a text, or drop one on the window."
OPEN_NOW, TRAINED_NOW, GONE = "open now", "trained now", "gone"


class StartPage(QFrame):
    """Two columns of rows: what one's own texts are, and what ships with the app. `done` when one was chosen."""

    done = Signal()

    def __init__(self, state: AppState, texts: TextOpener, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.setProperty("card", True)
        named(self, "startPage", says="Start page")
        self._state = state
        self._texts = texts
        self._settings = settings
        self._theme = theme
        self._entries: list[tuple[Path, bool]] = []
        self._recent: list[StartRow] = []
        specs = {spec.name: spec for spec in ACTIONS}
        self._open = [
            self._add_row(specs["openText"].title, specs["openText"].tip, texts.choose, "startOpen"),
            self._add_row(specs["paste"].title, specs["paste"].tip, texts.paste, "startPaste"),
        ]
        for row, name in zip(self._open, ("openText", "paste"), strict=True):
            row.set_mark(specs[name].keys[0])
        self._samples = {
            sample.name: self._add_row(
                sample.title, sample.line, partial(self._open_sample, sample.name), f"startSample_{sample.name}"
            )
            for sample in texts.samples()
        }
        self._models = {
            entry.name: self._add_row(
                entry.title, entry.line, partial(self._choose_model, entry.name), f"startModel_{entry.name}"
            )
            for entry in catalog.MODELS.values()
        }
        self._empty = caption(EMPTY)
        self._empty.setWordWrap(True)
        self._lay_out()
        for signal in (state.document_changed, state.run_changed):
            signal.connect(self._show_marks)
        texts.failed.connect(self.refresh)  # what was chosen may be gone since the page was filled
        theme.changed.connect(self._restyle)
        self._restyle()

    def take_focus(self) -> None:
        """Put the keyboard on the first row."""
        self._scroll.verticalScrollBar().setValue(0)
        self._open[0].setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def refresh(self) -> None:
        """Look which texts were opened, which of them are still there, and what is open now."""
        entries = self._settings.recent_entries()
        if entries != self._entries:
            self._entries = entries
            self._fill_recent()
        self._show_marks()

    # --- composition --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._icon = QLabel()
        self._back = named(QPushButton("Back to the panels"), "startBack", tip="Leave the start page (Esc)")
        self._back.clicked.connect(self.done)
        self._header = QHBoxLayout()
        self._header.addWidget(self._icon)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(_title("embedviz"))
        promise = caption(PROMISE)
        promise.setWordWrap(True)
        words.addWidget(promise)
        words.addStretch(1)
        self._header.addLayout(words, 1)
        self._header.addWidget(self._back)
        self._recent_rows = QVBoxLayout()
        self._recent_rows.addWidget(self._empty)
        self._sides = (QVBoxLayout(), QVBoxLayout())
        self._headings = [
            _add_section(self._sides[0], "A text of your own", self._open),
            _add_section(self._sides[0], "Opened before", self._recent_rows),
            _add_section(self._sides[1], "Samples", self._samples.values()),
            _add_section(self._sides[1], "Models", self._models.values()),
        ]
        self._columns = QHBoxLayout()
        for side, share in zip(self._sides, SHARES, strict=True):
            side.addStretch(1)
            self._columns.addLayout(side, share)
        self._inner = QWidget()
        self._body = QVBoxLayout(self._inner)
        self._body.addLayout(self._header)
        self._body.addLayout(self._columns, 1)
        content = named(QWidget(), "startContent")
        centred = QHBoxLayout(content)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(self._inner, 1000)
        centred.addStretch(1)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(content)
        self._scroll.setStyleSheet("QScrollArea, #startContent { background: transparent; }")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._scroll)

    def _add_row(
        self, title: str, line: str, chosen: Callable[[], object], name: str, *, wraps: bool = True
    ) -> StartRow:
        row = named(StartRow(title, line, self._theme, wraps=wraps), name)
        row.clicked.connect(lambda: chosen())  # without the button's state
        row.walked.connect(self._walk)
        return row

    def _fill_recent(self) -> None:
        """Make a row for each text opened before; the keyboard stays at its place in the list."""
        place = next((at for at, row in enumerate(self._recent) if row.hasFocus()), None)
        for row in self._recent:
            self._recent_rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._recent = []
        before: QWidget = self._open[-1]
        for at, (path, is_there) in enumerate(self._entries):
            folder = printable(str(path.parent))
            row = self._add_row(
                printable(path.name), folder, partial(self._open_path, path), f"startRecent_{at}", wraps=False
            )
            row.setToolTip(printable(str(path)))
            row.setEnabled(is_there)
            self._recent.append(row)
            self._recent_rows.addWidget(row)
            QWidget.setTabOrder(before, row)
            before = row
        self._empty.setVisible(not self._recent)
        if place is not None:
            there = [row for row in self._recent[place:] if row.isEnabled()]
            (there or self._open)[0].setFocus()

    # --- the keyboard -------------------------------------------------------------------------------

    @property
    def _rows(self) -> tuple[list[StartRow], list[StartRow]]:
        """The rows that can be chosen, of the left and of the right column."""
        left = [row for row in (*self._open, *self._recent) if row.isEnabled()]
        return left, [*self._samples.values(), *self._models.values()]

    @Slot(int)
    def _walk(self, key: int) -> None:
        """Go up and down through both columns, or across to the row that is nearest in height."""
        row, (left, right) = self.sender(), self._rows
        assert isinstance(row, StartRow)
        every = [*left, *right]
        at = every.index(row)
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            at += 1 if key == Qt.Key.Key_Down else -1
            target = every[min(max(at, 0), len(every) - 1)]
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            target = every[0 if key == Qt.Key.Key_Home else -1]
        else:
            height = _height(row)
            target = min(left if key == Qt.Key.Key_Left else right, key=lambda other: abs(_height(other) - height))
            target = row if (row in left) == (key == Qt.Key.Key_Left) else target
        target.setFocus(Qt.FocusReason.OtherFocusReason)
        self._scroll.ensureWidgetVisible(target, 0, self._theme.px(40))

    # --- what is chosen -----------------------------------------------------------------------------

    def _open_path(self, path: Path) -> None:
        if self._is_open(path) or self._texts.open_path(path):
            self.done.emit()

    def _open_sample(self, name: str) -> None:
        if self._samples[name].is_current or self._texts.open_sample(name):
            self.done.emit()

    def _choose_model(self, name: str) -> None:
        config = self._state.config
        if name == config.model or self._texts.apply(config.with_model(name)):
            self.done.emit()

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_marks(self) -> None:
        """Mark what is open and what is trained now."""
        document = self._state.document
        source = source_of(document.corpus) if document is not None else None
        for name, row in self._samples.items():
            _mark(row, OPEN_NOW, source is not None and (source.kind, source.name) == ("sample", name))
        for (path, is_there), row in zip(self._entries, self._recent, strict=True):
            _mark(row, OPEN_NOW, self._is_open(path), "" if is_there else GONE)
        for name, row in self._models.items():
            _mark(row, TRAINED_NOW, name == self._state.config.model)

    def _is_open(self, path: Path) -> bool:
        document = self._state.document
        return document is not None and document.corpus.path == path

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._icon.setPixmap(app_icon().pixmap(QSize(px(ICON), px(ICON)), self.devicePixelRatioF()))
        self._inner.setMaximumWidth(px(WIDEST))
        self._header.setSpacing(px(12))
        self._body.setContentsMargins(px(24), px(20), px(24), px(20))
        self._body.setSpacing(px(12))
        self._columns.setSpacing(px(32))
        for column in (*self._sides, self._recent_rows):
            column.setSpacing(px(2))
        for heading in self._headings:
            heading.setContentsMargins(px(12), px(12), 0, px(2))
        self._empty.setContentsMargins(px(12), px(4), px(12), 0)


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "title")
    return label


def _add_section(side: QVBoxLayout, title: str, rows: QVBoxLayout | Iterable[QWidget]) -> QLabel:
    """Put a heading and rows into a column; return the heading."""
    heading = _title(title)
    side.addWidget(heading)
    if isinstance(rows, QVBoxLayout):
        side.addLayout(rows)
    else:
        for row in rows:
            side.addWidget(row)
    return heading


def _mark(row: StartRow, words: str, is_current: bool, otherwise: str = "") -> None:
    mark = words if is_current else otherwise
    if (mark, is_current) != (row.mark, row.is_current):
        row.set_mark(mark, is_current=is_current)


def _height(row: StartRow) -> int:
    """Return how far down the page the middle of a row is."""
    return row.mapTo(row.window(), QPoint(0, row.height() // 2)).y()
