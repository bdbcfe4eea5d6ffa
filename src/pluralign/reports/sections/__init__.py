"""The parts of a page: each from what runs left, to what is shown."""

from pluralign.reports.sections.checks import not_assessed
from pluralign.reports.sections.communities import served
from pluralign.reports.sections.findings import findings
from pluralign.reports.sections.knowledge import knowledge
from pluralign.reports.sections.measurement import dropped, how
from pluralign.reports.sections.methods import contested, learning
from pluralign.reports.sections.models import models
from pluralign.reports.sections.people import participation
from pluralign.reports.sections.policies import policies
from pluralign.reports.sections.policy_measurements import conditions, policy_measurements
from pluralign.reports.sections.sensitivity import sensitivity
from pluralign.reports.sections.steers import steers
from pluralign.reports.sections.world import world

__all__ = [
    "conditions",
    "contested",
    "dropped",
    "findings",
    "how",
    "knowledge",
    "learning",
    "models",
    "not_assessed",
    "participation",
    "policies",
    "policy_measurements",
    "sensitivity",
    "served",
    "steers",
    "world",
]
