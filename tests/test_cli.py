"""The command line: what it accepts, what it refuses, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedviz import __version__, cli, preflight
from embedviz.__main__ import main as begin
from embedviz.errors import EmbedvizError

DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Replace the window and the tour by something that only notes how it was called."""
    calls: list[tuple[Any, ...]] = []

    def note(name: str) -> Any:
        return lambda *arguments, **_: calls.append((name, *arguments)) or 0

    monkeypatch.setattr("embedviz.gui.app.run", note("window"))
    monkeypatch.setattr("embedviz.gui.tour.run_tour", note("tour"))
    return calls


def embedviz(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a person does, without any display unless `environment` has one."""
    inherited = {name: value for name, value in os.environ.items() if name not in DISPLAY_VARIABLES}
    return subprocess.run(
        [sys.executable, "-m", "embedviz", *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version() -> None:
    ended = embedviz("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"embedviz {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["window"], ["train"], ["tour"]], ids=" ".join)
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(" ".join(["usage: embedviz", *arguments]))
    if not arguments:
        assert all(command in out for command in ("window", "train", "tour", "self-test"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "big"], "'big' is no size: write it as 1920x1080"),
        (["--size", "100x100"], "'100x100' is no size"),
        (["--size", "1920x"], "'1920x' is no size"),
        (["--size", "99999x1080"], "'99999x1080' is no size"),
        (["--scale", "0.5"], "'0.5' is no scale: from 0.8 to 3"),
        (["--scale", "nan"], "'nan' is no scale"),
        (["--scale", "large"], "'large' is no scale"),
        (["--theme", "pink"], "pink"),
        ([], "--out"),
    ],
)
def test_a_tour_that_cannot_be_made(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if arguments else []
    with pytest.raises(SystemExit) as ended:
        cli.main(["tour", *out, *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_window_is_what_happens_without_a_command(called: list[tuple[Any, ...]]) -> None:
    for arguments in ([], ["window"]):
        assert cli.main(arguments) == 0
    assert called == [("window", None)] * 2


def test_a_file_alone_is_opened(called: list[tuple[Any, ...]]) -> None:
    assert cli.main(["my text.txt"]) == cli.main(["window", "my text.txt"]) == 0
    assert called == [("window", Path("my text.txt"))] * 2


def test_a_tour_gets_what_was_asked_for(called: list[tuple[Any, ...]]) -> None:
    assert cli.main(["tour", "--out", "here"]) == 0
    look = ["--size", "1366X768", "--theme", "dark", "--scale", "1.5"]
    assert cli.main(["tour", "--out", "there", *look, "--text", "t"]) == 0
    assert called == [
        ("tour", Path("here"), (1920, 1080), "light", 1.0, None),
        ("tour", Path("there"), (1366, 768), "dark", 1.5, Path("t")),
    ]


def test_what_went_wrong_is_one_sentence(
    called: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise EmbedvizError("It is raining.", "details for the curious")

    monkeypatch.setattr("embedviz.gui.app.run", refuse)
    assert cli.main([]) == 2
    assert capsys.readouterr().err == "embedviz: It is raining.\n"


def test_no_display() -> None:
    ended = embedviz()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("embedviz: There is no display to open a window on: 'embedviz tour --out DIR'")


def test_a_display_that_is_dead() -> None:
    ended = embedviz(DISPLAY=":32767")  # beyond what X servers use
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("embedviz: No display answers at DISPLAY=:32767: 'embedviz tour --out DIR'")


def test_a_python_that_is_too_old(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    assert begin() == 2
    assert capsys.readouterr().err == "embedviz: This is Python 3.9, but embedviz needs Python 3.11 or newer.\n"


def test_an_old_python_can_read_what_comes_before_that_sentence() -> None:
    package = Path(preflight.__file__).parent
    for name in ("__init__.py", "__main__.py"):
        source = (package / name).read_text(encoding="ascii")
        compile(source, name, "exec", dont_inherit=True, flags=0, _feature_version=6)
        imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
        assert set(imports) <= {"import sys"}


def test_the_trainer_is_reached_by_its_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["embedviz", "--trainer"])
    monkeypatch.setattr("embedviz.engine.entry.main", lambda: 17)
    assert begin() == 17
    monkeypatch.setattr(sys, "argv", ["embedviz", "--version"])
    with pytest.raises(SystemExit):
        begin()
