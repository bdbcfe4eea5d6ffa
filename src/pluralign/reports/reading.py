"""Runs and audits as a report shows them: an opened run, and its rows with names for readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pluralign.audits import Assessment, Finding
from pluralign.core import REFERENCE, InvalidSettings
from pluralign.evaluation import (
    METRIC,
    CurveRow,
    DifferenceRow,
    Row,
    SensitivityRow,
    SummaryRow,
)
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.evaluation.surveys import ALIGNMENT, SurveyRow
from pluralign.runs import (
    AlignRun,
    AuditRun,
    KnowledgeRun,
    PolicyRow,
    RewardRun,
    SurveyRun,
    TaskRun,
    open_run,
)
from pluralign.runs.audits import Participation

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """A run as a page shows it: its rows, some of them left out where readers choose.

    Attributes:
        name: Name of the run.
        kind: Kind of its results: of reward models, of a survey, of policies, of a test of
            knowledge, or none (an audit alone).
        record: ``record.json``; empty for an audit alone.
        results: Its results, and the matrix of the method that stands for the run.
        summary: Its summary, for reward models.
        gain: Paired difference of the method that stands for the run to the reference, on average
            over communities, for reward models; None where it was not measured.
        curves: Points of learning curves, averages over communities.
        sensitivity: Accuracy under other settings, averages over communities.
        audit: ``audit.json``; empty where no audit was made.
        findings: Findings of the audit.
        assessments: The outcome of its checks.
        participation: The people of each community.
        method: The method that stands for it, for reward models.
        policies: Numbers about language models that follow a reward model.
        knowledge: Numbers about answers to a test of knowledge.
        pass_file: Conditions that were set before the run, and which of them are met; None where
            there are none.
    """

    name: str
    kind: Literal["rewards", "survey", "policies", "knowledge", "audit"]
    record: Mapping[str, Any] = field(default_factory=dict)
    results: Sequence[Row | SurveyRow] = field(default=(), repr=False)
    summary: Sequence[SummaryRow] = field(default=(), repr=False)
    gain: DifferenceRow | None = field(default=None, repr=False)
    curves: Sequence[CurveRow] = field(default=(), repr=False)
    sensitivity: Sequence[SensitivityRow] = field(default=(), repr=False)
    audit: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = field(default=(), repr=False)
    assessments: Sequence[Assessment] = field(default=(), repr=False)
    participation: Sequence[Participation] = field(default=(), repr=False)
    method: str = ""
    policies: Sequence[PolicyRow] = field(default=(), repr=False)
    knowledge: Sequence[KnowledgeRow] = field(default=(), repr=False)
    pass_file: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def simulated(self) -> list[bool]:
        """For each source with terms: whether its people are simulated, as those terms state."""
        data, evidence = self.record.get("data", {}), self.audit.get("evidence", {})
        sources = [*data.get("sources", ()), data.get("survey") or {}, data.get("test") or {}]
        terms = [source["license"] for source in sources if source.get("license")]
        terms += (self.record.get("reward") or {}).get("licenses", ())
        if not terms:
            terms = [terms for terms in evidence.get("licenses", {}).values() if terms]
        return ["simulated" in text.lower() for text in terms]

    @property
    def metric(self) -> str:
        """The number that is a community's result."""
        return METRIC if self.kind == "rewards" else ALIGNMENT

    @cached_property
    def served(self) -> Rows:
        """A row for each respondent or method (``who``) and community that it answers for."""
        if self.kind == "survey":
            return self._answered
        if self.kind != "rewards":
            return []
        steered = set(self.record.get("communities", {}).get("steered", ()))
        found = []
        for r in self.results:
            if isinstance(r, Row) and r.metric == METRIC and r.subset == "all":
                own = r.steer in {None, r.community}
                if own and r.community in steered:
                    found.append(r.as_dict(who=r.method))
        return found

    @cached_property
    def _answered(self) -> Rows:
        """Rows of respondents that named communities; other answers are for none in particular."""
        found = []
        for r in self.results:
            if isinstance(r, SurveyRow) and r.metric == ALIGNMENT and _speaks_for_one(r):
                found.append(r.as_dict(who=f"{r.model} · {r.strategy}"))
        return found

    @cached_property
    def surveyed(self) -> list[str]:
        """Communities whose people were asked, measured or not."""
        known = set(self.record.get("people") or {})
        known |= {r.community for r in self.policies if r.community is not None}
        known |= {r.community for r in self.knowledge}
        known |= {p.community for p in self.participation}
        return sorted(known | {r["community"] for r in self.served})


def read_run(folder: Path, method: str | None = None) -> Run:
    """Read a folder that `run`, `survey`, `knowledge`, `pluralise`, `align` or `audit` wrote.

    Args:
        folder: The folder; an audit in its ``audit`` folder is read too.
        method: The method that is to stand for a run of reward models.

    Raises:
        InvalidSettings: If the folder has no run and no audit, or the run has no such method.
        DamagedFile: If a file in it cannot be read.
    """
    opened = open_run(folder)
    if isinstance(opened, AuditRun):
        return _with_audit(Run(opened.name, "audit"), opened)
    if isinstance(opened, TaskRun):
        raise InvalidSettings(
            "a report does not show runs of `pluralign align --data task`",
            where=str(folder),
            hint="its numbers are in results.jsonl; pluralign.open_run reads them",
        )
    if isinstance(opened, AlignRun):
        run = _policies(opened)
    elif isinstance(opened, KnowledgeRun):
        run = Run(opened.name, "knowledge", opened.record, knowledge=opened.results)
    else:
        run = _rewards(opened, method) if isinstance(opened, RewardRun) else _survey(opened)
    return _with_audit(run, opened.audit) if opened.audit is not None else run


def _rewards(opened: RewardRun, method: str | None) -> Run:
    chosen = opened.method(method)
    return Run(
        opened.name,
        "rewards",
        opened.record,
        (*opened.results, *opened.apart(chosen)),
        summary=opened.summary,
        gain=opened.gain(chosen, REFERENCE),
        curves=opened.curves,
        sensitivity=opened.sensitivity,
        method=chosen,
    )


def _survey(opened: SurveyRun) -> Run:
    return Run(opened.name, "survey", opened.record, opened.results)


def _policies(opened: AlignRun) -> Run:
    return Run(
        opened.name,
        "policies",
        opened.record,
        policies=opened.results,
        pass_file=opened.pass_file,
    )


def _with_audit(run: Run, audit: AuditRun) -> Run:
    return replace(
        run,
        audit=audit.record,
        findings=audit.findings,
        assessments=audit.assessments,
        participation=audit.people,
    )


def _speaks_for_one(row: SurveyRow) -> bool:
    """Whether a row compares answers given in the name of a community with its people."""
    named = bool(row.strategy) and "unaware" not in str(row.strategy)
    return named and row.community is not None
