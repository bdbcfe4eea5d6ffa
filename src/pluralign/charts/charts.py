"""Charts, from rows to Vega-Lite. Position, words or the table repeat what a colour shows.

Every chart is drawn to a width in pixels: `styles.WIDE` for a screen, `styles.NARROW` for a phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.charts.point_labels import span, with_labels
from pluralign.charts.styles import (
    BLUE,
    INK,
    ORANGE,
    WIDE,
    Rows,
    chosen,
    finished,
    in_lines,
    is_narrow,
    number_axis,
)
from pluralign.languages.speech import Speech

_LEAST_CELL = 13
_CELL_OF_NUMBER = 20
"""Least width in pixels of a cell with its number."""
"""Pixels of a matrix's cell: less cannot be read."""
_TITLE_GAP = 16
"""Pixels between a matrix's names and titles, as the reader's font may be wider than ours."""
_MARGIN = 70
"""Pixels that an axis with its title takes."""


def dot_plot(
    rows: Rows,
    label: str,
    percent: bool,
    reference: str | None,
    *,
    who: Sequence[str] = (),
    ask: str = "",
    width: int = WIDE,
) -> dict[str, Any]:
    """One line for each row, in order, with its interval; a tick at the number it is compared with.

    Args:
        rows: ``name, shown, value, low, high`` and perhaps ``base``, in order; with a list to
            choose from also ``who`` and ``order``, from 0 for each.
        label: Name of the number.
        percent: Whether it is a fraction.
        reference: Name of the tick; None where there is none.
        who: Respondents or methods to choose from; no list where there is at most one.
        ask: Label of that list.
        width: Pixels.
    """
    import altair as alt

    rows = [{"order": order} | dict(r) for order, r in enumerate(rows)]
    long = is_narrow(width) and any(" · " in r["name"] for r in rows)
    lines = {"labelExpr": "split(datum.label, ' · ')"} if long else {}
    order = alt.EncodingSortField(field="order", op="min")
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(**lines))
    # One scale for every choice, so that readers can compare what they choose.
    known = [r[end] for r in rows for end in ("low", "high", "base") if r.get(end) is not None]
    scale = alt.Scale(domain=[min(known), max(known)], zero=False)
    x = alt.X(
        "value:Q", title=in_lines(label, width), scale=scale, axis=number_axis(percent, width)
    )
    base = alt.Chart().encode(y=y)
    layers = [
        base.mark_rule(color=INK).encode(
            x=alt.X("low:Q", title=in_lines(label, width)), x2="high:Q"
        ),
        base.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(
            x=x, tooltip=["name:N", "shown:N"]
        ),
    ]
    if reference is not None:
        layers.append(base.mark_tick(color=ORANGE, thickness=3, size=14).encode(x="base:Q"))
    chart = alt.layer(*layers, data=alt.Data(values=rows))
    lines_drawn = max(1 + r["order"] for r in rows)
    chart = chart.properties(height=lines_drawn * (34 if long else 22))
    if len(who) > 1:
        chart = chart.transform_filter("datum.who == who").add_params(chosen(who, ask))
    return finished(chart, width)


@dataclass(frozen=True, slots=True)
class MatrixWords:
    """Titles of a matrix.

    Attributes:
        across: Title of the columns.
        down: Title of the rows.
        colour: Name of the number.
        digits: Decimals of the numbers.
        reach: The number at which colours are deepest; that of the largest change where it is less.
    """

    across: str
    down: str
    colour: str
    digits: int = 1
    reach: float = 0.0


def steer_matrix(
    rows: Rows, steers: Sequence[str], communities: Sequence[str], say: Speech, width: int = WIDE
) -> dict[str, Any]:
    """The effect of each steer on each community, in points of accuracy against the reference.

    Args:
        rows: ``steer_name, name, points, shown``.
        steers: Names in order, down.
        communities: Names in order, across.
        say: The language.
        width: Pixels.
    """
    words = MatrixWords(
        say("measured on the people of"), say("steered to"), say("change in points")
    )
    return matrix(rows, steers, communities, words, width)


def matrix(
    rows: Rows,
    steers: Sequence[str],
    communities: Sequence[str],
    words: MatrixWords,
    width: int = WIDE,
) -> dict[str, Any]:
    """A change for each community under each steer, on colours that are symmetric around zero.

    Args:
        rows: ``steer_name, name, points, shown``.
        steers: Names in order, down.
        communities: Names in order, across.
        words: Its titles.
        width: Pixels; a matrix of many communities is wider, so that its cells can be read.
    """
    import altair as alt

    data = alt.Data(values=[dict(r) for r in rows])
    cell = (width - _across(steers, width)) / max(len(communities), 1)
    fits = cell >= _LEAST_CELL
    x = alt.X(
        "name:N",
        sort=list(communities),
        title=words.across,
        axis=alt.Axis(
            labelAngle=_slant(communities, cell),
            labelOverlap=False,
            titlePadding=_TITLE_GAP,
            # The middle of a matrix that scrolls is out of sight on a phone.
            titleAnchor="middle" if fits else "start",
        ),
    )
    y_axis = alt.Axis(titlePadding=_TITLE_GAP)
    y = alt.Y("steer_name:N", sort=list(steers), title=words.down, axis=y_axis)
    reach = max([words.reach, *(abs(r["points"]) for r in rows)]) or 1.0
    length = min(300, width - _across(steers, width) - 20)
    colour = _change_colour(words, reach, length)
    cells = alt.Chart(data).mark_rect(stroke=INK, strokeOpacity=0.15)
    layers = [
        cells.encode(x=x, y=y, color=colour, tooltip=["steer_name:N", "name:N", "shown:N"]),
    ]
    if cell >= _CELL_OF_NUMBER:
        layers.append(_numbers_in_cells(data, words, reach, wide=cell >= 36).encode(x=x, y=y))
    height = len(steers) * (26 if cell >= _CELL_OF_NUMBER else _LEAST_CELL)
    chart = alt.layer(*layers).properties(height=height)
    if not fits:
        chart = chart.properties(width=len(communities) * _LEAST_CELL)
    return finished(chart, width, fit=fits)


def _change_colour(words: MatrixWords, reach: float, length: float) -> Any:
    """The colour of a change, symmetric around zero, so that the pale middle means no change."""
    import altair as alt

    return alt.Color(
        "points:Q",
        title=words.colour,
        scale=alt.Scale(scheme="blueorange", reverse=True, domain=[-reach, reach]),
        legend=alt.Legend(
            orient="top",
            direction="horizontal",
            gradientLength=length,
            values=[-reach, 0, reach],
            labelExpr=f"datum.value == 0 ? '0' : format(datum.value, '+.{words.digits}f')",
        ),
    )


def _numbers_in_cells(data: Any, words: MatrixWords, reach: float, *, wide: bool) -> Any:
    """The changes as numbers, white on deep colours; in narrow cells small and without decimals."""
    import altair as alt

    deep = f"abs(datum.points) > {0.55 * reach}"
    ink = alt.condition(deep, alt.value("#fff"), alt.value("#111"))
    number = alt.Text("points:Q", format=f"+.{words.digits}f" if wide else "+.0f")
    return alt.Chart(data).mark_text(fontSize=12 if wide else 9).encode(text=number, color=ink)


def _slant(names: Sequence[str], cell: float) -> int:
    """Degrees by which the names across a matrix are turned, so that none covers the next."""
    if cell > 7.5 * max(map(len, names), default=0):
        return 0
    return -45 if cell >= 30 else -90


def _across(names: Sequence[str], width: int) -> float:
    """Pixels that the names down the side of a matrix take, with its title."""
    limit = 130 if is_narrow(width) else 280
    return min(limit, 7.0 * max(map(len, names), default=0)) + 35 + _TITLE_GAP


def two_numbers(
    rows: Rows,
    x_label: str,
    y_label: str,
    percent: tuple[bool, bool],
    width: int = WIDE,
) -> dict[str, Any]:
    """Points with intervals both ways, each with its name where it covers no other name.

    Args:
        rows: ``name, shown, x, x_low, x_high, y, y_low, y_high``.
        x_label: Name of the number across.
        y_label: Name of the number up.
        percent: Whether each is a fraction.
        width: Pixels.
    """
    import altair as alt

    height = 320
    across, up = span(rows, "x"), span(rows, "y")
    data = alt.Data(values=with_labels(rows, across, up, (width - _MARGIN, height)))
    x = alt.X(
        "x:Q",
        title=in_lines(x_label, width),
        scale=alt.Scale(domain=across, nice=False),
        axis=number_axis(percent[0], width),
    )
    y = alt.Y(
        "y:Q",
        title=in_lines(y_label, width),
        scale=alt.Scale(domain=up, nice=False),
        axis=number_axis(percent[1], width),
    )
    rule = alt.Chart(data).mark_rule(color=INK, opacity=0.5)
    point = alt.Chart(data).mark_point(filled=True, size=60, color=BLUE, opacity=1)
    text = alt.Chart(data).mark_text(align="left", baseline="middle", color=INK, fontSize=11)
    layers = [
        rule.encode(x="x_low:Q", x2="x_high:Q", y=y),
        rule.encode(x=x, y="y_low:Q", y2="y_high:Q"),
        point.encode(x=x, y=y, tooltip=["name:N", "shown:N"]),
        text.encode(x="label_x:Q", y="label_y:Q", text="name:N"),
    ]
    return finished(alt.layer(*layers).properties(height=height), width)


def curves(rows: Rows, x_label: str, y_label: str, width: int = WIDE) -> dict[str, Any]:
    """Accuracy against a number, such as the pairs learned from, a line for each method.

    Args:
        rows: ``name, shown, x, value, low, high`` and perhaps ``own``, whether a ring marks it.
        x_label: Name of the number across.
        y_label: Name of the number up.
        width: Pixels.
    """
    import altair as alt

    data = alt.Data(values=[dict(r) for r in rows])
    names = list(dict.fromkeys(r["name"] for r in rows))
    amounts = [r["x"] for r in rows]
    ticks = 4 if is_narrow(width) else 8
    x_axis = alt.Axis(tickCount=ticks, labelOverlap="greedy")
    across = alt.Scale(type="log", domain=[min(amounts) / 1.2, 1.2 * max(amounts)], nice=False)
    x = alt.X("x:Q", title=in_lines(x_label, width), scale=across, axis=x_axis)
    y = alt.Y(
        "value:Q",
        title=in_lines(y_label, width),
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="%"),
    )
    # One legend for both layers: a layer that asks for none takes it from the other too.
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2 if is_narrow(width) else len(names),
        symbolType="stroke",
        symbolOpacity=1,
        symbolStrokeWidth=2,
        symbolSize=500,
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
    layers = [whiskers, lines]
    if any(r.get("own") for r in rows):
        ring = alt.Chart(data).mark_point(size=170, strokeWidth=2, color=ORANGE, opacity=1)
        layers.append(ring.transform_filter("datum.own").encode(x=x, y=y))
    return finished(alt.layer(*layers).properties(height=300), width)


_LINES = ("#3b78b8", "#c0561f", "#7a7a7a", "#7b4fa3", "#2e8b57", "#b8860b")
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (12, 4), (4, 4))
