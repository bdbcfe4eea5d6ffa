"""The style sheet and the mark. Nothing comes from another host."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter()
_FILES = {"mark.svg": "image/svg+xml", "style.css": "text/css; charset=utf-8"}
_HOUR = {"Cache-Control": "public, max-age=3600"}


@router.get("/static/{name}")
def asset(name: str) -> Response:
    """A file of the pages."""
    if name not in _FILES:
        return Response(status_code=404)
    return Response(_content(name), 200, _HOUR, _FILES[name])


@cache
def _content(name: str) -> bytes:
    return (files("pluralign.collecting.pages") / "static" / name).read_bytes()
