"""WordTokenizer: words, marks and white space; the most frequent ones have a token of their own."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.text.corpus import Corpus
from embedviz.text.dataset import Ids, id_dtype
from embedviz.text.glyphs import label
from embedviz.text.progress import Progress, quiet
from embedviz.text.tokenizers import Line, VocabularyError, checked_ids, gathered, saved_boundary, spans_to, told

UNK = "<unk>"
"""Token 0: it stands for whatever the vocabulary lacks. No text is cut so that this is a token."""

_MOST_COUNTED = 1 << 20  # different words counted at once


@dataclass(frozen=True)
class WordTokenizer:
    """One token for each of the most frequent words, marks and white-space characters of a text.

    `vocabulary` begins with UNK. Raises VocabularyError for an unusable one.
    """

    vocabulary: tuple[str, ...]
    boundary_id: int | None = None

    name: ClassVar[str] = "word"
    unknown_id: ClassVar[int | None] = 0
    policy: ClassVar[str] = (
        "A token is a word (letters, digits and accents, with single apostrophes, hyphens or joiners inside; case "
        "is kept), or one mark, or one character of white space; the single space before a word or a mark is not "
        "kept. Words come back one space apart, marks right after what they follow; what is rarer than the "
        "vocabulary is large comes back as <unk>. Of scripts that put no space between words it makes long ones."
    )

    def __post_init__(self) -> None:
        if self.vocabulary[:1] != (UNK,) or len(self.vocabulary) < 2:
            raise VocabularyError(f"A vocabulary of words needs {UNK}, and at least one more token.")
        if len(self._ids) < self.vocab_size:
            twice = next(token for i, token in enumerate(self.vocabulary) if self._ids[token] != i)
            raise VocabularyError(f"'{label(twice)}' is in the vocabulary twice.")

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: RunConfig, progress: Progress = quiet) -> Self:
        r"""Return the tokenizer of the most frequent words of a text, `config.vocab_size` tokens in all.

        Equally frequent ones are ordered by code points. In a list of items "\n" is the boundary, and always
        has a token. Of a text with more than a million different words, the ones met once so far are
        forgotten from time to time, so that memory stays bounded: they are rare.
        """
        counts: Counter[str] = Counter()
        for chunk in told(corpus, "Learning the vocabulary", progress):
            counts.update(_token().findall(chunk))
            if len(counts) > _MOST_COUNTED:
                counts = Counter({token: count for token, count in counts.items() if count > 1})
        if corpus.per_line:
            counts["\n"] = sys.maxsize  # the boundary has to be there
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        vocabulary = (UNK, *(token for token, _ in frequent[: config.vocab_size - 1]))
        return cls(vocabulary, vocabulary.index("\n") if corpus.per_line else None)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the tokenizer that `to_json` described; raises VocabularyError if it is damaged."""
        vocabulary = saved.get("vocabulary")
        if not isinstance(vocabulary, list | tuple) or not all(isinstance(token, str) for token in vocabulary):
            raise VocabularyError("The saved vocabulary is damaged.", repr(saved)[:200])
        for token in vocabulary[1:]:
            if _token().findall(token) != [token]:
                raise VocabularyError(f"'{label(token)}' cannot be a token here: it is no word and no mark.")
        return cls(tuple(vocabulary), saved_boundary(saved, cls.name, len(vocabulary)))

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with a run."""
        return {"name": self.name, "vocabulary": list(self.vocabulary), "boundary_id": self.boundary_id}

    @property
    def vocab_size(self) -> int:
        """V."""
        return len(self.vocabulary)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The tokens as they are shown, by id."""
        return (UNK, *map(label, self.vocabulary[1:]))

    def encode(self, text: str) -> Ids:
        """Return the ids (T,), of type `id_dtype(vocab_size)`, 0 for what the vocabulary lacks."""
        find = self._ids.get
        ids = [find(token, 0) for token in _token().findall(text)]
        return np.array(ids, dtype=id_dtype(self.vocab_size))  # (T,)

    def encode_chunks(self, chunks: Iterable[str]) -> Ids:
        """Return the ids (T,) of a text in pieces, and take little memory besides."""
        return gathered(chunks, self.encode, self.vocab_size)

    def encode_line(self, text: str) -> Line:
        """Return any line as tokens, labelled with what stands there; never raises."""
        tokens = _token().findall(text)
        ids = [self._ids.get(token, 0) for token in tokens]
        labels = (self.labels[i] if i else label(token) for i, token in zip(ids, tokens, strict=True))
        captions = (str(i) if i else f"0 {UNK}" for i in ids)
        return Line(text, np.array(ids, dtype=np.int64), self.spans(text), tuple(labels), tuple(captions))

    def spans(self, text: str) -> NDArray[np.int64]:
        """Return (T, 2): where each token begins, with the space that belongs to it, and ends (exclusive)."""
        return spans_to([match.end() for match in _token().finditer(text)])

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of `ids` (T,); raises IndexError for one outside 0 to V - 1.

        There is one space before a word that follows a word or a mark, and before a word or a mark that
        follows a space: then `encode(decode(ids))` is `ids`, whatever they are, but for <unk>.
        """
        parts: list[str] = []
        last = "\n"
        for i in checked_ids(ids, self.vocab_size).tolist():
            token = self.vocabulary[i]
            spaced = last == " " if self._kinds[i] == "mark" else last == " " or not last.isspace()
            if spaced and self._kinds[i] != "space":
                parts.append(" ")
            parts.append(token)
            last = token
        return "".join(parts)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.vocabulary)}

    @cached_property
    def _kinds(self) -> tuple[str, ...]:
        return (
            "word",
            *(
                "space" if token.isspace() else "word" if _word().match(token) else "mark"
                for token in self.vocabulary[1:]
            ),
        )


@cache
def _word() -> re.Pattern[str]:
    return re.compile(_WORD.format(letters=_letters()))


@cache
def _token() -> re.Pattern[str]:
    # Its one group is the token; the space that belongs to it is outside.
    return re.compile(rf"(?: (?=\S))?({_WORD.format(letters=_letters())}|.)", re.DOTALL)


# The joiners U+200C and U+200D stand between letters of Persian and of Indian scripts; in emoji they are marks.
_WORD = "(?>{letters}(?:['’\u200c\u200d-]{letters})*)"


@cache
def _letters() -> str:
    # Letters, digits and combining marks; `re` counts the last among the marks, so they are listed once.
    ranges: list[list[int]] = []
    for code in (*range(0x300, 0x20000), *range(0xE0000, 0xE1000)):  # the planes between hold ideographs only
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    accents = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return rf"(?>(?:[^\W_]++|(?![\x00-\x7f])[{accents}]++)+)"
