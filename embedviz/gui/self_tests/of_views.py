"""Checks of what is made when it is first looked at: modes of the table, charts, dialogs, copies of a run."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QPushButton, QTextEdit, QWidget

from embedviz import catalog
from embedviz.config import RunConfig
from embedviz.gui.driving import click
from embedviz.gui.panels.training import CHARTS, CHARTS_OF
from embedviz.gui.self_tests.meeting import meet
from embedviz.gui.self_tests.of_runs import FEW, small
from embedviz.gui.self_tests.painted import change_between, painted
from embedviz.gui.self_tests.trial import Check, CheckError, Trial
from embedviz.gui.start_row import StartRow
from embedviz.gui.table_view import MODES, WITHOUT_TABLE, modes_of

DIALOGS = ("settings", "goTo", "table", "sideBySide", "merges", "keys", "about")  # the actions that open one


def checks() -> list[Check]:
    """Return the checks of this file, in order."""
    return [
        *(Check(f"table {mode}", partial(_see_mode, mode=mode)) for mode, _, _ in MODES),
        *(Check(f"chart {chart}", partial(_see_chart, chart=chart)) for chart, _, _ in CHARTS),
        Check("orders of rows", _see_orders),
        Check("vocabulary", _see_vocabulary),
        Check("change by hand", _change_by_hand),
        Check("start page", _see_start_page, needs_trainer=False),
        Check("start page opens", _use_start_page),
        *(Check(f"dialog {name}", partial(_see_dialog, name=name)) for name in DIALOGS),
        Check("copy as command", _copy_command),
        Check("copy as PyTorch", _copy_pytorch),
    ]


def _first(what: str, suits: Callable[[RunConfig], bool]) -> RunConfig:
    """Return a run that has something: of the first model that does, with rows of two numbers or with more."""
    for model in catalog.MODELS:
        for changes in ({}, {"n_embd": 2, "n_head": 1}):
            config = small(model, **changes)
            if suits(config):
                return config
    raise CheckError(f"No model has {what}.")


def _see_mode(trial: Trial, *, mode: str) -> None:
    """See a mode of the table, of a model that has it, and that it shows something else than the weights."""
    state, panel = trial.state, trial.table
    trial.bring("Lookup table")
    trial.start(_first(f"the mode ‘{mode}’", lambda config: mode in modes_of(config)))
    trial.take(FEW)
    panel.mode.set_value(mode)
    trial.note(loss=trial.take(FEW))
    if mode in WITHOUT_TABLE:
        trial.wait("the attention", lambda: bool(state.snapshot and state.snapshot.attention))
    subject: QWidget = panel.views if mode in WITHOUT_TABLE else panel.pictures
    found = painted(f"The table as ‘{mode}’", subject)
    if not trial.see_plots(f"The table as ‘{mode}’", subject):
        raise CheckError(f"The table as ‘{mode}’ has nothing to show.")
    trial.note(colours=found.colours, share=found.share)
    if panel.heatmap.isVisible() and mode != "weights":
        picture = _cells(trial)
        panel.mode.set_value("weights")
        if not change_between(picture, _cells(trial)):
            raise CheckError(f"The table as ‘{mode}’ looks like the weights.")


def _cells(trial: Trial) -> QImage:
    """Return what the cells of the table look like, without their labels."""
    QApplication.processEvents()
    heatmap = trial.table.heatmap
    return heatmap.grab(heatmap.table_area().toAlignedRect()).toImage()


def _see_chart(trial: Trial, *, chart: str) -> None:
    """See a chart of the training panel, of a model that has it."""
    state = trial.state
    trial.bring("Training")
    trial.start(_first(f"the chart ‘{chart}’", lambda config: chart in CHARTS_OF[config.reads]))
    trial.training.gap.set_value(chart)
    trial.take(FEW)
    if chart in ("hidden", "layers"):
        trial.wait(
            f"the numbers of ‘{chart}’",
            lambda: state.snapshot is not None and bool(state.snapshot.activations or state.snapshot.layers),
        )
    chart_shown = {"hidden": trial.training.hidden, "layers": trial.training.layers, "model": trial.training.model}
    subject = chart_shown.get(chart, trial.training.loss)
    if not subject.isVisible():
        raise CheckError(f"The chart ‘{chart}’ is not to be seen.")
    found = painted(f"The chart ‘{chart}’", subject)
    if not trial.see_plots(f"The chart ‘{chart}’", subject) and chart != "model":  # which is words
        raise CheckError(f"The chart ‘{chart}’ has nothing to show.")
    trial.note(colours=found.colours, share=found.share)


def _see_orders(trial: Trial) -> None:
    order = trial.child(QComboBox, "rowOrder")
    trial.start(small("mlp"))
    trial.take(FEW)
    pictures = []
    for index in range(order.count()):
        order.setCurrentIndex(index)
        QApplication.processEvents()
        painted(f"The table by ‘{order.itemText(index)}’", trial.table)
        pictures.append(_cells(trial))
    trial.note(orders=order.count())
    order.setCurrentIndex(0)
    if not all(change_between(pictures[0], picture) for picture in pictures[1:]):
        raise CheckError("The rows of the table look the same in another order.")


def _see_vocabulary(trial: Trial) -> None:
    trial.start(small("bigram"))
    trial.tokens.segments.set_value("vocabulary")
    QApplication.processEvents()
    found = painted("The vocabulary", trial.tokens.table.viewport())  # without heading and buttons
    trial.note(colours=found.colours, share=found.share)
    trial.tokens.segments.set_value("line")


def _change_by_hand(trial: Trial) -> None:
    """Change a number and freeze a row, take a step, and undo it all."""
    state, hand = trial.state, trial.window.hand
    trial.start(small("bigram"))
    hand.set_cell(0, 0, "6")
    trial.wait("the change", lambda: len(state.run.edits) == 1 and trial.cell(0, 0) == 6)
    hand.toggle_frozen(1)
    trial.wait("the frozen row", lambda: len(state.run.edits) == 2)
    trial.note(loss=trial.take(1))
    for left in (1, 0):
        hand.undo()
        trial.wait("the undoing", lambda left=left: len(state.run.edits) == left)  # type: ignore[misc]
    trial.wait("the start", lambda: trial.shown(0) and trial.cell(0, 0) != 6)


def _see_start_page(trial: Trial) -> None:
    """See the start page in the place of the panels, and all that it offers, and the panels again."""
    page = _open_start_page(trial)
    found = painted("The start page", page)
    rows = [row for row in page.findChildren(StartRow) if row.isVisible()]
    for row in rows:
        painted(f"‘{row.title}’ on the start page", row)
    trial.note(colours=found.colours, share=found.share, rows=len(rows))
    names = {row.objectName() for row in rows}
    wanted = {f"startSample_{name}" for name in catalog.SAMPLES} | {
        f"startModel_{name}" for name in catalog.MODELS
    }
    if missing := sorted(wanted - names):
        raise CheckError(f"The start page does not offer {', '.join(missing)}.")
    trial.actions["startPage"].trigger()
    trial.bring("Training")


def _use_start_page(trial: Trial) -> None:
    """Choose a sample by the pointer, then a model, none of which is there already."""
    trial.start(small("bigram"))
    sample = list(catalog.SAMPLES)[-1]
    for what, name in (("sample", f"startSample_{sample}"), ("model", "startModel_mlp")):
        row = _open_start_page(trial).findChild(StartRow, name)
        if row is None:
            raise CheckError(f"The start page has no {name}.")
        trial.begin(f"the {what} of the start page", partial(click, row))
        trial.bring("Training")
    document, config = trial.state.document, trial.state.config
    found = document.corpus.name if document is not None else ""
    if (found, config.model) != (catalog.SAMPLES[sample].title, "mlp"):
        raise CheckError(f"The start page opened ‘{found}’ and the model ‘{config.model}’ instead.")
    trial.note(loss=trial.take(FEW))


def _open_start_page(trial: Trial) -> QWidget:
    trial.actions["startPage"].trigger()
    QApplication.processEvents()
    page = trial.child(QWidget, "startPage")
    if not page.isVisible():
        raise CheckError("The start page is not to be seen.")
    return page


def _see_dialog(trial: Trial, *, name: str) -> None:
    trial.start(small("bigram"))

    def look(dialog: QDialog) -> bool:
        if trial.has_failed():
            raise CheckError(f"‘{dialog.windowTitle()}’ does not show what it should.")
        if not getattr(dialog, "is_ready", True):
            return False
        found = painted(f"‘{dialog.windowTitle()}’", dialog)
        trial.see_plots(f"‘{dialog.windowTitle()}’", dialog)
        if name == "about":
            _read_facts(trial, dialog)
        trial.note(width=dialog.width(), height=dialog.height(), colours=found.colours, share=found.share)
        return True

    meet(trial.actions[name].trigger, look)


def _read_facts(trial: Trial, dialog: QDialog) -> None:
    """See that About has a value for each of its facts, those of the trainer included, and shows them all."""
    shown, copy = dialog.findChild(QTextEdit, "aboutFacts"), dialog.findChild(QPushButton, "aboutCopy")
    if shown is None or copy is None:
        raise CheckError("About has no facts, or none to be copied.")
    painted("The list of facts in About", shown.viewport())
    copy.click()
    facts: dict[str, str] = {}
    for group in QGuiApplication.clipboard().text().strip().split("\n\n"):
        title, *lines = group.split("\n")
        found = {name.strip(): fact.strip() for name, _, fact in (line.partition(":") for line in lines)}
        if not found or not all(found.values()):
            raise CheckError(f"‘{title}’ in About lacks values: {found}.")
        facts |= found
    trial.note(facts=len(facts))
    is_true = facts.get("torch") == trial.controller.torch_version and facts.get("Qt") == qVersion()
    if not is_true or not all(fact in shown.toPlainText() for fact in facts.values()):
        raise CheckError(f"About does not say what is so: ‘{shown.toPlainText()[:200]}’.")


def _copy_command(trial: Trial) -> None:
    for model in catalog.MODELS:
        trial.start(small(model))
        copied = _copied(trial, "copyCommand")
        says_model = f"--model {model}" in copied or model == RunConfig.model
        if not copied.startswith("embedviz train ") or not says_model:
            raise CheckError(f"What is copied of the model ‘{model}’ is no command: ‘{copied[:80]}’.")
        trial.note(**{model: len(copied)})


def _copy_pytorch(trial: Trial) -> None:
    for model in catalog.MODELS:
        trial.start(small(model))
        copied = _copied(trial, "copyPyTorch")
        compile(copied, "copied.py", "exec")
        if "import torch" not in copied:
            raise CheckError(f"What is copied of the model ‘{model}’ does not use PyTorch.")
        trial.note(**{model: copied.count("\n")})


def _copied(trial: Trial, action: str) -> str:
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("")
    trial.actions[action].trigger()
    return clipboard.text()
