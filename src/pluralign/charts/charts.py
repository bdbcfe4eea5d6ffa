"""Charts, from rows to Vega-Lite. Colours are never alone: position, words or the table say the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.charts.world_map import drawn_as_dots, outlines
from pluralign.languages.speech import Speech

Rows = Sequence[Mapping[str, Any]]
INK = "currentColor"
HATCH = "url(#hatch)"
_WIDTH, _STEP = 560, 20
WORLD = "world"
"""What the outlines are called where they stand by name only."""


def world_map(
    rows: Rows,
    unsurveyed: Sequence[Mapping[str, Any]],
    who: Sequence[str],
    legend: str,
    percent: bool,
    say: Speech,
) -> dict[str, Any]:
    """A map: how well each country is served; hatched where people were asked and nothing was measured.

    Args:
        rows: ``who, community, name, value, shown``.
        unsurveyed: ``who, community, name`` of those to hatch.
        who: Who answers; with several, a list to choose from.
        legend: What the colour stands for.
        percent: Whether it is a fraction.
        say: The language.
    """
    import altair as alt

    dots = drawn_as_dots()
    geography = alt.NamedData(
        WORLD, format=alt.TopoDataFormat(type="topojson", feature="countries")
    )
    shapes = alt.LookupData(data=geography, key="id", fields=["type", "geometry"])
    chosen = alt.param(
        name="who",
        value=who[0],
        bind=alt.binding_select(options=list(who), name=say("Answers by") + " "),
    )
    values = [r["value"] for r in rows]
    span = (
        [min(values), max(values)]
        if min(values) < max(values)
        else [min(values) - 0.01, min(values) + 0.01]
    )
    colour = alt.Color(
        "value:Q",
        title=legend,
        legend=_legend(percent),
        scale=alt.Scale(scheme="cividis", domain=span),
    )
    tips = [alt.Tooltip("name:N", title=say("Community")), alt.Tooltip("shown:N", title=legend)]
    areas = (
        alt.Chart(alt.Data(values=[dict(r) for r in rows if r["community"] not in dots]))
        .transform_filter("datum.who == who")
        .transform_lookup(lookup="community", from_=shapes)
        .mark_geoshape(stroke=INK, strokeWidth=0.5)
        .encode(color=colour, tooltip=tips)
    )
    points = (
        alt.Chart(alt.Data(values=[dict(r) | _at(r, dots) for r in rows if r["community"] in dots]))
        .transform_filter("datum.who == who")
        .mark_circle(size=70, stroke=INK, opacity=1)
        .encode(longitude="x:Q", latitude="y:Q", color=colour, tooltip=tips)
    )
    hatched = (
        alt.Chart(alt.Data(values=[dict(r) for r in unsurveyed if r["community"] not in dots]))
        .transform_filter("datum.who == who")
        .transform_lookup(lookup="community", from_=shapes)
        .mark_geoshape(stroke=INK, strokeWidth=0.5, fill=HATCH)
        .encode(tooltip=[tips[0]])
    )
    hollow = (
        alt.Chart(
            alt.Data(values=[dict(r) | _at(r, dots) for r in unsurveyed if r["community"] in dots])
        )
        .transform_filter("datum.who == who")
        .mark_circle(size=70, fill=HATCH, stroke=INK, opacity=1)
        .encode(longitude="x:Q", latitude="y:Q", tooltip=[tips[0]])
    )
    ground = alt.Chart(geography).mark_geoshape(
        fill="transparent", stroke=INK, strokeOpacity=0.3, strokeWidth=0.4
    )
    layers = [
        ground,
        areas,
        points,
        *([hatched] if unsurveyed else []),
        *([hollow] if unsurveyed else []),
    ]
    chart = alt.layer(*layers).project("equalEarth").properties(width=640, height=330)
    return _finished(
        chart.add_params(chosen)
        if len(who) > 1
        else chart.add_params(alt.param(name="who", value=who[0]))
    )


def dot_plot(rows: Rows, label: str, percent: bool, reference: str | None) -> dict[str, Any]:
    """Communities from the worst-served down, each with its interval; a tick where the reference stands.

    Args:
        rows: ``name, value, low, high`` and perhaps ``base``, in order.
        label: What is measured.
        percent: Whether it is a fraction.
        reference: What the tick is called; None where there is none.
    """
    import altair as alt

    data = alt.Data(values=[dict(r) for r in rows])
    y = alt.Y("name:N", sort=[r["name"] for r in rows], title=None)
    x = alt.X("value:Q", title=label, scale=alt.Scale(zero=False), axis=_axis(percent))
    tips = ["name:N", "shown:N"]
    layers = [
        alt.Chart(data)
        .mark_rule(color=INK)
        .encode(y=y, x=alt.X("low:Q", title=label), x2="high:Q"),
        alt.Chart(data)
        .mark_point(filled=True, size=60, color="#3b78b8", opacity=1)
        .encode(y=y, x=x, tooltip=tips),
    ]
    if reference is not None:
        layers.append(
            alt.Chart(data).mark_tick(color="#c0561f", thickness=3, size=12).encode(y=y, x="base:Q")
        )
    return _finished(alt.layer(*layers).properties(width=_WIDTH - 130, height=alt.Step(_STEP)))


def steer_matrix(
    rows: Rows, steers: Sequence[str], communities: Sequence[str], say: Speech
) -> dict[str, Any]:
    """What each steer does to each community: change in accuracy against the reference, in points.

    Args:
        rows: ``steer_name, name, points, shown``.
        steers: Names in order, down.
        communities: Names in order, across.
        say: The language.
    """
    import altair as alt

    data = alt.Data(values=[dict(r) for r in rows])
    x = alt.X(
        "name:N",
        sort=list(communities),
        title=say("measured on the people of"),
        axis=alt.Axis(labelAngle=-60),
    )
    y = alt.Y("steer_name:N", sort=list(steers), title=say("steered to"))
    reach = max([abs(r["points"]) for r in rows] or [1.0]) or 1.0
    scale = alt.Scale(scheme="blueorange", domain=[reach, -reach])
    colour = alt.Color("points:Q", title=say("change in points"), scale=scale)
    cells = (
        alt.Chart(data)
        .mark_rect()
        .encode(x=x, y=y, color=colour, tooltip=["steer_name:N", "name:N", "shown:N"])
    )
    layers = [cells]
    if len(communities) <= 14:
        deep = alt.condition(
            f"abs(datum.points) > {0.55 * reach}", alt.value("#fff"), alt.value("#111")
        )
        number = alt.Text("points:Q", format="+.1f")
        layers.append(
            alt.Chart(data).mark_text(fontSize=10).encode(x=x, y=y, text=number, color=deep)
        )
    step = alt.Step(30 if len(communities) <= 14 else 14)
    return _finished(
        alt.layer(*layers).properties(
            width=step, height=alt.Step(20 if len(communities) <= 14 else 14)
        )
    )


def two_numbers(
    rows: Rows, x_label: str, y_label: str, percent: tuple[bool, bool], line: Rows = ()
) -> dict[str, Any]:
    """Points with intervals both ways, each with its name; and lines where the people themselves stand.

    Args:
        rows: ``name, x, x_low, x_high, y, y_low, y_high``.
        x_label: What lies across.
        y_label: What lies up.
        percent: Whether each is a fraction.
        line: ``x, name`` of vertical lines.
    """
    import altair as alt

    data = alt.Data(values=_apart(rows))
    x = alt.X("x:Q", title=x_label, scale=alt.Scale(zero=False), axis=_axis(percent[0]))
    y = alt.Y("y:Q", title=y_label, scale=alt.Scale(zero=False), axis=_axis(percent[1]))
    layers = [
        alt.Chart(data).mark_rule(color=INK, opacity=0.5).encode(x="x_low:Q", x2="x_high:Q", y=y),
        alt.Chart(data).mark_rule(color=INK, opacity=0.5).encode(x=x, y="y_low:Q", y2="y_high:Q"),
        alt.Chart(data)
        .mark_point(filled=True, size=60, color="#3b78b8", opacity=1)
        .encode(x=x, y=y, tooltip=["name:N", "shown:N"]),
        alt.Chart(data)
        .mark_text(align="left", dx=6, color=INK)
        .encode(x=x, y="label_y:Q", text="name:N"),
    ]
    if line:
        marks = alt.Chart(alt.Data(values=[dict(r) for r in line]))
        layers.append(
            marks.mark_rule(color="#c0561f", strokeDash=[5, 3]).encode(x="x:Q", tooltip=["name:N"])
        )
    return _finished(alt.layer(*layers).properties(width=_WIDTH, height=320))


def curves(rows: Rows, x_label: str, y_label: str) -> dict[str, Any]:
    """Accuracy against how much was learned from, a line for each method, told apart by dashes too.

    Args:
        rows: ``name, x, value, low, high``.
        x_label: What lies across.
        y_label: What lies up.
    """
    import altair as alt

    data = alt.Data(values=[dict(r) for r in rows])
    names = list(dict.fromkeys(r["name"] for r in rows))
    x = alt.X("x:Q", title=x_label, scale=alt.Scale(type="log"))
    y = alt.Y("value:Q", title=y_label, scale=alt.Scale(zero=False), axis=alt.Axis(format="%"))
    # One legend for both layers: a layer that asks for none takes it from the other too.
    legend = alt.Legend(
        title=None, symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2, symbolSize=500
    )
    colour = alt.Color("name:N", legend=legend, scale=alt.Scale(domain=names, range=list(_LINES)))
    dashes = alt.Scale(domain=names, range=[list(d) for d in _DASHES])
    dash = alt.StrokeDash("name:N", legend=legend, scale=dashes)
    whiskers = (
        alt.Chart(data).mark_rule(opacity=0.35).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    )
    lines = (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=["name:N", "shown:N"])
    )
    return _finished(alt.layer(whiskers, lines).properties(width=_WIDTH, height=300))


_LINES = ("#3b78b8", "#c0561f", "#7a7a7a", "#7b4fa3", "#2e8b57", "#b8860b")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (12, 4), (4, 4))


def _apart(rows: Rows) -> list[dict[str, Any]]:
    """The rows with ``label_y``: a height for each name at which it covers no other name near it."""
    if not rows:
        return []
    low, high = min(r["y_low"] for r in rows), max(r["y_high"] for r in rows)
    left, right = min(r["x_low"] for r in rows), max(r["x_high"] for r in rows)
    step, near = (high - low or 1.0) / 20, (right - left or 1.0) / 2.5
    placed: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: r["y"]):
        height = row["y"] + step / 2
        taken = sorted(p["label_y"] for p in placed if abs(p["x"] - row["x"]) < near)
        for other in taken:
            if abs(other - height) < step:
                height = other + step
        placed.append(dict(row) | {"label_y": height})
    return placed


def _legend(percent: bool) -> Any:
    import altair as alt

    return alt.Legend(format="%") if percent else alt.Legend()


def _axis(percent: bool) -> Any:
    import altair as alt

    return alt.Axis(format="%") if percent else alt.Axis()


def _at(row: Mapping[str, Any], dots: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    x, y = dots[row["community"]]
    return {"x": x, "y": y}


def _finished(chart: Any) -> dict[str, Any]:
    """With the page's own ink and no ground, so that it reads in light and in dark."""
    text = {"labelColor": INK, "titleColor": INK}
    configured = (
        chart.configure(background="transparent", font="system-ui, sans-serif")
        .configure_axis(
            **text, domainColor=INK, tickColor=INK, gridColor=INK, gridOpacity=0.15, labelLimit=240
        )
        .configure_legend(**text, titleLimit=0)
        .configure_title(color=INK)
        .configure_view(stroke=None)
    )
    found: dict[str, Any] = _with_outlines(configured.to_dict())
    return found


def without_outlines(spec: Any) -> Any:
    """A specification in which the outlines stand by name: a page with several maps holds them once."""
    if isinstance(spec, list):
        return [without_outlines(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if spec.get("values") is outlines():
        return {"name": WORLD, "format": spec["format"]}
    return {
        key: value if key == "datasets" else without_outlines(value) for key, value in spec.items()
    }


def _with_outlines(spec: Any) -> Any:
    """Put the outlines where only their name stands: Altair copies all that it is given many times over."""
    if isinstance(spec, list):
        return [_with_outlines(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if spec.get("name") == WORLD:
        return {"values": outlines(), "format": spec["format"]}
    return {
        key: value if key == "datasets" else _with_outlines(value) for key, value in spec.items()
    }
