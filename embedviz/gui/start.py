"""The table at step 0 where it is known without torch: the first frame, while the trainer warms up."""

import math

import numpy as np

from embedviz.config import RunConfig
from embedviz.engine.messages import Array, Reading
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.documents import Document
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import smoothed_log_probabilities, table_loss

MOST_ROWS = 4096  # of a table that is quick to make here; the trainer makes larger ones


def start_snapshot(run_id: str, config: RunConfig, document: Document, context: Array) -> Snapshot | None:
    """Return the frame of step 0 of a bigram table that starts without chance (zeros, log of counts).

    A test holds it against what the trainer says. None for what needs the trainer: other models and starts,
    and tables of more than MOST_ROWS rows.
    """
    size = document.vocab_size
    if config.reads != "token" or config.init not in ("zeros", "log-counts") or size > MOST_ROWS:
        return None
    if config.init == "zeros":
        table = np.zeros((size, size), np.float32)  # (V, V)
    else:
        table = smoothed_log_probabilities(document.pairs).astype(np.float32)  # (V, V)
    table.flags.writeable = False
    val_ids = document.dataset.val_ids
    val = table_loss(table, PairCounts.count(val_ids, size)) if len(val_ids) else None
    contexts: Array = np.atleast_2d(context)[:1] if len(context) else np.zeros((0, 1), np.int64)
    reading = Reading(
        0, table_loss(table, document.pairs), val if val is None or math.isfinite(val) else None, False
    )
    return Snapshot(run_id, 0, 0.0, reading, {"token": table}, {}, contexts, table[contexts[:, -1]])
