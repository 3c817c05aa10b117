"""The sampler's widgets: what was written, a line on it, and the buttons under it."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from embedviz.gui.sampled_text import SampledText
from embedviz.gui.sampler import Sampler
from embedviz.gui.sampler_options import SamplerOptions
from embedviz.gui.state import AppState
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named


class SamplerView(QWidget):
    """What was sampled, and what samples: [Sample] [Ten items] [Options]."""

    def __init__(self, sampler: Sampler, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampler = sampler
        self._theme = theme
        self.text = named(SampledText(theme), "sampledText", says="Sampled text")
        self.note = caption(elided=True)
        self.sample = named(QPushButton("Sample"), "sampleButton")
        self.items = named(QPushButton("Ten items"), "tenItemsButton")
        self.more = named(
            QPushButton("Options"), "samplerOptionsButton", tip="Temperature, top-k, top-p, seed, pace"
        )
        self.options = SamplerOptions(sampler, theme, self)
        self._row = QHBoxLayout()
        for button in (self.sample, self.items, self.more):
            self._row.addWidget(button)
        self._row.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.text)
        self._column.addWidget(self.note)
        self._column.addLayout(self._row)
        self.sample.clicked.connect(sampler.toggle)
        self.items.clicked.connect(sampler.make_items)
        self.more.clicked.connect(self._open_options)
        sampler.changed.connect(self._show)
        sampler.settings_changed.connect(self._show)
        state.run_changed.connect(self._show_buttons)
        state.selection_changed.connect(self._show_buttons)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._show()

    def set_rows(self, rows: int) -> None:
        """Give the text so many lines; items may take a few more, and what is more still is scrolled to."""
        self.text.set_rows(rows)

    @Slot()
    def _open_options(self) -> None:
        panel = self.parentWidget()
        self.options.open_at(self.more, beside=panel if panel is not None else self)

    @Slot()
    def _show(self) -> None:
        sampler = self._sampler
        self.text.show_samples(sampler.samples, is_writing=sampler.is_sampling)
        self.text.setVisible(bool(sampler.samples))
        note = sampler.note or _said_of(sampler)
        self.note.setText(note)
        self.note.setVisible(bool(sampler.samples or note))
        self._show_buttons()

    @Slot()
    def _show_buttons(self) -> None:
        sampler = self._sampler
        self.sample.setText("Stop" if sampler.is_sampling else "Sample")
        why = "" if sampler.is_sampling else sampler.why_not()
        self.sample.setEnabled(not why)
        tip = "Stop writing" if sampler.is_sampling else "Let the model write on from the selected token"
        self.sample.setToolTip(why or tip)
        self.sample.setAccessibleDescription(why or tip)
        why = sampler.why_not(items=True)
        self.items.setVisible(sampler.is_list)
        self.items.setEnabled(not why)
        self.items.setToolTip(why or "Let the model make ten items, and see which are in the text already")

    @Slot()
    def _restyle(self) -> None:
        self._row.setSpacing(self._theme.px(8))
        self._column.setSpacing(self._theme.px(4))
        self.text.restyle()
        self.options.restyle()
        room = max(self.sample.fontMetrics().horizontalAdvance(text) for text in ("Sample", "Stop"))
        self.sample.setMinimumWidth(room + self._theme.px(28))


def _said_of(sampler: Sampler) -> str:
    """Return how it draws, or how it will, where that is not as the model says; "" where it is."""
    sampling = sampler.in_use or sampler.sampling
    if sampling.greedy:
        return "Greedy: always the likeliest."
    words = sampling.in_words()
    return f"{'This' if sampler.in_use else 'The next'} sample: {words}." if words else ""
