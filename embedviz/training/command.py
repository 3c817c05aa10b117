"""`embedviz train`: a run without a window, told in words or as one JSON object a line."""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from embedviz import catalog
from embedviz.cli_train import SAMPLE, default_of, flag
from embedviz.config import RunConfig
from embedviz.errors import ConfigError, EmbedvizError
from embedviz.files import resource
from embedviz.text.corpus import Corpus, read_corpus
from embedviz.text.preparation import prepare
from embedviz.training.fallback import LastingRun
from embedviz.training.guard import DivergenceError
from embedviz.training.reports import JsonReport, Report, WordReport, Work, remark
from embedviz.training.session import SplitLosses, StepResult, TrainingSession

EXIT_DIVERGED = 1
EXIT_BAD_INPUT = 2
EXIT_CLOSED_PIPE = 141  # 128 + SIGPIPE

_START_BUDGET_S = 2.0  # for the losses before the first step
_END_BUDGET_S = 10.0  # for those after the last; or as long as the steps took, if that is more
_SAID_OTHERWISE = {"tokenizer", "tokenizer_file", "per_line", "beta1", "beta2"}
_FIELDS = {field.name for field in dataclasses.fields(RunConfig)} - _SAID_OTHERWISE  # a flag for each
_FLAGS = {"beta1": "--betas"}  # of settings that have no flag of their own


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
    config, corpus = config_and_corpus(args)
    dataset = prepare(corpus, config).dataset
    report: Report = JsonReport() if args.json else WordReport(args.steps)
    run = LastingRun(config, dataset, tell=report.moved)
    losses = run.do(lambda session: session.losses_within(_START_BUDGET_S))
    report.start(run.session, dataset, losses)
    taking = _Taking(until=args.steps, budget_s=report.spacing_s)
    while run.session.step < args.steps:
        begin = time.perf_counter()
        try:
            result = run.do(taking.take)
        except DivergenceError:  # the session is back at the last good step
            taking.seconds += time.perf_counter() - begin
            report.end(run.do(partial(_last_losses, seconds=taking.seconds)), taking.work)
            raise
        taking.seconds += time.perf_counter() - begin
        report.progress(result, taking.work)
        run.keep_up()
    report.end(run.do(partial(_last_losses, seconds=taking.seconds)), taking.work)


def _last_losses(session: TrainingSession, seconds: float) -> SplitLosses:
    """Return the whole losses where there is a closed form, or time to read the whole text; else an estimate."""
    if session.floor is not None:
        return session.whole_losses()
    return session.losses_within(max(_END_BUDGET_S, seconds))


class _Taking:
    """Takes the steps of a run, and counts them: one that is lost with its device was taken all the same."""

    def __init__(self, until: int, budget_s: float) -> None:
        self._until = until
        self._budget_s = budget_s
        self._steps = 0
        self.seconds = 0.0

    @property
    def work(self) -> Work:
        """All of it so far."""
        return Work(self._steps, self.seconds)

    def take(self, session: TrainingSession) -> StepResult:
        """Take steps for about `budget_s`, at least one, up to step `until`; return the last."""
        end = time.perf_counter() + self._budget_s
        while True:
            result = next(session)
            self._steps += 1
            if session.step >= self._until or time.perf_counter() >= end:
                return result


def config_and_corpus(args: argparse.Namespace) -> tuple[RunConfig, Corpus]:
    """Return what is to be run, and on what, as the parsed arguments say; remarks go to stderr."""
    path, config = _path(args), config_of(args)
    corpus = read_corpus(path)
    for sentence in (*unheard_flags(args, config), *corpus.remarks):
        remark(sentence)
    return config, corpus.as_items() if config.per_line else corpus


def _sample(args: argparse.Namespace) -> catalog.Sample | None:
    """Return the sample that is asked for; None for a file."""
    if not args.text.startswith(SAMPLE):
        return None
    sample = catalog.SAMPLES.get(args.text.removeprefix(SAMPLE))
    if sample is None:
        known = ", ".join(SAMPLE + name for name in catalog.SAMPLES)
        raise ConfigError(f"There is no '{args.text}': choose a file, or one of {known}.")
    return sample


def _path(args: argparse.Namespace) -> Path | str:
    sample = _sample(args)
    return args.text if sample is None else resource(sample.file)


def config_of(args: argparse.Namespace) -> RunConfig:
    """Return what is to be run, as the parsed arguments of cli_train say; raises ConfigError."""
    sample = _sample(args)
    per_line = args.per_line
    if per_line is None:
        per_line = sample is not None and sample.per_line
    return _config(args, per_line)


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
    if args.device == "auto":
        defaults["threads"] = 0
    betas = args.betas or (RunConfig.beta1, RunConfig.beta2)
    tokenizer, tokenizer_file = _tokenizer(
        default_of("tokenizer", args.model) if args.tokenizer is None else args.tokenizer
    )
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


def unheard_flags(args: argparse.Namespace, config: RunConfig) -> Iterator[str]:
    """Yield a sentence for each flag that was given, but says nothing to what was chosen."""
    given = {name for name, value in vars(args).items() if value is not None}
    given |= {"beta1"} if args.betas else set()  # one flag, one sentence
    for kind, chosen, table in (
        ("model", config.model, catalog.MODELS),
        ("tokenizer", config.tokenizer, catalog.TOKENIZERS),
        ("optimizer", config.optimizer, catalog.OPTIMIZERS),
        ("schedule", config.schedule, catalog.SCHEDULES),
    ):
        known = dict.fromkeys(name for entry in table.values() for name in (*entry.settings, *entry.choices))
        heard = (*table[chosen].settings, *table[chosen].choices)
        for name in known:
            if name in given and name not in heard:
                yield f"{_FLAGS.get(name) or flag(name)} is not used: the {kind} {chosen} has no such setting."


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


def _fail(sentence: str, code: int) -> int:
    remark(sentence)
    return code
