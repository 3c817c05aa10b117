"""The look: contrast by WCAG 2.2, sizes, and that light and dark reach every widget."""

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPalette
from PySide6.QtWidgets import QApplication, QFrame, QLabel
from pytestqt.qtbot import QtBot
from test_fake_trainer import Desk

from embedviz.files import resource
from embedviz.gui.icons import transport_icon
from embedviz.gui.theme import DARK, LIGHT, Colours, Role, Theme, url

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known near miss
    assert contrast("#abcdef", "#abcdef") == 1


@BOTH
@pytest.mark.parametrize("ground", ["card", "well", "background"])
@pytest.mark.parametrize("name", ["ink", "muted", "model", "data", "good", "warning", "bad"])
def test_words_can_be_read(colours: Colours, name: str, ground: str) -> None:
    if ground == "background" and name not in ("ink", "muted"):
        ground = "card"  # nothing else is written there
    assert contrast(getattr(colours, name), getattr(colours, ground)) >= 4.5


@BOTH
def test_words_on_the_accent_can_be_read(colours: Colours) -> None:
    assert contrast(colours.on_accent, colours.model) >= 4.5
    assert contrast(colours.card, colours.ink) >= 4.5  # the selected chip


@BOTH
@pytest.mark.parametrize("name", ["model", "data", "ink", "good", "warning", "bad"])
def test_graphics_can_be_seen(colours: Colours, name: str) -> None:
    for ground in ("card", "well", "background"):
        assert contrast(getattr(colours, name), getattr(colours, ground)) >= 3


@BOTH
def test_model_and_data_differ_for_the_colour_blind_too(colours: Colours) -> None:
    hues = [QColor(colour).hsvHueF() for colour in (colours.model, colours.data)]
    assert 0.4 < abs(hues[0] - hues[1]) < 0.65  # blue and orange: opposite, and apart for all kinds of it


# --- sizes ------------------------------------------------------------------------------------------


def test_no_words_are_too_small(qtbot: QtBot) -> None:
    theme = Theme("light")
    assert theme.font(Role.BODY).pointSizeF() >= 11
    assert theme.font(Role.CAPTION).pointSizeF() >= 9
    assert theme.font(Role.TITLE).pointSizeF() > theme.font(Role.BODY).pointSizeF()
    assert len({role.value for role in Role}) == 3
    theme.deleteLater()


def test_figures_are_equally_wide(qtbot: QtBot) -> None:
    theme = Theme("light")
    label = QLabel()
    qtbot.addWidget(label)
    label.setFont(theme.font())
    assert theme.font().featureValue(QFont.Tag("tnum")) == 1
    assert len({label.fontMetrics().horizontalAdvance(digit * 10) for digit in "0123456789"}) == 1
    label.setFont(theme.font(mono=True))
    assert label.fontMetrics().horizontalAdvance("iiii") == label.fontMetrics().horizontalAdvance("WWWW")
    theme.deleteLater()


@pytest.mark.parametrize(
    ("asked", "given"), [(1.0, 1.0), (0.1, 0.8), (9.0, 3.0), (1.2000000001, 1.2), (-5.0, 0.8)]
)
def test_the_scale_is_bounded(qtbot: QtBot, asked: float, given: float) -> None:
    theme = Theme("light")
    theme.set_scale(asked)
    assert theme.scale == given
    other = Theme("light", asked)
    assert other.scale == given
    for made in (theme, other):
        made.deleteLater()


def test_lengths_scale_and_never_vanish(qtbot: QtBot) -> None:
    theme = Theme("light", 1.5)
    assert [theme.px(length) for length in (0, 0.1, 1, 8, 15)] == [0, 1, 2, 12, 22]
    assert theme.font().pointSizeF() == pytest.approx(1.5 * Role.BODY.value)
    theme.deleteLater()


# --- light and dark ---------------------------------------------------------------------------------


def test_a_theme_reaches_the_application(qtbot: QtBot) -> None:
    theme = Theme("light")
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for mode, colours in (("dark", DARK), ("light", LIGHT)):
        with qtbot.waitSignal(theme.changed):
            theme.set_mode(mode)
        assert theme.colours is colours
        assert app.palette().color(QPalette.ColorRole.Window).name() == colours.background
        assert colours.ink in app.styleSheet()
        assert app.font().pointSizeF() == Role.BODY.value
    theme.deleteLater()


def test_the_pictures_in_the_style_sheet_exist(qtbot: QtBot) -> None:
    theme = Theme("light")
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        pictures = re.findall(r'url\("([^"]+)"\)', app.styleSheet())
        assert pictures
        assert all(resource(f"icons/{path.rsplit('/', 1)[1]}").is_file() for path in pictures)
        assert all(mode in path for path in pictures)
    theme.deleteLater()


def test_the_system_s_choice_is_followed(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    theme = Theme("system")
    hints = QGuiApplication.styleHints()
    before = theme.dark
    with qtbot.waitSignal(theme.changed):
        hints.colorSchemeChanged.emit(hints.colorScheme())
    assert theme.dark is before
    theme.set_mode("light")
    with qtbot.assertNotEmitted(theme.changed):
        hints.colorSchemeChanged.emit(hints.colorScheme())
    theme.deleteLater()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_panel_takes_the_colours(desk: Desk, mode: str) -> None:
    desk.theme.set_mode("dark" if mode == "light" else "light")
    desk.theme.set_mode(mode)
    colours = desk.theme.colours
    for panel in (desk.tokens, desk.table, desk.following, desk.training):
        image = panel.grab().toImage()
        assert image.pixelColor(12, 6).name() == colours.card
    image = desk.table.heatmap.grab().toImage()
    assert image.pixelColor(2, 2).name() == colours.card
    assert desk.window.grab().toImage().pixelColor(2, desk.window.height() // 2).name() == colours.background


@pytest.mark.parametrize("name", ["play", "pause", "step", "back", "rewind"])
def test_icons_are_drawn_in_the_colour_asked_for(qtbot: QtBot, name: str) -> None:
    image = transport_icon(name, QColor("#2563eb")).pixmap(32, 32).toImage()
    seen = {image.pixelColor(x, y).rgba() for x in range(32) for y in range(32)}
    assert QColor("#2563eb").rgba() in seen
    assert 0 in seen  # and nothing where nothing is


def test_icons_differ(qtbot: QtBot) -> None:
    names = ("play", "pause", "step", "back", "rewind")
    images = [transport_icon(name, QColor("black")).pixmap(32, 32).toImage() for name in names]
    assert all(first != second for i, first in enumerate(images) for second in images[:i])


@pytest.mark.parametrize(
    "folder", ["plain", "with space (1)", "Ünter richt ß 漢", "o'clock", 'q"uote', "back\\slash", "%41"]
)
def test_a_picture_is_found_in_any_folder(qtbot: QtBot, tmp_path: Path, folder: str) -> None:
    picture = tmp_path / folder / "red.png"
    picture.parent.mkdir()
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    assert image.save(str(picture))
    frame = QFrame()
    qtbot.addWidget(frame)
    frame.setStyleSheet(f"QFrame {{ border: none; image: {url(picture)}; }}")
    frame.resize(8, 8)
    assert frame.grab().toImage().pixelColor(4, 4) == QColor("red")
