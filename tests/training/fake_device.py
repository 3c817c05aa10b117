"""A device "fake:0" that computes on the CPU, and fails when it is told to.

    with FakeDevice() as fake:
        session = TrainingSession(RunConfig(device="fake:0"), text)
        fake.fail_after(10, torch.OutOfMemoryError("out of memory"))
        next(session)  # raises that at the 11th operation from now on, and ever after

Only operations on its own tensors count: on what was moved to it, and what was computed of that. A run on the
CPU beside it goes on. It works on any thread that has asked for the device, which a session does.
"""

import threading
from types import TracebackType
from typing import Any, Self

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from embedviz.training import devices

NAME = "fake:0"
_PLACE = torch.device("cpu:0")  # the CPU, but told apart from "cpu" where a tensor is moved


class FakeDevice:
    """Is offered by `embedviz.training.devices` as "fake:0" while it is entered."""

    def __init__(self) -> None:
        self.operations = 0  # on its tensors, so far
        self._left: int | None = None
        self._error: Exception | None = None
        self._storages: set[StorageWeakRef] = set()
        self._here = threading.local()  # its mode on this thread: torch keeps modes by thread
        self._patch = pytest.MonkeyPatch()

    def fail_after(self, operations: int, error: Exception) -> None:
        """Let so many more operations pass; raise `error` at each one after them."""
        self._left, self._error = operations, error

    def recover(self) -> None:
        """Work again."""
        self._left = None

    def __enter__(self) -> Self:
        real, real_device = devices.survey(), devices.torch_device

        def torch_device(name: str) -> torch.device:
            if name != NAME:
                return real_device(name)
            self._watch_this_thread()
            return _PLACE

        self._patch.setattr(devices, "survey", lambda: real._replace(names=(*real.names, NAME)))
        self._patch.setattr(devices, "torch_device", torch_device)
        self._watch_this_thread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._patch.undo()
        self.recover()
        self._here.mode.__exit__(kind, error, where)  # other threads end with theirs

    def _watch_this_thread(self) -> None:
        if not hasattr(self._here, "mode"):
            self._here.mode = _Mode(self)
            self._here.mode.__enter__()

    def computes(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry out one operation of torch; it is this device's if one of its tensors is."""
        own = kwargs.get("device") == _PLACE or any(self._has(leaf) for leaf in tree_leaves((args, kwargs)))
        if own:
            self._count()
        result = func(*args, **kwargs)
        if own:
            self._storages = {storage for storage in self._storages if not storage.expired()}
            tensors = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            self._storages |= {StorageWeakRef(tensor.untyped_storage()) for tensor in tensors}
        return result

    def _has(self, leaf: object) -> bool:
        return isinstance(leaf, Tensor) and StorageWeakRef(leaf.untyped_storage()) in self._storages

    def _count(self) -> None:
        self.operations += 1
        if self._left is None or self._error is None:
            return
        if self._left <= 0:
            raise self._error
        self._left -= 1


class _Mode(TorchDispatchMode):
    def __init__(self, device: FakeDevice) -> None:
        super().__init__()
        self._device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._device.computes(func, args, kwargs or {})
