"""The trainer as the process that it is, and the client that owns it."""

import itertools
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from engine_window import PATIENCE_S, Line, assert_same_tables, straight_run

from embedviz.config import RunConfig
from embedviz.edits import HandEdit
from embedviz.engine import client as client_module
from embedviz.engine import messages as m
from embedviz.engine import snapshots, wire
from embedviz.engine.client import TrainerClient, TrainerGoneError, trainer_command
from embedviz.engine.snapshots import Snapshot
from embedviz.text.dataset import Dataset

CONFIG = RunConfig(init="normal-0.02", batch_size=8)
NewLine = Callable[..., Line]


def stand_in(code: str) -> list[str]:
    """Return a command that runs `code` in the trainer's place, without waiting for torch."""
    return [sys.executable, "-c", f"import os, signal, sys\n{code}"]


DEAF = stand_in("while True: signal.pause()")
READS_AND_STAYS = stand_in("while os.read(0, 65536): pass\nwhile True: signal.pause()")


def files_of(pid: int) -> list[Path]:
    return [path for folder in snapshots.folders() for path in folder.glob(f"embedviz-{pid}-*")]


def suspend(process: psutil.Process) -> None:
    """Stop a process, and wait until none of its threads goes on."""
    process.suspend()
    deadline = time.monotonic() + PATIENCE_S
    while process.status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline


# --- a warm trainer ---------------------------------------------------------------------------------


def test_a_run_in_another_process_is_bitwise_the_same(line: Line, dataset: Dataset) -> None:
    started = line.start("same", dataset, CONFIG)
    assert files_of(line.client.pid) == []  # opened, so the name is gone
    line.send(m.Watch("same", np.array([[1, 2]]), gradients=True), m.Play("same", m.Until(step=400)))
    paused = line.wait_for(m.Paused, "same")
    snapshot = line.snapshot_of("same", 400)
    losses, tables = straight_run(started.config, dataset, 400)
    assert paused == m.Paused("same", 400, "step")
    assert line.losses("same").tobytes() == losses.tobytes()
    assert_same_tables(snapshot, tables)
    assert snapshot.logits.tobytes() == tables["token"][2].tobytes()
    assert snapshot.gradients["token"].shape == tables["token"].shape
    assert not any(array.flags.writeable for array in (*snapshot.tables.values(), snapshot.logits))


def test_a_run_in_another_process_is_traced_edited_and_undone(line: Line, dataset: Dataset) -> None:
    line.start("by hand", dataset, CONFIG)
    line.send(m.Watch("by hand", np.array([[1, 2]]), traces=True), m.Advance("by hand", 20))
    while (trace := line.wait_for(m.Traced, "by hand").trace).step != 20:
        pass
    line.send(m.Edit("by hand", HandEdit("cell", "token", 2, 3, 5.0)), m.Advance("by hand", 10))
    edited = line.wait_for(m.Edited, "by hand")
    assert (edited.step, edited.edits[0].value, edited.edits[0].step) == (20, 5.0, 20)
    assert line.wait_for(m.Paused, "by hand").step == 30
    line.send(m.Undo("by hand"))
    assert line.wait_for(m.Edited, "by hand") == m.Edited("by hand", 20, (), can_redo=True)
    assert line.wait_for(m.Paused, "by hand").step == 20
    line.send(m.Advance("by hand", 1))
    losses, tables = straight_run(CONFIG, dataset, 21)
    assert_same_tables(line.wait_for_snapshot("by hand", 21), tables)
    assert line.losses("by hand").tobytes() == losses.tobytes()
    row, column = trace.points["token"], trace.points["column"]
    assert trace.arrays["after"][-1, column] == tables["token"][row, column]


def test_snapshots_keep_coming_while_it_plays(line: Line, dataset: Dataset) -> None:
    line.start("many", dataset, CONFIG)
    line.send(m.Play("many"))
    shown = [line.wait_for(Snapshot, "many") for _ in range(30)]
    line.send(m.StopRun("many"))
    line.wait_for(m.Stopped, "many")
    steps = [snapshot.step for snapshot in shown]
    assert steps == sorted(set(steps))
    assert line.client.last_heard <= time.monotonic()


def test_runs_that_are_stopped_before_they_stood(line: Line, dataset: Dataset) -> None:
    line.send(m.LoadDataset("text", dataset))
    for number in range(30):
        line.send(m.StartRun(f"brief {number}", "text", CONFIG), m.StopRun(f"brief {number}"))
    for number in range(30):
        line.wait_for(m.Stopped, f"brief {number}")
    assert not line.ended.is_set()
    assert files_of(line.client.pid) == []


def test_a_large_text_arrives(line: Line) -> None:
    ids = np.random.default_rng(0).integers(0, 50, 3_000_000).astype(np.uint8)
    started = line.start("large", Dataset(ids, ids[:0], 50), CONFIG)
    counts = np.bincount(ids[:-1].astype(int) * 50 + ids[1:], minlength=2500).reshape(50, 50)
    conditional = counts / counts.sum(1, keepdims=True)
    assert started.floor == pytest.approx(-(counts * np.log(conditional)).sum() / counts.sum())


def test_an_interrupt_is_for_the_window(line: Line, dataset: Dataset) -> None:
    line.start("interrupted", dataset, CONFIG)
    os.kill(line.client.pid, signal.SIGINT)
    line.catch_up("interrupted")
    assert line.client.exit_code is None


# --- one that dies ----------------------------------------------------------------------------------


def test_a_run_goes_on_after_its_trainer_was_killed(new_line: NewLine, dataset: Dataset) -> None:
    line = new_line()
    line.start("a", dataset, CONFIG)
    line.send(m.SetPace("a", 300.0), m.Play("a"))
    while (checkpoint := line.wait_for(m.CheckpointTaken, "a").checkpoint).step < 100:
        pass
    psutil.Process(line.client.pid).kill()
    killed_at = time.monotonic()
    assert line.ended.wait(PATIENCE_S)
    assert line.ended_at - killed_at < 1.0
    assert line.problem is None
    line.hang_up()
    assert line.client.exit_code == -signal.SIGKILL
    assert files_of(line.client.pid) == []

    second = new_line()
    started = second.start("a", dataset, CONFIG, checkpoint)
    assert started.step == checkpoint.step
    second.send(m.Play("a", m.Until(step=checkpoint.step + 200)))
    second.wait_for(m.Paused, "a")
    losses, tables = straight_run(CONFIG, dataset, checkpoint.step + 200)
    assert second.losses("a").tobytes() == losses[checkpoint.step :].tobytes()
    assert_same_tables(second.snapshot_of("a", checkpoint.step + 200), tables)
    common = line.losses("a")  # what was heard before the kill, beyond the checkpoint too, was the truth
    assert common.tobytes() == straight_run(CONFIG, dataset, len(common))[0].tobytes()


def test_a_trainer_that_hangs_is_ended(new_line: NewLine, dataset: Dataset) -> None:
    line = new_line()
    line.start("a", dataset, CONFIG)
    line.send(m.Play("a"))
    line.wait_for(m.Losses)
    trainer = psutil.Process(line.client.pid)
    suspend(trainer)
    asked_at = time.monotonic()
    line.hang_up()
    assert time.monotonic() - asked_at < 2.0
    assert line.client.exit_code == -signal.SIGKILL
    assert not trainer.is_running()
    assert files_of(line.client.pid) == []


def test_what_is_printed_does_not_disturb(new_line: NewLine, dataset: Dataset) -> None:
    line = new_line(
        stand_in(
            "import embedviz.training.warmup as warmup\n"
            "warmup.warm_up = lambda: (print('a warning', flush=True), os.system('echo a library'))\n"
            "from embedviz.engine.entry import main; main()"
        )
    )
    line.wait_for(m.Ready)
    line.start("a", dataset, CONFIG)
    line.catch_up("a")
    line.hang_up()
    assert line.client.exit_code == 0
    assert line.client.stderr_tail.splitlines() == ["a warning", "a library"]


def test_its_threads_do_not_spin(new_line: NewLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_DISPLAY_ENV", "TRUE")  # OpenMP says on stderr how it is set up
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    line = new_line()
    line.wait_for(m.Ready)
    line.hang_up()
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in line.client.stderr_tail


def test_a_trainer_that_cannot_begin(new_line: NewLine) -> None:
    line = new_line(stand_in("sys.exit('there is no torch here')"))
    assert line.ended.wait(PATIENCE_S)
    line.hang_up()
    assert line.client.exit_code == 1
    assert line.client.stderr_tail.strip() == "there is no torch here"


def test_the_last_lines_of_a_talkative_trainer_are_kept(new_line: NewLine) -> None:
    line = new_line(stand_in("for number in range(100_000): print(number, file=sys.stderr)"))
    assert line.ended.wait(PATIENCE_S)
    line.hang_up()
    last = [str(number) for number in range(100_000 - client_module.STDERR_LINES, 100_000)]
    assert line.client.stderr_tail.split() == last


def test_a_program_that_is_no_trainer(new_line: NewLine) -> None:
    line = new_line(stand_in("print('usage: something else entirely'); sys.stdout.flush(); os.read(0, 1)"))
    assert line.ended.wait(PATIENCE_S)
    assert isinstance(line.problem, wire.ProtocolError)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(TrainerGoneError) as caught:
        TrainerClient(["/no/such/program"])
    assert caught.value.sentence == "The trainer could not be started."
    assert caught.value.details


# --- the client -------------------------------------------------------------------------------------


def fill(client: TrainerClient) -> None:
    """Send until there is no room for another command."""
    large = m.Predict("a", 0, np.zeros(2000, np.int64))
    with pytest.raises(TrainerGoneError, match="does not read"):
        all(client.send(large) is None for _ in itertools.count())


def close_in_time(client: TrainerClient, within_s: float) -> None:
    closing = threading.Thread(target=client.close, daemon=True)
    asked_at = time.monotonic()
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive(), "close() hangs"
    assert time.monotonic() - asked_at < within_s


def test_commands_that_nobody_reads_are_bounded() -> None:
    client = TrainerClient(DEAF)
    fill(client)
    close_in_time(client, 2.0)
    assert client.exit_code == -signal.SIGKILL


def test_closing_when_the_last_commands_are_read_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    client = TrainerClient(READS_AND_STAYS)
    trainer = psutil.Process(client.pid)
    suspend(trainer)
    fill(client)

    def refuse(command: m.Command | None) -> None:
        monkeypatch.undo()
        trainer.resume()  # too late for close() to say anything, in time to read all there is
        raise queue.Full

    monkeypatch.setattr(client._outbox, "put_nowait", refuse)
    close_in_time(client, 2.0)


def test_closing_a_trainer_that_goes_at_once() -> None:
    client = TrainerClient(stand_in("while os.read(0, 100): pass"))
    close_in_time(client, 1.0)
    assert client.exit_code == 0
    client.close()
    assert list(client.events()) == []  # there is nothing to read any more


def test_closing_from_two_threads(new_line: NewLine) -> None:
    line = new_line(READS_AND_STAYS)
    other = threading.Thread(target=line.client.close)
    other.start()
    line.hang_up()
    other.join()
    assert line.problem is None


def test_two_trainers_hold_nothing_of_each_other() -> None:
    """The second must not inherit an end of the first one's pipes, or the first would never see the end."""
    first = TrainerClient(stand_in("while os.read(0, 100): pass"))
    second = TrainerClient(READS_AND_STAYS)
    close_in_time(first, 1.0)
    assert first.exit_code == 0
    second.kill()
    second.close()


def test_files_of_a_killed_trainer_go_with_its_client(dataset: Dataset) -> None:
    client = TrainerClient(
        stand_in(
            "from embedviz.engine.snapshots import SnapshotFile\n"
            "SnapshotFile.create(100)\n"
            "print('there', file=sys.stderr)\n"
            "signal.pause()"
        )
    )
    deadline = time.monotonic() + PATIENCE_S
    while not files_of(client.pid):
        assert time.monotonic() < deadline
    client.kill()
    client.close()
    assert files_of(client.pid) == []


def test_the_command_of_the_packaged_app(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainer_command() == [sys.executable, "-m", "embedviz", "--trainer"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(Path("folder", "embedviz.exe")))
    assert trainer_command() == [str(Path("folder", "embedviz-trainer.exe")), "--trainer"]
