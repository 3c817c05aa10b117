"""`embedviz tour`: the real window drives itself and saves what it looks like."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from embedviz import __version__, catalog
from embedviz.config import RunConfig
from embedviz.gui import tour
from embedviz.gui.documents import Document, read_sample
from embedviz.gui.tour import TourError, run_tour, wait_until

SIZE = (1240, 720)


def colours(path: Path) -> int:
    """Return how many different colours a picture has, looked at in a small copy."""
    image = QImage(str(path)).scaled(310, 180, mode=Qt.TransformationMode.FastTransformation)
    return len({image.pixel(x, y) for x in range(image.width()) for y in range(image.height())})


def test_the_tour(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "SETTLE_MS", 10)
    out = tmp_path / "pictures" / "of today"
    assert run_tour(out, SIZE, "light", 1.0, None) == 0
    report = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    scenes = report["scenes"]
    pictures = [scene["picture"] for scene in scenes]
    assert sorted(path.name for path in out.iterdir()) == [*pictures, "tour.json"]  # and nothing else stays
    assert len(pictures) >= 30
    assert sum("dialog" in name for name in pictures) == 3
    assert [name[:4] for name in pictures] == [f"{k:03d}-" for k in range(1, len(pictures) + 1)]
    for name in pictures:
        image = QImage(str(out / name))
        if "dialog" not in name:
            assert (image.width(), image.height()) == SIZE, name
        assert colours(out / name) > 50, name
    files = [(out / name).read_bytes() for name in pictures]
    assert len(set(files)) == len(files)  # each shows something else

    document = Document.make(read_sample(catalog.DEFAULT_SAMPLE), RunConfig())
    names = Document.make(read_sample("names"), RunConfig(per_line=True))
    by_name = {scene["picture"][4:-4]: scene for scene in scenes}
    training = [by_name[name] for name in ("first-window", "one-step", "training-live", "converged")]
    assert training[0]["train_loss"] == pytest.approx(math.log(document.vocab_size), abs=1e-4)
    for earlier, later in pairwise(training):
        assert later["step"] > earlier["step"]
        assert later["train_loss"] < earlier["train_loss"]
    assert training[-1]["train_loss"] == pytest.approx(document.floor, abs=2e-3)
    assert by_name["mlp-trained"]["train_loss"] < names.floor < by_name["mlp-start"]["train_loss"]
    assert all(scene["title"] for scene in scenes)
    assert all(first["seconds"] < second["seconds"] for first, second in pairwise(scenes))
    assert by_name["training-live"]["steps_per_second"] > 0
    assert (report["version"], report["size"], report["theme"]) == (__version__, list(SIZE), "light")
    assert report["platform"] == "offscreen"


def test_a_folder_that_cannot_be_made_is_a_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for out in (tmp_path / "file", tmp_path / "file" / "pictures"):
        with pytest.raises(TourError) as refusal:
            run_tour(out, SIZE, "light", 1.0, None)
        assert refusal.value.sentence == f"'{out}' cannot be made a folder for pictures."
    assert (tmp_path / "file").read_text() == "no folder"


def test_a_bad_text_is_a_sentence_and_leaves_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(TourError) as refusal:
        run_tour(out, SIZE, "light", 1.0, tmp_path / "nowhere.txt")
    assert refusal.value.sentence == "'nowhere.txt' was not found."
    assert list(out.iterdir()) == []


def test_a_trainer_that_does_not_start_is_a_sentence(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tour, "PATIENCE_S", 0.0)
    with pytest.raises(TourError) as refusal:
        run_tour(tmp_path, SIZE, "dark", 1.0, None)
    assert refusal.value.sentence == "The trainer did not start."
    assert list(tmp_path.iterdir()) == []


def test_waiting(qtbot: QtBot) -> None:
    looks: list[int] = []
    assert wait_until(lambda: looks.append(1) or len(looks) >= 3, 60.0)
    assert len(looks) == 3
    assert not wait_until(lambda: False, 0.0)
