"""Rows of Parquet files, a few at a time."""

from collections.abc import Iterator
from pathlib import Path

from pluralign.core import InvalidInput
from pluralign.sources.fields import BadRow, Row
from pluralign.sources.limits import ReadLimits

_BATCH = 64


def parquet_rows(path: Path, limits: ReadLimits) -> Iterator[tuple[int, Row | BadRow | None]]:
    """Stream the rows of a Parquet file, each with its number from 1.

    Raises:
        InvalidInput: If the file is damaged or exceeds a limit.
    """
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            limits.check_rows(file.metadata.num_rows, path)
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput(f"not a sound Parquet file: {error}", where=str(path), hint="fetch it again") from error
