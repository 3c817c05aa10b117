"""The step-through: the phases of the coming step as a strip of cards, and the formula of one of them."""

from functools import partial

from PySide6.QtCore import QRect, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from embedviz.analysis.figures import counted
from embedviz.analysis.wording import fill
from embedviz.gui.contexts import why_no_frame
from embedviz.gui.phase_cards import cards_of
from embedviz.gui.plots.phase_strip import PhaseStrip
from embedviz.gui.state import AppState
from embedviz.gui.step_through import StepThrough
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import ElidedLabel, caption, named

LONG_LINES = 4  # that the long form has room for
HIGHEST_STRIP = 300  # designed pixels
BUTTONS = ("prevPhase", "playPhases", "nextPhase")
INVITATION = "Right and Left go through the phases of the coming step; a click goes to one."


class PhaseView(QWidget):
    """Shows the trace that the state holds, and the phase of it that is looked at."""

    def __init__(
        self,
        state: AppState,
        steps: StepThrough,
        actions: dict[str, QAction],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("stepThrough")
        self._state = state
        self._steps = steps
        self._theme = theme
        self.strip = PhaseStrip(theme)
        self.strip.setObjectName("phaseStrip")
        self._shown: tuple[object, ...] = ()
        self._place = caption("")
        self._place.setObjectName("phasePlace")
        self._formula = named(ElidedLabel(), "phaseFormula")
        self._explanation = named(QLabel(wordWrap=True), "phaseExplanation")
        self._explanation.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._explanation.setProperty("role", "caption")
        self._long = named(QToolButton(), "explainPhase", tip="Say more about the phase, under the formula")
        self._long.setText("Explain")
        self._long.setCheckable(True)
        self._long.toggled.connect(self._change_form)
        self._row = QHBoxLayout()
        for name in BUTTONS:
            button = named(QToolButton(), f"{name}Button")
            button.setDefaultAction(actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            self._row.addWidget(button)
        self._row.addWidget(self._place)
        self._row.addWidget(self._formula, 1)
        self._row.addWidget(self._long)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.strip, 1)
        self._column.addLayout(self._row)
        self._column.addWidget(self._explanation)
        self.strip.activated.connect(steps.show)
        for changed in (
            state.frame_shown,
            state.trace_shown,
            state.unit_changed,
            state.colours_changed,
            state.run_changed,
            state.document_changed,
        ):
            changed.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._change_form(on=False)

    def picture_rect(self, name: str, row: int = -1) -> QRect:
        """Return where on screen the picture of a phase is; empty if it, or a row from its end, is not drawn."""
        trace = self._state.trace
        names = [phase.name for phase in trace.phases] if trace is not None else []
        if name not in names or not self.strip.isVisible() or self.strip.rows_drawn(names.index(name)) < -row:
            return QRect()
        place = self.strip.picture_rect(names.index(name)).toRect()
        return QRect(self.strip.mapToGlobal(place.topLeft()), place.size())

    def explain(self, *, on: bool) -> None:
        """Show the long form under the formula, or do not."""
        self._long.setChecked(on)

    @Slot()
    def refresh(self) -> None:
        """Draw the trace of the state anew, if it is another one."""
        state = self._state
        trace, document = state.trace, state.document
        if trace is None or document is None:
            self._shown = ()
            self.strip.set_empty(why_no_frame(state, "the phases come with its first step"))
            self.strip.set_current(-1)
            self._tell_place(0, -1)
            self._tell("", "")
            return
        shown = trace, state.unit, state.colour_blind
        if self._shown != shown:
            self._shown = shown
            self.strip.set_empty("")
            self.strip.set_phases(
                cards_of(
                    trace,
                    document.tokenizer.labels,
                    state.unit,
                    context_length=1 if state.run.config.reads == "token" else state.run.config.block_size,
                    colour_blind=state.colour_blind,
                )
            )
        self.strip.set_current(state.phase_index)
        self._tell_place(len(trace.phases), state.phase_index)
        phase = state.phase
        if phase is None:
            self._tell(INVITATION, "")
            return
        say = partial(fill, trace=trace, labels=document.tokenizer.labels, unit=state.unit)
        when = "" if trace.step == state.run.step else f"Step {trace.step:,} · "  # training has gone on
        self._tell(f"{when}{phase.title}: {say(phase.formula)}", say(phase.explanation))

    def _tell_place(self, count: int, index: int) -> None:
        """Say which of how many phases it is, where the strip does not show all of them."""
        self._place.setVisible(count > 0 and self.strip.has_pages)
        self._place.setText(f"{index + 1} of {count}" if index >= 0 else counted(count, "phase"))
        widest = max(f"{count} of {count}", counted(count, "phase"), key=len)
        self._place.setMinimumWidth(self._place.fontMetrics().horizontalAdvance(widest))

    def _tell(self, formula: str, explanation: str) -> None:
        """Show both; a formula that does not fit its line stands whole before the explanation."""
        self._formula.setText(formula)
        is_cut = self._formula.fontMetrics().horizontalAdvance(formula) > self._formula.width()
        self._explanation.setText(f"{formula}\n{explanation}" if is_cut else explanation)

    @Slot(bool)
    def _change_form(self, on: bool) -> None:
        self._explanation.setVisible(on)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say whole what does not fit any more."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self.refresh)  # when the line has its width

    @Slot()
    def _restyle(self) -> None:
        self.strip.updateGeometry()  # how low it may be has changed
        self.strip.setMaximumHeight(self._theme.px(HIGHEST_STRIP))
        self._explanation.setFixedHeight(LONG_LINES * QFontMetrics(self._theme.font(Role.CAPTION)).lineSpacing())
        self._column.setSpacing(self._theme.px(4))
        self._row.setSpacing(self._theme.px(4))
