"""What a command has to be like, before it reaches a run: a mistake ends in a sentence, and nothing happened."""

import math

import numpy as np

from embedviz.edits import HandEdit
from embedviz.engine import messages as m
from embedviz.errors import EmbedvizError


class CommandError(EmbedvizError):
    """The command asks for what no run can do; nothing was done."""


def check(command: m.Message, vocab_size: int) -> None:
    """Raise CommandError if a run of `vocab_size` tokens cannot do what `command` says."""
    if isinstance(command, m.Advance) and not (_is_whole(command.steps) and command.steps > 0):
        raise CommandError("A run goes ahead by whole steps, and by one at least.")
    if isinstance(command, m.GoTo) and not _is_whole(command.step):
        raise CommandError("A step to go to has to be a whole number.")
    if isinstance(command, m.SetPace) and not _is_pace(command.steps_per_second):
        raise CommandError("A pace has to be more than 0 steps a second.")
    if isinstance(command, m.Edit) and not isinstance(command.edit, HandEdit):
        raise CommandError("There is nothing to change by hand in this.")
    if isinstance(command, m.Watch):
        _check_ids(command.contexts, 2, vocab_size)
        if command.contexts.shape[1] == 0 < len(command.contexts):
            raise CommandError("A context to watch needs a token at least.")
        if not _is_whole(command.attention):
            raise CommandError("A layer of attention has to be a whole number.")
    if isinstance(command, m.Predict):
        _check_ids(command.context, 1, vocab_size)
        if not len(command.context):
            raise CommandError("A prediction needs a token at least to follow.")


def _check_ids(ids: m.Array, dimensions: int, vocab_size: int) -> None:
    if not isinstance(ids, np.ndarray) or ids.ndim != dimensions or not np.issubdtype(ids.dtype, np.integer):
        raise CommandError("A context has to be a row of token numbers.")
    unknown = ids[(ids < 0) | (ids >= vocab_size)]
    if len(unknown):
        raise CommandError(f"There is no token {unknown[0]:,}: they are numbered from 0 to {vocab_size - 1:,}.")


def _is_pace(pace: object) -> bool:
    return pace is None or (isinstance(pace, int | float) and math.isfinite(pace) and pace > 0)


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
