"""What a person may do to a run between two steps: set a cell of a lookup table, freeze a row, thaw it."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from embedviz.edits import HandEdit
from embedviz.errors import EmbedvizError
from embedviz.models.base import LanguageModel
from embedviz.training.state import Arrays

LARGEST_VALUE = 1e4
_PROBES = 16  # contexts that tell what an edit may cost
_ROOM = "frozen"  # of the arrays in a checkpoint: "frozen/token"


class HandEditError(EmbedvizError):
    """The edit cannot be made; nothing was changed."""


class FrozenRows:
    """Rows of `tables` that no step moves, be it by gradient, momentum or decay; false while there are none.

    Gradients and the optimiser's state of these rows go on as ever: only the weights are put back.
    """

    def __init__(self, tables: Mapping[str, Tensor]) -> None:
        self._tables = tables
        self._rows: dict[str, Tensor] = {}  # (R,) each, in order; no table without any

    def __bool__(self) -> bool:
        return bool(self._rows)

    def set(self, table: str, row: int, frozen: bool) -> None:
        """Freeze a row, or let it go."""
        rows = set(self._rows[table].tolist() if table in self._rows else ()) - {row}
        self._hold(table, sorted(rows | {row} if frozen else rows))

    @torch.no_grad()
    def step(self, optimizer: Optimizer) -> None:
        """Let `optimizer` take its step, and put the frozen rows back bit by bit."""
        before = [(self._tables[name], rows, self._tables[name][rows]) for name, rows in self._rows.items()]
        optimizer.step()
        for table, rows, values in before:
            table.index_copy_(0, rows, values)

    def copy(self) -> Arrays:
        """Return which rows are frozen, {"frozen/token": (R,)}; nothing where none is."""
        return {f"{_ROOM}/{name}": rows.cpu().numpy().copy() for name, rows in self._rows.items()}

    def put(self, arrays: Arrays) -> None:
        """Freeze the rows that `arrays` name, and no others."""
        self._rows.clear()
        for path, rows in arrays.items():
            room, _, name = path.partition("/")
            if room == _ROOM and name in self._tables:
                self._hold(name, np.asarray(rows).tolist())

    def _hold(self, table: str, rows: list[int]) -> None:
        self._rows.pop(table, None)
        if rows:
            self._rows[table] = torch.tensor(rows, device=self._tables[table].device)


@torch.no_grad()
def make(edit: HandEdit, tables: Mapping[str, Tensor], frozen: FrozenRows, step: int) -> HandEdit:
    """Change a table as `edit` says; return it with what was there before, the value as float32, and `step`.

    Raises HandEditError, with nothing changed, if there is no such cell, or it cannot hold the value.
    """
    _check(edit, tables)
    if edit.kind != "cell":
        frozen.set(edit.table, edit.row, edit.kind == "freeze")
        return replace(edit, step=step)
    table = tables[edit.table]
    before = table[edit.row, edit.column].item()
    table[edit.row, edit.column] = edit.value
    return replace(edit, step=step, before=before, value=float(np.float32(edit.value)))


@torch.no_grad()
def worst_loss(model: LanguageModel, contexts: Tensor, row: int) -> float:
    """Return what some of `contexts` (N, T), with the token `row` and without, could cost whatever came next.

    A loss is at most ln V and the span of the logits. As many are read at a time as a reading takes.
    """
    idx = contexts[:_PROBES]  # (N, T)
    token = min(row, model.vocab_size - 1)  # where the row is one of positions, all contexts read it
    with_row = torch.cat([idx[:, :-1], torch.full_like(idx[:, -1:], token)], 1)  # (N, T)
    probes = torch.cat([idx, with_row, torch.full_like(idx[:1], token)])  # (n, T)
    return math.log(model.vocab_size) + max(
        _span(model.forward(some)[0])
        for some in torch.split(probes, model.contexts_at_once(model.config, model.vocab_size))
    )


def _span(logits: Tensor) -> float:
    """Return the largest difference between two of `logits` (n, T', V) of one place."""
    return (logits.amax(-1) - logits.amin(-1)).max().item()


def _check(edit: HandEdit, tables: Mapping[str, Tensor]) -> None:
    if edit.kind not in ("cell", "freeze", "thaw"):
        raise HandEditError(f"'{edit.kind}' is nothing that can be done by hand.")
    if not (_is_whole(edit.row) and _is_whole(edit.column)):
        raise HandEditError("The row and the column of a cell have to be whole numbers.")
    if not isinstance(edit.table, str) or edit.table not in tables:
        raise HandEditError(f"This model has no table '{edit.table}': it has {', '.join(tables)}.")
    rows, columns = tables[edit.table].shape
    if not 0 <= edit.row < rows:
        raise HandEditError(f"The table '{edit.table}' has no row {edit.row:,}: its last is {rows - 1:,}.")
    if edit.kind != "cell":
        return
    if not 0 <= edit.column < columns:
        raise HandEditError(
            f"The table '{edit.table}' has no column {edit.column:,}: its last is {columns - 1:,}."
        )
    if not isinstance(edit.value, int | float | np.number) or not math.isfinite(edit.value):
        raise HandEditError("A weight has to be a finite number.")
    if abs(edit.value) > LARGEST_VALUE:
        raise HandEditError(f"A weight set by hand has to be from −{LARGEST_VALUE:,.0f} to +{LARGEST_VALUE:,.0f}.")


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
