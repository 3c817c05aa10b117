"""When the coming step is traced, so that a person finds it at every pause and training hardly notices."""

import math
import time
import traceback
from collections.abc import Callable

import numpy as np

from embedviz.engine.messages import Array, Event, Failed, Traced
from embedviz.training import devices
from embedviz.training.session import TrainingSession

TRACE_SPACING_S = 0.5  # while it plays
TRACE_SHARE = 0.005  # of the trainer's time while it plays
TRACE_SHARE_PAUSED = 0.3  # where one standing step is traced again and again: another context, a drag
SLOWEST_TRACE_S = 0.1  # what takes longer is traced at pauses only
STEP_BY_STEP_PACE = 5.0  # steps a second, up to which each is traced


class StepTeller:
    """Sends Traced while that is wanted. A trace that fails is said once; the run goes on."""

    def __init__(self, run_id: str, session: TrainingSession, send: Callable[[Event], None]) -> None:
        self.session = session
        self._run_id = run_id
        self._send = send
        self._wanted = False
        self._context: Array = np.zeros(0, np.int64)
        self._traced_step = -1
        self._at_once = True  # the first of a pause does not wait
        self._traced_at = -math.inf
        self._cost_s = 0.0

    def watch(self, contexts: Array, wanted: bool) -> None:
        """Trace the first of `contexts` (N, T), if it is `wanted` at all."""
        context: Array = contexts[0] if len(contexts) else np.zeros(0, np.int64)
        if wanted != self._wanted or not np.array_equal(context, self._context):
            self._traced_step = -1
        self._wanted, self._context = wanted, context

    def renew(self, at_once: bool = False) -> None:
        """Trace this step again, since its weights have changed; `at_once` also if that has just been done."""
        self._traced_step = -1
        self._at_once |= at_once

    def paused(self) -> None:
        """Trace the step at which the run stands now, without delay."""
        self._at_once = True

    def seconds_to_trace(self, now: float, playing: bool, pace: float | None) -> float:
        """Return how long it is until the present step is to be traced; infinite if it is not."""
        if not self._wanted or self._traced_step == self.session.step:
            return math.inf
        if not playing:
            wait_s = 0.0 if self._at_once else self._cost_s / TRACE_SHARE_PAUSED
        elif self._is_slow:
            return math.inf
        elif pace is not None and pace <= STEP_BY_STEP_PACE:
            wait_s = 0.0
        else:
            wait_s = max(TRACE_SPACING_S, self._cost_s / TRACE_SHARE)
        return max(0.0, self._traced_at + wait_s - now)

    @property
    def _is_slow(self) -> bool:
        walks = self.session.is_walked and self.session.config.whole_text  # a step reads the whole text
        return walks or self._cost_s > SLOWEST_TRACE_S

    def trace(self) -> None:
        """Trace the coming step. Raises what the device is to blame for."""
        before = time.perf_counter()
        self._traced_step = self.session.step  # also if this fails: it is tried once
        self._at_once = False
        try:
            self._send(Traced(self._run_id, self.session.trace_step(self._context)))
        except Exception as error:
            if devices.failure(error, self.session.config) is not None:
                raise
            self._wanted = False  # until it is asked for again
            sentence = "The coming step could not be traced; training goes on as ever."
            self._send(Failed(self._run_id, "Watch", sentence, traceback.format_exc()))
        self._traced_at = time.perf_counter()
        self._cost_s = self._traced_at - before
