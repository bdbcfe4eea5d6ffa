"""Runs and audits as a report shows them: an opened run, and its rows with names for readers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pluralign.audits import Finding
from pluralign.evaluation import METRIC
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.runs import AuditRun, RewardRun, SurveyRun, open_run

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One folder.

    Attributes:
        name: Of the run.
        kind: What was measured: reward models, a survey, or nothing (an audit alone).
        record: ``record.json``; empty for an audit alone.
        results: Its results, and the matrix of the method that stands for the run.
        summary: Its summary, for reward models.
        curves: Points of learning curves, averages over communities.
        audit: ``audit.json``; empty where no audit was made.
        findings: Findings of the audit.
        assessments: What became of its checks.
        participation: Who took part.
        method: The method that stands for it, for reward models.
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
        method: The method that is to stand for a run of reward models.

    Raises:
        InvalidSettings: If the folder holds no run and no audit, or the run has no such method.
        DamagedFile: If a file in it cannot be read.
    """
    opened = open_run(folder)
    if isinstance(opened, AuditRun):
        return _with_audit(Run(opened.name, "audit"), opened)
    run = _rewards(opened, method) if isinstance(opened, RewardRun) else _survey(opened)
    return _with_audit(run, opened.audit) if opened.audit is not None else run


def _rewards(opened: RewardRun, method: str | None) -> Run:
    chosen = opened.method(method)
    return Run(
        opened.name,
        "rewards",
        opened.record,
        [row.as_dict() for row in (*opened.results, *opened.apart(chosen))],
        summary=[row.as_dict() for row in opened.summary],
        curves=[row.as_dict() for row in opened.curves],
        method=chosen,
    )


def _survey(opened: SurveyRun) -> Run:
    return Run(opened.name, "survey", opened.record, [row.as_dict() for row in opened.results])


def _with_audit(run: Run, audit: AuditRun) -> Run:
    return replace(
        run,
        audit=audit.record,
        findings=audit.findings,
        assessments=[one.as_dict() for one in audit.assessments],
        participation=[asdict(one) for one in audit.people],
    )


def _unaware(strategy: str) -> bool:
    return "unaware" in strategy
