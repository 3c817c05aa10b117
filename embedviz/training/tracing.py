"""StepTracer: takes the coming step for real, writes down all that it computes for one example, and undoes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from embedviz.models.base import NOTHING, LanguageModel
from embedviz.trace import StepTrace
from embedviz.training.batches import Batches
from embedviz.training.examples import Example, Examples, as_read
from embedviz.training.phases import phases_of
from embedviz.training.rules import Cell, moves_without_gradient

Arrays = dict[str, NDArray[Any]]
Points = dict[str, int]
Read = tuple[str, Tensor, Tensor]
"""A table that is read: the prefix of its arrays' names, itself, and which of its rows (t,)."""


class StepTracer:
    """Traces the coming step of one run.

    `accumulate` and `update` are the run's own, so that schedule, clipping and frozen rows are in it.
    Afterwards weights, gradients, optimiser and generator are bitwise what they were, in the same memory.
    """

    def __init__(
        self,
        model: LanguageModel,
        optimizer: Optimizer,
        batches: Batches,
        boundary_id: int | None,
        accumulate: Callable[[], Tensor],
        update: Callable[[], None],
    ) -> None:
        self._model = model
        self._optimizer = optimizer
        self._generator = batches.generator
        self._accumulate = accumulate
        self._update = update
        self._examples = Examples(model, batches, boundary_id)

    def trace(self, step: int, rate: float, context: NDArray[np.int64]) -> StepTrace:
        """Return the trace of the step after `step`, at the learning rate `rate`.

        It follows what comes after `context` (T,), which is as the model reads it and may be empty.
        """
        drawn = self._generator.get_state()
        try:
            example = self._examples.next(context)
        finally:
            self._generator.set_state(drawn)
        arrays: Arrays = {
            "batch ids": example.ids,
            "batch targets": example.targets,
            "starts": example.starts,
        }
        points = _points_of(example) | {"vocab_size": self._model.vocab_size}
        idx = as_read(example, next(self._model.parameters()).device)  # (1, t)
        self._trace_forward(idx, arrays, points)
        read = self._read(torch.from_numpy(arrays["ids"]).to(idx.device))
        with _undone(self._model, self._optimizer, self._generator) as before:
            self._trace_gradient(read, arrays)
            arrays["learning rate"] = np.array(rate)
            self._update()
            _trace_moves(read, before, arrays, points)
            self._trace_cause(read[0][1], rate, before, arrays, points)
            self._trace_outcome(idx, arrays, points)
        phases = phases_of(self._model, arrays, points, example)
        return StepTrace(step, arrays, points, phases, example.is_watched)

    def _trace_forward(self, idx: Tensor, arrays: Arrays, points: Points) -> None:
        """Add what the model computes of the example, its softmax and its loss, and the way back to its rows."""
        place = points["target"]
        found = self._model.trace(idx[0], place)
        points.update(self._model.points(found))
        arrays.update({name: _copy(array) for name, array in found.items()})
        logits = self._model.forward(idx)[0][:, -1]  # (1, V)
        over = logits.detach()[0] - logits.detach().max()  # (V,)
        # A trace may add up in another order; what does not move is to be the same after it, to the last bit.
        arrays["logits"], arrays["probabilities"] = _copy(logits[0]), _copy(torch.softmax(logits[0], 0))
        arrays["largest logit"] = _copy(logits.max())
        arrays["logit over largest"] = _copy(over[place])
        arrays["power"] = _copy(over[place].exp())
        arrays["sum of powers"] = _copy(over.exp().sum())
        loss = F.cross_entropy(logits, torch.tensor([place], device=logits.device))
        arrays["loss"] = _copy(loss)
        trained = [table for table in self._model.lookup_tables().values() if table.requires_grad]
        d_logits, *d_tables = torch.autograd.grad(loss, [logits, *trained], allow_unused=True)
        arrays["logit gradient"] = _copy(d_logits[0])  # (V,)
        own: dict[Tensor, Tensor | None] = dict(zip(trained, d_tables, strict=True))
        for prefix, table, rows in self._read(found["ids"]):
            arrays[f"{prefix}row gradient"] = _rows(own.get(table), table, rows)  # (t, C)

    def _trace_gradient(self, read: list[Read], arrays: Arrays) -> None:
        """Add the loss of the batch, and its gradient as it is before it is clipped."""
        arrays["batch loss"] = _copy(self._accumulate())
        for prefix, table, rows in read:
            arrays[f"{prefix}batch gradient"] = _rows(table.grad, table, rows)  # (t, C)
            arrays[f"{prefix}rows with gradient"] = _has_gradient(table)  # (V,)
        if self._model.config.clip:
            gradients = [weights.grad for weights in self._model.parameters() if weights.grad is not None]
            arrays["gradient norm"] = _copy(nn.utils.get_total_norm(gradients))

    def _trace_cause(self, table: Tensor, rate: float, before: "_Before", arrays: Arrays, points: Points) -> None:
        """Add the terms of one cell's update, and what moved the rows that have no gradient."""
        points["column"] = points["target"] if self._model.rows_are_logits else _telling_column(arrays)
        config, weights, state = self._model.config, before.weights[table], self._optimizer.state.get(table, {})
        cell = Cell.of(config, rate, weights, table, state, points["token"], points["column"])
        arrays.update(cell.arrays())
        points.update(cell.points())
        if not table.requires_grad:
            points["is_held"] = 1
        silent, old = arrays["moved without gradient"], before.states.get(table, {})
        arrays.update(moves_without_gradient(config, rate, weights, table, old, silent))

    @torch.no_grad()
    def _trace_outcome(self, idx: Tensor, arrays: Arrays, points: Points) -> None:
        """Add what the weights say after the update."""
        logits = self._model.forward(idx)[0][0, -1]  # (V,)
        arrays["probabilities after"] = _copy(torch.softmax(logits, 0))
        target = torch.tensor([points["target"]], device=logits.device)
        arrays["loss after"] = _copy(F.cross_entropy(logits[None], target))

    def _read(self, ids: Tensor) -> list[Read]:
        """Return for each table the prefix of its arrays, itself, and its rows (t,) that are read.

        The first is the one that "rows" are of; its arrays go without a prefix.
        """
        tables, rows = self._model.lookup_tables(), self._model.rows_read(ids)
        return [
            ("" if not i else f"{name} ", tables[name], places) for i, (name, places) in enumerate(rows.items())
        ]


class _Before(NamedTuple):
    """Copies of what a step moves: each parameter, and what the optimiser keeps of it."""

    weights: dict[Tensor, Tensor]
    states: dict[Tensor, dict[str, Any]]  # empty before the first step


@contextmanager
def _undone(model: nn.Module, optimizer: Optimizer, generator: torch.Generator) -> Iterator[_Before]:
    """Take back whatever is done to the parameters within, in place; yields copies of what they were.

    The gradients of the last step are laid aside, so that nothing writes over them.
    """
    weights: dict[Tensor, Tensor] = {parameter: parameter.detach().clone() for parameter in model.parameters()}
    gradients = [parameter.grad for parameter in weights]
    states = {parameter: _clone(state) for parameter, state in optimizer.state.items()}
    rates = [group["lr"] for group in optimizer.param_groups]
    drawn = generator.get_state()
    for parameter in weights:
        parameter.grad = None
    try:
        yield _Before(weights, states)
    finally:
        undo: list[Callable[[], object]] = [partial(generator.set_state, drawn)]
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            undo.append(partial(group.update, lr=rate))
        for (parameter, values), gradient in zip(weights.items(), gradients, strict=True):
            undo += [partial(setattr, parameter, "grad", gradient), partial(parameter.copy_, values)]
        for parameter, state in list(optimizer.state.items()):
            if parameter in states:
                undo += _to_put_back(state, states[parameter])
            else:
                undo.append(partial(optimizer.state.pop, parameter))
        _do_all(undo)


def _clone(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value.clone() if isinstance(value, Tensor) else value for name, value in state.items()}


def _to_put_back(state: dict[str, Any], before: dict[str, Any]) -> Iterator[Callable[[], object]]:
    for name, value in state.items():
        if name not in before:
            yield partial(state.pop, name)
        elif isinstance(value, Tensor):
            yield partial(value.copy_, before[name])
        else:
            yield partial(state.__setitem__, name, before[name])


@torch.no_grad()
def _do_all(actions: list[Callable[[], object]]) -> None:
    """Do each of `actions`, whatever becomes of the others; then raise the first error of them, if any."""
    errors = []
    for action in actions:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # one thing that cannot be put back must not keep the others
            errors.append(error)
    if errors:
        raise errors[0]


def _points_of(example: Example) -> Points:
    return {
        "token": int(example.read[-1]),
        "target": example.target,
        "row": example.row,
        "place": example.place,
        "start": int(example.starts[example.row]),
        "position": example.position,
        "first_row": example.first_row + 1,
        "last_row": example.first_row + len(example.ids),
        "followed_row": example.first_row + example.row + 1,
        "batch_size": example.batch_size,
        "examples": example.losses,
    }


def _trace_moves(read: list[Read], before: _Before, arrays: Arrays, points: Points) -> None:
    """Add the rows that are read before and after the update, and which rows moved at all."""
    for prefix, table, rows in read:
        was, now = _rows(before.weights[table], table, rows), _rows(table, table, rows)  # (t, C)
        with np.errstate(invalid="ignore"):  # of a run that is beyond numbers
            difference = now - was  # (t, C)
        moved = _copy((table.detach() != before.weights[table]).any(1))  # (V,)
        silent = moved & ~arrays[f"{prefix}rows with gradient"]  # (V,)
        arrays |= {f"{prefix}before": was, f"{prefix}after": now, f"{prefix}difference": difference}
        arrays |= {f"{prefix}moved": moved, f"{prefix}moved without gradient": silent}
    moved, with_gradient = arrays["moved"], arrays["rows with gradient"]
    points["rows_with_gradient"] = int(with_gradient.sum())
    points["rows_moved"] = int(moved.sum())
    points["rows_moved_without"] = int((moved & ~with_gradient).sum())
    points["rows_stayed"] = int((with_gradient & ~moved).sum())


def _telling_column(arrays: Arrays) -> int:
    """Return the column that moves most in the last row; where none does, the one with the largest gradient."""
    moves = np.abs(arrays["difference"][-1])
    return int((moves if moves.any() else np.abs(arrays["batch gradient"][-1])).argmax())


def _rows(values: Tensor | None, table: Tensor, places: Tensor) -> NDArray[Any]:
    """Return copies of the rows of `values` (V, C), shaped as `table`; zeros where nothing stands."""
    if values is None:
        return np.zeros((len(places), table.shape[1]), np.float32)
    rows = values.detach()[places.clamp(min=0)]  # (t, C)
    return _copy(rows.masked_fill_((places == NOTHING)[:, None], 0))


def _has_gradient(table: Tensor) -> NDArray[Any]:
    """Return which rows (V,) of a table have any gradient."""
    return np.zeros(len(table), np.bool_) if table.grad is None else _copy((table.grad != 0).any(1))


def _copy(tensor: Tensor) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().numpy())
