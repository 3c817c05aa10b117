"""The choice of device and threads, and the sentences about it."""

import os
from collections.abc import Iterator

import pytest
import torch

from embedviz.config import RunConfig
from embedviz.training import devices
from embedviz.training.devices import DeviceError


@pytest.fixture(autouse=True)
def _threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)


def test_small_models_get_one_thread() -> None:
    config = devices.resolve(RunConfig(device="auto", threads=0), vocab_size=2000)
    assert (config.device, config.threads) == ("cpu", 1)


def test_large_models_get_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, threads in ((16, 4), (2, 2), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert devices.resolve(RunConfig(threads=0), vocab_size=2001).threads == threads


def test_an_mlp_is_small_until_its_layers_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    config = RunConfig(model="mlp", init="normal-1", threads=0)
    assert devices.resolve(config, vocab_size=10_000).threads == 1
    assert devices.resolve(config.replace(hidden=1000), vocab_size=10_000).threads == 2


def test_what_was_chosen_stays() -> None:
    config = RunConfig(device="cpu", threads=3)
    assert devices.resolve(config, 5) == config


@pytest.mark.parametrize("name", ["tpu", "cuda", "", "cpu:1", "cpu:x"])
def test_a_device_that_is_not_there(name: str, no_gpu: None) -> None:
    with pytest.raises(DeviceError) as caught:
        devices.resolve(RunConfig(device=name), 5)
    assert caught.value.sentence == f"There is no device '{name}' here: choose cpu or auto."


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "cpu", "cpu:0"])
def test_an_accelerator_is_taken_by_name(name: str, two_gpus: None) -> None:
    assert devices.resolve(RunConfig(device=name), 5).device == name


def test_an_accelerator_has_so_many_devices(two_gpus: None) -> None:
    assert devices.available() == ["cpu", "cuda"]
    with pytest.raises(DeviceError, match="There is no device 'cuda:2' here: choose cpu, cuda or auto"):
        devices.resolve(RunConfig(device="cuda:2"), 5)


def test_use_sets_the_threads() -> None:
    for threads in (2, 1):
        devices.use(RunConfig(threads=threads))
        assert torch.get_num_threads() == threads


def test_describe() -> None:
    assert devices.describe(RunConfig()) == "CPU, 1 thread"
    assert devices.describe(RunConfig(device="cuda:1", threads=2)) == "CUDA:1, 2 threads"
