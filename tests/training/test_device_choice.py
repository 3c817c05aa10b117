"""The choice of device and threads: by steps on a clock of the tests', and by real ones that leave no trace."""

import gc
import os
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from fake_device import NAME, FakeDevice

from embedviz.analysis.figures import figure
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.text.dataset import Dataset, make_dataset
from embedviz.training import device_choice, devices
from embedviz.training.device_choice import Choice, DeviceChooser
from embedviz.training.guard import DivergenceError
from embedviz.training.session import TrainingSession

OPEN = RunConfig(device="auto", threads=0)
MLP = RunConfig(model="mlp", batch_size=4, block_size=3, hidden=7, optimizer="adamw", init="normal-1", lr=0.003)
CPU_1, CPU_2, GPU = ("cpu", 1), ("cpu", 2), ("cuda", 1)

Place = tuple[str, int]
Cost = float | Exception | Callable[[], float]


@pytest.fixture(autouse=True)
def _threads_put_back() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Bench:
    """A machine of which a step takes what `costs` says, and a clock that nothing else moves."""

    def __init__(self, costs: dict[Place, Cost]) -> None:
        self.costs = costs
        self.now = 0.0
        self.started: list[tuple[RunConfig, Dataset]] = []
        self.steps: list[Place] = []
        self.alive: weakref.WeakSet[Bench.Run] = weakref.WeakSet()

    class Run(Iterator[None]):
        def __init__(self, bench: "Bench", config: RunConfig) -> None:
            self.bench, self.device = bench, config.device
            self.itself = self  # as a session does
            bench.alive.add(self)

        def __next__(self) -> None:
            place = (self.device, torch.get_num_threads())
            self.bench.steps.append(place)
            cost = self.bench.costs[place]
            if isinstance(cost, Exception):
                raise cost
            self.bench.now += cost() if callable(cost) else cost

    def start(self, config: RunConfig, dataset: Dataset) -> Iterator[None]:
        self.started.append((config, dataset))
        return Bench.Run(self, config)

    def choose(self, config: RunConfig, dataset: Dataset) -> Choice:
        return DeviceChooser(lambda: self.now).choose(config, dataset, self.start)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let there be so many cores, and these accelerators."""

    def make(cores: int, *accelerators: str) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(cores)), raising=False)
        monkeypatch.setattr(devices, "survey", lambda: devices.Survey(("cpu", *accelerators)))
        monkeypatch.setattr(devices, "synchronize", lambda _device: None)
        monkeypatch.setattr(devices, "free", lambda _device: None)

    return make


# --- what is compared -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cores", "counts"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (4, [1, 2, 4]),
        (6, [1, 2, 4, 6]),
        (8, [1, 2, 4, 8]),
        (64, [1, 2, 4, 8]),
    ],
)
def test_numbers_of_threads(cores: int, counts: list[int], machine: Callable[..., None]) -> None:
    machine(cores)
    assert device_choice.thread_counts() == counts


@pytest.mark.parametrize(("cores", "counts"), [(4, [1, 2, 4]), (None, [1])])
def test_a_system_that_does_not_say_which_cores(
    cores: int | None, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert device_choice.thread_counts() == counts


@pytest.mark.parametrize(
    ("config", "chosen", "sentence"),
    [
        (RunConfig(), CPU_1, ""),
        (RunConfig(threads=3), ("cpu", 3), ""),
        (RunConfig(device="cuda", threads=2), ("cuda", 2), ""),
        (RunConfig(device="cuda", threads=0), GPU, "CUDA, as asked; the CPU beside it uses 1 thread."),
    ],
)
def test_what_is_given_is_not_measured(
    config: RunConfig, chosen: Place, sentence: str, text: Dataset, machine: Callable[..., None]
) -> None:
    machine(4, "cuda")
    bench = Bench({})
    found = bench.choose(config, text)
    assert found == (config.replace(device=chosen[0], threads=chosen[1]), sentence)
    assert bench.started == []


@pytest.mark.parametrize(
    ("config", "words", "why"),
    [
        (OPEN, "CPU, 1 thread", ": the only one here."),
        (OPEN.replace(threads=3), "CPU, 3 threads", ", as asked."),
        (RunConfig(threads=0), "CPU, 1 thread", ": the only one here."),
    ],
)
def test_the_only_one_is_not_measured(
    config: RunConfig, words: str, why: str, text: Dataset, machine: Callable[..., None]
) -> None:
    machine(1)
    bench = Bench({})
    found = bench.choose(config, text)
    assert devices.describe(found.config) == words
    assert found.sentence == words + why
    assert bench.started == []


# --- what is chosen ---------------------------------------------------------------------------------

FASTEST = [
    (
        {CPU_1: 1 / 14_900, CPU_2: 1 / 9_800},
        CPU_1,
        "CPU, 1 thread: fastest of 2 measured (1 thread 14,900 steps/s, 2 threads 9,800 steps/s).",
    ),
    (
        {CPU_1: 1 / 1000, CPU_2: 1 / 1090},
        CPU_1,
        "CPU, 1 thread: of 2 measured, none is faster by a tenth "
        "(1 thread 1,000 steps/s, 2 threads 1,090 steps/s).",
    ),
    (
        {CPU_1: 1 / 1000, CPU_2: 1 / 1200},
        CPU_2,
        "CPU, 2 threads: fastest of 2 measured (1 thread 1,000 steps/s, 2 threads 1,200 steps/s).",
    ),
    (
        {CPU_1: 1 / 200, CPU_2: 1 / 300, GPU: 1 / 2000},
        GPU,
        "CUDA: fastest of 3 measured (CPU, 1 thread 200 steps/s; CPU, 2 threads 300 steps/s; CUDA 2,000 steps/s).",
    ),
    (
        {CPU_1: 1 / 200, CPU_2: 1 / 300, GPU: torch.OutOfMemoryError("CUDA out of memory")},
        CPU_2,
        "CPU, 2 threads: fastest of 2 measured "
        "(CPU, 1 thread 200 steps/s; CPU, 2 threads 300 steps/s; CUDA ran out of memory).",
    ),
]


@pytest.mark.parametrize(("costs", "chosen", "sentence"), FASTEST)
def test_the_fastest_is_chosen_and_the_figures_are_said(
    costs: dict[Place, Cost], chosen: Place, sentence: str, text: Dataset, machine: Callable[..., None]
) -> None:
    machine(2, *(["cuda"] if GPU in costs else []))
    bench = Bench(costs)
    found = bench.choose(OPEN, text)
    assert (found.config.device, found.config.threads) == chosen
    assert found.sentence == sentence
    assert found.config == OPEN.replace(device=chosen[0], threads=chosen[1])
    assert bench.now < 0.6


@pytest.mark.parametrize(("disturbed", "cost_s", "steps"), [(CPU_1, 0.02, 6), (CPU_2, 0.0005, 60)])
def test_a_round_that_is_disturbed_misleads_neither_way(
    disturbed: Place, cost_s: float, steps: int, text: Dataset, machine: Callable[..., None]
) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.001, CPU_2: 0.00105})
    usual = bench.costs[disturbed]
    assert isinstance(usual, float)
    bench.costs[disturbed] = lambda: cost_s if bench.steps.count(disturbed) <= steps else usual
    found = bench.choose(OPEN, text)
    assert found.config.threads == 1
    assert "1 thread 1,000 steps/s, 2 threads 952 steps/s" in found.sentence


def test_a_step_that_takes_long_is_taken_once(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.9, CPU_2: 0.5})
    assert bench.choose(OPEN, text).config.threads == 2
    assert bench.steps == [CPU_1, CPU_1, CPU_2]  # the first of all does not count


def test_what_would_take_too_long_is_not_measured(text: Dataset, machine: Callable[..., None]) -> None:
    machine(4)
    bench = Bench({CPU_1: 3.0, CPU_2: 1.0, ("cpu", 4): 0.5})
    found = bench.choose(OPEN, text)
    assert found.sentence == (
        "CPU, 1 thread: the only one that could be measured (1 thread 0.333 steps/s, "
        "2 threads not measured, for it took too long, 4 threads not measured, for it took too long)."
    )
    assert bench.steps == [CPU_1, CPU_1]


def test_rounds_take_turns(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.001, CPU_2: 0.001})
    bench.choose(OPEN, text)
    turns = [place for place, before in zip(bench.steps, [None, *bench.steps], strict=False) if place != before]
    assert turns == [CPU_1, CPU_2] * (1 + device_choice.ROUNDS)


def test_a_core_that_is_taken_away_does_not_hold_up(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.0001, CPU_2: lambda: 0.0001 if bench.steps.count(CPU_2) < 3 else 0.05})
    assert bench.choose(OPEN, text).config.threads == 1
    assert bench.now < 1.5  # a step in a round is enough


def test_one_that_fails_later_is_left_out(text: Dataset, machine: Callable[..., None]) -> None:
    machine(1, "cuda")

    def lost() -> float:
        if len(bench.steps) > 50:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        return 0.0001

    bench = Bench({CPU_1: 0.001, GPU: lost})
    found = bench.choose(OPEN, text)
    assert found.config.device == "cpu"
    assert found.sentence == (
        "CPU, 1 thread: the only one that could be measured (CPU, 1 thread 1,000 steps/s; CUDA was lost)."
    )


def test_what_fails_with_more_threads_is_known_with_one(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)

    def fails() -> float:
        if bench.steps.count(CPU_2) > 1:
            raise MemoryError
        return 0.0001

    bench = Bench({CPU_1: 0.001, CPU_2: fails})
    found = bench.choose(OPEN, text)
    assert found.config.threads == 1
    assert found.sentence.endswith("(1 thread 1,000 steps/s, 2 threads ran out of memory).")


def test_where_nothing_works_the_run_itself_will_say_why(text: Dataset, machine: Callable[..., None]) -> None:
    machine(1, "cuda")
    bench = Bench({CPU_1: MemoryError(), GPU: NotImplementedError("not implemented")})
    assert bench.choose(OPEN, text) == (
        OPEN.replace(device="cpu", threads=1),
        "CPU, 1 thread: none that was tried could train this (CPU, 1 thread ran out of memory; "
        "CUDA cannot do an operation that this model needs).",
    )


def test_a_mistake_of_the_run_is_not_the_device_s(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    with pytest.raises(EmbedvizError, match="It is wrong"):
        Bench({CPU_1: EmbedvizError("It is wrong.")}).choose(OPEN, text)


def test_a_run_that_diverges_can_be_measured(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.001, CPU_2: 0.0005})

    class Wild(Bench.Run):
        def __next__(self) -> None:
            super().__next__()
            raise DivergenceError(1, 1e9, 0, 1.0)

    found = DeviceChooser(lambda: bench.now).choose(OPEN, text, lambda config, _text: Wild(bench, config))
    assert found.config.threads == 2


# --- what is measured, and what is remembered -------------------------------------------------------


def test_a_long_text_is_measured_by_its_beginning(machine: Callable[..., None]) -> None:
    machine(2)
    ids = np.arange(200_000).astype(np.uint8) % 7
    bench = Bench({CPU_1: 0.01, CPU_2: 0.01})
    bench.choose(OPEN, make_dataset(ids, 9, 0.1, boundary_id=None))
    ((config, dataset),) = bench.started
    assert (config.device, config.threads) == CPU_1
    assert (len(dataset.train_ids), len(dataset.val_ids), dataset.vocab_size) == (2**16, 0, 9)


def test_a_walk_is_measured_by_a_batch_and_told_as_a_walk(machine: Callable[..., None]) -> None:
    machine(2)
    dataset = make_dataset(np.arange(100_001).astype(np.uint8) % 5, 5, 0.0)
    bench = Bench({CPU_1: 0.01, CPU_2: 0.005})
    found = bench.choose(MLP.replace(batch_size=0, device="auto", threads=0), dataset)
    ((config, _),) = bench.started
    assert 64 <= config.batch_size <= 4096
    assert found.config == MLP.replace(batch_size=0, threads=2)
    batches = 100_000 / config.batch_size
    assert f"1 thread {figure(100 / batches)} steps/s, 2 threads {figure(200 / batches)} steps" in found.sentence


def test_a_text_in_windows_is_told_in_tokens(machine: Callable[..., None]) -> None:
    machine(2)
    dataset = make_dataset(np.arange(100_001).astype(np.uint8) % 5, 5, 0.0)
    bench = Bench({CPU_1: 0.01, CPU_2: 0.005})
    asked = RunConfig().with_model("transformer").replace(batch_size=0, block_size=16, device="auto", threads=0)
    found = bench.choose(asked, dataset)
    ((config, _),) = bench.started
    assert 64 <= config.batch_size * 16 <= 4096 * 16
    batches = 100_000 / (16 * config.batch_size)
    assert f"1 thread {figure(float(f'{100 / batches:.3g}'))} steps/s" in found.sentence


def test_a_closed_form_is_measured_as_it_is(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.01, CPU_2: 0.01})
    bench.choose(OPEN, text)
    assert bench.started[0][0] == RunConfig()


def test_the_choice_is_remembered_for_runs_that_take_the_same_time(
    text: Dataset, machine: Callable[..., None]
) -> None:
    machine(2)
    bench = Bench({CPU_1: 0.01, CPU_2: 0.005})
    chooser = DeviceChooser(lambda: bench.now)
    first = chooser.choose(OPEN, text, bench.start)
    again = chooser.choose(OPEN.replace(seed=7, lr=0.5, init="normal-1"), text, bench.start)
    assert again == (first.config.replace(seed=7, lr=0.5, init="normal-1"), first.sentence)
    assert chooser.choose(OPEN.replace(device="cpu"), text, bench.start) == first
    assert len(bench.started) == 1
    for other in (OPEN.replace(batch_size=4), OPEN.replace(optimizer="sgd"), OPEN.replace(clip=1.0)):
        before = len(bench.started)
        chooser.choose(other, text, bench.start)
        assert len(bench.started) == before + 1
    for batch_size in range(1, device_choice._MOST_REMEMBERED + 2):
        chooser.choose(OPEN.replace(batch_size=batch_size), text, bench.start)
    before = len(bench.started)
    chooser.choose(OPEN, text, bench.start)
    assert len(bench.started) == before + 1  # forgotten


def test_nothing_of_the_measurement_is_left(text: Dataset, machine: Callable[..., None]) -> None:
    machine(2, "cuda")
    bench = Bench({CPU_1: 0.001, CPU_2: 0.001, GPU: 0.001})
    gc.disable()
    try:
        bench.choose(OPEN, text)
        assert list(bench.alive) == []
    finally:
        gc.enable()


# --- real steps -------------------------------------------------------------------------------------


def everything(session: TrainingSession) -> dict[str, bytes]:
    for _ in range(20):
        next(session)
    return {name: array.tobytes() for name, array in session.checkpoint().arrays.items()}


@pytest.mark.parametrize(
    "config", [RunConfig(init="xavier"), RunConfig(batch_size=4), MLP, MLP.replace(batch_size=0)]
)
def test_the_run_is_bitwise_what_it_would_be_had_its_place_been_given(
    config: RunConfig, text: Dataset, machine: Callable[..., None]
) -> None:
    machine(2)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    chosen = TrainingSession(config.replace(device="auto", threads=0), text)
    assert chosen.choice.startswith(devices.describe(chosen.config) + ": ")
    assert torch.get_num_threads() == chosen.config.threads
    found = everything(chosen)
    after = torch.random.get_rng_state()
    torch.random.set_rng_state(state)
    given = TrainingSession(chosen.config, text)
    assert given.choice == ""
    assert everything(given) == found
    assert torch.equal(torch.random.get_rng_state(), after)


def test_a_real_device_that_fails_is_left_out_and_said(text: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0}, raising=False)
    with FakeDevice() as fake:
        fake.fail_after(40, torch.OutOfMemoryError("out of memory"))
        session = TrainingSession(OPEN, text)
    assert session.config.device == "cpu"
    assert session.choice.startswith("CPU, 1 thread: the only one that could be measured (CPU, 1 thread ")
    assert session.choice.endswith(f"; {NAME.upper()} ran out of memory).")
    next(session)


def test_items_can_be_measured_too(machine: Callable[..., None]) -> None:
    machine(2)
    ids = np.array([0, *[1, 2, 0, 3, 4, 0] * 20], np.uint8)
    session = TrainingSession(MLP.replace(device="auto", threads=0), make_dataset(ids, 5, 0.2, boundary_id=0))
    assert " measured" in session.choice
