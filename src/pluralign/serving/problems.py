"""Errors as problem+json (RFC 9457), without stack traces and without the texts of requests."""

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
"""The common status for a client that has disconnected; it appears in the counts only."""
_log = logging.getLogger("pluralign.serving")
_ERRORS_TOLD = 10
_WORDS = 300
_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


class Refused(HTTPException):
    """A request that is not answered.

    Args:
        status: HTTP status.
        detail: Description of the error.
        hint: How to fix it.
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
    """An answer that describes an error, also in OpenAI's form, as the member ``error``."""
    told = Problem(
        title=_phrase(status),
        status=status,
        detail=detail,
        hint=hint,
        errors=errors,
        error=openai_error(status, detail, hint, errors),
    )
    return Response(told.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def openai_error(
    status: int,
    detail: str | None,
    hint: str | None = None,
    errors: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, str | None]:
    """An error as clients of OpenAI read it.

    >>> openai_error(429, "too many requests are waiting", "ask again in 2 s")["type"]
    'rate_limit_error'
    """
    named = [f"{error['where']}: {error['what']}" for error in errors or ()]
    parts = [detail or _phrase(status), *named[:1], *([hint] if hint else [])]
    param = str(errors[0]["where"]).removeprefix("body").strip(".") if errors else None
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {
        "message": "; ".join(parts),
        "type": "rate_limit_error" if status == 429 else kind,
        "param": param or None,
        "code": _CODES.get(status),
    }


EXPECTED = (HTTPException, RequestValidationError, PluralignError, ClientDisconnect)
"""Errors of requests, as opposed to errors of the server."""


def answer_of(error: Exception) -> Response:
    """The answer to an error of a request."""
    if isinstance(error, HTTPException):
        hint = getattr(error, "hint", None)
        return problem(error.status_code, error.detail, hint, error.headers)
    if isinstance(error, RequestValidationError):
        return problem(422, "the request is not valid", errors=without_values(error.errors()))
    if isinstance(error, PluralignError):
        return problem(422, error.what, error.hint)
    assert isinstance(error, ClientDisconnect)
    return problem(CLIENT_LEFT, "the client disconnected before it had sent its request")


def explain_problems(app: FastAPI) -> None:
    """Let an application answer its own errors with problems too, such as an unknown path."""

    async def refused(request: Request, error: Exception) -> Response:
        return answer_of(error)

    async def failed(request: Request, error: Exception) -> Response:
        return fault()

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, failed)


def fault() -> Response:
    """The answer to an error of the server: the log has the details, the answer does not."""
    return problem(500, "the server failed", "see the server's log for the reason")


def _phrase(status: int) -> str:
    return "Client Closed Request" if status == CLIENT_LEFT else HTTPStatus(status).phrase


def without_values(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The locations and kinds of the errors of a body, without its values.

    >>> error = {"loc": ("body", "items", 0, "response"), "msg": "Field required", "input": "key"}
    >>> without_values([error])
    [{'where': 'body.items.0.response', 'what': 'Field required'}]
    """
    found = []
    for error in errors[:_ERRORS_TOLD]:
        # Keys of the body are in the location, and a caller may make them as long as it likes.
        where = ".".join(str(part)[:_WORDS] for part in error["loc"])
        what = str(error["msg"]).removeprefix("Value error, ")
        found.append({"where": where[:_WORDS], "what": what[:_WORDS]})
    return found
