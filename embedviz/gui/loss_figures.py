"""Where the loss stands: a verdict in a sentence, and five figures with the unit that they are in."""

import math

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QGridLayout, QWidget

from embedviz.analysis import verdicts
from embedviz.analysis.units import next_unit
from embedviz.engine.messages import Reading
from embedviz.gui.plots.curve_unit import UnitButton
from embedviz.gui.state import AppState
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import ElidedLabel, Figure

VERDICT_COLOURS = {"learning": "warning", "converged": "good", "plateau": "warning"}
NAMES = {
    "train": "training loss",
    "val": "validation loss",
    "floor": "floor",
    "gap": "above the floor",
    "uniform": "ln V, guess",
}


class VerdictLabel(ElidedLabel):
    """A verdict in as many words as there is room for; the whole is in its tip, and what a screen reader says."""

    def _fitted(self, width: int) -> str:
        words, metrics = self.text(), self.fontMetrics()
        fitting = (said for said in (words, *verdicts.shorter(words)) if metrics.horizontalAdvance(said) <= width)
        return next(fitting, None) or super()._fitted(width)


class LossFigures(QObject):
    """Keeps `verdict`, a line, and `figures`, a row of numbers, as the state is; a panel gives both a place."""

    def __init__(self, state: AppState, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self.verdict = VerdictLabel()
        self.verdict.setObjectName("verdict")
        self.figures = QWidget()
        self.figures.setObjectName("lossFigures")
        self._figures = {name: Figure(title, theme, Role.TITLE) for name, title in NAMES.items()}
        self.unit = UnitButton(theme)
        self.unit.setObjectName("unitButton")
        self.unit.clicked.connect(self._change_unit)
        self._grid = QGridLayout(self.figures)
        self._grid.setContentsMargins(0, 0, 0, 0)
        for column, shown in enumerate(self._figures.values()):
            self._grid.addWidget(shown, 0, column)
        self._grid.addWidget(self.unit, 0, len(NAMES), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        for changed in (state.run_changed, state.frame_shown, state.unit_changed, state.document_changed):
            changed.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def refresh(self) -> None:
        """Show the reading of the frame that is shown."""
        reading, document = self._state.run.reading, self._state.document
        self.unit.show_unit(self._state.unit)
        if reading is None or document is None:
            for shown in self._figures.values():
                shown.set_value("–")
            self.verdict.setText("")
            return
        self._show_figures(reading, document.floor, document.vocab_size)
        self.verdict.set_dot(self._theme.colour(VERDICT_COLOURS.get(reading.verdict, "warning")))
        self.verdict.setText(self._sentence(reading, document.floor))

    def _show_figures(self, reading: Reading, floor: float, vocab_size: int) -> None:
        unit, figures = self._state.unit, self._figures
        rows_are_logits = self._state.run.config.reads == "token"
        about = "≈ " if reading.estimated else ""  # the line under the step says what that means
        about_val = "≈ " if reading.val_estimated else ""
        figures["train"].set_value(unit.figure(reading.train), f"{about}training loss")
        if reading.val is None:
            figures["val"].set_value("none", "nothing held out")
        else:
            figures["val"].set_value(unit.figure(reading.val), f"{about_val}validation loss")
        figures["floor"].set_value(unit.figure(floor), "floor" if rows_are_logits else "bigram floor")
        is_below = reading.train < floor and not rows_are_logits
        high, low = (floor, reading.train) if is_below else (reading.train, floor)
        figures["gap"].set_value(unit.figure_above(high, low), f"{'below' if is_below else 'above'} the floor")
        guess = f"{unit.guess.format(vocab_size)}, guess"
        figures["uniform"].set_value(unit.figure_of_guessing(vocab_size), guess)

    def _sentence(self, reading: Reading, floor: float) -> str:
        """Return the trainer's verdict in the unit chosen; "learning" is said anew of the step that is shown."""
        run, unit = self._state.run, self._state.unit
        if reading.verdict == "plateau":
            return reading.sentence  # which has no loss in it
        if not math.isfinite(reading.train):
            return verdicts.no_number(reading.step)
        if run.config.reads != "token":
            return verdicts.beyond_bigram(run.step, reading.train, reading.val, floor, unit)
        if reading.verdict == "converged":
            return verdicts.converged(reading.step, reading.train, floor, unit)
        return verdicts.learning(run.step, reading.train, floor, unit)

    @Slot()
    def _change_unit(self) -> None:
        self._state.set_unit(next_unit(self._state.unit))

    @Slot()
    def _restyle(self) -> None:
        self._grid.setHorizontalSpacing(self._theme.px(16))
        self.verdict.setFont(self._theme.font(Role.BODY, bold=True))
        self.refresh()


def read_how(reading: Reading, step: int) -> str:
    """Return of which step the losses are, if not of `step`, and what "≈" means where one has it."""
    words = [f"losses of step {reading.step:,}"] if reading.step != step else []
    if reading.estimated or reading.val_estimated:
        words.append("≈ estimated")
    return ", ".join(words)
