"""The tools that finish and pack the app, and small apps to try them on."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from PyInstaller.archive.writers import CArchiveWriter, ZlibArchiveWriter

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "resources" / "packaging"
VERSION_TEXT = "embedviz 1.2.3\nbuilt: 2026-01-02T03:04:05Z\ncommit: not known\n"


def tool(name: str) -> ModuleType:
    """Import a tool; they are scripts and find each other beside themselves, as Python lets scripts do."""
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(TOOLS))


def run_tool(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool as the Makefile does."""
    command = [sys.executable, str(TOOLS / f"{name}.py"), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def write_program(path: Path, modules: list[str]) -> None:
    """Write what a program of PyInstaller's ends with: the archive of the modules that it has inside."""
    packed = path.with_name("PYZ.pyz")
    code = {name: compile("", name, "exec") for name in modules}
    ZlibArchiveWriter(str(packed), [(name, "-", "PYMODULE") for name in modules], code)
    CArchiveWriter(str(path), [("PYZ.pyz", str(packed), False, "z")], "libpython3.so")
    packed.unlink()
    path.chmod(0o755)


def write_app(folder: Path, files: dict[str, bytes | Path], modules: list[str]) -> Path:
    """Write an app with these files, or links, in _internal, and these modules in its program."""
    for name, content in files.items():
        path = folder / "_internal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
    (folder / "_internal").mkdir(parents=True, exist_ok=True)
    write_program(folder / "embedviz", modules)
    return folder
