"""The choice of a tokenizer: a switch of those that are made from the text, and a menu of what else there is."""

from PySide6.QtCore import QSize, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QSizePolicy, QToolButton, QWidget

from embedviz import catalog
from embedviz.gui.state import AppState
from embedviz.gui.texts import TextOpener
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Segments, named


class TokenizerSegments(Segments):
    """The switch; none is on while a tokenizer from a file is in use."""

    def show_choice(self, name: str) -> None:
        """Switch without saying so; switch all off if `name` is not among them."""
        self._group.setExclusive(False)
        for option, button in self._buttons.items():
            button.setChecked(option == name)
        self._group.setExclusive(True)


class MoreButton(QToolButton):
    """A button with a menu and without the room for the arrow that its dots stand for."""

    def sizeHint(self) -> QSize:
        """Return room for the text and the style sheet's padding."""
        metrics = self.fontMetrics()  # more than the padding is, for scaled fonts are wider than they say
        width = metrics.horizontalAdvance(self.text()) + round(1.4 * metrics.height())
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()


class TokenizerChoice(QWidget):
    """Char, byte, word, subword; and `more`, a button for what has its place where there is room.

    Its menu has the vocabulary's size, a tokenizer.json, and the tokenizers' own pictures.
    """

    def __init__(
        self,
        state: AppState,
        texts: TextOpener,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._texts = texts
        self.segments = TokenizerSegments(
            (
                (entry.name, entry.title, entry.line)
                for entry in catalog.TOKENIZERS.values()
                if entry.name != "file"
            ),
            theme,
        )
        named(self.segments, "tokenizerSegments", says="Tokenizer")
        self.more = named(MoreButton(), "tokenizerMenu", says="More on tokenizers", tip="More on tokenizers")
        self.more.setText("More…")
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the dots say it
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        menu.setToolTipsVisible(True)
        self._size = menu.addAction("Vocabulary size…")
        self._size.setToolTip(catalog.SETTINGS["vocab_size"].line)
        self._size.triggered.connect(self._ask_size)
        for name in ("openTokenizer", "sideBySide", "merges"):
            menu.addAction(actions[name])
        self.more.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.px(4))
        layout.addWidget(self.segments)
        layout.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.segments.chosen.connect(self._choose)
        for signal in (texts.asked, texts.opened, texts.failed, state.document_changed):
            signal.connect(self._show)
        self._show()

    @Slot(str)
    def _choose(self, name: str) -> None:
        self._texts.set_tokenizer(name)

    @Slot()
    def _ask_size(self) -> None:
        setting = catalog.SETTINGS["vocab_size"]
        size, accepted = QInputDialog.getInt(
            self.window(),
            "Vocabulary size",
            f"{setting.line}\nTokens:",
            self._texts.config.vocab_size,
            int(setting.minimum),
            int(setting.maximum),
        )
        if accepted:
            self._texts.set_vocab_size(size)

    @Slot()
    def _show(self) -> None:
        """Show what is asked for; after a refusal that is what it was before."""
        name = self._texts.config.tokenizer
        self.segments.show_choice(name)
        self._size.setEnabled("vocab_size" in catalog.TOKENIZERS[name].settings)
