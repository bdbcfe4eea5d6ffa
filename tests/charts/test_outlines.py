"""The map is whole: every country of ISO 3166-1 is an area or a dot, and no outline is broken."""

from typing import Any

import pycountry
import pytest

from pluralign.charts.outlines import drawn_as_areas, drawn_as_dots, outlines

ISO = {country.alpha_3 for country in pycountry.countries}
NOWHERE = {"BVT", "CCK", "CXR", "GUF", "SJM", "UMI"}
"""Nobody is asked there, or they are asked as a part of another country."""


def test_every_country_is_an_area_or_a_dot_and_none_is_both() -> None:
    areas, dots = drawn_as_areas(), drawn_as_dots().keys()
    assert not areas & dots
    assert (areas | dots) - {"-", "XKX"} <= ISO
    assert ISO - areas - dots <= NOWHERE


def test_an_area_has_one_outline() -> None:
    ids = [g["id"] for g in outlines()["objects"]["countries"]["geometries"] if g["id"] != "-"]
    assert len(set(ids)) == len(ids)


def _arcs(part: Any) -> list[int]:
    return [part] if isinstance(part, int) else [arc for deeper in part for arc in _arcs(deeper)]


def test_every_outline_is_made_of_arcs_that_are_there_and_closes() -> None:
    world = outlines()
    ends = []
    for arc in world["arcs"]:
        x, y = (sum(step[axis] for step in arc) for axis in (0, 1))
        ends.append((tuple(arc[0][:2]), (x, y)))
    for geometry in world["objects"]["countries"]["geometries"]:
        parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        assert _arcs(parts), geometry["id"]
        for ring in (ring for part in parts for ring in part):
            walked = [ends[a] if a >= 0 else ends[~a][::-1] for a in ring]
            assert all(walked[k - 1][1] == walked[k][0] for k in range(len(walked))), geometry["id"]


@pytest.mark.parametrize("code", sorted(drawn_as_dots()))
def test_a_dot_is_on_the_globe(code: str) -> None:
    x, y = drawn_as_dots()[code]
    assert -180 <= x <= 180
    assert -90 <= y <= 90


@pytest.mark.parametrize(
    ("code", "near"), [("SGP", (104, 1)), ("MLT", (14, 36)), ("HKG", (114, 22)), ("TUV", (179, -8))]
)
def test_a_dot_is_at_its_state(code: str, near: tuple[int, int]) -> None:
    x, y = drawn_as_dots()[code]
    assert abs(x - near[0]) < 2
    assert abs(y - near[1]) < 2
