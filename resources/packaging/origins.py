"""Whose a file or a module of the built app is: found from its name and place, on the machine that built it."""

import csv
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path

from debian import packages_of

# The places of Python's own files in an app: its library packed, its extensions, itself.
OF_PYTHON = re.compile(
    r"base_library\.zip|(python3\.\d+/)?lib-dynload/.*|(lib)?python3[\d.]*\.(so[\d.]*|dll|dylib)|Python"
)
OF_THE_SYSTEM = re.compile(r"[^/]+\.so(\.\d+)*")
# Microsoft lets everybody pass these on with a program that was built with Visual C++, without any notice.
OF_MICROSOFT = re.compile(r"(.*/)?(vcruntime140|msvcp140|ucrtbase|api-ms-win-)[\w.-]*\.dll", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Component:
    """Something with a licence of its own: `kind` is app, python, bootloader, distribution, debian, microsoft."""

    kind: str
    name: str = ""


APP = Component("app", "embedviz")
PYTHON = Component("python", "Python")
BOOTLOADER = Component("bootloader", "PyInstaller")
MICROSOFT = Component("microsoft", "Microsoft Visual C++ runtime")


@dataclass
class Installed:
    """The Python distributions that are installed here, and whose each file is."""

    paths: list[str] | None = None  # where to look; None is where Python itself looks
    by_name: dict[str, Distribution] = field(init=False)
    owners: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Read what is installed."""
        found = distributions() if self.paths is None else distributions(path=self.paths)
        self.by_name = {distribution.metadata["Name"]: distribution for distribution in found}
        self.owners = {}
        for name, distribution in self.by_name.items():
            for path in recorded(distribution):
                self.owners.setdefault(path, name)

    @cached_property
    def by_basename(self) -> dict[str, list[str]]:
        """Return the paths of all installed libraries of a name: PyInstaller may put them elsewhere."""
        found: dict[str, list[str]] = {}
        for path in self.owners:
            if re.search(r"\.(so[.\d]*|dll|dylib|pyd)$", path):
                found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    def of_module(self, module: str) -> str | None:
        """Return the distribution that brings a module; None if none does."""
        place = module.replace(".", "/")
        for path in (f"{place}.py", f"{place}/__init__.py"):
            if path in self.owners:
                return self.owners[path]
        # Extensions have the platform in their names; a package without an __init__ has no file at all.
        inside = (owner for path, owner in self.owners.items() if path.startswith((f"{place}.", f"{place}/")))
        return next(inside, None)


def recorded(distribution: Distribution) -> list[str]:
    """Return the paths of what a distribution installed, relative to where it is."""
    record = distribution.read_text("RECORD")  # much quicker than Distribution.files
    if record is None:
        return [file.as_posix() for file in distribution.files or []]
    return [row[0].replace("\\", "/") for row in csv.reader(record.splitlines()) if row]


class Origins:
    """Says whose things are."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed

    def of_module(self, name: str) -> Component | None:
        """Return whose a packed module is; None if nobody knows it."""
        top = name.partition(".")[0]
        if top == "embedviz":
            return APP
        if top.startswith(("pyi_rth_", "_pyi_rth_", "pyimod", "pyiboot")):
            return BOOTLOADER
        # Newer Pythons have no distutils, and setuptools stands in for it.
        if top in sys.stdlib_module_names or top.startswith(("_sysconfigdata", "_bootsubprocess")):
            return PYTHON
        if name == "distutils" or name.startswith("distutils."):
            name = name.replace("distutils", "setuptools._distutils", 1)
        owner = self.installed.of_module(name)
        return Component("distribution", owner) if owner else None

    def of_files(self, files: dict[str, Path]) -> dict[str, Component | None]:
        """Return whose each file is, by its place as Python sees it; None for those that nobody knows."""
        found = {place: self._by_place(place) or self._same_library(place, path) for place, path in files.items()}
        unknown = [place for place, whose in found.items() if whose is None and OF_THE_SYSTEM.fullmatch(place)]
        found |= {place: Component("debian", package) for place, package in packages_of(unknown).items()}
        for place, whose in found.items():
            if whose is None:
                found[place] = self._library_of_that_name(place) or _in_pythons_folder(place)
        return found

    def _by_place(self, place: str) -> Component | None:
        if place.startswith("embedviz/") or re.match(r"embedviz-[^/]*\.dist-info/", place):
            return APP
        if OF_PYTHON.fullmatch(place):
            return PYTHON
        if OF_MICROSOFT.fullmatch(place):
            return MICROSOFT
        owner = self.installed.owners.get(place)
        return Component("distribution", owner) if owner else None

    def _same_library(self, place: str, path: Path) -> Component | None:
        """Return whose a library is that PyInstaller put elsewhere, if it is the very same file."""
        for there in self.installed.by_basename.get(place.rpartition("/")[2], []):
            owner = self.installed.owners[there]
            original = Path(str(self.installed.by_name[owner].locate_file(there)))
            if original.is_file() and original.stat().st_size == path.stat().st_size:
                return Component("distribution", owner)
        return None

    def _library_of_that_name(self, place: str) -> Component | None:
        owners = {self.installed.owners[there] for there in self.installed.by_basename.get(Path(place).name, [])}
        return Component("distribution", owners.pop()) if len(owners) == 1 else None


def _in_pythons_folder(place: str) -> Component | None:
    """Return Python for what it brings in folders of its own, as it does on Windows and macOS."""
    folders = [Path(sys.base_prefix), Path(sys.base_prefix, "DLLs"), Path(sys.base_prefix, "lib")]
    return PYTHON if any((folder / Path(place).name).is_file() for folder in folders) else None
