"""What devices there are, what they are called, and what is said when one fails."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from fake_device import NAME, FakeDevice

from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.text.dataset import Dataset
from embedviz.training import devices
from embedviz.training.devices import DeviceError
from embedviz.training.guard import DivergenceError
from embedviz.training.session import TrainingSession

ON_GPU = RunConfig(device="cuda:0")
SAMPLED = RunConfig(batch_size=4, init="normal-1")
MLP = RunConfig(model="mlp", batch_size=4, block_size=3, hidden=7, optimizer="adamw", init="normal-1", lr=0.003)


@pytest.fixture(autouse=True)
def _threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def offer(monkeypatch: pytest.MonkeyPatch, kind: str, count: int) -> None:
    """Let torch.accelerator say that there are so many devices."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(kind))


# --- what there is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "count", "names"),
    [
        ("cuda", 0, ["cpu"]),
        ("cuda", 1, ["cpu", "cuda"]),
        ("cuda", 3, ["cpu", "cuda:0", "cuda:1", "cuda:2"]),
        ("mps", 1, ["cpu", "mps"]),
        ("xpu", 2, ["cpu", "xpu:0", "xpu:1"]),
    ],
)
def test_every_device_is_named_and_one_alone_has_no_number(
    kind: str, count: int, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, kind, count)
    assert devices.available() == names
    for name in names:
        devices.check(name)
        assert devices.torch_device(name) == torch.device(name)


def test_a_broken_driver_offers_nothing_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        warnings.warn("the driver is too old", UserWarning, stacklevel=1)
        raise RuntimeError("no device answers")

    offer(monkeypatch, "cuda", 1)
    monkeypatch.setattr(torch.accelerator, "device_count", broken)
    survey = devices.survey()
    assert survey.names == ("cpu",)
    assert survey.details == "the driver is too old\nRuntimeError: no device answers"
    with pytest.raises(DeviceError) as caught:
        devices.check("cuda")
    assert caught.value.sentence == "There is no device 'cuda' here: choose cpu or auto."
    assert caught.value.details == survey.details


@pytest.mark.parametrize("name", ["tpu", "cuda", "cuda:0", "", "cpu:1", "cpu:x", ":0"])
def test_a_device_that_is_not_there(name: str, text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "cuda", 0)
    with pytest.raises(DeviceError) as caught:
        TrainingSession(RunConfig(device=name), text)
    assert caught.value.sentence == f"There is no device '{name}' here: choose cpu or auto."


def test_a_number_may_be_left_out_or_given_where_there_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "cuda", 2)
    for name in ("cpu", "cpu:0", "cuda", "cuda:0", "cuda:1"):
        devices.check(name)
    with pytest.raises(
        DeviceError, match=r"There is no device 'cuda:2' here: choose cpu, cuda:0, cuda:1 or auto\."
    ):
        devices.check("cuda:2")
    offer(monkeypatch, "cuda", 1)
    devices.check("cuda:0")
    with pytest.raises(DeviceError):
        devices.check("cuda:1")


def test_waiting_for_a_device_and_freeing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", asked.append)
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: asked.append("freed"))
    for act in (devices.synchronize, devices.free):
        act(torch.device("cpu"))  # has nothing to wait for, and keeps nothing
        act(torch.device("cuda:1"))
    assert asked == [torch.device("cuda:1"), "freed"]


def test_what_is_broken_cannot_be_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch.accelerator, "empty_cache", lost)
    devices.free(torch.device("cuda"))


def test_use_sets_the_threads() -> None:
    for threads in (2, 1):
        devices.use(RunConfig(threads=threads))
        assert torch.get_num_threads() == threads


def test_describe() -> None:
    assert devices.describe(RunConfig()) == "CPU, 1 thread"
    assert devices.describe(RunConfig(threads=2)) == "CPU, 2 threads"
    assert devices.describe(RunConfig(device="cuda:1")) == "CUDA:1"


# --- what fails -------------------------------------------------------------------------------------

LACKS = "cannot do an operation that this model needs"
ERRORS = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "ran out of memory"),
    (RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"), "ran out of memory"),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), "ran out of memory"),
    (RuntimeError("HIP out of memory."), "ran out of memory"),
    (RuntimeError("XPU: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"), "ran out of memory"),
    (torch.AcceleratorError("CUDA error: unspecified launch failure"), "was lost"),
    (RuntimeError("CUDA error: an illegal memory access was encountered"), "was lost"),
    (RuntimeError("HIP error: invalid device pointer"), "was lost"),
    (RuntimeError("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)"), "was lost"),
    (NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device."), LACKS),
    (NotImplementedError("Could not run 'aten::x' with arguments from the 'XPU' backend."), LACKS),
    (RuntimeError("CUDA error: no kernel image is available for execution on the device"), LACKS),
    (TypeError("Cannot convert a MPS Tensor to float64 dtype as it doesn't support float64."), LACKS),
    (RuntimeError("HIP error: invalid device function"), LACKS),
    (torch.AcceleratorError("HIP error: invalid device function"), LACKS),
    (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx`"), LACKS),
    (NotImplementedError("The operator 'aten::x' is not implemented for the 'npu' device."), LACKS),
    (RuntimeError("Native API failed. Native API returns: -5 (PI_ERROR_OUT_OF_RESOURCES)"), "ran out of memory"),
    (
        RuntimeError("level_zero backend failed with error: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)"),
        "ran out of memory",
    ),
    (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), "failed"),
    (RuntimeError("NCCL error: something torch has never said before"), "failed"),
]


@pytest.mark.parametrize(("error", "what"), ERRORS, ids=lambda value: str(value)[:30])
def test_an_error_of_a_device_is_half_a_sentence(
    error: Exception, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.failure(error, ON_GPU) == f"The device cuda:0 {what}"
    for cpu in ("cpu", "cpu:0"):
        assert devices.failure(error, ON_GPU.replace(device=cpu)) is None
    offer(monkeypatch, "cuda", 1)  # the one that "auto" may have chosen
    assert devices.failure(error, ON_GPU.replace(device="auto")) == f"The device that was chosen {what}"
    offer(monkeypatch, "cuda", 0)
    assert devices.failure(error, ON_GPU.replace(device="auto")) is None


@pytest.mark.parametrize(
    "error",
    [
        DivergenceError(3, 1e9, 2, 50.0),
        EmbedvizError("CUDA error: out of memory."),
        ValueError("CUDA error"),
        TypeError("missing 1 required positional argument"),
        TypeError("can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() first."),
        AttributeError("no such thing"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        MemoryError(),
        RecursionError("maximum recursion depth exceeded"),
        NotImplementedError(),
        NotImplementedError("the operator is not implemented for the CPU device"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x3 and 4x3)"),
        RuntimeError("Expected all tensors to be on the same device, but found at least two, cuda:0 and cpu!"),
        RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'"),
        RuntimeError("Expected tensor for argument #1 'indices' to have type Long; but got CUDAFloatType"),
        RuntimeError("dictionary changed size during iteration"),
        RuntimeError("can't start new thread"),
        RuntimeError("a relationship of amps and chips"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: f"{type(error).__name__} {str(error)[:30]}",
)
def test_all_else_is_not_the_device_s_fault(error: BaseException) -> None:
    assert devices.failure(error, ON_GPU) is None


def test_an_error_that_names_its_own_device_is_the_device_s(monkeypatch: pytest.MonkeyPatch) -> None:
    error = NotImplementedError("\"addmm\" not implemented for 'FAKE'")
    assert devices.failure(error, RunConfig(device=NAME)) == f"The device {NAME} {LACKS}"
    assert devices.failure(error, ON_GPU) is None
    offer(monkeypatch, "cuda", 1)
    assert devices.failure(RuntimeError("auto"), RunConfig(device="auto")) is None


# --- a device of the tests --------------------------------------------------------------------------


@pytest.mark.parametrize("config", [RunConfig(), SAMPLED, MLP, MLP.replace(batch_size=0)])
def test_all_of_a_run_is_on_its_device(config: RunConfig, text: Dataset) -> None:
    expected = TrainingSession(config, text)
    with FakeDevice() as fake:
        assert devices.available() == ["cpu", NAME]
        session = TrainingSession(config.replace(device=NAME), text)
        assert session.config.device == NAME
        for _ in range(5):
            assert next(session) == next(expected)
        context = np.array([1, 2, 3])
        session.restore(session.checkpoint())
        for act in (
            lambda: next(session),
            session.checkpoint,
            lambda: session.logits(context[None]),
            lambda: session.trace(context),
            lambda: session.losses_within(0.0),
        ):
            before = fake.operations
            act()
            assert fake.operations > before
        np.testing.assert_array_equal(
            session.tables()["token"], (next(expected), expected.tables()["token"])[1], strict=True
        )


def test_it_fails_on_command_and_the_cpu_goes_on(text: Dataset) -> None:
    error = torch.OutOfMemoryError("out of memory")
    with FakeDevice() as fake:
        session, other = (TrainingSession(SAMPLED.replace(device=name), text) for name in (NAME, "cpu"))
        next(session)
        fake.fail_after(3, error)
        with pytest.raises(torch.OutOfMemoryError):
            next(session)
        for _ in range(2):
            next(other)
        with pytest.raises(torch.OutOfMemoryError):
            session.checkpoint()
        fake.recover()
        next(session)
    assert devices.available() == ["cpu"]
    with pytest.raises(DeviceError):
        TrainingSession(SAMPLED.replace(device=NAME), text)
