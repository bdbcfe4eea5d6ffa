"""The ledger of private choices: one line for each report that was drawn, and for each withdrawal.

A report that is drawn twice costs its person twice the epsilon. So a report is on disk before
anybody reads it, and every later reading finds it there. The ledger has the reports, never the
choices, and names people and pairs by digests.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_data_path

from pluralign.core import (
    AnyPath,
    DamagedFile,
    InvalidInput,
    as_path,
    cut_torn_line,
    is_sound,
    parse_json,
    person_digest,
    sealed,
)
from pluralign.core.files import sync_folder

Flips = Callable[[str], bool]
"""Whether the report of the pair with a key is the opposite of the choice."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A report that was drawn.

    Attributes:
        pair: Key of the pair, as `pluralign.core.PairKeys` gives it.
        person: Digest of the person's id; None for a pair without a rater.
        epsilon: Cost of the report for the person, > 0.
        first: Whether the first response, in the order of the texts, is reported as chosen.
    """

    pair: str
    person: str | None
    epsilon: float
    first: bool


@dataclass(frozen=True, slots=True)
class Account:
    """One person's entries.

    Attributes:
        person: Digest of the person's id; None for the pairs without a rater, together.
        epsilon: Sum of the epsilons of the person's reports (basic composition), a bound on
            the information of all of them about all of the person's choices.
        draws: Number of reports.
        largest: Largest epsilon of a single report, a bound on the information about one choice.
        withdrawn: Whether the person withdrew. Reports that were read before cannot be recalled.
    """

    person: str | None
    epsilon: float
    draws: int
    largest: float
    withdrawn: bool


class Ledger:
    """Reports that were drawn, in a file of JSON Lines.

    Several processes may use one file: reports are drawn and written under a lock.

    Args:
        path: The file; it is created with its folder, readable by its owner only. None for a ledger
            in memory, for experiments on data whose choices are known anyway.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._draws: dict[str, Draw] = {}
        self._of_person: dict[str, set[str]] = {}
        self._withdrawn: set[str] = set()
        self._read_to = 0
        self._lines = 0

    def pairs_of(self, person: str) -> frozenset[str]:
        """Keys of the pairs for which a report of a person was drawn."""
        return frozenset(self._of_person.get(person, ()))

    def has_withdrawn(self, person: str | None) -> bool:
        """Whether a person withdrew."""
        return person in self._withdrawn

    def refresh(self) -> None:
        """Read the entries that were written since the last reading.

        Raises:
            DamagedFile: If a line was altered: the report that it had would be drawn again.
        """
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._lines += 1
                self._read_to += len(line)
                self._enter(_entry(line, f"{self._path}:{self._lines}"))

    def reports(
        self, wanted: Sequence[tuple[str, str | None, bool]], epsilon: float, flips: Flips
    ) -> list[bool]:
        """Whether the first response of each pair is reported; missing reports are drawn and kept.

        Args:
            wanted: Key, person and choice (whether the first response was chosen) of each pair.
            epsilon: Privacy parameter of new draws.
            flips: Whether the report of a pair is the opposite of the choice, by key.

        Returns:
            Reports aligned with ``wanted``, all of them on disk.

        Raises:
            InvalidInput: If a report was drawn with another epsilon.
            DamagedFile: If a line of the file was altered.
        """
        with self._alone():
            return self._drawn(wanted, epsilon, flips)

    def first_reports(
        self, wanted: Sequence[tuple[str, str, bool]], epsilon: float, flips: Flips
    ) -> None:
        """Draw a report of each person of whom none was drawn, and who has not withdrawn.

        Whether there is one is read under the lock, so that two processes that read different
        pairs of one person at once draw one report together.

        Args:
            wanted: Key, person and choice of one pair of each person.
            epsilon: Privacy parameter of new draws.
            flips: As in `reports`.

        Raises:
            DamagedFile: If a line of the file was altered.
        """
        with self._alone():
            new = [
                (key, person, choice)
                for key, person, choice in wanted
                if not self.pairs_of(person) and not self.has_withdrawn(person)
            ]
            self._drawn(new, epsilon, flips)

    def withdraw(self, person: str) -> None:
        """Enter that a person withdrew: their choices are not read any more."""
        self._withdrawn.add(person)
        with self._alone():
            self._append([{"withdrawn": person}])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from the file; all that they wrote is known."""
        if self._path is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock"):
            cut_torn_line(self._path)
            self.refresh()
            yield

    def accounts(self) -> list[Account]:
        """Every person's account, in the order of their first entry."""
        people: dict[str | None, list[Draw]] = {}
        for draw in self._draws.values():
            people.setdefault(draw.person, []).append(draw)
        for person in sorted(self._withdrawn):
            people.setdefault(person, [])
        return [self._account(person, draws) for person, draws in people.items()]

    def _account(self, person: str | None, draws: Sequence[Draw]) -> Account:
        costs = [draw.epsilon for draw in draws]
        withdrawn = self.has_withdrawn(person)
        return Account(person, sum(costs), len(draws), max(costs, default=0.0), withdrawn)

    def _drawn(
        self, wanted: Sequence[tuple[str, str | None, bool]], epsilon: float, flips: Flips
    ) -> list[bool]:
        found, new = [], dict[str, Draw]()
        for key, person, chosen_first in wanted:
            draw = self._draws.get(key) or new.get(key)
            if draw is None:
                draw = new[key] = Draw(key, person, epsilon, chosen_first != flips(key))
            elif draw.epsilon != epsilon:
                raise InvalidInput(
                    f"a report was drawn with epsilon = {draw.epsilon:g}, got {epsilon:g}",
                    where=str(self._path or "ledger"),
                    hint=f"set epsilon = {draw.epsilon:g}; another ledger would draw again, and "
                    "both reports together cost the sum",
                )
            found.append(draw.first)
        self._append([_row(draw) for draw in new.values()])
        # A report that could not be written is not known to later calls either.
        for draw in new.values():
            self._enter(draw)
        return found

    def _enter(self, entry: Draw | str) -> None:
        if isinstance(entry, str):
            self._withdrawn.add(entry)
            return
        self._draws[entry.pair] = entry
        if entry.person is not None:
            self._of_person.setdefault(entry.person, set()).add(entry.pair)

    def _append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write lines that are on disk when this returns."""
        if self._path is None or not rows:
            return
        is_new = not self._path.exists()
        text = "".join(json.dumps(sealed(row)) + "\n" for row in rows).encode()
        opened = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "ab") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self._path.parent)
        self._read_to += len(text)
        self._lines += len(rows)


def default_ledger() -> Path:
    """The ledger of sources that name none: in the data folder of the user."""
    return user_data_path("pluralign") / "ledger.jsonl"


def read_ledger(path: AnyPath) -> list[Account]:
    """Every person's account in a ledger.

    Raises:
        InvalidInput: If there is no such file.
        DamagedFile: If a line was altered.
    """
    return _opened(path).accounts()


def withdraw_choices(path: AnyPath, rater: str) -> Account:
    """Enter that a person withdrew, and return their account.

    Readings of a source with this ledger leave the person's choices out from now on. Reports that
    were read before, and models that learned from them, are not changed. An account without reports
    may mean that the id is not spelled as in the source.

    Raises:
        InvalidInput: If there is no such file.
        DamagedFile: If a line was altered.
    """
    ledger = _opened(path)
    person = person_digest(rater)
    ledger.withdraw(person)
    return next(account for account in ledger.accounts() if account.person == person)


def _opened(path: AnyPath) -> Ledger:
    file = as_path(path)
    if not file.is_file():
        raise InvalidInput("no such ledger", where=str(file), hint="check the path")
    ledger = Ledger(file)
    ledger.refresh()
    return ledger


def _row(draw: Draw) -> dict[str, Any]:
    reported = "first" if draw.first else "second"
    row = {"pair": draw.pair, "person": draw.person, "epsilon": draw.epsilon}
    return {**row, "reported": reported}


def _entry(line: bytes, where: str) -> Draw | str:
    """The draw of a line, or the person who withdrew."""
    try:
        row = parse_json(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not is_sound(row):
        raise DamagedFile(
            "the line of the ledger was altered",
            where=where,
            hint="restore the file from a copy: reports that are missing would be drawn again",
        )
    if "withdrawn" in row:
        return str(row["withdrawn"])
    return Draw(row["pair"], row["person"], row["epsilon"], row["reported"] == "first")
