"""Help > About: what this is, and the facts that whoever helps would ask for."""

from html import escape

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication, QTextOption
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from embedviz import __version__
from embedviz.files import is_packaged
from embedviz.gui import crash_reports
from embedviz.gui.about_facts import Facts, as_text, facts
from embedviz.gui.controller import RunController
from embedviz.gui.crash_log import crash_folder
from embedviz.gui.folders import open_folder
from embedviz.gui.icons import app_icon
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named

ICON = 64  # designed pixels
WHAT = "See how a language model learns its embeddings."
LOCAL = "Everything is computed on this machine; nothing leaves it."


class AboutDialog(QDialog):
    """Follows the trainer while it is open: its version and its devices are known once it is warm."""

    def __init__(
        self,
        controller: RunController,
        state: AppState,
        settings: Settings,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("aboutDialog")
        self.setWindowTitle("About embedviz")
        self._controller = controller
        self._state = state
        self._settings = settings
        self._theme = theme
        self._facts: Facts = ()
        self._table = named(QTextEdit(readOnly=True), "aboutFacts", says="Versions, devices and paths")
        self._table.setTabChangesFocus(True)
        self._table.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._table.setCursorWidth(0)  # it is not to be written in
        self._table.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._said = named(caption(), "aboutSaid")
        self._said.setWordWrap(True)
        buttons = self._make_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        layout.setSpacing(theme.px(12))
        layout.addLayout(self._make_head())
        layout.addWidget(self._table, 1)
        foot = QHBoxLayout()
        foot.addWidget(self._said, 1)
        foot.addWidget(buttons)
        layout.addLayout(foot)
        state.run_changed.connect(self._refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._fit()

    def _make_head(self) -> QHBoxLayout:
        picture = named(QLabel(), "aboutIcon", says="Icon of embedviz")
        size = self._theme.px(ICON)
        picture.setPixmap(app_icon().pixmap(QSize(size, size), self.devicePixelRatioF()))
        title = QLabel(f"embedviz {__version__}")
        title.setProperty("role", "title")
        others = "; third parties’ licences are in the folder ‘licences’" if is_packaged() else ""
        words = QVBoxLayout()
        words.setSpacing(self._theme.px(2))
        for label in (title, QLabel(WHAT), caption(f"MIT licence{others}. {LOCAL}")):
            label.setWordWrap(True)
            words.addWidget(label)
        head = QHBoxLayout()
        head.setSpacing(self._theme.px(16))
        head.addWidget(picture)
        head.addLayout(words, 1)
        return head

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = named(QPushButton("Copy"), "aboutCopy", tip="Copy all this as plain text.")
        copy.clicked.connect(self._copy)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        folder = crash_folder()
        if crash_reports.last(folder) is not None:
            report = named(QPushButton("Show last report"), "aboutReport", tip="Read what went wrong last.")
            report.clicked.connect(self._show_report)
            buttons.addButton(report, QDialogButtonBox.ButtonRole.ActionRole)
        if folder is not None and folder.is_dir():
            show = named(QPushButton("Open crash log folder"), "aboutFolder")
            show.clicked.connect(self._open_folder)
            buttons.addButton(show, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        return buttons

    def _fit(self) -> None:
        """Take the room that the facts need, as far as the screen has it."""
        room = self.screen().availableSize()
        width = min(self._theme.px(640), room.width() - 40)
        document = self._table.document()
        document.setTextWidth(width - self._theme.px(2 * 24 + 8))
        self._table.setMinimumHeight(self._theme.px(64))
        self.resize(width, self.sizeHint().height())
        others = self.sizeHint().height() - self._table.sizeHint().height()
        self.resize(width, min(others + round(document.size().height()) + self._theme.px(24), room.height() - 80))

    @Slot()
    def _refresh(self) -> None:
        """Show the facts of now; what is selected stays so if they are the same."""
        found = facts(self._controller, self._state, self._settings, self.screen())
        if found != self._facts:
            self._facts = found
            self._table.setHtml(self._as_html(found))

    def _as_html(self, groups: Facts) -> str:
        colours, px = self._theme.colours, self._theme.px
        rows: list[str] = []
        for title, entries in groups:
            above = px(10) if rows else 0
            rows.append(f'<tr><td colspan="2" style="padding-top:{above}px"><b>{escape(title)}</b></td></tr>')
            for name, fact in entries:
                muted = f'style="color:{colours.muted}; padding-right:{px(16)}px; white-space:nowrap"'
                rows.append(f"<tr><td {muted}>{escape(name)}</td><td>{escape(fact)}</td></tr>")
        return f'<table cellspacing="0" cellpadding="{px(1)}">{"".join(rows)}</table>'

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(self._facts))
        self._said.setText("Copied.")

    @Slot()
    def _show_report(self) -> None:
        from embedviz.gui.report_dialog import ReportDialog  # which few will ever need

        report = crash_reports.last(crash_folder())
        if report is None:
            self._said.setText("The report was deleted.")
            return
        dialog = ReportDialog([report], self._theme, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @Slot()
    def _open_folder(self) -> None:
        folder = crash_folder()
        if folder is not None and not open_folder(folder):
            self._said.setText("Nothing on this machine opens folders: the path is in the list.")

    @Slot()
    def _restyle(self) -> None:
        c, px = self._theme.colours, self._theme.px
        self._table.setStyleSheet(
            f"QTextEdit {{ background: {c.well}; color: {c.ink}; border: 1px solid {c.line};"
            f" border-radius: {px(6)}px; padding: {px(4)}px {px(8)}px;"
            f" selection-background-color: {c.model}; selection-color: {c.on_accent}; }}"
        )
        self._facts = ()
        self._refresh()
