"""Rows of Parquet files, a few at a time; their size after decompression is limited."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pluralign.core import InvalidInput, parse_json
from pluralign.sources.limits import ReadLimits
from pluralign.sources.row_batches import ColumnBatch, GivenBatch, RowBatch
from pluralign.sources.typed_cells import BadRow, Row

NOTE, AS_JSON, ABSENT = b"pluralign", b"json", b"absent"
"""Key and values of a note on a column: its text is JSON; or null means that a row lacks it."""

_BATCH = 1024
_BATCH_BYTES = 64_000_000
_VALUE_BYTES = 8


def parquet_batches(path: Path, limits: ReadLimits) -> Iterator[RowBatch]:
    """Stream the rows of a Parquet file, each with its number from 1.

    Before a row is read, the footer and the headers of the dictionaries give the numbers of rows,
    values and bytes. Only a few rows are decoded together, so that a long text which is stored once
    and used by all rows cannot fill the memory.

    Raises:
        InvalidInput: If the file is damaged or exceeds a limit.
    """
    import pyarrow
    import pyarrow.parquet

    number, expanded = 0, 0
    try:
        with path.open("rb") as raw, pyarrow.parquet.ParquetFile(path) as file:
            limits.check_rows(file.metadata.num_rows, path)
            notes = _notes(file.schema_arrow)
            size = _batch_size(file.metadata, raw, path, limits)
            for batch in file.iter_batches(batch_size=size):
                expanded += batch.nbytes
                limits.check_expanded(expanded, path)
                limits.check_row(batch.nbytes // max(batch.num_rows, 1), f"{path}:{number + 1}")
                numbers = range(number + 1, number + 1 + batch.num_rows)
                number += batch.num_rows
                if notes:
                    rows = batch.to_pylist()
                    yield GivenBatch(numbers, [_without_absent(row, notes) for row in rows])
                else:
                    columns = [column.to_pylist() for column in batch.columns]
                    yield ColumnBatch(numbers, tuple(batch.schema.names), columns)
    except (pyarrow.ArrowException, OSError, OverflowError) as error:
        raise InvalidInput(
            f"not a sound Parquet file: {error}", where=str(path), hint="fetch it again"
        ) from error


def _notes(schema: Any) -> dict[str, bytes]:
    """Name of a column -> the note on it, where it has one."""
    noted = {field.name: (field.metadata or {}).get(NOTE) for field in schema}
    return {name: note for name, note in noted.items() if note in (AS_JSON, ABSENT)}


def _without_absent(row: dict[str, object], notes: Mapping[str, bytes]) -> Row | BadRow:
    """The row without columns that it lacks, and with the values of JSON."""
    for name, note in notes.items():
        if row[name] is None:
            del row[name]
        elif note == AS_JSON:
            try:
                row[name] = parse_json(str(row[name]))
            except ValueError as error:
                return BadRow(f"{name!r} is not JSON: {error}", reason=f"{name} is not JSON")
    return row


def _batch_size(metadata: Any, raw: BinaryIO, path: Path, limits: ReadLimits) -> int:
    """The number of rows to decode together.

    Raises:
        InvalidInput: If the file expands to more than the limit.
    """
    expanded, largest = 0, 1
    for group in (metadata.row_group(i) for i in range(metadata.num_row_groups)):
        dictionaries, before = 0, expanded
        for column in (group.column(i) for i in range(group.num_columns)):
            plain = max(column.total_uncompressed_size, _VALUE_BYTES * column.num_values)
            n_bytes, n_values = _dictionary(column, raw)
            dictionaries += n_bytes
            limits.check_row(n_bytes, f"{path}: the dictionary of {column.path_in_schema[:60]}")
            expanded += max(plain, column.num_values * n_bytes // n_values)
        limits.check_expanded(expanded, path)
        largest = max(largest, dictionaries, (expanded - before) // max(group.num_rows, 1))
    return max(1, min(_BATCH, _BATCH_BYTES // largest))


def _dictionary(column: Any, raw: BinaryIO) -> tuple[int, int]:
    """Bytes and number of values in the dictionary of a column; (0, 1) where it has none.

    They are in the header of the dictionary's page. The header is a Thrift struct in compact form:
    type, uncompressed size and compressed size, then the dictionary's own header, which begins with
    the number of values.
    """
    if column.physical_type != "BYTE_ARRAY" or not column.has_dictionary_page:
        return 0, 1
    raw.seek(column.dictionary_page_offset or column.data_page_offset)
    head = raw.read(64)
    position, found = 0, []
    for _ in range(3):
        value, position = _varint(head, position + 1)
        found.append(value // 2)
    n_values, _ = _varint(head, position + 2)
    return found[1], max(n_values // 2, 1)


def _varint(head: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(head):
        value |= (head[position] & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if head[position - 1] < 0x80:
            break
    return value, position
