"""Enter with a key, on another device or after a session has ended; and leave a shared phone."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.floods import WRONG_KEYS
from pluralign.collecting.pages.forms import unpacked
from pluralign.collecting.pages.visits import OfForm, OfVisit
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.taking_part import close_session, session_with_key

router = APIRouter()


@router.get("/enter")
def enter(visit: OfVisit) -> Response:
    """A field for the key."""
    return visit.page("enter", carried=None)


@router.post("/enter")
def enter_with_key(visit: OfVisit, form: OfForm) -> Response:
    """Open a session; content that waited for it can then be sent."""
    visit.slow_down(WRONG_KEYS)
    carried = unpacked(form)
    try:
        token = visit.store.write(
            lambda c: session_with_key(c, visit.study.secret, form.one("key"), visit.now)
        )
    except NotAccepted as error:
        return visit.page("enter", status=error.status, error=error, carried=carried)
    response = visit.page("again", carried=carried) if carried else visit.go("/mine")
    visit.remember(response, token)
    return response


@router.post("/leave")
def leave(visit: OfVisit) -> Response:
    """End the session on this device; everything that was given stays."""
    token = visit.token
    if token:
        visit.store.write(lambda c: close_session(c, visit.study.secret, token))
    response = visit.go("/")
    visit.forget(response)
    return response
