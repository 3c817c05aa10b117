"""What is asked of the `tokenizers` library, which is loaded no sooner; its panics become errors here."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tokenizers

_PIECE = 1 << 12  # characters: the library works on a list of pieces this long without holding the GIL
_CUT = re.compile(r"(?<=\S)(?=[ \n\t])")  # no byte-level token reaches over it


class LibraryError(Exception):
    """The library refused, or broke off."""


@contextmanager
def guarded() -> Iterator[None]:
    """Raise LibraryError for whatever goes wrong inside the library, a panic of Rust included."""
    try:
        yield
    except BaseException as error:
        # A panic is a BaseException of a class that cannot be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise LibraryError(str(error)) from error
        raise


@lru_cache(2)
def load(definition: str) -> "tokenizers.Tokenizer":
    """Return the tokenizer that the text of a tokenizer.json describes; it neither truncates nor pads.

    It is not to be changed: the last two are kept. Raises LibraryError.
    """
    from tokenizers import Tokenizer

    with guarded():
        loaded = Tokenizer.from_str(definition)
        loaded.no_truncation()
        loaded.no_padding()
        return loaded


def train(chunks: Iterable[str], vocab_size: int) -> str:
    """Return the tokenizer.json of a byte-level BPE of `vocab_size` tokens, at most, learned from `chunks`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    learned = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned.pre_tokenizer = byte_level
    learned.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=byte_level.alphabet(), show_progress=False
    )
    learned.train_from_iterator(chunks, trainer)
    return str(learned.to_str())


def words(text: str) -> list[str]:
    """Return what the merges of a byte-level BPE never reach out of, one visible character for each byte."""
    from tokenizers import pre_tokenizers

    return [word for word, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)]


def count_words(text: str, counts: Counter[str]) -> None:
    """Add to `counts` how often each of the `words` stands in `text`."""
    for pieces in batches(text):
        for piece in pieces:
            counts.update(words(piece))


def batches(text: str) -> Iterator[list[str]]:
    """Yield `text` in lists of pieces, cut where no byte-level token can be."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > _PIECE and (cut := _CUT.search(text, start + _PIECE)):
        pieces.append(text[start : cut.start()])
        start = cut.start()
        if len(pieces) == 64:
            yield pieces
            pieces = []
    yield [*pieces, text[start:]]


def encode(library: "tokenizers.Tokenizer", pieces: list[str]) -> list[list[int]]:
    """Return the ids of each piece, without special tokens around it; raises LibraryError."""
    with guarded():
        return [part.ids for part in library.encode_batch_fast(pieces, add_special_tokens=False)]


def is_byte_level(library: "tokenizers.Tokenizer") -> bool:
    """Tell whether the tokens stand for bytes, one visible character for each."""
    with guarded():
        parts = (library.pre_tokenizer, library.decoder)
        return any(_has_byte_level(json.loads(part.__getstate__())) for part in parts if part is not None)


def _has_byte_level(state: Any) -> bool:
    if isinstance(state, dict):
        return state.get("type") == "ByteLevel" or any(map(_has_byte_level, state.values()))
    return isinstance(state, list) and any(map(_has_byte_level, state))


def token_bytes(token: str) -> bytes | None:
    """Return the bytes that a byte-level token stands for; None if it has other characters."""
    try:
        return bytes(map(_bytes_by_character().__getitem__, token))
    except KeyError:
        return None


def text_of(data: bytes) -> str:
    """Return the text of the bytes of a token, or the bytes in hex where they are no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.hex(" ").upper()


def byte_tokens() -> tuple[str, ...]:
    """Return the characters (256,) that stand for each byte in byte-level tokens.

    Visible bytes of Latin-1 stand for themselves, the others, in order, are U+0100 and following
    (Radford et al., 2019: GPT-2).
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in visible else next(others)) for byte in range(256))


@cache
def _bytes_by_character() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(byte_tokens())}
