"""A window on a model that adds the rows of a table of positions, and the trainer's snapshots of it."""

import numpy as np
from test_fake_trainer import Desk, Table

from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.snapshots import Snapshot

CHANNELS, TIME = 4, 8


def to_windows(desk: Desk, model: str = "token-position", **changes: object) -> RunConfig:
    """Begin a run of a model that reads windows, and let the trainer answer."""
    wanted = desk.state.config.with_model(model).replace(
        **{"tokenizer": "char", "n_embd": CHANNELS, "block_size": TIME, **changes}
    )
    desk.controller.restart(wanted)
    desk.answer()
    return desk.state.config


def tables_at(desk: Desk, step: int) -> dict[str, Table]:
    """Return both tables, others at each step; the table of positions only where the model has one."""
    config = desk.state.run.config
    rng = np.random.default_rng(step)
    tables = {"token": rng.normal(size=(desk.document.vocab_size, config.n_embd)).astype(np.float32)}
    if config.position == "learned":
        tables["position"] = rng.normal(size=(config.block_size, config.n_embd)).astype(np.float32)
    for table in tables.values():
        table.flags.writeable = False
    return tables


def show_step(desk: Desk, step: int, **more: object) -> Snapshot:
    """Let the trainer say that it paused at a step, send its snapshot, and wait until that is shown."""
    desk.worker.say(m.Paused(desk.state.run.run_id, step, "asked", "", ""))
    contexts = desk.sent(m.Watch)[-1].contexts
    logits = np.zeros((len(contexts), desk.document.vocab_size), np.float32)
    reading = m.Reading(step, 2.0, 2.1, False)
    tables = tables_at(desk, step)
    run_id = desk.state.run.run_id
    snapshot = Snapshot(run_id, step, 0.0, reading, tables, {}, contexts, logits, **more)  # type: ignore[arg-type]
    with desk.qtbot.waitSignal(desk.state.frame_shown):
        desk.worker.say(snapshot)
    return snapshot
