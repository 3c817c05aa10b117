"""What the tests of the start page share: its rows, and texts with awkward names."""

from pathlib import Path

from PySide6.QtWidgets import QApplication, QToolButton
from test_fake_trainer import TEXT, Desk

from embedviz.gui.start_page import StartPage
from embedviz.gui.start_recent import RecentTexts
from embedviz.gui.start_row import StartRow


def brand(desk: Desk) -> QToolButton:
    return desk.child(QToolButton, "brandButton")


def is_shown(desk: Desk) -> bool:
    page = desk.window.findChild(StartPage)
    action = desk.action("startPage")
    shown = page is not None and page.isVisible()
    assert action.isChecked() == brand(desk).isChecked() == shown == desk.window.start.is_shown
    return shown


def open_page(desk: Desk) -> StartPage:
    desk.click(brand(desk))
    assert is_shown(desk)
    desk.qtbot.waitUntil(lambda: not looks(desk))  # which texts are still there
    return desk.child(StartPage, "startPage")


def looks(desk: Desk) -> bool:
    return desk.window.findChild(RecentTexts).is_looking


def row(desk: Desk, name: str) -> StartRow:
    return desk.child(StartRow, name)


def recent(desk: Desk) -> list[StartRow]:
    rows = desk.child(StartPage, "startPage").findChildren(StartRow)
    return [one for one in rows if one.objectName().startswith("startRecent_") and one.isVisible()]


def focused(desk: Desk) -> str:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget.objectName()


def make_files(tmp_path: Path) -> list[Path]:
    """Return eight texts with awkward names."""
    names = [
        "a very long name, which somebody made of a whole first sentence " + "and more " * 10 + ".txt",
        "R&D <b>notes.txt",
        "Тоска.txt",
        "空.txt",
        "line\nend.txt",
        "no ending",
        "x.md",
        "last.txt",
    ]
    folder = tmp_path / ("deep folder " * 15) / ("another one " * 15)
    folder.mkdir(parents=True)
    paths = [(folder if at % 2 else tmp_path) / name for at, name in enumerate(names)]
    for path in paths:
        path.write_text(TEXT, encoding="utf-8")
    return paths


def remember(desk: Desk, files: list[Path]) -> None:
    """Let the window remember all of `files`, the last one first; the newest two are gone."""
    for path in files:
        desk.parts.settings.add_recent(path)
    files[-1].unlink()
    files[-2].unlink()
