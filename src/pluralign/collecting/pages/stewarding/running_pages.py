"""The log, the health of the server, and the state of the study."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from pluralign.collecting import audit_log
from pluralign.collecting.acts import acts
from pluralign.collecting.health import health
from pluralign.collecting.overview import State, set_state, state_of
from pluralign.collecting.pages.stewarding.desks import Desk, OfDesk
from pluralign.collecting.pages.visits import OfForm
from pluralign.collecting.refusals import NotAccepted

router = APIRouter()
_ACTS = 50
_STATES: tuple[State, ...] = ("open", "paused", "closed")


@router.get("/steward/log")
def show_log(desk: OfDesk, before: str = "", check: str = "") -> Response:
    """Acts of those who run the study; on request, a check of the whole chain."""
    start = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    with desk.visit.store.reading() as connection:
        found = acts(connection, start, _ACTS)
        head = audit_log.head(connection)
        broken = audit_log.broken_at(connection) if check else None
    older = found[-1].seq if len(found) == _ACTS else None
    return desk.page("log", found=found, head=head, checked=bool(check), broken=broken, older=older)


@router.get("/steward/health")
def show_health(desk: OfDesk) -> Response:
    """Versions, room, backups, and what is left to do."""
    visit = desk.visit
    return desk.page("health", found=health(visit.store, visit.study))


@router.get("/steward/state")
def show_state(desk: OfDesk) -> Response:
    """Whether the study takes answers."""
    with desk.visit.store.reading() as connection:
        state = state_of(connection)
    return desk.page("state", state=state)


@router.post("/steward/state")
def change_state(form: OfForm, desk: OfDesk) -> Response:
    """Open, pause or end the study; a state that it has already changes nothing."""
    desk.check_all()
    state = next((one for one in _STATES if one == form.one("state")), None)
    if state is None:
        raise NotAccepted("Please choose one of the states of the study.")
    desk.visit.store.write(lambda c: _change(c, desk, state))
    return desk.go("/steward/state")


def _change(connection: Connection, desk: Desk, state: State) -> None:
    if state_of(connection) != state:
        study_id = desk.visit.study.settings.id
        set_state(connection, study_id, state, desk.visit.now, desk.steward.actor)
