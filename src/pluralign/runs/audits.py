"""A finished audit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, model_validator

from pluralign.audits import SEVERITIES, Assessment, Finding
from pluralign.audits.findings import Severity, Status
from pluralign.core import DamagedFile, count_of
from pluralign.evaluation.reward_rows import hold_measured
from pluralign.runs.finished import read_record
from pluralign.runs.finished_run import FinishedRun
from pluralign.runs.record_shapes import AuditRecord, Count, Real, Shape, hold_shape
from pluralign.runs.run_display import Glance
from pluralign.runs.typed_rows import numbered_lines, typed_rows

if TYPE_CHECKING:
    import pyarrow

FINDINGS = "findings.jsonl"
"""Name of the file with the findings of an audit."""
ASSESSMENTS = "assessments.jsonl"
"""Name of the file with the checks of an audit: found, clear or not assessed."""
PEOPLE = "participation.jsonl"
"""Name of the file with the participants of each community."""
AUDIT = "audit.json"
"""Name of the record of an audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """Participants of one community, a row of ``participation.jsonl``.

    Attributes:
        community: Its id.
        raters: Its people; None where answers were only published as shares.
        pairs: Pairs that they judged.
        pairs_per_rater: Pairs per person, on average.
        heaviest_share: The largest share of weight of one person, in [0, 1].
        effective_raters: How many people of equal weight would count as much.
        with_words: Pairs with people's own words.
        languages: Pairs by language.
        sources: Pairs by source.
        groups: Attribute -> group -> people; small groups are put together.
    """

    community: str
    raters: Count | None
    pairs: Count
    pairs_per_rater: Real | None
    heaviest_share: Real | None
    effective_raters: Real | None = None
    with_words: Count
    languages: dict[str, Count] | None = None
    sources: dict[str, Count] | None = None
    groups: dict[str, dict[str, Count]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatFinding:
    """A finding as a row of a table, with the number that decided."""

    audit: str
    check: str
    subject: str
    community: str | None
    severity: str
    claim: str
    number: str
    value: float
    low: float | None
    high: float | None
    n: int
    n_raters: int | None
    rows: int
    causes: str
    remedies: str


@dataclass(frozen=True, repr=False)
class AuditRun(FinishedRun):
    """A finished audit; attributes as of `pluralign.runs.FinishedRun`."""

    record_name: ClassVar[str] = AUDIT
    tables: ClassVar[Mapping[str, type[Any]]] = {
        "findings": FlatFinding,
        "assessments": Assessment,
        "people": Participation,
    }

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """``findings.jsonl``: numbers beyond a threshold, gravest first."""
        path = self.file(FINDINGS)
        lines = numbered_lines(path)
        typed_rows(lines, FindingLine, path)
        try:
            return tuple(Finding.from_dict(line) for line in lines.values())
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFile(
                "a line is not a finding", where=str(path), hint="audit again"
            ) from error

    @cached_property
    def assessments(self) -> tuple[Assessment, ...]:
        """``assessments.jsonl``: the outcome of every check."""
        found = []
        for row in self._rows(ASSESSMENTS, _AssessmentLine):
            found.append(Assessment(**row.model_dump()))
        return tuple(found)

    @cached_property
    def people(self) -> tuple[Participation, ...]:
        """``participation.jsonl``: the participants, by community."""
        return self._rows(PEOPLE, Participation)

    def to_arrow(self, table: str = "findings") -> "pyarrow.Table":
        """A table as a pyarrow table; a finding is there with the number that decided.

        Args:
            table: Its name; `tables` lists them.

        Raises:
            InvalidInput: If the audit has no such table.
            DamagedFile: If its file is missing or damaged.
        """
        if table != "findings":
            return super().to_arrow(table)
        from pluralign.runs.data_frames import arrow_table

        return arrow_table([_flat(f) for f in self.findings], FlatFinding)

    def _glance(self) -> Glance:
        found = []
        for severity in SEVERITIES:
            own = sum(finding.severity == severity for finding in self.findings)
            found.append(count_of(own, severity))
        applying = [a for a in self.assessments if a.applies]
        missing = sum(a.status == "not assessed" for a in applying)
        checks = count_of(len(applying), "check")
        facts = [f"{', '.join(found)}; {missing} of {checks} not assessed"]
        return Glance(
            facts, ("severity", "claim"), [[f.severity, str(f.claim)] for f in self.findings]
        )


def find_audit(folder: Path) -> AuditRun | None:
    """The audit in a folder, or in ``audit`` in it; None if there is none.

    Raises:
        DamagedFile: If its record is damaged, or not the record of an audit.
    """
    for place in (folder, folder / "audit"):
        if (place / AUDIT).is_file():
            record = read_record(place / AUDIT) or {}
            hold_shape(record, AuditRecord, place / AUDIT)
            return AuditRun(place, record)
    return None


class _AssessmentLine(Shape):
    """A line of ``assessments.jsonl``; reports of early versions need no more than this."""

    audit: str = ""
    check: str = ""
    asks: str
    status: Status
    measured: Count
    found: Count = 0
    reasons: list[str]
    absent: list[str] = Field(default_factory=list)


class _Named(Shape):
    """A number of a finding."""

    name: str
    value: Real
    low: Real | None
    high: Real | None
    n: Count
    n_raters: Count | None

    @model_validator(mode="after")
    def _two_ends(self) -> "_Named":
        hold_measured(self.value, self.low, self.high, (self.n,))
        return self


class _Behind(Shape):
    """The rows behind a finding."""

    what: str
    count: Count
    ids: list[str]


class FindingLine(Shape):
    """A line of ``findings.jsonl``."""

    audit: str
    check: str
    subject: str
    community: str | None
    severity: Severity
    template: str
    values: dict[
        str, str | int | Annotated[dict[str, str | float], Field(min_length=1, max_length=1)]
    ]
    numbers: list[_Named] = Field(min_length=1)
    rows: _Behind
    look: str
    causes: str
    remedies: str

    @model_validator(mode="after")
    def _fields_are_filled(self) -> "FindingLine":
        for _, field, spec, conversion in Formatter().parse(self.template):
            if field is not None and (field not in self.values or spec or conversion):
                raise ValueError("the claim has a field that nothing fills")
        return self


def _flat(finding: Finding) -> FlatFinding:
    name, e = next(iter(finding.numbers.items()))
    return FlatFinding(
        audit=finding.audit,
        check=finding.check,
        subject=finding.subject,
        community=finding.community,
        severity=finding.severity,
        claim=str(finding.claim),
        number=name,
        value=e.value,
        low=e.low,
        high=e.high,
        n=e.n,
        n_raters=e.n_raters,
        rows=finding.rows.count,
        causes=finding.causes,
        remedies=finding.remedies,
    )
