"""Report a text to the steward of the community."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import or_, select

from pluralign.collecting.floods import WRITES
from pluralign.collecting.moderating import report_text
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.store.tables import text

router = APIRouter()


@router.get("/report/{text_id}")
def report(visit: OfVisit, text_id: str) -> Response:
    """The text, and a field for the reason."""
    return visit.page("report", body=_body(visit, text_id), filled="", done=False)


@router.post("/report/{text_id}")
def keep_report(visit: OfVisit, text_id: str, form: OfForm) -> Response:
    """Keep a report; the same person reports a text once."""
    person = visit.participant
    visit.slow_down(WRITES)
    body = _body(visit, text_id)
    try:
        reason = form.text("reason", visit.study.settings.limits.reason)
        visit.store.write(lambda c: report_text(c, text_id, person.id, reason, visit.now))
    except NotAccepted as error:
        filled = form.one("reason")
        return visit.page(
            "report", status=error.status, error=error, body=body, filled=filled, done=False
        )
    return visit.page("report", body=body, filled="", done=True)


def _body(visit: Visit, text_id: str) -> str:
    person = visit.participant
    with visit.store.reading() as connection:
        body = connection.execute(
            select(text.c.body).where(
                text.c.id == text_id,
                text.c.state == "shown",
                or_(text.c.community.is_(None), text.c.community == person.community),
            )
        ).scalar()
    if body is None:
        raise NotAccepted("This text is not shown any more.", status=404)
    return str(body)
