"""The dialogs: settings of a run, made from the catalogue; the step to go to; keys; about."""

import platform
import re

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from embedviz import __version__, catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.errors import ConfigError
from embedviz.gui.actions import ACTIONS
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import caption, named

BATCHES = (("whole", "whole text: the exact gradient"), ("sampled", "sampled windows"))


class RunSettingsDialog(QDialog):
    """A form over RunConfig. `config` is what was accepted; a wrong value is told in a sentence, and stays."""

    def __init__(self, config: RunConfig, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings of the run")
        self.setObjectName("runSettings")
        self.config = config
        self._choices = {
            "init": self._choice(catalog.STARTS, config.init),
            "optimizer": self._choice(catalog.OPTIMIZERS, config.optimizer),
        }
        self._batch = QComboBox()
        for name, title in BATCHES:
            self._batch.addItem(title, name)
        self._batch.setCurrentIndex(0 if config.whole_text else 1)
        self._numbers = {name: named(QLineEdit(), f"setting_{name}") for name in catalog.SETTINGS}
        for name, edit in self._numbers.items():
            value = getattr(config, name)
            if name == "batch_size" and value == WHOLE_TEXT:
                value = catalog.SETTINGS[name].default
            edit.setText(f"{value:g}" if isinstance(value, float) else str(value))
            edit.setToolTip(catalog.SETTINGS[name].line)
        self._form = QFormLayout()
        self._form.addRow("Start", self._choices["init"])
        self._form.addRow("Optimiser", self._choices["optimizer"])
        for name in ("lr", "beta1", "beta2", "weight_decay"):
            self._add_number(name)
        self._form.addRow("Each step sees", self._batch)
        for name in ("batch_size", "block_size", "val_fraction", "seed"):
            self._add_number(name)
        self._line = caption()
        self._line.setWordWrap(True)
        self._problem = named(QLabel(wordWrap=True), "settingsProblem")
        self._problem.setStyleSheet(f"color: {theme.colours.bad};")
        self._problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Start again with these")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        layout.addLayout(self._form)
        layout.addWidget(self._line)
        layout.addWidget(self._problem)
        layout.addWidget(buttons)
        self.setMinimumWidth(theme.px(480))
        self._choices["optimizer"].activated.connect(self._take_defaults)
        self._choices["init"].currentIndexChanged.connect(self._explain)
        self._choices["optimizer"].currentIndexChanged.connect(self._explain)
        self._batch.currentIndexChanged.connect(self._explain)
        self._explain()

    def _choice(self, table: dict[str, catalog.Entry], current: str) -> QComboBox:
        box = QComboBox()
        for entry in table.values():
            box.addItem(entry.title, entry.name)
            box.setItemData(box.count() - 1, entry.line, Qt.ItemDataRole.ToolTipRole)
        box.setCurrentIndex(box.findData(current))
        return box

    def _add_number(self, name: str) -> None:
        self._form.addRow(catalog.SETTINGS[name].title, self._numbers[name])

    @Slot()
    def _take_defaults(self) -> None:
        entry = catalog.OPTIMIZERS[self._choices["optimizer"].currentData()]
        for name, value in entry.defaults.items():
            self._numbers[name].setText(f"{value:g}")

    @Slot()
    def _explain(self) -> None:
        optimizer = catalog.OPTIMIZERS[self._choices["optimizer"].currentData()]
        start = catalog.STARTS[self._choices["init"].currentData()]
        self._line.setText(f"{start.title}: {start.line}\n{optimizer.title}: {optimizer.line}")
        for name in ("lr", "beta1", "beta2", "weight_decay"):
            self._form.setRowVisible(self._numbers[name], name in optimizer.settings)
        sampled = self._batch.currentData() == "sampled"
        self._form.setRowVisible(self._numbers["batch_size"], sampled)

    def accept(self) -> None:
        """Take the form if all of it is valid, else say what is not."""
        try:
            self.config = self._read()
        except ConfigError as error:
            self._problem.setText(error.sentence)
            self._problem.show()
            return
        super().accept()

    def _read(self) -> RunConfig:
        values: dict[str, object] = {name: box.currentData() for name, box in self._choices.items()}
        whole = self._batch.currentData() == "whole"
        for name, edit in self._numbers.items():
            if name == "batch_size" and whole:
                values[name] = WHOLE_TEXT
                continue
            if not self._form.isRowVisible(edit):
                continue  # the optimiser has no such setting
            setting = catalog.SETTINGS[name]
            text = edit.text().strip()
            if re.fullmatch(r"\d{1,3},\d{3}", text):
                raise ConfigError(
                    f"{setting.title} is ‘{text}’: write a thousand as 1000, a decimal with a point."
                )
            text = text.replace(",", ".")
            try:
                values[name] = int(text) if setting.integer else float(text)
            except ValueError as error:
                kind = "a whole number" if setting.integer else "a number"
                raise ConfigError(f"{setting.title} is ‘{edit.text()}’, but has to be {kind}.") from error
            if name == "batch_size" and values[name] == WHOLE_TEXT:
                raise ConfigError("Batch size has to be 1 or more; for all of it choose ‘whole text’.")
        return self.config.replace(**values)


class KeysDialog(QDialog):
    """Every key, from the table of actions."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.px(24))
        layout.addLayout(grid)
        rows = [(", ".join(spec.keys), spec.tip) for spec in ACTIONS if spec.keys]
        rows += [
            ("Return", "Press the button that the keyboard is on"),
            ("Esc", "Leave the presentation"),
            (".", "Blank the screen while presenting"),
        ]
        for row, (keys, tip) in enumerate(rows):
            name = QLabel(keys)
            name.setFont(theme.font(bold=True))
            grid.addWidget(name, row, 0)
            grid.addWidget(QLabel(tip), row, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)


def about_text(torch_version: str) -> str:
    """Return what About says; `torch_version` as the trainer told it, empty before."""
    return (
        f"<h3>embedviz {__version__}</h3><p>See how a language model learns its embeddings.</p>"
        f"<p>Python {platform.python_version()}, PySide6 {pyside_version}, "
        f"torch {torch_version or '(the trainer is still warming up)'}</p>"
        "<p>MIT licence. Everything is computed on this machine; nothing leaves it.</p>"
    )
