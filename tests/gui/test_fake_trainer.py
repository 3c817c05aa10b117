"""The trainer's part, played by the tests (FakeWorker, step_trace), and a window on it (Desk) for all others."""

import inspect
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QInputMethodEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from embedviz.checkpoint import Checkpoint
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.engine.record import RunRecord
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.app import Parts
from embedviz.gui.documents import Document
from embedviz.gui.panels.lookup_table import LookupTablePanel
from embedviz.gui.panels.next_token import NextTokenPanel
from embedviz.gui.panels.tokens import TokensPanel
from embedviz.gui.panels.training import TrainingPanel
from embedviz.gui.texts import PASTED, TextOpener
from embedviz.gui.worker import TrainerDeath, TrainingWorker
from embedviz.text.pairs import PairCounts
from embedviz.text.statistics import table_loss
from embedviz.trace import StepTrace, TracePhase

TEXT = "the cat sat on the mat.\n\tthe dog ate the cat's hat.\n" * 8  # has space, newline and tab
Command = TypeVar("Command")
AnyWidget = TypeVar("AnyWidget", bound=QWidget)
Table = NDArray[np.float32]
Ids = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


# --- a step in phases -------------------------------------------------------------------------------


def _phase(name: str, title: str, kind: str, picture: str, *words: str, **more: Any) -> TracePhase:
    shape, *lines, formula, explanation = words
    return TracePhase(name, title, kind, picture, shape, tuple(lines), formula, explanation, **more)


PHASES = (
    _phase(
        "batch", "Batch", "ids", "batch ids", "ids, targets {batch ids:shape}",
        "{token:token} → {target:token}", "row {followed_row:i} of {batch_size:i}",
        "{ids:tokens} → {target:token}: token {position:i} of the training part",
        "Each token's target is the one that follows it. {examples:i} losses are averaged.",
        marks=("place",),
    ),
    _phase(
        "lookup", "Look up", "signed", "rows", "rows {rows:shape}", "{ids:tokens}", "{token:token}: row {token}",
        "E[{token}] = {rows[-1]:vector}: row {token} of the table",
        "No multiplication happens (largest difference {one-hot difference}).",
        context="rows",
    ),
    _phase(
        "logits", "Logits", "signed", "logits", "the row itself {logits:shape}",
        "{target:token} {logits[target]:+}", "highest {likeliest:token} {logits[likeliest]:+}",
        "the row itself: logit of {target:token} = E[{token}, {target}] = {rows[-1,target]:+}",
        "Column {target} of the row says how well {target:token} goes after {token:token}.",
        marks=("target",), context="before",
    ),
    _phase(
        "softmax", "Softmax", "probabilities", "probabilities", "exp, then ÷ sum {probabilities:shape}",
        "{target:token} {probabilities[target]}", "highest {likeliest:token} {probabilities[likeliest]}",
        "p({target:token}) = exp({logit over largest}) / {sum of powers} = {probabilities[target]}",
        "The largest logit, {largest logit:+}, is taken off first. That of {target:token} is {power}.",
        marks=("target",), context="before",
    ),
    _phase(
        "loss", "Loss", "number", "loss", "−log p({target:token})", "{loss:loss}", "batch {batch loss:loss}",
        "loss = −log p({target:token}) = −log {probabilities[target]} = {loss} nats",
        "The loss of the batch is the mean over {examples:i} such losses: {batch loss:loss}.",
        context="before",
    ),
    _phase(
        "gradient", "Gradient", "signed", "logit gradient", "softmax − one-hot {logit gradient:shape}",
        "own {row gradient[-1,target]:+}", "batch {batch gradient[-1,target]:+}",
        "softmax − one-hot: at {target:token} {probabilities[target]} − 1 = {logit gradient[target]:+}",
        "{rows_with_gradient:i} of {vocab_size:i} rows got a gradient.",
        marks=("target",), context="rows",
    ),
    _phase(
        "update", "Update", "change", "difference", "SGD: {rows_moved:i} of {vocab_size:i} rows move",
        "{before[-1,column]:+to after[-1,column]}",
        "p {probabilities[target]:to probabilities after[target]}",
        "E[{token}, {column}] − lr · g: {before[-1,column]:+to after[-1,column]} "
        "(lr {learning rate}, g {gradient used:+})",
        "{rows_moved_without:i} moved without. The loss of the example: {loss:to loss after} nats.",
        marks=("column",), context="both",
    ),
)  # fmt: skip
"""As training/phases.py and models/bigram.py make them, in fewer words; test_real_trainer.py compares."""


def step_trace(
    table: Table,
    ids: Ids,
    targets: Ids,
    *,
    row: int = 0,
    place: int = -1,
    reads: int = 1,
    step: int = 0,
    rate: float = 1.0,
    decay: float = 0.0,
    is_watched: bool = True,
) -> StepTrace:
    """Return what the trainer tells of a step of SGD of a bigram `table` (V, V) on a batch, both (B, T).

    The example ends at (`row`, `place`), and `reads` tokens of it are told, -1 before the row's beginning; `decay`
    is that of weights, which moves rows that the batch does not have.
    """
    place %= ids.shape[1]
    before = np.full(max(0, reads - place - 1), -1)
    read = np.concatenate([before, ids[row, max(0, place + 1 - reads) : place + 1]])  # (t,)
    points = _example_points(ids, targets, row, place) | {"vocab_size": len(table)}
    arrays: Arrays = {
        "batch ids": ids,
        "batch targets": targets,
        "starts": np.arange(len(ids)) * ids.shape[1],
        "ids": read,
    }
    _trace_forward(table, arrays, points)
    frequency = np.zeros(table.shape)  # (V, V)
    np.add.at(frequency, (ids, targets), 1 / ids.size)
    log_p = table - _log_sum_exp(table)  # (V, V)
    gradient = frequency.sum(1, keepdims=True) * np.exp(log_p) - frequency  # (V, V)
    after = (table - rate * (gradient + decay * table)).astype(np.float32)  # (V, V)
    arrays["batch loss"] = -(frequency * log_p).sum().astype(np.float32)
    arrays["batch gradient"] = _rows(gradient.astype(np.float32), read)
    arrays["rows with gradient"] = gradient.any(1)
    arrays["learning rate"] = np.array(rate)
    arrays |= {"before": _rows(table, read), "after": _rows(after, read)}
    arrays["difference"] = arrays["after"] - arrays["before"]
    arrays["moved"] = (after != table).any(1)
    arrays["moved without gradient"] = arrays["moved"] & ~arrays["rows with gradient"]
    _trace_cell(table, gradient, after, decay, arrays, points)
    later = after[points["token"]] - _log_sum_exp(after[points["token"]])  # (V,)
    arrays["probabilities after"] = np.exp(later)
    arrays["loss after"] = -later[points["target"]]
    owned = {name: np.array(array) for name, array in arrays.items()}
    return StepTrace(step, owned, points, PHASES, is_watched)


def _example_points(ids: Ids, targets: Ids, row: int, place: int) -> dict[str, int]:
    return {
        "token": int(ids[row, place]),
        "target": int(targets[row, place]),
        "row": row,
        "place": place,
        "start": row * ids.shape[1],
        "position": row * ids.shape[1] + place,
        "first_row": 1,
        "last_row": len(ids),
        "followed_row": row + 1,
        "batch_size": len(ids),
        "examples": ids.size,
    }


def _trace_forward(table: Table, arrays: Arrays, points: dict[str, int]) -> None:
    token, target = points["token"], points["target"]
    logits = table[token]  # (V,)
    over = logits - logits.max()  # (V,)
    probabilities = np.exp(over) / np.exp(over).sum()  # (V,)
    own = np.zeros_like(table)  # (V, V)
    own[token] = probabilities - (np.arange(len(table)) == target)
    points["likeliest"] = int(logits.argmax())
    arrays |= {
        "rows": _rows(table, arrays["ids"]),
        "one-hot difference": np.array(np.float32(0)),
        "logits": logits,
        "probabilities": probabilities,
        "largest logit": logits.max(),
        "logit over largest": over[target],
        "power": np.exp(over[target]),
        "sum of powers": np.exp(over).sum(),
        "loss": (-np.log(probabilities[target])),
        "logit gradient": own[token],
        "row gradient": _rows(own, arrays["ids"]),
    }


def _trace_cell(
    table: Table, gradient: NDArray[Any], after: Table, decay: float, arrays: Arrays, points: dict[str, int]
) -> None:
    """Add the terms of one cell, and what moved rows without a gradient."""
    token, column = points["token"], points["target"]  # the cell of which the gradient speaks too
    weight, rate = float(table[token, column]), float(arrays["learning rate"])
    g, pull = float(gradient[token, column]), decay * weight
    has, silent = arrays["rows with gradient"], arrays["moved without gradient"]
    moves = (after - table)[silent].ravel()
    largest = float(moves[np.abs(moves).argmax()]) if silent.any() else 0.0
    terms = {"gradient used": g, "decay": pull, "m": 0.0, "v": 0.0, "m hat": 0.0, "v hat": 0.0}
    terms["rule"] = weight - rate * (g + pull)
    terms |= {"largest silent move": largest, "of it decay": largest, "of it momentum": 0.0}
    arrays |= {name: np.array(value) for name, value in terms.items()}
    points |= {
        "rows_with_gradient": int(has.sum()),
        "rows_moved": int(arrays["moved"].sum()),
        "rows_moved_without": int(silent.sum()),
        "rows_stayed": int((has & ~arrays["moved"]).sum()),
        "column": column,
        "updates": 0,
        "is_held": 0,
    }


def _rows(values: Table, ids: Ids) -> Table:
    """Return the rows (t, V) of `values` (V, V); zeros where nothing stands."""
    return np.where(ids[:, None] >= 0, values[ids], np.float32(0))


def _log_sum_exp(logits: Table) -> Table:
    """Return log sum exp over the last dimension, which stays with one place."""
    top = logits.max(-1, keepdims=True)
    return np.asarray(top + np.log(np.exp(logits - top).sum(-1, keepdims=True)))


# --- the window's other side ------------------------------------------------------------------------


class FakeWorker(QObject):
    """Has TrainingWorker's face and no process: keeps what is sent, and says what the test has it say."""

    event_received = Signal(object)
    died = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[m.Command] = []
        self.starts = 0
        self.kills = 0
        self.last_heard: float | None = None
        self._running = False
        self._records: dict[str, RunRecord] = {}

    def start(self) -> None:
        self._running = True
        self.starts += 1
        self.last_heard = time.monotonic()

    def isRunning(self) -> bool:
        return self._running

    def wait(self) -> bool:
        return True

    def stop(self) -> None:
        self._running = False

    def end_trainer(self) -> None:
        self.kills += 1

    def record(self, run_id: str) -> RunRecord | None:
        return self._records.get(run_id)

    def send(self, command: m.Command) -> None:
        if isinstance(command, m.StartRun):
            if command.checkpoint is None or command.run_id not in self._records:
                self._records[command.run_id] = RunRecord()
        elif isinstance(command, m.StopRun):
            self._records.pop(command.run_id, None)
        self.sent.append(command)

    def say(self, event: object) -> None:
        """Let the trainer say `event`."""
        self.last_heard = time.monotonic()
        record = self._records.get(getattr(event, "run_id", ""))
        if record is not None:
            if isinstance(event, m.Started):
                record.start(event.step, event.reading, event.edits)
            elif record.absorb(event):
                return
        self.event_received.emit(event)

    def die(self, exit_code: int | None = -9, details: str = "") -> None:
        """Let the trainer be gone."""
        self._running = False
        self.last_heard = None
        self.died.emit(TrainerDeath(exit_code, details))


@dataclass
class Desk:
    """A window, the fake trainer behind it, and hands for mouse and keys."""

    parts: Parts
    worker: FakeWorker
    qtbot: QtBot

    def __post_init__(self) -> None:
        panels = [self.parts.window.panel(name) for name in ("Tokens", "Lookup table", "Next token", "Training")]
        tokens, table, following, training = panels
        assert isinstance(tokens, TokensPanel)
        assert isinstance(table, LookupTablePanel)
        assert isinstance(following, NextTokenPanel)
        assert isinstance(training, TrainingPanel)
        self.tokens, self.table, self.following, self.training = tokens, table, following, training
        self.window, self.state = self.parts.window, self.parts.state
        self.notices, self.controller, self.theme = self.parts.notices, self.parts.controller, self.parts.theme

    # --- opening ------------------------------------------------------------------------------------

    @property
    def texts(self) -> TextOpener:
        return self.window.texts

    def see(self, ask: Callable[[], bool]) -> None:
        """Ask the opener for something, and wait until it is there."""
        with self.qtbot.waitSignal(self.texts.opened):
            assert ask()

    def see_no(self, ask: Callable[[], bool]) -> None:
        """Ask the opener for something, and wait until that has failed."""
        with self.qtbot.waitSignal(self.texts.failed):
            ask()

    def open_text(self, text: str, name: str = PASTED) -> None:
        self.see(lambda: self.texts.open_text(text, name))

    def open_path(self, path: Path) -> None:
        self.see(lambda: self.texts.open_path(path))

    def open_sample(self, name: str) -> None:
        self.see(lambda: self.texts.open_sample(name))

    # --- looking ------------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        assert self.state.document is not None
        return self.state.document

    @property
    def snapshot(self) -> Snapshot:
        assert self.state.snapshot is not None
        return self.state.snapshot

    def child(self, kind: type[AnyWidget], name: str) -> AnyWidget:
        found = self.window.findChild(kind, name)
        assert found is not None, f"no {kind.__name__} {name!r}"
        return found

    def switch(self, panel: QWidget, name: str) -> None:
        """Click the option of a panel's switch that is called `name`."""
        (button,) = panel.findChildren(QPushButton, f"segment_{name}")
        self.click(button)

    def action(self, name: str) -> QAction:
        found = self.window.findChild(QAction, f"{name}Action")
        assert found is not None
        return found

    def sent(self, kind: type[Command]) -> list[Command]:
        """Return what was sent of a kind, oldest first."""
        return [command for command in self.worker.sent if isinstance(command, kind)]

    @property
    def sentences(self) -> list[str]:
        return [notice.sentence for notice in self.notices.pending]

    def words(self, widget: QWidget) -> str:
        """Return all that the labels of a widget say."""
        labels = [label for label in widget.findChildren(QLabel) if not label.isHidden()]
        return " | ".join(label.text() for label in labels)

    # --- the person's hands -------------------------------------------------------------------------

    def press(
        self,
        key: Qt.Key,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        times: int = 1,
    ) -> None:
        """Press a key wherever the focus is, as Qt would send it: shortcuts first."""
        for _ in range(times):
            QTest.keyClick(QApplication.focusWidget() or self.window, key, modifiers)

    def type(self, text: str) -> None:
        """Type into whatever has the focus; what is no ASCII arrives as from an input method."""
        for character in text:
            target = QApplication.focusWidget() or self.window
            if character.isascii():
                QTest.keyClick(target, character)
            else:
                event = QInputMethodEvent()
                event.setCommitString(character)
                QApplication.sendEvent(target, event)

    def focus(self, widget: QWidget) -> None:
        widget.setFocus(Qt.FocusReason.OtherFocusReason)
        assert widget.hasFocus()

    def click(self, widget: QWidget, at: QPointF | None = None) -> None:
        place = at.toPoint() if at is not None else widget.rect().center()
        assert widget.isVisible()
        assert widget.rect().contains(place)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)

    def click_notice(self) -> None:
        self.click(self.child(QPushButton, "noticeAction"))

    def point_at(self, widget: QWidget, at: QPointF, buttons: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
        """Move the pointer, with `buttons` held."""
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            at,
            widget.mapToGlobal(at),
            Qt.MouseButton.NoButton,
            buttons,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(widget, event)

    def drop(self, widget: QWidget, data: QMimeData) -> bool:
        """Drag something over a widget and let go, if anybody there wants it; tell whether somebody did."""
        nothing = Qt.KeyboardModifier.NoModifier
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        place = QPointF(widget.rect().center())
        entering = QDragEnterEvent(place.toPoint(), copy, data, left, nothing)
        entering.ignore()
        target: QWidget | None = widget
        while target is not None:  # Qt asks the widget under the pointer, then what is behind it
            if target.acceptDrops():
                QApplication.sendEvent(target, entering)
                if entering.isAccepted():
                    break
            target = target.parentWidget()
        if target is None:
            return False
        QApplication.sendEvent(target, QDropEvent(place, copy, data, left, nothing))
        return True

    # --- the trainer's words ------------------------------------------------------------------------

    def answer(self, step: int = 0) -> m.Started:
        """Let the trainer answer the last StartRun, standing at `step`; the only device that it has is the CPU."""
        command = self.sent(m.StartRun)[-1]
        config, is_open = command.config, command.config.device == "auto"
        document = self.document
        table = self.table_at(step)
        started = m.Started(
            command.run_id,
            config.replace(device="cpu", threads=1) if is_open else config,
            step,
            document.vocab_size**2,
            document.floor,
            math.log(document.vocab_size),
            self.reading(step, table),
            "",
            0,
            "CPU, 1 thread: the only one here." if is_open else "",
        )
        self.worker.say(started)
        return started

    def show(
        self,
        step: int,
        table: Table | None = None,
        gradients: Mapping[str, Table] | None = None,
        run_id: str | None = None,
        rate: float = 0.0,
    ) -> Snapshot:
        """Let the trainer send a snapshot, and wait until the window shows it."""
        table = self.table_at(step) if table is None else table
        contexts = self.sent(m.Watch)[-1].contexts
        snapshot = Snapshot(
            run_id or self.state.run.run_id,
            step,
            rate,
            self.reading(step, table),
            {"token": table},
            gradients or {},
            contexts,
            table[contexts[:, -1]],
        )
        with self.qtbot.waitSignal(self.state.frame_shown):
            self.worker.say(snapshot)
        return snapshot

    def play(self) -> None:
        """Let the trainer say that it plays."""
        self.worker.say(m.Playing(self.state.run.run_id, self.state.run.step))

    def pause(self, step: int, reason: str = "asked", sentence: str = "", details: str = "") -> None:
        """Let the trainer say that it paused, and show where."""
        self.worker.say(m.Paused(self.state.run.run_id, step, reason, sentence, details))
        self.show(step)

    def table_at(self, step: int) -> Table:
        """Return a table that is another one at each step, and all zeros at step 0."""
        size = self.document.vocab_size
        noise = np.random.default_rng(step).normal(size=(size, size)) * min(step, 1)
        table = noise.astype(np.float32)  # (V, V)
        table.flags.writeable = False
        return table

    def reading(self, step: int, table: Table) -> m.Reading:
        document = self.document
        val_pairs = PairCounts.count(document.dataset.val_ids, document.vocab_size)
        return m.Reading(step, table_loss(table, document.pairs), table_loss(table, val_pairs), False)

    def checkpoint(self, step: int) -> Checkpoint:
        """Let the trainer send a checkpoint of `step`."""
        checkpoint = Checkpoint(step, {}, {})
        self.worker.say(m.CheckpointTaken(self.state.run.run_id, checkpoint))
        return checkpoint

    def tell_step(self, step: int | None = None, **changes: Any) -> StepTrace:
        """Let the trainer tell of the step after `step`: of two windows of the text, the own context watched."""
        step = self.state.run.step if step is None else step
        text = self.document.dataset.train_ids.astype(np.int64)
        ids, targets = (text[by : by + 16].reshape(2, 8) for by in (0, 1))  # (2, 8)
        trace = step_trace(self.table_at(step), ids, targets, step=step, **({"row": 1, "place": 4} | changes))
        self.tell_trace(trace)
        return trace

    def tell_trace(self, trace: StepTrace) -> None:
        """Let the trainer tell of a step."""
        self.worker.say(m.Traced(self.state.run.run_id, trace))

    def go_to_phase(self, name: str) -> None:
        """Look at the phase of the step that is called `name`; "" for none."""
        assert self.state.trace is not None
        names = [phase.name for phase in self.state.trace.phases]
        self.state.show_phase(names.index(name) if name else -1)

    def lose(self, first_step: int, *losses: float) -> None:
        """Let the trainer tell the losses of some steps."""
        self.worker.say(m.Losses(self.state.run.run_id, first_step, np.array(losses)))


def as_read(reading: m.Reading, **changes: object) -> m.Reading:
    return replace(reading, **changes)  # type: ignore[arg-type]


def test_the_part_has_the_same_face() -> None:
    own = ("say", "die", "sent", "starts", "kills")
    for name in vars(FakeWorker):
        if not name.startswith("_") and name not in own and name != "staticMetaObject":
            assert hasattr(TrainingWorker, name), name
    for name in ("send", "record", "stop", "end_trainer"):
        played, real = (inspect.signature(getattr(kind, name)) for kind in (FakeWorker, TrainingWorker))
        assert played == real, name


def test_what_the_real_one_keeps_is_kept_here_too() -> None:
    reading = m.Reading(3, 2.0, None, False)
    started = m.Started("run-1", RunConfig(), 3, 4, 0.5, 1.0, reading, "", 0)
    for worker in (FakeWorker(), TrainingWorker()):
        worker.send(m.StartRun("run-1", "text", RunConfig()))
        record = worker.record("run-1")
        assert record is not None
        record.start(started.step, started.reading)
        worker.send(m.StartRun("run-1", "text", RunConfig(), Checkpoint(3, {}, {})))
        assert worker.record("run-1") is record  # going on keeps what there is
        worker.send(m.StopRun("run-1"))
        assert worker.record("run-1") is None
        worker.deleteLater()
