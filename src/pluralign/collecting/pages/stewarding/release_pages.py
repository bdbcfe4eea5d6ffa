"""Releases that are proposed or made, and withdrawals from them."""

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.pages.stewarding.desks import OfDesk
from pluralign.collecting.pages.visits import OfForm
from pluralign.collecting.proposals import agree, open_proposals, take_back
from pluralign.collecting.release_list import counts_if_made, past_releases, past_withdrawals

router = APIRouter()


@router.get("/steward/releases")
def show_releases(desk: OfDesk) -> Response:
    """Proposals, with the content that they would have now, and releases that were made."""
    visit, settings = desk.visit, desk.visit.study.settings
    with visit.store.reading() as connection:
        proposed = [
            (one, counts_if_made(connection, settings, one.purposes, desk.steward))
            for one in open_proposals(connection, visit.now)
        ]
        made = past_releases(connection, settings, desk.steward)
    return desk.page("releases", proposed=proposed, made=made)


@router.post("/steward/releases")
def answer(form: OfForm, desk: OfDesk) -> Response:
    """Agree to a proposed release, or take the agreement back."""
    visit, id_ = desk.visit, form.one("proposal")
    act = agree if form.one("answer") == "agree" else take_back
    visit.store.write(lambda c: act(c, desk.steward, id_, visit.now))
    return desk.go("/steward/releases")


@router.get("/steward/withdrawals")
def show_withdrawals(desk: OfDesk) -> Response:
    """Withdrawals: of the whole study, for a person who left has no community any more."""
    with desk.visit.store.reading() as connection:
        found = past_withdrawals(connection)
    return desk.page("withdrawals", found=found, unit=desk.visit.study.settings.release.round_to)
