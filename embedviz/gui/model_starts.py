"""What is known of a model as it was made, in words: its weights part by part, its tables, its first loss."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from embedviz import catalog
from embedviz.analysis.figures import counted, figure
from embedviz.analysis.units import LossUnit
from embedviz.config import RunConfig
from embedviz.gui.state import Phase, RunStatus

_ELSEWHERE = ("device", "threads")  # of RunConfig: what has no part in how a model begins


class Row(NamedTuple):
    """A line of a table of facts: a name, what it is now, what it was in the run before ("" where unknown)."""

    name: str
    now: str
    before: str = ""


@dataclass(frozen=True)
class ModelStart:
    """A model as it was made, before its first step. Standard deviations are those of the lookup tables."""

    run_id: str
    config: RunConfig
    vocab_size: int
    parameters: int
    first_loss: float  # nats per token
    parts: dict[str, int] = field(default_factory=dict)
    table_std: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunStatus, vocab_size: int) -> "ModelStart | None":
        """Return what the trainer told of a run as it was made; None while it has not."""
        is_known = run.run_id and run.parameters and run.first_loss is not None
        if not is_known or run.first_loss is None or run.phase in (Phase.WARMING, Phase.REFUSED):
            return None
        parts, table_std = dict(run.parts), dict(run.table_std)
        return cls(run.run_id, run.config, vocab_size, run.parameters, run.first_loss, parts, table_std)

    def is_alike(self, other: "ModelStart") -> bool:
        """Tell whether another run was made the same way: comparing the two would say nothing."""
        same = {name: getattr(self.config, name) for name in _ELSEWHERE}
        return other.config.replace(**same) == self.config and other.vocab_size == self.vocab_size


def weight_rows(now: ModelStart, before: ModelStart | None) -> list[Row]:
    """Return how many weights there are, part by part, then all of them."""
    names = list(now.parts)
    if before is not None:
        names += [name for name in before.parts if name not in now.parts]
    rows = [Row(name, _count(now, name), _count(before, name)) for name in names]
    return [*rows, Row("together", f"{now.parameters:,}", f"{before.parameters:,}" if before else "")]


def start_rows(now: ModelStart, before: ModelStart | None, unit: LossUnit) -> list[Row]:
    """Return how far the numbers of the tables are spread, and the first loss against a guess."""
    guess = unit.guess.format(now.vocab_size)
    if before is not None and before.vocab_size != now.vocab_size:
        guess = unit.guess.replace("{:,}", "V")
    pairs = [("first loss", _first), (guess, _guess), ("difference", _difference)]
    names = list(now.table_std)
    if before is not None:
        names += [name for name in before.table_std if name not in now.table_std]
    rows = [Row(f"std, {name}", _std(now, name), _std(before, name)) for name in names]
    return rows + [Row(name, of(now, unit), of(before, unit) if before else "") for name, of in pairs]


def sentences(start: ModelStart) -> list[str]:
    """Return what each switch that is on has changed, where the weights started, and what the model is."""
    config, entry = start.config, catalog.MODELS[start.config.model]
    said = []
    table = counted(start.parts.get("token table", 0), "weight")
    if config.has("tie") and config.tie:
        said.append(f"Head tied to the token table: −{table}. {_second(catalog.SWITCHES['tie'].line)}")
    if config.has("scale_embeddings") and config.scale_embeddings:
        said.append(_scaled(start))
    if config.has("freeze_embeddings") and config.freeze_embeddings:
        said.append(f"Token table frozen: its {table} stay as they started; all else learns.")
    if config.has("residual_init") and config.n_layer and config.residual_init != "plain":
        said.append(_residual(config))
    if config.has("position"):
        position = catalog.POSITIONS[config.position]
        said.append(f"Positions, {position.title}: {position.line}")
    tables, layers = catalog.STARTS[config.init].title, catalog.LAYER_STARTS[config.layer_init].title
    more = f", all other layers from {layers}" if config.has("layer_init") else ""
    return [*said, f"Tables start from {tables}{more}.", f"{entry.title}: {entry.line}"]


def _scaled(start: ModelStart) -> str:
    factor = math.sqrt(start.config.n_embd)
    words = f"Token rows times √{start.config.n_embd} = {figure(factor)}"
    std = start.table_std.get("token")
    return words + (f": std {figure(std)} becomes {figure(std * factor)}." if std is not None else ".")


def _residual(config: RunConfig) -> str:
    if config.residual_init == "scaled":
        layers = 2 * config.n_layer
        size = f"1/√{layers} = {figure(1 / math.sqrt(layers))} times as large"
        return f"Residual start ÷ √(2 · layers): projections into the stream start {size}, as in GPT-2."
    entry = catalog.RESIDUAL_INITS[config.residual_init]
    return f"Residual start {entry.title}: {entry.line[0].lower()}{entry.line[1:]}"


def _second(line: str) -> str:
    """Return what a line of the catalogue says after its colon, as a sentence of its own."""
    rest = line.partition(": ")[2]
    return rest[:1].upper() + rest[1:]


def _count(start: ModelStart | None, name: str) -> str:
    if start is None:
        return ""
    if name not in start.parts:
        return "–"
    is_tied = name == "head" and start.config.has("tie") and start.config.tie
    return "tied" if is_tied and not start.parts[name] else f"{start.parts[name]:,}"


def _std(start: ModelStart | None, name: str) -> str:
    if start is None:
        return ""
    return figure(start.table_std[name]) if name in start.table_std else "–"


def _first(start: ModelStart, unit: LossUnit) -> str:
    return unit.figure(start.first_loss)


def _guess(start: ModelStart, unit: LossUnit) -> str:
    return unit.figure_of_guessing(start.vocab_size)


def _difference(start: ModelStart, unit: LossUnit) -> str:
    guess = math.log(start.vocab_size)
    difference = unit.difference(start.first_loss, guess)
    if unit.factor is None or not math.isfinite(difference):
        return unit.figure_above(start.first_loss, guess, signed=True)
    return f"{difference:+.4f}".replace("-", "−")  # as the losses above it: the sum can be checked
