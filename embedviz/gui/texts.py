"""Opening and cutting texts behind the window; whatever goes wrong is one notice, and what was open stays."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import ConfigError, EmbedvizError
from embedviz.gui.background import Background
from embedviz.gui.controller import RunController
from embedviz.gui.documents import is_offered_as_items
from embedviz.gui.limits import table_problem
from embedviz.gui.notices import Notices
from embedviz.gui.settings import Settings
from embedviz.gui.state import AppState, Phase
from embedviz.gui.text_notices import TextNotices
from embedviz.gui.text_requests import CUTTING, Button, Question, Read, Ready, Request, changes, cut, sample_reader
from embedviz.text.corpus import corpus_from_text, read_corpus
from embedviz.text.progress import Progress, quiet

PASTED = "Pasted text"
FEW_STEPS = 100  # that are soon taken again


def _prepare(read: Read, config: RunConfig, progress: Progress) -> Ready:
    corpus = read(progress)
    return Ready(*cut(corpus, config, progress), is_offered_as_items(corpus))


class TextOpener(QObject):
    """The one way by which a text becomes the training text, and by which it is cut into other tokens.

    What is asked for is read and cut on another thread, unless with `wait`; until that is done what is open
    stays open, and goes on training. Another text replaces one that is not open yet; another tokenizer or
    split is for the text that is being opened, if there is one. What ends a run under way asks first, once:
    when it is asked for, or when it is ready, if the run was begun meanwhile. All that ask return False if the
    person says no, or if it failed at once.
    """

    recent_changed = Signal()
    asked = Signal()  # for something that is now under way
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
        self._notices = TextNotices(notices)
        self._settings = settings
        self._window = window
        self._request: Request | None = None
        self._question = Question(window)
        self._background = Background(self)
        self._background.progressed.connect(self.progressed)
        self._background.busy_changed.connect(self._on_busy)

    # --- texts --------------------------------------------------------------------------------------

    def open_sample(self, name: str, *, wait: bool = False) -> bool:
        """Open a sample of the catalogue."""
        return self._open(catalog.SAMPLES[name].title, sample_reader(name), wait=wait)

    def open_path(self, path: Path, *, wait: bool = False) -> bool:
        """Open a text file; it is then the newest of those opened before, under its absolute path."""
        with suppress(OSError):  # the folder that this process is in was deleted
            path = path.absolute()
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
            self._notices.clipboard_is_empty()

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
        self._notices.offer(text, partial(self._accept_text, text))

    def set_per_line(self, on: bool) -> bool:
        """Read the open text as a list of items, one a line, or as running text."""
        return self._revise(per_line=on)

    # --- tokenizers ---------------------------------------------------------------------------------

    def set_tokenizer(self, name: str, file: str = "") -> bool:
        """Cut the text with another tokenizer of the catalogue; with `file`, a tokenizer.json, if it is "file"."""
        return self._revise(tokenizer=name, tokenizer_file=file)

    def set_vocab_size(self, size: int) -> bool:
        """Cut the text into so many different tokens, at most."""
        return self._revise(vocab_size=size)

    @Slot()
    def choose_tokenizer_file(self) -> None:
        """Let the person choose a tokenizer.json."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a tokenizer", self._folder(), "Tokenizers (*.json);;All files (*)"
        )
        if name:
            self.set_tokenizer("file", name)

    def change(self, wishes: Mapping[str, Any]) -> bool:
        """Begin a run with these settings changed; what contradicts the others is a notice."""
        try:
            config = self._state.config.replace(**wishes)
        except ConfigError as error:
            return self._refuse(error)
        return config == self._state.config or self.apply(config)

    def apply(self, config: RunConfig) -> bool:
        """Begin a run of `config` on the open text, which is cut and split anew where `config` wants that.

        What it changes is also for a text that is being opened; what concerns the cutting is for that alone.
        """
        document = self._state.document
        if document is None:
            return True
        wanted = changes(self._state.config, config)
        if self._request is None and not document.fits(config):
            return self._revise(**wanted)
        if "model" in wanted and not self._may_end():
            return False
        if self._request is not None:
            if not CUTTING.isdisjoint(wanted):
                return self._revise(**wanted)
            try:
                self._request = replace(self._request, config=self._request.config.replace(**wanted))
            except ConfigError as error:
                return self._refuse(error)
        if problem := table_problem(config, document.vocab_size):
            return self._refuse(EmbedvizError(problem))
        self._controller.restart(config)
        return True

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
        self._question.forget()
        self._background.cancel()
        self._forget()

    def stop(self) -> None:
        """End what is under way, for good; returns when it has ended."""
        self._background.stop()

    @staticmethod
    def samples() -> list[catalog.Sample]:
        """Return the samples there are."""
        return list(catalog.SAMPLES.values())

    # --- how ----------------------------------------------------------------------------------------

    def _folder(self) -> str:
        recent = self._settings.recent()
        return str(recent[0].parent) if recent else str(Path.home())

    def _open(self, name: str, read: Read, *, path: Path | None = None, wait: bool = False) -> bool:
        return self._ask_for(Request(name, read, self.config, path=path), wait=wait)

    def _revise(self, **wishes: Any) -> bool:
        """Ask for what is asked for already, or else for what is open, with other settings."""
        document = self._state.document
        opened = Request.of_open(document, self._state.config) if document is not None else None
        asked = self._request or opened
        if asked is None:
            return True
        try:
            config = asked.config.replace(**wishes)
        except ConfigError as error:
            return self._refuse(error)
        wanted = replace(asked, config=config, per_line=wishes.get("per_line", asked.per_line))
        if wanted == asked:
            return True  # it is that already, or soon
        if opened is not None and not wanted.is_new and wanted.is_cut_as(opened):
            self.cancel()  # back before it was done
            return True
        return self._ask_for(wanted)

    def _ask_for(self, request: Request, *, wait: bool = False) -> bool:
        is_agreed = self._request is not None and self._request.is_agreed
        if self._question.stands or (self._is_training and not is_agreed):
            is_agreed = self._question.ask(self._state.run.step, request.what)
            if not is_agreed:
                self.failed.emit()
                QTimer.singleShot(0, self._release)  # it may ask, too: not while the program is being left
                return False
        self._question.forget()  # overtaken
        request = replace(request, is_agreed=is_agreed)
        job = partial(_prepare, request.read_as_asked(), request.config)
        if not wait:
            self._request = request
            self._background.run(job, self._take, self._fail)
            self.asked.emit()
            return True
        self._background.cancel()
        self._request = request
        try:
            self._take(job(quiet))
        except EmbedvizError as error:
            self._fail(error)
            return False
        return True

    def _may_end(self) -> bool:
        """Ask before another model ends a run of many steps that is under way."""
        if not (self._is_training and self._state.run.step > FEW_STEPS):
            return True
        may = self._question.ask(self._state.run.step, "Another model")
        QTimer.singleShot(0, self._release)  # a text that was ready meanwhile
        if not may:
            self.failed.emit()
        return may

    @property
    def _is_training(self) -> bool:
        return self._state.run.phase in (Phase.PLAYING, Phase.PAUSING)

    @Slot()
    def _release(self) -> None:
        self._question.release()

    def _take(self, result: object) -> None:
        assert isinstance(result, Ready)
        request = self._request
        if request is None:
            return
        if self._question.stands:
            self._question.hold(partial(self._take, result))
            return
        if self._is_training and not request.is_agreed:  # by a run that was begun meanwhile
            # Nobody waits for this question: a Space that was meant for the run must not end it.
            may = self._question.ask(self._state.run.step, request.what_is_ready, Button.Cancel)
            if self._request is not request:
                return  # the window was closed meanwhile
            if not may:
                self._forget()
                return
        self._request = None
        self._open_ready(request, result)

    def _open_ready(self, request: Request, result: Ready) -> None:
        document, before = result.document, self._state.document
        corpus = document.corpus
        config = request.config.replace(per_line=corpus.per_line)
        self._notices.forget_refusal()
        if not request.is_new and before is not None and before.corpus.per_line == corpus.per_line:
            place = self._selected_character()
            self._controller.open_document(document, self._state.wanted_line, config)
            self._select_character(place)
        else:
            self._controller.open_document(document, result.line, config)
            self._notices.forget_items()
        if request.is_new:
            self._notices.describe(corpus)
            if result.is_offered_as_items and request.per_line is None:
                self._notices.offer_items(corpus, self._accept_items)
        if request.path is not None:
            self._settings.add_recent(request.path)
            self.recent_changed.emit()
        self.opened.emit()

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
        if self._question.stands:
            self._question.hold(partial(self._fail, error))
            return
        self._request = None
        self._refuse(error)

    def _refuse(self, error: EmbedvizError) -> bool:
        self._notices.refuse(error)
        self.failed.emit()
        return False

    def _forget(self) -> None:
        if self._request is not None:
            self._request = None
            self.failed.emit()

    @Slot(bool)
    def _on_busy(self, busy: bool) -> None:
        if not busy and not self._question.holds:  # it was cancelled, or ended in an error that nobody expected
            self._forget()
        self.busy_changed.emit(busy)
