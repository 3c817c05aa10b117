"""What can be said of a text by counting alone: pairs, probabilities, and the floor of a bigram table.

All losses and entropies are in nats per token. Where nothing was counted they are NaN.
"""

import math

import numpy as np
from numpy.typing import NDArray

from embedviz.text.dataset import Ids

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_CHUNK = 1 << 20  # ids counted at once: bincount makes an 8-byte copy of each


def token_counts(ids: Ids, vocab_size: int) -> Counts:
    """Return how often each token occurs in `ids` (T,), as (V,)."""
    counts = np.zeros(vocab_size, dtype=np.int64)  # (V,)
    for start in range(0, len(ids), _CHUNK):
        counts += np.bincount(ids[start : start + _CHUNK], minlength=vocab_size)
    return counts


def pair_counts(ids: Ids, vocab_size: int) -> Counts:
    """Return (V, V): in row i, column j, how often token j follows token i in `ids` (T,)."""
    counts = np.zeros(vocab_size**2, dtype=np.int64)  # (V * V,)
    chunk = max(_CHUNK, vocab_size**2)  # each round costs a pass over the table: few rounds for a large one
    for start in range(0, len(ids) - 1, chunk):
        following = ids[start + 1 : start + 1 + chunk]
        pairs = ids[start : start + len(following)] * np.int64(vocab_size)
        pairs += following
        counts += np.bincount(pairs, minlength=vocab_size**2)
    return counts.reshape(vocab_size, vocab_size)  # (V, V)


def unigram_entropy(counts: Counts) -> float:
    """Return the entropy of the token counts (V,): the least loss of a model that sees no context."""
    total = int(counts.sum())
    return max(math.log(total) - _sum_c_log_c(counts) / total, 0.0) if total else math.nan


def conditional_entropy(counts: Counts) -> float:
    """Return the entropy of the next token given this one, of pair counts (V, V).

    No bigram table can have a lower loss on the text that was counted: the floor.
    H(next | this) = H(this, next) - H(this); Cover and Thomas, Elements of Information Theory, 2.2.
    """
    total = int(counts.sum())
    if not total:
        return math.nan
    return max((_sum_c_log_c(counts.sum(axis=1)) - _sum_c_log_c(counts)) / total, 0.0)


def table_loss(table: NDArray[np.floating], counts: Counts) -> float:
    """Return the mean cross-entropy of a table of logits (V, V) over pair counts (V, V).

    Computed in float64. A diverged table gives NaN or infinity, silently.
    """
    total = int(counts.sum())
    if not total:
        return math.nan
    this, following = np.nonzero(counts)  # (P,): 0 * infinity must not arise where nothing was counted
    with np.errstate(all="ignore"):
        logits = table.astype(np.float64)  # (V, V)
        normalizer = _logsumexp(logits)  # (V,)
        losses = normalizer[this] - logits[this, following]  # (P,)
        return float(counts[this, following] @ losses) / total


def next_token_probabilities(counts: Counts) -> Floats:
    """Return (V, V): each row of pair counts divided by its sum; all zeros for a token never followed."""
    sums = counts.sum(axis=1, keepdims=True)  # (V, 1)
    return np.asarray(counts / np.maximum(sums, 1), dtype=np.float64)  # (V, V)


def smoothed_log_probabilities(counts: Counts, add: float = 1.0) -> Floats:
    """Return (V, V): log of (counts + `add`) over the row's sum (Laplace's rule for `add` = 1)."""
    smoothed = counts + np.float64(add)  # (V, V)
    return np.asarray(np.log(smoothed / smoothed.sum(axis=1, keepdims=True)))


def _sum_c_log_c(counts: Counts) -> float:
    seen = counts[counts > 0].astype(np.float64)
    return float(seen @ np.log(seen))


def _logsumexp(logits: Floats) -> Floats:
    top = logits.max(axis=1)  # (V,): taken out, so that exp cannot overflow
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)))
