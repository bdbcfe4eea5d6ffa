"""Invitations: make them, print them with QR codes, list and revoke them."""

import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.choosing.thin_communities import (
    people_hoped_for,
    people_who_answered,
    thin_first,
)
from pluralign.collecting.invitations import (
    NewInvitations,
    invitations,
    make_invitations,
    revoke_invitation,
)
from pluralign.collecting.pages.forms import Form
from pluralign.collecting.pages.qr_codes import qr_code
from pluralign.collecting.pages.stewarding.desks import Desk, OfDesk
from pluralign.collecting.pages.visits import OfForm
from pluralign.collecting.refusals import NotAccepted

router = APIRouter()
_FIELDS = ("community", "cards", "uses", "days", "label")
_MOST_CARDS, _MOST_USES, _MOST_DAYS, _MOST_OF_A_LABEL = 60, 1000, 365, 100
_START = {"cards": "1", "uses": "1", "days": "30", "label": ""}
_NUMBERS = "Please write whole numbers within the limits."


@dataclass(frozen=True, slots=True)
class InvitationCard:
    """A card to print.

    Attributes:
        link: The link of the invitation.
        code: The link as a QR code (SVG).
    """

    link: str
    code: Any


@router.get("/steward/invitations")
def show_invitations(desk: OfDesk, community: str = "") -> Response:
    """A form for new invitations, and those that were made."""
    return _page(desk, _START | {"community": community})


@router.post("/steward/invitations")
def invite(form: OfForm, desk: OfDesk) -> Response:
    """Make invitations, and show their links once; the same form makes the same links."""
    visit = desk.visit
    try:
        new = _read(desk, form)
        tokens = visit.store.write(
            lambda c: make_invitations(c, visit.study.secret, new, desk.steward, visit.now)
        )
    except NotAccepted as error:
        if error.status == 403:
            raise
        return _page(desk, {name: form.one(name) for name in _FIELDS}, error)
    address = visit.study.settings.address or str(visit.request.base_url).rstrip("/")
    links = [f"{address}/join/{token}" for token in tokens]
    cards = [InvitationCard(link, qr_code(link)) for link in links]
    return desk.page("cards", cards=cards, new=new, until=visit.now + new.days * 86_400)


@router.post("/steward/invitations/revoke")
def revoke(form: OfForm, desk: OfDesk) -> Response:
    """Revoke an invitation; people who joined with it stay."""
    visit = desk.visit
    visit.store.write(
        lambda c: revoke_invitation(c, desk.steward, form.one("invitation"), visit.now)
    )
    return desk.go("/steward/invitations#made")


def _read(desk: Desk, form: Form) -> NewInvitations:
    desk.check_community(form.one("community"))
    limits = {"cards": _MOST_CARDS, "uses": _MOST_USES, "days": _MOST_DAYS}
    given = {name: form.number(name, 1, most) for name, most in limits.items()}
    numbers = {name: value for name, value in given.items() if value is not None}
    if len(numbers) < len(limits) or not form.one("form"):
        raise NotAccepted(_NUMBERS)
    label = form.text_or_none("label", _MOST_OF_A_LABEL) or ""
    return NewInvitations(form.one("form"), form.one("community"), label=label, **numbers)


def _page(desk: Desk, filled: dict[str, str], error: NotAccepted | None = None) -> Response:
    visit = desk.visit
    with visit.store.reading() as connection:
        made = invitations(connection, desk.steward, visit.now)
        answered = people_who_answered(connection)
    hoped = people_hoped_for(visit.study.settings)
    own = {id_: hoped[id_] for id_ in desk.communities}
    return desk.page(
        "invitations",
        status=error.status if error else 200,
        error=error,
        filled=filled,
        form=secrets.token_urlsafe(16),
        thin=thin_first(own, answered),
        made=made,
        limits={
            "cards": _MOST_CARDS,
            "uses": _MOST_USES,
            "days": _MOST_DAYS,
            "label": _MOST_OF_A_LABEL,
        },
    )
