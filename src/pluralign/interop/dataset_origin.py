"""The run or the releases that a data set was exported from, and who withdrew from them since."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pluralign.core import AnyPath, DamagedFile, InvalidInput, as_path, read_json_object, whole_file
from pluralign.runs.folder import RECORD
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.sources.collected import FACTS

ORIGIN = ".origin.json"
"""File in the folder of a data set, with paths of this machine: it is never uploaded."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """A run, or a release of a study, as it was when its pairs were read.

    Attributes:
        folder: Its folder.
        withdrawals: Of a run, the number of people who withdrew from it; of a release, the number
            of its revision, which each withdrawal raises.
    """

    folder: Path
    withdrawals: int

    @classmethod
    def of(cls, folder: AnyPath) -> "Origin":
        """A run or a release as it is now; look before its pairs are read.

        Raises:
            InvalidInput: If the folder is neither.
        """
        folder = as_path(folder).resolve()
        if (folder / RECORD).is_file():
            return cls(folder, len(read_withdrawn(folder).digests))
        if (folder / FACTS).is_file():
            return cls(folder, int(read_json_object(folder / FACTS)["revision"]))
        raise InvalidInput("neither a finished run nor a release", where=str(folder))


def write_origins(origins: Iterable[Origin], folder: Path) -> None:
    """Write the origins of a data set into its folder; only the owner may read the file."""
    rows = [asdict(one) | {"folder": str(one.folder)} for one in origins]
    with whole_file(folder / ORIGIN, private=True) as partial:
        partial.write_text(json.dumps({"origins": rows}), encoding="utf-8", newline="\n")


def read_origins(folder: AnyPath) -> list[Origin]:
    """The origins of a data set; none where it was written from pairs alone.

    Raises:
        DamagedFile: If their file cannot be read.
    """
    path = as_path(folder) / ORIGIN
    if not path.is_file():
        return []
    try:
        rows = read_json_object(path)["origins"]
        return [Origin(Path(row["folder"]), int(row["withdrawals"])) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(
            "the origins of the data set cannot be read",
            where=str(path),
            hint="export the data set again, to a new folder",
        ) from error


def check_origins(folder: AnyPath) -> None:
    """Check that nobody withdrew from the run or the releases that a data set was exported from.

    A warning is logged where these are no longer on this machine, so that it is not known.

    Args:
        folder: Folder of a data set.

    Raises:
        InvalidInput: If somebody did, or a run is being made again without them.
        DamagedFile: If the origins, or a list of people who withdrew, cannot be read.
    """
    for origin in read_origins(folder):
        if not _is_here(origin):
            _log.warning(
                "%s, of which %s is an export, is not here: it is not known whether people "
                "withdrew from it since",
                origin.folder,
                folder,
            )
        elif not _is_same(origin):
            raise InvalidInput(
                "people withdrew after this data set was exported, or narrowed their consent",
                where=str(folder),
                hint=f"export it again from {origin.folder}, to a new folder",
            )


def _is_here(origin: Origin) -> bool:
    """Whether the folder is there, or the study of a release that nobody is left in."""
    return origin.folder.is_dir() or (origin.folder.parent.parent / "study.toml").is_file()


def _is_same(origin: Origin) -> bool:
    try:
        return Origin.of(origin.folder) == origin
    except InvalidInput:  # deleted, or about to be made again
        return False
