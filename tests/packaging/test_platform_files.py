"""What each system is told about the app: that it can be read there, and agrees with the rest of the project."""

import ast
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from embedviz import __version__

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "resources" / "packaging"
WORKFLOW = ROOT / ".github" / "workflows" / "app.yml"
ID = "org.embedviz.embedviz"
ENTRY = SOURCES / "linux" / f"{ID}.desktop"
METAINFO = SOURCES / "linux" / f"{ID}.metainfo.xml"
VERSIONS = [("0.1.0", (0, 1, 0, 0), 0), ("1.2.3rc1", (1, 2, 3, 0), 2), ("2.0", (2, 0, 0, 0), 0)]


def load(relative: str) -> ModuleType:
    """Import a file of resources/packaging, as build_app.spec does."""
    module = ModuleType(Path(relative).stem)
    exec(compile((SOURCES / relative).read_text(encoding="utf-8"), relative, "exec"), module.__dict__)
    return module


# ---- Linux


@pytest.fixture
def entry() -> ConfigParser:
    parser = ConfigParser(interpolation=None, delimiters="=", strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # its way to say: keys as they are written
    parser.read_string(ENTRY.read_text(encoding="utf-8"))
    return parser


def test_the_menu_entry_says_what_menus_ask(entry: ConfigParser) -> None:
    main = entry["Desktop Entry"]
    assert main["Type"] == "Application"
    assert main["Name"] == "embedviz"
    assert main["StartupWMClass"] == "embedviz"
    assert main["StartupNotify"] == "true"
    assert main["Terminal"] == "false"
    assert main["Icon"] == ID
    assert main["MimeType"] == "text/plain;"
    assert main["Categories"] == "Education;ArtificialIntelligence;"
    assert main["Keywords"].endswith(";")
    assert main["Comment"]


def test_the_menu_entry_runs_the_program_that_install_sh_looks_for(entry: ConfigParser) -> None:
    assert entry["Desktop Entry"]["TryExec"] == "embedviz"
    assert entry["Desktop Entry"]["Exec"] == "embedviz %f"
    actions = entry["Desktop Entry"]["Actions"].split(";")[:-1]
    assert entry.sections() == ["Desktop Entry", *(f"Desktop Action {name}" for name in actions)]
    assert entry["Desktop Action safe-mode"]["Exec"] == "embedviz --safe-mode"


@pytest.fixture
def metainfo() -> ElementTree.Element:
    return ElementTree.parse(METAINFO).getroot()


def test_the_newest_release_of_the_metainfo_is_the_changelogs_and_this(
    metainfo: ElementTree.Element,
) -> None:
    newest = metainfo.find("releases/release")
    changed = re.search(r"^## (\S+), (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert changed is not None
    assert newest.get("version") == __version__ == changed[1]
    if changed[2] == "unreleased":
        assert newest.get("type") == "development"
    else:
        assert (newest.get("type"), newest.get("date")) == ("stable", changed[2])


def test_the_metainfo_agrees_with_the_menu_entry(metainfo: ElementTree.Element, entry: ConfigParser) -> None:
    main = entry["Desktop Entry"]
    assert metainfo.get("type") == "desktop-application"
    assert metainfo.findtext("id") == ID
    assert metainfo.findtext("launchable") == ENTRY.name
    assert metainfo.findtext("summary") == main["Comment"]
    assert metainfo.findtext("provides/mediatype") == main["MimeType"].rstrip(";")
    assert [each.text for each in metainfo.findall("categories/category")] == main["Categories"].split(";")[:-1]
    assert metainfo.findtext("project_license") == metainfo.findtext("metadata_license") == "MIT"
    assert metainfo.find("content_rating") is not None


def validated(program: str, package: str, *arguments: str | Path) -> str:
    """Return what a validator says, which has to be there."""
    found = shutil.which(program)
    assert found, f"{program} is missing: on Debian or Ubuntu, 'apt-get install {package}' as root."
    ended = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the validators are for Linux")


@pytest.mark.slow
@on_linux
def test_the_desktops_validator_accepts_the_menu_entry() -> None:
    said = validated("desktop-file-validate", "desktop-file-utils", ENTRY)
    assert said == ""


@pytest.mark.slow
@on_linux
def test_appstreams_validator_accepts_the_metainfo() -> None:
    said = validated("appstreamcli", "appstream", "validate", "--no-net", "--pedantic", METAINFO)
    hints = [line for line in said.splitlines() if re.match("[EWIP]: ", line)]
    assert [line for line in hints if "unknown-tag developer" not in line] == []  # versions before 1.0 know it not


# ---- Windows


def numbers_of(text: str) -> dict[str, Any]:
    """Return what a VSVersionInfo says, by names of its calls and strings."""
    (call,) = [node.value for node in ast.parse(text).body if isinstance(node, ast.Expr)]
    found: dict[str, Any] = {}
    for node in ast.walk(call):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "StringStruct":
                key, value = (ast.literal_eval(argument) for argument in node.args)
                found[key] = value
            elif node.func.id == "FixedFileInfo":
                found |= {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
    return found


@pytest.mark.parametrize(("version", "numbers", "flags"), VERSIONS)
def test_explorer_is_told_the_version(version: str, numbers: tuple[int, ...], flags: int) -> None:
    said = numbers_of(load("windows/version_info.py").version_info(version))
    assert said["filevers"] == said["prodvers"] == numbers
    assert said["flags"] == flags
    assert said["FileVersion"] == said["ProductVersion"] == version
    assert said["OriginalFilename"] == "embedviz.exe"


def test_task_manager_tells_the_two_programs_apart() -> None:
    version_info = load("windows/version_info.py").version_info
    programs = [numbers_of(version_info("1.0", name)) for name in ("embedviz", "embedviz-trainer")]
    assert programs[0]["FileDescription"] != programs[1]["FileDescription"]
    assert programs[1]["OriginalFilename"] == "embedviz-trainer.exe"


READ_BY_PYINSTALLER = """
import sys, types
from PyInstaller import compat
sys.modules["pefile"], compat.win32api = types.ModuleType("pefile"), None  # both are for Windows alone
from PyInstaller.utils.win32.versioninfo import load_version_info_from_text_file
sys.stdout.buffer.write(load_version_info_from_text_file(sys.argv[1]).toRaw())
"""


def test_pyinstaller_makes_a_resource_of_the_version_information(tmp_path: Path) -> None:
    file = tmp_path / "version.txt"
    file.write_text(load("windows/version_info.py").version_info("1.2.3rc1"), encoding="utf-8")
    ended = subprocess.run([sys.executable, "-c", READ_BY_PYINSTALLER, file], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    assert "1.2.3rc1".encode("utf-16-le") in ended.stdout
    assert struct.pack("2L", 0x1_0002, 0x3_0000) in ended.stdout  # longs of this system, as PyInstaller packs them


def test_a_version_without_a_number_is_refused() -> None:
    for refuses in (load("windows/version_info.py").version_info, load("macos/plist.py").info_plist):
        with pytest.raises(ValueError, match="does not begin with a number"):
            refuses("unknown")


def directives(section: str) -> list[str]:
    text = (SOURCES / "windows" / "embedviz.iss").read_text(encoding="utf-8")
    block = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [line for line in block[1].splitlines() if line and not line.startswith(";")]


def test_the_setup_program_is_for_one_user_and_keeps_its_identity() -> None:
    setup = dict(line.split("=", 1) for line in directives("Setup"))
    assert setup["AppId"] == "{{CF39EFD6-A0A3-4BAB-A0FD-6AF4EF1A709D}"  # never to change
    assert setup["PrivilegesRequired"] == "lowest"
    assert setup["DefaultDirName"].startswith("{localappdata}")
    assert setup["ArchitecturesAllowed"] == setup["ArchitecturesInstallIn64BitMode"] == "x64compatible"
    assert setup["AppVersion"] == "{#AppVersion}"
    assert (SOURCES / "windows" / setup["SetupIconFile"]).exists()
    assert (ROOT / setup["LicenseFile"].removeprefix("{#Root}\\")).exists()


def test_the_setup_program_deletes_only_where_an_older_version_is() -> None:
    deleted = directives("InstallDelete")
    assert len(deleted) == 2
    assert all(line.endswith("; Check: HasOlderVersion") for line in deleted)
    code = "\n".join(directives("Code"))
    assert code.startswith("function HasOlderVersion: Boolean;")
    assert r"FileExists(ExpandConstant('{app}\embedviz.exe'))" in code


def test_the_setup_program_changes_nothing_but_the_users_own_registry_and_no_default() -> None:
    rows = directives("Registry")
    assert all(row.startswith("Root: HKCU; ") for row in rows)
    of_txt = [row for row in rows if "\\.txt" in row]
    assert len(of_txt) == 1
    assert "OpenWithProgids" in of_txt[0]
    assert "uninsdeletevalue" in of_txt[0]


# ---- macOS


@pytest.mark.parametrize(("version", "numbers", "flags"), VERSIONS)
def test_macos_is_told_the_version_in_numbers(version: str, numbers: tuple[int, ...], flags: int) -> None:
    said = plistlib.loads(plistlib.dumps(load("macos/plist.py").info_plist(version)))
    short = [int(part) for part in said["CFBundleShortVersionString"].split(".")]
    assert (*short, 0, 0)[:4] == numbers
    assert said["CFBundleVersion"] == said["CFBundleShortVersionString"]
    assert said["CFBundleIdentifier"] == ID


def test_macos_shows_a_window_program() -> None:
    assert load("macos/plist.py").info_plist("1.0")["LSBackgroundOnly"] is False


def test_macos_offers_the_app_for_texts_and_makes_it_no_default() -> None:
    (kind,) = load("macos/plist.py").info_plist("1.0")["CFBundleDocumentTypes"]
    assert kind["LSItemContentTypes"] == ["public.plain-text"]
    assert (kind["CFBundleTypeRole"], kind["LSHandlerRank"]) == ("Viewer", "Alternate")


def test_the_hardened_runtime_allows_two_things_and_codesign_can_read_which() -> None:
    text = (SOURCES / "macos" / "entitlements.plist").read_bytes()
    ElementTree.fromstring(text)  # codesign is as strict: no two hyphens in a comment
    assert plistlib.loads(text) == {
        "com.apple.security.cs.allow-unsigned-executable-memory": True,
        "com.apple.security.cs.disable-library-validation": True,
    }


# ---- all three


@pytest.mark.parametrize("system", ["linux", "windows", "macos"])
def test_the_readme_of_each_system_has_room_for_what_finish_fills_in(system: str) -> None:
    text = (SOURCES / system / "README.txt").read_text(encoding="utf-8")
    assert re.findall(r"{(.*?)}", text) == ["version", "requires"]
    assert "0.1.0" in text.format(version="0.1.0", requires="a computer")
    assert max(map(len, text.splitlines())) <= 100
    for word in ("START", "REMOVE", "--safe-mode", "--self-test", "crashes", "LGPL"):
        assert word in text


@pytest.fixture
def job() -> Any:
    return yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["app"]


def test_the_workflow_builds_tests_and_packs_on_three_systems(job: Any) -> None:
    systems = {row["system"]: row["runner"].split("-")[0] for row in job["strategy"]["matrix"]["include"]}
    assert systems == {"linux": "ubuntu", "windows": "windows", "macos": "macos"}
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert commands.index("make install") < commands.index("make app ") < commands.index("make app-archive")
    uploads = {step["with"]["name"]: step for step in job["steps"] if "upload-artifact" in step.get("uses", "")}
    assert list(uploads) == ["self-test-${{ matrix.system }}", "embedviz-${{ matrix.system }}"]
    assert uploads["self-test-${{ matrix.system }}"]["if"] == "always()"
    assert job["timeout-minutes"] <= 60


def test_the_workflow_may_only_read_and_pins_what_it_uses(job: Any) -> None:
    whole = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert whole["permissions"] == {"contents": "read"}
    assert whole[True] == {"push": {"tags": ["v*"]}, "workflow_dispatch": None}  # YAML takes `on` for true
    assert job["env"] == {"TORCH_INDEX": "${{ vars.TORCH_INDEX }}"}
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)


def test_no_packaging_file_names_an_address() -> None:
    written_here = [path for system in ("linux", "windows", "macos") for path in (SOURCES / system).iterdir()]
    texts = [path for path in written_here if path.suffix not in (".ico", ".icns")]
    for path in [*texts, SOURCES / "README.md", WORKFLOW, ROOT / "RELEASING.md"]:
        found = re.findall(r"https?://\S*|\bpypi\b|\S*\.(?:org|com|io)/\S*", path.read_text(encoding="utf-8"))
        assert found == [], path
