"""What a built app holds: its files, its programs, and the modules that are packed into those."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What finish.py and archive.py add. All else came with the build, and is from somebody.
ADDED = {
    "README.txt",
    "LICENSE.txt",
    "VERSION.txt",
    "SHA256SUMS",
    "install.sh",
    "uninstall.sh",
    "share",
    "licences",
}
MACOS_OWN = ("Contents/Info.plist", "Contents/PkgInfo", "Contents/_CodeSignature")


class PackagingError(Exception):
    """A sentence for who builds the app."""


@dataclass(frozen=True)
class Bundle:
    """A folder that PyInstaller made; on macOS, an .app."""

    folder: Path

    def __post_init__(self) -> None:
        """Raise PackagingError if there is no such app."""
        if not self.folder.is_dir():
            raise PackagingError(f"There is no folder '{self.folder}': build the app first, with 'make app'.")

    @property
    def is_mac(self) -> bool:
        """Tell whether this is an .app."""
        return self.folder.suffix == ".app"

    @property
    def top(self) -> Path:
        """Return where a person finds README.txt and the like."""
        return self.folder / "Contents" / "Resources" if self.is_mac else self.folder

    @property
    def programs(self) -> list[Path]:
        """Return what could be started: the files beside the folder of all else."""
        place = self.folder / "Contents" / "MacOS" if self.is_mac else self.folder
        if not place.is_dir():
            return []
        return sorted(path for path in place.iterdir() if path.is_file() and path.name not in ADDED)

    @cached_property
    def files(self) -> list[Path]:
        """Return what the build put there and was made elsewhere: programs, links and what was ADDED left out."""
        own = set(self.programs)
        return [path for path in regular_files(self.folder) if path not in own and not self._is_added(path)]

    def _is_added(self, path: Path) -> bool:
        if self.is_mac and path.relative_to(self.folder).as_posix().startswith(MACOS_OWN):
            return True
        return path.is_relative_to(self.top) and path.relative_to(self.top).parts[0] in ADDED

    def inner(self, path: Path) -> str:
        """Return the place of a file as Python sees it: `torch/lib/libc10.so`, without `_internal`."""
        parts = path.relative_to(self.folder).parts
        known = {"_internal": 1} if not self.is_mac else {"Contents": 2}
        return "/".join(parts[known.get(parts[0], 0) :])

    @cached_property
    def modules(self) -> set[str]:
        """Return the names of all modules packed into the programs.

        Raises PackagingError if one of them is not of PyInstaller's making.
        """
        return {module for program in self.programs for module in _packed(program)}


def regular_files(folder: Path) -> Iterator[Path]:
    """Give every file of a folder once and in order: links are neither given nor followed."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from regular_files(path)
        else:
            yield path


def size_of(folder: Path) -> int:
    """Return the bytes of a folder's files, each counted once."""
    return sum(path.stat().st_size for path in regular_files(folder))


def in_units(size: int) -> str:
    """Return a size in MB, which the targets are in (1,000,000 bytes), and in MiB, which `du -m` counts."""
    return f"{size / 1e6:.1f} MB ({size / 2**20:.1f} MiB)"


def given_time() -> int | None:
    """Return SOURCE_DATE_EPOCH, which stands for now in builds that are repeated, in seconds since 1970."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if said and not said.isdigit():
        raise PackagingError(f"SOURCE_DATE_EPOCH is '{said}', which is not a number of seconds.")
    return int(said) if said else None


def run(main: Callable[[list[str]], None]) -> int:
    """Call `main` with the words of the command line; return the exit code, and say in a sentence what failed."""
    name = Path(sys.argv[0]).name
    try:
        main(sys.argv[1:])
    except PackagingError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    except OSError as error:
        place = f" ('{error.filename}')" if error.filename else ""
        sys.stderr.write(f"{name}: {error.strerror or error}{place}.\n")
        return 1
    return 0


def the_folder(words: list[str]) -> Path:
    """Return the one folder that is named on the command line."""
    if len(words) != 1:
        raise PackagingError("Name the folder of the built app, and nothing else.")
    return Path(words[0]).absolute()


def _packed(program: Path) -> Iterator[str]:
    from PyInstaller.archive.readers import ArchiveReadError, CArchiveReader  # only the build machine has it

    try:
        archive = CArchiveReader(str(program))
    except (ArchiveReadError, OSError) as error:
        raise PackagingError(f"'{program.name}' is in the app, but PyInstaller did not make it.") from error
    for name, entry in archive.toc.items():
        if entry[-1] == "z":
            yield from archive.open_embedded_archive(name).toc
