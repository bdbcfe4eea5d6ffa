"""The map: how well each country is served."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.charts.outlines import drawn_as_dots, outlines
from pluralign.charts.styles import INK, WIDE, Rows, chosen, finished, is_narrow
from pluralign.languages.speech import Speech

HATCH = "url(#hatch)"
WORLD = "world"
"""Name of the outlines in a specification that does not contain them."""
_EMPTY_LAND = "ATA"
"""Antarctica has no community; without it the other countries are drawn larger."""


def world_map(
    rows: Rows,
    unsurveyed: Rows,
    who: Sequence[str],
    legend: str,
    percent: bool,
    say: Speech,
    width: int = WIDE,
) -> dict[str, Any]:
    """A map of how well each country is served; hatched where people were asked without a result.

    Args:
        rows: ``who, community, name, value, shown``.
        unsurveyed: ``who, community, name`` of the countries to hatch.
        who: Respondents or methods; with several, a list to choose from.
        legend: Name of the number that the colour shows.
        percent: Whether it is a fraction.
        say: The language.
        width: Pixels.
    """
    import altair as alt

    dots = drawn_as_dots()
    geography = alt.NamedData(
        WORLD, format=alt.TopoDataFormat(type="topojson", feature="countries")
    )
    shapes = alt.LookupData(data=geography, key="id", fields=["type", "geometry"])
    colour = _colour([r["value"] for r in rows], legend, percent, width)
    tips = [alt.Tooltip("name:N", title=say("Community")), alt.Tooltip("shown:N", title=legend)]

    def areas(of: Rows) -> Any:
        found = alt.Chart(alt.Data(values=[dict(r) for r in of if r["community"] not in dots]))
        return found.transform_filter("datum.who == who").transform_lookup(
            lookup="community", from_=shapes
        )

    def points(of: Rows) -> Any:
        small = [dict(r) | _at(r, dots) for r in of if r["community"] in dots]
        found = alt.Chart(alt.Data(values=small)).transform_filter("datum.who == who")
        return found.encode(longitude="x:Q", latitude="y:Q")

    edge = {"stroke": INK, "strokeWidth": 0.5}
    layers = [
        alt.Chart(geography)
        .transform_filter(f"datum.id != '{_EMPTY_LAND}'")
        .mark_geoshape(fill="transparent", stroke=INK, strokeOpacity=0.3, strokeWidth=0.4),
        areas(rows).mark_geoshape(**edge).encode(color=colour, tooltip=tips),
        points(rows).mark_circle(size=70, stroke=INK, opacity=1).encode(color=colour, tooltip=tips),
    ]
    if unsurveyed:
        hatched = areas(unsurveyed).mark_geoshape(fill=HATCH, **edge)
        hollow = points(unsurveyed).mark_circle(size=70, fill=HATCH, stroke=INK, opacity=1)
        layers += [hatched.encode(tooltip=tips[:1]), hollow.encode(tooltip=tips[:1])]
    chart = alt.layer(*layers).project("equalEarth").properties(height=round(0.45 * width))
    found: dict[str, Any] = with_outlines(
        finished(chart.add_params(chosen(who, say("Answers by"))), width)
    )
    return found


def _colour(values: Sequence[float], title: str, percent: bool, width: int) -> Any:
    import altair as alt

    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.01, low + 0.01
    legend = alt.Legend(
        orient="bottom",
        direction="horizontal",
        gradientLength=240 if is_narrow(width) else 400,
        **({"format": "%"} if percent else {}),
    )
    scale = alt.Scale(scheme="cividis", domain=[low, high])
    return alt.Color("value:Q", title=title, legend=legend, scale=scale)


def _at(row: Mapping[str, Any], dots: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    x, y = dots[row["community"]]
    return {"x": x, "y": y}


def without_outlines(spec: Any) -> Any:
    """A specification that names the outlines, so that a page with several maps has them once."""
    if isinstance(spec, list):
        return [without_outlines(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if spec.get("values") is outlines():
        return {"name": WORLD, "format": spec["format"]}
    return {
        key: value if key == "datasets" else without_outlines(value) for key, value in spec.items()
    }


def with_outlines(spec: Any) -> Any:
    """A specification with the outlines in it, added late since Altair copies all data often."""
    if isinstance(spec, list):
        return [with_outlines(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if spec.get("name") == WORLD:
        return {"values": outlines(), "format": spec["format"]}
    return {
        key: value if key == "datasets" else with_outlines(value) for key, value in spec.items()
    }
