"""Gathers the licence of everything that is in the built app, and refuses to go on if one is missing.

python resources/packaging/licences.py dist/embedviz

What is in the app is read off the app itself, so what slips in is noticed. The texts come from where the things
were installed from; those that their makers left out are in licence_texts/.
"""

import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

import compiled_in
import debian
from bundle import ROOT, Bundle, PackagingError, run, the_folder
from origins import APP, BOOTLOADER, MICROSOFT, PYTHON, Component, Installed, Origins, recorded

CARRIED = Path(__file__).resolve().parent / "licence_texts"
# What people call files with licences in them; and the lists of what is compiled into a library.
A_LICENCE = re.compile(r"licen[cs]e|copying|notice|authors|copyright|legal", re.IGNORECASE)
NOT_A_TEXT = {".py", ".pyc", ".pyi", ".h", ".hpp", ".cpp", ".so"}
# Texts that a distribution needs and does not bring: what for.
MORE: dict[str, dict[str, str]] = {
    "PySide6_Essentials": {
        "LGPL-3.txt": "Qt and PySide6",
        "GPL-3.txt": "what the LGPL adds to",
        "Replacing-Qt.txt": "how to use a Qt of your own",
        "Qt-third-parties.txt": "what Qt's libraries contain",
        "ICU.txt": "libicu*, Unicode for Qt",
    },
    "shiboken6": {"LGPL-3.txt": "shiboken6", "GPL-3.txt": "what the LGPL adds to"},
    "torch": {
        "Intel-MKL.txt": "oneMKL, linked into libtorch_cpu on x86-64",
        "GCC-runtime.txt": "libgomp",
        "GPL-3.txt": "what the exception for libgomp is to",
    },
    "tokenizers": {"Apache-2.0.txt": "tokenizers", "Oniguruma.txt": "regular expressions, linked in"},
}
# The GPL without an exception would be the whole app's, and does not go with oneMKL in torch.
REFUSED = {"libreadline8": "readline", "libgdbm6": "_gdbm", "libgdbm6t64": "_gdbm", "libreadline8t64": "readline"}
ADVICE = (
    "Cut them (resources/packaging/cuts.toml), or say whose they are (resources/packaging/origins.py) and where "
    "their licence is (MORE in resources/packaging/licences.py)."
)
INTRODUCTION = """\
What embedviz {what} is made of, and under which licences

embedviz itself is under the MIT License: see LICENSE.txt in the folder above, which goes for its sample texts and
icons too. All else was made by others. Each entry says what, which version, under which licence, how many files
and packed modules of it are in this app, and where in this folder the texts are.

The colour tables: viridis is by Nathaniel J. Smith, Stéfan van der Walt and Eric Firing (CC0 1.0). CET-D1 and
CET-CBD1 are by Peter Kovesi, "Good Colour Maps: How to Design Them", arXiv:1509.03700, https://colorcet.com
(CC BY 4.0: https://creativecommons.org/licenses/by/4.0/); they are used unchanged.
"""


@dataclass
class Entry:
    """What the index says of a component, and the texts that are copied: their names here, and from where."""

    title: str
    licence: str
    texts: dict[str, Path] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)  # texts that are made here, by their names


@dataclass
class Contents:
    """How much of each component is in the app, and what is from nobody known."""

    files: dict[Component, int]
    modules: dict[Component, int]
    unknown: list[str]


def main(words: list[str]) -> None:
    """Gather the licences of the app named on the command line."""
    bundle = Bundle(the_folder(words))
    sys.stdout.write(f"licences: of {gather(bundle, Installed())} components, in {bundle.top / 'licences'}\n")


def gather(bundle: Bundle, installed: Installed) -> int:
    """Write the folder `licences`, anew; return how many components it is about.

    Raises PackagingError, which names them, if things in the app have no licence that can be found. Then the
    folder is left out.
    """
    target = bundle.top / "licences"
    shutil.rmtree(target, ignore_errors=True)
    contents = inventory(bundle, Origins(installed))
    wanted = sorted(contents.files.keys() | contents.modules.keys())
    entries = {component: describe(component, installed) for component in wanted if component != APP}
    missing = contents.unknown + [entry.title for entry in entries.values() if not entry.texts]
    if missing:
        listed = "".join(f"\n  {name}" for name in missing)
        raise PackagingError(f"No licence was found for these parts of the app:{listed}\n{ADVICE}")
    for component in wanted:
        if module := REFUSED.get(component.name):
            raise PackagingError(
                f"{component.name} is under the GPL, and would make all of the app so: cut '{module}'."
            )
    for entry in entries.values():
        for name, source in entry.texts.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
        for name, text in entry.written.items():
            (target / name).write_text(text, encoding="utf-8")
    (target / "INDEX.txt").write_text(index(entries, contents), encoding="utf-8")
    return len(entries)


def inventory(bundle: Bundle, origins: Origins) -> Contents:
    """Count what each component has in the app."""
    contents = Contents({BOOTLOADER: len(bundle.programs)}, {}, [])
    whose = origins.of_files({bundle.inner(path): path for path in bundle.files})
    for place, component in whose.items():
        if component is None:
            contents.unknown.append(place)
        else:
            contents.files[component] = contents.files.get(component, 0) + 1
    for name in sorted(bundle.modules):
        component = origins.of_module(name)
        if component is None:
            contents.unknown.append(f"the module {name}")
        else:
            contents.modules[component] = contents.modules.get(component, 0) + 1
    return contents


def describe(component: Component, installed: Installed) -> Entry:
    """Find what there is to say about a component, and its texts; none are in the entry if none were found."""
    if component.kind == "debian":
        return _of_package(component.name)
    if component == PYTHON:
        return _of_python()
    if component == MICROSOFT:
        return Entry(component.name, "redistributable with what was built with Visual C++", _pythons_texts())
    if component == BOOTLOADER:
        entry = _of_distribution(installed.by_name["pyinstaller"])
        entry.remarks.append("in this app: the start of each program, by the exception for the bootloader.")
        return entry
    return _of_distribution(installed.by_name[component.name])


def index(entries: dict[Component, Entry], contents: Contents) -> str:
    """Return the text of INDEX.txt."""
    lines = [INTRODUCTION.format(what=version_of_the_app())]
    for component, entry in sorted(entries.items(), key=lambda pair: pair[1].title.lower()):
        counted = ((contents.files, "file"), (contents.modules, "module"))
        here = [_number(counts[component], what) for counts, what in counted if component in counts]
        lines += [entry.title, f"    licence: {entry.licence}", f"    in the app: {', '.join(here)}"]
        lines += [f"    {remark}" for remark in entry.remarks]
        lines += [*(f"    {name}" for name in _shortened(sorted([*entry.texts, *entry.written]))), ""]
    return "\n".join(lines)


def version_of_the_app() -> str:
    """Return the version of embedviz, from its source."""
    source = (ROOT / "embedviz" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if found is None:
        raise PackagingError("embedviz/__init__.py does not say which version it is.")
    return found[1]


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _shortened(names: list[str], most: int = 12) -> list[str]:
    rest = len(names) - most
    return names if rest <= 1 else [*names[:most], f"and {rest} more in the same folder"]


def _of_distribution(distribution: Distribution) -> Entry:
    name, version = distribution.metadata["Name"], distribution.version
    title = f"{name} {version}"
    folder = f"{name}-{version}"
    entry = Entry(title, _expression(distribution))
    paths = recorded(distribution)
    compiled = any(path.endswith((".so", ".pyd", ".dylib")) for path in paths)
    for path in paths:
        if (
            _holds_a_licence(path, compiled=compiled)
            and (source := Path(str(distribution.locate_file(path)))).is_file()
        ):
            entry.texts[f"{folder}/{_without_dist_info(path)}"] = source
    for text, what in MORE.get(name, {}).items():
        entry.texts[f"common/{text}"] = CARRIED / text
        entry.remarks.append(f"{text}: {what}")
    for number, source in enumerate([path for text, path in entry.texts.items() if "/sboms/" in text]):
        _add_parts(entry, f"{folder}/parts{number or ''}.txt", source)
    return entry


def _add_parts(entry: Entry, name: str, source: Path) -> None:
    """Add what is compiled in, by a wheel's own list, and the texts of the licences that this names."""
    parts = compiled_in.parts_in(source)
    for licence in sorted(compiled_in.licences_of(parts)):
        if not (CARRIED / f"{licence}.txt").is_file():
            raise PackagingError(
                f"'{source.name}' names the licence {licence}: put its text into '{CARRIED.name}'."
            )
        entry.texts[f"common/{licence}.txt"] = CARRIED / f"{licence}.txt"
    entry.written[name] = compiled_in.as_text(entry.title, source, parts)
    entry.remarks.append(
        f"{len(parts)} parts are compiled in: {name} lists them, each with its licence, and says what is missing"
    )


def _holds_a_licence(path: str, *, compiled: bool) -> bool:
    """Tell whether to copy a file; the lists of parts say something of libraries only."""
    file = PurePosixPath(path)
    named = A_LICENCE.search(file.name) and file.suffix.lower() not in NOT_A_TEXT
    return bool(named or ".dist-info/licenses/" in path or (compiled and ".dist-info/sboms/" in path))


def _without_dist_info(path: str) -> str:
    return re.sub(r"^[^/]+\.dist-info/(licenses/)?", "", path)


def _expression(distribution: Distribution) -> str:
    """Return what a distribution calls its licence: newer, older and oldest way of saying it."""
    metadata = distribution.metadata
    said = next((metadata[key].strip() for key in ("License-Expression", "License") if key in metadata), "")
    if said and "\n" not in said:
        return said
    classes = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if "License ::" in line]
    return ", ".join(classes) or "see the files"


def _of_python() -> Entry:
    version = ".".join(map(str, sys.version_info[:3]))
    return Entry(f"Python {version}", "PSF-2.0, and those of what it incorporates", _pythons_texts())


def _pythons_texts() -> dict[str, Path]:
    """Return Python's own text, which lies beside its library or, on Windows, its program; and what it lacks."""
    library = Path(os.__file__).parent
    places = [library, library.parent.parent, Path(sys.base_prefix)]
    found = [path for place in places for path in sorted(place.glob("LICENSE*")) if path.is_file()]
    if not found:
        return {}
    bundled = sorted(Path(sys.base_prefix, "licenses").glob("*.txt"))  # some builds of Python bring these
    texts = {f"Python/{path.name}": path for path in [found[0], *bundled]}
    return texts | {"Python/incorporated.txt": CARRIED / "Python-incorporated.txt"}


def _of_package(package: str) -> Entry:
    source = debian.copyright_of(package)
    title = f"{package} {debian.version(package)} (Debian or Ubuntu package)"
    if source is None:
        return Entry(title, "")
    text = source.read_text(encoding="utf-8", errors="replace")
    entry = Entry(title, debian.licence_of(package, text), {f"system/{package}.txt": source})
    entry.remarks.append(f"source: the package {' '.join(debian.source_of(package))} of Debian or Ubuntu")
    for name in sorted(debian.common_licences(text)):
        carried = CARRIED / f"{name}.txt"
        entry.texts[f"common/{name}.txt"] = carried if carried.exists() else debian.COMMON / name
    return entry


if __name__ == "__main__":
    sys.exit(run(main))
