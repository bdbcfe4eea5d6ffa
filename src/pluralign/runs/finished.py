"""What finished runs and audits left in their folders, read after a check that it lies there as it was written."""

from pathlib import Path
from typing import Any

from pluralign.core import MANIFEST, DamagedFile, Manifest, check_written, read_json_object

AGAIN = "run the command that wrote the folder again: it redoes what is missing or damaged"


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file.

    Raises:
        DamagedFile: If it holds something else.
    """
    try:
        return read_json_object(path, AGAIN)
    except FileNotFoundError:
        return None


def read_record(path: Path, *patterns: str) -> dict[str, Any] | None:
    """Read the record of a finished run or audit, after a check that its files lie there as they were written.

    Early versions kept no manifest: what they wrote is not checked.

    Args:
        path: ``record.json`` or ``audit.json``.
        patterns: Which files beside it to check, as in ``studies/*.jsonl``.

    Returns:
        The record; None where there is none.

    Raises:
        DamagedFile: If a file is missing, damaged or not listed, or the manifest is; each is named.
    """
    folder, manifest = path.parent, Manifest.read(path.parent)
    if manifest is not None and (manifest.damaged or path.name in manifest.files):
        check_written(folder, path.name, *patterns, hint=AGAIN)
        return read_object(path)
    record = read_object(path)
    if record is not None and "manifest" in record:
        what = "the manifest is missing" if manifest is None else f"{path.name} is not listed"
        raise DamagedFile(what, where=str(folder / MANIFEST), hint=AGAIN)
    return record
