"""Texts of any file: the columns of a table, or the lines of a text file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pluralign.sources.file_opening import encoding_of, read_text_lines
from pluralign.sources.limits import ReadLimits
from pluralign.sources.row_files import BLANK_LINE, RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow, Row, require_columns

_TEXT = "text"


def read_texts(path: Path, policy: RowPolicy, columns: Sequence[str] = ()) -> Iterator[str]:
    """Stream the texts of a file: all of the first column, then all of the next.

    Args:
        path: A ``.txt`` file with a text in each line, or JSON Lines, JSON, CSV or Parquet.
        policy: The policy for bad rows, with the tally.
        columns: Columns that contain texts; ``text`` where none is named.

    Raises:
        InvalidInput: If the file or a row cannot be read, or a cell is not a text.
        NotEnoughData: If there are no rows.
    """
    if path.name.lower().endswith(".txt"):
        yield from _lines(path, policy)
        return
    for column in columns or (_TEXT,):
        for number, row in read_rows(path, policy):
            try:
                text = _text(row, column)
            except BadRow as bad:
                policy.refuse(bad, location(path, number))
            else:
                policy.tally.kept += 1
                yield text


def _lines(path: Path, policy: RowPolicy) -> Iterator[str]:
    limits = ReadLimits.from_environment()
    for line in read_text_lines(path, encoding_of(path), limits):
        if text := line.rstrip("\r\n"):
            policy.tally.read += 1
            policy.tally.kept += 1
            yield text
        else:
            policy.tally.note(BLANK_LINE)


def _text(row: Row, column: str) -> str:
    require_columns(row, (column,))
    text = row[column]
    if not isinstance(text, str):
        raise BadRow(
            f"{column} must be a text, got {type(text).__name__}", reason=f"{column} is not a text"
        )
    return text
