"""What is made of the files that crashed processes left: what is offered, how often, and what is left alone."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from embedviz.gui import crash_reports
from embedviz.gui.crash_log import MARKS, SURVIVED, WENT_ON, crash_folder
from embedviz.gui.crash_reports import KEPT, Report


@pytest.fixture
def folder() -> Path:
    found = crash_folder()
    assert found is not None
    return found


def leave(folder: Path, when: str = "2026-11-20T14-03-05", text: str = f"[14:03:05] {WENT_ON}\nodd\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{when}-77-0.log"
    path.write_text(text)
    return path


def test_what_was_offered_is_not_offered_again_but_kept(folder: Path) -> None:
    leave(folder)
    (marked,) = crash_reports.mark_offered(crash_reports.find(folder))
    assert marked.path.read_text() == marked.text
    assert crash_reports.find(folder) == []
    assert list(folder.iterdir()) == [marked.path]


def test_what_was_offered_is_still_a_text_to_a_desktop_and_the_last_report(folder: Path) -> None:
    assert crash_reports.last(folder) is None
    leave(folder)
    (marked,) = crash_reports.mark_offered(crash_reports.find(folder))
    assert marked.path.suffix == ".log"
    assert crash_reports.last(folder) == marked
    newer = leave(folder, "2026-11-21T14-03-05")
    last = crash_reports.last(folder)
    assert last is not None
    assert last.path == newer


def test_what_another_copy_has_offered_meanwhile_does_no_harm(folder: Path) -> None:
    leave(folder)
    reports = crash_reports.find(folder)
    assert crash_reports.mark_offered(reports) == crash_reports.mark_offered(reports)


def test_the_newest_are_kept_and_the_oldest_deleted(folder: Path) -> None:
    for day in range(10, 10 + KEPT + 3):
        path = leave(folder, f"2026-11-{day}T14-03-05")
        os.utime(path, (day, day))
    reports = crash_reports.find(folder)
    assert [report.when.timestamp() for report in reports] == list(range(10 + KEPT + 2, 12, -1))
    assert sorted(folder.iterdir()) == sorted(report.path for report in reports)
    crash_reports.mark_offered(reports)
    leave(folder, "2026-12-01T14-03-05")
    assert len(crash_reports.find(folder)) == 1
    assert len(list(folder.iterdir())) == KEPT


def test_what_else_is_in_the_folder_is_left_alone(folder: Path, tmp_path: Path) -> None:
    leave(folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "2026-11-20T14-03-05-78-0.log").mkdir()
    os.mkfifo(folder / "2026-11-20T14-03-05-79-0.log")  # whoever reads this waits for ever
    (tmp_path / "elsewhere.log").write_text("mine")
    (folder / "2026-11-20T14-03-05-80-0.log").symlink_to(tmp_path / "elsewhere.log")
    (folder / "2026-11-20T14-03-05-81-0.log").symlink_to(folder / "nowhere")
    before = sorted(folder.iterdir())
    assert len(crash_reports.find(folder)) == 1
    assert sorted(folder.iterdir()) == before
    assert (tmp_path / "elsewhere.log").read_text() == "mine"


@pytest.mark.parametrize("mark", MARKS)
def test_bytes_that_are_no_text_can_be_read(folder: Path, mark: str) -> None:
    path = leave(folder)
    path.write_bytes(f"[14:03:05] {mark}\n".encode() + b"\xff\xfe\0\r\nend")
    (report,) = crash_reports.find(folder)
    assert "end" in report.text
    assert report.has_ended == (mark not in SURVIVED)


@pytest.mark.parametrize(
    ("has_ended", "today", "others", "said"),
    [
        (True, datetime(2026, 11, 21), 0, "embedviz ended unexpectedly on 20 November at 14:03."),
        (False, datetime(2026, 11, 21), 0, "embedviz reported an error on 20 November at 14:03."),
        (True, datetime(2027, 1, 2), 0, "embedviz ended unexpectedly on 20 November 2026 at 14:03."),
        (True, datetime(2026, 11, 20), 1,
         "embedviz ended unexpectedly on 20 November at 14:03; there is 1 earlier report."),
        (True, datetime(2026, 11, 20), 2,
         "embedviz ended unexpectedly on 20 November at 14:03; there are 2 earlier reports."),
    ],
)  # fmt: skip
def test_the_sentence(has_ended: bool, today: datetime, others: int, said: str) -> None:
    report = Report(Path("x.log"), datetime(2026, 11, 20, 14, 3, 5), "", has_ended)
    assert crash_reports.sentence([report] * (1 + others), today) == said


def test_several_reports_are_one_text_newest_first(folder: Path) -> None:
    for day, word in ((10, "older"), (11, "newer")):
        path = leave(folder, f"2026-11-{day}T14-03-05", f"[14:03:05] {WENT_ON}\n{word}\n")
        os.utime(path, (day, day))
    text = crash_reports.whole_text(crash_reports.find(folder))
    assert 0 < text.index("newer") < text.index("-----") < text.index("older")
