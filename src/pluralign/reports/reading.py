"""What runs and audits left in their folders, as a report reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pluralign.auditing import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE
from pluralign.audits import Finding
from pluralign.core import DamagedFile, InvalidInput, InvalidSettings
from pluralign.evaluation import METRIC
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.reports import shapes
from pluralign.runs import read_matrix, read_rows
from pluralign.runs.finished import read_record

Rows = list[dict[str, Any]]
RECORD, RESULTS = "record.json", "results.jsonl"
PREFERRED = ("adaptive", "pooled", "scpo", "full")
"""Which method speaks for a run of reward models, where nobody chose: the first of these that it has."""


@dataclass(frozen=True)
class Run:
    """One folder.

    Attributes:
        name: Of the run.
        kind: What was measured: reward models, a survey, or nothing (an audit alone).
        record: ``record.json``; empty for an audit alone.
        results: ``results.jsonl``, and ``matrix.parquet`` of the method that speaks for the run.
        summary: ``summary.jsonl``, for reward models.
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
    curves: Rows = field(default_factory=list, repr=False)
    audit: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = field(default_factory=list, repr=False)
    assessments: Rows = field(default_factory=list, repr=False)
    participation: Rows = field(default_factory=list, repr=False)
    method: str = ""

    @property
    def simulated(self) -> list[bool]:
        """Of each source whose terms are told: whether its people are simulated, as those terms say."""
        data, evidence = self.record.get("data", {}), self.audit.get("evidence", {})
        told = [
            source.get("license") for source in [*data.get("sources", ()), data.get("survey") or {}]
        ]
        terms = [t for t in told if t] or [t for t in evidence.get("licenses", {}).values() if t]
        return ["simulated" in t.lower() for t in terms]

    @property
    def metric(self) -> str:
        """The number that tells how well a community is served."""
        return METRIC if self.kind == "rewards" else ALIGNMENT

    @cached_property
    def served(self) -> Rows:
        """One row for each answerer and community, with ``who``: how well the community is served."""
        if self.kind == "audit":
            return []
        rows = [
            r for r in self.results if r["metric"] == self.metric and r["community"] is not None
        ]
        if self.kind == "survey":
            # Answers that named nobody are compared with everybody; they serve no community in particular.
            named = {
                (r["model"], r["strategy"])
                for r in rows
                if r["strategy"] and not _unaware(r["strategy"])
            }
            return [
                r | {"who": f"{r['model']} · {r['strategy']}"}
                for r in rows
                if (r["model"], r["strategy"]) in named
            ]
        steered = set(self.record["communities"]["steered"])
        return [
            r | {"who": r["method"]}
            for r in rows
            if r["subset"] == "all"
            and r["community"] in steered
            and r["steer"] in {None, r["community"]}
        ]

    @cached_property
    def answerers(self) -> list[str]:
        """Who answers: first the method that speaks for the run, or models from the nearest on average down."""
        mine: dict[str, list[float]] = {}
        for r in self.served:
            mine.setdefault(r["who"], []).append(r["value"])
        return sorted(
            mine,
            key=lambda who: (who != self.method, -fmean(mine[who]) if self.kind == "survey" else 0),
        )

    @cached_property
    def surveyed(self) -> list[str]:
        """Communities whose people were asked, measured or not."""
        told = self.record.get("people") or {}
        return sorted(
            {
                *told,
                *(p["community"] for p in self.participation),
                *(r["community"] for r in self.served),
            }
        )


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
        raise InvalidSettings(
            "no such folder", where=str(folder), hint="name the folder of a run or an audit"
        )
    record = (
        read_record(
            folder / RECORD, RESULTS, "summary.jsonl", "matrix.parquet", "studies/curve-*.jsonl"
        )
        or {}
    )
    audited = next((p for p in (folder, folder / "audit") if (p / AUDIT).is_file()), None)
    if not record and audited is None:
        raise InvalidSettings(
            "the folder holds neither a finished run nor an audit",
            where=str(folder),
            hint="run `pluralign run`, `pluralign survey evaluate` or `pluralign audit` first",
        )
    run = _measured(folder, record, method) if record else Run(folder.name, "audit")
    return _with_audit(run, audited) if audited is not None else run


def _measured(folder: Path, record: Mapping[str, Any], method: str | None) -> Run:
    """A run without its audit."""
    rewards = "communities" in record
    shapes.hold_one(
        record, shapes.RewardRecord if rewards else shapes.SurveyRecord, folder / RECORD
    )
    results = _rows(folder, RESULTS, shapes.RewardRow if rewards else shapes.SurveyRow)
    if not results:
        raise DamagedFile("the run has no results", where=str(folder), hint="run it again")
    name = str(record.get("name") or folder.name)
    if not rewards:
        asked = record.get("settings", {}).get("evaluate", {}).get("communities")
        if asked is not None:
            shapes.hold_named(results, "community", asked, folder / RESULTS)
        return Run(name, "survey", record, results)
    roles = record["communities"]
    known = {
        *record["people"],
        *roles["steered"],
        *roles.get("reference", ()),
        *roles.get("left_out", ()),
    }
    for key, named in (
        ("method", record["settings"]["methods"]),
        ("community", known),
        ("steer", known),
    ):
        shapes.hold_named(results, key, named, folder / RESULTS)
    speaker = _speaker(record, method, folder)
    return Run(
        name,
        "rewards",
        record,
        results + read_matrix(folder, speaker),
        summary=_rows(folder, "summary.jsonl", shapes.SummaryRow),
        curves=[r for path in sorted(folder.glob("studies/curve-*.jsonl")) for r in _curve(path)],
        method=speaker,
    )


def _with_audit(run: Run, audited: Path) -> Run:
    audit = read_record(audited / AUDIT, FINDINGS, ASSESSMENTS, PEOPLE) or {}
    shapes.hold_one(audit, shapes.AuditRecord, audited / AUDIT)
    return replace(
        run,
        name=run.name if run.record else str(audit.get("name") or run.name),
        audit=audit,
        findings=shapes.findings_from(_rows(audited, FINDINGS), audited / FINDINGS),
        assessments=_rows(audited, ASSESSMENTS, shapes.AssessmentRow),
        participation=_rows(audited, PEOPLE, shapes.PeopleRow),
    )


def _curve(path: Path) -> Rows:
    """Points of a curve, without what follows from them."""
    rows = _rows(path.parent, path.name, shapes.Measured)
    points = {line: r for line, r in enumerate(rows, 1) if r["metric"] == METRIC}
    shapes.hold_rows(list(points.values()), shapes.CurveRow, path, list(points))
    return list(points.values())


def _speaker(record: Mapping[str, Any], method: str | None, folder: Path) -> str:
    ran = list(record["settings"]["methods"])
    if method is not None and method not in ran:
        raise InvalidSettings(
            f"the run has no method {method!r}", where=str(folder), hint=f"it has {', '.join(ran)}"
        )
    return method or next((m for m in PREFERRED if m in ran), ran[-1])


def _unaware(strategy: str) -> bool:
    return "unaware" in strategy


def _rows(folder: Path, name: str, shape: type[shapes.Shape] | None = None) -> Rows:
    path = folder / name
    if not path.is_file():
        return []
    try:
        rows = read_rows(path)
    except InvalidInput as error:
        raise DamagedFile(error.what, where=error.where, hint="run or audit again") from error
    if shape is not None:
        shapes.hold_rows(rows, shape, path)
    return rows
