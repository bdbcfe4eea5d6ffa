"""Three pictures: methods with their intervals, learning curves, and steer x community."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from pages.comparison import best_other
from pages.paired import against
from pages.reading import cells, curves_by, study_seeds, tested
from pages.studies import STEERED
from pages.writing import split_unit, title_of, verdict
from pluralign.runs import RewardRun

_PANEL = 250
_CURVES = ("full", "scpo", "pooled", "adaptive")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
_COLORS = ("#000000", "#6b6b6b", "#2c6fb0", "#c0561f")
_MANY = 20


def draw_methods(runs: Sequence[RewardRun], folder: Path) -> Path:
    """Average and worst community of each method, a panel for each run."""
    import altair as alt

    panels = [
        _method_panel(run, named=k == 0 or run.methods != runs[0].methods)
        for k, run in enumerate(runs)
    ]
    chart = alt.hconcat(*panels, spacing=18).properties(
        title=titled(_methods_title(runs), _METHODS_SUBTITLE)
    )
    return save(chart, folder / "methods.png")


def draw_curves(runs: Sequence[RewardRun], folder: Path) -> Path | None:
    """Accuracy against the part of the training data; None where no run has curves."""
    import altair as alt

    drawn = [run for run in runs if run.curves]
    if not drawn:
        return None
    rows = [
        alt.hconcat(*(_curve_panel(run, by) for run in drawn if by in curves_by(run)), spacing=18)
        for by in ("pairs", "raters")
        if any(by in curves_by(run) for run in drawn)
    ]
    chart = alt.vconcat(*rows, spacing=14).properties(
        title=titled(_curves_title(drawn), _CURVES_SUBTITLE)
    )
    return save(chart, folder / "curves.png")


def draw_steers(run: RewardRun, folder: Path) -> Path | None:
    """Change in accuracy for every steer and community; None with one steered community."""
    import altair as alt

    methods = [m for m in STEERED if m in run.methods]
    if len(tested(run)) < 2 or not methods or "reference" not in run.methods:
        return None
    panels = [_steer_panel(run, method) for method in methods]
    join = alt.vconcat if len(tested(run)) > _MANY else alt.hconcat
    chart = join(*panels, spacing=14).resolve_scale(color="shared")
    chart = chart.properties(
        title=titled(
            f"{title_of(run)}: steering to one community, measured on each", _STEER_SUBTITLE
        )
    )
    return save(chart, folder / f"steer-{run.name}.png")


_METHODS_SUBTITLE = (
    "Accuracy on held-out pairs, %. Bars: 95 % intervals. Dashed line: the reference's average."
)
_CURVES_SUBTITLE = (
    "Average accuracy on held-out pairs, %; sizes on a logarithmic scale. Dashed grey: the "
    "reference."
)
_STEER_SUBTITLE = (
    "Accuracy minus the reference's, percentage points; lighter is better. Right of the gap: the "
    "reference's own."
)


def _methods_title(runs: Sequence[RewardRun]) -> str:
    over_reference = [verdict(row) for run in runs if (row := run.gain("adaptive", "reference"))]
    if not over_reference:
        return "Accuracy of each method"
    others = [(run, best_other(run, "average")) for run in runs if "adaptive" in run.methods]
    over_best = [verdict(against(run, "adaptive", other)) for run, other in others if other]
    return (
        f"adaptive is ahead of the reference on {over_reference.count('ahead of')} of {len(runs)}"
        f" data sets; against the best other method it is ahead on {over_best.count('ahead of')},"
        f" level on {over_best.count('level with')}, behind on {over_best.count('behind')}"
    )


def _curves_title(runs: Sequence[RewardRun]) -> str:
    scpo = [row.value for run in runs for row in run.needed if row.method == "scpo"]
    reached = [v for v in scpo if v is not None]
    if not scpo:
        return "Accuracy against the amount of training data"
    return (
        f"scpo reaches what full reaches with all the data in {len(reached)} of {len(scpo)} curves"
    )


def _method_panel(run: RewardRun, named: bool) -> Any:
    import altair as alt

    kinds = {"average": "average over communities", "worst": "worst community"}
    values = [
        {
            "method": m,
            "of": label,
            "value": 100 * row.value,
            "low": 100 * row.low,
            "high": 100 * row.high,
        }
        for m in run.methods
        for aggregate, label in kinds.items()
        if (row := run.summed(m, aggregate)) and row.low is not None
    ]
    y = alt.Y(
        "method:N", sort=run.methods, title=None, axis=alt.Axis(labels=named, ticks=False, offset=4)
    )
    offset = alt.YOffset("of:N", sort=list(kinds.values()))
    x = alt.X("value:Q", title="accuracy, %", scale=alt.Scale(zero=False, nice=False, padding=8))
    shape = alt.Shape(
        "of:N",
        title=None,
        scale=alt.Scale(domain=list(kinds.values()), range=["circle", "diamond"]),
    )
    fill = alt.Fill(
        "of:N", title=None, scale=alt.Scale(domain=list(kinds.values()), range=["black", "white"])
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y, yOffset=offset)
    bars = base.mark_rule(color="#888").encode(x=alt.X("low:Q", title="accuracy, %"), x2="high:Q")
    dots = base.mark_point(size=55, stroke="black", opacity=1).encode(x=x, shape=shape, fill=fill)
    layers = [bars, dots]
    reference = run.summed("reference")
    if reference:
        at = alt.Chart(alt.InlineData(values=[{"x": 100 * reference.value}]))
        layers.insert(0, at.mark_rule(strokeDash=[4, 3], color="#aaa").encode(x="x:Q"))
    return alt.layer(*layers).properties(
        width=_PANEL, height=26 * len(run.methods), title=title_of(run)
    )


def _curve_panel(run: RewardRun, by: str) -> Any:
    import altair as alt

    values = [
        {"method": row.method, "part": row.fraction, "value": 100 * row.value}
        for row in curves_by(run)[by]
    ]
    shown = [m for m in _CURVES if any(v["method"] == m for v in values)]
    sizes = sorted({v["part"] for v in values})
    unit = "pairs" if by == "pairs" else split_unit(run)
    axis = alt.Axis(values=sizes, format="~%", labelOverlap=True, grid=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "part:Q",
            title=f"part of the training {unit}",
            scale=alt.Scale(type="log", nice=False),
            axis=axis,
        ),
        y=alt.Y("value:Q", title="accuracy, %", scale=alt.Scale(zero=False)),
    )
    legend = alt.Legend(symbolType="stroke", symbolSize=900, symbolStrokeWidth=2)
    color = alt.Color(
        "method:N",
        title=None,
        scale=alt.Scale(domain=shown, range=_COLORS[: len(shown)]),
        legend=legend,
    )
    dash = alt.StrokeDash(
        "method:N",
        title=None,
        scale=alt.Scale(domain=shown, range=_DASHES[: len(shown)]),
        legend=legend,
    )
    dots = base.mark_point(filled=True, size=30, opacity=1)
    layers = [
        base.mark_line(strokeWidth=2).encode(color=color, strokeDash=dash),
        dots.encode(
            fill=alt.Fill(
                "method:N", scale=alt.Scale(domain=shown, range=_COLORS[: len(shown)]), legend=None
            )
        ),
    ]
    reference = _reference_of_curves(run)
    if reference is not None:
        at = alt.Chart(alt.InlineData(values=[{"y": 100 * reference}]))
        layers.insert(0, at.mark_rule(strokeDash=[4, 3], color="#aaa").encode(y="y:Q"))
    return alt.layer(*layers).properties(width=_PANEL, height=170, title=title_of(run))


def _reference_of_curves(run: RewardRun) -> float | None:
    """The reference's average over the seeds that the curves are drawn over."""
    seeds = study_seeds(run, "curves")
    wanted = ("reference", "average", "all")
    rows = [r for r in run.repeats if (r.method, r.aggregate, r.subset) == wanted]
    values = [r.value for r in rows if r.seed in seeds]
    return fmean(values) if values else None


def _steer_panel(run: RewardRun, method: str) -> Any:
    import altair as alt

    own = tested(run)
    others = [c for c in run.spoken_for if c not in own]
    reference = {c: row.value for (c, m), row in run.served().items() if m == "reference"}
    values = [
        {"steer": s, "community": c, "gain": 100 * (row.value - reference[c])}
        for (s, c), row in cells(run, method).items()
    ]
    order = [*own, " ", *others] if others else own
    mean = fmean(v["gain"] for v in values if v["steer"] == v["community"])
    cell, font = (13, 8) if len(own) > _MANY else (22, 10)
    axis = alt.Axis(
        labelFontSize=font, labelAngle=-90, labelOverlap=False, ticks=False, domain=False
    )
    return (
        alt.Chart(alt.InlineData(values=values))
        .mark_rect()
        .encode(
            x=alt.X(
                "community:N",
                sort=order,
                scale=alt.Scale(domain=order),
                title="measured on the pairs of",
                axis=axis,
            ),
            y=alt.Y(
                "steer:N",
                sort=own,
                title="steered to",
                axis=alt.Axis(labelFontSize=font, labelOverlap=False),
            ),
            color=alt.Color("gain:Q", title="points", scale=alt.Scale(scheme="viridis")),
        )
        .properties(
            width=cell * len(order),
            height=cell * len(own),
            title=f"{method} (diagonal: {mean:+.1f} points on average)",
        )
    )


def titled(text: str, subtitle: str) -> Any:
    """A heading and what stands below it."""
    import altair as alt

    return alt.TitleParams(
        text, subtitle=subtitle, anchor="start", fontSize=14, subtitleFontSize=12, offset=12
    )


def save(chart: Any, path: Path) -> Path:
    """Draw a chart into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chart = chart.configure_view(stroke=None).configure_legend(orient="bottom", labelFontSize=12)
    chart.configure_axis(labelFontSize=11).save(str(path), scale_factor=2)
    path.write_bytes(_packed(path.read_bytes()))
    return path


def _packed(png: bytes) -> bytes:
    """The same picture with its pixels compressed harder: a third of the size."""
    kept, pixels, at = [png[:8]], b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            pixels += png[at + 8 : at + 8 + length]
        elif kind == b"IEND":
            body = b"IDAT" + zlib.compress(zlib.decompress(pixels), 9)
            kept += [
                struct.pack(">I", len(body) - 4),
                body,
                struct.pack(">I", zlib.crc32(body)),
                png[at:],
            ]
        else:
            kept.append(png[at : at + 12 + length])
        at += 12 + length
    return b"".join(kept)
