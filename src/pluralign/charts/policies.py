"""Charts of policies: gains over the distance from the start model, and choices among answers."""

from collections.abc import Sequence
from typing import Any

from pluralign.charts.point_labels import span, with_labels
from pluralign.charts.styles import INK, WIDE, Rows, chosen, finished, in_lines, is_narrow

_COLOURS = ("#3b78b8", "#c0561f", "#7a7a7a", "#7b4fa3")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2))
_SHAPES = ("circle", "square", "triangle-up", "diamond")
_HEIGHT, _MARGIN = 320, 70
_LINE, _POLICY, _CURVE = "line", "policy", "curve"


def gains_over_distance(
    rows: Rows, labels: tuple[str, str], domain: Rows = (), width: int = WIDE
) -> dict[str, Any]:
    """Gains over the distance from the start model, by each reward model that measures.

    Colour, dash and shape stand for the reward model that measures. Small points on a line are best
    of n, large ones are tuned policies; a dotted line is a fitted curve.

    Args:
        rows: ``judge, kind`` (``line``, ``policy`` or ``curve``), ``name, shown, x, x_low, x_high,
            y, y_low, y_high``; rows with a ``name`` get it as a label.
        labels: Names of the number across and of the number up.
        domain: Rows whose intervals the axes show, as where several charts share them.
        width: Pixels.
    """
    import altair as alt

    across, up = _domains(domain or rows)
    named = [row for row in rows if row["name"]]
    placed = with_labels(named, across, up, (width - _MARGIN, _HEIGHT))
    judges = list(dict.fromkeys(row["judge"] for row in rows))
    data = alt.Chart(alt.Data(values=[dict(row) for row in rows]))
    x = alt.X(
        "x:Q",
        title=in_lines(labels[0], width),
        scale=alt.Scale(domain=across, nice=False),
        axis=alt.Axis(tickCount=5 if is_narrow(width) else 10),
    )
    y = alt.Y("y:Q", title=in_lines(labels[1], width), scale=alt.Scale(domain=up, nice=False))
    colour, dash, shape = _by_judge(judges, width)
    measured = data.transform_filter(f"datum.kind != '{_CURVE}'")
    best = data.transform_filter(f"datum.kind == '{_LINE}'")
    tuned = data.transform_filter(f"datum.kind == '{_POLICY}'")
    tooltip = ["judge:N", "shown:N"]
    zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(color=INK, opacity=0.6)
    fitted = data.transform_filter(f"datum.kind == '{_CURVE}'")
    layers = [
        zero.encode(y=y),
        measured.mark_rule(opacity=0.4).encode(x=x, y="y_low:Q", y2="y_high:Q", color=colour),
        tuned.mark_rule(opacity=0.4).encode(x="x_low:Q", x2="x_high:Q", y=y, color=colour),
        fitted.mark_line(strokeDash=[1, 4], strokeWidth=1.5).encode(x=x, y=y, color=colour),
        best.mark_line().encode(x=x, y=y, color=colour, strokeDash=dash),
        best.mark_point(filled=True, size=45, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
        tuned.mark_point(size=110, strokeWidth=2, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
        alt.Chart(alt.Data(values=placed))
        .mark_text(align="left", baseline="middle", color=INK, fontSize=11)
        .encode(x="label_x:Q", y="label_y:Q", text="name:N"),
    ]
    return finished(alt.layer(*layers).properties(height=_HEIGHT), width)


def choices_over_n(
    rows: Rows, labels: tuple[str, str], who: Sequence[str], ask: str, width: int = WIDE
) -> dict[str, Any]:
    """The gain of each way to choose among n answers; zero is a random choice.

    Args:
        rows: ``who, name`` (the way to choose), ``x`` (n), ``value, low, high, shown``.
        labels: Names of the number across and of the number up.
        who: Communities to choose from; no list where there is at most one.
        ask: Label of that list.
        width: Pixels.
    """
    import altair as alt

    names = list(dict.fromkeys(row["name"] for row in rows))
    sizes = sorted({row["x"] for row in rows})
    # Side by side, so that no interval covers another one.
    beside = {name: 1.04 ** (k - len(names) // 2) for k, name in enumerate(names)}
    data = alt.Data(values=[dict(row) | {"at": row["x"] * beside[row["name"]]} for row in rows])
    x = alt.X(
        "at:Q",
        title=in_lines(labels[0], width),
        scale=alt.Scale(type="log", base=2, domain=[sizes[0] / 1.2, 1.2 * sizes[-1]], nice=False),
        axis=alt.Axis(values=sizes, format="d"),
    )
    ends = [{"y_low": row["low"], "y_high": row["high"]} for row in rows]
    scale = alt.Scale(domain=span([*ends, {"y_low": 0.0, "y_high": 0.0}], "y"), nice=False)
    y = alt.Y("value:Q", title=in_lines(labels[1], width), scale=scale)
    colour, dash, shape = _by_judge(names, width, field="name")
    base = alt.Chart(data)
    zero = alt.Chart(alt.Data(values=[{"value": 0}])).mark_rule(color=INK, opacity=0.6)
    whiskers = base.mark_rule(opacity=0.4).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        x=x, y=y, color=colour, shape=shape, tooltip=["name:N", "shown:N"]
    )
    lines = base.mark_line().encode(x=x, y=y, color=colour, strokeDash=dash)
    layers = [whiskers, lines, points]
    if len(who) > 1:
        layers = [layer.transform_filter("datum.who == who") for layer in layers]
    chart = alt.layer(zero.encode(y=y), *layers).properties(height=260)
    if len(who) > 1:
        chart = chart.add_params(chosen(who, ask))
    return finished(chart, width)


def _domains(rows: Rows) -> tuple[list[float], list[float]]:
    """Ends of both axes: all intervals and zero, with a little room."""
    origin = dict.fromkeys(("x_low", "x_high", "y_low", "y_high"), 0.0)
    across, up = span([*rows, origin], "x"), span([*rows, origin], "y")
    return [0.0, across[1]], up


def _by_judge(names: Sequence[str], width: int, field: str = "judge") -> tuple[Any, Any, Any]:
    """Colour, dash and shape of each name, with one legend for all three."""
    import altair as alt

    legend = alt.Legend(
        title=None,
        orient="top",
        columns=1 if is_narrow(width) else len(names),
        labelLimit=0,
        symbolSize=120,
        symbolOpacity=1,
        symbolStrokeWidth=0,
    )
    domain = list(names)
    colours = alt.Scale(domain=domain, range=list(_COLOURS[: len(domain)]))
    dashes = alt.Scale(domain=domain, range=[list(dash) for dash in _DASHES[: len(domain)]])
    shapes = alt.Scale(domain=domain, range=list(_SHAPES[: len(domain)]))
    return (
        alt.Color(f"{field}:N", legend=legend, scale=colours),
        alt.StrokeDash(f"{field}:N", legend=legend, scale=dashes),
        alt.Shape(f"{field}:N", legend=legend, scale=shapes),
    )
