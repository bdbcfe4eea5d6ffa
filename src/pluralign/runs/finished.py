"""Records of finished runs and audits, read after a check that files are as they were written."""

from pathlib import Path
from typing import Any

from pluralign.core import MANIFEST, DamagedFile, Manifest, check_written, read_json_object

AGAIN = "run the command that wrote the folder again: it redoes what is missing or damaged"


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file.

    Raises:
        DamagedFile: If the file contains something else.
    """
    try:
        return read_json_object(path, AGAIN)
    except FileNotFoundError:
        return None


def read_record(path: Path, *patterns: str) -> dict[str, Any] | None:
    """Read the record of a finished run or audit, after a check of its files.

    Early versions kept no manifest: their files are not checked.

    Args:
        path: ``record.json`` or ``audit.json``.
        patterns: Which files in its folder to check too, as in ``studies/*.jsonl``.

    Returns:
        The record; None where there is none.

    Raises:
        DamagedFile: If a file is missing, damaged or not listed, or the manifest is; each is named.
    """
    folder, manifest = path.parent, Manifest.read(path.parent)
    if _is_listed(path, manifest):
        check_written(folder, path.name, *patterns, hint=AGAIN)
        return read_object(path)
    record = read_object(path)
    if record is not None and "manifest" in record:
        what = "the manifest is missing" if manifest is None else f"{path.name} is not listed"
        raise DamagedFile(what, where=str(folder / MANIFEST), hint=AGAIN)
    return record


def check_files(record: Path, *patterns: str) -> None:
    """Check that files of a finished run or audit are as they were written.

    Args:
        record: ``record.json`` or ``audit.json``; where no manifest lists it, nothing is checked.
        patterns: Which files in its folder.

    Raises:
        DamagedFile: If a file is missing, damaged or not listed, or the manifest is; each is named.
    """
    if _is_listed(record, Manifest.read(record.parent)):
        check_written(record.parent, *patterns, hint=AGAIN)


def _is_listed(record: Path, manifest: Manifest | None) -> bool:
    """Whether a manifest vouches for the record, or is damaged and might have done so."""
    return manifest is not None and (manifest.damaged or record.name in manifest.files)
