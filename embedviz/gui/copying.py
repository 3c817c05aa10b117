"""Puts a run on the clipboard: as an `embedviz train` line, or as a plain PyTorch script."""

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.export.command import as_command
from embedviz.export.source import UNSAVED, TextSource
from embedviz.files import resource
from embedviz.gui.notices import Notice, Notices
from embedviz.gui.state import AppState
from embedviz.text.corpus import Corpus

STEPS = 1000  # of the copy of a run that has taken none
BY_HAND = "What was changed by hand is not in it."


class RunCopier(QObject):
    """Copies the run that is shown, and says so in a notice."""

    def __init__(self, state: AppState, notices: Notices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._notices = notices

    @Slot()
    def copy_command(self) -> None:
        """Copy the `embedviz train` line that makes this run."""
        document = self._state.document
        if document is None:
            return
        source = source_of(document.corpus)
        line = as_command(self._config(), source, self._state.run.step or STEPS)
        self._copy(line, f"Copied: {line}", source)

    @Slot()
    def copy_pytorch(self) -> None:
        """Copy a script that makes this run with PyTorch alone."""
        from embedviz.export.pytorch import as_pytorch  # the first window does without it

        document = self._state.document
        if document is None:
            return
        source = source_of(document.corpus)
        try:
            script = as_pytorch(self._script_config(), source, document.vocab_size)
        except EmbedvizError as error:
            self._tell(error.sentence)
            return
        title = catalog.MODELS[self._state.config.model].title
        lines = f"{script.count(chr(10)):,} lines of Python"
        self._copy(script, f"Copied: {title} as a PyTorch script, {lines}.", source)

    def _copy(self, text: str, sentence: str, source: TextSource) -> None:
        QGuiApplication.clipboard().setText(text)
        more = [f"Save the text as {UNSAVED} first, where you run it: it is in no file."] * (source.kind == "text")
        more += [BY_HAND] if self._state.run.edits else []
        self._tell(" ".join([sentence, *more]))

    def _tell(self, sentence: str) -> None:
        self._notices.show(Notice(sentence, topic="copy"))

    def _config(self) -> RunConfig:
        """Return what runs; a device that nobody chose is not part of it."""
        asked, runs = self._state.config, self._state.run.config
        is_chosen = asked.device != "auto"
        device = runs.device if is_chosen else RunConfig.device
        threads = runs.threads if is_chosen and asked.threads else RunConfig.threads
        return runs.replace(device=device, threads=threads)

    def _script_config(self) -> RunConfig:
        """Return the same with the threads of the run, whoever chose them: sums depend on how many there are."""
        runs = self._state.run.config
        is_on_cpu = runs.device.partition(":")[0] == "cpu"
        return self._config().replace(threads=runs.threads) if is_on_cpu else self._config()


def source_of(corpus: Corpus) -> TextSource:
    """Return where a text came from, as far as a command can say it."""
    if corpus.path is not None:
        return TextSource("file", str(corpus.path.absolute()), corpus.name, corpus.per_line, corpus.encoding)
    for sample in catalog.SAMPLES.values():
        if sample.title == corpus.name:
            return TextSource("sample", str(resource(sample.file)), sample.name, corpus.per_line)
    return TextSource("text", name=corpus.name, per_line=corpus.per_line)
