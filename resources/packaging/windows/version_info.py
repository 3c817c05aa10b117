"""Says what Explorer shows of embedviz.exe under Properties > Details: build_app.spec hands it to PyInstaller."""

import re

_TEMPLATE = """\
VSVersionInfo(
  ffi=FixedFileInfo(
    filevers={numbers},
    prodvers={numbers},
    mask=0x3F,
    flags={flags:#x},
    OS=0x40004,
    fileType=0x1,
    subtype=0x0,
    date=(0, 0),
  ),
  kids=[
    StringFileInfo([
      StringTable("040904B0", [
        StringStruct("CompanyName", "The embedviz authors"),
        StringStruct("FileDescription", "{description}"),
        StringStruct("FileVersion", "{version}"),
        StringStruct("InternalName", "{name}"),
        StringStruct("LegalCopyright", "MIT licence, The embedviz authors"),
        StringStruct("OriginalFilename", "{name}.exe"),
        StringStruct("ProductName", "embedviz"),
        StringStruct("ProductVersion", "{version}"),
      ]),
    ]),
    VarFileInfo([VarStruct("Translation", [0x0409, 1200])]),
  ],
)
"""
_PRE_RELEASE = 0x2  # VS_FF_PRERELEASE
_DESCRIPTIONS = {"embedviz": "embedviz", "embedviz-trainer": "embedviz (trains the model)"}


def version_info(version: str, name: str = "embedviz") -> str:
    """Return the text of a VSVersionInfo for the program `name`, which PyInstaller's EXE(version=FILE) reads.

    Windows takes four numbers: those of the release are the first three, so that 1.2.3rc1 is (1, 2, 3, 0) with
    the flag of a pre-release. Task Manager shows the description. Raises ValueError if `version` has no number.
    """
    found = re.match(r"\d+(\.\d+)*", version)
    if found is None:
        raise ValueError(f"'{version}' does not begin with a number.")
    numbers = [int(part) for part in found[0].split(".")][:3]
    numbers += [0] * (4 - len(numbers))
    return _TEMPLATE.format(
        numbers=tuple(numbers),
        flags=_PRE_RELEASE if re.match(r"[.\-_]?(a|b|c|rc|alpha|beta|pre|dev)", version[found.end() :]) else 0,
        description=_DESCRIPTIONS.get(name, name),
        name=name,
        version=version,
    )
