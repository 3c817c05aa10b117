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
from embedviz.gui.start_recent import OPEN_NOW, RecentTexts
from embedviz.gui.start_row import StartRow
from embedviz.gui.state import AppState
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named

WIDEST = 1200  # designed pixels of both columns: longer lines are hard to read
SHARES = (9, 11)  # of the width: explanations of models are longer than names of files
ICON = 48
PROMISE = "See how a language model learns its embeddings: live, on your own text, offline."
TRAINED_NOW = "trained now"


class StartPage(QFrame):
    """Two columns of rows: what one's own texts are, and what ships with the app. `done` when one was chosen."""

    done = Signal()

    def __init__(self, state: AppState, texts: TextOpener, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.setProperty("card", True)
        named(self, "startPage", says="Start page")
        self._state = state
        self._texts = texts
        self._theme = theme
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
        self._recent = RecentTexts(settings, theme)
        self._recent.row_made.connect(self._add_recent)
        self._recent.chosen.connect(self._open_path)
        self._lay_out()
        for signal in (state.document_changed, state.run_changed):
            signal.connect(self._show_marks)
        texts.failed.connect(self._look_again)
        theme.changed.connect(self._restyle)
        self._restyle()

    def take_focus(self) -> None:
        """Put the keyboard on the first row."""
        self._scroll.verticalScrollBar().setValue(0)
        self._open[0].setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def refresh(self) -> None:
        """Show which texts were opened and what is open now, and look which texts are still there."""
        self._recent.refresh()
        self._show_marks()

    @Slot()
    def _look_again(self) -> None:
        """Look whether what was chosen is gone since the page was filled."""
        if self.isVisible():
            self.refresh()

    # --- composition --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._sides = (QVBoxLayout(), QVBoxLayout())
        self._headings = [
            _add_section(self._sides[0], "A text of your own", self._open),
            _add_section(self._sides[0], "Opened before", [self._recent]),
            _add_section(self._sides[1], "Samples", self._samples.values()),
            _add_section(self._sides[1], "Models", self._models.values()),
        ]
        self._columns = QHBoxLayout()
        for side, share in zip(self._sides, SHARES, strict=True):
            side.addStretch(1)
            self._columns.addLayout(side, share)
        self._inner = QWidget()
        self._body = QVBoxLayout(self._inner)
        self._header = self._make_header()
        self._body.addLayout(self._header)
        self._body.addLayout(self._columns, 1)
        content = named(QWidget(), "startContent")
        centred = QHBoxLayout(content)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(self._inner, 1000)
        centred.addStretch(1)
        self._scroll = _scrolled(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._scroll)

    def _make_header(self) -> QHBoxLayout:
        self._icon = QLabel()
        back = named(QPushButton("Back to the panels"), "startBack", tip="Leave the start page (Esc)")
        back.clicked.connect(self.done)
        promise = caption(PROMISE)
        promise.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(_title("embedviz"))
        words.addWidget(promise)
        words.addStretch(1)
        header = QHBoxLayout()
        header.addWidget(self._icon)
        header.addLayout(words, 1)
        header.addWidget(back)
        return header

    def _add_row(self, title: str, line: str, chosen: Callable[[], object], name: str) -> StartRow:
        row = named(StartRow(title, line, self._theme), name)
        row.clicked.connect(lambda: chosen())  # without the button's state
        row.walked.connect(self._walk)
        return row

    @Slot(StartRow)
    def _add_recent(self, row: StartRow) -> None:
        """Let the keyboard come to a new row, behind the one above it."""
        row.walked.connect(self._walk)
        above = [*self._open, *self._recent.rows[:-1]][-1]
        QWidget.setTabOrder(above, row)

    # --- the keyboard -------------------------------------------------------------------------------

    @property
    def _rows(self) -> tuple[list[StartRow], list[StartRow]]:
        """The rows that can be chosen, of the left and of the right column."""
        left = [row for row in (*self._open, *self._recent.rows) if row.isEnabled()]
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

    @Slot(Path)
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
        self._recent.mark(self._is_open)
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
        for column in self._sides:
            column.setSpacing(px(2))
        for heading in self._headings:
            heading.setContentsMargins(px(12), px(12), 0, px(2))


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "title")
    return label


def _add_section(side: QVBoxLayout, title: str, rows: Iterable[QWidget]) -> QLabel:
    """Put a heading and rows into a column; return the heading."""
    heading = _title(title)
    side.addWidget(heading)
    for row in rows:
        side.addWidget(row)
    return heading


def _scrolled(content: QWidget) -> QScrollArea:
    """Return an area without a frame of its own, that scrolls down only, and not by the keyboard."""
    scroll = QScrollArea(widgetResizable=True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(content)
    scroll.setStyleSheet("QScrollArea, #startContent { background: transparent; }")
    return scroll


def _mark(row: StartRow, words: str, is_current: bool) -> None:
    row.set_mark(words if is_current else "", is_current=is_current)


def _height(row: StartRow) -> int:
    """Return how far down the page the middle of a row is."""
    return row.mapTo(row.window(), QPoint(0, row.height() // 2)).y()
