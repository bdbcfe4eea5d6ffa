"""The community: rounded counts, never of fewer people than the floor."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.pages.visits import OfVisit
from pluralign.collecting.public_counts import public_counts

router = APIRouter()


@router.get("/community")
def community(visit: OfVisit) -> Response:
    """How many people take part."""
    with visit.store.reading() as connection:
        counts = public_counts(connection, visit.study.settings, visit.now)
    return visit.page("community", counts=counts, unit=visit.study.settings.release.round_to)
