"""Pages for everything that is refused or fails: in the person's language, with their content."""

import logging
import sqlite3

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from pluralign.collecting.pages.forms import Carried, Form
from pluralign.collecting.pages.visits import Visit, visit_of
from pluralign.collecting.refusals import ConsentChanged, NotAccepted, SessionNeeded

_log = logging.getLogger("pluralign.collecting")
_NOT_FOUND = "There is no such page here."
_WRONG_METHOD = "This page cannot receive a form. Please go back and try again."
_NOT_KEPT = (
    "The server cannot store anything at this moment, so this was not kept. "
    "Please send it again in a few minutes."
)
_FAULT = "The server failed, so this may not have been kept. Please send it again."
_AGAIN_MAY_HELP = (429, 500, 503)


def explain_failures(app: FastAPI) -> None:
    """Let an application answer everything that is refused or fails with a page."""
    app.add_exception_handler(NotAccepted, _refused)
    app.add_exception_handler(OperationalError, _full)
    app.add_exception_handler(sqlite3.OperationalError, _full)  # of the files of personal data
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(Exception, _fault)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAccepted)
    visit, carried = visit_of(request), _carried(request)
    if isinstance(error, SessionNeeded):
        return visit.page("enter", status=error.status, error=error, carried=carried)
    if isinstance(error, ConsentChanged):
        from pluralign.collecting.pages.joining import consent_page

        return consent_page(visit, None, status=error.status, error=error, carried=carried)
    return _page(visit, error, carried)


def _full(request: Request, error: Exception) -> Response:
    _log.error("the store cannot be written: %s", getattr(error, "orig", error))
    return _page(_visit_without_person(request), NotAccepted(_NOT_KEPT, 503), _carried(request))


def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _page(visit_of(request), NotAccepted(_WRONG_METHOD, 405), None)
    return _page(visit_of(request), NotAccepted(_NOT_FOUND, error.status_code), None)


def _fault(request: Request, error: Exception) -> Response:
    """An internal error: the log has the details, the page does not."""
    return _page(_visit_without_person(request), NotAccepted(_FAULT, 500), _carried(request))


def _page(visit: Visit, error: NotAccepted, carried: Carried | None) -> HTMLResponse:
    again = error.status in _AGAIN_MAY_HELP
    return visit.page(
        "refused", status=error.status, error=error, carried=carried, may_send_again=again
    )


def _visit_without_person(request: Request) -> Visit:
    """A visit without a look into the store, which may be what has failed."""
    from dataclasses import replace

    try:
        return visit_of(request)
    except Exception:
        bare = Request({**request.scope, "headers": _without_cookies(request)})
        return replace(visit_of(bare), request=request)


def _without_cookies(request: Request) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in request.scope["headers"] if name != b"cookie"]


def _carried(request: Request) -> Carried | None:
    form: Form | None = getattr(request.state, "form", None)
    return Carried.of(request.url.path, form) if form is not None else None
