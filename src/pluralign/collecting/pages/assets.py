"""The style sheet, scripts and icons. Nothing comes from another host."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_HOUR = {"Cache-Control": "public, max-age=3600"}


@router.get("/static/{name}")
def asset(name: str) -> Response:
    """A file of the pages."""
    if name not in static_files():
        return Response(status_code=404)
    return Response(static_files()[name], 200, _HOUR, _TYPES[PurePath(name).suffix])


@cache
def static_files() -> Mapping[str, bytes]:
    """The content of every file of the pages, by name."""
    folder = files("pluralign.collecting.pages") / "static"
    found = sorted(folder.iterdir(), key=lambda one: one.name)
    return {one.name: one.read_bytes() for one in found if PurePath(one.name).suffix in _TYPES}
