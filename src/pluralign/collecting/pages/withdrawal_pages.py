"""Withdraw, the receipt of a withdrawal, and what a person's answers changed."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.changed import measured_again, newest_change
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.given import given_by
from pluralign.collecting.pages.visits import OfForm, OfVisit
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.withdrawing import receipt_of, withdraw

router = APIRouter()


@router.get("/withdraw")
def before(visit: OfVisit) -> Response:
    """The content that a withdrawal takes out, and the copies that it cannot reach."""
    person = visit.participant
    with visit.store.reading() as connection:
        given = given_by(connection, person.id)
    return visit.page("withdraw", given=given, scope=visit.study.settings.withdrawal)


@router.post("/withdraw")
def take_out(visit: OfVisit, form: OfForm) -> Response:
    """Withdraw the person of the session."""
    person = visit.participant
    receipt = visit.store.write(lambda c: withdraw(c, visit.study, person.id, visit.now))
    forget_withdrawn(visit.store, visit.served.personal)
    page = visit.go(f"/withdrawn/{receipt.id}")
    visit.forget(page)
    return page


@router.get("/withdrawn/{withdrawal}")
def receipt(visit: OfVisit, withdrawal: str) -> Response:
    """The receipt of a withdrawal; its address is known to the person alone."""
    with visit.store.reading() as connection:
        found = receipt_of(connection, withdrawal)
    if found is None:
        raise NotAccepted("There is no such receipt.", status=404)
    return visit.page("withdrawn", receipt=found)


@router.get("/changed")
def changed(visit: OfVisit) -> Response:
    """The changes by the person's answers in the newest release."""
    person = visit.participant
    with visit.store.reading() as connection:
        found = newest_change(connection, person.id)
        again = found is None and measured_again(connection, person.id)
    return visit.page("changed", changed=found, again=again)
