"""The folders of finished runs, and how to look up a number in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.runs import RunFolder, read_rows

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where it lies.
        record: As in ``record.json``.
        results: Every method x steer x community x subset.
        summary: Each method over the communities it serves.
        comparisons: Paired differences to the reference and to full, and what steering costs others.
        repeats: The summary of each seed alone.
        people: Agreement among people.
        curves: ``pairs`` or ``raters`` -> learning curves; without those not asked for.
        sensitivity: Accuracy under other settings; empty where not asked for.
    """

    folder: RunFolder
    record: Mapping[str, Any]
    results: Sequence[Row]
    summary: Sequence[Row]
    comparisons: Sequence[Row]
    repeats: Sequence[Row]
    people: Sequence[Row]
    curves: Mapping[str, Sequence[Row]]
    sensitivity: Sequence[Row]

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return str(self.record["name"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings as resolved."""
        settings: Mapping[str, Any] = self.record["settings"]
        return settings

    @property
    def methods(self) -> list[str]:
        """Methods compared, in the order of the settings."""
        return list(self.settings["methods"])

    @property
    def steered(self) -> list[str]:
        """Communities steered to that have test pairs, in alphabetical order."""
        tested = {row["community"] for row in self.results}
        return sorted(c for c in self.record["communities"]["steered"] if c in tested)

    @property
    def spoken_for(self) -> list[str]:
        """Communities that the reference was fitted on."""
        return list(self.record["communities"]["reference"])

    @property
    def seeds(self) -> list[int]:
        """Seeds of the repeats."""
        return list(self.record["seeds"])

    def study_seeds(self, study: str) -> list[int]:
        """Seeds that ``curves`` or ``sensitivity`` was done over."""
        return self.seeds[: self.settings[study].get("repeats", 1)]

    def summed(self, method: str, aggregate: str = "average", subset: str = "all") -> Row | None:
        """A row of the summary; None where it could not be measured."""
        return _first(self.summary, method=method, aggregate=aggregate, subset=subset)

    def gain(
        self, method: str, baseline: str, community: str | None = None, subset: str = "all"
    ) -> Row | None:
        """Paired difference of a method to ``reference`` or ``full``, on average or for one community."""
        found = {
            "method": method,
            "baseline": baseline,
            "community": community,
            "subset": subset,
            "steer": "own",
        }
        return _first(self.comparisons, **found)

    def bystanders(self, method: str) -> list[Row]:
        """For each steer, the change for the communities of the reference other than the one steered to."""
        return [
            r
            for r in self.comparisons
            if r["method"] == method and r.get("aggregate") == "bystanders"
        ]

    def matrix(self, method: str) -> dict[tuple[str, str], Row]:
        """(Steer, community) -> accuracy on all test pairs of the community."""
        rows = (
            r
            for r in self.results
            if r["method"] == method and r["subset"] == "all" and r["steer"] is not None
        )
        return {(r["steer"], r["community"]): r for r in rows}

    def served(self, subset: str = "all") -> dict[tuple[str, str], Row]:
        """(Community, method) -> accuracy under the steer to the community itself."""
        rows = (
            r
            for r in self.results
            if r["subset"] == subset and r["steer"] in {None, r["community"]}
        )
        return {(r["community"], r["method"]): r for r in rows}


def read_runs(folder: Path) -> list[Run]:
    """Read every finished run under a folder but those on transformers, in order of their names.

    Raises:
        NotEnoughData: If there is none.
        InvalidInput: If two runs have the same name, or a file cannot be read.
    """
    runs = [read_run(path.parent) for path in sorted(folder.glob("*/record.json"))]
    runs = [run for run in runs if run.record["settings"]["trunk"]["kind"] == "embedding"]
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


def read_run(path: Path) -> Run:
    """Read the folder of one finished run.

    Raises:
        InvalidInput: If a file is missing or broken.
    """
    folder = RunFolder(path)
    studies = {
        name: path / "studies" / f"{name}.jsonl"
        for name in ("curve-pairs", "curve-raters", "sensitivity")
    }
    found = {name: read_rows(file) for name, file in studies.items() if file.is_file()}
    return Run(
        folder,
        folder.read_json("record.json") or {},
        read_rows(path / "results.jsonl"),
        read_rows(path / "summary.jsonl"),
        read_rows(path / "comparisons.jsonl"),
        read_rows(path / "repeats.jsonl"),
        read_rows(path / "people.jsonl"),
        {by: found[f"curve-{by}"] for by in ("pairs", "raters") if f"curve-{by}" in found},
        found.get("sensitivity", []),
    )


def _first(rows: Sequence[Row], **wanted: object) -> Row | None:
    return next(
        (r for r in rows if all(r.get(key) == value for key, value in wanted.items())), None
    )
