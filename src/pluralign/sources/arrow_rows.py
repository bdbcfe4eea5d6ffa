"""Rows of a folder that ``datasets.Dataset.save_to_disk`` wrote."""

from collections.abc import Iterator
from pathlib import Path

from pluralign.core import InvalidInput, parse_json
from pluralign.sources.limits import ReadLimits
from pluralign.sources.row_batches import GivenBatch, RowBatch

_STATE, _SPLITS = "state.json", "dataset_dict.json"
_ROWS = 64


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder was written by ``save_to_disk``, of one split or of several."""
    return (path / _STATE).is_file() or (path / _SPLITS).is_file()


def saved_batches(path: Path, limits: ReadLimits) -> Iterator[RowBatch]:
    """Stream the rows of a saved data set, each with its number from 1.

    Raises:
        InvalidInput: If it has several splits, is damaged or exceeds a limit.
    """
    import pyarrow

    number = 0
    for file in _files(path):
        try:
            with pyarrow.memory_map(str(file)) as raw, pyarrow.ipc.open_stream(raw) as stream:
                for batch in stream:
                    limits.check_row(batch.nbytes // max(batch.num_rows, 1), str(file))
                    for start in range(0, batch.num_rows, _ROWS):
                        rows = batch.slice(start, _ROWS).to_pylist()
                        yield GivenBatch(range(number + 1, number + 1 + len(rows)), rows)
                        number += len(rows)
        except (pyarrow.ArrowException, OSError) as error:
            raise InvalidInput(
                f"not a sound Arrow file: {error}", where=str(file), hint="save it again"
            ) from error


def _files(path: Path) -> list[Path]:
    name = _STATE if (path / _STATE).is_file() else _SPLITS
    try:
        state = parse_json((path / name).read_bytes())
        if name == _SPLITS:
            splits = [str(split) for split in state["splits"]]
        else:
            files = [path / Path(entry["filename"]).name for entry in state["_data_files"]]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InvalidInput(
            f"{name} cannot be read", where=str(path), hint="save the data set again"
        ) from error
    if name == _SPLITS:
        raise InvalidInput(
            f"the data set must be one split, got {', '.join(splits)}",
            where=str(path),
            hint=f"name one of them: {path / splits[0]}" if splits else "save a split",
        )
    return files
