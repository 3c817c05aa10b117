"""What is known of a model as it was made, in words: its weights part by part, its tables, its first loss."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from embedviz import catalog
from embedviz.analysis.figures import counted, figure
from embedviz.analysis.units import LossUnit
from embedviz.config import RunConfig
from embedviz.gui.state import Phase, RunStatus

_ELSEWHERE = ("device", "threads")  # of RunConfig: what has no part in how a model begins
_SWITCHED = ("tie", "scale_embeddings", "freeze_embeddings", "residual_init", "position")  # in the order told


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
    names = _merged(now.parts, before.parts if before else ())
    rows = [Row(name, _count(now, name), _count(before, name)) for name in names]
    return [*rows, Row("together", f"{now.parameters:,}", f"{before.parameters:,}" if before else "")]


def start_rows(now: ModelStart, before: ModelStart | None, unit: LossUnit) -> list[Row]:
    """Return how far the numbers of the tables are spread, and the first loss against a guess."""
    guess = unit.guess.format(now.vocab_size)
    if before is not None and before.vocab_size != now.vocab_size:
        guess = unit.guess.replace("{:,}", "V")
    pairs = [("first loss", _first), (guess, _guess), ("difference", _difference)]
    names = _merged(now.table_std, before.table_std if before else ())
    rows = [Row(f"std, {name}", _std(now, name), _std(before, name)) for name in names]
    return rows + [Row(name, of(now, unit), of(before, unit) if before else "") for name, of in pairs]


def sentences(start: ModelStart) -> list[str]:
    """Return what each switch that is on has changed, where the weights started, and what the model is."""
    config, entry = start.config, catalog.MODELS[start.config.model]
    said = [_of_switch(start, name) for name in _SWITCHED if name == "position" or _is_on(config, name)]
    tables, layers = catalog.STARTS[config.init].title, catalog.LAYER_STARTS[config.layer_init].title
    more = f", all other layers from {layers}" if config.has("layer_init") else ""
    return [*filter(None, said), f"Tables start from {tables}{more}.", f"{entry.title}: {entry.line}"]


def changes(now: ModelStart, before: ModelStart | None) -> list[str]:
    """Return a sentence for each switch that is not as in the run before; or that is on, if none is alike."""
    config = now.config
    if before is None or before.config.model != config.model:
        return [_of_switch(now, name) for name in _SWITCHED if name != "position" and _is_on(config, name)]
    changed = [name for name in _SWITCHED if getattr(config, name) != getattr(before.config, name)]
    return [said for name in changed if (said := _of_switch(now, name))]


def _is_on(config: RunConfig, name: str) -> bool:
    value = getattr(config, name)
    return config.has(name) and (
        bool(config.n_layer) and value != "plain" if name == "residual_init" else bool(value)
    )


def _of_switch(start: ModelStart, name: str) -> str:
    """Return what a switch as it is set did to a model; "" where the model does not have it."""
    config = start.config
    if not config.has(name) or (name == "residual_init" and not config.n_layer):
        return ""
    if name == "position":
        position = catalog.POSITIONS[config.position]
        return f"Positions, {position.title}: {position.line}"
    if name == "residual_init":
        return _residual(config)
    if not getattr(config, name):
        return f"{catalog.SWITCHES[name].title}: off."
    if name == "scale_embeddings":
        return _scaled(start)
    table = counted(start.parts.get("token table", 0), "weight")
    if name == "tie":
        return f"Head tied to the token table: −{table}. {_second(catalog.SWITCHES['tie'].line)}"
    return _frozen(start, table)


def _frozen(start: ModelStart, table: str) -> str:
    """Return what no longer learns: a head that is tied to a frozen table is that table."""
    is_tied = start.config.has("tie") and start.config.tie
    head = ", and the head with them" if is_tied else ""
    kept = ("token table", "head") if is_tied else ("token table",)
    learns = any(count for name, count in start.parts.items() if name not in kept)
    rest = "all other layers learn" if is_tied else "all else learns"
    return f"Token table frozen: its {table} stay as they started{head}; {rest if learns else 'nothing learns'}."


def _merged(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return all names, in their order; one that only `others` have comes where it stands among those."""
    merged, place = list(names), 0
    for name in others:
        if name not in merged:
            merged.insert(place, name)
        place = merged.index(name) + 1
    return merged


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
