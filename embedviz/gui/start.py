"""The table at step 0 where it is known without torch: the first frame, while the trainer warms up."""

import math

import numpy as np

from embedviz.config import RunConfig
from embedviz.engine.messages import Array, Reading
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.text.statistics import pair_counts, smoothed_log_probabilities, table_loss


def start_snapshot(run_id: str, config: RunConfig, document: Document, context: Array) -> Snapshot | None:
    """Return the frame of step 0 for a start without chance (zeros, log of counts), else None.

    A test holds it against what the trainer says.
    """
    if config.model != "bigram" or config.init not in ("zeros", "log-counts"):
        return None
    size = document.vocab_size
    if config.init == "zeros":
        table = np.zeros((size, size), np.float32)  # (V, V)
    else:
        table = smoothed_log_probabilities(document.pairs).astype(np.float32)  # (V, V)
    table.flags.writeable = False
    val_pairs = pair_counts(document.dataset.val_ids, size) if len(document.dataset.val_ids) else None
    val = None if val_pairs is None else table_loss(table, val_pairs)
    contexts: Array = np.atleast_2d(context)[:1] if len(context) else np.zeros((0, 1), np.int64)
    reading = Reading(
        0, table_loss(table, document.pairs), val if val is None or math.isfinite(val) else None, False
    )
    return Snapshot(run_id, 0, 0.0, reading, {"token": table}, {}, contexts, table[contexts[:, -1]])
