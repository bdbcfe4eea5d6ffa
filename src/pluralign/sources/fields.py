"""What a row holds, read with care; and what to say of a row that does not hold it."""

from collections.abc import Mapping
from difflib import get_close_matches

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
    """The text in a column, or None where it is missing or null.

    Raises:
        BadRow: If the column holds something else.
    """
    return None if row.get(column) is None else text_of(row, column)


def optional_id(row: Row, column: str) -> str | None:
    """The id in a column (text or a whole number) as text, or None where it is missing or null.

    Raises:
        BadRow: If the column holds something else, or an empty text.
    """
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadRow(f"{column!r} is {value!r}, neither text nor a whole number", reason=f"{column} is not an id")
    return str(value)
