"""A visit: one request of one person, with the study, their language and their session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from pluralign.collecting.coverage import KnownCoverage
from pluralign.collecting.floods import Rate, take
from pluralign.collecting.overview import drafts
from pluralign.collecting.pages.accepted_languages import best_language
from pluralign.collecting.pages.forms import Form
from pluralign.collecting.pages.rendering import rendered
from pluralign.collecting.personal import Personal
from pluralign.collecting.refusals import NotAccepted, SessionNeeded
from pluralign.collecting.secret_digests import keyed_digest
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.collecting.taking_part import SESSION_SECONDS, Person, person_of
from pluralign.core import community
from pluralign.languages.speech import Speech

T = TypeVar("T")
_SESSION, _LANGUAGE = "p", "language"
_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class ServedStudy:
    """Shared by all visits of a server.

    Attributes:
        study: The study.
        store: Its store.
        personal: Encrypted answers about oneself.
        clock: Seconds since 1970.
        operator: Token of the operator's commands.
        asks: Chooses the pairs that a person answers next, from the person, the time and a number.
        coverage: Coverage as stewards saw it last.
    """

    study: Study
    store: Store
    personal: Personal
    clock: Callable[[], int]
    operator: str
    asks: Any
    coverage: KnownCoverage = field(default_factory=KnownCoverage)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a person.

    Attributes:
        request: The request.
        served: The study and its store.
        now: Seconds since 1970.
        language: Language of the page.
        person: The person of the session; None without one.
    """

    request: Request
    served: ServedStudy
    now: int
    language: str
    person: Person | None

    @property
    def token(self) -> str | None:
        """Token of the session; None without one."""
        return self.cookie(_SESSION)

    @property
    def study(self) -> Study:
        """The study."""
        return self.served.study

    @property
    def store(self) -> Store:
        """The study's store."""
        return self.served.store

    @property
    def back(self) -> str:
        """The page with its query, for a link that returns to it; ``/`` after a form."""
        url = self.request.url
        return f"{url.path}?{url.query}".rstrip("?") if self.request.method == "GET" else "/"

    @property
    def participant(self) -> Person:
        """The person of the session.

        Raises:
            SessionNeeded: If there is none, or it has expired.
        """
        if self.person is None:
            raise SessionNeeded
        return self.person

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page.

        Args:
            template: Name of its template, without ``.html.jinja``.
            status: HTTP status.
            **values: Variables of the template, without those that every page has.
        """
        shared = {
            "say": speech(self.language),
            "visit": self,
            "texts": self.study.settings.texts[self.language],  # type: ignore[index]
            "draft": self.language in drafts(self.study.settings),
            "languages": [speech(one) for one in self.study.settings.languages],
            "error": None,
            "back": "",
        }
        return HTMLResponse(rendered(template, shared | values), status)

    def go(self, path: str) -> RedirectResponse:
        """Continue with another page; a reload of that page sends nothing again."""
        return RedirectResponse(path, 303)

    @property
    def mark(self) -> str:
        """Mark of the person in what their phone keeps; another person there cannot read it."""
        if self.person is None:
            return ""
        return keyed_digest(self.study.secret, "phone", self.person.id)[:16]

    def name_of(self, community_id: str) -> str:
        """Name of a community in the language of the page."""
        own = self.study.settings.community(community_id)
        given = own.name.get(self.language) if own is not None else None  # type: ignore[call-overload]
        return given or speech(self.language).place(community(community_id).id)

    def remember(self, response: HTMLResponse | RedirectResponse, token: str) -> None:
        """Put the token of a session into a cookie, which no script can read."""
        self.set_cookie(response, _SESSION, token, SESSION_SECONDS)

    def forget(self, response: HTMLResponse | RedirectResponse) -> None:
        """Delete the cookie of the session."""
        self.delete_cookie(response, _SESSION)

    def speak(self, response: HTMLResponse | RedirectResponse, language: str) -> None:
        """Put the language into a cookie."""
        self.set_cookie(response, _LANGUAGE, language, _YEAR)

    def slow_down(self, rate: Rate) -> None:
        """Count this request; the count is kept even if the request is refused later.

        Raises:
            NotAccepted: If there were too many of its kind from this address.
        """
        self.store.write(lambda c: self._count(c, rate))

    def write(self, rate: Rate, change: Callable[[Connection], T]) -> T:
        """Count this request, and make a change in the same commit.

        The count is kept even if the change is refused.

        Raises:
            NotAccepted: If there were too many of its kind from this address, or the change is
                refused.
        """

        def counted(connection: Connection) -> T | NotAccepted:
            self._count(connection, rate)
            savepoint = connection.begin_nested()
            try:
                made = change(connection)
            except NotAccepted as error:
                savepoint.rollback()
                return error
            savepoint.commit()
            return made

        outcome = self.store.write(counted)
        if isinstance(outcome, NotAccepted):
            raise outcome
        return outcome

    def _count(self, connection: Connection, rate: Rate) -> None:
        address = self.request.client.host if self.request.client else ""
        take(connection, self.study.secret, rate, address, self.now)

    def cookie(self, name: str) -> str | None:
        """Value of a cookie; None without one."""
        return self.request.cookies.get(_cookie(self.request, name))

    def set_cookie(
        self, response: HTMLResponse | RedirectResponse, name: str, value: str, seconds: int
    ) -> None:
        """Set a cookie, which no script can read."""
        response.set_cookie(
            _cookie(self.request, name),
            value,
            max_age=seconds,
            httponly=True,
            samesite="lax",
            secure=_secure(self.request),
        )

    def delete_cookie(self, response: HTMLResponse | RedirectResponse, name: str) -> None:
        """Delete a cookie."""
        response.delete_cookie(_cookie(self.request, name), secure=_secure(self.request))


@cache
def speech(language: str) -> Speech:
    """A language of the pages, made once."""
    return Speech(language)


def visit_of(request: Request) -> Visit:
    """The visit of a request."""
    served: ServedStudy = request.app.state.served
    now = served.clock()
    person, token = None, request.cookies.get(_cookie(request, _SESSION))
    if token:
        with served.store.reading() as connection:
            person = person_of(connection, served.study.secret, token, now)
    return Visit(request, served, now, _language(request, served, person), person)


def _language(request: Request, served: ServedStudy, person: Person | None) -> str:
    """The language that was chosen last, else that of the person, else of the browser."""
    known = served.study.settings.languages
    chosen = request.cookies.get(_cookie(request, _LANGUAGE), "")
    wanted = [chosen, person.language if person else ""]
    own = next((one for one in wanted if one in known), None)
    return own or best_language(request.headers.get("accept-language", ""), known)


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie(request: Request, name: str) -> str:
    """Name of a cookie; with the prefix, browsers accept it from this host over TLS alone."""
    return f"__Host-{name}" if _secure(request) else name


async def form_of(request: Request) -> Form:
    """The form of a request, which error pages can show again."""
    form = Form.from_items((await request.form()).multi_items())
    request.state.form = form
    return form


def quoted(path: str) -> str:
    """A path within this site; ``/`` for anything else.

    >>> quoted("/mine"), quoted("//evil.example"), quoted("https://evil.example")
    ('/mine', '/', '/')
    """
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return quote(path, safe="/?=&-_.~") if inside else "/"


OfVisit = Annotated[Visit, Depends(visit_of)]
"""A parameter of a page: the visit."""
OfForm = Annotated[Form, Depends(form_of)]
"""A parameter of a page: its form."""
