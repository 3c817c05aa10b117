"""Everything in the app has its licence beside it, and what has none does not get by."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from build_tools import run_tool, tool, write_app

licences, origins, bundle_tool = tool("licences"), tool("origins"), tool("bundle")
compiled_in, debian = tool("compiled_in"), tool("debian")


@pytest.fixture(scope="module")
def installed():
    return origins.Installed()


def gather(app: Path, installed) -> str:
    """Gather the licences of an app; return its index."""
    licences.gather(bundle_tool.Bundle(app), installed)
    return (app / "licences" / "INDEX.txt").read_text(encoding="utf-8")


def entry(index: str, start: str) -> str:
    """Return what the index says of one component."""
    (found,) = [part for part in index.split("\n\n") if part.startswith(start)]
    return found


def entry_file(index: str, start: str, base: Path) -> Path:
    """Return the first text that the index names for a component."""
    (line,) = [line for line in entry(index, start).splitlines() if "/COPYING" in line]
    return base / "app" / "licences" / line.strip()


def test_modules_in_the_program_are_traced_to_their_distributions(tmp_path: Path, installed) -> None:
    modules = [
        "json",
        "embedviz.cli",
        "numpy.linalg",
        "numpy",
        "tokenizers",
        "pyi_rth_inspect",
        "_sysconfigdata__x",
    ]
    index = gather(write_app(tmp_path / "app", {}, modules), installed)
    numpy = entry(index, f"numpy {version('numpy')}")
    assert "2 modules" in numpy
    assert f"numpy-{version('numpy')}/LICENSE.txt" in numpy
    assert "OpenBLAS" in (tmp_path / "app/licences" / f"numpy-{version('numpy')}" / "LICENSE.txt").read_text()
    assert "in the app: 2 modules" in entry(index, "Python ")
    assert "Bootloader Exception" in (tmp_path / entry_file(index, "pyinstaller ", tmp_path)).read_text()
    assert "\n\nembedviz 0" not in index  # its own licence is LICENSE.txt


def test_what_the_makers_left_out_is_carried(tmp_path: Path, installed) -> None:
    app = write_app(
        tmp_path / "app", {"PySide6/Qt/lib/libQt6Core.so.6": b""}, ["tokenizers", "torch.nn", "shiboken6"]
    )
    index = gather(app, installed)
    qt = entry(index, "PySide6_Essentials ")
    for name in ("LGPL-3", "GPL-3", "Replacing-Qt", "Qt-third-parties", "ICU"):
        assert f"common/{name}.txt" in qt
        assert (app / "licences" / "common" / f"{name}.txt").stat().st_size > 500
    assert "LGPL-3.0-only" in qt
    assert "common/Apache-2.0.txt" in entry(index, "tokenizers ")
    assert "common/Intel-MKL.txt" in entry(index, "torch ")
    assert "common/GCC-runtime.txt" in entry(index, "torch ")


def test_every_carried_text_is_used(installed) -> None:
    used = {name for texts in licences.MORE.values() for name in texts} | {"Python-incorporated.txt"}
    compiled = licences.describe(origins.Component("distribution", "tokenizers"), installed)
    used |= {Path(text).name for text in compiled.texts if text.startswith("common/")}
    assert used == {path.name for path in licences.CARRIED.iterdir()}


def test_what_is_compiled_into_tokenizers_is_listed_with_its_licences(tmp_path: Path, installed) -> None:
    app = write_app(tmp_path / "app", {"tokenizers/tokenizers.abi3.so": b""}, ["tokenizers"])
    said = entry(gather(app, installed), "tokenizers ")
    name = f"tokenizers-{version('tokenizers')}/parts.txt"
    assert f"parts are compiled in: {name} lists them" in said
    listed = (app / "licences" / name).read_text(encoding="utf-8")
    parts = compiled_in.parts_in(next((app / "licences").rglob("*.cyclonedx.json")))
    assert len(parts) > 50
    for part in parts:
        assert f"\n{part.name} {part.version}: {part.licence}\n" in listed
    assert {"MIT", "Apache-2.0", "BSD-2-Clause"} <= compiled_in.licences_of(parts)
    for licence in compiled_in.licences_of(parts):
        assert f"common/{licence}.txt" in said
        assert (app / "licences" / "common" / f"{licence}.txt").stat().st_size > 300
    assert "WHAT IS MISSING: the makers do not pass on the copyright notices" in listed


def write_parts(path: Path, *components: dict[str, object]) -> Path:
    path.write_text(json.dumps({"components": list(components)}), encoding="utf-8")
    return path


def test_a_parts_licence_is_read_in_each_way_that_lists_say_it(tmp_path: Path) -> None:
    ways = {
        "none": None,
        "expression": [{"expression": "(MIT  OR Apache-2.0) AND Unicode-3.0"}],
        "ids": [{"license": {"id": "MIT"}}, {"license": {"name": "Zlib"}}],
    }
    components = ({"name": name, "licenses": way} for name, way in ways.items())
    parts = compiled_in.parts_in(write_parts(tmp_path / "list.json", *components))
    said = {part.name: part.licence for part in parts}
    assert said == {"none": "not said", "expression": "(MIT OR Apache-2.0) AND Unicode-3.0", "ids": "MIT AND Zlib"}
    assert compiled_in.licences_of(parts) == {"MIT", "Apache-2.0", "Unicode-3.0", "Zlib"}


@pytest.mark.parametrize("text", ["{", "[]", '{"components": [{}]}', '{"components": [7]}'])
def test_a_list_that_cannot_be_read_stops_the_build(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(bundle_tool.PackagingError, match=r"list\.json' is no list of parts"):
        compiled_in.parts_in(tmp_path / "list.json")


def test_a_licence_whose_text_nobody_has_stops_the_build(tmp_path: Path) -> None:
    source = write_parts(tmp_path / "list.json", {"name": "odd", "licenses": [{"expression": "ODD-1.0"}]})
    odd = licences.Entry("odd 1.0", "ODD-1.0")
    with pytest.raises(bundle_tool.PackagingError, match=r"'list\.json' names the licence ODD-1\.0: put its text"):
        licences._add_parts(odd, "odd/parts.txt", source)


def test_files_are_traced_by_their_places(tmp_path: Path, installed) -> None:
    places = {
        "base_library.zip": "python",
        "python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so": "python",
        "libpython3.11.so.1.0": "python",
        "python311.dll": "python",
        "embedviz/_data/samples/fables.txt": "app",
        "VCRUNTIME140_1.dll": "microsoft",
        "torch/__init__.py": "distribution",
    }
    app = write_app(tmp_path / "app", dict.fromkeys(places, b""), [])
    files = {place: app / "_internal" / place for place in places}
    found = origins.Origins(installed).of_files(files)
    assert {place: whose and whose.kind for place, whose in found.items()} == places


def test_a_library_that_was_put_elsewhere_is_known_by_its_name_and_size(tmp_path: Path, installed) -> None:
    inside = "shiboken6/Shiboken.abi3.so"
    original = Path(str(installed.by_name["shiboken6"].locate_file(inside)))
    app = write_app(tmp_path / "app", {"Shiboken.abi3.so": original.read_bytes()}, [])
    found = origins.Origins(installed).of_files({"Shiboken.abi3.so": app / "_internal" / "Shiboken.abi3.so"})
    assert found["Shiboken.abi3.so"] == origins.Component("distribution", "shiboken6")


def test_links_are_not_counted_twice(tmp_path: Path, installed) -> None:
    files = {"torch/lib/libc10.so": b"", "libc10.so": Path("torch/lib/libc10.so")}
    index = gather(write_app(tmp_path / "app", files, []), installed)
    assert "in the app: 1 file\n" in entry(index, "torch ")


def fake_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> str:
    """Make this a Debian with one library, libodd.so.1, of this package; return its copyright file's text."""
    said = {
        "ldconfig": "\tlibodd.so.1 (libc6,x86-64) => /bin/sh",
        "dpkg": f"diversion by x from: /bin/sh\n{package}:amd64, {package}:i386: /bin/sh",
        "dpkg-query": "1.0-2 1.0-2 ",
    }
    source = 'case "$*" in *source:*) echo "oddsource 1.0-1"; exit ;; esac'  # which was built anew as 1.0-2
    for name, words in said.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{source}\necho '{words}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    common, doc = tmp_path / "common", tmp_path / "doc"
    text = f"Files: *\nLicense: LGPL-2.1+\n\nFiles: debian/*\nLicense: GPL-3\n\nThe text is in {common}/ODD-3.\n"
    for path, content in ((common / "ODD-3", "the odd licence"), (doc / package / "copyright", text)):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    monkeypatch.setattr(debian, "COMMON", common)
    monkeypatch.setattr(debian, "DOC", doc)
    return text


def test_a_library_of_the_system_brings_its_packages_copyright(tmp_path: Path, installed, monkeypatch) -> None:
    text = fake_debian(tmp_path, monkeypatch, "libodd1")
    app = write_app(tmp_path / "app", {"libodd.so.1": b"changed by strip"}, [])
    odd = entry(gather(app, installed), "libodd1 1.0-2 ")
    assert "licence: LGPL-2.1+\n" in odd
    assert "source: the package oddsource 1.0-1 of Debian or Ubuntu\n" in odd
    assert (app / "licences" / "common" / "ODD-3.txt").read_text() == "the odd licence"
    assert (app / "licences" / "system" / "libodd1.txt").read_text() == text


COPYRIGHTS = {
    "libuuid1: the library's folder": (
        "Files: *\nLicense: GPL-2+\n\nFiles: libuuid/*\n libuuid/man/*\nLicense: BSD-3-clause\n",
        "BSD-3-clause",
    ),
    "libsys0: one file of that folder says nothing of the rest": (
        "Files: *\nLicense: LGPL-2.1+\n\nFiles: src/libsys/table.c\nLicense: public-domain\n",
        "of the source package, of which this is a part: LGPL-2.1+, public-domain",
    ),
    "libfour4-1: all others are for programs and tests": (
        "Files: *\nLicense: BSD-2-clause\n\nFiles: programs/a.c\n lib/dll/example/b.c\nLicense: GPL-2+\n",
        "BSD-2-clause",
    ),
    "liblz5: a sentence says it": (
        "License:\n - liblz is in the public domain.\n\nFiles: *\nLicense: PD\n\nFiles: x.c\nLicense: GPL-2\n",
        "public domain",
    ),
    "libold1: for people alone": ("This package was debianized by somebody.\n", "see the file"),
}


@pytest.mark.parametrize("case", COPYRIGHTS)
def test_a_librarys_own_licence_is_told_where_the_file_tells_it(case: str) -> None:
    text, licence = COPYRIGHTS[case]
    assert debian.licence_of(case.partition(":")[0], text) == licence


def test_a_library_under_the_gpl_stops_the_build(tmp_path: Path, installed, monkeypatch) -> None:
    fake_debian(tmp_path, monkeypatch, "libreadline8")
    app = write_app(tmp_path / "app", {"libodd.so.1": b""}, [])
    with pytest.raises(bundle_tool.PackagingError, match=r"libreadline8 is under the GPL.*: cut 'readline'\."):
        gather(app, installed)
    assert not (app / "licences").exists()


def test_what_is_from_nobody_is_named_and_stops_the_build(tmp_path: Path) -> None:
    files = {"data/odd.bin": b"?", "libnobody_knows.so.7": b"?", "base_library.zip": b""}
    app = write_app(tmp_path / "app", files, ["json", "a_module_from_nowhere.part"])
    (app / "licences").mkdir()
    (app / "licences" / "old.txt").write_text("of an earlier build")
    ended = run_tool("licences", app)
    assert ended.returncode == 1
    assert ended.stdout == ""
    named = [line.strip() for line in ended.stderr.splitlines() if line.startswith("  ")]
    assert named == ["data/odd.bin", "libnobody_knows.so.7", "the module a_module_from_nowhere.part"]
    assert "Traceback" not in ended.stderr
    assert not (app / "licences").exists()


def test_a_stray_file_beside_the_program_stops_the_build_too(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {}, [])
    (app / "notes.txt").write_text("left here")
    ended = run_tool("licences", app)
    assert ended.returncode == 1
    assert "'notes.txt' is in the app, but PyInstaller did not make it." in ended.stderr


def test_a_distribution_without_a_licence_stops_the_build(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name, file in (("bare", "METADATA"), ("good", "licenses/LICENSE")):
        info = site / f"{name}-1.0.dist-info"
        (info / file).parent.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n")
        (info / file).write_text((info / file).read_text() if (info / file).exists() else "do what you like")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}-1.0.dist-info/{file},,\n")
    pyinstaller = Path(str(origins.Installed().by_name["pyinstaller"].locate_file("")))
    app = write_app(tmp_path / "app", {}, ["bare", "good"])
    with pytest.raises(bundle_tool.PackagingError, match=r":\n  bare 1\.0\n"):
        gather(app, origins.Installed([str(site), str(pyinstaller)]))


def test_gathering_again_starts_anew(tmp_path: Path, installed) -> None:
    app = write_app(tmp_path / "app", {}, ["numpy"])
    first = gather(app, installed)
    (app / "licences" / "left-over.txt").write_text("of what was cut")
    assert gather(app, installed) == first
    assert not (app / "licences" / "left-over.txt").exists()


def test_no_app_is_said_in_a_sentence(tmp_path: Path) -> None:
    ended = run_tool("licences", tmp_path / "none")
    assert ended.returncode == 1
    assert "build the app first, with 'make app'." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_real_build_is_traced_as_a_whole(tmp_path: Path, installed) -> None:
    script = tmp_path / "hello.py"
    script.write_text("import json, ssl, sqlite3, pluggy, psutil\n")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--distpath", tmp_path / "dist", "--workpath"]
    command += [tmp_path / "work", "--specpath", tmp_path, script]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    index = gather(tmp_path / "dist" / "hello", installed)
    for start in ("pluggy ", "psutil ", "pyinstaller ", "Python "):
        assert "in the app: " in entry(index, start)
