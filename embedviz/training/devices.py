"""Where a run computes, and on how many threads."""

import os

import torch

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError

LARGE_MODEL_WEIGHTS = 4_000_000
"""Up to this many, one thread is fastest: with two on two busy cores small steps took ten times as long."""

_MOST_THREADS = 4  # past that an optimiser step waits for memory, not for cores


class DeviceError(EmbedvizError):
    """The device is not there."""


def resolve(config: RunConfig, vocab_size: int) -> RunConfig:
    """Return `config` with device and threads chosen. Raises DeviceError for a device that is not there."""
    device = "cpu" if config.device == "auto" else _checked(config.device)
    threads = config.threads or _threads_for(config, vocab_size)
    return config.replace(device=device, threads=threads)


def use(config: RunConfig) -> None:
    """Set this process's number of threads to that of a resolved `config`."""
    if torch.get_num_threads() != config.threads:
        torch.set_num_threads(config.threads)


def describe(config: RunConfig) -> str:
    """Return a resolved device in words: "CPU, 1 thread"."""
    threads = f"{config.threads} thread{'' if config.threads == 1 else 's'}"
    return f"{config.device.upper()}, {threads}"


def available() -> list[str]:
    """Return the kinds of devices that can be chosen here: "cpu", and the accelerator if there is one."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return ["cpu", *([accelerator.type] if accelerator else [])]


def _checked(name: str) -> str:
    kind, _, index = name.partition(":")
    count = 1 if kind == "cpu" else torch.accelerator.device_count()
    if kind not in available() or (index and not (index.isdecimal() and int(index) < count)):
        raise DeviceError(f"There is no device '{name}' here: choose {', '.join(available())} or auto.")
    return name


def _threads_for(config: RunConfig, vocab_size: int) -> int:
    weights = catalog.MODELS[config.model].load().weight_count(config, vocab_size)
    return min(os.cpu_count() or 1, _MOST_THREADS) if weights > LARGE_MODEL_WEIGHTS else 1
