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
from pluralign.audits.evidence import (
    EVIDENCE_KINDS,
    Evidence,
    EvidenceKind,
    ReasoningAnswer,
    RewardMargins,
)
from pluralign.audits.findings import SEVERITIES, Assessment, Finding, Rows, Severity, Threshold
from pluralign.audits.knowledge import KNOWLEDGE
from pluralign.audits.knowledge_evidence import KnowledgeEvidence
from pluralign.audits.misidentification import MISIDENTIFICATION
from pluralign.audits.participants import suppressed, who_took_part
from pluralign.audits.participation import PARTICIPATION
from pluralign.audits.perturbed_sets import PerturbedSet
from pluralign.audits.policies import Ability, Answers, Policy, PolicyEvidence
from pluralign.audits.policy_flattening import POLICY_FLATTENING
from pluralign.audits.policy_harm import POLICY_HARM
from pluralign.audits.privacy import PRIVACY
from pluralign.audits.reasoning import REASONING
from pluralign.audits.reward_bias import REWARD_BIAS
from pluralign.audits.reward_hacking import REWARD_HACKING
from pluralign.audits.reward_perturbations import REWARD_PERTURBATIONS
from pluralign.audits.sentences import Amount, Language, Place, Sentence, Share
from pluralign.audits.simplification import SIMPLIFICATION
from pluralign.core import earlier_name

BUILT_IN = (
    SIMPLIFICATION,
    MISIDENTIFICATION,
    REASONING,
    PARTICIPATION,
    REWARD_BIAS,
    PRIVACY,
    REWARD_HACKING,
    POLICY_FLATTENING,
    POLICY_HARM,
    REWARD_PERTURBATIONS,
    KNOWLEDGE,
)
"""The audits that come with the package."""

__all__ = [
    "BUILT_IN",
    "EVIDENCE_KINDS",
    "KNOWLEDGE",
    "MISIDENTIFICATION",
    "PARTICIPATION",
    "POLICY_FLATTENING",
    "POLICY_HARM",
    "PRIVACY",
    "REASONING",
    "REWARD_BIAS",
    "REWARD_HACKING",
    "REWARD_PERTURBATIONS",
    "SEVERITIES",
    "SIMPLIFICATION",
    "Ability",
    "Amount",
    "Answers",
    "Assessment",
    "Audit",
    "Check",
    "Context",
    "Evidence",
    "EvidenceKind",
    "Finding",
    "KnowledgeEvidence",
    "Language",
    "Measured",
    "PerturbedSet",
    "Place",
    "Policy",
    "PolicyEvidence",
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
