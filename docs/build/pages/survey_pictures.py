"""Two pictures of the surveys: scores of models for communities, and alignment and diversity."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from pages.pictures import save, titled
from pages.reading import Measured
from pages.survey_published import LLAMA
from pages.survey_reading import FIVE, OWN, PROMPT, Evaluation, Points, Surveys, Who
from pluralign.core import community
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.evaluation.surveys.anchors import MEAN, MIDDLE, OTHERS

_COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00")
"""Colours without red against green (after Okabe and Ito); each model also has its own shape."""
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_POINTS = {MIDDLE: "#b3b3b3", OTHERS: "#5c5c5c", MEAN: "#e0a800"}
_GREYS, _OPEN = ("#5c5c5c", "#9a9a9a"), ("square", "circle")
_LEGEND = {"columns": 3, "symbolOpacity": 1, "symbolSize": 90}
_LINES = {"columns": 3, "symbolType": "stroke", "symbolSize": 300, "symbolStrokeWidth": 3}
_APART = {"color": "independent", "shape": "independent", "stroke": "shared"}
_WIDTH = 400
_PIECE = 12
_DOMAIN = (45, 90)


def draw_communities(surveys: Surveys, folder: Path) -> Path:
    """Scores of models for the same communities, all communities, strategies; reference points."""
    import altair as alt

    models = surveys.models
    whole = max(surveys.alone, key=lambda e: len(e.communities))
    most = [e for e in surveys.alone if e.communities == whole.communities]
    own = [e for e in surveys.alone if any(model == LLAMA for model, _ in e.respondents)]
    left = [
        _panel(
            "five communities, every model, one strategy",
            [_dots(surveys.shared, (m, PROMPT), m, FIVE) for m in models],
            [_dots(surveys.shared, (p, PROMPT), p, FIVE) for p in _POINTS],
        ),
        *(
            _panel(
                f"{LLAMA}, two strategies",
                [
                    _dots(e, (LLAMA, s), s, e.communities)
                    for s in ("culture_unaware", "culture_aware")
                ],
                [_dots(surveys.points, (p, None), p, e.communities) for p in _POINTS],
            )
            for e in own
        ),
    ]
    right = _panel(
        "all communities, one strategy",
        [_dots(e, who, who[0], e.communities) for e in most for who in e.respondents],
        [_dots(whole, (p, None), p, whole.communities) for p in _POINTS],
    )
    chart = alt.hconcat(alt.vconcat(*left, spacing=30).resolve_scale(**_APART), right, spacing=40)
    chart = chart.resolve_scale(**_APART).properties(
        title=titled("Cultural alignment score for each community", _COMMUNITIES_SUBTITLE)
    )
    return save(chart, folder / "survey-communities.png")


def draw_diversity(surveys: Surveys, folder: Path) -> Path:
    """Alignment against pairwise diversity on the same five communities, with reference points."""
    import altair as alt

    found, models = surveys.shared, surveys.models
    values = [_place(found, m, m) for m in models] + [
        _place(found, p, f"({p})") for p in (OTHERS, MEAN)
    ]
    people = found.people("pairwise_diversity", (models[0], PROMPT))
    assert people is not None
    base = alt.Chart(alt.InlineData(values=values))
    x = alt.X(
        "x:Q", title="cultural alignment score", scale=alt.Scale(zero=False, nice=False, padding=12)
    )
    y = alt.Y("y:Q", title="pairwise diversity", scale=alt.Scale(domainMin=0))
    looks = _looks(models, [f"({p})" for p in (OTHERS, MEAN)])
    layers = [
        *_band(people, "people: their own common answers"),
        base.mark_rule().encode(x=alt.X("x_low:Q"), x2="x_high:Q", y=y, color=looks["color"]),
        base.mark_rule().encode(x=x, y=alt.Y("y_low:Q"), y2="y_high:Q", color=looks["color"]),
        base.mark_point(size=110, filled=True, opacity=1).encode(x=x, y=y, **looks),
    ]
    chart = alt.layer(*layers).properties(
        width=560, height=360, title=titled(_diversity_title(surveys), _DIVERSITY_SUBTITLE)
    )
    return save(chart, folder / "survey-diversity.png")


_COMMUNITIES_SUBTITLE = (
    "Dots with 95 % intervals over questions. Upright ticks are reference points: the middle of"
    " every scale, the answer most given in other countries, the people's rounded mean."
)
_DIVERSITY_SUBTITLE = (
    "Five communities, same questions; lines: 95 % intervals over questions. In brackets: "
    "reference points."
)


def _diversity_title(surveys: Surveys) -> str:
    gains = [surveys.shared.gain("pairwise_diversity", m, OWN) for m in surveys.models]
    below = sum(g.high is not None and g.high < 0 for g in gains)
    return (
        f"{below} of {len(gains)} models are less varied than the common answers of the people "
        "they speak for"
    )


def _place(found: Evaluation, model: str, name: str) -> dict[str, Any]:
    x, y = (found.row(metric, (model, PROMPT)) for metric in (ALIGNMENT, "pairwise_diversity"))
    assert x is not None
    assert y is not None
    ends = {"x_low": x.low, "x_high": x.high, "y_low": y.low, "y_high": y.high}
    return {"name": name, "x": x.value, "y": y.value, **ends}


def _band(row: Measured, text: str) -> Iterator[Any]:
    import altair as alt

    data = alt.InlineData(
        values=[{"value": row.value, "low": row.low, "high": row.high, "text": text}]
    )
    base = alt.Chart(data)
    yield base.mark_rect(color="#999", opacity=0.18).encode(y="low:Q", y2="high:Q")
    yield base.mark_rule(color="#555", strokeDash=[5, 3]).encode(y="value:Q")
    yield base.mark_text(align="left", dx=6, dy=-11, fontSize=12, color="#333").encode(
        y="value:Q", x=alt.value(0), text="text:N"
    )


Dots = list[dict[str, Any]]


def _dots(found: Evaluation | Points, who: Who, name: str, communities: Sequence[str]) -> Dots:
    rows = [(c, found.row(ALIGNMENT, who, c)) for c in communities]
    return [
        {
            "community": community(c).name,
            "name": name,
            "value": r.value,
            "low": r.low,
            "high": r.high,
        }
        for c, r in rows
        if r
    ]


def _panel(title: str, dots: Sequence[Dots], points: Sequence[Dots]) -> Any:
    """One row a community, the lowest mean above; in each row one line a respondent."""
    import altair as alt

    values = [v for series in dots for v in series]
    names = list(dict.fromkeys(v["name"] for v in values))
    order = sorted(
        {v["community"] for v in values},
        key=lambda c: fmean(v["value"] for v in values if v["community"] == c),
    )
    for v in values:
        v["y"] = order.index(v["community"]) + 0.84 * (
            (names.index(v["name"]) + 0.5) / len(names) - 0.5
        )
    ticks = [
        v
        | {"top": order.index(v["community"]) - 0.42, "bottom": order.index(v["community"]) + 0.42}
        for series in points
        for v in series
    ]
    x = alt.X(
        "value:Q", title="cultural alignment score", scale=alt.Scale(domain=_DOMAIN, nice=False)
    )
    axis = alt.Axis(
        values=list(range(len(order))),
        labelExpr=f"{json.dumps(order)}[datum.value]",
        grid=False,
        ticks=False,
        domain=False,
    )  # fmt: skip
    height = alt.Scale(domain=[-0.5, len(order) - 0.5], nice=False, zero=False, reverse=True)
    y, top = (alt.Y(f"{field}:Q", title=None, axis=axis, scale=height) for field in ("y", "top"))
    looks = _looks(names)
    rows = alt.Chart(alt.InlineData(values=ticks))
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
    tone = alt.Stroke(
        "name:N",
        title=None,
        scale=alt.Scale(domain=list(_POINTS), range=list(_POINTS.values())),
        legend=_LINES,
    )
    layers = [
        rows.mark_rule(strokeWidth=3).encode(x=x, y=top, y2="bottom:Q", stroke=tone),
        base.mark_rule().encode(x=alt.X("low:Q"), x2="high:Q", color=looks["color"]),
        base.mark_point(size=42, filled=True, opacity=1).encode(x=x, **looks),
    ]  # fmt: skip
    return alt.layer(*layers).properties(
        width=_WIDTH, height=(_PIECE * len(names) + 10) * len(order), title=title
    )


def _looks(names: Sequence[str], more: Sequence[str] = ()) -> dict[str, Any]:
    """Colour and shape of models, and of reference points after them."""
    import altair as alt

    colors, shapes = (
        [*many[: len(names)], *own[: len(more)]]
        for many, own in ((_COLORS, _GREYS), (_SHAPES, _OPEN))
    )
    domain = [*names, *more]
    return {
        "color": alt.Color(
            "name:N", title=None, scale=alt.Scale(domain=domain, range=colors), legend=_LEGEND
        ),
        "shape": alt.Shape(
            "name:N", title=None, scale=alt.Scale(domain=domain, range=shapes), legend=_LEGEND
        ),
    }
