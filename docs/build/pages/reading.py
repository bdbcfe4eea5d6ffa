"""The folders of finished runs, and lookups that only the pages need."""

from pathlib import Path
from typing import Protocol

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.evaluation import CurveRow, Row
from pluralign.runs import RewardRun, open_run
from pluralign.runs.folder import RECORD


class Measured(Protocol):
    """A number with its interval: a row of a run, or an estimate."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def low(self) -> float | None:
        """Lower end of its interval."""

    @property
    def high(self) -> float | None:
        """Upper end of its interval."""


def read_runs(folder: Path) -> list[RewardRun]:
    """Open every finished run under a folder but those on transformers, in order of their names.

    Raises:
        NotEnoughData: If there is none.
        InvalidInput: If two runs have the same name.
        DamagedFile: If the record of one is damaged.
    """
    runs = []
    for path in sorted(folder.glob(f"*/{RECORD}")):
        run = open_run(path.parent)
        if isinstance(run, RewardRun) and run.settings["trunk"]["kind"] == "embedding":
            runs.append(run)
    if not runs:
        raise NotEnoughData(
            "no finished run",
            where=str(folder),
            hint="pluralign run configs/NAME.toml --out RUNS/NAME",
        )
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise InvalidInput(
            f"two runs have the same name: {', '.join(names)}",
            where=str(folder),
            hint="move one away",
        )
    return sorted(runs, key=lambda run: run.name)


def tested(run: RewardRun) -> list[str]:
    """Communities steered to that have test pairs, in alphabetical order."""
    found = {row.community for row in run.results}
    return sorted(community for community in run.steered if community in found)


def study_seeds(run: RewardRun, study: str) -> list[int]:
    """Seeds that ``curves`` or ``sensitivity`` was done over."""
    return run.seeds[: run.settings[study].get("repeats", 1)]


def curves_by(run: RewardRun) -> dict[str, list[CurveRow]]:
    """``pairs`` and ``raters``, where there is less of them -> the points of the curves."""
    found: dict[str, list[CurveRow]] = {}
    for row in run.curves:
        found.setdefault(row.by, []).append(row)
    return found


def cells(run: RewardRun, method: str) -> dict[tuple[str, str], Row]:
    """(Steer, community) -> accuracy on all test pairs of the community."""
    found = {}
    for row in run.matrix(method):
        if row.subset == "all" and row.steer is not None and row.community is not None:
            found[row.steer, row.community] = row
    return found
