"""Audits of finished runs: evidence is gathered, checks are run, findings are written."""

from pluralign.auditing.audit_run import AuditOutcome, run_audit
from pluralign.auditing.gathered_evidence import (
    Gathered,
    Given,
    gather,
)
from pluralign.runs.audits import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE

__all__ = [
    "ASSESSMENTS",
    "AUDIT",
    "FINDINGS",
    "PEOPLE",
    "AuditOutcome",
    "Gathered",
    "Given",
    "gather",
    "run_audit",
]
