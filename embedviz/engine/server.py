"""Commands in, events out: keeps several runs in step, and lives through whatever one of them does."""

import gc
import math
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.checks import check
from embedviz.engine.entry import Inbox
from embedviz.engine.served_run import Mark, ServedRun
from embedviz.engine.snapshots import remove_own
from embedviz.errors import EmbedvizError
from embedviz.text.dataset import Dataset
from embedviz.training import devices
from embedviz.training.device_choice import DeviceChooser
from embedviz.training.session import TrainingSession
from embedviz.training.warmup import warm_up

MOST_DATASETS = 4
SHORTEST_SLICE_S, LONGEST_SLICE_S = 0.002, 0.05  # of taking steps, between looks at what there is to tell


class Server:
    """Carries out what arrives in `inbox`, and computes in between."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox.commands
        self._send = inbox.send
        self._datasets: dict[str, Dataset] = {}
        self._runs: dict[str, ServedRun] = {}
        self._texts: dict[str, Dataset] = {}  # of the runs, should one need another session
        self._ended = threading.Event()
        self._chooser = DeviceChooser()  # remembers what it measured
        inbox.cleanup = self._clean_up
        self._handlers: dict[type, Callable[..., None]] = {
            m.LoadDataset: self._load_dataset,
            m.StartRun: self._start_run,
            m.Play: lambda c: self._runs[c.run_id].play(c.until),
            m.Pause: lambda c: self._runs[c.run_id].pause(),
            m.Advance: self._advance,
            m.GoTo: lambda c: self._runs[c.run_id].go_to(c.step),
            m.SetPace: self._set_pace,
            m.Watch: lambda c: self._runs[c.run_id].watch(c),
            m.Predict: self._predict,
            m.Edit: lambda c: self._runs[c.run_id].edit(c.edit),
            m.Undo: lambda c: self._runs[c.run_id].undo(),
            m.Redo: lambda c: self._runs[c.run_id].redo(),
            m.StopRun: self._stop_run,
        }

    def serve(self) -> None:
        """Warm up, then compute until the window is gone."""
        warm_up()
        gc.collect()
        gc.freeze()  # what torch brought along stays: no collection needs to look through it again
        self._send(m.Ready(os.getpid(), torch.__version__, tuple(devices.available())))
        while not self._ended.is_set():
            self._obey(self._seconds_until_due())
            self._compute()

    def _clean_up(self) -> None:
        """Leave nothing behind; called on the reading thread when the window is gone."""
        self._ended.set()
        remove_own()

    # --- the computing thread -----------------------------------------------------------------------

    def _seconds_until_due(self) -> float | None:
        now = time.perf_counter()
        wait_s = min((run.seconds_until_due(now) for run in self._runs.values()), default=math.inf)
        return None if wait_s == math.inf else wait_s

    def _obey(self, wait_s: float | None) -> None:
        """Carry out the commands that are there; wait for one if there is nothing else to do."""
        try:
            if wait_s is None:
                self._carry_out(self._inbox.get())
            elif wait_s > 0:
                self._carry_out(self._inbox.get(timeout=wait_s))
            while True:
                self._carry_out(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _carry_out(self, command: m.Message) -> None:
        run_id = getattr(command, "run_id", None)
        if run_id is not None and run_id not in self._runs and not isinstance(command, m.StartRun):
            return  # said before the window heard that the run had stopped
        name = type(command).__name__
        run = None if run_id is None or isinstance(command, m.StartRun) else self._runs[run_id]
        mark = None if run is None else run.mark()
        try:
            if run is not None:
                check(command, run.session.vocab_size)
            self._handlers[type(command)](command)
        except EmbedvizError as error:
            self._send(m.Failed(run_id, name, error.sentence, error.details))
        except Exception as error:  # noqa: BLE001  # whatever torch raises ends in a sentence, not in a dead window
            what = None if run is None else devices.failure(error, run.session.config)
            if run is None or what is None:
                sentence = _sentence_for(error, "That could not be done")
                self._send(m.Failed(run_id, name, sentence, traceback.format_exc()))
            elif self._move(run, what, mark):
                self._carry_out(command)  # all of it, on the CPU: no other device can fail there

    def _compute(self) -> None:
        """Take a slice of steps and tell. Several runs take one step in turn, so that they stay in step."""
        waiting = self._inbox.queue
        begin = time.perf_counter()
        due_s = min((run.seconds_to_telling(begin) for run in self._runs.values()), default=0.0)
        end = begin + min(max(due_s, SHORTEST_SLICE_S), LONGEST_SLICE_S)
        playing = [run for run in self._runs.values() if run.playing]
        alone = len(playing) == 1
        while playing and not waiting:
            for run in playing:
                self._guard(run, partial(run.take_steps, end if alone else 0.0, waiting))
            playing = [run for run in playing if run.playing]
            now = time.perf_counter()
            if now >= end or all(run.seconds_to_next_step(now) > 0 for run in playing):
                break
        for run in list(self._runs.values()):
            self._guard(run, partial(run.tell, time.perf_counter()))

    def _guard(self, run: ServedRun, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # out of memory, an operation the device lacks, ...
            what = devices.failure(error, run.session.config)
            if what is None:
                run.fail(_sentence_for(error), traceback.format_exc())
            else:
                self._move(run, what)

    def _move(self, run: ServedRun, what: str, mark: Mark | None = None) -> bool:
        """Let `run` go on with the CPU, since its device is to blame for an error; tell whether it can."""
        details = traceback.format_exc()
        try:
            config = _on_the_cpu(run.session.config)
            run.move(TrainingSession(config, self._texts[run.run_id], self._chooser), what, details, mark)
        except Exception as second:  # noqa: BLE001  # nor is there room on the CPU, say
            run.fail(_sentence_for(second), f"{details}\n{traceback.format_exc()}")
            return False
        return True

    # --- commands -----------------------------------------------------------------------------------

    def _load_dataset(self, command: m.LoadDataset) -> None:
        self._datasets.pop(command.key, None)
        self._datasets[command.key] = command.dataset
        while len(self._datasets) > MOST_DATASETS:
            del self._datasets[next(iter(self._datasets))]

    def _start_run(self, command: m.StartRun) -> None:
        if command.dataset_key not in self._datasets:
            raise EmbedvizError("The trainer has no text to train on yet.", command.dataset_key)
        self._forget(command.run_id)
        dataset = self._datasets[command.dataset_key]
        moved = None
        try:
            run = self._begin(command, command.config, dataset)
        except Exception as error:
            what = devices.failure(error, command.config)
            if what is None:
                raise
            moved = what, traceback.format_exc()
        if moved is not None:  # the error is gone, and what it kept on the device
            run = self._begin(command, _on_the_cpu(command.config), dataset)
        self._runs[command.run_id], self._texts[command.run_id] = run, dataset
        self._send(run.started())
        if moved is not None:
            run.say_moved(*moved)

    def _begin(self, command: m.StartRun, config: RunConfig, dataset: Dataset) -> ServedRun:
        session = TrainingSession(config, dataset, self._chooser)
        edits = command.edits, command.in_checkpoint
        return ServedRun(command.run_id, session, self._send, command.checkpoint, *edits)

    def _advance(self, command: m.Advance) -> None:
        run = self._runs[command.run_id]
        run.play(m.Until(step=run.session.step + command.steps), hurried=True)

    def _set_pace(self, command: m.SetPace) -> None:
        self._runs[command.run_id].set_pace(command.steps_per_second)

    def _predict(self, command: m.Predict) -> None:
        session = self._runs[command.run_id].session
        before = session.tables() if command.check else {}
        logits = session.logits(command.context[None, :])[0]  # (V,)
        change = _largest_change(before, session.live_tables()) if command.check else -1.0
        self._send(m.Predicted(command.run_id, command.request, session.step, logits, change))

    def _stop_run(self, command: m.StopRun) -> None:
        self._forget(command.run_id)
        self._send(m.Stopped(command.run_id))

    def _forget(self, run_id: str) -> None:
        self._texts.pop(run_id, None)
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.file.unmap()  # the window, which may yet have to open it, removes it


def _on_the_cpu(config: RunConfig) -> RunConfig:
    return config.replace(device="cpu", threads=0)  # as many threads as are fastest there


def _largest_change(before: Mapping[str, m.Array], after: Mapping[str, m.Array]) -> float:
    """Return the largest difference of any number of the tables; of what is bit by bit the same, 0."""
    moved = [(table, before[name]) for name, table in after.items() if table.tobytes() != before[name].tobytes()]
    return max((float(np.abs(now - was).max()) for now, was in moved), default=0.0)


def _sentence_for(error: Exception, what: str = "Training stopped") -> str:
    if isinstance(error, EmbedvizError):
        return error.sentence
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "alloc" in str(error).lower():
        return "The trainer ran out of memory: try a smaller batch or a smaller vocabulary."
    said = str(error).strip()
    return f"{what}: {said.splitlines()[0].rstrip('.') if said else type(error).__name__}."
