"""A desk: a visit of a steward, who has a session of their own."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.responses import HTMLResponse, Response

from pluralign.collecting.floods import WRITES
from pluralign.collecting.pages.visits import OfVisit, Visit
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.stewards import Steward, steward_of
from pluralign.collecting.text_queue import waiting_count

COOKIE = "s"
"""The cookie of a steward's session; that of a participant has another name."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A request of a steward.

    Attributes:
        visit: The visit.
        steward: The steward of the session.
    """

    visit: Visit
    steward: Steward

    @property
    def communities(self) -> list[str]:
        """Ids of the study's communities that the steward answers for."""
        ids = (one.id for one in self.visit.study.settings.communities)
        return [id_ for id_ in ids if self.steward.answers_for(id_)]

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of stewards; `Visit.page` describes the arguments."""
        with self.visit.store.reading() as connection:
            waiting = waiting_count(connection, self.steward)
        shared = {"steward": self.steward, "waiting": waiting, "communities": self.communities}
        return self.visit.page(f"steward/{template}", status=status, **shared | values)

    def go(self, path: str) -> Response:
        """Continue with another page."""
        return self.visit.go(path)

    def check_community(self, community: str) -> None:
        """Refuse a community of other stewards.

        Raises:
            NotAccepted: If the steward does not answer for it, or the study does not have it.
        """
        if community not in self.communities:
            raise NotAccepted("You do not answer for this community.", status=403)

    def check_all(self) -> None:
        """Refuse a steward of some communities.

        Raises:
            NotAccepted: If the steward does not answer for all communities.
        """
        if not self.steward.of_all:
            raise NotAccepted("Only a steward of all communities can do this.", status=403)


def desk_of(visit: OfVisit) -> Desk:
    """The desk of a request.

    Raises:
        NotAccepted: If nobody has a session as a steward on this device, or they were revoked.
    """
    token = visit.cookie(COOKIE)
    found = None
    if token:
        with visit.store.reading() as connection:
            found = steward_of(connection, visit.study.secret, token, visit.now)
    if found is None:
        raise NotAccepted(
            "This page is for stewards. Please ask the people who run the study for a link.",
            status=401,
        )
    if visit.request.method == "POST":
        visit.slow_down(WRITES)
    return Desk(visit, found)


OfDesk = Annotated[Desk, Depends(desk_of)]
"""A parameter of a page: the desk."""
