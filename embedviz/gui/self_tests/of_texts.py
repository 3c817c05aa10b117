"""Checks of texts: every tokenizer, a tokenizer.json and a text from files, every sample."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMetaObject
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui.documents import Document
from embedviz.gui.self_tests.meeting import meet
from embedviz.gui.self_tests.of_runs import FEW, small
from embedviz.gui.self_tests.trial import Check, CheckError, Trial
from embedviz.gui.state import Phase
from embedviz.text.subword_tokenizer import SubwordTokenizer

VOCAB_SIZE = 300  # of words and subwords
LINE = "The fox said “no” – naïve, the crow laughed.\n"
EVERYTHING = ("byte", "subword")  # tokenizers that give any text back


def checks() -> list[Check]:
    """Return the checks of this file, in order."""
    return [
        *(
            Check(f"tokenizer {name}", _read_file if name == "file" else partial(_cut, name=name))
            for name in _names()
        ),
        Check("text from a file", _open_file),
        *(Check(f"sample {name}", partial(_open_sample, name=name)) for name in catalog.SAMPLES),
    ]


def _names() -> list[str]:
    return list(catalog.TOKENIZERS)


def _cut(trial: Trial, *, name: str) -> None:
    """Cut the text with a tokenizer, train on that, and get the text back from the ids."""
    trial.start(small("bigram", tokenizer=name, vocab_size=VOCAB_SIZE))
    document = _document(trial)
    tokenizer = document.tokenizer
    if tokenizer.name != name:
        raise CheckError(f"The text is cut by ‘{tokenizer.name}’ instead.")
    text = document.corpus.beginning(1000) + (LINE if name in EVERYTHING else "")
    if name != "word" and tokenizer.decode(tokenizer.encode(text)) != text:
        raise CheckError("The text does not come back from its ids.")
    if isinstance(tokenizer, SubwordTokenizer):
        trial.note(merges=len(tokenizer.merges))
        if not tokenizer.merges or tokenizer.vocab_size != VOCAB_SIZE:
            raise CheckError(f"{tokenizer.vocab_size} subwords were learned instead of {VOCAB_SIZE}.")
    trial.note(vocabulary=document.vocab_size, tokens=document.tokens, loss=trial.take(FEW))


def _read_file(trial: Trial) -> None:
    """Write a tokenizer.json, open it by the menu, and cut the text as the tokenizer it came from does."""
    learned = SubwordTokenizer.from_corpus(trial.document.corpus, RunConfig(vocab_size=VOCAB_SIZE))
    path = trial.folder / "tokenizer.json"
    path.write_text(learned.definition, encoding="utf-8")
    trial.start(small("bigram"))
    trial.begin("the file's tokenizer", lambda: _choose(trial, "openTokenizer", path))
    tokenizer = _document(trial).tokenizer
    if tokenizer.name != "file" or tokenizer.encode(LINE).tolist() != learned.encode(LINE).tolist():
        raise CheckError("The tokenizer of the file cuts otherwise than the one that was saved.")
    trial.note(vocabulary=tokenizer.vocab_size, loss=trial.take(FEW))


def _open_file(trial: Trial) -> None:
    """Open a text by the menu, from a name that is not plain."""
    path = trial.folder / "ein schöner Text.txt"
    path.write_text(LINE * 20, encoding="utf-8")
    trial.start(small("bigram"))
    trial.begin("the text", lambda: _choose(trial, "openText", path))
    if _document(trial).corpus.name != path.name:
        raise CheckError(f"‘{_document(trial).corpus.name}’ was opened instead.")
    trial.note(tokens=_document(trial).tokens, loss=trial.take(FEW))


def _choose(trial: Trial, action: str, path: Path) -> None:
    """Choose a file in the dialog of a menu entry (Qt's own: run_self_test sees to that)."""

    def take(dialog: QDialog) -> bool:
        if not isinstance(dialog, QFileDialog):
            raise CheckError(f"‘{dialog.windowTitle()}’ opened instead of files to choose from.")
        name = dialog.findChild(QLineEdit, "fileNameEdit")
        if name is None:
            raise CheckError("The dialog has no field for a file's name.")
        name.setText(str(path))
        QMetaObject.invokeMethod(dialog, "accept")
        return not dialog.isVisible()

    meet(trial.actions[action].trigger, take)


def _open_sample(trial: Trial, *, name: str) -> None:
    """Open a sample, take a few steps, and make items of it if it is a list."""
    trial.start(small("mlp"))
    trial.begin("the sample", lambda: trial.texts.open_sample(name))
    document, sampler = _document(trial), trial.following.sampler
    trial.note(tokens=document.tokens, vocabulary=document.vocab_size, loss=trial.take(FEW))
    if document.corpus.name != catalog.SAMPLES[name].title:
        raise CheckError(f"‘{document.corpus.name}’ was opened instead.")
    if document.corpus.per_line:
        sampler.make_items()
        trial.wait("ten items", lambda: not sampler.is_sampling and trial.state.run.phase is Phase.PAUSED)
        trial.note(items=len(sampler.samples))
        if not any(sample.written for sample in sampler.samples):
            raise CheckError("The model wrote no items.")


def _document(trial: Trial) -> Document:
    document = trial.state.document
    if document is None:
        raise CheckError("No text is open.")
    return document
