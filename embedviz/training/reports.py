"""What `embedviz train` says of a run: in words, or as one JSON object a line."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TextIO

from embedviz import catalog
from embedviz.analysis.figures import counted, figure
from embedviz.config import RunConfig
from embedviz.text.dataset import Dataset
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import conditional_entropy
from embedviz.training import devices
from embedviz.training.fallback import Moved
from embedviz.training.session import SplitLosses, StepResult, TrainingSession

_REPORT_SPACING_S = 1.0
_BAR_SPACING_S = 0.1
_BAR_WIDTH = 30
_SLOW = 10  # steps a second, below which a whole number of them would say little
_CLEAR = "\r\x1b[K"  # the line of the terminal that the bar is on


class Work(NamedTuple):
    """What a run has done so far: steps really taken, also those that were lost with a device, and their time."""

    steps: int
    seconds: float

    @property
    def rate(self) -> float:
        """Steps a second; 0 before there is a time."""
        return self.steps / self.seconds if self.seconds else 0.0


class Report(Protocol):
    """What is said of a run, and how often."""

    spacing_s: float

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        """Say what is trained, and the losses before the first step."""

    def progress(self, result: StepResult, work: Work) -> None:
        """Say where the run is, which took so much work."""

    def moved(self, moved: Moved) -> None:
        """Say that the run changed to another device; this may come before the start."""

    def end(self, losses: SplitLosses, work: Work) -> None:
        """Say where the run came to."""


class JsonReport:
    """One JSON object a line on stdout; what is not a finite number is null."""

    spacing_s = _REPORT_SPACING_S

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        """See Report."""
        self._write(
            event="start",
            vocab_size=session.vocab_size,
            tokens=len(dataset.train_ids) + len(dataset.val_ids),
            parameters=session.parameters_count,
            parts=session.start.parts,
            device=session.config.device,
            threads=session.config.threads,
            **({"choice": session.choice} if session.choice else {}),
            bigram_floor=_bigram_floor(session, dataset),
            uniform=session.uniform,
            table_std=session.start.table_std,
            first_loss=session.start.first_loss,
            train_loss=losses.train,
            val_loss=losses.val,
            **_estimated(losses),
        )

    def progress(self, result: StepResult, _work: Work) -> None:
        """See Report."""
        self._write(event="progress", step=result.step, loss=result.loss)

    def moved(self, moved: Moved) -> None:
        """See Report; the sentence goes to stderr too."""
        self._write(event="moved", device=moved.device, step=moved.step, why=moved.why)
        remark(moved.sentence)

    def end(self, losses: SplitLosses, work: Work) -> None:
        """See Report."""
        self._write(
            event="end",
            step=losses.step,
            train_loss=losses.train,
            val_loss=losses.val,
            seconds=work.seconds,
            steps_per_second=work.rate if work.seconds else None,
            **_estimated(losses),
        )

    def _write(self, **event: Any) -> None:
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.items()}
        say(json.dumps(finite, allow_nan=False))


class WordReport:
    """Sentences on stdout; meanwhile a bar on stderr if that is a terminal, else a line a second."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._has_bar = _is_terminal(sys.stderr)
        self.spacing_s = _BAR_SPACING_S if self._has_bar else _REPORT_SPACING_S

    def start(self, session: TrainingSession, dataset: Dataset, losses: SplitLosses) -> None:
        """See Report."""
        title = catalog.MODELS[session.config.model].title
        say(
            f"{title}: {session.parameters_count:,} weights for a vocabulary of "
            f"{session.vocab_size:,}, on {devices.describe(session.config)}."
        )
        held_out = f"{len(dataset.val_ids):,} held out" if len(dataset.val_ids) else "nothing held out"
        if session.choice:
            say(session.choice)
        if len(session.start.parts) > 1:
            say(_parts_in_words(session.start.parts))
        for sentence in _switched(session.config):
            say(sentence)
        say(f"Text: {len(dataset.train_ids):,} tokens to train on, {held_out}.")
        say(f"Guessing: {session.uniform:.4f} nats per token. {_floor_in_words(session, dataset)}")
        say(_start_in_words(session))
        say(_in_words(losses))

    def progress(self, result: StepResult, work: Work) -> None:
        """See Report."""
        done = result.step + 1
        line = f"step {done:,} of {self._steps:,}, loss {result.loss:.4f}, {_rate(work)} steps/s"
        if not self._has_bar:
            say(line, sys.stderr)
            return
        filled = "#" * (_BAR_WIDTH * done // self._steps)
        say(f"{_CLEAR}[{filled:<{_BAR_WIDTH}}] {line}", sys.stderr, end="\n" if done == self._steps else "")

    def moved(self, moved: Moved) -> None:
        """See Report."""
        remark(moved.sentence)

    def end(self, losses: SplitLosses, work: Work) -> None:
        """See Report."""
        say(_in_words(losses))
        if work.seconds:
            say(f"{counted(work.steps, 'step')} in {work.seconds:.3g} s: {_rate(work)} a second.")


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


def _parts_in_words(parts: dict[str, int]) -> str:
    return "Weights: " + ", ".join(f"{name} {count:,}" for name, count in parts.items()) + "."


def _switched(config: RunConfig) -> Iterator[str]:
    """Yield a sentence for each choice of the model that is not as the model has it by itself."""
    usual = config.with_model(config.model)
    for name, table, title in (
        ("position", catalog.POSITIONS, "Positions"),
        ("residual_init", catalog.RESIDUAL_INITS, "Residual projections"),
    ):
        value = getattr(config, name)
        if not config.has(name) or value == getattr(usual, name):
            continue
        if name == "residual_init" and not config.n_layer:
            yield f"{title}, {table[value].title}: not used, without layers there are none."
        else:
            yield f"{title}, {table[value].title}: {table[value].line}"
    for name, entry in catalog.SWITCHES.items():
        if config.has(name) and getattr(config, name):
            yield f"{entry.title}: {entry.line}"


def _start_in_words(session: TrainingSession) -> str:
    tables = ", ".join(f"{name} table {std:.3g}" for name, std in session.start.table_std.items())
    first = session.start.first_loss
    return (
        f"At the start: standard deviation of the {tables}; loss {first:.4f}, "
        f"ln {session.vocab_size:,} = {session.uniform:.4f}: {first - session.uniform:+.4f}."
    )


def _rate(work: Work) -> str:
    return figure(work.rate) if 0 < work.rate < _SLOW else f"{work.rate:,.0f}"


def _estimated(losses: SplitLosses) -> dict[str, bool]:
    """Return which of the losses, if any, are of a sample: "estimated" the training part's."""
    told = {"estimated": losses.estimated, "val_estimated": losses.val_estimated}
    return {name: True for name, is_so in told.items() if is_so}


def _in_words(losses: SplitLosses) -> str:
    sentence = f"Step {losses.step:,}: loss {_loss(losses.train, losses.estimated)} on the training part"
    if losses.val is not None:
        sentence += f", {_loss(losses.val, losses.val_estimated)} on what is held out"
    if losses.estimated and (losses.val_estimated or losses.val is None):
        return sentence + ", estimated from a sample."
    if losses.estimated or losses.val_estimated:
        which = "the training part" if losses.estimated else "what is held out"
        return f"{sentence}; {which} is estimated from a sample."
    return sentence + "."


def _loss(loss: float, is_estimated: bool) -> str:
    return f"{'about ' if is_estimated else ''}{loss:.4f}"


def remark(sentence: str) -> None:
    """Say something on stderr, in place of the bar if there is one."""
    say((_CLEAR if _is_terminal(sys.stderr) else "") + sentence, sys.stderr)


def say(line: str, stream: TextIO | None = None, end: str = "\n") -> None:
    """Write a line to stdout, or to `stream`, at once."""
    stream = stream or sys.stdout
    if stream is not None:  # it is, in a packaged app without a console
        stream.write(line + end)
        stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
