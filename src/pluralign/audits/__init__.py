"""Checks of recorded evidence for cultural risks; a finding is a claim with numbers and rows."""

from typing import Any

from pluralign.audits.checks import (
    Audit,
    Check,
    Context,
    Measured,
    Skipped,
    run_audits,
    with_thresholds,
)
from pluralign.audits.evidence import Evidence, ReasoningAnswer, RewardMargins
from pluralign.audits.findings import SEVERITIES, Assessment, Finding, Rows, Severity, Threshold
from pluralign.audits.misidentification import MISIDENTIFICATION
from pluralign.audits.participants import suppressed, who_took_part
from pluralign.audits.participation import PARTICIPATION
from pluralign.audits.privacy import PRIVACY
from pluralign.audits.reasoning import REASONING
from pluralign.audits.reward_bias import REWARD_BIAS
from pluralign.audits.sentences import Amount, Place, Sentence, Share
from pluralign.audits.simplification import SIMPLIFICATION
from pluralign.core import earlier_name

BUILT_IN = (SIMPLIFICATION, MISIDENTIFICATION, REASONING, PARTICIPATION, REWARD_BIAS, PRIVACY)
"""The audits that come with the package."""

__all__ = [
    "BUILT_IN",
    "MISIDENTIFICATION",
    "PARTICIPATION",
    "PRIVACY",
    "REASONING",
    "REWARD_BIAS",
    "SEVERITIES",
    "SIMPLIFICATION",
    "Amount",
    "Assessment",
    "Audit",
    "Check",
    "Context",
    "Evidence",
    "Finding",
    "Measured",
    "Place",
    "ReasoningAnswer",
    "RewardMargins",
    "Rows",
    "Sentence",
    "Severity",
    "Share",
    "Skipped",
    "Threshold",
    "run_audits",
    "suppressed",
    "who_took_part",
    "with_thresholds",
]


def __getattr__(name: str) -> Any:
    renamed = {"Item": ReasoningAnswer, "Rewards": RewardMargins}
    return earlier_name(__name__, name, renamed)
