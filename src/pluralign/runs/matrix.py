"""Every steer on every community: rows that grow with the square of communities, in Parquet.

``results.jsonl`` has each community under the steer to itself, and under methods that do not steer.
It has the effects of a steer on other communities only where communities are few, or where the
settings ask for them (``matrix = true``).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile
from pluralign.evaluation import Row

MATRIX = "matrix.parquet"
SMALL = 20
"""Communities steered to, up to which ``results.jsonl`` has the full matrix."""


def is_apart(row: Row) -> bool:
    """Whether a row is the effect of a steer on a community other than the one steered to."""
    return row.steer is not None and row.steer != row.community


def table_of(rows: Iterable[Row]) -> Any:
    """The rows as a table with the columns of ``results.jsonl``; ids and names are written once."""
    import pyarrow as pa

    text, number, count = pa.dictionary(pa.int32(), pa.string()), pa.float64(), pa.int64()
    names = ("metric", "method", "steer", "community", "subset")
    schema = pa.schema(
        [(name, text) for name in names]
        + [(name, number) for name in ("value", "low", "high")]
        + [(name, count) for name in ("n", "n_raters")]
    )
    return pa.Table.from_pylist([row.as_dict() for row in rows], schema=schema)


def joined(tables: Sequence[Any]) -> Any:
    """Tables of several methods as one."""
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries()


def read_matrix(run: Path, method: str | None = None) -> list[dict[str, Any]]:
    """Rows of the matrix that are not in ``results.jsonl``; empty if the run keeps all there.

    Args:
        run: Folder of a run of reward models.
        method: Read the rows of one method only.

    Raises:
        DamagedFile: If the file is truncated or not written by pluralign.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = run / MATRIX
    if not path.is_file():
        return []
    try:
        wanted = None if method is None else [("method", "==", method)]
        rows: list[dict[str, Any]] = pq.read_table(path, filters=wanted).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(
            "truncated or not written by pluralign",
            where=str(path),
            hint="give the run's command again",
        ) from error
    return rows
