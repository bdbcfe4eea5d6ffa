"""The application of a study: pages for people, and an entrance for the operator's commands."""

import hmac
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from pluralign.collecting.operations import as_refusal, perform
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.core import PluralignError

_for_machines = APIRouter()


def create_app(
    study: Study,
    store: Store,
    *,
    operator: str,
    clock: Callable[[], int] = lambda: int(time.time()),
) -> FastAPI:
    """The application of a study.

    Args:
        study: The study.
        store: Its store.
        operator: Token of the operator's commands.
        clock: Seconds since 1970.
    """
    app = FastAPI(openapi_url=None, title=study.settings.id)
    app.state.study, app.state.store, app.state.clock = study, store, clock
    app.state.operator = operator
    app.include_router(_for_machines)
    return app


@_for_machines.get("/healthz")
def healthz() -> PlainTextResponse:
    """Whether the process answers."""
    return PlainTextResponse("ok")


@_for_machines.post("/operate")
def operate(
    request: Request,
    name: Annotated[str, Body()],
    arguments: Annotated[dict[str, Any], Body()],
    authorization: Annotated[str, Header()] = "",
) -> JSONResponse:
    """Run an operation for a command of the operator, who proves it with the server's token."""
    state = request.app.state
    if not hmac.compare_digest(authorization.encode(), f"Bearer {state.operator}".encode()):
        return JSONResponse({"what": "the operator's token is missing or wrong"}, 401)
    try:
        found: Mapping[str, Any] = perform(state.store, state.study, name, arguments, state.clock())
    except PluralignError as error:
        return JSONResponse(as_refusal(error), 422)
    return JSONResponse(dict(found))
