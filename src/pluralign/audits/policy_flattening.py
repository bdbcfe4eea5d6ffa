"""Checks of flattening: policies that answer alike for all communities, or always the same."""

from pluralign.audits.checks import Audit, Check
from pluralign.audits.findings import Threshold
from pluralign.audits.policy_variety import alike, variety

POLICY_FLATTENING = Audit(
    "policy-flattening",
    "policies flattened: communities answered alike, variety lost",
    (
        Check(
            name="alike",
            asks="Does each community gain more by its own policy than by the others' policies?",
            measure=alike,
            reads=("policies",),
            threshold=Threshold(
                0.4, 0.7, "a judgement: two fifths of what the communities' rewards ask for"
            ),
            causes="One adapter for all, a reward that hardly depends on the community, or "
            "training that follows what the communities have in common.",
            remedies='Train an adapter for each community (tune.kinds = ["specific"]), and reward '
            "what is particular to it.",
        ),
        Check(
            name="variety",
            asks="Do answers to one prompt vary as the start model's do?",
            measure=variety,
            reads=("policies",),
            threshold=Threshold(
                0.3, 0.6, "a judgement: following a reward costs some variety, not a third"
            ),
            causes="The training goes far from the start model: one answer has the highest reward.",
            remedies="Pull harder to the start model, train for fewer steps, or serve best of n.",
        ),
    ),
)
"""The audit ``policy-flattening`` (docs/audits.md)."""
