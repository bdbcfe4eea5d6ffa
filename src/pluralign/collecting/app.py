"""The application of a study: pages for people, and an entrance for the operator's commands."""

import hmac
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import OperationalError

from pluralign.collecting.choosing import Chooser, Shown, next_pairs
from pluralign.collecting.operations import as_refusal, cannot_write, perform
from pluralign.collecting.pages import (
    about_me,
    assets,
    community_page,
    comparing,
    installed,
    joining,
    keys,
    mine,
    reporting,
    sent_answers,
    welcome,
    withdrawal_pages,
    writing,
)
from pluralign.collecting.pages.failures import explain_failures
from pluralign.collecting.pages.guard import PageGuard, check_request
from pluralign.collecting.pages.stewarding import (
    coverage_page,
    entering,
    invitation_pages,
    moderation_pages,
    release_pages,
    running_pages,
)
from pluralign.collecting.pages.visits import ServedStudy
from pluralign.collecting.personal import Personal
from pluralign.collecting.readiness import Readiness
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.collecting.taking_part import Person
from pluralign.core import PluralignError

_for_machines = APIRouter()
_PAGES = (
    about_me.router,
    assets.router,
    community_page.router,
    comparing.router,
    installed.router,
    joining.router,
    keys.router,
    mine.router,
    reporting.router,
    sent_answers.router,
    welcome.router,
    withdrawal_pages.router,
    writing.router,
    coverage_page.router,
    entering.router,
    invitation_pages.router,
    moderation_pages.router,
    release_pages.router,
    running_pages.router,
)
"""Routers of all pages; a new page adds its own here."""


def create_app(
    study: Study,
    store: Store,
    personal: Personal,
    *,
    operator: str,
    asks: Callable[[Person, int, int], list[Shown]],
    clock: Callable[[], int] = lambda: int(time.time()),
) -> FastAPI:
    """The application of a study.

    Args:
        study: The study.
        store: Its store.
        personal: Its encrypted answers about people.
        operator: Token of the operator's commands.
        asks: Chooses the pairs that a person answers next; `asking` makes it.
        clock: Seconds since 1970.
    """
    app = FastAPI(openapi_url=None, dependencies=[Depends(check_request)])
    app.state.served = ServedStudy(study, store, personal, clock, operator, asks)
    app.state.readiness = Readiness(store)
    for router in (_for_machines, *_PAGES):
        app.include_router(router)
    explain_failures(app)
    app.add_middleware(PageGuard)
    return app


def asking(
    store: Store, study: Study, chooser: Chooser, rng: np.random.Generator
) -> Callable[[Person, int, int], list[Shown]]:
    """A function ``(person, now, count)`` that chooses the pairs that a person answers next."""
    one_at_a_time = threading.Lock()

    def ask(person: Person, now: int, count: int) -> list[Shown]:
        # Requests come in several threads at once: each draw has a generator of its own.
        with one_at_a_time:
            own = rng.spawn(1)[0]
        return next_pairs(store, study, chooser, person, now, own, count)

    return ask


@_for_machines.get("/healthz")
def healthz(request: Request) -> PlainTextResponse:
    """Whether the process answers, and its store can be read and written."""
    readiness: Readiness = request.app.state.readiness
    problem = readiness.problem()
    return PlainTextResponse(problem or "ok", 503 if problem else 200)


@_for_machines.post("/operate")
def operate(
    request: Request,
    name: Annotated[str, Body()],
    arguments: Annotated[dict[str, Any], Body()],
    authorization: Annotated[str, Header()] = "",
) -> JSONResponse:
    """Run an operation for a command of the operator, who proves it with the server's token."""
    served: ServedStudy = request.app.state.served
    if not hmac.compare_digest(authorization.encode(), f"Bearer {served.operator}".encode()):
        return JSONResponse({"what": "the operator's token is missing or wrong"}, 401)
    try:
        found: Mapping[str, Any] = perform(
            served.store, served.study, name, arguments, served.clock()
        )
    except PluralignError as error:
        return JSONResponse(as_refusal(error), 422)
    except (OSError, sqlite3.OperationalError, OperationalError) as error:
        return JSONResponse(as_refusal(cannot_write(error)), 422)
    return JSONResponse(dict(found))
