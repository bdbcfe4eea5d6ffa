"""What runs and audits left in their folders, as a report reads it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pluralign.audits import Finding
from pluralign.core import DamagedFile, InvalidInput, InvalidSettings
from pluralign.evaluation import METRIC
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.experiments import read_rows
from pluralign.experiments.auditing import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE

Rows = list[dict[str, Any]]
PREFERRED = ("adaptive", "pooled", "scpo", "full")
"""Which method speaks for a run of reward models, where nobody chose: the first of these that it has."""


@dataclass(frozen=True)
class Run:
    """One folder.

    Attributes:
        name: Of the run.
        kind: What was measured: reward models, a survey, or nothing (an audit alone).
        record: ``record.json``; empty for an audit alone.
        results: ``results.jsonl``.
        summary: ``summary.jsonl``, for reward models.
        comparisons: ``comparisons.jsonl``.
        curves: ``studies/curve-*.jsonl``, averages over communities.
        audit: ``audit.json``; empty where no audit was made.
        findings: ``findings.jsonl``.
        assessments: ``assessments.jsonl``.
        participation: ``participation.jsonl``.
        method: The method that speaks for it, for reward models.
    """

    name: str
    kind: Literal["rewards", "survey", "audit"]
    record: Mapping[str, Any] = field(default_factory=dict)
    results: Rows = field(default_factory=list, repr=False)
    summary: Rows = field(default_factory=list, repr=False)
    comparisons: Rows = field(default_factory=list, repr=False)
    curves: Rows = field(default_factory=list, repr=False)
    audit: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = field(default_factory=list, repr=False)
    assessments: Rows = field(default_factory=list, repr=False)
    participation: Rows = field(default_factory=list, repr=False)
    method: str = ""

    @property
    def metric(self) -> str:
        """The number that tells how well a community is served."""
        return METRIC if self.kind == "rewards" else ALIGNMENT

    @cached_property
    def served(self) -> Rows:
        """One row for each answerer and community, with ``who``: how well the community is served."""
        if self.kind == "audit":
            return []
        rows = [r for r in self.results if r["metric"] == self.metric and r["community"] is not None]
        if self.kind == "survey":
            # Answers that named nobody are compared with everybody; they serve no community in particular.
            named = {(r["model"], r["strategy"]) for r in rows if r["strategy"] and not _unaware(r["strategy"])}
            return [
                r | {"who": f"{r['model']} · {r['strategy']}"} for r in rows if (r["model"], r["strategy"]) in named
            ]
        steered = set(self.record["communities"]["steered"])
        return [
            r | {"who": r["method"]}
            for r in rows
            if r["subset"] == "all" and r["community"] in steered and r["steer"] in {None, r["community"]}
        ]

    @cached_property
    def answerers(self) -> list[str]:
        """Who answers: first the method that speaks for the run, or models from the nearest on average down."""
        mine: dict[str, list[float]] = {}
        for r in self.served:
            mine.setdefault(r["who"], []).append(r["value"])
        return sorted(mine, key=lambda who: (who != self.method, -fmean(mine[who]) if self.kind == "survey" else 0))

    @cached_property
    def surveyed(self) -> list[str]:
        """Communities whose people were asked, measured or not."""
        told = self.record.get("people") or {}
        return sorted({*told, *(p["community"] for p in self.participation), *(r["community"] for r in self.served)})


def read_run(folder: Path, method: str | None = None) -> Run:
    """Read a folder that `run`, `survey run`, `survey evaluate`, `pluralise` or `audit` wrote.

    Args:
        folder: The folder; an audit in its ``audit`` folder is read too.
        method: The method that is to speak for a run of reward models.

    Raises:
        InvalidSettings: If the folder holds no run and no audit, or the run has no such method.
        DamagedFile: If a file in it cannot be read.
    """
    if not folder.is_dir():
        raise InvalidSettings("no such folder", where=str(folder), hint="name the folder of a run or an audit")
    record, audited = (
        _json(folder / "record.json"),
        next((p for p in (folder, folder / "audit") if (p / AUDIT).is_file()), None),
    )
    if not record and audited is None:
        raise InvalidSettings(
            "the folder holds neither a finished run nor an audit",
            where=str(folder),
            hint="run `pluralign run`, `pluralign survey evaluate` or `pluralign audit` first",
        )
    kind: Literal["rewards", "survey", "audit"] = (
        "audit" if not record else "rewards" if "communities" in record else "survey"
    )
    audit = _json(audited / AUDIT) if audited is not None else {}
    try:
        findings = [Finding.from_dict(row) for row in _rows(audited, FINDINGS)]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile("not findings of ours", where=f"{audited}/{FINDINGS}", hint="audit again") from error
    run = Run(
        str(record.get("name") or audit.get("name") or folder.name),
        kind,
        record,
        _rows(folder if record else None, "results.jsonl"),
        _rows(folder if record else None, "summary.jsonl"),
        _rows(folder if record else None, "comparisons.jsonl"),
        [r for path in sorted(folder.glob("studies/curve-*.jsonl")) for r in _rows(path.parent, path.name)],
        audit,
        findings,
        _rows(audited, ASSESSMENTS),
        _rows(audited, PEOPLE),
        _speaker(record, method, folder) if kind == "rewards" else "",
    )
    if record and not run.results:
        raise DamagedFile("the run has no results", where=str(folder), hint="run it again")
    return run


def _speaker(record: Mapping[str, Any], method: str | None, folder: Path) -> str:
    ran = list(record["settings"]["methods"])
    if method is not None and method not in ran:
        raise InvalidSettings(f"the run has no method {method!r}", where=str(folder), hint=f"it has {', '.join(ran)}")
    return method or next((m for m in PREFERRED if m in ran), ran[-1])


def _unaware(strategy: str) -> bool:
    return "unaware" in strategy


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFile("not JSON", where=str(path), hint="run or audit again") from error
    return found


def _rows(folder: Path | None, name: str) -> Rows:
    if folder is None or not (folder / name).is_file():
        return []
    try:
        return read_rows(folder / name)
    except InvalidInput as error:
        raise DamagedFile(error.what, where=error.where, hint="run or audit again") from error
