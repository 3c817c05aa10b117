"""What a person changes in a lookup table by hand, between two steps."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class HandEdit:
    """A cell set to `value`, or a row frozen or thawed, after `step` updates.

    `before` is what stood in the cell. Edits of one cell at one step with the same `gesture`, as a drag makes
    them, are one. Those of other steps are several, but what is undone is the gesture; 0 is none.
    """

    kind: Literal["cell", "freeze", "thaw"]
    table: str
    row: int
    column: int = -1
    value: float = 0.0
    before: float = 0.0
    step: int = -1
    gesture: int = 0

    def continues(self, last: "HandEdit") -> bool:
        """Tell whether this goes on with `last`, as a drag does, so that both are one."""
        places = [(edit.kind, edit.table, edit.row, edit.column, edit.step, edit.gesture) for edit in (self, last)]
        return self.kind == "cell" and places[0] == places[1]
