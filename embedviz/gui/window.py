"""The main window: composes the panels, and nothing else."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QMimeData, QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QLayout,
    QMainWindow,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.background import Background
from embedviz.gui.by_hand import HandEditor
from embedviz.gui.commands import Commands
from embedviz.gui.controller import RunController
from embedviz.gui.hand_words import edits_in_words
from embedviz.gui.notices import NoticeBar, Notices
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.panels.tokens import TokensPanel
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.presentation import Presentation
from embedviz.gui.progress_bar import ReadingBar
from embedviz.gui.row_flight import RowFlight
from embedviz.gui.screen_fit import ScreenFit, room_on
from embedviz.gui.settings import Settings
from embedviz.gui.start_place import StartPlace
from embedviz.gui.state import AppState
from embedviz.gui.status import StatusLine
from embedviz.gui.step_through import StepThrough
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.topbar import TopBar
from embedviz.gui.widgets import named

FIRST_SIZE = (1440, 900)  # pixels, where the screen has room for it
NARROW_WIDTH = 1200  # designed pixels: below it the panels become tabs
MINIMUM_SIZE = (880, 588)  # designed pixels: below it the tabs have no room either
COLUMNS = (23, 53, 24)  # shares of the width
ROWS = (68, 32)  # of the height


class MainWindow(QMainWindow):
    """Four panels on one state. `first_painted` comes once, when there is something to see."""

    first_painted = Signal()

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        notices: Notices,
        settings: Settings,
        theme: Theme,
    ) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("embedviz")
        self.setAcceptDrops(True)
        self._state = state
        self._controller = controller
        self._settings = settings
        self.theme = theme
        self.texts = TextOpener(state, controller, notices, settings, self)
        self.presentation = Presentation(self, theme)
        self.steps = StepThrough(state, controller, self)
        self.hand = HandEditor(state, controller, self)
        self.start = StartPlace(self, state, self.texts, settings, theme)
        commands = Commands(
            self,
            state,
            controller,
            self.texts,
            notices,
            settings,
            self.presentation,
            self.steps,
            self.hand,
            self.start,
            theme,
        )
        self.actions_by_name = commands.actions
        table = LookupTablePanel(state, controller, self.hand, theme)
        table.recut_wanted.connect(self.texts.apply)
        training = TrainingPanel(state, controller, self.steps, self.actions_by_name, theme)
        self._panels: dict[str, QWidget] = {
            "Tokens": TokensPanel(state, self.texts, self.actions_by_name, theme),
            "Lookup table": table,
            "Next token": NextTokenPanel(state, controller, theme),
            "Training": training,
        }
        self.flight = RowFlight(state, table.row_pictures, training.phases.picture_rect, self)
        self.top_bar = TopBar(state, self.texts, settings, self.actions_by_name, theme)
        self.notice_bar = NoticeBar(notices, theme)
        self.reading_bar = ReadingBar(self.texts, theme)
        self.status = StatusLine(self.statusBar(), state, controller, theme)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top_bar)
        layout.addWidget(self.notice_bar)
        layout.addWidget(self.reading_bar)
        self._place = self.start.layout
        layout.addLayout(self._place, 1)
        self.setCentralWidget(central)
        self._holder: QWidget | None = None
        self._is_wide: bool | None = None
        self._split: dict[str, QByteArray] = {}  # where a person put the handles, by the splitter's name
        self._fit = ScreenFit(self)
        self.resize(QSize(*FIRST_SIZE).boundedTo(room_on(self.screen())))
        self._arrange(wide=self._has_room())
        central.installEventFilter(self)
        central.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        central.setFocus()  # no field of the window claims keys before it is clicked
        state.document_changed.connect(self._show_title)
        self.hand.changed.connect(self._show_title)
        theme.changed.connect(self._restyle)
        self._restyle()

    def panel(self, title: str) -> QWidget:
        """Return a panel by its title."""
        return self._panels[title]

    # --- composition --------------------------------------------------------------------------------

    def _arrange(self, wide: bool) -> None:
        """Put the panels side by side, or into tabs where there is no room for that."""
        if wide == self._is_wide:
            return
        self._is_wide = wide
        self.top_bar.set_compact(not wide)
        old, focused = self._holder, self.focusWidget()
        for panel in self._panels.values():
            panel.setParent(None)
        if wide:
            self._holder = self._make_splitters()
        else:
            tabs = named(QTabWidget(), "panelTabs")
            for title, panel in self._panels.items():
                tabs.addTab(panel, title)
                if focused is not None and panel.isAncestorOf(focused):
                    tabs.setCurrentWidget(panel)
            self._holder = tabs
        self.start.hold(self._holder)
        if wide:  # tabs hide all panels but one
            for panel in self._panels.values():
                panel.show()
        if old is not None:  # gone at once: a layout with both would ask for twice the room
            self._place.removeWidget(old)
            old.setParent(None)
            old.deleteLater()
        if focused is not None:
            focused.setFocus()
        self._space()

    def _has_room(self) -> bool:
        """Tell whether the panels fit side by side, in the fonts and at the scale of now."""
        tokens, table, following, _ = self._panels.values()
        needed = sum(panel.minimumSizeHint().width() for panel in (tokens, table, following))
        return self.width() >= max(needed + 4 * self.theme.px(8), NARROW_WIDTH * self.theme.scale)

    def _make_splitters(self) -> QSplitter:
        tokens, table, following, training = self._panels.values()
        self._columns = named(QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False), "columns")
        for panel, share in zip((tokens, table, following), COLUMNS, strict=True):
            self._columns.addWidget(panel)
            self._columns.setStretchFactor(self._columns.count() - 1, share)
        self._rows = named(QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False), "rows")
        self._rows.addWidget(self._columns)
        self._rows.addWidget(training)
        for index, share in enumerate(ROWS):
            self._rows.setStretchFactor(index, share)
        self._columns.setSizes([share * 100 for share in COLUMNS])
        self._rows.setSizes([share * 100 for share in ROWS])
        for splitter in (self._columns, self._rows):
            splitter.restoreState(self._split.get(splitter.objectName(), QByteArray()))
            splitter.splitterMoved.connect(self._remember_split)
        return self._rows

    @Slot()
    def _remember_split(self) -> None:
        self._split = {splitter.objectName(): splitter.saveState() for splitter in (self._columns, self._rows)}

    def _space(self) -> None:
        self._fit.set_least(QSize(*(self.theme.px(length) for length in MINIMUM_SIZE)))
        gap = self.theme.px(8)
        self._place.setContentsMargins(gap, gap, gap, gap)
        if self._is_wide:
            self._columns.setHandleWidth(gap)
            self._rows.setHandleWidth(gap)

    # --- Qt's events --------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice the first paint of the centre."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self.first_painted.emit)
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose between columns and tabs."""
        super().resizeEvent(event)
        self._arrange(wide=self._has_room())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember how the window stood; end the trainer."""
        if self.presentation.is_on:
            self.presentation.toggle()
        self._settings.set("geometry", self.saveGeometry())
        for name, state in self._split.items():
            self._settings.set(name, state)
        self._settings.set("theme", self.theme.mode)
        self._settings.set("scale", self.theme.scale)
        self._settings.set("colour_blind", self._state.colour_blind)
        self._settings.sync()
        for background in self.findChildren(Background):
            background.stop()
        self._controller.end()
        super().closeEvent(event)

    def restore(self) -> None:
        """Stand as at the last closing."""
        if self._settings.flag("colour_blind"):
            self.actions_by_name["colourBlind"].trigger()
        self.restoreGeometry(self._settings.data("geometry"))
        self._split = {name: self._settings.data(name) for name in ("columns", "rows")}

    def showEvent(self, event: QShowEvent) -> None:
        """Put the handles where they were, now that the window has its size."""
        super().showEvent(event)
        QTimer.singleShot(0, self._restore_split)

    @Slot()
    def _restore_split(self) -> None:
        if self._is_wide:
            self._columns.restoreState(self._split.get("columns", QByteArray()))
            self._rows.restoreState(self._split.get("rows", QByteArray()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Return press the button that the keyboard is on: Space plays."""
        button = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QAbstractButton):
            button.click()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and texts; a link to a page is neither."""
        data = event.mimeData()
        if _files(data) or (data.hasText() and not data.hasUrls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Train on what is dropped."""
        files = _files(event.mimeData())
        if files:
            self.texts.open_path(files[0])
        else:
            self.texts.open_text(event.mimeData().text(), "Dropped text")
        event.acceptProposedAction()

    # --- from the state -----------------------------------------------------------------------------

    @Slot()
    def _show_title(self) -> None:
        document = self._state.document
        if document is not None:
            by_hand = " – edited by hand" if edits_in_words(self.hand.edits) else ""
            self.setWindowTitle(f"{document.corpus.name}{by_hand} – embedviz")

    @Slot()
    def _restyle(self) -> None:
        self._space()
        for layout in self.findChildren(QLayout):
            layout.invalidate()  # what is hidden in a tab would keep the room it needed before
        if self.isVisible():
            self._arrange(wide=self._has_room())


def _files(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
