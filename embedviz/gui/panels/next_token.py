"""The Next token panel: what the model says follows the context, beside what the text says."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import in_a_row, why_no_frame
from embedviz.gui.plots.bars import BarChart
from embedviz.gui.plots.figures import figure
from embedviz.gui.state import AppState, Phase
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Card, Choice, ElidedLabel, Segments, caption, named

TOP_K = 50
SHOWN_CONTEXT = 16  # tokens of the context in the title; the end of it is what matters

NUMBERS = (
    ("probability", "probability", "How likely the model holds each token to be next"),
    ("log", "log P", "The natural logarithm of the probability, in nats"),
    ("rank", "rank", "Place in the model's order, and in the text's"),
)


class NextTokenPanel(Card):
    """Bars for the selected context, at the very step that the other panels show."""

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
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
        keys.addWidget(self._model_key)
        keys.addWidget(self._data_key, 1)
        self.body.removeWidget(self.subtitle)
        above = QHBoxLayout()
        above.addWidget(self.subtitle, 1)
        above.addWidget(self._number)
        self.body.insertLayout(1, above)
        self.body.addWidget(self.bars, 1)
        self.body.addLayout(keys)
        self._labels: list[str] = []
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self.order.chosen.connect(self.refresh)
        self._number.currentIndexChanged.connect(self.refresh)
        self.bars.hovered.connect(self._point_at)
        state.document_changed.connect(self._take_document)
        state.selection_changed.connect(self.refresh)
        state.frame_shown.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()

    @Slot()
    def _take_document(self) -> None:
        document = self._state.document
        self._labels = list(document.tokenizer.labels) if document else []

    @Slot()
    def refresh(self) -> None:
        """Draw the bars anew."""
        state = self._state
        document, snapshot = state.document, state.snapshot
        token = state.selected_id
        if document is None or token is None:
            self._show_title()
            self._show_nothing(
                "Select a token of your line: the bars show what follows it."
                if state.selected < 0
                else "The selected token is not in the vocabulary, so there is no row to look up."
            )
            return
        if snapshot is None:
            self._show_title()
            self._show_nothing(why_no_frame(state, "the model's probabilities come with its first step"))
            return
        logits = _logits_after(state, token, snapshot)
        if logits is None:
            if state.run.phase is Phase.LOST:
                self._show_nothing("There is no trainer to ask what follows this: go on from the last step first.")
            return  # the frame with them is under way: what is shown says of which context it is
        self._show_title()
        log_model = log_softmax(logits.astype(np.float64))  # (V,)
        data = document.pairs.probabilities(token)  # (V,)
        order = np.argsort(-log_model, kind="stable")  # (V,)
        ranks = np.empty_like(order)
        ranks[order] = np.arange(1, len(order) + 1)
        shown = order[:TOP_K] if self.order.value == "top" else np.arange(len(order))
        part = f"the {len(shown)} likeliest of {len(order):,} tokens" if len(shown) < len(order) else ""
        self.bars.set_caption(part)
        self._draw(shown, log_model, data, ranks)
        self._model_key.setText(f"● model, step {snapshot.step:,}")
        after = f" after ‘{self._labels[token]}’ alone" if state.config.model != "bigram" else ""
        self._data_key.setText(f"▏text{after}")

    def _show_nothing(self, why: str) -> None:
        self.bars.set_empty(why)
        self._model_key.setText("● model")

    def _draw(
        self,
        shown: NDArray[np.int64],
        log_model: NDArray[np.float64],
        data: NDArray[np.float64],
        ranks: NDArray[np.int64],
    ) -> None:
        self._shown = shown
        model = np.exp(log_model)  # (V,)
        data_ranks = _ranks(data)[shown]
        kind = self._number.currentData()
        ids = shown.tolist()
        if kind == "probability":
            texts = [probability(model[i]) for i in ids]
        elif kind == "log":
            texts = [figure(log_model[i]) for i in ids]
        else:
            texts = [f"{ranks[i]} / {rank}" for i, rank in zip(ids, data_ranks.tolist(), strict=True)]
        self.bars.set_data(
            [self._labels[i] for i in ids], ids, model[shown], data[shown], texts, _limit(model, data)
        )
        self.bars.set_tooltips(
            [
                f"{self._labels[i]}  id {i}\nmodel {model[i]:.4f}  (log {log_model[i]:.3f}, rank {ranks[i]})\n"
                f"text {data[i]:.4f}  (rank {rank})"
                for i, rank in zip(ids, data_ranks.tolist(), strict=True)
            ]
        )

    def _show_title(self) -> None:
        state = self._state
        ids = state.context_ids
        if not len(ids) or state.selected_id is None:
            self.subtitle.setText("")
            return
        text = in_a_row([self._labels[i] for i in ids[-SHOWN_CONTEXT:].tolist()])
        self.subtitle.setText(f"after “{text}”, last token ‘{self._labels[state.selected_id]}’")

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


def _logits_after(state: AppState, token: int, snapshot: Snapshot) -> NDArray[np.float32] | None:
    """Return the logits (V,) of what follows the context that ends with `token`, at the snapshot's step.

    Where the frame with them is still under way (or never comes, the trainer being gone), a bigram's table
    has them: its logits are its row. Of another model they are then not known: None.
    """
    is_bigram = state.config.model == "bigram"
    if len(snapshot.logits):
        watched = snapshot.contexts[0]
        if watched[-1] == token if is_bigram else np.array_equal(watched, state.context_ids[-len(watched) :]):
            return np.asarray(snapshot.logits[0])
    return np.asarray(snapshot.tables["token"][token]) if is_bigram else None


def probability(value: float) -> str:
    """Return a probability with three decimals, or two digits where that says nothing."""
    return f"{value:.3f}" if value >= 0.0095 else figure(value, digits=2)


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log softmax of (V,) logits, in nats."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return ranks


def _limit(model: NDArray[np.float64], data: NDArray[np.float64]) -> float:
    """Return where the bars end: in steps, so that they do not breathe with every frame."""
    top = max(float(model.max()), float(data.max()))
    return next(limit for limit in (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0) if top <= limit + 1e-9)
