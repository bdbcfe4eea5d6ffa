"""About me: every question is optional, in one's own words, and stored encrypted."""

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.floods import WRITES
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.refusals import NotAccepted

router = APIRouter()
FIELDS = ("age", "gender", "place", "languages", "belief", "work", "more")
CONTACT = "contact"
MOST = 300


@router.get("/about")
def about(visit: OfVisit, then: str = "") -> Response:
    """The questions, with the answers so far."""
    given = visit.served.personal.read(visit.participant.id)
    return _about_page(visit, given, then)


@router.post("/about")
def keep_about(visit: OfVisit, form: OfForm) -> Response:
    """Keep the answers; an empty field deletes an earlier answer."""
    person = visit.participant
    visit.slow_down(WRITES)
    try:
        texts = {name: form.text_or_none(name, MOST) or "" for name in _fields(visit)}
    except NotAccepted as error:
        given = {name: form.one(name) for name in _fields(visit)}
        return _about_page(visit, given, form.one("then"), error)
    visit.served.personal.keep(person.id, texts)
    return visit.go("/practice" if form.one("then") == "practice" else "/mine")


def _about_page(
    visit: Visit, given: Mapping[str, str], then: str, error: NotAccepted | None = None
) -> Response:
    return visit.page(
        "about",
        status=error.status if error else 200,
        error=error,
        given=given,
        fields=_fields(visit),
        most=MOST,
        then="practice" if then == "practice" else "",
    )


def _fields(visit: OfVisit) -> tuple[str, ...]:
    asks = CONTACT in visit.study.settings.purposes
    return (*FIELDS, CONTACT) if asks else FIELDS
