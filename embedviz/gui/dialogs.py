"""The dialog for the settings of a run, made from the catalogue."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from embedviz import catalog
from embedviz.config import WHOLE_TEXT, RunConfig
from embedviz.errors import ConfigError
from embedviz.gui.setting_values import AUTO, read_number, read_threads, written
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import Choice, caption, named

BATCHES = (("whole", "the whole text"), ("sampled", "sampled windows"))
CHOICES = (
    ("model", "Model", catalog.MODELS),
    ("position", "Positions", catalog.POSITIONS),
    ("init", "Start of the table", catalog.STARTS),
    ("layer_init", "Start of the layers", catalog.LAYER_STARTS),
    ("residual_init", "Residual projections", catalog.RESIDUAL_INITS),
    ("optimizer", "Optimiser", catalog.OPTIMIZERS),
    ("schedule", "Learning rate is", catalog.SCHEDULES),
)
# In three columns, so that the form fits a small screen.
MODEL = ("model", "n_embd", "hidden", "n_layer", "n_head", "block_size", "position", *catalog.SWITCHES)
START = ("init", "layer_init", "residual_init", "vocab_size", "val_fraction", "seed", "device", "threads")
STEPS = ("batch", "batch_size", "optimizer", "lr", "beta1", "beta2", "weight_decay", "clip", "schedule")
OF_SCHEDULES = ("warmup_steps", "schedule_steps")
ALWAYS = {"model", "init", "optimizer", "schedule", "batch", "clip", "val_fraction", "seed", "device"}


class RunSettingsDialog(QDialog):
    """A form over RunConfig. `config` is what was accepted; a wrong value is told in a sentence, and stays.

    `devices` can be chosen; `choice` says how the last run's device was, where that was left open.
    """

    def __init__(
        self,
        config: RunConfig,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        devices: Sequence[str] = ("cpu",),
        choice: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings of the run")
        self.setObjectName("runSettings")
        self.config = self._opened_with = config
        self._choice = choice
        self._choices = {name: named(Choice(), f"setting_{name}", says=title) for name, title, _ in CHOICES}
        self._titles = {name: title for name, title, _ in CHOICES} | {"batch": "Each step sees"}
        self._titles |= {"device": "Device", "threads": "Threads"}
        self._titles |= {name: setting.title for name, setting in catalog.SETTINGS.items()}
        for name, _, table in CHOICES:
            self._fill(name, table)
        self._batch = named(Choice(), "setting_batch", says=self._titles["batch"])
        for name, title in BATCHES:
            self._batch.addItem(title, name)
        self._device = named(Choice(), "setting_device", says="Device")
        for name in dict.fromkeys((AUTO, *devices, config.device)):
            self._device.addItem("auto: the fastest here" if name == AUTO else name.upper(), name)
        self._threads = named(QLineEdit(), "setting_threads", tip=f"Of the CPU; {AUTO}: as many as are fastest.")
        self._numbers = {name: named(QLineEdit(), f"setting_{name}") for name in catalog.SETTINGS}
        for name, edit in self._numbers.items():
            edit.setToolTip(catalog.SETTINGS[name].line)
        self._switches = {
            name: named(QCheckBox(entry.title), f"setting_{name}", says=entry.title, tip=entry.line)
            for name, entry in catalog.SWITCHES.items()
        }
        self._forms: dict[str, QFormLayout] = {}
        columns = QHBoxLayout()
        columns.setSpacing(theme.px(32))
        for names in (MODEL, START, (*STEPS, *OF_SCHEDULES)):
            columns.addLayout(self._make_form(names, theme))
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
        layout.setSpacing(theme.px(8))
        layout.addLayout(columns)
        layout.addWidget(self._line)
        layout.addWidget(self._problem)
        layout.addWidget(buttons)
        self.setMinimumWidth(theme.px(800))
        self._show_config(config)
        self._choices["model"].activated.connect(self._take_model)
        self._choices["optimizer"].activated.connect(self._take_defaults)
        for box in (*self._choices.values(), self._batch, self._device):
            box.currentIndexChanged.connect(self._explain)
        for switch in self._switches.values():
            switch.toggled.connect(self._explain)
        self._explain()

    def _fill(self, name: str, table: dict[str, catalog.Entry]) -> None:
        box = self._choices[name]
        for entry in table.values():
            box.addItem(entry.title, entry.name)
            box.setItemData(box.count() - 1, entry.line, Qt.ItemDataRole.ToolTipRole)

    def _make_form(self, names: tuple[str, ...], theme: Theme) -> QVBoxLayout:
        form = QFormLayout()
        form.setVerticalSpacing(theme.px(8))
        form.setHorizontalSpacing(theme.px(16))
        for name in names:
            self._forms[name] = form
            if name in self._switches:
                form.addRow(self._switches[name])  # which says what it is
            else:
                form.addRow(self._titles[name], self._widget(name))
        column = QVBoxLayout()  # takes the room that hidden rows leave
        column.addLayout(form)
        column.addStretch(1)
        return column

    def _widget(self, name: str) -> QWidget:
        others = {"batch": self._batch, "device": self._device, "threads": self._threads}
        return {**others, **self._choices, **self._switches, **self._numbers}[name]

    def _show_config(self, config: RunConfig) -> None:
        self._device.setCurrentIndex(self._device.findData(config.device))
        self._threads.setText(str(config.threads or AUTO))
        self._numbers["batch_size"].setText(written(catalog.SETTINGS["batch_size"].default))
        for name in (*self._choices, *self._switches, *self._numbers):
            self._show_value(name, getattr(config, name))

    def _show_value(self, name: str, value: Any) -> None:
        if name in self._choices:
            self._choices[name].setCurrentIndex(self._choices[name].findData(value))
        elif name in self._switches:
            self._switches[name].setChecked(value)
        else:
            if name == "batch_size":
                self._batch.setCurrentIndex(0 if value == WHOLE_TEXT else 1)
                if value == WHOLE_TEXT:
                    return  # the number stays, for who wants batches after all
            self._numbers[name].setText(written(value))

    @Slot()
    def _take_model(self) -> None:
        """Take over what the model brings along, and leave the rest as it was typed."""
        model = str(self._choices["model"].currentData())
        suits = self._opened_with.with_model(model)
        for name in catalog.MODELS[model].defaults:
            if name != "tokenizer":  # which is no part of the form
                self._show_value(name, getattr(suits, name))
        self._take_defaults()

    @Slot()
    def _take_defaults(self) -> None:
        model, optimizer = (str(self._choices[name].currentData()) for name in ("model", "optimizer"))
        for name, value in catalog.optimizer_defaults(model, optimizer).items():
            self._show_value(name, value)

    @property
    def _base(self) -> RunConfig:
        """What is not in the form: another model may bring another tokenizer."""
        model = str(self._choices["model"].currentData())
        return self._opened_with if model == self._opened_with.model else self._opened_with.with_model(model)

    @Slot()
    def _explain(self) -> None:
        """Show the rows that the choices have, and say what is chosen."""
        chosen = {name: table[self._choices[name].currentData()] for name, _, table in CHOICES}
        model, optimizer, schedule = (chosen[name] for name in ("model", "optimizer", "schedule"))
        shown = {*ALWAYS, *model.settings, *model.choices, *optimizer.settings, *schedule.settings}
        shown |= set(catalog.TOKENIZERS[self._base.tokenizer].settings)
        if self._batch.currentData() == "sampled":
            shown.add("batch_size")
        if self._device.currentData() in (AUTO, "cpu"):
            shown.add("threads")
        for name, form in self._forms.items():
            form.setRowVisible(self._widget(name), name in shown)
        lines = [f"{model.title}: {model.line}"]
        for name, title, _ in CHOICES:
            if name in shown and name not in ("model", "schedule"):
                lines.append(f"{title} · {chosen[name].title}: {chosen[name].line}")
        for name, switch in self._switches.items():
            if name in shown and switch.isChecked():
                lines.append(f"{switch.text()}: {catalog.SWITCHES[name].line}")
        if self._choice:
            lines.append(f"Now on {self._choice}")
        self._line.setText("\n".join(lines))
        self._fit()

    def _fit(self) -> None:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        width = max(self.minimumWidth(), layout.minimumSize().width())
        self.resize(width, layout.totalHeightForWidth(width))  # adjustSize leaves a third of the screen empty

    def accept(self) -> None:
        """Take the form if all of it is valid, else say what is not."""
        try:
            self.config = self._read()
        except ConfigError as error:
            self._problem.setText(error.sentence)
            self._problem.show()
            return
        super().accept()

    def changes(self) -> dict[str, object]:
        """Return what was changed here, by field of RunConfig: what changed elsewhere meanwhile is left alone."""
        before = vars(self._opened_with)
        return {name: value for name, value in vars(self.config).items() if value != before[name]}

    def _read(self) -> RunConfig:
        values: dict[str, object] = {name: box.currentData() for name, box in self._choices.items()}
        values |= {name: switch.isChecked() for name, switch in self._switches.items()}
        model = catalog.MODELS[str(values["model"])]
        if not catalog.STARTS[str(values["init"])].suits(model.name):
            raise ConfigError(f"The start of the table is not for the model ‘{model.title}’: choose another.")
        base = self._base
        tokenizer = catalog.TOKENIZERS[base.tokenizer]
        whole = self._batch.currentData() == "whole"
        for name, edit in self._numbers.items():
            if name == "batch_size" and whole:
                values[name] = WHOLE_TEXT
            elif self._forms[name].isRowVisible(edit):  # else what is chosen has no such setting
                values[name] = read_number(catalog.SETTINGS[name], edit.text().strip(), tokenizer)
        values["device"] = self._device.currentData()
        if self._forms["threads"].isRowVisible(self._threads):
            values["threads"] = read_threads(self._threads.text().strip())
        return base.replace(**values)
