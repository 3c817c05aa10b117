"""Shared libraries that came from the system the app was built on, where that is Debian or Ubuntu."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePath

COMMON = Path("/usr/share/common-licenses")
DOC = Path("/usr/share/doc")
# The folders of sources that no library is built from.
OUTSIDE = {"debian", "build", "build-aux", "ci", "cmake", "m4", "po", "contrib", "tools", "util", "utils", "misc"}
OUTSIDE |= {
    "doc",
    "docs",
    "man",
    "program",
    "programs",
    "scripts",
    "example",
    "examples",
    "test",
    "tests",
    "ossfuzz",
}
FOLDERS = ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/lib", "/usr/local/lib")


def packages_of(libraries: list[str]) -> dict[str, str]:
    """Return the package of each library, by file name (`libz.so.1`); those that no package has are left out."""
    paths = {name: _spellings(path) for name in libraries if (path := _find(name))}
    owners: dict[str, str] = {}
    for line in _ask("dpkg", "-S", *(file for spellings in paths.values() for file in spellings)).splitlines():
        packages, _, file = line.rpartition(": ")  # "libc6:amd64, libc6:i386: /lib/libc.so.6"
        if not packages.startswith("diversion by "):
            owners[file] = re.split("[:,]", packages)[0]
    found = {name: [owners[file] for file in spellings if file in owners] for name, spellings in paths.items()}
    return {name: packages[0] for name, packages in found.items() if packages}


def version(package: str) -> str:
    """Return the version of an installed package."""
    return _ask("dpkg-query", "-W", "-f", "${Version} ", package).split()[0]


def source_of(package: str) -> tuple[str, str]:
    """Return the name and version of the source package that an installed package was built from."""
    said = _ask("dpkg-query", "-W", "-f", "${source:Package} ${source:Version} ", package).split()
    return said[0], said[1]


def copyright_of(package: str) -> Path | None:
    """Return the file with a package's licences; None if this machine has been stripped of it."""
    path = DOC / package / "copyright"
    return path.resolve() if path.is_file() else None


def licence_of(package: str, text: str) -> str:
    """Return the licences of a package's library, by its copyright file, and whether they are the library's alone.

    They are where the file has a paragraph for the whole folder of the library's name, or where all that is under
    others lies in folders that no library is built from. Else they are those of the whole source package, whose
    programs may be under others than the library; or a hint, if no program can read the file.
    """
    stanzas = [(files, licence) for files, licence in _stanzas(text) if any(map(_may_be_in_a_library, files))]
    if not stanzas:
        return "see the file"
    stem = re.sub(r"[-\d.]+(t64)?$", "", package)
    if re.search(rf"\b{re.escape(stem)} is in the public domain\b", text):
        return "public domain"
    own = [licence for files, licence in stanzas if any(f"/{file}".endswith(f"/{stem}/*") for file in files)]
    inside = [licence for files, licence in stanzas if any(f"/{stem}/" in f"/{file}" for file in files)]
    if own:
        return _listed(own + inside)
    all_of_it = _listed(licence for _, licence in stanzas)
    if len({licence for _, licence in stanzas}) == 1:
        return all_of_it
    return f"of the source package, of which this is a part: {all_of_it}"


def _stanzas(text: str) -> list[tuple[list[str], str]]:
    """Return the patterns of files, and the short name of the licence, of each paragraph about files."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        files = re.match(r"Files:((?:.*\n)(?:[ \t].*\n)*)", paragraph + "\n")
        licence = re.search(r"^License:(.+)$", paragraph, re.MULTILINE)
        if files and licence:
            found.append((files[1].split(), licence[1].strip()))
    return found


def _may_be_in_a_library(file: str) -> bool:
    return OUTSIDE.isdisjoint(PurePath(file).parts[:-1]) and not file.endswith(
        (".m4", ".am", ".in", ".sh", ".py", ".po", "Makefile")
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def common_licences(text: str) -> set[str]:
    """Return the names of the licences that a copyright file points to instead of quoting them."""
    named = {name.rstrip(".-") for name in re.findall(rf"{COMMON}/([\w.-]+)", text)}
    return {(COMMON / name).resolve().name for name in named if (COMMON / name).exists()}


def _find(library: str) -> Path | None:
    """Return where the loader finds a library of the system."""
    for line in _ask("ldconfig", "-p").splitlines():
        name, _, path = line.strip().partition(" => ")
        if name.split(" ")[0] == library and Path(path).exists():
            return Path(path)
    candidates = (Path(folder, library) for folder in FOLDERS)
    return next((candidate for candidate in candidates if candidate.exists()), None)


def _spellings(path: Path) -> list[str]:
    """Return all that a package may call a file: /lib is a link to /usr/lib now, which older ones do not know."""
    paths = [str(path), str(path.resolve())]
    return list(dict.fromkeys([*paths, *(spelling.removeprefix("/usr") for spelling in paths)]))


def _ask(program: str, *words: str) -> str:
    """Return what a program says; nothing if this system has none of the name."""
    for place in (program, f"/sbin/{program}", f"/usr/sbin/{program}"):
        try:
            return subprocess.run([place, *words], capture_output=True, text=True, check=False).stdout
        except FileNotFoundError:
            continue
    return ""
