"""Audits of finished runs: evidence is gathered, checks are run, findings are written."""

from pluralign.auditing.audit_run import AuditOutcome, run_audit
from pluralign.auditing.gathered_evidence import (
    Gathered,
    Given,
    gather,
)
from pluralign.auditing.response_sets import ResponseSet, Version, read_sets
from pluralign.auditing.written_versions import as_set_row, write_versions
from pluralign.runs.audits import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE

__all__ = [
    "ASSESSMENTS",
    "AUDIT",
    "FINDINGS",
    "PEOPLE",
    "AuditOutcome",
    "Gathered",
    "Given",
    "ResponseSet",
    "Version",
    "as_set_row",
    "gather",
    "read_sets",
    "run_audit",
    "write_versions",
]
