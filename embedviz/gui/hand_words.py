"""What was changed by hand, read from a run's edits: which cells, which rows, and how that is said."""

from collections.abc import Sequence

from embedviz.analysis.figures import counted, figure
from embedviz.edits import HandEdit

Cell = tuple[int, int]  # a token's row, and a column


def changed_cells(edits: Sequence[HandEdit], table: str = "token") -> dict[Cell, HandEdit]:
    """Return the last edit of each cell of `table` that hands changed, by row and column.

    One that ended at the number it began with, as a drag that is called off does, changed nothing.
    """
    cells: dict[Cell, HandEdit] = {}
    for edit in edits:
        if edit.kind == "cell" and edit.table == table and edit.value != edit.before:
            cells[edit.row, edit.column] = edit
    return cells


def frozen_rows(edits: Sequence[HandEdit], table: str = "token") -> frozenset[int]:
    """Return the rows of `table` that are frozen now: freezing and thawing in order."""
    rows: set[int] = set()
    for edit in edits:
        if edit.table == table and edit.kind == "freeze":
            rows.add(edit.row)
        elif edit.table == table and edit.kind == "thaw":
            rows.discard(edit.row)
    return frozenset(rows)


def once_frozen_rows(edits: Sequence[HandEdit], table: str = "token") -> frozenset[int]:
    """Return the rows that were frozen while steps were taken, and are not any more."""
    since: dict[int, int] = {}
    once: set[int] = set()
    for edit in edits:
        if edit.table == table and edit.kind == "freeze":
            since.setdefault(edit.row, edit.step)
        elif edit.table == table and edit.kind == "thaw" and since.pop(edit.row, edit.step) < edit.step:
            once.add(edit.row)
    return frozenset(once) - frozen_rows(edits, table)


def edits_in_words(edits: Sequence[HandEdit], labels: Sequence[str] = ()) -> str:
    """Return "2 cells changed, row ‘e’ frozen by hand"; "" for a run that is as if no hand had touched it.

    Without `labels` (by id) rows are said by their numbers.
    """
    parts = []
    if cells := changed_cells(edits):
        parts.append(f"{counted(len(cells), 'cell')} changed")
    for rows, how in ((frozen_rows(edits), "frozen"), (once_frozen_rows(edits), "frozen for a while")):
        if len(rows) == 1:
            parts.append(f"row {short_name(min(rows), labels)} {how}")
        elif rows:
            parts.append(f"{len(rows):,} rows {how}")
    return f"{', '.join(parts)} by hand" if parts else ""


def edit_in_words(edit: HandEdit, labels: Sequence[str], columns: Sequence[str] | None) -> str:
    """Return "row ‘e’, column ‘␣’, +3.20 → +5.00", or "row ‘e’ frozen"; columns without names are numbered."""
    row = f"row {short_name(edit.row, labels)}"
    if edit.kind != "cell":
        return f"{row} {'frozen' if edit.kind == 'freeze' else 'thawed'}"
    return f"{row}, column {short_name(edit.column, columns or ())}, {from_to(edit.before, edit.value)}"


def from_to(before: float, after: float) -> str:
    """Return "+3.20 → +5.00", with as many digits as it takes to differ; a number once if it stayed."""
    for digits in range(3, 10):
        first, second = (figure(value, signed=True, digits=digits) for value in (before, after))
        if first != second:
            return f"{first} → {second}"
    return figure(after, signed=True)


def row_name(row: int, labels: Sequence[str]) -> str:
    """Return "row 43 ‘e’"."""
    return f"row {row} ‘{labels[row]}’" if row < len(labels) else f"row {row}"


def short_name(index: int, labels: Sequence[str]) -> str:
    """Return ‘e’, or the number of what has no name."""
    return f"‘{labels[index]}’" if 0 <= index < len(labels) else str(index)
