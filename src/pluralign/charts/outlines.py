"""Geography of the map: outlines at 1:110m, and a point for each state too small for them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

_FOLDER = files("pluralign.charts") / "world"


@cache
def outlines() -> dict[str, Any]:
    """TopoJSON of the world's ``countries``, with ISO 3166-1 alpha-3 codes as ids."""
    found: dict[str, Any] = json.loads(
        (_FOLDER / "countries-110m.json").read_text(encoding="utf-8")
    )
    return found


@cache
def drawn_as_areas() -> frozenset[str]:
    """Codes of the countries that the outlines have.

    >>> "MEX" in drawn_as_areas(), "SGP" in drawn_as_areas()
    (True, False)
    """
    return frozenset(g["id"] for g in outlines()["objects"]["countries"]["geometries"])


@cache
def drawn_as_dots() -> dict[str, tuple[float, float]]:
    """Code -> longitude and latitude in degrees, of the states that the outlines lack.

    >>> [round(x) for x in drawn_as_dots()["SGP"]]
    [104, 1]
    """
    found = json.loads((_FOLDER / "small.json").read_text(encoding="utf-8"))
    return {code: (float(x), float(y)) for code, (x, y) in found.items()}
