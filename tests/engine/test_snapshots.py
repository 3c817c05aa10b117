import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from embedviz.engine import snapshots
from embedviz.engine.snapshots import SnapshotFile, SnapshotFileError, remove_stale, room_for


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Use two folders of our own in place of shared memory and the system's temporary one."""
    found = [tmp_path / "shared", tmp_path / "temporary"]
    for folder in found:
        folder.mkdir()
    monkeypatch.setattr(snapshots, "folders", lambda: found)
    return found


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def names(folders: list[Path]) -> list[str]:
    return sorted(path.name for folder in folders for path in folder.iterdir())


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


array_lists = st.lists(
    npst.arrays(
        st.sampled_from(["<f4", "<i8", "u1"]).map(np.dtype),
        npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6),
    ),
    max_size=5,
)


@given(array_lists)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_what_is_read(found: list[np.ndarray]) -> None:
    arrays = {f"array {index}": array for index, array in enumerate(found)}
    written = SnapshotFile.create(room_for({name: (array.shape, array.dtype) for name, array in arrays.items()}))
    opened = SnapshotFile.open(written.path, written.size)
    copies = opened.read(written.write(arrays))
    written.write({name: np.zeros_like(array) for name, array in arrays.items()})
    opened.close()
    written.close()
    assert copies.keys() == arrays.keys()
    for name, copy in copies.items():  # nobody else's: neither the next snapshot nor the end reaches it
        assert (copy.dtype, copy.shape) == (arrays[name].dtype, arrays[name].shape)
        assert copy.tobytes() == arrays[name].tobytes()
        assert not copy.flags.writeable


def test_arrays_in_any_memory_order_are_written() -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    file = SnapshotFile.create(room_for({"t": (table.shape, table.dtype)}))
    np.testing.assert_array_equal(file.read(file.write({"t": table.T}))["t"], table.T)
    file.close()


def test_the_name_goes_when_the_other_side_opens(folders: list[Path]) -> None:
    file = SnapshotFile.create(100)
    assert names(folders) == [file.path.name]
    assert file.path.parent == folders[0]
    assert file.path.stat().st_mode & 0o077 == 0  # nobody else's business
    opened = SnapshotFile.open(file.path, file.size)
    assert names(folders) == []
    opened.close()
    file.close()
    file.close()


def test_the_name_goes_when_nobody_opens(folders: list[Path]) -> None:
    SnapshotFile.create(100).close()
    assert names(folders) == []


def test_two_files_do_not_meet() -> None:
    ones, twos = np.ones(8), np.full(8, 2.0)
    first, second = (SnapshotFile.create(room_for({"x": ((8,), np.float64)})) for _ in range(2))
    layouts = first.write({"x": ones}), second.write({"x": twos})
    np.testing.assert_array_equal(first.read(layouts[0])["x"], ones)
    np.testing.assert_array_equal(second.read(layouts[1])["x"], twos)
    first.close()
    second.close()


def test_more_than_there_is_room_for_is_refused() -> None:
    file = SnapshotFile.create(64)
    with pytest.raises(ValueError, match="buffer"):
        file.write({"x": np.zeros(9)})
    file.close()


@pytest.mark.parametrize("size", [0, 200])
def test_a_file_that_is_not_what_was_said(folders: list[Path], size: int) -> None:
    path = folders[0] / "embedviz-1-1.snapshot"
    path.write_bytes(bytes(size))
    with pytest.raises(SnapshotFileError) as caught:
        SnapshotFile.open(path, 4096)
    assert caught.value.sentence == "The window cannot read what the trainer shares."
    assert caught.value.details


def test_the_second_folder_serves_when_the_first_is_full(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    allocate = snapshots._allocate

    def first_is_full(path: Path, size: int) -> Any:
        with monkeypatch.context() as patch:
            if path.parent == folders[0]:
                patch.setattr(os, "posix_fallocate", full, raising=False)
            return allocate(path, size)

    monkeypatch.setattr(snapshots, "_allocate", first_is_full)
    file = SnapshotFile.create(100)
    assert file.path.parent == folders[1]
    assert names(folders) == [file.path.name]
    file.close()


def test_no_room_anywhere_is_said_and_leaves_nothing(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(SnapshotFileError) as caught:
        SnapshotFile.create(3 * 2**20)
    assert caught.value.sentence == "There is no room for the 3.0 MB that the window and the trainer share."
    assert caught.value.details.count("No space left") == 2
    assert names(folders) == []


def test_a_system_without_fallocate_writes_the_room(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    file = SnapshotFile.create(2**20 + 5)
    assert file.path.stat().st_size == 2**20 + 5
    file.close()


def test_files_of_the_dead_are_removed_and_those_of_the_living_stay(folders: list[Path], dead_pid: int) -> None:
    stale = [folder / f"embedviz-{dead_pid}-{number}.snapshot" for number, folder in enumerate(folders)]
    alive = [
        folders[0] / f"embedviz-{os.getpid()}-900.snapshot",
        folders[1] / f"embedviz-{os.getppid()}-901.snapshot",
        folders[0] / f"embedviz-{dead_pid}-0.snapshot.txt",
        folders[0] / f"embedviz-{dead_pid}.snapshot",
        folders[1] / f"other-{dead_pid}-0.snapshot",
    ]
    for path in (*stale, *alive):
        path.write_bytes(b"x")
    assert sorted(remove_stale()) == sorted(stale)
    assert not any(path.exists() for path in stale)
    assert all(path.exists() for path in alive)
    assert remove_stale() == []


def test_a_name_that_no_process_can_have_is_stale_too(folders: list[Path]) -> None:
    path = folders[0] / f"embedviz-{10**30}-0.snapshot"
    path.write_bytes(b"x")
    assert remove_stale() == [path]


def test_a_stale_file_that_cannot_be_removed_is_left(
    folders: list[Path], dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folders[0] / f"embedviz-{dead_pid}-0.snapshot"
    path.write_bytes(b"x")

    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    assert remove_stale() == []
    assert path.exists()


def test_a_process_of_somebody_else_is_running(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = folders[0] / "embedviz-1-0.snapshot"
    path.write_bytes(b"x")

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert remove_stale() == []
    assert path.exists()


def test_the_folders_are_there() -> None:
    assert snapshots.folders()
    assert all(folder.is_dir() for folder in snapshots.folders())
