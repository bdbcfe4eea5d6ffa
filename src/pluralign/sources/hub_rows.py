"""Rows of a data set on the Hugging Face hub, through the ``datasets`` library."""

from pathlib import Path

from pluralign.core import InvalidInput, MissingExtra, Tally
from pluralign.sources.row_files import NumberedRows


def check_origin(path: Path | None, hub: bool, dataset: str) -> None:
    """Check that a source reads from either a path or the hub.

    Raises:
        InvalidInput: If it has neither or both.
    """
    if (path is None) != hub:
        raise InvalidInput(
            "both path and hub are set" if hub else "neither path nor hub is set",
            hint=f'give path = "...", or hub = true to fetch {dataset}',
        )


def hub_rows(dataset: str, config: str | None, tally: Tally) -> NumberedRows:
    """Stream the rows of a data set's ``train`` split; each is counted as read.

    Args:
        dataset: Its id on the hub.
        config: Name of a part of it, or None.
        tally: Where rows are counted.

    Yields:
        The row's number, from 1, and the row.

    Raises:
        MissingExtra: If the ``datasets`` library is not installed.
        InvalidInput: If the data set cannot be fetched and is not in the local cache.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra.named("hub", "datasets") from error
    try:
        table = datasets.load_dataset(dataset, config, split="train")
    except Exception as error:
        part = f" (part {config})" if config else ""
        raise InvalidInput(
            f"the data set {dataset}{part} cannot be loaded from the hub: {error}",
            hint="check the connection and your access to it, or download it and give its path",
        ) from error
    for number, row in enumerate(table, start=1):
        tally.read += 1
        yield number, row
