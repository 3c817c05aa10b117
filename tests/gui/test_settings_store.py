"""What the app remembers: written to a file of its own, and read back whatever that file holds."""

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from embedviz.gui.settings import MOST_RECENT, Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.ini"


def test_everything_comes_back(path: Path) -> None:
    first = Settings(path)
    first.set("theme", "dark")
    first.set("scale", 1.3)
    first.set("big", True)
    first.set("geometry", QByteArray(b"\0\1\2"))
    first.sync()
    assert path.is_file()
    second = Settings(path)
    assert second.text("theme", "light") == "dark"
    assert second.number("scale", 1.0) == 1.3
    assert second.flag("big")
    assert second.data("geometry") == QByteArray(b"\0\1\2")


def test_what_was_never_set_is_the_default(path: Path) -> None:
    settings = Settings(path)
    assert settings.text("theme", "system") == "system"
    assert settings.number("scale", 1.0) == 1.0
    assert not settings.flag("big")
    assert settings.flag("big", True)
    assert settings.data("geometry").isEmpty()
    assert settings.recent() == []


@pytest.mark.parametrize("damaged", ["huge", "", "nan", "inf", "-inf", ["1", "2"]])
def test_a_damaged_number_is_the_default(path: Path, damaged: object) -> None:
    settings = Settings(path)
    settings.set("scale", damaged)
    settings.sync()
    assert Settings(path).number("scale", 1.0) == 1.0


def test_damaged_bytes_are_none(path: Path) -> None:
    settings = Settings(path)
    settings.set("geometry", "no bytes")
    assert settings.data("geometry").isEmpty()


def test_a_file_of_rubbish_does_no_harm(path: Path) -> None:
    path.write_bytes(b"\xff\xfe[[[\n=\nscale")
    settings = Settings(path)
    assert settings.number("scale", 1.0) == 1.0
    assert settings.recent() == []


def test_texts_are_remembered_newest_first_each_once(path: Path, tmp_path: Path) -> None:
    settings = Settings(path)
    files = [tmp_path / f"{k}.txt" for k in range(MOST_RECENT + 3)]
    for file in files:
        settings.add_recent(file)
    assert settings.recent() == files[: -MOST_RECENT - 1 : -1]
    settings.add_recent(files[-2])
    assert settings.recent()[:2] == [files[-2], files[-1]]
    assert len(settings.recent()) == MOST_RECENT


@pytest.mark.parametrize("count", [1, 2])
def test_a_few_texts_come_back(path: Path, tmp_path: Path, count: int) -> None:
    files = [tmp_path / f"{k}, with a comma.txt" for k in range(count)]
    settings = Settings(path)
    for file in files:
        settings.add_recent(file)
    settings.sync()
    assert Settings(path).recent() == files[::-1]  # one alone is no list in the file


def test_a_relative_path_is_remembered_whole(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(path)
    settings.add_recent(Path("a.txt"))
    assert settings.recent() == [tmp_path / "a.txt"]


def test_texts_that_are_gone_are_told_from_those_that_are_there(path: Path, tmp_path: Path) -> None:
    settings = Settings(path)
    here, gone, odd = tmp_path / "here.txt", tmp_path / "gone.txt", tmp_path / ("long" * 100)
    here.write_text("here")
    for file in (odd, gone, here):
        settings.add_recent(file)
    assert settings.recent_entries() == [(here, True), (gone, False), (odd, False)]
    assert settings.recent() == [here, gone, odd]


def test_the_list_of_texts_can_be_cleared(path: Path, tmp_path: Path) -> None:
    settings = Settings(path)
    settings.add_recent(tmp_path / "a.txt")
    settings.set("theme", "dark")
    settings.clear_recent()
    settings.sync()
    assert Settings(path).recent_entries() == []
    assert Settings(path).text("theme", "light") == "dark"


def test_whether_anything_can_be_kept(path: Path, tmp_path: Path) -> None:
    assert Settings(path).is_writable
    (tmp_path / "file").write_text("no folder")
    assert not Settings(tmp_path / "file" / "settings.ini").is_writable


def test_what_cannot_be_kept_lasts_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = Settings(tmp_path / "file" / "settings.ini")
    settings.set("theme", "dark")
    settings.add_recent(tmp_path / "a.txt")
    settings.sync()
    assert settings.text("theme", "light") == "dark"
    assert settings.recent() == [tmp_path / "a.txt"]
    assert not settings.is_writable


def test_a_damaged_file_can_still_be_written(path: Path) -> None:
    path.write_bytes(b"\xff\xfe[[[\n=\nscale")
    settings = Settings(path)
    settings.text("theme", "light")
    assert settings.is_writable
    settings.set("theme", "dark")
    settings.sync()
    assert settings.is_writable
    assert Settings(path).text("theme", "light") == "dark"


def test_settings_in_memory_are_as_others_but_for_the_file(home: Path, tmp_path: Path) -> None:
    settings = Settings.in_memory()
    settings.set("theme", "dark")
    settings.set("scale", 1.3)
    settings.set("big", True)
    settings.set("geometry", QByteArray(b"\0\1\2"))
    settings.add_recent(tmp_path / "a.txt")
    settings.add_recent(tmp_path / "b.txt")
    settings.sync()
    assert settings.text("theme", "light") == "dark"
    assert settings.number("scale", 1.0) == 1.3
    assert settings.flag("big")
    assert settings.data("geometry") == QByteArray(b"\0\1\2")
    assert settings.recent() == [tmp_path / "b.txt", tmp_path / "a.txt"]
    settings.clear_recent()
    assert settings.recent() == []
    assert not settings.is_writable
    assert settings.path is None
    assert list(home.rglob("*.ini")) == []


def test_without_a_path_it_is_the_system_s_place(home: Path) -> None:
    settings = Settings()
    settings.set("theme", "dark")
    settings.sync()
    assert list(home.rglob("embedviz.ini")) == [settings.path]
