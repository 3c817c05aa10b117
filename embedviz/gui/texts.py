"""Opening and cutting texts behind the window; whatever goes wrong is one notice, and what was open stays."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import ConfigError, EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.controller import RunController
from embedviz.gui.documents import Document, is_offered_as_items, read_sample
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.text.corpus import Corpus, corpus_from_text, read_corpus
from embedviz.text.progress import Progress, quiet

PASTED = "Pasted text"


@dataclass(frozen=True)
class _Request:
    """What a person asked for."""

    name: str
    read: Callable[[Progress], Corpus]  # is called on another thread, and so holds nothing of Qt
    config: RunConfig  # to cut the text with; whether it is a list the text itself says
    base: RunConfig  # what was asked for before
    kind: str  # "text"; "list", the same text read as a list or not; "cut", the same text cut otherwise
    path: Path | None = None
    is_agreed: bool = False  # that a run that is under way ends


class _Ready(NamedTuple):
    document: Document
    line: str
    is_offered_as_items: bool


def _prepare(read: Callable[[Progress], Corpus], config: RunConfig, progress: Progress) -> _Ready:
    corpus = read(progress)
    document = Document.make(corpus, config.replace(per_line=corpus.per_line), progress)
    return _Ready(document, document.first_line(), is_offered_as_items(corpus))


class TextOpener(QObject):
    """The one way by which a text becomes the training text, and by which it is cut into other tokens.

    What is asked for is read and cut on another thread, unless with `wait`; until that is done what is open
    stays open, and goes on training. A newer request replaces one that is not done yet. What ends a run under
    way asks first. All that ask return False if the person says no, or if it failed at once.
    """

    recent_changed = Signal()
    opened = Signal()
    failed = Signal()  # also: declined or cancelled
    busy_changed = Signal(bool)
    progressed = Signal(str, float)  # what is being done, and the share of it that is done

    def __init__(
        self,
        state: AppState,
        controller: RunController,
        notices: Notices,
        settings: Settings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._state = state
        self._controller = controller
        self._notices = notices
        self._settings = settings
        self._window = window
        self._request: _Request | None = None
        self._background = Background(self)
        self._background.progressed.connect(self.progressed)
        self._background.busy_changed.connect(self._on_busy)

    # --- texts --------------------------------------------------------------------------------------

    def open_sample(self, name: str, *, wait: bool = False) -> bool:
        """Open a sample of the catalogue."""
        return self._open(catalog.SAMPLES[name].title, partial(_read_sample, name), wait=wait)

    def open_path(self, path: Path, *, wait: bool = False) -> bool:
        """Open a text file; it is then the newest of those opened before."""
        return self._open(path.name, partial(read_corpus, path), path=path, wait=wait)

    def open_text(self, text: str, name: str = PASTED, *, wait: bool = False) -> bool:
        """Open a text that was pasted or dropped."""
        return self._open(name, partial(corpus_from_text, text, name), wait=wait)

    @Slot()
    def paste(self) -> None:
        """Open what the clipboard holds."""
        text = QGuiApplication.clipboard().text()
        if text:
            self.open_text(text)
        else:
            self._notices.show(Notice("The clipboard holds no text: copy some first.", topic="text"))

    @Slot()
    def choose(self) -> None:
        """Let the person choose a file."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a text to train on", self._folder(), "Texts (*.txt *.md *.csv);;All files (*)"
        )
        if name:
            self.open_path(Path(name))

    def offer(self, text: str) -> None:
        """Offer to train on a text that is too long for the own line."""
        self._notices.show(
            Notice(
                f"What was pasted has {len(text):,} characters: too many for a line, but not for a training text.",
                topic="line",
                action="Train on it",
                on_action=partial(self._accept_text, text),
            )
        )

    def set_per_line(self, on: bool) -> bool:
        """Read the open text as a list of items, one a line, or as running text."""
        corpus = self._corpus
        if corpus is None or corpus.per_line == on:
            return True
        return self._ask_for(self._again(corpus, self._state.config, on, "list"))

    # --- tokenizers ---------------------------------------------------------------------------------

    def set_tokenizer(self, name: str, file: str = "") -> bool:
        """Cut the text with another tokenizer of the catalogue; with `file`, a tokenizer.json, if it is "file"."""
        return self._change(tokenizer=name, tokenizer_file=file)

    def set_vocab_size(self, size: int) -> bool:
        """Cut the text into so many different tokens, at most."""
        return self._change(vocab_size=size)

    @Slot()
    def choose_tokenizer_file(self) -> None:
        """Let the person choose a tokenizer.json."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a tokenizer", self._folder(), "Tokenizers (*.json);;All files (*)"
        )
        if name:
            self.set_tokenizer("file", name)

    def apply(self, config: RunConfig) -> bool:
        """Begin a run of `config` on the open text, which is cut and split anew where `config` wants that."""
        document = self._state.document
        if document is None:
            return True
        if document.fits(config):
            self._controller.restart(config)
            return True
        return self._ask_for(self._again(document.corpus, config, config.per_line, "cut"))

    # --- what is under way --------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while something is read or cut."""
        return self._background.is_busy

    @property
    def name(self) -> str:
        """The name of the text that is being read or cut."""
        return self._request.name if self._request else ""

    @property
    def config(self) -> RunConfig:
        """What was asked for last, and may still be under way."""
        return self._request.config if self._request else self._state.config

    @Slot()
    def cancel(self) -> None:
        """Leave everything as it is."""
        self._background.cancel()

    def stop(self) -> None:
        """End what is under way, for good; returns when it has ended."""
        self._background.stop()

    @staticmethod
    def samples() -> list[catalog.Sample]:
        """Return the samples there are."""
        return list(catalog.SAMPLES.values())

    # --- how ----------------------------------------------------------------------------------------

    @property
    def _corpus(self) -> Corpus | None:
        return self._state.document.corpus if self._state.document else None

    def _folder(self) -> str:
        recent = self._settings.recent()
        return str(recent[0].parent) if recent else str(Path.home())

    def _open(
        self, name: str, read: Callable[[Progress], Corpus], *, path: Path | None = None, wait: bool = False
    ) -> bool:
        config = self._state.config
        return self._ask_for(_Request(name, read, config, config, "text", path), wait=wait)

    def _again(self, corpus: Corpus, config: RunConfig, per_line: bool, kind: str) -> _Request:
        read = partial(_read_again, corpus, per_line)
        return _Request(corpus.name, read, config, self._state.config, kind)

    def _change(self, **changes: object) -> bool:
        try:
            config = self._state.config.replace(**changes)
        except ConfigError as error:
            self._fail(error)
            return False
        if self.config == config:
            return True  # it is that already, or soon
        if self._state.config == config:
            self.cancel()  # back before it was done
            return True
        return self.apply(config)

    def _ask_for(self, request: _Request, *, wait: bool = False) -> bool:
        if not self._may_replace(request.kind):
            self.failed.emit()
            return False
        request = replace(request, is_agreed=self._is_training)
        if not wait:
            self._request = request
            self._background.run(
                partial(_prepare, request.read, request.config), partial(self._take, request), self._fail
            )
            return True
        self._background.cancel()
        try:
            self._take(request, _prepare(request.read, request.config, quiet))
        except EmbedvizError as error:
            self._fail(error)
            return False
        return True

    @property
    def _is_training(self) -> bool:
        return self._state.run.phase in (Phase.PLAYING, Phase.PAUSING)

    def _may_replace(self, kind: str) -> bool:
        """Ask, before anything is read, whether a run that is under way may end."""
        if not self._is_training or (self._request is not None and self._request.is_agreed):
            return True
        what = "Another text" if kind == "text" else "The same text in other tokens"
        answer = QMessageBox.question(
            self._window,
            "embedviz",
            f"Training is under way (step {self._state.run.step:,}). {what} starts a new run from step 0.",
            QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Ok

    def _take(self, request: _Request, result: object) -> None:
        assert isinstance(result, _Ready)
        self._request = None
        document = result.document
        config = self._merged(request, document.config)
        self._notices.withdraw("text")
        if request.kind == "cut":
            place = self._selected_character()
            self._controller.open_document(document, self._state.wanted_line, config)
            self._select_character(place)
        else:
            self._controller.open_document(document, result.line, config)
        if request.kind != "cut":
            self._notices.withdraw("items")
        if request.kind == "text":
            self._tell_of(document.corpus, result.is_offered_as_items)
        if request.path is not None:
            self._settings.add_recent(request.path)
            self.recent_changed.emit()
        self.opened.emit()

    def _merged(self, request: _Request, wanted: RunConfig) -> RunConfig:
        """Return what was asked for, with what was changed meanwhile on what is open."""
        now = self._state.config
        changed = {
            field.name: getattr(now, field.name)
            for field in fields(RunConfig)
            if getattr(now, field.name) != getattr(request.base, field.name)
        }
        try:
            return wanted.replace(**changed)
        except ConfigError:  # the two do not go together: the newer wish is the one that took longer
            return wanted

    def _tell_of(self, corpus: Corpus, is_offered: bool) -> None:
        self._notices.withdraw("encoding")
        if len(corpus.remarks) > (1 if corpus.carriage_returns else 0):  # more than line ends
            self._notices.show(Notice(f"‘{corpus.name}’: {' '.join(corpus.remarks)}", topic="encoding"))
        if is_offered:
            self._notices.show(
                Notice(
                    f"‘{corpus.name}’ looks like a list with one item per line.",
                    topic="items",
                    action="Train on items",
                    on_action=self._accept_items,
                )
            )

    def _selected_character(self) -> int | None:
        """Return the place of the selected token's last character; None if it is the last token."""
        state = self._state
        if not 0 <= state.selected < len(state.line_ids) - 1:
            return None
        return max(0, int(state.line_spans[state.selected, 1]) - 1)

    def _select_character(self, place: int | None) -> None:
        if place is not None:  # the first token that ends behind it
            self._state.select(int((self._state.line_spans[:, 1] <= place).sum()))

    def _accept_items(self) -> None:
        self.set_per_line(True)

    def _accept_text(self, text: str) -> None:
        self.open_text(text)

    def _fail(self, error: EmbedvizError) -> None:
        self._request = None
        self._notices.show(Notice(error.sentence, error.details, topic="text"))
        self.failed.emit()

    @Slot(bool)
    def _on_busy(self, busy: bool) -> None:
        if not busy and self._request is not None:  # it was cancelled, or ended in an error that nobody expected
            self._request = None
            self.failed.emit()
        self.busy_changed.emit(busy)


def _read_sample(name: str, _progress: Progress) -> Corpus:
    return read_sample(name)


def _read_again(corpus: Corpus, per_line: bool, _progress: Progress) -> Corpus:
    if corpus.per_line == per_line:
        return corpus
    return corpus.as_items() if per_line else corpus.as_text()
