"""What the switches of a model changed: weights part by part, tables and first loss, of this run and the last."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from embedviz.gui.model_starts import ModelStart, Row, changes, sentences, start_rows, weight_rows
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import ElidedLabel, caption, named

WAITING = "The trainer counts the weights when it has made them."
NOT_STARTED = "No run has started: choose another text or other settings."
NOW, BEFORE, SAME = "now", "before", "same"
GAP = 12  # designed pixels, between the tables
SCROLL_BAR, MARGIN = 10, 4


class FactsTable(QWidget):
    """A few rows of names and numbers; what differs from the run before is set in bold."""

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = title
        self._rows: tuple[Row, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)

    def set_rows(self, rows: list[Row]) -> None:
        """Show `rows`; the column of the run before is there only where one is known."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        self.rebuild()

    def rebuild(self) -> None:
        """Make the labels anew, as the theme is now."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self._grid.setHorizontalSpacing(self._theme.px(5))
        self._grid.setVerticalSpacing(0)
        compares = any(row.before for row in self._rows)
        self._put(0, 0, self._title, bold=True)
        for column, word in ((1, BEFORE), (2, NOW)) if compares else ():
            self._put(0, column, word, muted=True)
        for line, row in enumerate(self._rows, start=1):
            differs = compares and row.now != row.before
            self._put(line, 0, row.name, muted=True)
            if compares:
                self._put(line, 1, row.before if differs else SAME, muted=True)
            label = self._put(line, 2, row.now, bold=differs)
            label.setAccessibleName(f"{row.name}: {row.now}" + (f", before {row.before}" if compares else ""))

    def _put(self, line: int, column: int, text: str, *, bold: bool = False, muted: bool = False) -> QLabel:
        label = caption(text) if muted else QLabel(text)
        label.setFont(self._theme.font(Role.CAPTION, bold=bold))
        label.setTextFormat(Qt.TextFormat.PlainText)
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        self._grid.addWidget(label, line, column, side)
        label.show()  # now, not with the next event: how wide the table is decides where it stands
        return label


class ModelFacts(QScrollArea):
    """What the switches changed in a line, two small tables, and all in sentences; keeps the last two starts.

    What a switch changed comes first, then how the run started: these are seen where there is little room.
    """

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._now: ModelStart | None = None
        self._before: ModelStart | None = None
        named(self, "modelFacts", says="What the model is made of")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(1, 1)  # it scrolls: panels keep their heights
        self._page = QWidget()
        self._tables = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self.weights, self.start = FactsTable("Weights", theme), FactsTable("Start", theme)
        self.changed = named(ElidedLabel(), "modelChanges")
        self._words = caption()
        self._fill()
        state.run_changed.connect(self.refresh)
        state.unit_changed.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def now(self) -> ModelStart | None:
        """The model of this run, as it was made."""
        return self._now

    @property
    def before(self) -> ModelStart | None:
        """The last model that was made otherwise."""
        return self._before

    @property
    def words(self) -> str:
        """The sentences under the tables, or why nothing is shown."""
        return self._words.text()

    @Slot()
    def refresh(self) -> None:
        """Take what the trainer told of the run, if it is another one, and show it."""
        run, document = self._state.run, self._state.document
        start = None if document is None else ModelStart.of(run, document.vocab_size)
        if start is not None:
            self._take(start)
        is_known = self._now is not None and self._now.run_id == run.run_id
        self.weights.setVisible(is_known)
        self.start.setVisible(is_known)
        self.changed.setVisible(False)
        if self._now is None or not is_known:
            self._words.setText(NOT_STARTED if run.phase is Phase.REFUSED else WAITING)
            return
        self.weights.set_rows(weight_rows(self._now, self._before))
        self.start.set_rows(start_rows(self._now, self._before, self._state.unit))
        self.changed.setFont(
            self._theme.font(Role.CAPTION, bold=True)
        )  # after the style sheet, which takes it back
        self.changed.setText(" ".join(changes(self._now, self._before)))
        self.changed.setVisible(bool(self.changed.text()))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the tables where they have room."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put one table under the other where they do not fit side by side."""
        needed = sum(table.sizeHint().width() for table in (self.start, self.weights))
        room = self.width() - self._theme.px(SCROLL_BAR + MARGIN + GAP)
        is_narrow = needed > room
        self._tables.setDirection(
            QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        )
        width = max(1, self.width() - self._theme.px(SCROLL_BAR))
        self._page.setMaximumWidth(width)
        if self.start.isVisibleTo(self._page) and self._now is not None:
            needed = self.changed.fontMetrics().horizontalAdvance(self.changed.text())
            told = changes(self._now, self._before) if needed <= width - self._theme.px(MARGIN) else []
            self._words.setText("\n".join(said for said in sentences(self._now) if said not in told))

    def _take(self, start: ModelStart) -> None:
        last = self._now
        if last is not None and last.run_id != start.run_id and not last.is_alike(start):
            self._before = last
        self._now = start

    def _fill(self) -> None:
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._tables.addWidget(self.start, 1, Qt.AlignmentFlag.AlignTop)
        self._tables.addWidget(self.weights, 1, Qt.AlignmentFlag.AlignTop)
        column = self._column = QVBoxLayout(self._page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.changed)
        column.addLayout(self._tables)
        column.addWidget(self._words)
        column.addStretch(1)
        self.setWidget(self._page)
        self._page.setAutoFillBackground(False)  # the card is behind it
        self.viewport().setAutoFillBackground(False)

    @Slot()
    def _restyle(self) -> None:
        self._tables.setSpacing(self._theme.px(GAP))
        self._column.setSpacing(self._theme.px(4))
        self._page.setContentsMargins(0, 0, self._theme.px(MARGIN), 0)
        for table in (self.weights, self.start):
            table.rebuild()
        self.refresh()
