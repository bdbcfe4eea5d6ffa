"""Coverage: the people that each community misses, and how steady its answers are."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.pages.stewarding.desks import OfDesk

router = APIRouter()


@router.get("/steward/coverage")
def show_coverage(desk: OfDesk) -> Response:
    """The steward's communities, the thinnest first."""
    visit = desk.visit
    with visit.store.reading() as connection:
        known = visit.served.coverage
        found = known.of(connection, visit.study.settings, desk.steward, visit.now)
    return desk.page("coverage", found=found)
