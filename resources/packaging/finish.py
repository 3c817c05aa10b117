"""Adds what a person finds in the folder of the built app, and the licences of all that is in it.

python resources/packaging/finish.py [--with-cuda] dist/embedviz

An app with CUDA in it is refused, unless --with-cuda asks for one. It may be run again on the same folder.
SOURCE_DATE_EPOCH, in seconds, stands for now.
"""

import platform
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import Distribution
from pathlib import Path

from bundle import ROOT, Bundle, PackagingError, given_time, in_units, run, size_of, the_folder
from elf import glibc_needed
from licences import gather, version_of_the_app
from origins import Installed

APP_ID = "org.embedviz.embedviz"
# Libraries for GPUs of NVIDIA and AMD, wherever they are; torch/cuda itself is in every build.
OF_CUDA = re.compile(
    r"(^|/)nvidia/|(^|/)(lib)?(torch_cuda|c10_cuda|torch_hip|c10_hip|cu(dart|blas|dnn|fft|rand|solver|sparse|pti))"
    r"[^/]*\.(so|dll)[^/]*$"
)
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
LINUX = ROOT / "resources" / "packaging" / "linux"
ICONS = ROOT / "resources" / "icons" / "app"
# The glibc of each, 2.x.
RELEASES = (
    (("Debian 11", 31), ("Debian 12", 36), ("Debian 13", 41)),
    (("Ubuntu 20.04", 31), ("Ubuntu 22.04", 35), ("Ubuntu 24.04", 39)),
    (("Fedora 36", 35), ("Fedora 37", 36), ("Fedora 38", 37), ("Fedora 39", 38), ("Fedora 40", 39)),
)
# By their names in share/: desktops look for each of these there.
SHARED = {
    f"applications/{APP_ID}.desktop": LINUX / f"{APP_ID}.desktop",
    f"metainfo/{APP_ID}.metainfo.xml": LINUX / f"{APP_ID}.metainfo.xml",
    f"icons/hicolor/scalable/apps/{APP_ID}.svg": ICONS / "embedviz.svg",
} | {f"icons/hicolor/{size}x{size}/apps/{APP_ID}.png": ICONS / f"embedviz-{size}.png" for size in ICON_SIZES}


def main(words: list[str]) -> None:
    """Finish the app named on the command line."""
    bundle = Bundle(the_folder([word for word in words if word != "--with-cuda"]))
    if "--with-cuda" not in words:
        refuse_cuda(bundle)
    installed = Installed()
    system = "macos" if bundle.is_mac else "windows" if sys.platform == "win32" else "linux"
    (bundle.top / "SHA256SUMS").unlink(missing_ok=True)  # of what was here before
    components = gather(bundle, installed)
    facts = {"version": version_of_the_app(), "requires": requires(bundle, system, installed)}
    _write(bundle.top / "VERSION.txt", version_text(facts, installed))
    _write(bundle.top / "README.txt", filled(ROOT / "resources" / "packaging" / system / "README.txt", facts))
    _copy(ROOT / "LICENSE", bundle.top / "LICENSE.txt")
    if system == "linux":
        add_for_linux(bundle.top)
    size = in_units(size_of(bundle.folder))
    sys.stdout.write(f"finish: {bundle.folder.name} {facts['version']}, {components} components, {size}\n")


def refuse_cuda(bundle: Bundle) -> None:
    """Raise PackagingError if torch's build for GPUs was packed, which pip brings where nothing else is said."""
    found = [bundle.inner(path) for path in bundle.files if OF_CUDA.search(bundle.inner(path))]
    if found:
        raise PackagingError(
            f"The app has CUDA in it ('{found[0]}' and {len(found) - 1} more files), which takes gigabytes: "
            "remove .venv, 'make install TORCH_INDEX=...' with the address of torch's CPU build, and build again. "
            "If it is meant to be there: finish.py --with-cuda."
        )


def add_for_linux(top: Path) -> None:
    """Add the scripts that install and uninstall the app for one user, and what desktops want of it."""
    for name in ("install.sh", "uninstall.sh"):
        _copy(LINUX / name, top / name)
        (top / name).chmod(0o755)
    shutil.rmtree(top / "share", ignore_errors=True)
    for name, source in SHARED.items():
        _copy(source, top / "share" / name)


def filled(source: Path, facts: dict[str, str]) -> str:
    """Return the text of a file with {version} and {requires} filled in."""
    if not source.is_file():
        raise PackagingError(f"'{source.relative_to(ROOT)}' is missing.")
    text = source.read_text(encoding="utf-8")
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def requires(bundle: Bundle, system: str, installed: Installed) -> str:
    """Return which systems the app runs on, as its files say."""
    machine = platform.machine()
    if system == "windows":
        return "Windows 10 or newer, 64 bits"
    if system == "macos":
        return f"macOS {'.'.join(map(str, newest_macos(installed)))} or newer, {machine}"
    needed = glibc_needed(bundle.folder)
    if needed is None:
        raise PackagingError(f"No file in '{bundle.folder}' is a program for Linux.")
    return f"Linux, {machine}, glibc {'.'.join(map(str, needed))} or newer{known_with(needed)}"


def known_with(glibc: tuple[int, ...]) -> str:
    """Return the first releases that have this glibc, for those who do not know what glibc theirs has."""
    families = ([name for name, has in releases if has >= glibc[1]] for releases in RELEASES)
    first = [names[0] for names in families if names]
    return f" ({', '.join(first)} or later)" if first else ""


def newest_macos(installed: Installed) -> tuple[int, int]:
    """Return the macOS that distributions with libraries of their own were built for, by their wheels' tags."""
    names = ("PySide6_Essentials", "shiboken6", "torch", "numpy", "tokenizers")
    wheels = [found.read_text("WHEEL") or "" for name in names if (found := installed.by_name.get(name))]
    tags = re.findall(r"^Tag: .*-macosx_(\d+)_(\d+)_", "\n".join(wheels), re.MULTILINE)
    return max(((int(major), int(minor)) for major, minor in tags), default=(13, 0))


def version_text(facts: dict[str, str], installed: Installed) -> str:
    """Return the text of VERSION.txt."""
    versions = {name: _version(installed.by_name.get(name)) for name in ("PySide6_Essentials", "torch", "numpy")}
    built = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(given_time()))  # None is now
    lines = [
        f"embedviz {facts['version']}",
        f"built: {built}",
        f"commit: {commit()}",
        f"needs: {facts['requires']}",
        f"Python: {platform.python_version()}",
        f"Qt and PySide6: {versions['PySide6_Essentials']}",
        f"torch: {versions['torch']}",
        f"numpy: {versions['numpy']}",
        f"tokenizers: {_version(installed.by_name.get('tokenizers'))}",
        f"built on: {_this_system()}",
    ]
    return "\n".join(lines) + "\n"


def commit() -> str:
    """Return which commit of the source this is, and whether the source was changed after it."""
    found = _git("rev-parse", "--short=12", "HEAD")
    if not found:
        return "not known"
    return f"{found}, with changes" if _git("status", "--porcelain", "--untracked-files=no") else found


def _git(*words: str) -> str:
    try:
        ended = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _this_system() -> str:
    if sys.platform == "linux":
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    else:
        name = f"{platform.system()} {platform.mac_ver()[0] or platform.version()}"
    return f"{name}, {platform.machine()}"


def _version(distribution: Distribution | None) -> str:
    return distribution.version if distribution else "none"


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise PackagingError(f"'{source.relative_to(ROOT)}' is missing.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # and not written through, should it be a link
    shutil.copyfile(source, target)


def _write(target: Path, text: str) -> None:
    target.unlink(missing_ok=True)
    newline = "\r\n" if sys.platform == "win32" else "\n"
    target.write_text(text, encoding="utf-8", newline=newline)


if __name__ == "__main__":
    sys.exit(run(main))
