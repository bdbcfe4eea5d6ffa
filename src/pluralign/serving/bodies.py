"""Bodies of requests: read straight from their bytes, and written into the OpenAPI document."""

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
    401: "No token, or a wrong one",
    403: "A web page of another origin sent the request",
    404: "There is no such model",
    408: "The body did not come in time",
    413: "Too much, or too long",
    415: "The body is not called application/json",
    421: "The server answers to names of this machine only",
    422: "The body does not hold what it must, or the model lacks a community",
    429: "Too much is waiting",
    500: "The server failed",
    503: "The server is stopping, or too many connections are open",
    504: "Not scored in time",
}


async def read(
    request: Request, body: type[Body], understood: Callable[[Body], Read]
) -> tuple[Body, Read]:
    """The body of a request, and what ``understood`` makes of it; a large one is read beside the event loop.

    Raises:
        Refused: If it is not JSON, is not called JSON, or holds very many values:
            what is read takes far more memory than what is sent.
        RequestValidationError: If it does not hold what it must.
    """
    check_media_type(request)
    sent = await request.body()
    service = request.app.state.service
    most = _VALUES_PER_ITEM * service.settings.most_items
    found: tuple[Body, Read] = await service.aside(
        len(sent) > _SOON_READ, _read, sent, body, understood, most
    )
    return found


def _read(
    sent: bytes, body: type[Body], understood: Callable[[Body], Read], most: int
) -> tuple[Body, Read]:
    if len(sent) > most and holds_more_values(sent, most):
        raise Refused(413, f"the body holds more than {most} values", "send less at a time")
    try:
        found = body.model_validate_json(sent)
    except ValidationError as error:
        if error.error_count() > _FAULTS_READ:
            raise Refused(
                422, f"the request does not hold what it must, in {error.error_count()} places"
            ) from None
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise Refused(400, errors[0]["msg"], "send JSON in UTF-8") from None
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in errors]) from None
    return found, understood(found)


def check_media_type(request: Request) -> None:
    """Hold that a body is called JSON: a web page elsewhere cannot send that without the server's consent.

    Raises:
        Refused: If it is called something else.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        hint = "send the header Content-Type: application/json (curl --json does)"
        raise Refused(
            415, f"Content-Type must be application/json, got {kind or 'none'!r:.100}", hint
        )


def holds_more_values(sent: bytes, most: int) -> bool:
    """Whether a JSON text holds more members of lists and objects than so many, in time linear in it.

    >>> sent = b'{"items": [{"prompt": "a, b", "response": "c"}], "communities": ["MEX", "GBR"]}'
    >>> holds_more_values(sent, 3), holds_more_values(sent, 4)
    (True, False)
    """
    plain = sent.replace(rb"\\", b"").replace(rb"\"", b"")
    if plain.count(b'"') > 4 * most:  # a member has two texts at most
        return True
    return 1 + sum(between.count(b",") for between in plain.split(b'"')[::2]) > most


def written(value: Any) -> bytes:
    """A value as JSON; a number that is none is null."""
    return to_json(value, inf_nan_mode="null")


def answer(value: Any) -> Response:
    """An answer."""
    return Response(written(value), media_type="application/json")


def documented(sent: type[BaseModel] | None, answered: Any, about: str) -> dict[str, Any]:
    """What a route says in the OpenAPI document: the body it takes, what it answers, and the problems it may tell."""
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
    """Write the bodies that routes read by themselves into the application's OpenAPI document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            everything: list[type[BaseModel]] = [*bodies, Problem]
            told: list[tuple[type[BaseModel], Literal["validation"]]] = [
                (body, "validation") for body in everything
            ]
            _, found = models_json_schema(told, ref_template=_PLACE)
            document.setdefault("components", {}).setdefault("schemas", {}).update(found["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
