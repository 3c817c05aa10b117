"""The Next token panel: what the model says follows a context, beside what the text says; and sampling from it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from embedviz.gui.bar_numbers import LOGS, Numbers
from embedviz.gui.contexts import why_no_frame
from embedviz.gui.controller import RunController
from embedviz.gui.plots.bars import BarChart
from embedviz.gui.predictions import Prediction, is_moving, sampled, traced, watched, watched_title
from embedviz.gui.sampler import Sampler
from embedviz.gui.sampler_view import SamplerView
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Choice, ElidedLabel, Segments, caption, named

TOP_K = 50
ROOMY_HEIGHT = 420  # designed pixels: in a lower panel the bars need the room more than the sampled text does

NUMBERS = (
    ("probability", "probability", "How likely the model holds each token to be next"),
    ("log", *LOGS["nats"]),
    ("rank", "rank", "Place in the model's order, and in the text's"),
)


class NextTokenPanel(Card):
    """Bars for the selected context, at the very step that the other panels show."""

    def __init__(
        self, state: AppState, controller: RunController, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__("Next token", theme, parent)
        self.setObjectName("nextTokenPanel")
        self._state = state
        self.order = Segments(
            (
                ("top", "Likeliest", f"The {TOP_K} tokens the model holds likeliest, in that order"),
                ("vocabulary", "By id", "All tokens, in the order of the vocabulary"),
            ),
            theme,
        )
        self._number = named(Choice(), "barNumbers", says="Number beside the bars")
        for name, title, tip in NUMBERS:
            self._number.addItem(title, name)
            self._number.setItemData(self._number.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.header.addWidget(self.order)
        self.bars = BarChart(theme)
        self.bars.setObjectName("nextTokenBars")
        self._model_key = ElidedLabel()  # its number grows, and the panels shall not move for that
        self._model_key.setProperty("role", "caption")
        self._data_key = caption(elided=True)
        keys = QHBoxLayout()
        keys.addWidget(self._model_key, 1)
        keys.addWidget(self._data_key)
        self.body.removeWidget(self.subtitle)
        above = QHBoxLayout()
        above.addWidget(self.subtitle, 1)
        above.addWidget(self._number)
        self.body.insertLayout(1, above)
        self.body.addWidget(self.bars, 1)
        self.body.addLayout(keys)
        self.sampler = Sampler(state, controller, self)
        self.sampling = SamplerView(self.sampler, state, theme)
        self.body.addWidget(self.sampling)
        self._labels: list[str] = []
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._followed = -1  # the id whose row is to be in sight
        self._listed: object = None  # what the list begins at its top for, each time that it is another
        self._sought: object = None  # what a row was brought into sight for
        self._is_moving = False
        self.order.chosen.connect(self.refresh)
        self._number.currentIndexChanged.connect(self.refresh)
        self.bars.hovered.connect(self._point_at)
        state.document_changed.connect(self._take_document)
        state.selection_changed.connect(self.refresh)
        state.frame_shown.connect(self._follow)
        state.trace_shown.connect(self.refresh)
        state.run_changed.connect(self._take_run)
        state.unit_changed.connect(self._name_numbers)
        self.sampler.drawing_changed.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _take_document(self) -> None:
        document = self._state.document
        self._labels = list(document.tokenizer.labels) if document else []
        self.bars.forget_widths()

    @Slot()
    def _follow(self) -> None:
        """Draw the bars of a new frame, unless they stand for something that frames do not change."""
        if self.sampler.drawing is None and traced(self._state) is None:
            self.refresh()

    @Slot()
    def _take_run(self) -> None:
        """Leave the example of a step when the run goes on, and come back to it when it stands."""
        moving = is_moving(self._state)
        if moving != self._is_moving:
            self._is_moving = moving
            if self._state.phase is not None:
                self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Draw the bars anew: of the token being drawn, of the phase that is looked at, else of the selection."""
        state = self._state
        self._followed = -1
        drawing = self.sampler.drawing
        found = (sampled(state, drawing) if drawing is not None else None) or traced(state)
        if found is not None:
            self._draw(found)
            return
        document, snapshot = state.document, state.snapshot
        token = state.selected_id
        if document is None or token is None:
            self._show_nothing(
                "Select a token of your line: the bars show what follows it."
                if state.selected < 0
                else "The selected token is not in the vocabulary, so there is no row to look up."
            )
            return
        if snapshot is None:
            self._show_nothing(why_no_frame(state, "the model's probabilities come with its first step"))
            return
        found = watched(state, token, snapshot)
        if found is not None:
            self._draw(found)
        elif state.run.phase is Phase.LOST:
            self._show_nothing("There is no trainer to ask what follows this: go on from the last step first.")
        # else the frame with them is under way: what is shown says of which context it is

    def _show_nothing(self, why: str) -> None:
        if self._state.snapshot is None or self._state.selected_id is None:
            self.subtitle.setText(watched_title(self._state))
        self.bars.set_empty(why)
        self._listed = None
        self._model_key.setText("● model")
        self._data_key.setText("▏text")

    def _draw(self, found: Prediction) -> None:
        document = self._state.document
        assert document is not None
        self._followed = -1 if found.follows is None else found.follows
        data = document.pairs.probabilities(found.last)  # (V,)
        model = np.exp(found.log_model)  # (V,)
        before = None if found.log_before is None else np.exp(found.log_before)  # (V,)
        order = found.order  # (V,)
        shown = order[:TOP_K] if self.order.value == "top" else np.arange(len(order))
        if self._followed >= 0 and self._followed not in shown:
            shown = np.append(shown, self._followed)
        self._shown = shown
        numbers = Numbers(found, data, self._number.currentData(), self._state.unit)
        ids = shown.tolist()
        highest = [values.max() for values in (model, data, before) if values is not None]
        self.bars.set_data(
            [self._labels[i] for i in ids],
            ids,
            model[shown],
            data[shown],
            [numbers.beside(i) for i in ids],
            _limit(float(max(highest))),
            before=None if before is None else before[shown],
            marks={row: found.marks[i] for row, i in enumerate(ids) if i in found.marks},
        )
        self.bars.set_tooltips([f"{self._labels[i]}  id {i}\n{numbers.in_full(i)}" for i in ids])
        part = f"the {TOP_K} likeliest of {len(order):,} tokens" if len(shown) < len(order) else ""
        self.bars.set_caption(found.caption or part)
        self.subtitle.setText(found.title)
        self._model_key.setText(f"● {found.key}")
        after = f" after ‘{self._labels[found.last]}’" if self._state.config.model != "bigram" else ""
        self._data_key.setText(f"▏text{after}")
        self._place(found)

    def _place(self, found: Prediction) -> None:
        """Begin at the top of another list, and bring the row that it is about into sight.

        Where the person has scrolled to stays for as long as it is the same list.
        """
        state, drawing, trace = self._state, self.sampler.drawing, self._state.trace
        listed: tuple[object, ...] = (state.run.run_id, self.order.value, state.context_ids.tobytes())
        if drawing is not None:
            listed += ("drawn", drawing.ids)
        elif found.follows is not None and trace is not None:
            listed += ("traced", trace.step)
        elif self.order.value == "top" and state.snapshot is not None and not is_moving(state):
            listed += ("stands", state.snapshot.step, int(found.order[0]))  # a change by hand may bring another
        if listed != self._listed:
            self._listed, self._sought = listed, None
            self.bars.show_top()
        sought = (found.follows, state.phase_index)
        if sought != self._sought:
            self._sought = sought
            if self._followed in self._shown:
                self.bars.show_row(int(np.flatnonzero(self._shown == self._followed)[0]))

    @Slot()
    def _name_numbers(self) -> None:
        """Offer the logarithm in the unit that losses are said in."""
        title, tip = LOGS[self._state.unit.name]
        place = self._number.findData("log")
        self._number.setItemText(place, title)
        self._number.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self._number.updateGeometry()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the sampled text as many lines as there is room for."""
        super().resizeEvent(event)
        self.sampling.set_rows(3 if self.height() >= self.theme.px(ROOMY_HEIGHT) else 2)

    @Slot(int)
    def _point_at(self, row: int) -> None:
        self._state.set_hovered(int(self._shown[row]) if 0 <= row < len(self._shown) else -1)

    @Slot()
    def _restyle(self) -> None:
        c = self.theme.colours
        self._model_key.setText(self._model_key.text() or "● model")
        self._model_key.setStyleSheet(f"color: {c.model};")
        self._data_key.setText(self._data_key.text() or "▏text")
        self._data_key.setStyleSheet(f"color: {c.data};")


def _limit(top: float) -> float:
    """Return where the bars end: in steps, so that they do not breathe with every frame."""
    return next(limit for limit in (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0) if top <= limit + 1e-9)
