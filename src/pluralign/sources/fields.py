"""What a row holds, read with care; and what to say of a row that does not hold it."""

from collections.abc import Mapping
from difflib import get_close_matches

from pluralign.core import InvalidInput, Tally, cell_id, cell_number, consent_problem, is_missing

Row = Mapping[str, object]


class BadRow(ValueError):
    """A row that does not hold what it must.

    Args:
        what: What is wrong with it, one sentence.
        reason: Short reason to count it under.
        hint: What to do next, when known.
    """

    def __init__(self, what: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.reason = reason
        self.hint = hint


class UnusableRow(ValueError):
    """A sound row that no pair can be made from; it is always counted and never an error."""


def require_columns(row: Row, names: tuple[str, ...]) -> None:
    """Hold that a row has the columns it needs.

    Raises:
        BadRow: If one is missing; the columns found and the nearest name are told.
    """
    missing = [name for name in names if name not in row]
    if not missing:
        return
    found = [str(name) for name in row]
    near = {name: get_close_matches(name, found, n=1, cutoff=0.6) for name in missing}
    hints = [f"is {match[0]!r} meant as {name!r}?" for name, match in near.items() if match]
    raise BadRow(
        f"missing column {', '.join(map(repr, missing))}; found: {', '.join(found) or 'none'}",
        reason=f"missing column {', '.join(missing)}",
        hint=" ".join(hints) or None,
    )


def text_of(row: Row, column: str) -> str:
    """The text in a column.

    Raises:
        BadRow: If the column is missing or holds something else.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    require_columns(row, (column,))
    raise BadRow(f"{column!r} is {type(value).__name__}, not text", reason=f"{column} is not text")


def optional_text(row: Row, column: str) -> str | None:
    """The text in a column, or None where it is missing; see `pluralign.core.is_missing`.

    Raises:
        BadRow: If the column holds something else.
    """
    return None if is_missing(row.get(column)) else text_of(row, column)


def optional_id(row: Row, column: str) -> str | None:
    """The id in a column, in one spelling (see `pluralign.core.cell_id`), or None where it is missing.

    Raises:
        BadRow: If the column holds something else.
    """
    try:
        return cell_id(row.get(column))
    except InvalidInput as error:
        raise BadRow(f"{column!r}: {error.what}", reason=f"{column} is not an id", hint=error.hint) from error


def id_of(row: Row, column: str) -> str:
    """The id in a column that must have one, in one spelling.

    Raises:
        BadRow: If the column or its id is missing, or the column holds something else.
    """
    found = optional_id(row, column)
    if found is None:
        require_columns(row, (column,))
        raise BadRow(f"{column!r} must be an id, got {row[column]!r:.60}", reason=f"{column} is missing")
    return found


def optional_number(row: Row, column: str) -> float | None:
    """The number in a column, or None where it is missing.

    Raises:
        BadRow: If the column holds something else.
    """
    try:
        return cell_number(row.get(column))
    except InvalidInput as error:
        raise BadRow(f"{column!r}: {error.what}", reason=f"{column} is not a number") from error


def require_consent(row: Row) -> None:
    """Hold that nothing in a row says that its rater refused or withdrew consent.

    Raises:
        UnusableRow: If something does; see `pluralign.core.consent_problem`.
    """
    problem = consent_problem(row)
    if problem is not None:
        raise UnusableRow(problem)


def flag_marks(row: Row, columns: tuple[str, ...], tally: Tally) -> None:
    """Count the cells that were read as missing because of the mark in them: "nan" is nobody's id."""
    for column in columns:
        value = row.get(column)
        if value is not None and is_missing(value):
            tally.flag(f"{column} is missing: {value!r}")
