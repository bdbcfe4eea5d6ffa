"""Bodies of requests: parsing from bytes, and their description in the OpenAPI document."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from pluralign.rewards.remote.wire import Problem
from pluralign.serving.problems import MEDIA_TYPE, Refused

Body = TypeVar("Body", bound=BaseModel)
Read = TypeVar("Read")
_SOON_READ = 20_000
_VALUES_PER_ITEM = 100
_FAULTS_READ = 1000
_PLACE = "#/components/schemas/{model}"
_PROBLEMS = {
    400: "The body is not JSON",
    401: "The token is missing or wrong",
    403: "A web page of another origin sent the request",
    404: "There is no such model",
    408: "The body was not sent in time",
    413: "The request is too large",
    415: "The Content-Type is not application/json",
    421: "The host name in the request is not a name of this machine",
    422: "The body is not valid, or the model lacks a community",
    429: "Too many requests are waiting",
    500: "The server failed",
    503: "The server is stopping, or too many connections are open",
    504: "The request was not scored in time",
}


async def read(
    request: Request, body: type[Body], understood: Callable[[Body], Read]
) -> tuple[Body, Read]:
    """Read the body of a request and apply ``understood``; a large body is read in a thread.

    Raises:
        Refused: If it is not JSON, has another Content-Type, or has too many values: parsed values
            take far more memory than their text.
        RequestValidationError: If it does not fit the schema.
    """
    check_media_type(request)
    sent = await request.body()
    server = request.app.state.server
    most = _VALUES_PER_ITEM * server.settings.most_items
    found: tuple[Body, Read] = await server.aside(
        len(sent) > _SOON_READ, _read, sent, body, understood, most
    )
    return found


def _read(
    sent: bytes, body: type[Body], understood: Callable[[Body], Read], most: int
) -> tuple[Body, Read]:
    if len(sent) > most and holds_more_values(sent, most):
        raise Refused(413, f"the body has more than {most} values", "send less at a time")
    try:
        found = body.model_validate_json(sent)
    except ValidationError as error:
        if error.error_count() > _FAULTS_READ:
            raise Refused(422, f"the request is not valid: {error.error_count()} errors") from None
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise Refused(400, errors[0]["msg"], "send JSON in UTF-8") from None
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in errors]) from None
    return found, understood(found)


def check_media_type(request: Request) -> None:
    """Require JSON's Content-Type, which other web pages cannot send without the server's consent.

    Raises:
        Refused: If the Content-Type is another.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        hint = "send the header Content-Type: application/json (curl --json does)"
        raise Refused(
            415, f"Content-Type must be application/json, got {kind or 'none'!r:.100}", hint
        )


def holds_more_values(sent: bytes, most: int) -> bool:
    """Whether a JSON text has more than ``most`` members of lists and objects, in linear time.

    >>> sent = b'{"items": [{"prompt": "a, b", "response": "c"}], "communities": ["MEX", "GBR"]}'
    >>> holds_more_values(sent, 3), holds_more_values(sent, 4)
    (True, False)
    """
    plain = sent.replace(rb"\\", b"").replace(rb"\"", b"")
    if plain.count(b'"') > 4 * most:  # a member has at most two texts
        return True
    return 1 + sum(between.count(b",") for between in plain.split(b'"')[::2]) > most


def written(value: Any) -> bytes:
    """A value as JSON; nan becomes null."""
    return to_json(value, inf_nan_mode="null")


def answer(value: Any) -> Response:
    """An answer."""
    return Response(written(value), media_type="application/json")


def documented(sent: type[BaseModel] | None, answered: Any, about: str) -> dict[str, Any]:
    """The description of a route in the OpenAPI document: its body, its answer and its problems."""
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": _PLACE.format(model="Problem")}}}}
    content = (
        {"application/json": {"schema": {"$ref": _PLACE.format(model=sent.__name__)}}}
        if sent
        else {}
    )
    return {
        "response_model": None,
        "summary": about,
        "responses": {
            200: {"model": answered},
            **(
                {status: {"description": what, **problem} for status, what in _PROBLEMS.items()}
                if sent
                else {}
            ),
        },
        **(
            {"openapi_extra": {"requestBody": {"required": True, "content": content}}}
            if sent
            else {}
        ),
    }


def describe_bodies(app: FastAPI, bodies: list[type[BaseModel]]) -> None:
    """Add the bodies that routes parse by themselves to the application's OpenAPI document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            everything: list[type[BaseModel]] = [*bodies, Problem]
            requested: list[tuple[type[BaseModel], Literal["validation"]]] = [
                (body, "validation") for body in everything
            ]
            _, found = models_json_schema(requested, ref_template=_PLACE)
            document.setdefault("components", {}).setdefault("schemas", {}).update(found["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
