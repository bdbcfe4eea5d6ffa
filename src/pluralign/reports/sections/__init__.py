"""The parts of a page: each from what runs left, to what is shown."""

from pluralign.reports.sections.claims import findings, not_assessed
from pluralign.reports.sections.communities import served, world
from pluralign.reports.sections.comparing import contested, learning, models, steers
from pluralign.reports.sections.people import participation
from pluralign.reports.sections.records import dropped, how

__all__ = [
    "contested",
    "dropped",
    "findings",
    "how",
    "learning",
    "models",
    "not_assessed",
    "participation",
    "served",
    "steers",
    "world",
]
