"""Copies of a store, row by row: the same for SQLite and PostgreSQL, and from one to the other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, MetaData, Table, insert, select

from pluralign.core import DamagedFile

_TOGETHER = 1000
Row = Mapping[str, Any]


def copy_rows(source: Connection, target: Connection, tables: MetaData) -> dict[str, int]:
    """Copy all rows of all tables into empty tables; return their number by table.

    Args:
        source: A reading connection, which sees one state.
        target: A writing connection; the caller commits.
        tables: The tables, which exist in both.

    Raises:
        DamagedFile: If rows of a table refer to each other in a circle, or to rows that are gone.
    """
    return {table.name: _copy(source, target, table) for table in tables.sorted_tables}


def _copy(source: Connection, target: Connection, table: Table) -> int:
    count = 0
    for rows in _in_order(source, table):
        target.execute(insert(table), rows)
        count += len(rows)
    return count


def _in_order(source: Connection, table: Table) -> Iterator[Sequence[Row]]:
    """The rows of a table in blocks; a row comes after the rows of its table that it refers to."""
    own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    found = source.execute(select(table).order_by(*table.primary_key)).mappings()
    if own:
        yield from _referred_first([dict(row) for row in found], own, table.name)
    else:
        for block in found.partitions(_TOGETHER):
            yield [dict(row) for row in block]


def _referred_first(rows: list[Row], own: list[str], name: str) -> Iterator[list[Row]]:
    done: set[Any] = {None}
    while rows:
        ready = [row for row in rows if all(row[column] in done for column in own)]
        if not ready:
            raise DamagedFile(f"{len(rows)} rows of the table {name} refer to rows that are gone")
        yield ready
        done |= {row["id"] for row in ready}
        rows = [row for row in rows if row["id"] not in done]
