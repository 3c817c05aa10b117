"""What was changed by hand, read from a run's edits: which cells, which rows, and how that is said."""

from collections.abc import Sequence

from embedviz.analysis.figures import counted, figure
from embedviz.edits import HandEdit

Cell = tuple[int, int]  # a row of a table, a token's or a position's, and a column
TABLES = ("token", "position")  # that a model may have; the first has a row for each token


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
    if cells := sum(len(changed_cells(edits, table)) for table in TABLES):
        parts.append(f"{counted(cells, 'cell')} changed")
    for find, how in ((frozen_rows, "frozen"), (once_frozen_rows, "frozen for a while")):
        rows = [(table, row) for table in TABLES for row in find(edits, table)]
        if len(rows) == 1:
            parts.append(f"{_row_in_words(*rows[0], labels)} {how}")
        elif rows:
            parts.append(f"{len(rows):,} rows {how}")
    return f"{', '.join(parts)} by hand" if parts else ""


def edit_in_words(edit: HandEdit, labels: Sequence[str], columns: Sequence[str] | None) -> str:
    """Return "row ‘e’, column ‘␣’, +3.20 → +5.00", or "row ‘e’ frozen"; columns without names are numbered."""
    row = _row_in_words(edit.table, edit.row, labels)
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


def row_name(row: int, labels: Sequence[str], table: str = "token") -> str:
    """Return "row 43 ‘e’"; of the table of positions "position 43"."""
    if table == "position":
        return f"position {row}"
    return f"row {row} ‘{labels[row]}’" if row < len(labels) else f"row {row}"


def short_name(index: int, labels: Sequence[str]) -> str:
    """Return ‘e’, or the number of what has no name."""
    return f"‘{labels[index]}’" if 0 <= index < len(labels) else str(index)


def _row_in_words(table: str, row: int, labels: Sequence[str]) -> str:
    return row_name(row, labels, table) if table == "position" else f"row {short_name(row, labels)}"
