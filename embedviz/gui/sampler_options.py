"""The settings of the sampler, in a small window of their own."""

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.number_box import NumberBox
from embedviz.gui.sampler import Sampler
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Segments, caption, named

COLDEST, HOTTEST = 1, 20  # tenths of a temperature
MOST_SEEDS = 999_999
PACES = (
    ("slow", "Slow", "About two tokens a second"),
    ("normal", "Normal", "About eight tokens a second"),
    ("fast", "Fast", "As fast as the trainer answers; the bars stay as they are"),
)


class SamplerOptions(QFrame):
    """The settings of the sampler, in a small window that Escape or a click elsewhere closes."""

    def __init__(self, sampler: Sampler, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("samplerOptions")
        self.setAccessibleName("How tokens are sampled")
        self._sampler = sampler
        self._theme = theme
        self._is_setting = False
        self._make_fields()
        form = QFormLayout()
        form.addRow(self._temperature_label, self._temperature)
        form.addRow("Top-k", self._top_k)
        form.addRow("Top-p", self._top_p)
        form.addRow("", self._greedy)
        form.addRow("Seed", self._seed)
        form.addRow("", self._next_seed)
        form.addRow("Pace", self._pace)
        self._form = form
        self._words = caption()
        self._words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._words)
        sampler.settings_changed.connect(self._show)
        self.restyle()
        self._show()

    def _make_fields(self) -> None:
        self._temperature_label = QLabel("Temperature 1.0")
        self._temperature = named(QSlider(Qt.Orientation.Horizontal), "temperature", says="Temperature")
        self._temperature.setRange(COLDEST, HOTTEST)
        self._temperature.setPageStep(5)
        self._temperature.setToolTip("Below 1 likely tokens become likelier still, above 1 all become more alike")
        self._temperature_label.setBuddy(self._temperature)
        self._top_k = named(NumberBox(self._theme, maximum=99_999), "topK", says="Top-k")
        self._top_k.setSpecialValueText("all")
        self._top_k.setToolTip("Only so many of the likeliest tokens may be drawn")
        self._top_p = named(NumberBox(self._theme), "topP", says="Top-p, in percent")
        self._top_p.setRange(5, 100)
        self._top_p.setSingleStep(5)
        self._top_p.setSuffix(" %")
        self._top_p.setToolTip("Only the fewest tokens that reach this probability together may be drawn")
        self._greedy = named(QCheckBox("Greedy"), "greedy", tip="Always take the likeliest token")
        self._seed = named(NumberBox(self._theme, maximum=MOST_SEEDS), "seed", says="Seed")
        self._seed.setToolTip("The same seed, settings and weights write the same")
        self._next_seed = named(
            QCheckBox("Then the next seed"), "nextSeed", tip="So that each time writes another"
        )
        self._pace = Segments(PACES, self._theme)
        self._pace.set_value(self._sampler.pace)
        self._temperature.valueChanged.connect(self._take)
        for box in (self._top_k, self._top_p, self._seed):
            box.valueChanged.connect(self._take)
        for check in (self._greedy, self._next_seed):
            check.toggled.connect(self._take)
        self._pace.chosen.connect(self._take)

    def open_at(self, button: QWidget, *, beside: QWidget) -> None:
        """Open left of `beside`, which stays in sight, else above `button`; the first setting has the keyboard."""
        self.adjustSize()
        gap, screen = self._theme.px(4), button.screen().availableGeometry()
        corner = button.mapToGlobal(QPoint(button.width(), -gap))
        place = QPoint(corner.x() - self.width(), corner.y() - self.height())
        left = beside.mapToGlobal(QPoint(-gap, 0)).x() - self.width()
        if left >= screen.left():
            place = QPoint(left, button.mapToGlobal(QPoint(0, button.height())).y() - self.height())
        self.move(max(place.x(), screen.left()), max(place.y(), screen.top()))
        self.show()
        self._temperature.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def restyle(self) -> None:
        """Take colours and distances anew."""
        px, c = self._theme.px, self._theme.colours
        self.setStyleSheet(f"#samplerOptions {{ background: {c.card}; border: 1px solid {c.line}; }}")
        self._form.setSpacing(px(8))
        self._form.setContentsMargins(px(16), px(12), px(16), px(4))
        self._words.setContentsMargins(px(16), 0, px(16), px(12))
        self._words.setFixedWidth(px(340))

    @Slot()
    def _take(self) -> None:
        if self._is_setting:
            return
        sampler = self._sampler
        sampler.pace = self._pace.value
        sampler.next_seed = self._next_seed.isChecked()
        sampler.set_sampling(
            temperature=self._temperature.value() / 10,
            top_k=self._top_k.value() or None,
            top_p=self._top_p.value() / 100,
            greedy=self._greedy.isChecked(),
            seed=self._seed.value(),
        )

    @Slot()
    def _show(self) -> None:
        sampling = self._sampler.sampling
        self._is_setting = True
        self._temperature.setValue(round(sampling.temperature * 10))
        self._top_k.setValue(sampling.top_k or 0)
        self._top_p.setValue(round(sampling.top_p * 100))
        self._greedy.setChecked(sampling.greedy)
        self._seed.setValue(sampling.seed)
        self._next_seed.setChecked(self._sampler.next_seed)
        self._is_setting = False
        for field in (self._temperature, self._top_k, self._top_p):
            field.setEnabled(not sampling.greedy)
        self._temperature_label.setText(f"Temperature {sampling.temperature:.1f}")
        self._words.setText(
            "Tokens are drawn with the model's own probabilities."
            if sampling.is_plain
            else "Only sampling is changed by this: otherwise the bars stay the model's own probabilities."
        )
