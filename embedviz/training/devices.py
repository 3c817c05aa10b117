"""Where a run computes: what there is, what it is called, and what it says when it fails.

On an accelerator a run is repeatable only as far as its kernels are: sums that add up in any order (index_add_ of
a batch's pairs in float32 is exact, embedding gradients and large matrix products need not be) may differ in the
last digits from run to run. On the CPU it is bitwise the same.
"""

import contextlib
import re
import warnings
from typing import NamedTuple

import torch

from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError


class DeviceError(EmbedvizError):
    """The device is not there."""


class Survey(NamedTuple):
    """The devices that can be chosen here, "cpu" first; and what a driver had to say."""

    names: tuple[str, ...]
    details: str = ""


def survey() -> Survey:
    """Return the CPU and all that torch.accelerator offers; one alone is named without its number.

    Nothing is set up on them. A driver that is broken offers nothing; what it says is in `details`.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            kind, count = _accelerators()
            details = ""
        except Exception as error:  # noqa: BLE001  # a broken driver raises what it likes; there is always the CPU
            kind, count = "", 0
            details = f"{type(error).__name__}: {error}"
    details = "\n".join([*(str(warning.message) for warning in said), details]).strip()
    numbered = [f"{kind}:{index}" for index in range(count)] if count > 1 else [kind] * count
    return Survey(("cpu", *numbered), details)


def available() -> list[str]:
    """Return the names of the devices that can be chosen here: "cpu", "cuda:0", "cuda:1"."""
    return list(survey().names)


def torch_device(name: str) -> torch.device:
    """Return the device that the tensors of a run on the device `name` are made on."""
    return torch.device(name)


def check(name: str) -> None:
    """Raise DeviceError if there is no device `name`: "cuda:0" may be the one "cuda", "cuda" the first of many."""
    names, details = survey()
    kind, _, index = name.partition(":")
    first = {known.partition(":")[0] for known in names}
    if name in names or (name in first) or (index == "0" and kind in names):
        return
    raise DeviceError(f"There is no device '{name}' here: choose {', '.join(names)} or auto.", details)


def use(config: RunConfig) -> None:
    """Set this process's number of threads to that of a resolved `config`."""
    if torch.get_num_threads() != config.threads:
        torch.set_num_threads(config.threads)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def free(device: torch.device) -> None:
    """Give back the memory that torch keeps for later on the device, unless it is broken."""
    if device.type != "cpu":
        with contextlib.suppress(RuntimeError):
            torch.accelerator.empty_cache()


def describe(config: RunConfig) -> str:
    """Return a resolved device in words: "CPU, 1 thread", "CUDA:0"; an accelerator has threads of its own."""
    if is_cpu(config.device):
        return f"CPU, {threads_in_words(config.threads)}"
    return config.device.upper()


def threads_in_words(threads: int) -> str:
    """Return "1 thread", "2 threads"."""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def is_cpu(name: str) -> bool:
    """Tell whether `name` is the CPU's: "cpu" or "cpu:0"."""
    return name.partition(":")[0] == "cpu"


def failure(error: BaseException, config: RunConfig) -> str | None:
    """Return the first half of a sentence if `error` is the fault of the run's device, and that is not the CPU.

    "The device cuda:0 ran out of memory", "was lost", "cannot do an operation that this model needs", "failed".
    None for all else: an EmbedvizError says itself what is wrong, a mistake in this program stays one, and where
    the computer has no memory left the CPU would have none either.
    """
    if is_cpu(config.device) or not _is_of_a_device(error, config.device.partition(":")[0].lower()):
        return None
    if config.device != "auto":
        return f"The device {config.device} {what_happened(error)}"
    return f"The device that was chosen {what_happened(error)}" if len(available()) > 1 else None


def what_happened(error: BaseException) -> str:
    """Return what an error of a device says of it: "ran out of memory", "was lost", "failed"."""
    words = str(error).lower()
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or _OUT_OF_MEMORY.search(words):
        return "ran out of memory"
    if isinstance(error, NotImplementedError) or _UNSUPPORTED.search(words):
        return "cannot do an operation that this model needs"
    if isinstance(error, torch.AcceleratorError) or _LOST.search(words):
        return "was lost"
    return "failed"


def _is_of_a_device(error: BaseException, kind: str) -> bool:
    """Tell whether an error names a device of the `kind` that is used, or its libraries; "auto" is any."""
    if isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    words = str(error).lower()
    if isinstance(error, TypeError):
        return "mps" in words and "float64" in words  # MPS alone says so that it has none
    if not isinstance(error, RuntimeError) or isinstance(error, RecursionError) or _MISTAKE.search(words):
        return False
    own = re.search(rf"(?<![a-z]){re.escape(kind)}(?![a-z])", words) if kind != "auto" else None
    return bool(own or _DEVICE.search(words))


# As CUDA, HIP, MPS and XPU say it, after lower().
_DEVICE = re.compile(
    r"(?<![a-z])(cuda|cu(blas|dnn|solver|sparse|fft|rand)|nccl|nvrtc|nvml|hip(?![a-z])|hip(blas|fft|sparse)|"
    r"rocm|rocblas|rccl|miopen|hsa_|mps|mtl|metal(?![a-z])|xpu|sycl|level[ _-]zero|"
    r"(pi|ur|ze)_(result_)?error_)|"
    r"not (currently )?implemented for the '?(?!cpu)[a-z0-9:]+'? device"
)
_MISTAKE = re.compile(  # of the program, or of the CPU's side; some name the device too
    r"defaultcpuallocator|alloc_cpu|expected all tensors|same device|mat1 and mat2|size mismatch|"
    r"while checking arguments|expected tensor for|expected a '.*' device type|must match the (existing )?size|"
    r"inplace operation|does not require grad|changed size|can't start new thread"
)
_OUT_OF_MEMORY = re.compile(
    r"out of memory|out_of_memory|alloc_failed|out_of_host_memory|out_of_device_memory|out_of_resources|"
    r"can't allocate"
)
_UNSUPPORTED = re.compile(
    r"not implemented|not currently implemented|unsupported|not[ _]supported|could not run '|n't support|"
    r"no kernel image|invalid device function"
)
_LOST = re.compile(
    r"device[ -]side|device[ -]lost|device_lost|device is lost|(cuda|hip|xpu|mps|sycl|level[ -]zero)[a-z ]* error|"
    r"unspecified launch failure|illegal memory access|illegal instruction|no longer available"
)


def _accelerators() -> tuple[str, int]:
    """Return the kind of accelerator that this torch knows, and how many of them there are."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return (accelerator.type, torch.accelerator.device_count()) if accelerator else ("", 0)
