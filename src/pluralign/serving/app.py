"""The application: every endpoint over one model (ASGI)."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp

from pluralign._version import __version__
from pluralign.rewards import one_blas_thread
from pluralign.serving import adapting, chat, embeddings, native, openrlhf, rerank, tei, vllm
from pluralign.serving.bodies import describe_bodies
from pluralign.serving.endpoints import Endpoints
from pluralign.serving.guard import Guard
from pluralign.serving.metrics import MEDIA_TYPE, Metrics
from pluralign.serving.problems import explain_problems, problem
from pluralign.serving.server import LoadedModels, Server, load, server_of
from pluralign.serving.server_settings import ServeSettings

_log = logging.getLogger("pluralign.serving")
_ABOUT = (
    "Score responses for communities. One reward model, steered to every community. Rewards are "
    "logits; only differences between responses to the same prompt have a meaning. A score is "
    "similarity to the choices of the people who took part, not to a whole community."
)
_OWN = (native, adapting, embeddings, chat)
_COMPATIBLE = (openrlhf, vllm, rerank, tei)
_PAGE = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/chat.js": ("chat.js", "text/javascript"),
    "/common.js": ("common.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
state = APIRouter(tags=["server"])


def create_app(settings: ServeSettings, loaded: LoadedModels | None = None) -> ASGIApp:
    """Make the application; the models are loaded at start-up, before any request is accepted.

    Args:
        settings: Settings of the server.
        loaded: The models, if they are loaded already.

    Returns:
        An ASGI application for uvicorn or any other server.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        found = await run_in_threadpool(load, settings) if loaded is None else loaded
        with one_blas_thread():  # more threads would compete for the cores with the scoring threads
            app.state.server = server = Server.of(settings, found, metrics)
            yield
            await server.close()

    app = FastAPI(
        title="pluralign",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = metrics
    explain_problems(app)
    endpoints = Endpoints(app)
    for own in _OWN:
        endpoints.add(own.router)
    for compatible in _COMPATIBLE:
        endpoints.add(compatible.router)
        endpoints.add(compatible.router, "/steered/{steer:path}", include_in_schema=False)
    endpoints.add(state)
    describe_bodies(app, [body for module in (*_OWN, *_COMPATIBLE) for body in module.BODIES])
    return Guard(endpoints, settings, metrics, [*app.openapi()["paths"], "/openapi.json"])


@state.get("/healthz", summary="Check that the process is alive", response_class=Response)
async def healthz(request: Request) -> Response:
    """Answer while the process runs."""
    return Response("ok\n", media_type="text/plain")


@state.get("/readyz", summary="Check that the server accepts requests", response_class=Response)
async def readyz(request: Request) -> Response:
    """Answer 503 once the server is stopping; the port opens when the model is loaded."""
    if server_of(request).draining:
        return problem(503, "the server is stopping", headers={"Retry-After": "1"})
    return Response("ready\n", media_type="text/plain")


@state.get("/metrics", summary="Counts for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, batches, the queue and the memory of vectors, of all processes behind the port."""
    return Response(server_of(request).exposed(), headers={"Content-Type": MEDIA_TYPE})


@state.get("/", summary="A page to try the model", response_class=Response)
@state.get("/page.js", include_in_schema=False)
@state.get("/chat.js", include_in_schema=False)
@state.get("/common.js", include_in_schema=False)
@state.get("/page.css", include_in_schema=False)
async def page(request: Request) -> Response:
    """Compares two responses for every community, and shows answers of policies side by side."""
    name, kind = _PAGE[request.url.path]
    text = (files("pluralign.serving") / "page" / name).read_bytes()
    return Response(text, media_type=kind, headers={"Content-Security-Policy": _POLICY})
