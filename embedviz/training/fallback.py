"""A run that outlives its device: where that fails, it goes on with the CPU from its last checkpoint."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.training import devices
from embedviz.training.session import TrainingSession

CHECKPOINT_SPACING_S = 1.0
CHECKPOINT_SHARE = 0.01  # of the time, at most

Found = TypeVar("Found")


class Moved(NamedTuple):
    """That a run changed to another device: where it goes on, from which step, and why."""

    device: str
    step: int
    why: str  # half a sentence, as `devices.failure` says it

    @property
    def sentence(self) -> str:
        """All of it in a sentence."""
        return f"{self.why}: training goes on with the {self.device.upper()} from step {self.step:,}."


class LastingRun:
    """Holds the one `session` of a run, another one after a failure, of which `tell` hears."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        tell: Callable[[Moved], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._asked = config
        self._dataset = dataset
        self._tell = tell
        self._clock = clock
        self._kept: Checkpoint | None = None  # of step 0 while there is none
        self._next_at = clock() + CHECKPOINT_SPACING_S
        try:
            self.session = TrainingSession(config, dataset)
        except Exception as error:
            if (what := devices.failure(error, config)) is None:
                raise
            self.session = self._on_cpu(what)

    def do(self, action: Callable[[TrainingSession], Found]) -> Found:
        """Return what `action` says to the session; if its device fails meanwhile, to the one on the CPU."""
        try:
            return action(self.session)
        except Exception as error:
            if (what := devices.failure(error, self.session.config)) is None:
                raise
            self.session = self._on_cpu(what)
        return action(self.session)

    def keep_up(self) -> None:
        """Take a checkpoint if that is due: should the device fail or the run diverge, it is not far back."""
        begin = self._clock()
        if begin < self._next_at:
            return
        self._kept = self.do(lambda session: session.checkpoint())
        now = self._clock()
        self._next_at = now + max(CHECKPOINT_SPACING_S, (now - begin) / CHECKPOINT_SHARE)

    def _on_cpu(self, what: str) -> TrainingSession:
        session = TrainingSession(self._asked.replace(device="cpu"), self._dataset)
        if self._kept is not None:
            session.restore(self._kept)
        self._tell(Moved(session.config.device, session.step, what))
        return session
