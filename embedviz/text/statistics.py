"""What can be said of a text by counting alone: pairs, probabilities, and the floor of a bigram table.

All losses and entropies are in nats per token. Where nothing was counted they are NaN.
"""

import math

import numpy as np
from numpy.typing import NDArray

from embedviz.text.dataset import Ids
from embedviz.text.pairs import Counts, PairCounts

Floats = NDArray[np.float64]

_CHUNK = 1 << 20  # ids counted, or logits summed, at once: each is copied to 8 bytes


def token_counts(ids: Ids, vocab_size: int) -> Counts:
    """Return how often each token occurs in `ids` (T,), as (V,)."""
    counts = np.zeros(vocab_size, dtype=np.int64)  # (V,)
    for start in range(0, len(ids), _CHUNK):
        counts += np.bincount(ids[start : start + _CHUNK], minlength=vocab_size)
    return counts


def unigram_entropy(counts: Counts) -> float:
    """Return the entropy of the token counts (V,): the least loss of a model that sees no context."""
    total = int(counts.sum())
    return max(math.log(total) - _sum_c_log_c(counts) / total, 0.0) if total else math.nan


def conditional_entropy(pairs: PairCounts) -> float:
    """Return the entropy of the next token given this one.

    No bigram table can have a lower loss on the text that was counted: the floor.
    H(next | this) = H(this, next) - H(this); Cover and Thomas, Elements of Information Theory, 2.2.
    """
    if not pairs.total:
        return math.nan
    return max((_sum_c_log_c(pairs.row_sums) - _sum_c_log_c(pairs.counts)) / pairs.total, 0.0)


def table_loss(table: NDArray[np.floating], pairs: PairCounts) -> float:
    """Return the mean cross-entropy of a table of logits (V, V) over counted pairs.

    Computed in float64, some rows at a time. A diverged table gives NaN or infinity, silently.
    """
    if not pairs.total:
        return math.nan
    size = pairs.vocab_size
    rows = max(1, _CHUNK // size)
    loss = 0.0
    with np.errstate(all="ignore"):
        for first in range(0, size, rows):
            logits = table[first : first + rows].astype(np.float64)  # (rows, V)
            begin, end = np.searchsorted(pairs.codes, (first * size, (first + rows) * size))
            this, following = np.divmod(pairs.codes[begin:end] - first * size, size)  # (P,)
            losses = _logsumexp(logits)[this] - logits[this, following]  # (P,)
            loss += float(pairs.counts[begin:end] @ losses)
    return loss / pairs.total


def smoothed_log_probabilities(pairs: PairCounts, add: float = 1.0) -> Floats:
    """Return (V, V): log of (counts + `add`) over the row's sum (Laplace's rule for `add` = 1)."""
    size = pairs.vocab_size
    table = np.full((size, size), add)  # (V, V): worked on in place, as it may be large
    table.reshape(-1)[pairs.codes] += pairs.counts
    np.log(table, out=table)
    table -= np.log(pairs.row_sums + add * size)[:, None]
    return table


def _sum_c_log_c(counts: Counts) -> float:
    total = 0.0
    for start in range(0, len(counts), _CHUNK):
        seen = counts[start : start + _CHUNK].astype(np.float64)
        total += float(seen @ np.log(np.maximum(seen, 1)))  # 0 log 0 is 0
    return total


def _logsumexp(logits: Floats) -> Floats:
    top = logits.max(axis=1)  # (rows,): taken out, so that exp cannot overflow
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)))
