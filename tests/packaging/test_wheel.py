"""The wheel as a person gets it: built, installed where nothing is, and run from somewhere else."""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from embedviz import __version__, catalog

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1366, 768)
BIN = "Scripts" if sys.platform == "win32" else "bin"


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command to its end; return what it printed."""
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", *isolation, "--wheel-dir", out, ROOT, cwd=out)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the programs in an environment that has the wheel and what it depends on, no more."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    programs = place / "venv" / BIN
    run(programs / "python", "-m", "pip", "install", wheel, cwd=place)
    return programs


def test_what_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = archive.read(f"embedviz-{__version__}.dist-info/entry_points.txt").decode()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"embedviz", f"embedviz-{__version__}.dist-info"}
    assert {f"embedviz/_data/{sample.file}" for sample in catalog.SAMPLES.values()} <= set(names)
    for folder, target in force_included().items():
        files = [
            path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()
        ]
        assert {f"{target}/{file}" for file in files} <= set(names)
    modules = {
        f"embedviz/{path.relative_to(ROOT / 'embedviz').as_posix()}" for path in (ROOT / "embedviz").rglob("*.py")
    }
    assert modules <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "embedviz = embedviz.__main__:main" in entry_points
    assert "[gui_scripts]" in entry_points


def test_the_installed_tour(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    size = f"{SIZE[0]}x{SIZE[1]}"
    run(installed / "embedviz", "tour", "--out", out, "--size", size, cwd=tmp_path, QT_QPA_PLATFORM="offscreen")
    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert (told["version"], tuple(told["size"]), told["theme"]) == (__version__, SIZE, "light")
    pictures = sorted(path.name for path in out.glob("[0-9][0-9][0-9]-*.png"))
    assert len(pictures) >= 5
    assert [scene["picture"] for scene in told["scenes"]] == pictures
    for picture in pictures:
        image = QImage(str(out / picture))
        if "dialog" not in picture:
            assert (image.width(), image.height()) == SIZE, picture
        assert len(colours(image)) > 20, f"{picture} is blank"


def test_the_installed_samples_train(installed: Path, tmp_path: Path) -> None:
    out = run(installed / "embedviz", "train", "--text", "sample:names", "--steps", "20", "--json", cwd=tmp_path)
    start, *_, end = (json.loads(line) for line in out.splitlines())
    assert (start["event"], end["event"], end["step"]) == ("start", "end", 20)
    assert end["train_loss"] < start["train_loss"]


def force_included() -> dict[str, str]:
    """Return the folders outside the package that the wheel takes in, and where to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders: dict[str, str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return folders


def colours(image: QImage) -> set[int]:
    """Return the colours found on a grid over a picture."""
    return {
        QColor(image.pixel(x, y)).rgb() for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)
    }
