"""Audits of what runs leave behind: evidence gathered, checks run, findings written."""

from pluralign.experiments.auditing.gathering import Gathered, Given, gather
from pluralign.experiments.auditing.running import (
    ASSESSMENTS,
    AUDIT,
    FINDINGS,
    PEOPLE,
    AuditOutcome,
    run_audit,
)
from pluralign.experiments.auditing.settings import AuditSettings, explain_audit, resolve_audit

__all__ = [
    "ASSESSMENTS",
    "AUDIT",
    "FINDINGS",
    "PEOPLE",
    "AuditOutcome",
    "AuditSettings",
    "Gathered",
    "Given",
    "explain_audit",
    "gather",
    "resolve_audit",
    "run_audit",
]
