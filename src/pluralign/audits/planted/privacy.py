"""Faults of privacy: training pairs are remembered."""

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.society import Planted, seen_by


def members_remembered(p: Planted) -> Evidence:
    """The margin of each training pair is three logits larger than that of a pair like it."""
    return p.evidence(seen=seen_by(p, added=3.0))
