"""The window beside the window: the line in every tokenizer at once, and the merges of the subword one."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QLabel, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from embedviz.errors import EmbedvizError
from embedviz.gui.actions import ACTIONS
from embedviz.gui.background import Background, Job
from embedviz.gui.state import AT_ONCE, AppState
from embedviz.gui.theme import Theme
from embedviz.gui.tokenizer_views.companions import Companions, encode_lines, learn, replay, title
from embedviz.gui.tokenizer_views.merges import MergesView
from embedviz.gui.tokenizer_views.side_by_side import SideBySide
from embedviz.gui.widgets import named
from embedviz.text.corpus import Corpus
from embedviz.text.merges import MergeHistory
from embedviz.text.subword_tokenizer import SubwordTokenizer

PAGES = {"side": "Side by side", "merges": "Merges, one by one"}
ACTION_PAGES = {"sideBySide": "side", "merges": "merges"}  # whose keys turn to the page here too
NO_TEXT = "Open a text: its tokenizers are learned from it."
SIZE = (1100, 700)  # designed pixels
MARGIN = 0.92  # of the screen, at most

Key = tuple[int, str]  # what the tokenizers of a text depend on: the size asked for, the file
Work = tuple[str, Key, str]  # the stage, what for, the line


class TokenizerDialog(QDialog):
    """Prepares the tokenizers of the open text off the GUI thread, keeps them, and follows the own line.

    Nothing is computed while it is hidden. What was learned is kept for the text that is open.
    """

    def __init__(
        self, state: AppState, background: Background, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("tokenizerDialog")
        self.setWindowTitle("Tokenizers")
        self._state = state
        self._background = background
        self._theme = theme
        self._corpus: Corpus | None = None  # of all that follows
        self._companions: dict[Key, Companions] = {}
        self._histories: dict[Key, MergeHistory | str] = {}  # or the sentence that says why there is none
        self._at_work: Work | None = None
        self._lines_shown: tuple[Key, str] | None = None
        self._config_seen: tuple[Key, int] | None = None
        self.side_by_side = SideBySide(theme)
        self.merges = MergesView(theme)
        self._waiting = {name: named(_sentence(), f"waiting_{name}") for name in PAGES}
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.tabBar().setDrawBase(False)
        self._pages: dict[str, QStackedWidget] = {}
        for (name, words), view in zip(PAGES.items(), (self.side_by_side, self.merges), strict=True):
            page = self._pages[name] = QStackedWidget()
            page.addWidget(self._waiting[name])
            page.addWidget(view)
            self.tabs.addTab(page, words)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs)
        for spec in ACTIONS:
            for key in spec.keys if spec.name in ACTION_PAGES else ():
                turn = QShortcut(QKeySequence(key), self)
                turn.activated.connect(partial(self.show_page, ACTION_PAGES[spec.name]))
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._advance)
        self.tabs.currentChanged.connect(self._advance)
        state.document_changed.connect(self._soon.start)  # the config follows the document
        state.line_changed.connect(self._soon.start)
        state.run_changed.connect(self._check_config)
        background.progressed.connect(self._tell)
        theme.changed.connect(self._space)
        self._space()
        self._fit()

    def show_page(self, name: str) -> None:
        """Turn to "side" or "merges"."""
        self.tabs.setCurrentIndex(list(PAGES).index(name))

    @property
    def page(self) -> str:
        """The name of the page that is open."""
        return list(PAGES)[self.tabs.currentIndex()]

    @property
    def is_ready(self) -> bool:
        """True once the page shows what is to be shown of this text and line, or says why it cannot."""
        return self.isVisible() and not self._soon.isActive() and self._at_work is None

    def showEvent(self, event: QShowEvent) -> None:
        """Prepare what is not yet."""
        super().showEvent(event)
        self._soon.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop preparing."""
        super().hideEvent(event)
        self._stop()

    # ---- one thing after the other

    @Slot()
    def _advance(self) -> None:
        """Show what is known of the open text, and start what is not."""
        document = self._state.document
        if not self.isVisible():
            return
        if document is None:
            self._say(NO_TEXT)
            return
        if document.corpus is not self._corpus:
            self._stop()
            self._corpus, self._companions, self._histories = document.corpus, {}, {}
            self._lines_shown = None
        key = self._key()
        companions = self._companions.get(key)
        if companions is None:
            self._say("Preparing the tokenizers …")
            config, own = self._state.config, document.tokenizer
            job = partial(learn, document.corpus, config, own, document.config)
            self._run(("learn", key, ""), job, partial(self._keep_companions, key))
        elif self.page == "merges":
            self._advance_merges(key, companions)
        else:
            self._advance_lines(key, companions)

    def _advance_merges(self, key: Key, companions: Companions) -> None:
        tokenizer = companions.tokenizers.get("subword")
        history = self._histories.get(key)
        if not isinstance(tokenizer, SubwordTokenizer):
            self._say(companions.problems["subword"])
        elif history is None:
            self._say("Preparing the merges …")
            job = partial(replay, companions.corpus, tokenizer)
            self._run(("replay", key, ""), job, partial(self._keep_history, key), partial(self._keep_problem, key))
            return
        elif isinstance(history, str):
            self._say(history)
        else:
            self.merges.set_line(self._state.line)
            self.merges.set_history(history)
            self._pages["merges"].setCurrentWidget(self.merges)
        self._stop()

    def _advance_lines(self, key: Key, companions: Companions) -> None:
        line = self._state.line
        if self._lines_shown != (key, line):
            if len(line) > AT_ONCE:
                job = partial(encode_lines, dict(companions.tokenizers), line)
                self._run(("encode", key, line), job, partial(self._show_lines, key, line))
                return
            self._show_lines(key, line, encode_lines(companions.tokenizers, line))
        self._stop()
        self._pages["side"].setCurrentWidget(self.side_by_side)

    def _run(
        self,
        work: Work,
        job: Job,
        done: Callable[[object], None],
        failed: Callable[[EmbedvizError], None] | None = None,
    ) -> None:
        if work != self._at_work:
            self._at_work = work
            self._background.run(job, done, failed or self._fail)

    def _stop(self) -> None:
        if self._at_work is not None:
            self._at_work = None
            self._background.cancel()

    # ---- what comes back

    def _keep_companions(self, key: Key, made: object) -> None:
        assert isinstance(made, Companions)
        self._at_work = None
        self._companions[key] = made
        self._advance()

    def _keep_history(self, key: Key, made: object) -> None:
        assert isinstance(made, MergeHistory)
        self._at_work = None
        self._histories[key] = made
        self._advance()

    def _keep_problem(self, key: Key, error: EmbedvizError) -> None:
        self._at_work = None
        self._histories[key] = error.sentence
        self._advance()

    def _fail(self, error: EmbedvizError) -> None:
        self._at_work = None
        self._say(error.sentence)

    def _show_lines(self, key: Key, line: str, made: object) -> None:
        assert isinstance(made, dict)
        self._at_work = None
        companions = self._companions[key]
        self._lines_shown = key, line
        names = (*companions.tokenizers, *companions.problems)
        titles = {name: title(name, self._state.config) for name in names}
        self.side_by_side.set_tokenizers(
            companions.tokenizers, titles, companions.problems, self._state.config.n_embd
        )
        self.side_by_side.set_lines(line, made)
        self._pages["side"].setCurrentWidget(self.side_by_side)

    # ---- the rest

    def _key(self) -> Key:
        assert self._state.document is not None
        return self._state.config.vocab_size, self._state.document.config.tokenizer_file

    def _say(self, sentence: str) -> None:
        """Show `sentence` in place of the page that is open."""
        label = self._waiting[self.page]
        label.setText(sentence)
        self._pages[self.page].setCurrentWidget(label)

    @Slot(str, float)
    def _tell(self, doing: str, share: float) -> None:
        if self._at_work is not None and self._at_work[0] != "encode":
            self._say(f"{doing} … {share:.0%}".replace("%", " %"))

    @Slot()
    def _check_config(self) -> None:
        """Look again if the size asked for, or the width of a row, is not what is shown."""
        if not self.isVisible() or self._state.document is None:
            return
        config = self._state.config
        if (self._key(), config.n_embd) != self._config_seen:
            self._config_seen = self._key(), config.n_embd
            self._lines_shown = None
            self._soon.start()

    @Slot()
    def _space(self) -> None:
        px = self._theme.px
        margins = self.layout()
        assert margins is not None
        margins.setContentsMargins(px(12), px(8), px(12), px(12))
        for label in self._waiting.values():
            label.setContentsMargins(px(24), px(24), px(24), px(24))

    def _fit(self) -> None:
        """Take the designed size, or what the screen has room for."""
        room = self.screen().availableGeometry()
        self.resize(
            min(self._theme.px(SIZE[0]), round(MARGIN * room.width())),
            min(self._theme.px(SIZE[1]), round(MARGIN * room.height())),
        )


def _sentence() -> QLabel:
    label = QLabel(wordWrap=True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setProperty("card", True)
    return label
