"""TextSource: where the text of a run came from, as far as a command or a script can say it."""

from dataclasses import dataclass
from typing import Literal

UNSAVED = "text.txt"
"""The file that commands and scripts name for a text that is in none."""


@dataclass(frozen=True)
class TextSource:
    """A file on this computer, a sample that ships with the app, or a text that was pasted or written."""

    kind: Literal["file", "sample", "text"] = "text"
    path: str = ""  # of a file, or of that of a sample
    name: str = ""  # of a sample as the catalogue has it, else what the window calls the text
    per_line: bool = False  # read as a list of items, one a line
    encoding: str = "UTF-8"  # of a file, as Corpus.encoding says it
