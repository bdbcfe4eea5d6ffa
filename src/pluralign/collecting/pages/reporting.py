"""Report a text to the steward of the community."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection, insert, or_, select

from pluralign.collecting import audit_log
from pluralign.collecting.floods import WRITES
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import flag, text

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
        visit.store.write(lambda c: _flag(c, text_id, person.id, reason, visit.now))
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


def _flag(connection: Connection, text_id: str, person: str, reason: str, now: int) -> None:
    known = select(flag.c.id).where(flag.c.text == text_id, flag.c.participant == person)
    if connection.execute(known).first() is not None:
        return
    id_ = new_id(now)
    connection.execute(
        insert(flag).values(id=id_, text=text_id, participant=person, reason=reason, at=now)
    )
    audit_log.append(connection, now, "participant", "text reported", id_)
