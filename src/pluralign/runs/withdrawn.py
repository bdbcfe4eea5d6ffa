"""The people who withdrew from a run: digests in its folder, which every later run there reads."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pluralign.core import DamagedFile, is_sound, read_json_object, sealed, whole_file
from pluralign.runs.folder import as_json

WITHDRAWALS = "withdrawals"
"""Folder, in that of a run, of the list of people who withdrew and the receipts."""
RECEIPTS = "receipt-[0-9][0-9][0-9][0-9].json"
"""Files of the receipts in it; a name has the number of the withdrawal."""
_PEOPLE = "people.json"
_RESTORE = "restore the file from a copy: without it, their choices would be read again"
CLEARED = {"fingerprint": "cleared for a withdrawal"}
"""State of a folder whose old run is being deleted: any run may replace what is left of it."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The people who withdrew from a run.

    Attributes:
        key: Key of the digests, drawn once for each folder.
        digests: Digests of the people.
    """

    key: bytes
    digests: frozenset[str] = frozenset()

    def __contains__(self, rater: object) -> bool:
        """Whether a rater withdrew."""
        return bool(self.digests) and isinstance(rater, str) and self.digest(rater) in self.digests

    def digest(self, rater: str) -> str:
        """The digest of a rater."""
        text = rater.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self.key, digest_size=16).hexdigest()

    def joined_by(self, digests: Iterable[str]) -> "Withdrawn":
        """These people, and others who withdraw."""
        return replace(self, digests=self.digests.union(digests))

    def write(self, folder: Path) -> None:
        """Write the list into the folder of a run; only the owner may read it."""
        (folder / WITHDRAWALS).mkdir(exist_ok=True)
        row = {"key": self.key.hex(), "people": sorted(self.digests)}
        with whole_file(folder / WITHDRAWALS / _PEOPLE, private=True) as partial:
            partial.write_text(as_json(sealed(row)), encoding="utf-8", newline="\n")


def read_withdrawn(folder: Path) -> Withdrawn:
    """The people who withdrew from the run in a folder; nobody where the folder has no list.

    Raises:
        DamagedFile: If the list was altered, or is missing where there are receipts: without it, a
            run would bring these people back.
    """
    path = folder / WITHDRAWALS / _PEOPLE
    if not path.is_file():
        if any(path.parent.glob(RECEIPTS)):
            raise _damaged("is missing", path)
        return Withdrawn(secrets.token_bytes(32))
    row = read_json_object(path, _RESTORE)
    if not is_sound(row):
        raise _damaged("was altered", path)
    return Withdrawn(bytes.fromhex(row["key"]), frozenset(row["people"]))


def _damaged(how: str, path: Path) -> DamagedFile:
    return DamagedFile(f"the list of people who withdrew {how}", where=str(path), hint=_RESTORE)
