"""A study as an app on a phone: manifest, service worker, and the page without a connection."""

import hashlib
import json
from dataclasses import replace
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from pluralign.collecting.pages.assets import static_files
from pluralign.collecting.pages.visits import OfVisit, Visit
from pluralign.languages.speech import Speech

router = APIRouter()
_OFFLINE = "/offline"
_SCRIPT = "text/javascript; charset=utf-8"
_PAPER, _ACCENT = "#f7f5f0", "#0b6661"


@router.get(_OFFLINE)
def offline(visit: OfVisit) -> Response:
    """The page that a phone shows without a connection; nothing on it is about a person."""
    return _offline_page(visit)


@router.get("/sw.js")
def service_worker(visit: OfVisit) -> Response:
    """The service worker. Its cache is named by the digest of everything in it."""
    paths = [*(f"/static/{name}" for name in static_files()), _OFFLINE]
    content = b"".join([*static_files().values(), bytes(_offline_page(visit).body)])
    constants = {
        "CACHE": f"pluralign-{hashlib.sha256(content).hexdigest()[:16]}",
        "FILES": paths,
        "OFFLINE": _OFFLINE,
    }
    lines = [f"const {name} = {json.dumps(value)};\n" for name, value in constants.items()]
    script = (files("pluralign.collecting.pages") / "service_worker.js").read_text("utf-8")
    return Response("".join([*lines, script]), 200, {"Cache-Control": "no-cache"}, _SCRIPT)


@router.get("/manifest.webmanifest")
def manifest(visit: OfVisit) -> Response:
    """Name and icons for the home screen. The first page is the same for everybody."""
    speech, texts = Speech(visit.language), visit.study.settings.texts
    icons = [
        {"src": f"/static/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    maskable = icons[-1] | {"src": "/static/icon-maskable-512.png", "purpose": "maskable"}
    content = {
        "id": "/",
        "name": texts[visit.language].title,  # type: ignore[index]
        "lang": visit.language,
        "dir": "rtl" if speech.rtl else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": _PAPER,
        "theme_color": _ACCENT,
        "icons": [*icons, maskable],
    }
    return JSONResponse(content, 200, media_type="application/manifest+json")


def _offline_page(visit: Visit) -> HTMLResponse:
    nobody = replace(visit, person=None)
    return nobody.page("offline", most=visit.study.settings.limits.reason)
