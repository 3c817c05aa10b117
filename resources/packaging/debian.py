"""Shared libraries that came from the system the app was built on, where that is Debian or Ubuntu."""

import re
import subprocess
from pathlib import Path

COMMON = Path("/usr/share/common-licenses")
DOC = Path("/usr/share/doc")
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


def copyright_of(package: str) -> Path | None:
    """Return the file with a package's licences; None if this machine has been stripped of it."""
    path = DOC / package / "copyright"
    return path.resolve() if path.is_file() else None


def licence_names(text: str) -> str:
    """Return the short names of the licences in a copyright file that a program can read; else a hint."""
    paragraphs = re.split(r"\n\s*\n", text)
    names = [
        name[1].strip()
        for paragraph in paragraphs
        if paragraph.startswith("Files:")
        and not paragraph.startswith("Files: debian/")
        and (name := re.search(r"^License:(.+)$", paragraph, re.MULTILINE))
    ]
    return ", ".join(dict.fromkeys(names)) or "see the file"


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
