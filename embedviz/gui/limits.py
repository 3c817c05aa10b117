"""What the window takes on: told before memory is taken, in a sentence."""

from embedviz.config import RunConfig

BYTES_PER_NUMBER = 4  # float32
LARGEST_TABLE_BYTES = 100_000_000


def table_problem(config: RunConfig, vocab_size: int) -> str:
    """Return a sentence if the table of `config` is more than the window can show; empty if it is not.

    The window holds four such tables at times: shown, newest, the one before, and what the trainer writes.
    """
    columns = vocab_size if config.reads == "token" else config.n_embd
    size = vocab_size * columns * BYTES_PER_NUMBER
    if size <= LARGEST_TABLE_BYTES:
        return ""
    return (
        f"A table of {vocab_size:,} x {columns:,} takes {size / 1e6:,.0f} MB, and the window shows none of more "
        f"than {LARGEST_TABLE_BYTES / 1e6:,.0f} MB: choose a smaller vocabulary or another "
        "model, or use ‘embedviz train’."
    )
