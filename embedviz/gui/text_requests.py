"""What a person asks for when a text is to be opened or cut, and what is made of it on another thread."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtWidgets import QMessageBox, QWidget

from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.gui.documents import Document, read_sample
from embedviz.gui.limits import table_problem
from embedviz.text.corpus import Corpus
from embedviz.text.progress import Progress

CUTTING = frozenset({"tokenizer", "tokenizer_file", "vocab_size", "per_line", "val_fraction", "seed"})
"""The settings that decide what is made of a text; all others are of the run alone."""

Read = Callable[[Progress], Corpus]
Button = QMessageBox.StandardButton


@dataclass(frozen=True)
class Request:
    """What a person asked for: a text, and how to cut it."""

    name: str
    read: Read  # is called on another thread, and so holds nothing of Qt
    config: RunConfig  # to cut the text with
    per_line: bool | None = None  # read as a list, or not; None for what the text itself says
    is_new: bool = True  # False: the text that is open, cut otherwise
    path: Path | None = None
    is_agreed: bool = False  # that a run that is under way ends

    @classmethod
    def of_open(cls, document: Document, config: RunConfig) -> "Request":
        """Return what is open, as if it were asked for."""
        corpus = document.corpus
        return cls(corpus.name, partial(_given, corpus), config, corpus.per_line, is_new=False)

    @property
    def what(self) -> str:
        """What would end a run, as a question begins with it."""
        return "Another text" if self.is_new else "The same text in other tokens"

    @property
    def what_is_ready(self) -> str:
        """The same, where it was read and cut meanwhile."""
        return f"{f'‘{self.name}’' if self.is_new else self.what}, which is ready now,"

    def read_as_asked(self) -> Read:
        """Return how the text is read, as a list or not."""
        return partial(_read_as, self.read, self.per_line)

    def is_cut_as(self, other: "Request") -> bool:
        """Tell whether both make the same of a text."""
        return (self.config, self.per_line) == (other.config, other.per_line)


class Ready(NamedTuple):
    """A text that is read and cut, and the own line to begin with."""

    document: Document
    line: str
    is_offered_as_items: bool


class Question:
    """Asks whether a run under way may end, one question at a time; meanwhile what happens is held back."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._held: Callable[[], None] | None = None
        self.stands = False

    def ask(self, step: int, what: str, default: Button = Button.Ok) -> bool:
        """Ask whether `what` may end the run, which is at `step`; no if another question stands."""
        if self.stands:
            return False
        self.stands = True
        try:
            answer = QMessageBox.question(
                self._window,
                "embedviz",
                f"Training is under way (step {step:,}). {what} starts a new run from step 0.",
                Button.Ok | Button.Cancel,
                default,
            )
        finally:
            self.stands = False
        return answer == Button.Ok

    def hold(self, then: Callable[[], None]) -> None:
        """Let `then` wait for the answer."""
        self._held = then

    def forget(self) -> None:
        """Drop what waits."""
        self._held = None

    @property
    def holds(self) -> bool:
        """True if something waits, or has still to happen."""
        return self._held is not None

    def release(self) -> None:
        """Let happen what had to wait, if no question stands."""
        if not self.stands:
            held, self._held = self._held, None
            if held is not None:
                held()


def cut(corpus: Corpus, config: RunConfig, progress: Progress) -> tuple[Document, str]:
    """Return a text cut into tokens, and an own line; raises EmbedvizError if its table would be too large."""
    document = Document.make(corpus, config.replace(per_line=corpus.per_line), progress)
    if problem := table_problem(config, document.vocab_size):
        raise EmbedvizError(problem)
    line = document.first_line()
    tokenizer = document.tokenizer
    _ = tokenizer.vocabulary, tokenizer.labels, tokenizer.encode_line(line)  # made here, the window only looks
    return document, line


def changes(before: RunConfig, after: RunConfig) -> dict[str, Any]:
    """Return the settings in which `after` differs."""
    names = (field.name for field in fields(RunConfig))
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


def sample_reader(name: str) -> Read:
    """Return how a sample of the catalogue is read."""
    return partial(_read_sample, name)


def _read_sample(name: str, _progress: Progress) -> Corpus:
    return read_sample(name)


def _given(corpus: Corpus, _progress: Progress) -> Corpus:
    return corpus


def _read_as(read: Read, per_line: bool | None, progress: Progress) -> Corpus:
    corpus = read(progress)
    if per_line is None or corpus.per_line == per_line:
        return corpus
    return corpus.as_items() if per_line else corpus.as_text()
