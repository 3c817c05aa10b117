"""Checks of training: every model, and every start, optimiser, schedule, position and switch with every model."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from embedviz import catalog
from embedviz.catalog import Entry
from embedviz.config import RunConfig
from embedviz.engine.messages import Until
from embedviz.gui.self_tests.painted import change_between, painted
from embedviz.gui.self_tests.trial import Check, CheckError, Trial
from embedviz.gui.state import Phase

STEPS = 100  # of each model
FEW = 3  # of each setting
LEAST_CHANGES = {"table": 0.1, "bars": 0.1, "curve": 0.4}  # of columns: the curve's dot and number alone are fewer
SMALL = {"n_embd": 8, "hidden": 16, "n_layer": 1, "n_head": 2, "block_size": 4, "batch_size": 4}
SCHEDULED = {"warmup_steps": 1, "schedule_steps": 4}  # so that few steps go up and down


def checks() -> list[Check]:
    """Return the checks of this file, in order: one for every entry of the catalogue."""
    tables: tuple[tuple[str, str, Mapping[str, Entry], Callable[[Entry, Entry], bool]], ...] = (
        ("start", "init", catalog.STARTS, _suits),
        ("layer start", "layer_init", catalog.LAYER_STARTS, partial(_has, "layer_init")),
        ("residual start", "residual_init", catalog.RESIDUAL_INITS, partial(_has, "residual_init")),
        ("position", "position", catalog.POSITIONS, partial(_has, "position")),
        ("optimizer", "optimizer", catalog.OPTIMIZERS, _suits),
        ("schedule", "schedule", catalog.SCHEDULES, _suits),
    )
    found = [Check(f"model {name}", partial(_train, name=name)) for name in catalog.MODELS]
    for title, setting, table, is_for in tables:
        for entry in table.values():
            models = [model.name for model in catalog.MODELS.values() if is_for(entry, model)]
            run = partial(_try, models=models, changes={setting: entry.name})
            found.append(Check(f"{title} {entry.name}", run))
    for name in catalog.SWITCHES:
        models = [model.name for model in catalog.MODELS.values() if name in model.choices]
        found.append(Check(f"switch {name}", partial(_try, models=models, changes={name: True})))
    return found


def small(model: str, **changes: Any) -> RunConfig:
    """Return a run that takes next to no time, of any model, on characters."""
    config = RunConfig().with_model(model).replace(tokenizer="char", **SMALL)
    if "optimizer" in changes:
        changes = {**catalog.optimizer_defaults(model, changes["optimizer"]), **changes}
    return config.replace(**SCHEDULED, **changes)


def _suits(entry: Entry, model: Entry) -> bool:
    return entry.suits(model.name)


def _has(choice: str, entry: Entry, model: Entry) -> bool:
    return choice in model.choices and entry.suits(model.name)


def _train(trial: Trial, *, name: str) -> None:
    """Play 100 steps of a model as it is chosen, walk through the next one, and let it write."""
    state = trial.state
    trial.start(RunConfig().with_model(name))
    began, table, pictures = trial.loss(), _table(trial), _pictures(trial)
    trial.controller.set_until(Until(step=STEPS))
    trial.controller.play_or_pause()
    trial.wait(f"step {STEPS}", lambda: state.run.phase is Phase.PAUSED and trial.shown(STEPS))
    trial.note(step=state.run.step, weights=state.run.parameters, loss_at_start=began, loss=trial.loss())
    if trial.loss() >= began:
        raise CheckError(f"The loss did not fall: {began:.4f} before, {trial.loss():.4f} after.")
    if np.array_equal(table, _table(trial)):
        raise CheckError("No number of the table has changed.")
    _see_changes(trial, pictures)
    for panel in (trial.tokens, trial.table, trial.following, trial.training):
        trial.see_plots(f"The panel ‘{panel.title.text()}’", panel)
    _walk(trial)
    _write(trial)


def _pictures(trial: Trial) -> dict[str, QImage]:
    """Return what the views look like that follow every step."""
    QApplication.processEvents()
    heatmap, curve = trial.table.heatmap, trial.training.loss.curve
    if curve is None:
        raise CheckError("There is no loss curve.")
    return {
        "table": heatmap.grab(heatmap.table_area().toAlignedRect()).toImage(),  # without labels
        "bars": trial.following.bars.grab().toImage(),
        "curve": curve.grab().toImage(),
    }


def _see_changes(trial: Trial, before: dict[str, QImage]) -> None:
    """See that the views show something else than `before` many steps.

    In the first run of a window the views may get other sizes meanwhile, which tells nothing; later they do not.
    """
    for what, picture in _pictures(trial).items():
        change = change_between(before[what], picture)
        trial.note(**{f"{what} changed": change})
        if change < LEAST_CHANGES[what]:
            raise CheckError(f"The view of the {what} has not changed: {change:.2%} of its columns have.")


def _walk(trial: Trial) -> None:
    trial.wait("the step in phases", trial.trace_is_current)
    trace = trial.state.trace
    if trace is None or not trace.phases:
        raise CheckError("The step has no phases.")
    strip = trial.training.phases.strip
    before = strip.grab().toImage()
    for index, phase in enumerate(trace.phases):
        trial.window.steps.show(index)
        painted(f"The phase ‘{phase.title}’", trial.training.phases)
        trial.see_plots(f"The phase ‘{phase.title}’", trial.training.phases)
        after = strip.grab().toImage()
        if not change_between(before, after):
            raise CheckError(f"The phase ‘{phase.title}’ looks like the one before it.")
        before = after
    trial.window.steps.show(-1)
    trial.note(phases=len(trace.phases))


def _write(trial: Trial) -> None:
    sampler = trial.following.sampler
    pace, sampler.pace = sampler.pace, "fast"
    sampler.toggle()
    trial.wait("what the model writes", lambda: not sampler.is_sampling)
    sampler.pace = pace
    written = sampler.samples[-1].written if sampler.samples else ""
    if not written:
        raise CheckError(f"The model wrote nothing. {sampler.note}".strip())
    trial.note(written=len(written))


def _try(trial: Trial, *, models: Iterable[str], changes: Mapping[str, Any]) -> None:
    """Take a few steps of every model with a setting, and see that they do what they should."""
    for model in models:
        trial.start(small(model, **changes))
        table = _table(trial)
        trial.note(**{f"{model} loss": trial.take(FEW)})
        is_still = np.array_equal(table, _table(trial))
        if is_still != bool(changes.get("freeze_embeddings", False)):
            raise CheckError(f"The table of the model ‘{model}’ has {'not ' if is_still else ''}changed.")


def _table(trial: Trial) -> np.ndarray[Any, np.dtype[np.float32]]:
    snapshot = trial.state.snapshot
    if snapshot is None:
        raise CheckError("No table is shown.")
    return snapshot.tables["token"].copy()  # (V, C)
