"""Samples: what the model wrote, as text, and what is known of it."""

from dataclasses import dataclass

from embedviz.text.tokenizers import Tokenizer
from embedviz.text.verbatim import Stretch

PARTS = 4  # bytes of a character, at most


@dataclass(frozen=True)
class Sample:
    """What was written: `own` is what stood there before; `is_known` tells whether it is an item of the text."""

    own: str = ""
    written: str = ""
    is_known: bool | None = None  # None: not known, or no item
    stretch: Stretch | None = None  # of `written`, what stands in the text word for word

    @property
    def text(self) -> str:
        """All of it."""
        return self.own + self.written


def sample_of(tokenizer: Tokenizer, context: list[int], ids: list[int]) -> Sample:
    """Return the text of `ids`, which begin with those of `context`: what of it is own, and what is new."""
    own, whole = readable(tokenizer, context), readable(tokenizer, ids)
    both = next((place for place, (a, b) in enumerate(zip(own, whole, strict=False)) if a != b), None)
    both = min(len(own), len(whole)) if both is None else both
    return Sample(whole[:both], whole[both:])


def readable(tokenizer: Tokenizer, ids: list[int]) -> str:
    """Return the text of `ids`; bytes at its end that are no character yet as they are labelled."""
    for last in range(min(PARTS, len(ids) + 1)):
        whole = ids[: len(ids) - last]
        text = tokenizer.decode(whole)
        if not text.endswith("\ufffd"):
            return text + " ".join(tokenizer.labels[token] for token in ids[len(whole) :])
    return tokenizer.decode(ids)
