"""The tokenizers that a text is looked at with beside its own, and the merges of one: made off the GUI thread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.text.corpus import Corpus
from embedviz.text.merges import MergeHistory
from embedviz.text.preparation import make_tokenizer
from embedviz.text.progress import Progress, quiet
from embedviz.text.subword_tokenizer import SubwordTokenizer
from embedviz.text.tokenizers import Line, Tokenizer

NAMES = tuple(name for name in catalog.TOKENIZERS if name != "file")
DOING = {
    "char": "Collecting the characters of this text",
    "word": "Counting the words of this text",
    "subword": "Learning the subwords of this text",
}


@dataclass(frozen=True, eq=False)
class Companions:
    """The tokenizers of one text, by name in the catalogue, and why there is none, by the name of what failed."""

    corpus: Corpus
    tokenizers: Mapping[str, Tokenizer]
    problems: Mapping[str, str]


def learn(
    corpus: Corpus, config: RunConfig, own: Tokenizer, own_config: RunConfig, progress: Progress = quiet
) -> Companions:
    """Make every tokenizer of the catalogue for `corpus`; `own`, made by `own_config`, is used where it fits.

    A tokenizer from a file is there only if it is `own`. One that cannot be made leaves a sentence.
    """
    tokenizers: dict[str, Tokenizer] = {}
    problems: dict[str, str] = {}
    for name in NAMES:
        if own.name == name and _is_same(name, config, own_config):
            tokenizers[name] = own
            continue
        try:
            wanted = config.replace(tokenizer=name, tokenizer_file="")
            tokenizers[name] = make_tokenizer(
                corpus, wanted, partial(_tell, progress, DOING.get(name, "Preparing"))
            )
        except EmbedvizError as error:
            problems[name] = error.sentence
    if own.name == "file":
        tokenizers["file"] = own
    return Companions(corpus, tokenizers, problems)


def replay(corpus: Corpus, tokenizer: SubwordTokenizer, progress: Progress = quiet) -> MergeHistory:
    """Return the merges of `tokenizer` as they happened on `corpus`; raises EmbedvizError.

    A first line is cut here: what that makes of 60,000 merges takes half a second, and is kept.
    """
    history = MergeHistory.make(corpus, tokenizer, progress)
    history.line_after(" ", len(history.merges))
    return history


def encode_lines(tokenizers: Mapping[str, Tokenizer], text: str, progress: Progress = quiet) -> dict[str, Line]:
    """Return `text` as each tokenizer cuts it."""
    return dict(_encoded(tokenizers, text, progress))


def title(name: str, config: RunConfig) -> str:
    """Return what a tokenizer is called on screen."""
    if name == "file" and config.tokenizer_file:
        return Path(config.tokenizer_file).name
    return catalog.TOKENIZERS[name].title


def _encoded(tokenizers: Mapping[str, Tokenizer], text: str, progress: Progress) -> Iterator[tuple[str, Line]]:
    for done, (name, tokenizer) in enumerate(tokenizers.items()):
        progress("Cutting the line", done / len(tokenizers))
        yield name, tokenizer.encode_line(text)


def _is_same(name: str, config: RunConfig, own_config: RunConfig) -> bool:
    return "vocab_size" not in catalog.TOKENIZERS[name].settings or config.vocab_size == own_config.vocab_size


def _tell(progress: Progress, doing: str, _doing: str, share: float) -> None:
    progress(doing, share)
