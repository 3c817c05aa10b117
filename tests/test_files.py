import sys
from pathlib import Path

import pytest

from embedviz import catalog, files
from embedviz.errors import EmbedvizError
from embedviz.files import resource

SAMPLE = "samples/fables.txt"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move the package where it has no resources."""
    package = tmp_path / "site-packages" / "embedviz"
    package.mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    return package


def put(root: Path, words: str) -> Path:
    path = root / SAMPLE
    path.parent.mkdir(parents=True)
    path.write_text(words, encoding="utf-8")
    return path


def test_from_source() -> None:
    root = Path(__file__).resolve().parent.parent
    assert resource(SAMPLE) == root / "resources" / SAMPLE
    assert all(resource(sample.file).is_file() for sample in catalog.SAMPLES.values())


def test_from_a_wheel(package: Path) -> None:
    path = put(package / "_data", "of the wheel")
    put(package.parent / "resources", "of somebody else's package of that name")
    assert resource(SAMPLE) == path


def test_from_the_packaged_app(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "app"), raising=False)
    path = put(tmp_path / "app" / "embedviz" / "_data", "of the app")
    assert resource(SAMPLE) == path


def test_what_is_missing_is_said_in_a_sentence(package: Path) -> None:
    with pytest.raises(EmbedvizError, match=r"^The file 'samples/fables.txt' .* is missing: .*\.$") as caught:
        resource(SAMPLE)
    assert str(package / "_data") in caught.value.details
