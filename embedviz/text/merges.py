"""MergeHistory: how a subword vocabulary came about, one merge after the other, counted again in the text."""

import heapq
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from embedviz.text import tokenizer_library
from embedviz.text.corpus import Corpus
from embedviz.text.progress import Progress, quiet
from embedviz.text.subword_tokenizer import SubwordTokenizer
from embedviz.text.tokenizers import Line, mended, spans_of_bytes, told

Pair = tuple[int, int]

_MOST_BYTES = 1 << 22  # of different words: counting their pairs takes about a hundred times as much memory
_OFTEN = 1 << 12  # pairs, or merges, looked at between two reports of progress: some 2 ms
_MOST_WORDS = 1 << 16  # whose cuts are kept


@dataclass(frozen=True)
class Merge:
    """One merge: `left` and `right` become `label` wherever they are neighbours inside a word.

    `count` is at how many places of the text the pair stands just before the merge, `runner_up` the most
    frequent other pair then, None if there is no other.
    """

    left: str
    right: str
    label: str
    count: int
    runner_up: tuple[str, str] | None
    runner_up_count: int
    why: str


@dataclass(frozen=True, eq=False)
class MergeHistory:
    """All merges of a tokenizer, with their counts in a text; and any line as it was cut along the way.

    `remark` is a sentence where only the beginning of the text was counted, else empty.
    """

    tokenizer: SubwordTokenizer
    merges: tuple[Merge, ...]  # (M,)
    remark: str = ""

    @classmethod
    def make(cls, corpus: Corpus, tokenizer: SubwordTokenizer, progress: Progress = quiet) -> "MergeHistory":
        """Replay the merges of `tokenizer` over the words of `corpus`, and count the pairs at each of them."""
        words: Counter[str] = Counter()
        size = counted = 0
        for chunk in told(corpus, "Counting the words", progress):
            known = len(words)
            tokenizer_library.count_words(chunk, words)
            size += sum(map(len, islice(words, known, None)))
            counted += len(chunk)
            if size > _MOST_BYTES:
                break
        replay = _Replay(_Rules(tokenizer, progress), words, progress)
        merges = [replay.merge(m) for m in range(len(tokenizer.merges))]
        total = corpus.n_stream_characters
        remark = f"Counted in the first {counted:,} of {total:,} characters." if counted < total else ""
        return cls(tokenizer, tuple(merges), remark)

    def line_after(self, text: str, merges: int) -> Line:
        """Return any line as it is cut after so many merges (0: into bytes); never raises.

        After all of them it is cut as the tokenizer cuts it.
        """
        whole = mended(text).encode("utf-8")
        ends = np.flatnonzero(self._lasting(text) >= merges) + 1  # (T,), in bytes
        starts = np.concatenate(([0], ends[:-1])).astype(np.int64)[: len(ends)]
        ids = [self._rules.ids[whole[start:end]] for start, end in zip(starts, ends, strict=True)]
        return Line(
            text,
            np.array(ids, dtype=np.int64),
            spans_of_bytes(whole, ends - starts),
            tuple(self.tokenizer.labels[i] for i in ids),
            tuple(map(str, ids)),
        )

    def _lasting(self, text: str) -> NDArray[np.int64]:
        """Return (N,): for the end of each byte the merge that joins it to the next one; M for none."""
        if text not in self._texts:
            if len(self._words) > _MOST_WORDS:
                self._words.clear()
            found: list[int] = []
            for word in tokenizer_library.words(mended(text)):
                if word not in self._words:
                    self._words[word] = self._rules.lasting(word)
                found += self._words[word]
            self._texts.clear()  # the last one is kept: a slider asks for it again and again
            self._texts[text] = np.array(found, dtype=np.int64)
        return self._texts[text]

    @cached_property
    def _rules(self) -> "_Rules":
        return _Rules(self.tokenizer)

    @cached_property
    def _words(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def _texts(self) -> dict[str, NDArray[np.int64]]:
        return {}


class _Rules:
    """The merges by number: which pair, and what it becomes; and how they cut a word."""

    def __init__(self, tokenizer: SubwordTokenizer, progress: Progress = quiet) -> None:
        doing = "Reading the merges"
        progress(doing, 0.0)
        self.labels = tokenizer.labels
        progress(doing, 0.0)
        by_token = {token: i for i, token in enumerate(tokenizer.tokens)}
        self.byte_ids = {token: by_token[token] for token in tokenizer_library.byte_tokens()}
        self.ids = {data: i for i, data in enumerate(tokenizer.token_bytes)}
        self.pairs: list[Pair] = []
        self.results: list[int] = []
        for m, (left, right) in enumerate(tokenizer.merges):
            if m % _OFTEN == 0:
                progress(doing, m / len(tokenizer.merges))
            self.pairs.append((by_token[left], by_token[right]))
            self.results.append(by_token[left + right])
        progress(doing, 1.0)
        self.ranks = {pair: m for m, pair in enumerate(self.pairs)}

    def lasting(self, word: str) -> list[int]:
        """Return, for the end of each byte of `word`, the merge that joins it to the next one; M for none."""
        ids = array("I", map(self.byte_ids.__getitem__, word))
        ends = list(range(len(word)))
        joined_by = [len(self.pairs)] * len(word)
        while ranks := [rank for pair in pairwise(ids) if (rank := self.ranks.get(pair)) is not None]:
            m = min(ranks)  # never less than the last: no merge makes a pair that an earlier one joins
            at = self.places(ids, m)
            for place in at:
                joined_by[ends[place]] = m
            ids = _joined(ids, at, self.results[m])
            gone = set(at)
            ends = [end for place, end in enumerate(ends) if place not in gone]
        return joined_by

    def places(self, ids: Sequence[int], m: int) -> list[int]:
        """Return where merge `m` joins `ids` with what follows, from left to right, overlaps left out."""
        at: list[int] = []
        for place, pair in enumerate(pairwise(ids)):
            if pair == self.pairs[m] and not (at and at[-1] == place - 1):
                at.append(place)
        return at


class _Replay:
    """The words of a text, cut as after so many merges, with the counts of their pairs.

    There may be millions of pairs: each is one number, left * V + right, and so is what stands in the queue,
    pair - count * V * V. The least of these is the most frequent pair, of equal ones that of the lowest ids.
    Progress is told by the work and not by the merge: the first merges change most of the words.
    """

    def __init__(self, rules: _Rules, words: Counter[str], progress: Progress = quiet) -> None:
        self._rules = rules
        self._progress = progress
        self._doing, self._share = "Counting the pairs", 0.0
        self._work = 0  # since progress was told
        self._vocab_size = len(rules.labels)
        self._repeats = list(words.values())
        self._cuts: list[array[int]] = []
        self._counts: Counter[int] = Counter()
        self._where: dict[int, array[int]] = {}  # the numbers of words; some may have lost the pair since
        for number, word in enumerate(words):
            self._share = number / len(words)
            ids = array("I", map(rules.byte_ids.__getitem__, word))
            self._cuts.append(ids)
            for pair in self._pairs(ids):
                self._counts[pair] += self._repeats[number]
                self._stands(pair, number)
        self._queue = [self._entry(pair) for pair in self._counts]
        heapq.heapify(self._queue)

    def merge(self, m: int) -> Merge:
        """Describe merge `m`, and do it."""
        self._doing, self._share = "Replaying the merges", m / len(self._rules.pairs)
        left, right = self._rules.pairs[m]
        pair = left * self._vocab_size + right
        count = self._counts[pair]
        other = self._most_frequent_but(pair)
        other_count = 0 if other is None else self._counts[other]
        done = self._apply(m, pair)
        named = None
        if other is not None:
            named = self._rules.labels[other // self._vocab_size], self._rules.labels[other % self._vocab_size]
        return Merge(
            left=self._rules.labels[left],
            right=self._rules.labels[right],
            label=self._rules.labels[self._rules.results[m]],
            count=count,
            runner_up=named,
            runner_up_count=other_count,
            why=_why(count, other_count, named, lower=other is not None and pair < other) + _overlap(count, done),
        )

    def _most_frequent_but(self, pair: int) -> int | None:
        while self._queue:
            entry = self._queue[0]
            found = entry % self._vocab_size**2
            if found != pair and entry == self._entry(found) and self._counts[found]:
                return found
            self._worked(1)
            heapq.heappop(self._queue)  # about to be merged, or changed since: then it stands here once more
        return None

    def _apply(self, m: int, pair: int) -> int:
        """Do merge `m` in every word, and return at how many places of the text."""
        done, result = 0, self._rules.results[m]
        changed: set[int] = set()
        for number in self._where.pop(pair, ()):
            ids, repeats = self._cuts[number], self._repeats[number]
            self._worked(len(ids))
            if not (at := self._rules.places(ids, m)):
                continue
            done += repeats * len(at)
            self._cuts[number] = _joined(ids, at, result)
            for old in self._pairs(ids):
                self._counts[old] -= repeats
                changed.add(old)
            for new in self._pairs(self._cuts[number]):
                self._counts[new] += repeats
                changed.add(new)
                if result in divmod(new, self._vocab_size):
                    self._stands(new, number)
        for other in changed:
            self._worked(1)
            if self._counts[other]:
                heapq.heappush(self._queue, self._entry(other))
            else:
                del self._counts[other]
        return done

    def _pairs(self, ids: Sequence[int]) -> list[int]:
        self._worked(len(ids))
        return [left * self._vocab_size + right for left, right in pairwise(ids)]

    def _worked(self, pairs: int) -> None:
        self._work += pairs
        if self._work >= _OFTEN:
            self._work = 0
            self._progress(self._doing, self._share)

    def _entry(self, pair: int) -> int:
        return pair - self._counts[pair] * self._vocab_size**2

    def _stands(self, pair: int, number: int) -> None:
        if (numbers := self._where.get(pair)) is None:
            self._where[pair] = array("I", (number,))
        elif numbers[-1] != number:
            numbers.append(number)


def _joined(ids: "array[int]", at: list[int], result: int) -> "array[int]":
    joined, start = array("I"), 0
    for place in at:
        joined += ids[start:place]
        joined.append(result)
        start = place + 2
    return joined + ids[start:]


def _why(count: int, other_count: int, named: tuple[str, str] | None, *, lower: bool) -> str:
    if named is None:
        return f"Merged because it is the only pair left: it stands {_times(count)} in the text."
    second = f"'{named[0]}' + '{named[1]}'"
    if count > other_count:
        return (
            f"Merged because no pair is more frequent: it stands {_times(count)} in the text, "
            f"{second} {_times(other_count)}."
        )
    if count == other_count and lower:
        return (
            f"As frequent as {second}: each stands {_times(count)} in the text. Of equal pairs the one is "
            "merged whose left part has the lower id, and of these the one whose right part has."
        )
    return (
        "Merged here because no pair was more frequent in all that the tokenizer learnt from: in what is counted "
        f"here it stands {_times(count)}, {second} {_times(other_count)}."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _overlap(count: int, done: int) -> str:
    if done == count:
        return ""
    return f" Where such pairs overlap, as in 'aaa', only one of two can be merged: {done:,} of them are."
