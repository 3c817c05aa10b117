"""How a text is cut by a tokenizer that was made elsewhere, which may refuse some of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from embedviz.text import tokenizer_library
from embedviz.text.tokenizer_library import LibraryError
from embedviz.text.tokenizers import UNKNOWN, spans_of_bytes

if TYPE_CHECKING:
    import tokenizers

_LINES = re.compile(r"\n|[^\n]+")
_WORDS = re.compile(r"\s*\S+|\s+")
_SHORT = re.compile(r"\s{0,32}\S{1,32}|\s{1,32}")  # of these every beginning is tried, where one is refused


@dataclass(frozen=True, eq=False)
class Cutter:
    """Asks `library` for ids below V = len(bytes_by_id); with a `boundary_id`, line by line.

    `bytes_by_id` are the bytes that each token stands for, None where it stands for none.
    """

    library: "tokenizers.Tokenizer"
    bytes_by_id: tuple[bytes | None, ...]
    boundary_id: int | None

    def ask(self, pieces: list[str]) -> Iterator[list[int]]:
        """Return the ids of each piece; raises LibraryError where there are none, or none of the vocabulary."""
        found = tokenizer_library.encode(self.library, pieces)
        if any(ids and max(ids) >= len(self.bytes_by_id) for ids in found):
            raise LibraryError("an id is outside the vocabulary")
        return iter(found)

    def first_refused(self, text: str) -> int:
        """Return the place of the first character that the text could not have, as far as that can be told."""
        lines = [(0, len(text))]
        if self.boundary_id is not None:  # line ends are not asked for
            lines = [match.span() for match in re.finditer(r"[^\n]+", text)]
        for begin, end in lines:
            for match in _SHORT.finditer(text, begin, end):
                if not self._takes(match[0]):
                    longest = next(n for n in reversed(range(len(match[0]))) if self._takes(match[0][:n]))
                    return match.start() + longest
        return lines[0][0]  # it takes every word, but not all of them together

    def _takes(self, piece: str) -> bool:
        try:
            self.ask([piece] if piece else [])
        except LibraryError:
            return False
        return True

    def cut(self, text: str) -> tuple[list[int], list[int]]:
        """Return the ids (T,) and where each of them ends."""
        ids: list[int] = []
        ends: list[int] = []
        start = 0
        for piece in [text] if self.boundary_id is None else _LINES.findall(text):
            found, places = self._cut_piece(piece)
            ids += found
            ends += (start + place for place in places)
            start += len(piece)
        if ends:
            ends[-1] = len(text)
        return ids, ends

    def _cut_piece(self, piece: str) -> tuple[list[int], list[int]]:
        if piece == "\n" and self.boundary_id is not None:
            return [self.boundary_id], [1]
        try:
            with tokenizer_library.guarded():
                encoded = self.library.encode(piece, add_special_tokens=False)
                ids, offsets = encoded.ids, encoded.offsets
            if ids and max(ids) >= len(self.bytes_by_id):
                raise LibraryError("an id is outside the vocabulary")
            return ids, self._ends(piece, ids, offsets)
        except LibraryError:
            pass  # as much of it as can be
        ids, ends, start = [], [], 0
        words = _WORDS.findall(piece)
        for word in words:
            found, places = self._cut_piece(word) if len(words) > 1 else ([UNKNOWN], [len(word)])
            ids += found
            ends += [start + place for place in places]
            start += len(word)
        return ids, ends

    def _ends(self, text: str, ids: list[int], offsets: list[tuple[int, int]]) -> list[int]:
        data = [self.bytes_by_id[i] or b"" for i in ids]
        whole = text.encode("utf-8")
        if b"".join(data) == whole:
            sizes = np.array([len(part) for part in data], dtype=np.int64)  # (T,)
            return [int(end) for end in spans_of_bytes(whole, sizes)[:, 1]]
        # Tokens that share their characters: the last one has them. Others end where they say.
        ends = [min(end, start) for (_, end), (start, _) in pairwise(offsets)]
        ends = [min(max(end, 0), len(text)) for end in accumulate(ends, max)]
        return [*ends, len(text)] if ids else []
