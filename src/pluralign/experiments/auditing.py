"""The earlier place of `pluralign.auditing` and of the settings of audits."""

from typing import Any

from pluralign.core import moved_name

_HOMES = {
    "pluralign.auditing": (
        "ASSESSMENTS",
        "AUDIT",
        "FINDINGS",
        "PEOPLE",
        "AuditOutcome",
        "Gathered",
        "Given",
        "gather",
        "run_audit",
    ),
    "pluralign.settings": (
        "AuditSettings",
        "explain_audit",
        "resolve_audit",
    ),
}


def __getattr__(name: str) -> Any:
    return moved_name(__name__, name, _HOMES)
