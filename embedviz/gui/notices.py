"""Notices: one sentence at the top of the window, with one thing to do about it; never a stack trace."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QPushButton, QSizePolicy, QWidget

from embedviz.gui.theme import Theme
from embedviz.gui.widgets import named


@dataclass(frozen=True)
class Notice:
    """What to tell. A newer notice of the same topic replaces the older one."""

    sentence: str
    details: str = ""
    topic: str = ""
    action: str = ""
    on_action: Callable[[], None] | None = None


class Notices(QObject):
    """What there is to tell, newest last."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pending: list[Notice] = []

    def show(self, notice: Notice) -> None:
        """Tell; does nothing if exactly this is being told already."""
        if notice in self.pending:
            return
        if any(old.topic == notice.topic and old.sentence == notice.sentence for old in self.pending):
            return
        self.pending = [old for old in self.pending if not notice.topic or old.topic != notice.topic]
        self.pending.append(notice)
        self.changed.emit()

    def withdraw(self, topic: str) -> None:
        """Stop telling anything of `topic`."""
        remaining = [notice for notice in self.pending if notice.topic != topic]
        if len(remaining) != len(self.pending):
            self.pending = remaining
            self.changed.emit()

    def dismiss(self) -> None:
        """Take away the newest."""
        if self.pending:
            self.pending.pop()
            self.changed.emit()


class NoticeBar(QFrame):
    """Shows the newest notice; takes no room while there is none."""

    def __init__(self, notices: Notices, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._notices = notices
        self._theme = theme
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._action = named(QPushButton(), "noticeAction")
        self._details = QPushButton("Details")
        self._close = named(QPushButton("Dismiss"), "noticeDismiss")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.px(16), theme.px(8), theme.px(16), theme.px(8))
        for widget in (self._text, self._action, self._details, self._close):
            layout.addWidget(widget)
        self._action.clicked.connect(self._act)
        self._details.clicked.connect(self._show_details)
        self._close.clicked.connect(notices.dismiss)
        notices.changed.connect(self._refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._refresh()

    @property
    def sentence(self) -> str:
        """What is being told; empty if nothing."""
        return self._text.text() if not self.isHidden() else ""

    @Slot()
    def _refresh(self) -> None:
        self.setVisible(bool(self._notices.pending))
        if not self._notices.pending:
            return
        notice = self._notices.pending[-1]
        self._text.setText(notice.sentence)
        self._text.setAccessibleName(notice.sentence)
        self._action.setVisible(notice.on_action is not None)
        self._action.setText(notice.action)
        self._details.setVisible(bool(notice.details))

    @Slot()
    def _act(self) -> None:
        notice = self._notices.pending[-1]
        self._notices.dismiss()
        if notice.on_action is not None:
            notice.on_action()

    @Slot()
    def _show_details(self) -> None:
        notice = self._notices.pending[-1]
        box = QMessageBox(QMessageBox.Icon.Information, "embedviz", notice.sentence, parent=self.window())
        box.setDetailedText(notice.details)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    @Slot()
    def _restyle(self) -> None:
        c = self._theme.colours
        self.setStyleSheet(
            f"#noticeBar {{ background: {c.card}; border-bottom: 2px solid {c.warning}; }}"
            f"#noticeBar QLabel {{ color: {c.ink}; }}"
        )
