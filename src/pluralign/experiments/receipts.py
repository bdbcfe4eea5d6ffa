"""The receipt of a withdrawal: the changes of a run's folder, and what it could not reach."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign.core import (
    DamagedFile,
    PreferencePair,
    file_digest,
    files_in,
    read_json_object,
    whole_file,
)
from pluralign.runs.derived_files import Derived
from pluralign.runs.folder import as_json
from pluralign.runs.lock import LOCK
from pluralign.runs.withdrawn import RECEIPTS, WITHDRAWALS

NOT_RECALLED = (
    "copies of the run's folder, of its models, of exported models and of models adapted from them",
    "numbers and reports that were published or sent to others",
    "models that were trained or chosen with the help of this run's rewards",
    "rows of the person in the sources themselves: delete them there",
    "entries on the person in a ledger of private choices: see `pluralign data ledger`",
)
"""The things that a withdrawal from a run cannot reach."""

_RESTORE = "restore the file from a copy: it shows whether the withdrawal was finished"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The changes of a withdrawal.

    Attributes:
        people: Digests of the people, under the key of the run's folder.
        pairs: Community -> pairs of these people that the run had.
        vectors: Cached vectors deleted, of texts that nobody else gave.
        begun: Time of the beginning, in UTC.
        finished: Time at which the run was finished again; None until then.
        draw: As `split.draw` of the run: with ``random``, the other people were dealt anew.
        before: File -> SHA-256 before.
        after: File -> SHA-256 after; empty until the run is finished again.
        untouched: Files in the folder that no run writes: look into them by hand.
        not_recalled: The things that a withdrawal cannot reach.
        tables: Settings of the run, by which it is made again.
        derived: Pages and the audit that were in the folder, with their settings.
        rewritten: The pages, and the audit, that were written again.
        deleted: The others -> the command that writes one again.
    """

    people: list[str]
    pairs: dict[str, int]
    vectors: int
    begun: str
    finished: str | None
    draw: str
    before: dict[str, str]
    after: dict[str, str] = field(default_factory=dict)
    untouched: list[str] = field(default_factory=list)
    not_recalled: list[str] = field(default_factory=lambda: list(NOT_RECALLED))
    tables: dict[str, Any] = field(default_factory=dict)
    derived: Derived = field(default_factory=dict)
    rewritten: list[str] = field(default_factory=list)
    deleted: dict[str, str] = field(default_factory=dict)


def digests(folder: Path) -> dict[str, str]:
    """File in the folder of a run -> SHA-256, without the lock and the withdrawals."""
    names = {path.relative_to(folder).as_posix(): path for path in files_in(folder)}
    return {
        name: file_digest(path)
        for name, path in names.items()
        if name != LOCK and not name.startswith(f"{WITHDRAWALS}/")
    }


def receipt_paths(folder: Path) -> list[Path]:
    """The files of all withdrawals from a run, the oldest first."""
    return sorted((folder / WITHDRAWALS).glob(RECEIPTS))


def last_receipt(folder: Path) -> Path | None:
    """The file of the latest withdrawal from a run; None where there was none."""
    return max(receipt_paths(folder), default=None)


def next_receipt(folder: Path) -> Path:
    """The file of the next withdrawal: one above the last, also where earlier ones were deleted."""
    last = last_receipt(folder)
    number = 1 if last is None else int(last.stem.removeprefix("receipt-")) + 1
    return folder / WITHDRAWALS / f"receipt-{number:04}.json"


def read_receipt(path: Path) -> Receipt:
    """Read a receipt that `write_receipt` wrote.

    Raises:
        DamagedFile: If the file was altered.
    """
    row = read_json_object(path, _RESTORE)
    try:
        return Receipt(**row)
    except TypeError as error:
        raise DamagedFile("not a receipt", where=str(path), hint=_RESTORE) from error


def write_receipt(path: Path, receipt: Receipt) -> None:
    """Write a receipt; only the owner may read the file."""
    with whole_file(path, private=True) as partial:
        partial.write_text(as_json(asdict(receipt)), encoding="utf-8", newline="\n")


def pairs_by_community(pairs: Sequence[PreferencePair]) -> dict[str, int]:
    """Community -> number of pairs, sorted."""
    return dict(sorted(Counter(pair.community for pair in pairs).items()))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
