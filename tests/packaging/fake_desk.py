"""A home, an unpacked archive with a tiny app, and a desktop that reads the entry: what install.sh is tried on."""

import os
import shutil
import subprocess
from pathlib import Path

from embedviz import __version__

SOURCES = Path(__file__).resolve().parents[2] / "resources" / "packaging" / "linux"
ID = "org.embedviz.embedviz"
HARD = 'Größe 100%f "it\'s" $HOME `x` \\ a=b ж'
APP = '#!/bin/sh\nprintf "%s\\n" "$0" "$@" >"$RAN"\n'


class Desk:
    """A user's home, an unpacked archive, and what a desktop does with both."""

    def __init__(self, place: Path, folder: str = HARD) -> None:
        self.home = place / HARD / "home"
        self.data = self.home / ".local" / "share"
        self.app = self.data / "embedviz" / "app"
        self.entry = self.data / "applications" / f"{ID}.desktop"
        self.link = self.home / ".local" / "bin" / "embedviz"
        self.ran = place / "ran"
        self.home.mkdir(parents=True)
        self.folder = unpack(place / folder / f"embedviz-{__version__}")
        taken = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "DISPLAY", "WAYLAND_DISPLAY", "SUDO_USER")
        self.environment = {name: value for name, value in os.environ.items() if name not in taken}
        self.environment |= {"HOME": str(self.home), "RAN": str(self.ran)}

    def run(self, script: str, *options: str, code: int = 0, **environment: str) -> str:
        """Run a script of the folder without a terminal; return its sentence."""
        ended = subprocess.run(
            ["sh", str(self.folder / script), *options],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ended.returncode == code, ended.stdout
        return ended.stdout

    def start(self, *files: str) -> list[str]:
        """Start the menu entry as a desktop does; return the program that ran, and its arguments."""
        subprocess.run(command_of(self.entry, *files), env=self.environment, check=True)
        return self.ran.read_text().splitlines()

    def everything(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))

    def with_fake(self, program: str, text: str) -> str:
        """Return a PATH on which `program` is the script `text`."""
        place = self.ran.with_name("fakes")
        place.mkdir()
        (place / program).write_text("#!/bin/sh\n" + text)
        (place / program).chmod(0o755)
        return f"{place}:{os.environ['PATH']}"


def unpack(folder: Path, app: str = APP) -> Path:
    """Make what `make app` makes, with a shell script for an app."""
    (folder / "_internal").mkdir(parents=True)
    (folder / "_internal" / "large").write_bytes(bytes(200_000))
    (folder / "_internal" / "link").symlink_to("large")
    for name in ("embedviz", "embedviz-trainer"):
        (folder / name).write_text(app)
        (folder / name).chmod(0o755)
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(SOURCES / name, folder)
    (folder / "share" / "applications").mkdir(parents=True)
    shutil.copy(SOURCES / f"{ID}.desktop", folder / "share" / "applications")
    for size, suffix in (("16x16", "png"), ("512x512", "png"), ("scalable", "svg")):
        icons = folder / "share" / "icons" / "hicolor" / size / "apps"
        icons.mkdir(parents=True)
        (icons / f"{ID}.{suffix}").write_text(size)
    return folder


def keys_of(entry: Path) -> dict[str, str]:
    """Read the main group as GKeyFile does: a backslash escapes in every value."""
    text = entry.read_text(encoding="utf-8").partition("\n[")[0]
    pairs = [line.partition("=") for line in text.splitlines() if "=" in line]
    letters = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    values = {}
    for key, _, value in pairs:
        parts, rest = "", iter(value)
        for letter in rest:
            parts += letters[next(rest)] if letter == "\\" else letter
        values[key] = parts
    return values


def split(command: str) -> list[str]:
    """Split a command line as the Exec key has it: double quotes, and in them a backslash before four letters."""
    words, word, quoted, letters = [], "", False, iter(command)
    for letter in letters:
        if letter == '"':
            quoted = not quoted
        elif quoted and letter == "\\":
            word += (escaped := next(letters))
            assert escaped in '"`$\\'
        elif letter == " " and not quoted:
            words, word = [*words, word], ""
        else:
            assert quoted or letter not in "\t\n'<>~|&;$*?#()`\\", f"{letter} outside quotes"
            word += letter
    assert not quoted
    return [*words, word]


def command_of(entry: Path, *files: str) -> list[str]:
    """Return what a desktop runs to open `files` with an entry."""
    words = []
    for word in split(keys_of(entry)["Exec"]):
        words += list(files) if word == "%f" else [word.replace("%%", "%")]
    return words
