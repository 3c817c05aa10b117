"""What is compiled into a wheel's library, by the list (an SBOM in CycloneDX's JSON) that the wheel brings."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from bundle import PackagingError

NOT_SAID = "not said"
INTRODUCTION = """\
What is compiled into {title}, as the list {source} of its makers says

Where a licence offers a choice, it is used under any of those offered. The texts of all the licences are in the
folder `common`, by their names here.

WHAT IS MISSING: the makers do not pass on the copyright notices of these parts, and so they are not here either.
The authors below stand in their place, where the list names any; the notices are in each part's source, which is
published under its name and version. The list may not name what a part brings along itself in another language.
"""


@dataclass(frozen=True, order=True)
class Part:
    """One part, with its licence as an SPDX expression, and its authors; "" if the list names none."""

    name: str
    version: str
    licence: str
    authors: str


def parts_in(source: Path) -> list[Part]:
    """Return the parts that a list names, by name. Raises PackagingError if it cannot be read."""
    try:
        listed = json.loads(source.read_text(encoding="utf-8"))["components"]
        return sorted(
            Part(each["name"], each.get("version", ""), _licence(each), _authors(each)) for each in listed
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackagingError(f"'{source}' is no list of parts that can be read.") from error


def licences_of(parts: list[Part]) -> set[str]:
    """Return the names of all licences and exceptions in the parts' expressions."""
    words = {word for part in parts if part.licence != NOT_SAID for word in re.findall(r"[\w.+-]+", part.licence)}
    return words - {"AND", "OR", "WITH"}


def as_text(title: str, source: Path, parts: list[Part]) -> str:
    """Return a list of the parts for people."""
    lines = [INTRODUCTION.format(title=title, source=source.name)]
    for part in parts:
        lines.append(f"{part.name} {part.version}: {part.licence}")
        lines += [f"    by {part.authors}"] if part.authors else []
    return "\n".join(lines) + "\n"


def _licence(component: dict[str, object]) -> str:
    """Return the SPDX expression of a component, whichever of three ways it is said in."""
    said = []
    for each in component.get("licenses") or []:  # type: ignore[attr-defined]
        licence = each.get("license", {})
        said.append(each.get("expression") or licence.get("id") or licence.get("name"))
    return " AND ".join(" ".join(name.split()) for name in said if name) or NOT_SAID


def _authors(component: dict[str, object]) -> str:
    return " ".join(str(component.get("author") or "").split())
