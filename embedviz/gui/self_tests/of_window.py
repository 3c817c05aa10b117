"""Checks of the window by itself: painted in every form, icons, fonts, the clipboard."""

import importlib
import pkgutil
import sys
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontDatabase, QFontMetrics, QGuiApplication, QIcon, QImage, QImageReader, QPainter
from PySide6.QtWidgets import QTabWidget

from embedviz.files import resource
from embedviz.gui.driving import wait_until
from embedviz.gui.plots.base import Plot
from embedviz.gui.self_tests.painted import not_blank, painted
from embedviz.gui.self_tests.trial import SIZE, Check, CheckError, Trial

PANELS = ("Tokens", "Lookup table", "Training", "Next token")
FORMS = {"side by side": SIZE, "in tabs": (960, 640)}  # logical pixels
MODES = ("light", "dark")
ROOMS = ("embedviz.gui", "embedviz.text", "embedviz.analysis", "embedviz.export")
ARRANGING_S = 3.0  # a window manager may take a moment, or not obey at all
ICON_SIZE = 48
TEXT = "naïve – 12,345 ✓ ü"


def checks() -> list[Check]:
    """Return the checks of this file, in order."""
    forms = [
        Check(f"window {form}, {mode}", partial(_see_panels, form=form, mode=mode), needs_trainer=False)
        for form in FORMS
        for mode in MODES
    ]
    others = {
        "app icon": _see_app_icon,
        "drawn icons": _see_icons,
        "fonts": _see_fonts,
        "clipboard": _use_clipboard,
    }
    others |= {"modules": _load_modules}
    return [*forms, *(Check(name, run, needs_trainer=False) for name, run in others.items())]


def last_checks() -> list[Check]:
    """Return what can be told when all the others have been made."""
    return [
        Check("every kind of plot", _see_kinds, needs_trainer=False),
        Check("window without torch", _find_no_torch, needs_trainer=False),
    ]


def _see_panels(trial: Trial, *, form: str, mode: str) -> None:
    window = trial.window
    trial.theme.set_mode(mode)
    window.resize(*FORMS[form])
    wants_tabs = form == "in tabs"
    is_arranged = wait_until(lambda: (_tabs(trial) is not None) == wants_tabs, ARRANGING_S)
    obeys = (window.width(), window.height()) == FORMS[form]
    if obeys and wants_tabs and not is_arranged:
        raise CheckError("The panels of a narrow window did not become tabs.")
    for title in PANELS:
        panel = trial.bring(title)
        found = painted(f"The panel ‘{title}’", panel)
        if (found.lightness < 0.5) != (mode == "dark"):
            raise CheckError(f"The panel ‘{title}’ is not {mode}: its lightness is {found.lightness:.2f}.")
        trial.note(**{f"{title} colours": found.colours, f"{title} share": found.share})
        trial.see_plots(f"The panel ‘{title}’", panel)
    trial.note(width=window.width(), height=window.height(), tabs=int(_tabs(trial) is not None))
    painted("The window", window)


def _tabs(trial: Trial) -> QTabWidget | None:
    return trial.window.findChild(QTabWidget, "panelTabs")


def _see_app_icon(trial: Trial) -> None:
    from embedviz.gui.icons import app_icon

    icon = app_icon()
    sizes = icon.availableSizes()
    if icon.isNull() or not sizes:
        raise CheckError("The app has no icon.")
    found = not_blank("The app's icon", icon.pixmap(QSize(ICON_SIZE, ICON_SIZE)).toImage())
    trial.note(sizes=len(sizes), largest=max(size.width() for size in sizes), colours=found.colours)


def _see_icons(trial: Trial) -> None:
    """See every icon of the style sheet drawn, as a picture and as an icon: two plug-ins of Qt."""
    if b"svg" not in [bytes(kind.data()) for kind in QImageReader.supportedImageFormats()]:
        raise CheckError("Qt cannot read SVG pictures here.")
    files = sorted(resource("icons").glob("*.svg"))
    if not files:
        raise CheckError("The icons of the style sheet are missing.")
    for file in files:
        for how, image in (
            ("picture", QImageReader(str(file)).read()),
            ("icon", QIcon(str(file)).pixmap(QSize(ICON_SIZE, ICON_SIZE)).toImage()),
        ):
            if not _has_ink(image):
                raise CheckError(f"‘{file.name}’ is blank as {how}.")
    trial.note(icons=len(files))


def _has_ink(image: QImage) -> bool:
    """Tell whether some pixels are drawn, and others are not."""
    alphas = {image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height())}
    return 0 in alphas and max(alphas) > 0x7F


def _see_fonts(trial: Trial) -> None:
    families = QFontDatabase.families()
    fixed = sum(QFontDatabase.isFixedPitch(family) for family in families)
    trial.note(families=len(families), of_equal_width=fixed)
    if not families:
        raise CheckError("Qt finds no font here.")
    for font in (trial.theme.font(), trial.theme.font(mono=True)):
        metrics = QFontMetrics(font)
        image = QImage(metrics.horizontalAdvance(TEXT) + 8, metrics.height() + 8, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        painter.setFont(font)
        painter.drawText(image.rect(), Qt.AlignmentFlag.AlignCenter, TEXT)
        painter.end()
        not_blank(f"A line in ‘{font.family()}’", image)
    trial.note(figures_of_one_width=int(len({metrics.horizontalAdvance(figure) for figure in "0123456789"}) == 1))


def _use_clipboard(_trial: Trial) -> None:
    clipboard = QGuiApplication.clipboard()
    clipboard.setText(TEXT)
    if clipboard.text() != TEXT:
        raise CheckError("What was copied does not come back from the clipboard.")


def _load_modules(trial: Trial) -> None:
    """Load every module of the window's process: what one of them lacks, it lacks now."""
    found, missing = 0, []
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                missing.append(f"{module.name} ({error})")
            found += 1
    trial.note(modules=found)
    if missing:
        raise CheckError(f"Cannot be loaded: {', '.join(missing)}.")
    if found < len(ROOMS):
        raise CheckError("The app does not find its own modules.")


def _see_kinds(trial: Trial) -> None:
    """See that no plot of the app was left out, or had nothing to show wherever it was looked at."""
    kinds = {kind.__name__ for kind in _kinds(Plot)}
    trial.note(**trial.ink)
    if unseen := sorted(kinds - set(trial.ink)):
        raise CheckError(f"Never seen with something in it: {', '.join(unseen)}.")


def _kinds(kind: type[Plot]) -> list[type[Plot]]:
    """Return the app's own classes of plots that are not made to be derived from."""
    below = [other for other in kind.__subclasses__() if other.__module__.startswith("embedviz.")]
    return [found for other in below for found in _kinds(other)] or [kind]


def _find_no_torch(_trial: Trial) -> None:
    if "torch" in sys.modules:
        raise CheckError("The window's process has loaded torch.")
