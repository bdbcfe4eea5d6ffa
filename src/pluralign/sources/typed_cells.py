"""Read the cells of a row by their type, with errors for a cell of another type."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pluralign.core import InvalidInput, Tally, cell_id, cell_number, consent_problem, is_missing

Row = Mapping[str, object]

_SHOWN_COLUMNS = 20
_SHOWN_LETTERS = 40
_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+$"
"""Numbers such as "1,234", whose comma may be a decimal comma."""


class SemicolonRow(dict[str, object]):
    """A row of a CSV file with semicolons between cells, whose numbers have decimal commas."""


class BadRow(ValueError):
    """A row without a column that is needed, or with a cell of the wrong type.

    Args:
        what: The fault, in one sentence.
        reason: Short reason under which it is counted.
        hint: The next step for the user, if known.
        whole_file: Whether most rows must have this fault, so that skipping rows is not advised.
    """

    def __init__(
        self, what: str, *, reason: str, hint: str | None = None, whole_file: bool = False
    ) -> None:
        super().__init__(what)
        self.what = what
        self.reason = reason
        self.hint = hint
        self.whole_file = whole_file


class UnusableRow(ValueError):
    """A valid row that makes no pair; it is always counted and is never an error."""


def require_columns(row: Row, names: tuple[str, ...]) -> None:
    """Check that a row has the columns it needs.

    Raises:
        BadRow: If one is missing; the message lists the columns found, the hint names similar ones.
    """
    missing = [name for name in names if name not in row]
    if not missing:
        return
    near = {name: near_columns(name, row) for name in missing}
    hints = [f"is {match[0]!r} meant as {name!r}?" for name, match in near.items() if match]
    columns = "column" if len(missing) == 1 else "columns"
    raise BadRow(
        f"missing {columns} {', '.join(map(repr, missing))}; found: {listed_columns(row)}",
        reason=f"missing column {', '.join(missing)}",
        hint=" ".join(hints) or None,
    )


def near_columns(name: str, columns: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Columns whose names resemble a name, the nearest first; case and blanks do not count.

    >>> near_columns("rejected", ["chosen", "Rejcted"])
    ['Rejcted']
    """
    by_plain = {_plain(column): str(column) for column in columns}
    matches = get_close_matches(_plain(name), by_plain, n=3, cutoff=cutoff)
    return [by_plain[match] for match in matches]


def listed_columns(columns: Iterable[object]) -> str:
    """Names of columns in one line of readable length.

    >>> listed_columns([f"Q{n}" for n in range(800)])[-21:]
    'Q18, Q19 and 780 more'
    """
    names = [str(name) for name in columns]
    shown = [_shortened(name) for name in names[:_SHOWN_COLUMNS]]
    rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (", ".join(shown) + rest) or "none"


def with_decimal_point(value: object, *, decimal_comma: bool = False) -> object:
    """Write the decimal comma of a number as a point; any other value is unchanged.

    Args:
        value: The value of a cell.
        decimal_comma: Whether a comma is certainly a decimal comma, as in a CSV file with
            semicolons between cells.

    Raises:
        InvalidInput: If it is like "1,234", which may be 1.234 or 1234.

    >>> with_decimal_point("0,943"), with_decimal_point("a, b")
    ('0.943', 'a, b')
    >>> with_decimal_point("1,234", decimal_comma=True)
    '1.234'
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not decimal_comma and re.match(THOUSANDS, text):
        raise InvalidInput(
            f"{text[:_SHOWN_LETTERS]!r} may be a decimal comma or thousands",
            hint="write it with a decimal point",
        )
    return text.replace(",", ".") if _COMMA.fullmatch(text) else value


def text_of(row: Row, column: str) -> str:
    """The text in a column.

    Raises:
        BadRow: If the column is missing or its cell is not text.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    require_columns(row, (column,))
    given = "nothing" if value is None else type(value).__name__
    raise BadRow(f"{column!r} must be text, got {given}", reason=f"{column} is not text")


def optional_text(row: Row, column: str) -> str | None:
    """The text in a column, or None where it is missing; see `pluralign.core.is_missing`.

    Raises:
        BadRow: If the cell is not text.
    """
    return None if is_missing(row.get(column)) else text_of(row, column)


def optional_id(row: Row, column: str) -> str | None:
    """The id in a column, as `pluralign.core.cell_id` writes it; None if missing.

    Raises:
        BadRow: If the cell is not an id.
    """
    try:
        return cell_id(row.get(column))
    except InvalidInput as error:
        raise BadRow(
            f"{column!r}: {error.what}", reason=f"{column} is not an id", hint=error.hint
        ) from error


def id_of(row: Row, column: str) -> str:
    """The id in a column that must have one, in one spelling.

    Raises:
        BadRow: If the column or its id is missing, or the cell is not an id.
    """
    found = optional_id(row, column)
    if found is None:
        require_columns(row, (column,))
        raise BadRow(
            f"{column!r} must be an id, got {row[column]!r:.60}", reason=f"{column} is missing"
        )
    return found


def optional_number(row: Row, column: str) -> float | None:
    """The number in a column, or None where it is missing.

    Raises:
        BadRow: If the cell is not a number.
    """
    decimal_comma = isinstance(row, SemicolonRow)
    try:
        return cell_number(with_decimal_point(row.get(column), decimal_comma=decimal_comma))
    except InvalidInput as error:
        raise BadRow(
            f"{column!r}: {error.what}", reason=f"{column} is not a number", hint=error.hint
        ) from error


def require_consent(row: Row) -> None:
    """Check that the rater of a row did not refuse or withdraw consent.

    Raises:
        UnusableRow: If they did; see `pluralign.core.consent_problem`.
    """
    problem = consent_problem(row)
    if problem is not None:
        raise UnusableRow(problem)


def flag_marks(row: Row, columns: tuple[str, ...], tally: Tally) -> None:
    """Count the cells that are missing because of a mark such as "nan" in them."""
    for column in columns:
        value = row.get(column)
        if value is not None and is_missing(value):
            tally.flag(f"{column} is missing: {value!r}")


def _shortened(name: str) -> str:
    return name if len(name) <= _SHOWN_LETTERS else f"{name[:_SHOWN_LETTERS]}..."


def _plain(name: object) -> str:
    return re.sub(r"[\s_-]+", "", str(name).casefold())
