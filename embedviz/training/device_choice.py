"""Chooses device and threads for a run whose config leaves them open, by a few real steps on each."""

import contextlib
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from embedviz import catalog
from embedviz.analysis.figures import figure
from embedviz.config import RunConfig
from embedviz.errors import EmbedvizError
from embedviz.models.base import LanguageModel
from embedviz.text.dataset import Dataset
from embedviz.training import devices
from embedviz.training.guard import DivergenceError
from embedviz.training.whole_texts import contexts_together

FASTER = 1.1
"""So much faster than the CPU with one thread has to be what is chosen in its place: it depends on the least."""

BUDGET_S = 0.4  # of measured steps, all candidates together, where a step is short
LONGEST_S = 5.0  # after that what was not begun is not measured
ROUNDS = 5  # in turn; the median counts: a machine that is busy now and then misleads neither way

_MOST_THREADS = 4  # numbers of threads that are tried
_MOST_TOKENS = 2**16  # of the text: a step's time depends on the batch, not on where it is drawn from
_MOST_REMEMBERED = 32
_ANY_SPEED = {  # fields on which the time of a step does not depend, or what is tried says it
    *("device", "threads"),
    *("tokenizer", "tokenizer_file", "vocab_size", "per_line", "val_fraction", "init", "layer_init"),
    *("residual_init", "seed"),
    *("lr", "beta1", "beta2", "weight_decay", "warmup_steps", "schedule_steps"),
}

Start = Callable[[RunConfig, Dataset], Iterator[Any]]
"""Makes a session, whose next() is a step, for a config that says device and threads: TrainingSession itself."""


class Choice(NamedTuple):
    """`config` with device and threads; `sentence` says why these, empty if nothing was left open."""

    config: RunConfig
    sentence: str


class _Measured(NamedTuple):
    config: RunConfig
    rate: float  # steps a second; 0 if it failed
    problem: str = ""


class DeviceChooser:
    """Chooses, and remembers what it chose for runs that take the same time: with another seed or rate."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._remembered: dict[object, tuple[str, int, str]] = {}

    def choose(self, config: RunConfig, dataset: Dataset, start: Start) -> Choice:
        """Return `config` with device and threads as they are given, else as they are fastest here.

        Raises DeviceError for a device that is not there. Of what is measured nothing remains but torch's number
        of threads, which is then anything: no random number is drawn, and the models are gone.
        """
        if config.device != "auto":
            devices.check(config.device)
            if config.threads:
                return Choice(config, "")
            if not devices.is_cpu(config.device):
                sentence = f"{config.device.upper()}, as asked; the CPU beside it uses 1 thread."
                return Choice(config.replace(threads=1), sentence)
        candidates = _candidates(config)
        if len(candidates) == 1:
            why = ", as asked." if config.threads else ": the only one here."
            return Choice(candidates[0], devices.describe(candidates[0]) + why)
        key = _key(config, dataset, candidates)
        if key not in self._remembered:
            chosen, sentence = self._measure_all(config, dataset, candidates, start)
            if len(self._remembered) == _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = chosen.device, chosen.threads, sentence
        device, threads, sentence = self._remembered[key]
        return Choice(config.replace(device=device, threads=threads), sentence)

    def _measure_all(
        self, config: RunConfig, dataset: Dataset, candidates: list[RunConfig], start: Start
    ) -> tuple[RunConfig, str]:
        steps_in_one = 1.0
        if config.whole_text and _is_walked(config):
            batch_size = contexts_together(_model(config), config, dataset.vocab_size)
            predictions = batch_size * (config.block_size if _model(config).predicts_everywhere else 1)
            steps_in_one = max(1.0, (len(dataset.train_ids) - 1) / predictions)
            candidates = [candidate.replace(batch_size=batch_size) for candidate in candidates]
        part = Dataset(
            dataset.train_ids[:_MOST_TOKENS], dataset.val_ids[:0], dataset.vocab_size, dataset.boundary_id
        )
        with torch.random.fork_rng(devices=[]):  # torch's own layers draw from it, whatever they are set to then
            measured = _Measurement(candidates, part, start, self._clock).run()
        gc.collect()  # a session refers to itself
        for name in dict.fromkeys(candidate.device for candidate in candidates):
            devices.free(devices.torch_device(name))
        measured = [found._replace(rate=found.rate / steps_in_one) for found in measured]
        chosen = _best(measured)
        return chosen.config, _in_words(chosen, measured)


class _Measurement:
    """One session a device, and for each candidate, in turn, a few steps of its device's session."""

    def __init__(
        self, candidates: list[RunConfig], dataset: Dataset, start: Start, clock: Callable[[], float]
    ) -> None:
        self._candidates = candidates
        self._dataset = dataset
        self._start = start
        self._clock = clock
        self._sessions: dict[str, Iterator[Any]] = {}
        self._seconds: dict[RunConfig, list[float]] = {}  # that a step took, round by round
        self._problems: dict[RunConfig, str] = {}
        self._share_s = BUDGET_S / len(candidates)

    def run(self) -> list[_Measured]:
        """Return what was found of each candidate; an EmbedvizError is the run's own, and is raised."""
        begin = self._clock()
        for candidate in self._candidates:
            if self._clock() - begin > LONGEST_S:
                self._problems[candidate] = "not measured, for it took too long"
            else:
                self._try(candidate, self._begin)
        for _ in range(ROUNDS):
            for candidate, seconds in list(self._seconds.items()):
                if seconds[0] < self._share_s:  # else the one step has to do
                    self._try(candidate, self._take_a_round)
        return [
            _Measured(candidate, 0.0, self._problems[candidate])
            if candidate in self._problems
            else _Measured(candidate, 1 / statistics.median(self._seconds[candidate]))
            for candidate in self._candidates
        ]

    def _try(self, candidate: RunConfig, action: Callable[[RunConfig], None]) -> None:
        """Leave the candidate out from now on if it fails."""
        try:
            devices.use(candidate)
            action(candidate)
        except EmbedvizError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a device or its driver raises
            self._problems[candidate] = devices.what_happened(error)
            self._seconds.pop(candidate, None)
            self._sessions.pop(candidate.device, None)

    def _begin(self, candidate: RunConfig) -> None:
        """Take one step that counts, after one that does not where nothing has run on the device yet."""
        if candidate.device not in self._sessions:
            self._sessions[candidate.device] = self._start(candidate, self._dataset)
            self._step_s(candidate, 0.0)
        self._seconds[candidate] = [self._step_s(candidate, 0.0)]

    def _take_a_round(self, candidate: RunConfig) -> None:
        if candidate.device not in self._sessions:
            return  # it failed with another number of threads: what is known of this one has to do
        self._step_s(candidate, 0.0)  # the threads of the one before are still awake
        self._seconds[candidate].append(self._step_s(candidate, self._share_s / ROUNDS))

    def _step_s(self, candidate: RunConfig, for_s: float) -> float:
        """Take steps for so many seconds, at least one; return the seconds that each took."""
        session = self._sessions[candidate.device]
        place = devices.torch_device(candidate.device)
        devices.synchronize(place)
        begin = self._clock()
        count = 0
        # By the clock, not a number of steps: beside a busy core one may take a thousand times as long as before.
        while not count or self._clock() - begin < for_s:
            with contextlib.suppress(DivergenceError):  # it is back at a sound step then, and as fast as before
                next(session)
            count += 1
        devices.synchronize(place)
        return max(self._clock() - begin, 1e-9) / count


def thread_counts() -> list[int]:
    """Return the numbers of threads worth trying: 1, 2, 4, ... and as many as this process may use cores."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    counts = [2**power for power in range(_MOST_THREADS) if 2**power < cores]
    return [*counts, cores][:_MOST_THREADS]


def _candidates(config: RunConfig) -> list[RunConfig]:
    """Return the configs to choose from, the CPU with the fewest threads first."""
    names = devices.available() if config.device == "auto" else [config.device]
    found = []
    for name in names:
        counts = [config.threads] if config.threads else thread_counts() if devices.is_cpu(name) else [1]
        found += [config.replace(device=name, threads=threads) for threads in counts]
    return found


def _key(config: RunConfig, dataset: Dataset, candidates: list[RunConfig]) -> object:
    timed = tuple((name, value) for name, value in sorted(vars(config).items()) if name not in _ANY_SPEED)
    places = tuple((candidate.device, candidate.threads) for candidate in candidates)
    return timed, places, dataset.vocab_size, len(dataset.train_ids), dataset.boundary_id is None


def _model(config: RunConfig) -> type[LanguageModel]:
    model: type[LanguageModel] = catalog.MODELS[config.model].load()
    return model


def _is_walked(config: RunConfig) -> bool:
    """Tell whether a step over the whole text reads all of it, and may take minutes: there is no closed form."""
    return _model(config).whole_text is LanguageModel.whole_text


def _best(measured: list[_Measured]) -> _Measured:
    """Return the fastest, but the first, which needs the least, if none is faster by much."""
    fastest = max(measured, key=lambda found: found.rate)
    return fastest if fastest.rate > FASTER * measured[0].rate else measured[0]


def _in_words(chosen: _Measured, measured: list[_Measured]) -> str:
    """Return "CPU, 1 thread: fastest of 2 measured (1 thread 14,900 steps/s, 2 threads 9,800 steps/s)."."""
    only_cpu = all(devices.is_cpu(found.config.device) for found in measured)
    between = ", " if only_cpu else "; "
    figures = []
    for found in measured:
        threads = devices.threads_in_words(found.config.threads)
        name = threads if only_cpu else devices.describe(found.config)
        figures.append(f"{name} {found.problem or _rate_in_words(found.rate)}")
    rates = [found.rate for found in measured if not found.problem]
    if not rates:
        why = "none that was tried could train this"
    elif len(rates) == 1:
        why = "the only one that could be measured"
    elif chosen.rate == max(rates):
        why = f"fastest of {len(rates)} measured"
    else:
        why = f"of {len(rates)} measured, none is faster by a tenth"
    return f"{devices.describe(chosen.config)}: {why} ({between.join(figures)})."


def _rate_in_words(rate: float) -> str:
    """Return "14,900 steps/s": the last figures of a measurement say nothing."""
    return f"{figure(float(f'{rate:.3g}'))} steps/s"
