"""Everything one can do from a menu or a key, as one table; menus, buttons and the list of keys come from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget


@dataclass(frozen=True)
class ActionSpec:
    """One action; its object name is `name` + "Action". A menu has a line above one that `begins` a group."""

    name: str
    menu: str
    title: str
    tip: str
    keys: tuple[str, ...] = ()
    checkable: bool = False
    begins: bool = False


Handler = Callable[[], object] | Callable[[bool], object]

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("openText", "File", "Open text…", "Train on a text file of your own", ("Ctrl+O",)),
    ActionSpec("paste", "File", "Train on the clipboard", "Train on the text you copied", ("Ctrl+Shift+V",)),
    ActionSpec(
        "perLine",
        "File",
        "One item per line",
        "Treat each line as an item of its own, such as a name: training sees where items begin and end",
        checkable=True,
    ),
    ActionSpec(
        "openTokenizer",
        "File",
        "Open tokenizer.json…",
        "Cut the text with a tokenizer that another tool has saved",
    ),
    ActionSpec(
        "startPage",
        "File",
        "Start page",
        "Texts opened before, samples and models, each one click away; Esc goes back to the panels",
        ("Ctrl+Shift+H",),
        checkable=True,
        begins=True,
    ),
    ActionSpec("quit", "File", "Quit", "Close the window and end the trainer", ("Ctrl+Q",)),
    ActionSpec("play", "Run", "Play", "Start or pause the training (Space)", ("Space",)),
    ActionSpec("step", "Run", "One step", "Take one optimiser step (Ctrl →)", ("Ctrl+Right",)),
    ActionSpec(
        "back",
        "Run",
        "One step back",
        "Go back one step, by doing the run again up to there (Ctrl ←)",
        ("Ctrl+Left",),
    ),
    ActionSpec("tenSteps", "Run", "Ten steps", "Take ten optimiser steps", ("Shift+Right",)),
    ActionSpec("tenBack", "Run", "Ten steps back", "Go back ten steps", ("Shift+Left",)),
    ActionSpec("rewind", "Run", "Rewind", "Back to the very same start (Home)", ("Home",)),
    ActionSpec("goTo", "Run", "Go to step…", "Go to any step of this run and pause there", ("Ctrl+G",)),
    ActionSpec(
        "nextPhase",
        "Run",
        "Next phase",
        "Go to the next phase of this step; after the last one the step is taken (→)",
        ("Right",),
        begins=True,
    ),
    ActionSpec(
        "prevPhase",
        "Run",
        "Previous phase",
        "Go to the phase before; before the first, a step is taken back (←)",
        ("Left",),
    ),
    ActionSpec("playPhases", "Run", "Play the phases", "Let the phases go by slowly", ("Ctrl+Space",)),
    ActionSpec("slower", "Run", "Slower", "Fewer steps a second", ("[",), begins=True),
    ActionSpec("faster", "Run", "Faster", "More steps a second", ("]",)),
    ActionSpec(
        "undo",
        "Run",
        "Undo",
        "Take back what was changed by hand last, and the steps since then",
        ("Ctrl+Z",),
        begins=True,
    ),
    ActionSpec("redo", "Run", "Redo", "Change again by hand what was undone", ("Ctrl+Y", "Ctrl+Shift+Z")),
    ActionSpec(
        "freeze",
        "Run",
        "Freeze the selected row",
        "Training leaves a frozen row of the table as it is",
        ("Ctrl+R",),
    ),
    ActionSpec(
        "settings",
        "Run",
        "Settings…",
        "Model, start, optimiser, batch, split and seed of the run",
        ("Ctrl+,",),
        begins=True,
    ),
    ActionSpec(
        "copyCommand",
        "Run",
        "Copy as command",
        "Copy the “embedviz train” line that makes this run without a window",
        ("Ctrl+Shift+C",),
        begins=True,
    ),
    ActionSpec(
        "copyPyTorch",
        "Run",
        "Copy as PyTorch",
        "Copy a short, plain script that makes this run with PyTorch alone",
        ("Ctrl+Shift+P",),
    ),
    ActionSpec("larger", "View", "Larger", "Everything larger", ("Ctrl++", "Ctrl+=")),
    ActionSpec("smaller", "View", "Smaller", "Everything smaller", ("Ctrl+-",)),
    ActionSpec("normal", "View", "Normal size", "The designed size", ("Ctrl+0",)),
    ActionSpec(
        "colourBlind",
        "View",
        "Blue and yellow weights",
        "Colours that people who confuse red and green can tell apart",
        checkable=True,
        begins=True,
    ),
    ActionSpec(
        "lessMotion", "View", "Less motion", "Nothing flies or fades: changes show at once", checkable=True
    ),
    ActionSpec(
        "nextUnit",
        "View",
        "Next unit of losses",
        "Say losses in nats, in bits or as perplexity, one after the other",
        ("Ctrl+U",),
        begins=True,
    ),
    ActionSpec(
        "table",
        "View",
        "Numbers as tables",
        "The numbers behind the pictures, for keyboard and screen reader",
        ("Ctrl+T",),
        begins=True,
    ),
    ActionSpec(
        "sideBySide",
        "View",
        "Tokenizers side by side",
        "Your own line cut by every tokenizer at once",
        ("Ctrl+B",),
    ),
    ActionSpec(
        "merges", "View", "Merges, one by one", "How a subword vocabulary is made, step by step", ("Ctrl+M",)
    ),
    ActionSpec(
        "present", "View", "Present", "Full screen, larger, no menus; Esc leaves, “.” blanks", ("F5",), begins=True
    ),
    ActionSpec("keys", "Help", "Keys", "Every key there is", ("F1",)),
    ActionSpec("about", "Help", "About embedviz", "Version and what it is made with"),
)


def make_actions(owner: QWidget, handlers: Mapping[str, Handler]) -> dict[str, QAction]:
    """Return an action for every row of the table, connected to the handler of its name."""
    actions = {}
    for spec in ACTIONS:
        action = QAction(spec.title, owner)
        action.setObjectName(f"{spec.name}Action")
        action.setCheckable(spec.checkable)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setToolTip(spec.tip)
        action.setStatusTip(spec.tip)
        action.triggered.connect(handlers[spec.name])
        owner.addAction(action)  # so that the keys work while the menus are hidden
        actions[spec.name] = action
    return actions


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Make the menus from the table; return them by title."""
    menus: dict[str, QMenu] = {}
    for spec in ACTIONS:
        if spec.menu not in menus:
            menu = bar.addMenu(f"&{spec.menu}")  # Alt and its first letter
            menu.setToolTipsVisible(True)
            menus[spec.menu] = menu
        if spec.begins:
            menus[spec.menu].addSeparator()
        menus[spec.menu].addAction(actions[spec.name])
    return menus
