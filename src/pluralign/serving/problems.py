"""What a server says when something is wrong: problem+json (RFC 9457), never a stack trace, never the texts."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pluralign.core import PluralignError
from pluralign.rewards.remote.wire import Problem

MEDIA_TYPE = "application/problem+json"
CLIENT_LEFT = 499
"""As others call it; nobody reads the answer, but the status is counted."""
_log = logging.getLogger("pluralign.serving")
_ERRORS_TOLD = 10
_WORDS = 300


class Refused(HTTPException):
    """A request that is not answered.

    Args:
        status: HTTP status.
        detail: What is wrong.
        hint: What to do next.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.hint = hint


def problem(
    status: int,
    detail: str | None = None,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Response:
    """An answer that says what is wrong."""
    told = Problem(title=_phrase(status), status=status, detail=detail, hint=hint, errors=errors)
    return Response(told.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def explain_problems(app: FastAPI) -> None:
    """Let an application answer every error with a problem."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PluralignError, _mendable)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _fault)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, getattr(error, "hint", None), error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, "the request does not hold what it must", errors=told(error.errors()))


async def _mendable(request: Request, error: Exception) -> Response:
    assert isinstance(error, PluralignError)
    return problem(422, error.what, error.hint)


async def _left(request: Request, error: Exception) -> Response:
    return problem(CLIENT_LEFT, "the client left before it had sent its request")


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours; the log has it, the answer does not."""
    return problem(500, "the server failed", "the server's log says why")


def _phrase(status: int) -> str:
    return "Client Closed Request" if status == CLIENT_LEFT else HTTPStatus(status).phrase


def told(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where a body is wrong, and how, without what was sent.

    >>> told([{"loc": ("body", "items", 0, "response"), "msg": "Field required", "input": "secret"}])
    [{'where': 'body.items.0.response', 'what': 'Field required'}]
    """
    return [
        {
            "where": ".".join(str(part)[:_WORDS] for part in error["loc"])[:_WORDS],
            "what": str(error["msg"])[:_WORDS],
        }
        for error in errors[:_ERRORS_TOLD]
    ]
