"""Tells what takes how much room in a built app, or how two of them differ.

python resources/packaging/sizes.py [--packed] dist/embedviz [ANOTHER]

With --packed, it is the room in the archive: about, as each file is packed for itself here, which takes a while.
"""

import sys
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bundle import Bundle, PackagingError, in_units, regular_files, run

PARTS, FILES = 25, 15  # how many are named
SMALL = 100_000  # bytes; parts below this everywhere are summed up
Measure = Callable[[Path], int]


def main(words: list[str]) -> None:
    """Write the tables for the one or two folders named on the command line."""
    names = [word for word in words if word != "--packed"]
    if len(names) not in (1, 2):
        raise PackagingError("Name the folder of a built app, or two.")
    measure = packed_size if "--packed" in words else file_size
    sizes = [file_sizes(Bundle(Path(name).absolute()), measure) for name in names]
    sys.stdout.write(table([parts(found) for found in sizes], names) + "\n")
    if len(names) == 1:
        sys.stdout.write(biggest_files(sizes[0]) + "\n")


def file_sizes(bundle: Bundle, measure: Measure) -> dict[str, int]:
    """Return the bytes of each file, by its place in the app; links have none."""
    files = regular_files(bundle.folder)
    return {path.relative_to(bundle.folder).as_posix(): measure(path) for path in files}


def file_size(path: Path) -> int:
    """Return the bytes of a file."""
    return path.stat().st_size


def packed_size(path: Path) -> int:
    """Return the bytes of a file when packed as in the archive."""
    packer = zlib.compressobj(9)
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(1 << 20), b"")
        return sum(len(packer.compress(piece)) for piece in pieces) + len(packer.flush())


def parts(sizes: dict[str, int]) -> Counter[str]:
    """Return the bytes of each part: a package, or the libraries of others."""
    found: Counter[str] = Counter()
    for place, size in sizes.items():
        found[_part(place)] += size
    return found


def _part(place: str) -> str:
    top, *names = place.split("/")
    if top == "Contents":  # of a macOS .app; Frameworks or Resources comes next
        names = names[1:]
    elif top != "_internal":
        return f"./{top}"  # beside the programs
    if len(names) == 1:
        return "libraries and data of the system and of Python"
    return "/".join(names[:2]) if names[0] in ("torch", "PySide6") and len(names) > 2 else names[0]


def table(sizes: list[Counter[str]], titles: list[str]) -> str:
    """Return a Markdown table of the parts, the biggest first; with two apps, also what they differ by."""
    most = {name: max(size[name] for size in sizes) for name in sorted(set().union(*sizes))}
    shown = [name for name in sorted(most, key=lambda name: -most[name])[:PARTS] if most[name] >= SMALL]
    rows = [(name, [size[name] for size in sizes]) for name in shown]
    rest = [sum(size.values()) - sum(size[name] for name in shown) for size in sizes]
    rows += [("all else", rest), ("sum", [sum(size.values()) for size in sizes])]
    heads = [*titles, "difference"] if len(sizes) == 2 else titles
    lines = ["| MB | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for name, values in rows:
        cells = [f"{value / 1e6:.1f}" for value in values]
        if len(values) == 2:
            cells.append(f"{(values[1] - values[0]) / 1e6:+.1f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    sums = (f"{title}: {in_units(sum(size.values()))}" for title, size in zip(titles, sizes, strict=True))
    return "\n".join([*lines, "", *sums])


def biggest_files(sizes: dict[str, int]) -> str:
    """Return a list of the biggest files."""
    places = sorted(sizes, key=lambda place: -sizes[place])[:FILES]
    return "\n".join(["", "The biggest files:", *(f"{sizes[place] / 1e6:8.1f} MB  {place}" for place in places)])


if __name__ == "__main__":
    sys.exit(run(main))
