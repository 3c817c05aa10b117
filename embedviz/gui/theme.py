"""The look: colours with one meaning each, three text sizes, an 8 px grid, light and dark, one scale for all."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from embedviz.files import resource

MODES = ("system", "light", "dark")
MINIMUM_SCALE, MAXIMUM_SCALE, SCALE_STEP = 0.8, 3.0, 0.1


class Role(Enum):
    """What a text is for; decides its size."""

    TITLE = 13.0  # points, at scale 1
    BODY = 11.0
    CAPTION = 9.0


@dataclass(frozen=True)
class Colours:
    """One meaning each. Text colours keep 4.5:1 on `card` and `well`, graphics 3:1 (a test measures it)."""

    background: str  # behind the cards
    card: str  # a panel
    well: str  # an inset in a panel: chips, text fields
    line: str  # hairlines, grid
    ink: str  # text; what is selected
    muted: str  # secondary text
    model: str  # what the model says
    data: str  # what the data says
    on_accent: str  # text on a fill of `model`
    good: str
    warning: str
    bad: str


LIGHT = Colours(
    background="#eef0f4",
    card="#ffffff",
    well="#f4f5f8",
    line="#dfe3e9",
    ink="#17202c",
    muted="#596273",
    model="#2563eb",
    data="#b45309",
    on_accent="#ffffff",
    good="#0f7b53",
    warning="#a15c07",
    bad="#c42b2b",
)
DARK = Colours(
    background="#0f1217",
    card="#1b1f27",
    well="#12151b",
    line="#313845",
    ink="#f1f3f6",
    muted="#9ba5b5",
    model="#6ea0f8",
    data="#f5a524",
    on_accent="#0c1220",
    good="#3ecf8e",
    warning="#f5b544",
    bad="#ff7a70",
)


class Theme(QObject):
    """The colours, fonts and distances in force; `changed` says that every view should take them anew."""

    changed = Signal()

    def __init__(self, mode: str = "system", scale: float = 1.0, parent: QObject | None = None) -> None:
        """Take `mode` "system", "light" or "dark", and `scale`, 1 for the designed size."""
        super().__init__(parent)
        self._mode = mode if mode in MODES else "system"  # both may come from a damaged file
        self._scale = _bounded(scale)
        self.reduced_motion = False
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    @property
    def mode(self) -> str:
        """Return "system", "light" or "dark": what was asked for."""
        return self._mode

    @property
    def dark(self) -> bool:
        """True if the dark colours are in force."""
        if self._mode == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    @property
    def colours(self) -> Colours:
        """The colours in force."""
        return DARK if self.dark else LIGHT

    @property
    def scale(self) -> float:
        """How much larger than designed everything is."""
        return self._scale

    def set_mode(self, mode: str) -> None:
        """Follow the system, or be light or dark whatever it says."""
        self._mode = mode
        self.apply()

    def set_scale(self, scale: float) -> None:
        """Make everything larger or smaller at once; kept between 0.8 and 3."""
        self._scale = _bounded(scale)
        self.apply()

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        """Return the colour called `name` in Colours, `alpha` opaque."""
        colour = QColor(getattr(self.colours, name))
        colour.setAlphaF(alpha)
        return colour

    def px(self, length: float) -> int:
        """Return a designed length in logical pixels at the present scale (never 0 for a length above 0)."""
        return max(1, round(length * self._scale)) if length > 0 else 0

    def font(self, role: Role = Role.BODY, *, bold: bool = False, mono: bool = False) -> QFont:
        """Return the system's font in the size of `role`, with figures of equal width."""
        kind = QFontDatabase.SystemFont.FixedFont if mono else QFontDatabase.SystemFont.GeneralFont
        font = QFontDatabase.systemFont(kind)
        font.setPointSizeF(role.value * self._scale)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def apply(self) -> None:
        """Give palette, font and style sheet to the application, then tell every view."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setFont(self.font())
            app.setPalette(self._palette())
            app.setStyleSheet(self._style_sheet())
        self.changed.emit()

    def _system_changed(self) -> None:
        if self._mode == "system":
            self.apply()

    def _palette(self) -> QPalette:
        palette = QPalette()
        roles = QPalette.ColorRole
        for role, name in {
            roles.Window: "background",
            roles.Base: "well",
            roles.AlternateBase: "card",
            roles.Button: "card",
            roles.WindowText: "ink",
            roles.Text: "ink",
            roles.ButtonText: "ink",
            roles.ToolTipBase: "card",
            roles.ToolTipText: "ink",
            roles.PlaceholderText: "muted",
            roles.Highlight: "model",
            roles.HighlightedText: "on_accent",
            roles.Link: "model",
            roles.Mid: "line",
        }.items():
            palette.setColor(role, self.colour(name))
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.colour("muted", 0.7))
        return palette

    def _style_sheet(self) -> str:
        c = self.colours
        px = self.px
        caption = f"{Role.CAPTION.value * self._scale:.1f}pt"
        title = f"{Role.TITLE.value * self._scale:.1f}pt"
        kind = "dark" if self.dark else "light"
        down, up, check = (
            url(resource(f"icons/{name}-{kind}.svg")) for name in ("chevron-down", "chevron-up", "check")
        )
        return f"""
        QMainWindow, QDialog {{ background: {c.background}; }}
        QFrame[card="true"] {{ background: {c.card}; border-radius: {px(8)}px; }}
        QLabel[role="title"] {{ font-size: {title}; font-weight: 600; }}
        QLabel[role="caption"] {{ font-size: {caption}; color: {c.muted}; }}
        QLabel[role="value"] {{ font-size: {title}; font-weight: 600; }}
        QPushButton, QToolButton, QComboBox {{
            background: {c.well}; color: {c.ink}; border: 1px solid {c.line};
            border-radius: {px(6)}px; padding: {px(4)}px {px(12)}px; }}
        QToolButton {{ padding: {px(4)}px {px(8)}px; }}
        QPushButton:hover, QToolButton:hover, QComboBox:hover {{ border-color: {c.muted}; }}
        QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QPlainTextEdit:focus,
        QSpinBox:focus, QDoubleSpinBox:focus {{ border: 1px solid {c.model}; }}
        QPushButton:disabled, QToolButton:disabled, QComboBox:disabled {{ color: {c.muted}; }}
        QPushButton[primary="true"], QToolButton[primary="true"] {{
            background: {c.model}; color: {c.on_accent}; border: 1px solid {c.model}; }}
        QComboBox {{ padding-right: {px(4)}px; }}
        QComboBox::drop-down {{ border: none; width: {px(22)}px; }}
        QComboBox::down-arrow {{ image: {down}; width: {px(12)}px; height: {px(12)}px; }}
        QToolButton::menu-indicator {{ image: {down}; width: {px(12)}px; height: {px(12)}px;
            subcontrol-origin: padding; subcontrol-position: center right; right: {px(6)}px; }}
        QToolButton[menu="true"] {{ padding-right: {px(24)}px; }}
        QSpinBox::up-button, QSpinBox::down-button {{ border: none; background: transparent; width: {px(18)}px; }}
        QSpinBox::up-arrow {{ image: {up}; width: {px(10)}px; height: {px(10)}px; }}
        QSpinBox::down-arrow {{ image: {down}; width: {px(10)}px; height: {px(10)}px; }}
        QCheckBox {{ spacing: {px(6)}px; }}
        QCheckBox::indicator {{ width: {px(16)}px; height: {px(16)}px; border: 1px solid {c.muted};
            border-radius: {px(4)}px; background: {c.well}; }}
        QCheckBox::indicator:checked {{ background: {c.model}; border-color: {c.model}; image: {check}; }}
        QPushButton[segment="true"] {{ border: 1px solid transparent; padding: {px(3)}px {px(8)}px;
            background: transparent; color: {c.muted}; }}
        QPushButton[segment="true"]:checked {{ background: {c.card}; color: {c.ink};
            border: 1px solid {c.line}; }}
        QPushButton[segment="true"]:hover {{ color: {c.ink}; }}
        QPushButton[segment="true"]:focus {{ border: 1px solid {c.model}; }}
        QFrame[segments="true"] {{ background: {c.well}; border-radius: {px(6)}px; }}
        QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox {{
            background: {c.well}; color: {c.ink}; border: 1px solid {c.line}; border-radius: {px(6)}px;
            padding: {px(4)}px {px(8)}px; selection-background-color: {c.model};
            selection-color: {c.on_accent}; }}
        QComboBox QAbstractItemView, QMenu, QListView, QTableView {{
            background: {c.card}; color: {c.ink}; border: 1px solid {c.line};
            selection-background-color: {c.model}; selection-color: {c.on_accent}; }}
        QMenu::item {{ padding: {px(6)}px {px(24)}px; }}
        QMenu::item:selected {{ background: {c.model}; color: {c.on_accent}; }}
        QMenu::item:disabled {{ color: {c.muted}; }}
        QMenu::separator {{ height: 1px; background: {c.line}; margin: {px(4)}px {px(8)}px; }}
        QMenuBar {{ background: {c.card}; color: {c.ink}; }}
        QMenuBar::item {{ padding: {px(6)}px {px(10)}px; background: transparent; }}
        QMenuBar::item:selected {{ background: {c.well}; }}
        QHeaderView::section {{ background: {c.well}; color: {c.muted}; border: none;
            padding: {px(4)}px {px(8)}px; }}
        QStatusBar {{ background: {c.card}; color: {c.muted}; padding-left: {px(12)}px; }}
        QStatusBar::item {{ border: none; }}
        QStatusBar QLabel {{ font-size: {caption}; color: {c.muted}; }}
        QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
        QSplitter::handle {{ background: transparent; }}
        QTabBar::tab {{ background: transparent; color: {c.muted}; padding: {px(6)}px {px(14)}px; }}
        QTabBar::tab:selected {{ color: {c.ink}; border-bottom: 2px solid {c.model}; }}
        QTabWidget::pane {{ border: none; }}
        QToolTip {{ background: {c.card}; color: {c.ink}; border: 1px solid {c.line}; padding: {px(4)}px; }}
        QScrollBar:vertical {{ background: transparent; width: {px(10)}px; margin: 0; }}
        QScrollBar:horizontal {{ background: transparent; height: {px(10)}px; margin: 0; }}
        QScrollBar::handle {{ background: {c.line}; border-radius: {px(4)}px; min-height: {px(24)}px; }}
        QScrollBar::handle:hover {{ background: {c.muted}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        """


def _bounded(scale: float) -> float:
    return min(MAXIMUM_SCALE, max(MINIMUM_SCALE, round(scale, 2)))


def url(path: Path) -> str:
    """Return a file as a style sheet names it, whatever letters its folder has."""
    escaped = path.as_posix().replace("\\", "\\\\").replace('"', '\\"')
    return f'url("{escaped}")'
