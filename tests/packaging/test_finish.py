"""What a person finds in the folder of the app, beside the program."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from build_tools import ROOT, run_tool, tool, write_app

from embedviz import __version__

elf, finish = tool("elf"), tool("finish")
LIBRARY = "shiboken6/Shiboken.abi3.so"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the folder for Linux is made on Linux")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Give an app with a real library in it."""
    library = tool("origins").Installed().by_name["shiboken6"].locate_file(LIBRARY)
    return write_app(tmp_path / "embedviz", {LIBRARY: Path(str(library)).read_bytes()}, ["json", "embedviz.cli"])


def finished(app: Path) -> Path:
    ended = run_tool("finish", app)
    assert ended.returncode == 0, ended.stderr
    return app


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@linux_only
def test_everything_a_person_looks_for_is_there(app: Path) -> None:
    finished(app)
    assert {path.name for path in app.iterdir()} == {
        *("README.txt", "LICENSE.txt", "VERSION.txt", "install.sh", "uninstall.sh"),
        *("licences", "share", "_internal", "embedviz"),
    }
    assert (app / "LICENSE.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()
    for script in ("install.sh", "uninstall.sh"):
        assert os.access(app / script, os.X_OK)
        subprocess.run(["sh", "-n", app / script], check=True)
    readme = (app / "README.txt").read_text(encoding="utf-8")
    assert readme.startswith(f"embedviz {__version__}\n")
    assert re.search(r"Linux, \S+, glibc 2\.[\d.]+ or newer", readme)
    assert not re.search(r"\{\w+\}", readme)


@linux_only
def test_desktops_find_what_they_look_for(app: Path) -> None:
    shared = {path.removeprefix("share/") for path in tree(finished(app)) if path.startswith("share/")}
    name = "org.embedviz.embedviz"
    icons = {f"icons/hicolor/{size}x{size}/apps/{name}.png" for size in (16, 24, 32, 48, 64, 128, 256, 512)}
    scalable = f"icons/hicolor/scalable/apps/{name}.svg"
    assert shared == {f"applications/{name}.desktop", f"metainfo/{name}.metainfo.xml", scalable} | icons
    for icon in icons:  # the size is in the file's head, big-endian
        size = int(icon.split("/")[2].split("x")[0])
        assert (app / "share" / icon).read_bytes()[16:24] == size.to_bytes(4, "big") * 2


@linux_only
def test_the_version_file_says_what_this_is(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    lines = dict(line.partition(" ")[::2] for line in (finished(app) / "VERSION.txt").read_text().splitlines())
    assert lines["embedviz"] == __version__
    assert lines["built:"] == "2009-02-13T23:31:30Z"
    assert lines["Python:"] == platform.python_version()
    assert re.fullmatch(r"[0-9a-f]{12}(, with changes)?|not known", lines["commit:"])
    assert lines["torch:"][0].isdigit()


@linux_only
def test_finishing_again_changes_nothing(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    first = tree(finished(app))
    (app / "SHA256SUMS").write_text("of an older state")
    (app / "share" / "old.txt").write_text("of an older version")
    assert tree(finished(app)) == first


@linux_only
def test_without_a_licence_it_is_not_finished(app: Path) -> None:
    (app / "_internal" / "from_nowhere.bin").touch()
    ended = run_tool("finish", app)
    assert ended.returncode == 1
    assert "\n  from_nowhere.bin\n" in ended.stderr
    assert not (app / "README.txt").exists()


CUDA = [
    "torch/lib/libtorch_cuda.so",
    "torch/lib/libtorch_cuda_linalg.so",
    "torch/lib/libc10_cuda.so",
    "libcudart.so.12",
    "nvidia/nccl/lib/libnccl.so.2",
    "torch/lib/cudnn64_9.dll",
    "torch/lib/libtorch_hip.so",
]


@pytest.mark.parametrize("name", CUDA)
def test_torch_for_gpus_is_refused(tmp_path: Path, name: str) -> None:
    app = write_app(tmp_path / "embedviz", {name: b"", "torch/cuda/__init__.py": b""}, [])
    ended = run_tool("finish", app)
    assert ended.returncode == 1
    assert f"The app has CUDA in it ('{name}' and 0 more files)" in ended.stderr
    assert "make install TORCH_INDEX=" in ended.stderr
    assert {path.name for path in app.iterdir()} == {"_internal", "embedviz"}


@linux_only
def test_torch_for_gpus_may_be_asked_for(app: Path) -> None:
    (app / "_internal" / "torch" / "lib").mkdir(parents=True)
    (app / "_internal" / "torch" / "lib" / "libtorch_cuda.so").touch()
    words = ("--with-cuda", app)
    assert "CUDA" not in run_tool("finish", *words).stderr


def test_the_parts_of_torch_that_every_build_has_are_no_cuda() -> None:
    usual = ("torch/cuda/__init__.py", "torch/lib/libtorch_cpu.so", "torch/utils/_cuda_debug.py", "libcups.so.2")
    for name in usual:
        assert finish.OF_CUDA.search(name) is None


@linux_only
def test_a_date_that_is_none_is_said(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    ended = run_tool("finish", app)
    assert ended.returncode == 1
    assert "SOURCE_DATE_EPOCH is 'yesterday', which is not a number of seconds." in ended.stderr


@linux_only
def test_the_glibc_needed_is_the_highest_that_any_file_asks_for(app: Path) -> None:
    python, library = Path(sys.executable).resolve(), app / "_internal" / LIBRARY
    both = elf.glibc_versions(python) | elf.glibc_versions(library)
    here = tuple(map(int, platform.libc_ver()[1].split(".")))
    assert all((2, 2) <= version <= here for version in both if version != (2, 0)), both
    assert {(2, 2, 5), (2, 17)} & both  # the oldest of x86-64, and of ARM
    (app / "_internal" / "python").write_bytes(python.read_bytes())
    assert elf.glibc_needed(app) == max(both)


def test_what_is_no_program_asks_for_nothing(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"GLIBC_2.99\n" * 20), ("short", b"\x7fELF\x02\x01")):
        (tmp_path / name).write_bytes(content)
    assert elf.glibc_needed(tmp_path) is None


@pytest.mark.parametrize(
    ("needed", "named"),
    [
        ((2, 34), " (Debian 12, Ubuntu 22.04, Fedora 36 or later)"),
        ((2, 36), " (Debian 12, Ubuntu 24.04, Fedora 37 or later)"),
        ((2, 17), " (Debian 11, Ubuntu 20.04, Fedora 36 or later)"),
        ((2, 99), ""),
    ],
)
def test_a_glibc_is_explained_by_the_first_releases_that_have_it(needed: tuple[int, int], named: str) -> None:
    assert finish.known_with(needed) == named
