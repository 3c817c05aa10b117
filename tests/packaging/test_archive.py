"""The archive that is passed on: whole, checkable, each time the same; and what if it cannot be written."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from build_tools import VERSION_TEXT, run_tool, tool, write_app

archive, bundle_tool, sizes = tool("archive"), tool("bundle"), tool("sizes")
WHEN = 1767323045  # what VERSION_TEXT says, in seconds


@pytest.fixture(autouse=True)
def _no_given_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Give a finished app, with links to a file and to a folder, and a script."""
    files = {
        "lib/libreal.so.1": b"library" * 1000,
        "libreal.so.1": Path("lib/libreal.so.1"),
        "again": Path("lib"),
        "data/größe und maß.txt": b"text",
        "empty": b"",
    }
    folder = write_app(tmp_path / "place with spaces" / "embedviz", files, ["json"])
    (folder / "VERSION.txt").write_text(VERSION_TEXT)
    (folder / "install.sh").write_text("#!/bin/sh\n")
    (folder / "install.sh").chmod(0o700)
    return folder


def packed(app: Path) -> Path:
    """Pack an app as the tool does; return the archive."""
    bundle = bundle_tool.Bundle(app)
    archive.write_sums(bundle)
    return archive.pack(bundle)


def beside(app: Path) -> set[str]:
    return {path.name for path in app.parent.iterdir()} - {app.name}


def test_the_unpacked_archive_passes_sha256sum(app: Path, tmp_path: Path) -> None:
    ended = run_tool("archive", app)
    assert ended.returncode == 0, ended.stderr
    (made,) = app.parent.glob("embedviz-1.2.3-*.tar.gz")
    assert beside(app) == {made.name, f"{made.name}.sha256"}
    out = tmp_path / "unpacked"
    out.mkdir()
    subprocess.run(["tar", "-xzf", made, "-C", out], check=True)
    assert [path.name for path in out.iterdir()] == ["embedviz-1.2.3"]
    check = ["sha256sum", "--check", "--strict", "--quiet"]
    subprocess.run([*check, "SHA256SUMS"], cwd=out / "embedviz-1.2.3", check=True)
    subprocess.run([*check, f"{made.name}.sha256"], cwd=made.parent, check=True)


def test_the_sums_are_of_every_file_once_and_in_order(app: Path) -> None:
    archive.write_sums(bundle_tool.Bundle(app))
    archive.write_sums(bundle_tool.Bundle(app))  # its own sum is not among them
    lines = (app / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    names = [line[66:] for line in lines]
    assert names == sorted(names)
    assert set(names) == {
        "VERSION.txt",
        "embedviz",
        "install.sh",
        "_internal/lib/libreal.so.1",
        "_internal/data/größe und maß.txt",
        "_internal/empty",
    }
    assert f"{hashlib.sha256(b'text').hexdigest()}  _internal/data/größe und maß.txt" in lines


def test_links_and_modes_are_kept(app: Path) -> None:
    with tarfile.open(packed(app)) as tar:
        members = {member.name.removeprefix("embedviz-1.2.3/"): member for member in tar.getmembers()}
    assert members["_internal/libreal.so.1"].linkname == "lib/libreal.so.1"
    assert members["_internal/libreal.so.1"].issym()
    assert members["_internal/again"].issym()
    assert "_internal/again/libreal.so.1" not in members
    assert members["embedviz"].mode == members["install.sh"].mode == 0o755
    assert members["VERSION.txt"].mode == 0o644
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members.values()} == {
        (0, 0, "", WHEN)
    }


def test_the_same_folder_gives_the_same_bytes(app: Path, tmp_path: Path) -> None:
    first = packed(app)
    other = tmp_path / "elsewhere" / "embedviz"
    other.parent.mkdir()
    shutil.copytree(app, other, symlinks=True, copy_function=shutil.copyfile)  # which makes new times and modes
    for program in (other / "embedviz", other / "install.sh"):
        program.chmod(0o711)
    os.utime(other / "VERSION.txt", (0, 0))
    second = packed(other)
    assert second.name == first.name
    assert second.read_bytes() == first.read_bytes()
    (other / "VERSION.txt").write_text(VERSION_TEXT + "\n")
    assert packed(other).read_bytes() != first.read_bytes()


def test_a_given_date_counts(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    with tarfile.open(packed(app)) as tar:
        assert {member.mtime for member in tar.getmembers()} == {1234567890}


@pytest.mark.parametrize(("machine", "named"), [("AMD64", "x86_64"), ("x86_64", "x86_64"), ("arm64", "arm64")])
def test_archives_are_called_by_one_name_for_a_processor(
    app: Path, monkeypatch: pytest.MonkeyPatch, machine: str, named: str
) -> None:
    monkeypatch.setattr(archive.platform, "machine", lambda: machine)
    assert packed(app).name.endswith(f"-{named}.tar.gz")


def test_a_zip_is_whole_and_the_same_each_time(app: Path, tmp_path: Path) -> None:
    bundle = bundle_tool.Bundle(app)
    for name in ("one.zip", "two.zip"):
        archive.write_zip(bundle, "embedviz-1.2.3", tmp_path / name, WHEN)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as made:
        assert made.testzip() is None
        assert made.read("embedviz-1.2.3/_internal/data/größe und maß.txt") == b"text"
        assert len(made.namelist()) == 6
        assert made.getinfo("embedviz-1.2.3/embedviz").date_time == (2026, 1, 2, 3, 4, 4)


def test_a_full_disk_is_said_and_nothing_is_left(app: Path) -> None:
    whole = packed(app)  # an older one, which would be mistaken for the new one
    whole.with_name(f"part-{whole.name}").symlink_to("/dev/full")
    ended = run_tool("archive", app)
    assert ended.returncode == 1
    assert ended.stderr == "archive.py: No space left on device.\n"
    assert beside(app) == set()


def test_a_full_disk_at_the_very_end_leaves_nothing_either(app: Path) -> None:
    whole = packed(app)
    whole.with_name(f"part-{whole.name}.sha256").symlink_to("/dev/full")
    assert run_tool("archive", app).returncode == 1
    assert beside(app) == set()


def test_a_folder_in_the_way_is_named(app: Path) -> None:
    whole = packed(app)
    whole.unlink()
    whole.mkdir()
    (whole / "precious").touch()
    ended = run_tool("archive", app)
    assert ended.returncode == 1
    assert ended.stderr == f"archive.py: There is a folder where '{whole.name}' has to go: move it away.\n"
    assert (whole / "precious").exists()


def test_an_app_that_is_not_finished_is_not_packed(app: Path) -> None:
    (app / "VERSION.txt").unlink()
    ended = run_tool("archive", app)
    assert ended.returncode == 1
    assert "run resources/packaging/finish.py first." in ended.stderr
    assert beside(app) == set()


def test_targets_are_judged_in_millions_of_bytes() -> None:
    assert archive.verdict(650_000_000, 650) == "target 650 MB: met"
    assert archive.verdict(650_100_000, 650) == "target 650 MB: MISSED by 0.1 MB"
    assert bundle_tool.in_units(104_857_600) == "104.9 MB (100.0 MiB)"


def test_sizes_count_each_file_once_and_compare_two_apps(app: Path, tmp_path: Path) -> None:
    other = write_app(tmp_path / "other", {"torch/lib/big.so": b"x" * 2_500_000, "torch/test/none": b""}, [])
    bundle = bundle_tool.Bundle(app)
    files = sizes.file_sizes(bundle, sizes.file_size)
    assert sum(files.values()) == bundle_tool.size_of(app)
    assert sizes.parts(files)["lib"] == 7000
    assert "again" not in sizes.parts(files)
    ended = run_tool("sizes", app, other)
    assert ended.returncode == 0, ended.stderr
    assert "| torch/lib | 0.0 | 2.5 | +2.5 |" in ended.stdout
    assert "2.5 MB  _internal/torch/lib/big.so" in run_tool("sizes", other).stdout
    assert "0.0 MB  _internal/torch/lib/big.so" in run_tool("sizes", "--packed", other).stdout
