"""From an invitation to a key: /join, /consent, /key."""

import secrets
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from pluralign.collecting.consents import Consent, consent_of, give_consent
from pluralign.collecting.documents import consent_text
from pluralign.collecting.floods import JOINS
from pluralign.collecting.overview import check_open
from pluralign.collecting.pages.forms import Carried, Form, unpacked
from pluralign.collecting.pages.qr_codes import qr_code
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.refusals import ConsentChanged, NotAccepted
from pluralign.collecting.taking_part import NOT_USABLE, Joined, join, usable_invitation

router = APIRouter()
_TICK_AGE = (
    "Tick this box if you are {age} years old or older. Nobody younger can take part. Nothing was "
    "stored."
)
_TICK_COLLECT = (
    "Without the first consent the study cannot keep your answers. Tick it to take part, or "
    "choose not to take part."
)


@dataclass(frozen=True, slots=True)
class Invited:
    """A person who has an invitation and has not joined yet.

    Attributes:
        token: Token of the invitation.
        form: Token of the consent form; the same form sent twice joins once.
        community: Community of the invitation.
    """

    token: str
    form: str
    community: str


@router.get("/join/{token}")
def invitation(visit: OfVisit, token: str) -> Response:
    """The study, to those who were invited. Nothing is stored yet."""
    return visit.page("join", invited=_invited(visit, token, secrets.token_urlsafe(16)))


@router.get("/consent")
def read_consent(visit: OfVisit, invitation: str = "") -> Response:
    """The consent text, with a box for each purpose."""
    if invitation:
        return consent_page(visit, _invited(visit, invitation, secrets.token_urlsafe(16)))
    _ = visit.participant
    return consent_page(visit, None)


@router.post("/consent")
def consent(visit: OfVisit, form: OfForm) -> Response:
    """Keep a consent: of a new person, who then gets a key, or of one who is known."""
    visit.slow_down(JOINS)
    if form.one("invitation"):
        return _new_person(visit, form)
    return _known_person(visit, form)


@router.get("/no")
def no(visit: OfVisit) -> Response:
    """The way out. Nothing is stored."""
    return visit.page("no")


def consent_page(
    visit: Visit,
    invited: Invited | None,
    *,
    status: int = 200,
    error: NotAccepted | None = None,
    carried: Carried | None = None,
    form: Form | None = None,
) -> Response:
    """The consent text with its boxes.

    Args:
        visit: The visit.
        invited: The invitation of a new person; None for a person who is known.
        status: HTTP status.
        error: The reason why it is shown again.
        carried: A form that waits for the consent.
        form: The boxes as they were sent, if they are shown again.
    """
    with visit.store.reading() as connection:
        document = consent_text(connection, visit.language)
        given = consent_of(connection, visit.person.id) if visit.person and not invited else None
    about_age = error is not None and error.sentence == _TICK_AGE
    ticked = form.several("purpose") if form is not None else _given_before(given)
    return visit.page(
        "consent",
        status=status,
        error=None if about_age else error,
        age_error=error if about_age else None,
        invited=invited,
        document=document,
        ticked=ticked,
        of_age=form is not None and bool(form.one("of_age")),
        carried=carried,
        back=f"/consent?invitation={invited.token}" if invited else "",
    )


def _given_before(given: Consent | None) -> tuple[str, ...]:
    """Purposes of a consent to this version of the text; nothing else is ticked in advance."""
    return tuple(given.purposes.split()) if given is not None and given.current else ()


def _invited(visit: Visit, token: str, form: str) -> Invited:
    with visit.store.reading() as connection:
        check_open(connection)
        found = usable_invitation(connection, visit.study.secret, token, visit.now)
    if visit.study.settings.community(found.community) is None:
        raise NotAccepted(NOT_USABLE, status=410)
    return Invited(token, form, found.community)


def _new_person(visit: Visit, form: Form) -> Response:
    try:
        _check(visit, form)
        joined = visit.store.write(lambda c: _join(c, visit, form))
    except NotAccepted as error:
        if error.status == 410:  # the invitation itself
            raise
        again = None if isinstance(error, ConsentChanged) else form
        invited = _invited(visit, form.one("invitation"), form.one("form"))
        return consent_page(visit, invited, status=error.status, error=error, form=again)
    return _key_page(visit, joined)


def _check(visit: Visit, form: Form) -> None:
    age = visit.study.settings.min_age
    if age and not form.one("of_age"):
        raise NotAccepted(_TICK_AGE, 422, age=str(age))
    if "collect" not in form.several("purpose"):
        raise NotAccepted(_TICK_COLLECT)


def _join(connection: Connection, visit: Visit, form: Form) -> Joined:
    check_open(connection)
    return join(
        connection,
        visit.study.secret,
        form.one("invitation"),
        form=form.one("form"),
        document_id=form.one("document"),
        purposes=_asked_for(visit, form),
        language=visit.language,
        now=visit.now,
    )


def _asked_for(visit: Visit, form: Form) -> list[str]:
    ticked = form.several("purpose")
    return [one for one in visit.study.settings.purposes if one in ticked]


def _key_page(visit: Visit, joined: Joined) -> Response:
    response = visit.page("key", key=joined.key, code=qr_code(joined.key))
    visit.remember(response, joined.token)
    return response


def _known_person(visit: Visit, form: Form) -> Response:
    person, carried = visit.participant, unpacked(form)
    try:
        if "collect" not in form.several("purpose"):
            raise NotAccepted(_TICK_COLLECT)
        purposes = _asked_for(visit, form)
        visit.store.write(
            lambda c: give_consent(c, person.id, form.one("document"), purposes, visit.now)
        )
    except NotAccepted as error:
        again = None if isinstance(error, ConsentChanged) else form
        return consent_page(
            visit, None, status=error.status, error=error, carried=carried, form=again
        )
    return visit.page("again", carried=carried) if carried else visit.go("/mine")
