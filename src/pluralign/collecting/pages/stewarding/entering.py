"""A steward comes in by a one-time link, and leaves."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.floods import WRONG_KEYS
from pluralign.collecting.pages.stewarding.desks import COOKIE, OfDesk
from pluralign.collecting.pages.visits import OfVisit
from pluralign.collecting.stewards import SESSION_SECONDS, enter, steward_of_link
from pluralign.collecting.taking_part import close_session

router = APIRouter()


@router.get("/steward")
def first(desk: OfDesk) -> Response:
    """The first page."""
    return desk.go("/steward/coverage")


@router.get("/steward/enter/{token}")
def door(visit: OfVisit, token: str) -> Response:
    """A button: programs that look at links, such as those of messengers, do not use it up."""
    visit.slow_down(WRONG_KEYS)
    with visit.store.reading() as connection:
        found = steward_of_link(connection, visit.study.secret, token, visit.now)
    return visit.page("steward/door", token=token, steward=found)


@router.post("/steward/enter/{token}")
def come_in(visit: OfVisit, token: str) -> Response:
    """Use the link up, and open a session."""
    visit.slow_down(WRONG_KEYS)
    session = visit.store.write(lambda c: enter(c, visit.study.secret, token, visit.now))
    response = visit.go("/steward/coverage")
    visit.set_cookie(response, COOKIE, session, SESSION_SECONDS)
    return response


@router.post("/steward/leave")
def leave(visit: OfVisit) -> Response:
    """End the session on this device."""
    token = visit.cookie(COOKIE)
    if token:
        visit.store.write(lambda c: close_session(c, visit.study.secret, token))
    response = visit.go("/")
    visit.delete_cookie(response, COOKIE)
    return response
