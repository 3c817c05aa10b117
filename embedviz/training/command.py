"""`embedviz train`: a run without a window, told in words or as one JSON object a line."""

import argparse
import dataclasses
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TextIO

from embedviz import catalog
from embedviz.cli_train import SAMPLE, default_of, flag
from embedviz.config import RunConfig
from embedviz.errors import ConfigError, EmbedvizError
from embedviz.files import resource
from embedviz.text.corpus import Corpus, read_corpus
from embedviz.text.dataset import Dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.preparation import prepare
from embedviz.text.statistics import conditional_entropy
from embedviz.training import devices
from embedviz.training.guard import DivergenceError
from embedviz.training.session import SplitLosses, StepResult, TrainingSession

EXIT_DIVERGED = 1
EXIT_BAD_INPUT = 2
EXIT_CLOSED_PIPE = 141  # 128 + SIGPIPE

_START_BUDGET_S = 2.0  # for the losses before the first step
_END_BUDGET_S = 10.0  # for those after the last; or as long as the steps took, if that is more
_REPORT_SPACING_S = 1.0
_BAR_SPACING_S = 0.1
_CHECKPOINT_SPACING_S = 5.0
_BAR_WIDTH = 30
_SAID_OTHERWISE = {"tokenizer", "tokenizer_file", "per_line", "beta1", "beta2"}
_FIELDS = {field.name for field in dataclasses.fields(RunConfig)} - _SAID_OTHERWISE  # a flag for each
_FLAGS = {"beta1": "--betas"}  # of settings that have no flag of their own
_CLEAR = "\r\x1b[K"  # the line of the terminal that the bar is on


def run(args: argparse.Namespace) -> int:
    """Train as the parsed arguments of cli_train say; return the exit code."""
    try:
        _train(args)
    except DivergenceError as error:
        return _fail(error.sentence, EXIT_DIVERGED)
    except EmbedvizError as error:
        return _fail(error.sentence, EXIT_BAD_INPUT)
    except BrokenPipeError:  # `| head -1` has read enough; nothing may be flushed there at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CLOSED_PIPE
    return 0


def _train(args: argparse.Namespace) -> None:
    config, corpus = _config_and_corpus(args)
    dataset = prepare(corpus, config).dataset
    session = TrainingSession(config, dataset)
    report: _Report = _JsonReport() if args.json else _WordReport(args.steps)
    report.start(session, dataset, session.losses_within(_START_BUDGET_S))
    seconds = saved_at = 0.0
    while session.step < args.steps:
        begin = time.perf_counter()
        try:
            result, taken = _take_steps(session, args.steps, report.spacing_s)
        except DivergenceError:
            seconds += time.perf_counter() - begin
            report.end(_last_losses(session, seconds), seconds)  # of the last good step, where the session is back
            raise
        seconds += taken
        report.progress(result, seconds)
        if seconds - saved_at > _CHECKPOINT_SPACING_S:
            session.checkpoint()  # should the run diverge, it goes over no more steps again than these
            saved_at = seconds
    report.end(_last_losses(session, seconds), seconds)


def _last_losses(session: TrainingSession, seconds: float) -> SplitLosses:
    """Return the whole losses where there is a closed form, or time to read the whole text; else an estimate."""
    if session.floor is not None:
        return session.whole_losses()
    return session.losses_within(max(_END_BUDGET_S, seconds))


def _take_steps(session: TrainingSession, until: int, budget_s: float) -> tuple[StepResult, float]:
    """Take steps for about `budget_s`, at least one, up to step `until`; return the last, and the seconds."""
    start = time.perf_counter()
    while True:
        result = next(session)
        taken = time.perf_counter() - start
        if taken >= budget_s or session.step >= until:
            return result, taken


def _config_and_corpus(args: argparse.Namespace) -> tuple[RunConfig, Corpus]:
    per_line, path = args.per_line, args.text
    if args.text.startswith(SAMPLE):
        sample = catalog.SAMPLES.get(args.text.removeprefix(SAMPLE))
        if sample is None:
            known = ", ".join(SAMPLE + name for name in catalog.SAMPLES)
            raise ConfigError(f"There is no '{args.text}': choose a file, or one of {known}.")
        path = resource(sample.file)
        per_line = sample.per_line if per_line is None else per_line
    config = _config(args, bool(per_line))
    corpus = read_corpus(path)
    for remark in (*_unheard(args, config), *corpus.remarks):
        _say(remark, sys.stderr)
    return config, corpus.as_items() if config.per_line else corpus


def _config(args: argparse.Namespace, per_line: bool) -> RunConfig:
    optimizer = args.optimizer or default_of("optimizer", args.model)
    given = {name: value for name, value in vars(args).items() if name in _FIELDS and value is not None}
    defaults = {name: default_of(name, args.model, optimizer) for name in _FIELDS - given.keys()}
    if args.schedule == "cosine":
        if args.schedule_steps is None:
            defaults["schedule_steps"] = _schedule_steps(args.steps)
        if args.warmup_steps is None:  # a short run has a short warm-up
            end = {**defaults, **given}["schedule_steps"]
            defaults["warmup_steps"] = min(defaults["warmup_steps"], max(end, 0) // 10)
    betas = args.betas or (RunConfig.beta1, RunConfig.beta2)
    tokenizer, tokenizer_file = _tokenizer(args.tokenizer)
    return RunConfig(
        **{**defaults, **given},
        tokenizer=tokenizer,
        tokenizer_file=tokenizer_file,
        per_line=per_line,
        beta1=betas[0],
        beta2=betas[1],
    )


def _schedule_steps(steps: int) -> int:
    most = int(catalog.SETTINGS["schedule_steps"].maximum)
    if steps > most:
        raise ConfigError(
            f"--steps is {steps:,}, but the schedule cosine can end at step {most:,} at the latest: "
            "choose fewer steps, or give --schedule-steps."
        )
    return max(steps, 1)


def _unheard(args: argparse.Namespace, config: RunConfig) -> Iterator[str]:
    """Yield a sentence for each flag that was given, but says nothing to what was chosen."""
    given = {name for name, value in vars(args).items() if value is not None}
    given |= {"beta1"} if args.betas else set()  # one flag, one sentence
    for kind, chosen, table in (
        ("model", config.model, catalog.MODELS),
        ("tokenizer", config.tokenizer, catalog.TOKENIZERS),
        ("optimizer", config.optimizer, catalog.OPTIMIZERS),
        ("schedule", config.schedule, catalog.SCHEDULES),
    ):
        known = dict.fromkeys(name for entry in table.values() for name in entry.settings)
        for name in known:
            if name in given and name not in table[chosen].settings:
                yield f"{_FLAGS.get(name) or flag(name)} is not used: the {kind} {chosen} has no such setting."
    if args.layer_init is not None and "hidden" not in catalog.MODELS[config.model].settings:
        yield f"--layer-init is not used: the model {config.model} has no layers."


def _tokenizer(asked: str) -> tuple[str, str]:
    """Return the name in the catalogue, and the file if it is one."""
    if asked in catalog.TOKENIZERS and asked != "file":
        return asked, ""
    if asked.endswith(".json") or _is_there(asked):
        return "file", asked
    known = ", ".join(name for name in catalog.TOKENIZERS if name != "file")
    raise ConfigError(f"There is no tokenizer '{asked}': choose {known}, or a tokenizer.json.")


def _is_there(name: str) -> bool:
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL inside
        return False


class _Report(Protocol):
    """What is said of a run, and how often."""

    spacing_s: float

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        """Say what is trained, and the losses before the first step."""

    def progress(self, result: StepResult, seconds: float) -> None:
        """Say where the run is; all its steps so far took `seconds`."""

    def end(self, losses: SplitLosses, seconds: float) -> None:
        """Say where the run came to."""


class _JsonReport:
    """One JSON object a line on stdout; what is not a finite number is null."""

    spacing_s = _REPORT_SPACING_S

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        self._write(
            event="start",
            vocab_size=session.vocab_size,
            tokens=len(dataset.train_ids) + len(dataset.val_ids),
            parameters=session.parameters_count,
            device=session.config.device,
            threads=session.config.threads,
            bigram_floor=_bigram_floor(session, dataset),
            uniform=session.uniform,
            train_loss=losses.train,
            val_loss=losses.val,
            **({"estimated": True} if losses.estimated else {}),
        )

    def progress(self, result: StepResult, _seconds: float) -> None:
        self._write(event="progress", step=result.step, loss=result.loss)

    def end(self, losses: SplitLosses, seconds: float) -> None:
        self._write(
            event="end",
            step=losses.step,
            train_loss=losses.train,
            val_loss=losses.val,
            seconds=seconds,
            steps_per_second=losses.step / seconds if seconds else None,
            **({"estimated": True} if losses.estimated else {}),
        )

    def _write(self, **event: Any) -> None:
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
        _say(json.dumps(finite, allow_nan=False))


class _WordReport:
    """Sentences on stdout; meanwhile a bar on stderr if that is a terminal, else a line a second."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._has_bar = _is_terminal(sys.stderr)
        self.spacing_s = _BAR_SPACING_S if self._has_bar else _REPORT_SPACING_S

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        title = catalog.MODELS[session.config.model].title
        _say(
            f"{title}: {session.parameters_count:,} weights for a vocabulary of "
            f"{session.vocab_size:,}, on {devices.describe(session.config)}."
        )
        held_out = f"{len(dataset.val_ids):,} held out" if len(dataset.val_ids) else "nothing held out"
        _say(f"Text: {len(dataset.train_ids):,} tokens to train on, {held_out}.")
        _say(f"Guessing: {session.uniform:.4f} nats per token. {_floor_in_words(session, dataset)}")
        _say(_in_words(losses))

    def progress(self, result: StepResult, seconds: float) -> None:
        done = result.step + 1
        line = f"step {done:,} of {self._steps:,}, loss {result.loss:.4f}, {done / seconds:,.0f} steps/s"
        if not self._has_bar:
            _say(line, sys.stderr)
            return
        filled = "#" * (_BAR_WIDTH * done // self._steps)
        _say(f"{_CLEAR}[{filled:<{_BAR_WIDTH}}] {line}", sys.stderr, end="\n" if done == self._steps else "")

    def end(self, losses: SplitLosses, seconds: float) -> None:
        _say(_in_words(losses))
        if seconds:
            steps = "1 step" if losses.step == 1 else f"{losses.step:,} steps"
            _say(f"{steps} in {seconds:.3g} s: {losses.step / seconds:,.0f} a second.")


def _bigram_floor(session: TrainingSession, dataset: Dataset) -> float:
    """Return what no bigram table can go below on the training part, whatever is trained."""
    if session.floor is not None:
        return session.floor
    return conditional_entropy(PairCounts.count(dataset.train_ids, dataset.vocab_size))


def _floor_in_words(session: TrainingSession, dataset: Dataset) -> str:
    floor = f"{_bigram_floor(session, dataset):.4f}"
    if session.floor is not None:
        return f"Floor: {floor}; no bigram goes below it."
    return f"Floor of pairs: {floor}. A bigram table cannot go below it."


def _in_words(losses: SplitLosses) -> str:
    about, why = ("about ", ", estimated from a sample") if losses.estimated else ("", "")
    held_out = "" if losses.val is None else f", {about}{losses.val:.4f} on what is held out"
    return f"Step {losses.step:,}: loss {about}{losses.train:.4f} on the training part{held_out}{why}."


def _fail(sentence: str, code: int) -> int:
    _say((_CLEAR if _is_terminal(sys.stderr) else "") + sentence, sys.stderr)
    return code


def _say(line: str, stream: TextIO | None = None, end: str = "\n") -> None:
    stream = stream or sys.stdout
    if stream is not None:  # it is, in a packaged app without a console
        stream.write(line + end)
        stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
