"""Initialisation and forward pass as two acts: the first makes the tables, the second only reads them."""

import itertools

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.catalog import SETTINGS
from embedviz.config import RunConfig
from embedviz.engine import messages as m
from embedviz.gui.contexts import looked_up_ids
from embedviz.gui.controller import RunController
from embedviz.gui.documents import Document
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import LiveLabel, caption, named

RE_ROLL_TIP = "Make new tables, from the next seed: a new run begins"
FORWARD_TIP = "Look up the rows of the own line's context, and compare the tables before and after"
WHY_NOT = {
    Phase.WARMING: "The trainer is warming up.",
    Phase.PLAYING: "Pause first: while training runs, the tables change anyway.",
    Phase.PAUSING: "The run is pausing.",
    Phase.LOST: "The trainer has ended.",
    Phase.REFUSED: "This run was not started.",
}
ONLY_READS = "only reads the tables"
NO_CONTEXT = "Select a token of your line first."


class Acts(QWidget):
    """Counts how often tables were made and how often their rows were looked up; both can be done here.

    Only the number of the forward passes asked for here is counted as "by you", and only once they were answered.
    """

    recut_wanted = Signal(object)  # RunConfig: the same run from another seed, which also splits the text anew

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("acts")
        self._state = state
        self._controller = controller
        self._theme = theme
        self._requests = itertools.count(-1, -1)  # the sampler's are above 0
        self._awaited: tuple[int, int] = (0, 0)  # the request, and the rows that it reads
        self._run_id = ""
        self._made_for: tuple[object, ...] = ()
        self._re_rolled: tuple[str, RunConfig] | None = None  # which run stops for what
        self.times = 0
        self.by_you = 0
        self._largest_change = -1.0
        self._titles = LiveLabel("Initialisation"), LiveLabel("Forward pass")
        self._result = caption(elided=True)
        self._words = caption(), caption(elided=True)
        self.re_roll = named(QPushButton("Re-roll"), "reRoll", tip=RE_ROLL_TIP)
        self.forward = named(QPushButton("Look up"), "forwardPass", says="Forward pass", tip=FORWARD_TIP)
        self._line = QFrame()  # between the two
        self._lay_out()
        self.re_roll.clicked.connect(self._ask_for_another_start)
        self.forward.clicked.connect(self._ask_for_a_pass)
        controller.predicted.connect(self._take_answer)
        state.run_changed.connect(self._take_run)
        state.selection_changed.connect(self._show)
        state.frame_shown.connect(self._show)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._take_run()

    def _lay_out(self) -> None:
        px = self._theme.px
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(px(12))
        for place, button in enumerate((self.re_roll, self.forward)):
            text, first = QVBoxLayout(), QHBoxLayout()
            text.setSpacing(0)
            first.setSpacing(px(8))
            first.addWidget(self._titles[place])
            if button is self.forward:
                first.addWidget(self._result, 1)
            text.addLayout(first)
            text.addWidget(self._words[place])
            if button is self.forward:
                row.addWidget(self._line)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
            row.addLayout(text, place)

    @property
    def words(self) -> tuple[str, str, str]:
        """What is said of the first act, of the second, and of what that changed."""
        return self._words[0].text(), self._words[1].text(), self._result.text()

    # --- the first act ------------------------------------------------------------------------------

    @Slot()
    def _take_run(self) -> None:
        """Count a start; those of another text or model are counted anew."""
        run, document = self._state.run, self._state.document
        if run.run_id and run.run_id != self._run_id and document is not None:
            made_for = *_text_of(document), run.config.model
            self.times = self.times + 1 if made_for == self._made_for else 1
            self._run_id, self._made_for = run.run_id, made_for
            self.by_you, self._largest_change, self._awaited = 0, -1.0, (0, 0)
        self._recut_when_stopped()
        self._show()

    @Slot()
    def _ask_for_another_start(self) -> None:
        """Begin anew at once, as for another start in the bar at the top, whether the run is under way or not.

        In a list the seed also decides which items are held out: the run stops, so that nobody is asked about it.
        """
        state, document = self._state, self._state.document
        seed = int((state.config.seed + 1) % (SETTINGS["seed"].maximum + 1))
        config = state.config.replace(seed=seed)
        if document is not None and document.fits(config):
            self._controller.restart(config)
            return
        self._re_rolled = state.run.run_id, config
        if state.run.phase is Phase.PLAYING:
            self._controller.play_or_pause()
        self._recut_when_stopped()

    def _recut_when_stopped(self) -> None:
        run, wanted = self._state.run, self._re_rolled
        if wanted is None or (run.run_id == wanted[0] and run.phase in (Phase.PLAYING, Phase.PAUSING)):
            return
        self._re_rolled = None
        if run.run_id == wanted[0]:
            self.recut_wanted.emit(wanted[1])

    # --- the second act -----------------------------------------------------------------------------

    @Slot()
    def _ask_for_a_pass(self) -> None:
        context = self._state.context_ids
        if self._why_no_pass():
            return
        self._awaited = next(self._requests), len(looked_up_ids(self._state))
        asked = m.Predict(self._state.run.run_id, self._awaited[0], np.array(context, np.int64), check=True)
        self._controller.send(asked)

    @Slot(object)
    def _take_answer(self, answer: object) -> None:
        request, rows = self._awaited
        if isinstance(answer, m.Predicted) and request and answer.request == request:
            self.by_you += rows
            self._largest_change = max(self._largest_change, answer.table_change)
            self._awaited = (0, 0)
            self._show()

    def _why_no_pass(self) -> str:
        """Say why no row can be looked up now; "" if it can."""
        return WHY_NOT.get(self._state.run.phase, "") or ("" if len(self._state.context_ids) else NO_CONTEXT)

    # --- what is said -------------------------------------------------------------------------------

    @Slot()
    def _show(self) -> None:
        if not self.isVisible():
            return  # most models have no such acts, and frames come sixty times a second
        run = self._state.run
        self._words[0].setText(f"made {_times(self.times)} · seed {run.config.seed}")
        self._say_rows()
        change = self._largest_change
        self._result.setText(f"tables changed by {figure(change)}" if change >= 0 else ONLY_READS)
        why_not = self._why_no_pass()
        self.forward.setEnabled(not why_not)
        self.forward.setToolTip(f"{FORWARD_TIP}. {why_not}" if why_not else FORWARD_TIP)
        self.re_roll.setEnabled(run.phase not in (Phase.WARMING, Phase.REFUSED))

    def showEvent(self, event: QShowEvent) -> None:
        """Say what happened while nobody looked."""
        super().showEvent(event)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say as much as there is room for."""
        super().resizeEvent(event)
        self._show()

    def _say_rows(self) -> None:
        """Say "256 rows a step × 120 steps = 30,720, 8 by you"; in fewer words where that has no room."""
        label, said = self._words[1], self._rows_in_words()
        fits = (words for words in said if label.fontMetrics().horizontalAdvance(words) <= label.width())
        label.setText(next(fits, said[-1]))
        label.setToolTip(said[0])

    def _rows_in_words(self) -> tuple[str, str, str]:
        """Return how many rows were looked up, from many words to few."""
        run, document = self._state.run, self._state.document
        each = rows_a_step(run.config, len(document.dataset.train_ids) if document else 0)
        rows, steps = counted(each, "row"), counted(run.step, "step")
        found = f"{each * run.step:,}" + (f", {self.by_you:,} by you" if self.by_you else "")
        return (
            f"{rows} a step × {steps} = {found}",
            f"{rows} × {steps} = {found}",
            f"{each:,} × {run.step:,} = {found}",
        )

    @Slot()
    def _restyle(self) -> None:
        self._line.setStyleSheet(f"background: {self._theme.colours.line};")
        self._line.setFixedWidth(self._theme.px(1))
        for title in self._titles:
            title.setFont(self._theme.font(Role.BODY, bold=True))


def rows_a_step(config: RunConfig, tokens: int) -> int:
    """Return how many rows of the token table a step looks up, in a training part of so many tokens."""
    if config.whole_text:
        return max(0, tokens - 1)  # nothing follows the last
    return config.batch_size * config.block_size


def _text_of(document: Document) -> tuple[object, ...]:
    """Return what is the same for all documents of a text in the same tokens, however it is split."""
    corpus, config = document.corpus, document.config
    tokens = config.tokenizer, config.tokenizer_file, document.vocab_size
    return corpus.name, corpus.data, corpus.per_line, *tokens


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
