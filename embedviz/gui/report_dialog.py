"""Shows what crashed processes wrote, to be read, copied to whoever can mend it, or deleted."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.crash_reports import Report, sentence, whole_text
from embedviz.gui.folders import open_folder
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import caption, named

LINE = "Written by embedviz as it happened. It is on this machine alone: nobody else has seen it."


class ReportDialog(QDialog):
    """The reports as text. Deleting them closes the dialog."""

    def __init__(self, reports: Sequence[Report], theme: Theme, parent: QWidget | None = None) -> None:
        """Take the newest report first; there is at least one."""
        super().__init__(parent)
        self.setObjectName("reportDialog")
        self.setWindowTitle("What went wrong")
        self._reports = reports
        self._theme = theme
        self._title = named(QLabel(sentence(reports, datetime.now()), wordWrap=True), "reportTitle")
        self._title.setProperty("role", "title")
        self._line = caption(LINE)
        self._line.setWordWrap(True)
        self._text = self._make_text()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        layout.setSpacing(theme.px(8))
        layout.addWidget(self._title)
        layout.addWidget(self._line)
        layout.addWidget(self._text, 1)
        layout.addLayout(self._make_foot())
        theme.changed.connect(self._restyle)
        self._restyle()
        room = self.screen().availableSize()
        self.resize(min(theme.px(760), room.width() - 40), min(theme.px(520), room.height() - 80))

    def _make_text(self) -> QPlainTextEdit:
        text = named(QPlainTextEdit(whole_text(self._reports)), "reportText", says="Report")
        text.setCursorWidth(0)
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        return text

    def _make_foot(self) -> QHBoxLayout:
        self._said = named(caption(), "reportSaid")
        self._said.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for words, name, act in (
            ("Copy", "reportCopy", self._copy),
            ("Open folder", "reportFolder", self._open_folder),
            ("Delete", "reportDelete", self._delete),
        ):
            button = named(QPushButton(words), name)
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
            button.clicked.connect(act)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        foot = QHBoxLayout()
        foot.addWidget(self._said, 1)
        foot.addWidget(buttons)
        return foot

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text.toPlainText())
        self._said.setText("Copied.")

    @Slot()
    def _open_folder(self) -> None:
        folder = self._reports[0].path.parent
        if not open_folder(folder):
            self._said.setText(f"Nothing on this machine opens folders: it is {folder}.")

    @Slot()
    def _delete(self) -> None:
        for report in self._reports:
            with suppress(OSError):  # gone already, or not ours to delete: it is bounded anyway
                report.path.unlink()
        self.accept()

    @Slot()
    def _restyle(self) -> None:
        self._text.setFont(self._theme.font(Role.CAPTION, mono=True))
