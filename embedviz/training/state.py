"""What a run carries from step to step outside the session itself: parameters, optimiser, random numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from embedviz.checkpoint import CheckpointError
from embedviz.config import RunConfig

Arrays = dict[str, NDArray[np.generic]]

_GENERATOR = "generator/batches"


class State:
    """Copies a run's state into arrays, and puts such arrays back."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, generator: Generator) -> None:
        self._parameters = dict(model.named_parameters())
        self._optimizer = optimizer
        self._generator = generator

    def is_finite(self) -> bool:
        """Tell whether every weight is a finite number."""
        return all(torch.isfinite(parameter).all().item() for parameter in self._parameters.values())

    def copy(self) -> Arrays:
        """Return copies, named "parameters/...", "optimizer/0/exp_avg", "generator/..."."""
        arrays = {f"parameters/{name}": _copy(tensor) for name, tensor in self._parameters.items()}
        for index, state in self._optimizer.state_dict()["state"].items():
            arrays |= {
                f"optimizer/{index}/{name}": _copy(tensor) for name, tensor in state.items() if tensor is not None
            }
        arrays[_GENERATOR] = _copy(self._generator.get_state())
        return arrays

    @torch.no_grad()
    def put(self, arrays: Arrays) -> None:
        """Put copies of `arrays` in place, and forget the last gradient.

        Raises CheckpointError, with nothing changed, if they are not those of such a model.
        """
        self._check(arrays)
        for name, parameter in self._parameters.items():
            parameter.copy_(_tensor(arrays[f"parameters/{name}"]))
            parameter.grad = None
        states: dict[int, dict[str, Tensor]] = {}
        for path, array in arrays.items():
            room, _, rest = path.partition("/")
            if room == "optimizer":
                index, _, name = rest.partition("/")
                states.setdefault(int(index), {})[name] = _tensor(array)
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": states})
        self._generator.set_state(_tensor(arrays[_GENERATOR]))

    def _check(self, arrays: Arrays) -> None:
        found = {path: array.shape for path, array in arrays.items() if path.startswith("parameters/")}
        wanted = {f"parameters/{name}": tuple(tensor.shape) for name, tensor in self._parameters.items()}
        if found != wanted or _GENERATOR not in arrays:
            raise CheckpointError(
                "The checkpoint was taken of another model: its arrays do not fit this one.",
                details=f"found {found}, wanted {wanted}",
            )


def make_optimizer(config: RunConfig, model: nn.Module) -> Optimizer:
    """Return the optimiser, with one kernel for the whole step where the device has it."""
    settings: dict[str, Any] = {"lr": config.lr, "weight_decay": config.weight_decay}
    if config.optimizer != "sgd":
        settings["betas"] = (config.beta1, config.beta2)
    try:
        return _OPTIMIZERS[config.optimizer](model.parameters(), fused=True, **settings)
    except RuntimeError:
        return _OPTIMIZERS[config.optimizer](model.parameters(), foreach=True, **settings)


_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def _copy(tensor: Tensor) -> NDArray[np.generic]:
    return np.array(tensor.detach().cpu().numpy())


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(array))
