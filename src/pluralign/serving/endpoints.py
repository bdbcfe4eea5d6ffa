"""The way from a request to its endpoint and back, in one step instead of a framework's layers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from re import Pattern
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from pluralign.serving.problems import EXPECTED, answer_of, fault

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Template:
    """A path with parameters.

    Attributes:
        pattern: Matches such paths; its groups are the parameters.
        method: Method of the request.
        endpoint: Answers the requests.
    """

    pattern: Pattern[str]
    method: str
    endpoint: Endpoint


class Endpoints:
    """Calls the endpoint of each request, and answers its errors with problems (ASGI).

    Endpoints read bodies by themselves and return responses, so they need nothing of what FastAPI
    does in between. Requests without an endpoint (another path or method, and the OpenAPI document)
    are left to FastAPI.

    Args:
        app: The application that describes the endpoints and answers all other requests.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._others: ASGIApp = app
        self._by_path: dict[tuple[str, str], Endpoint] = {}
        self._templates: list[_Template] = []

    def add(self, router: APIRouter, prefix: str = "", **included: Any) -> None:
        """Add the endpoints of a router.

        Args:
            router: The router; its endpoints take the request alone.
            prefix: Beginning of their paths; it may have parameters.
            included: Further arguments of `FastAPI.include_router`.
        """
        self._app.include_router(router, prefix=prefix, **included)
        for route in router.routes:
            assert isinstance(route, APIRoute)
            self._add(prefix + route.path, route.methods or (), route.endpoint)

    def _add(self, path: str, methods: Iterable[str], endpoint: Endpoint) -> None:
        pattern, _, parameters = compile_path(path)
        for method in methods:
            if parameters:
                self._templates.append(_Template(pattern, method, endpoint))
            else:
                self._by_path[method, path] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = self._found(scope) if scope["type"] == "http" else None
        if endpoint is None:
            await self._others(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            response = await endpoint(Request(scope, receive, send))
        except EXPECTED as error:
            response = answer_of(error)
        except Exception:
            await fault()(scope, receive, send)
            raise  # the server's log gets the details
        await response(scope, receive, send)

    def _found(self, scope: Scope) -> Endpoint | None:
        """The endpoint of a request, whose scope gets the parameters of its path."""
        method, path = scope["method"], scope["path"]
        if (method, path) in self._by_path:
            return self._by_path[method, path]
        for template in self._templates:
            if template.method == method and (found := template.pattern.match(path)):
                scope["path_params"] = found.groupdict()
                return template.endpoint
        return None
