"""The results of an audit: findings, and the status of each check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pluralign.audits.sentences import Sentence, value_from_row, value_to_row
from pluralign.core import Estimate

Severity = Literal["risk", "concern", "note"]
"""How serious a finding is."""
SEVERITIES: tuple[Severity, ...] = ("risk", "concern", "note")
"""All severities, the most serious first."""
Status = Literal["found", "clear", "not assessed"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The values beyond which a number is a finding.

    Attributes:
        concern: A value beyond it is a concern.
        risk: A value beyond it is a risk.
        reason: The reason for these values.
        below: Whether small values are the bad ones.
    """

    concern: float
    risk: float
    reason: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows behind a finding.

    Attributes:
        what: Their kind: answers, pairs, questions.
        count: Number of rows.
        ids: Ids of the first few.
    """

    what: str
    count: int
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One checkable claim.

    Attributes:
        audit: Name of the audit.
        check: Name of the check within it.
        subject: A respondent with its strategy, a method, or a source.
        community: The community concerned; None for several together.
        severity: ``risk``, ``concern``, or ``note``: beyond the threshold, perhaps by chance.
        claim: One plain sentence.
        numbers: Name -> the number with its interval and its people; the first one decided.
        rows: The rows behind it.
        look: How to look further.
        causes: Possible causes.
        remedies: Ways to reduce it.
    """

    audit: str
    check: str
    subject: str
    community: str | None
    severity: Severity
    claim: Sentence
    numbers: Mapping[str, Estimate]
    rows: Rows
    look: str
    causes: str
    remedies: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        numbers = [
            {
                "name": name,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "n": e.n,
                "n_raters": e.n_raters,
            }
            for name, e in self.numbers.items()
        ]
        return {
            "audit": self.audit,
            "check": self.check,
            "subject": self.subject,
            "community": self.community,
            "severity": self.severity,
            "claim": str(self.claim),
            "template": self.claim.template,
            "values": {name: value_to_row(v) for name, v in self.claim.values.items()},
            "numbers": numbers,
            "rows": {"what": self.rows.what, "count": self.rows.count, "ids": list(self.rows.ids)},
            "look": self.look,
            "causes": self.causes,
            "remedies": self.remedies,
        }

    @staticmethod
    def from_dict(row: Mapping[str, Any]) -> "Finding":
        """The finding that `as_dict` wrote."""
        keys = ("audit", "check", "subject", "community", "severity", "look", "causes", "remedies")
        return Finding(
            claim=Sentence(
                row["template"], {k: value_from_row(v) for k, v in row["values"].items()}
            ),
            numbers={
                e["name"]: Estimate(e["value"], e["low"], e["high"], e["n"], e["n_raters"])
                for e in row["numbers"]
            },
            rows=Rows(row["rows"]["what"], row["rows"]["count"], tuple(row["rows"]["ids"])),
            **{key: row[key] for key in keys},
        )


@dataclass(frozen=True, slots=True)
class Assessment:
    """The status of one check.

    Attributes:
        audit: Name of the audit.
        check: Name of the check.
        asks: The question it answers.
        status: ``found``: a concern or a risk; ``clear``: measured without one; ``not assessed``:
            the evidence was insufficient.
        measured: Number of numbers that were compared with the threshold.
        found: Number of findings, including notes.
        reasons: The reasons why subjects could not be assessed.
        absent: The kinds of evidence that the check reads, where there is none of any; empty where
            the check applies.
    """

    audit: str
    check: str
    asks: str
    status: Status
    measured: int
    found: int
    reasons: tuple[str, ...] = field(default=())
    absent: tuple[str, ...] = ()

    @property
    def applies(self) -> bool:
        """Whether the evidence has something that the check reads."""
        return not self.absent

    def as_dict(self) -> dict[str, Any]:
        """The assessment as a JSON object."""
        return {
            "audit": self.audit,
            "check": self.check,
            "asks": self.asks,
            "status": self.status,
            "measured": self.measured,
            "found": self.found,
            "reasons": list(self.reasons),
            "absent": list(self.absent),
        }
