"""Packs the finished app into one file to pass on, with checksums inside and beside it.

python resources/packaging/archive.py dist/embedviz

The same folder gives the same archive, byte for byte: names are sorted, owners are nobody, and all times are
SOURCE_DATE_EPOCH or, without it, that of the commit or of the build. What is being written has another name
until it is whole.
"""

import calendar
import gzip
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bundle import ROOT, Bundle, PackagingError, given_time, in_units, regular_files, run, size_of, the_folder

SUMS = "SHA256SUMS"
TARGETS_MB = {"unpacked": 650, "packed": 230}  # on Linux x86-64 with CPU torch; 1 MB is 1,000,000 bytes
EARLIEST = 315532800  # 1980, before which a zip file knows no time


def main(words: list[str]) -> None:
    """Pack the app named on the command line, beside its folder."""
    bundle = Bundle(the_folder(words))
    write_sums(bundle)
    archive = pack(bundle)
    sys.stdout.write(f"archive: {archive}\n")
    for what, size in (("unpacked", size_of(bundle.folder)), ("packed", archive.stat().st_size)):
        sys.stdout.write(f"  {what}: {in_units(size)}; {verdict(size, TARGETS_MB[what])}\n")


def verdict(size: int, target_mb: int) -> str:
    """Say whether a size, in bytes, keeps to its target."""
    over = size / 1e6 - target_mb
    return f"target {target_mb} MB: " + (f"MISSED by {over:.1f} MB" if over > 0 else "met")


def write_sums(bundle: Bundle) -> None:
    """Write SHA256SUMS into the app: of each file once, for `sha256sum -c` in the folder.

    For an .app, they are for the folder that has it in it, and lie beside it: inside, they would break its seal.
    """
    start = bundle.folder.parent if bundle.is_mac else bundle.folder
    target = start / SUMS
    target.unlink(missing_ok=True)
    lines = [f"{sha256(path)}  {path.relative_to(start).as_posix()}\n" for path in regular_files(bundle.folder)]
    target.write_text("".join(sorted(lines, key=lambda line: line[66:])), encoding="utf-8", newline="\n")


def pack(bundle: Bundle, *, to: Path | None = None) -> Path:
    """Write the archive into `to`, beside the app's folder if None, and its checksum beside it; return its path.

    Raises OSError or PackagingError; then neither is there.
    """
    suffix, write = _kind(bundle)
    name = f"embedviz-{said_in_version(bundle, 'embedviz')}"
    target = (to or bundle.folder.parent) / f"{name}-{_system()}-{_machine()}{suffix}"
    beside = target.with_name(f"{target.name}.sha256")
    for old in (target, beside):
        if old.is_dir():
            raise PackagingError(f"There is a folder where '{old.name}' has to go: move it away.")
        old.unlink(missing_ok=True)
    # hdiutil goes by the suffix, so it stays at the end.
    part, part_beside = (path.with_name(f"part-{path.name}") for path in (target, beside))
    try:
        write(bundle, name, part, time_of(bundle))
        part_beside.write_text(f"{sha256(part)}  {target.name}\n", encoding="utf-8", newline="\n")
        part_beside.replace(beside)
        part.replace(target)
    except BaseException:
        for path in (part, part_beside, beside):
            path.unlink(missing_ok=True)
        raise
    return target


def time_of(bundle: Bundle) -> int:
    """Return the time that all files in the archive get, in seconds since 1970."""
    if (given := given_time()) is not None:
        return max(EARLIEST, given)
    commit = said_in_version(bundle, "commit:")
    try:
        command = ["git", "show", "-s", "--format=%ct", commit.partition(",")[0]]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:  # no git here
        said = ""
    if said.strip().isdigit():
        return int(said)
    built = time.strptime(said_in_version(bundle, "built:"), "%Y-%m-%dT%H:%M:%SZ")
    return calendar.timegm(built)


def said_in_version(bundle: Bundle, what: str) -> str:
    """Return what VERSION.txt in the app says after the word `what`."""
    path = bundle.top / "VERSION.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(rf"^{what} (.+)$", text, re.MULTILINE)
    if found is None:
        raise PackagingError(f"'{path}' does not say '{what} …': run resources/packaging/finish.py first.")
    return found[1]


def sha256(path: Path) -> str:
    """Return the checksum of a file, as sha256sum writes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_tar(bundle: Bundle, name: str, target: Path, when: int) -> None:
    """Write a .tar.gz with one folder `name`; links stay links, and what can be started can be."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=when) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in _everything(bundle.folder):
            member = tarfile.TarInfo((Path(name) / path.relative_to(bundle.folder)).as_posix())
            member.mtime = when
            if path.is_symlink():
                member.type, member.linkname = tarfile.SYMTYPE, path.readlink().as_posix()
                member.mode = 0o777
                tar.addfile(member)
            elif path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
            else:
                member.size, member.mode = path.stat().st_size, _mode(path)
                with path.open("rb") as file:
                    tar.addfile(member, file)


def write_zip(bundle: Bundle, name: str, target: Path, when: int) -> None:
    """Write a .zip with one folder `name`; a build for Windows has no links."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in regular_files(bundle.folder):
            inside = (Path(name) / path.relative_to(bundle.folder)).as_posix()
            member = zipfile.ZipInfo(inside, time.gmtime(when)[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # so that the line below counts, where that means something
            member.external_attr = (0o100000 | _mode(path)) << 16
            member.file_size = path.stat().st_size
            with path.open("rb") as file, archive.open(member, "w") as packed:
                shutil.copyfileobj(file, packed, 1 << 20)


def write_dmg(bundle: Bundle, name: str, target: Path, _when: int) -> None:
    """Write a .dmg with the app, its checksums, and a link to where apps go; only macOS can do it. Untried."""
    with tempfile.TemporaryDirectory(dir=bundle.folder.parent) as stage:
        shutil.copytree(bundle.folder, Path(stage, bundle.folder.name), symlinks=True)
        shutil.copyfile(bundle.folder.parent / SUMS, Path(stage, SUMS))
        Path(stage, "Applications").symlink_to("/Applications")
        command = ["hdiutil", "create", "-volname", name, "-srcfolder", stage, "-format", "UDZO", str(target)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise PackagingError(f"hdiutil could not write '{target.name}': {ended.stderr.strip()}")


def _kind(bundle: Bundle) -> tuple[str, Callable[[Bundle, str, Path, int], None]]:
    """Return the suffix of this system's archives, and what writes one."""
    if bundle.is_mac:
        return ".dmg", write_dmg
    return (".zip", write_zip) if sys.platform == "win32" else (".tar.gz", write_tar)


def _system() -> str:
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)


def _machine() -> str:
    """Return the kind of processor, by one name on all systems: Windows calls x86_64 AMD64."""
    name = platform.machine().lower()
    return {"amd64": "x86_64"}.get(name, name)


def _everything(folder: Path) -> Iterator[Path]:
    """Give a folder, and all in it, in order; links are given and not followed."""
    yield folder
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _everything(path)
        else:
            yield path


def _mode(path: Path) -> int:
    """Return one of two modes, whatever the builder's umask."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


if __name__ == "__main__":
    sys.exit(run(main))
