"""Only one frame is shown: every view says the same step, and each number on screen belongs to it."""

import numpy as np
import pytest
from PySide6.QtCore import QObject, Slot
from test_fake_trainer import Desk

from embedviz.analysis.figures import figure
from embedviz.engine import messages as m
from embedviz.text.statistics import table_loss


def said_steps(desk: Desk) -> dict[str, str]:
    """Return what each view says of the step that it shows."""
    return {
        "table": next(text for text in desk.words(desk.table).split(" | ") if "token_embedding_table" in text),
        "bars": next(text for text in desk.words(desk.following).split(" | ") if "model" in text),
        "training": next(text for text in desk.words(desk.training).split(" | ") if text.startswith("Step")),
        "cell": desk.table.cell.texts[0],
    }


def assert_all_say(desk: Desk, step: int) -> None:
    said = said_steps(desk)
    assert said["table"].endswith(f"· step {step:,}")
    assert said["bars"] == f"● model, step {step:,}"
    assert said["training"] == f"Step {step:,}"
    assert said["cell"].endswith(f", step {step:,}")
    assert "losses of step" not in desk.words(desk.training)  # they are of this one


def point(desk: Desk) -> None:
    desk.point_at(desk.table.heatmap, desk.table.heatmap.cell_rect(3, 5).center())


@pytest.mark.parametrize("step", [0, 1, 1234])
def test_every_view_says_the_step_that_is_shown(desk: Desk, step: int) -> None:
    point(desk)
    desk.show(step)
    assert_all_say(desk, step)


def test_every_number_is_of_the_same_frame(desk: Desk) -> None:
    point(desk)
    desk.training.loss.load()
    desk.lose(0, *np.linspace(3, 2, 40))
    for step in (3, 17, 17, 9, 40):
        table = desk.show(step).tables["token"]
        assert_all_say(desk, step)
        assert desk.table.heatmap.value_at(3, 5) == table[3, 5]
        assert desk.table.cell.texts[1] == figure(float(table[3, 5]), signed=True)
        assert f"{table_loss(table, desk.document.pairs):.4f} | training loss" in desk.words(desk.training)
        assert desk.training.loss.curve is not None
        dot = desk.training.loss.curve._canvas.overlay.dot
        assert dot is not None
        assert dot[0] == step
        assert desk.training.loss.curve._train[0].max() == step - 1  # the losses that led to it


def test_of_many_frames_the_newest_is_shown(desk: Desk) -> None:
    point(desk)
    shown: list[int] = []
    desk.state.frame_shown.connect(lambda: shown.append(desk.snapshot.step))
    record = desk.state.record
    assert record is not None
    frames = [desk.show(1)]
    for step in range(2, 50):  # while the window is busy
        table = desk.table_at(step)
        last = frames[0]
        desk.worker.say(
            type(last)(
                last.run_id,
                step,
                60.0,
                desk.reading(step, table),
                {"token": table},
                {},
                last.contexts,
                table[last.contexts[:, -1]],
            )
        )
    desk.qtbot.waitUntil(lambda: desk.snapshot.step == 49)
    assert shown == [1, 49]
    assert record.snapshots_seen >= 50
    assert_all_say(desk, 49)


class Watcher(QObject):
    """Looks at all views whenever a frame was shown, after they have drawn it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.seen = 0
        desk.controller.frame.connect(self.look)

    @Slot()
    def look(self) -> None:
        assert_all_say(self._desk, self._desk.snapshot.step)
        self.seen += 1


def test_no_view_is_ever_behind_while_training_runs(desk: Desk) -> None:
    point(desk)
    watcher = Watcher(desk)
    desk.play()
    for step in range(1, 30):
        desk.lose(step - 1, 3.0)
        desk.show(step)
        if step == 10:
            desk.tokens.edit.setPlainText("the cat")
        if step == 20:
            desk.switch(desk.table, "softmax")
    assert watcher.seen == 29


def test_a_view_that_lags_says_of_which_step_it_is(desk: Desk) -> None:
    point(desk)
    desk.show(20)
    desk.worker.say(m.Paused("run-1", 23, "asked"))  # its frame is under way
    said = said_steps(desk)
    assert said["table"].endswith("step 20")
    assert said["bars"].endswith("step 20")
    assert "losses of step 20" in desk.words(desk.training)
    desk.show(23)
    assert_all_say(desk, 23)


def test_the_start_is_shown_before_the_trainer_is_warm(fresh_desk: Desk) -> None:
    desk = fresh_desk
    point(desk)
    assert_all_say(desk, 0)
    assert desk.snapshot.tables["token"].shape == (desk.document.vocab_size,) * 2
    assert not desk.snapshot.tables["token"].any()
    before = [desk.words(panel) for panel in (desk.table, desk.following)]
    desk.answer()
    desk.show(0)
    assert [desk.words(panel) for panel in (desk.table, desk.following)] == before  # nothing jumps
