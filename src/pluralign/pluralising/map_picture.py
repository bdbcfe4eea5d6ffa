"""The culture map as a picture: the similarity of every two cultures, and a plane of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.core import community, whole_file

_CELL, _PLANE = 26, 320


def draw_culture_map(
    rows: Sequence[Mapping[str, Any]], drawn: Mapping[str, Any], path: Path
) -> bool:
    """Write the map as a PNG; False where the extra ``report`` is not installed.

    Args:
        rows: Rows of ``culture_map.jsonl``.
        drawn: ``order`` and ``place`` of the communities, from the stage's summary.
        path: The file.
    """
    try:
        import altair as alt
        import vl_convert as vlc
    except ImportError:
        return False
    title = alt.TitleParams(
        "Culture map: what naming a culture changes",
        subtitle="Share of questions answered alike, of those that either name shifts "
        "(the model, not people)",
        anchor="start",
    )
    heat, plane = _heat(rows, drawn["order"], alt), _plane(drawn["place"], alt)
    chart = alt.hconcat(heat, plane, spacing=40).properties(title=title)
    with whole_file(path) as partial:
        partial.write_bytes(vlc.vegalite_to_png(chart.to_dict(), scale=2))
    return True


def _heat(rows: Sequence[Mapping[str, Any]], order: Sequence[str], alt: Any) -> Any:
    names = [_name(c) for c in order]
    cells = []
    for row in rows:
        if row["alike"] is not None:
            first, second = _name(row["community"]), _name(row["other"])
            cells.append({"one": first, "other": second, "alike": row["alike"]})
            cells.append({"one": second, "other": first, "alike": row["alike"]})
    alike = [cell["alike"] for cell in cells]
    middle = (min(alike) + max(alike)) / 2
    base = alt.Chart(alt.Data(values=cells)).encode(
        x=alt.X("one:N", sort=names, title=None, axis=alt.Axis(labelAngle=-60)),
        y=alt.Y("other:N", sort=names, title=None),
    )
    shown = base.mark_rect().encode(
        color=alt.Color(
            "alike:Q",
            title="answered alike",
            scale=alt.Scale(scheme="viridis"),
            legend=alt.Legend(format="%"),
        )
    )
    text = base.mark_text(fontSize=9).encode(
        text=alt.Text("alike:Q", format=".0%"),
        color=alt.condition(f"datum.alike > {middle}", alt.value("black"), alt.value("white")),
    )
    side = _CELL * max(6, len(order))
    return (shown + text if len(order) <= 12 else shown).properties(width=side, height=side)


def _plane(positions: Mapping[str, Sequence[float]], alt: Any) -> Any:
    points = [{"name": _name(c), "x": x, "y": y} for c, (x, y) in positions.items()]
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("x:Q", axis=None, scale=alt.Scale(padding=50)),
        y=alt.Y("y:Q", axis=None, scale=alt.Scale(padding=30)),
    )
    words = base.mark_text(dy=-10, fontSize=12).encode(text="name:N")
    return (base.mark_circle(size=60, color="#2c6fb0") + words).properties(
        width=_PLANE, height=_PLANE
    )


def _name(id_: str) -> str:
    return community(id_).name
