"""The section on best of n among recorded answers: a table and a panel for each group of voters."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.pictures import save, titled
from pages.sections import marked
from pages.writing import table

INTRODUCTION = """\
Does the favourite of a reward model please people it has not learned from? Here the candidates are
answers that people wrote (Global Dialogues) or rated (PRISM), so no language model stands between
the reward and the votes (`benchmarks/recorded_answers.py`; its protocol was written before any
number was seen). The reward model and the judge are `adaptive` on MiniLM, fitted to different
people; the votes are cast on answers that neither has seen. Gains are points of the share of wins
over a random candidate: as the reward model predicts the votes, as the judge predicts them, and as
they were cast. Votes have 95 % intervals over voters; predictions have ± the standard
deviation over deals, each of which fits the models to other people."""
_NAMES = {"GBR": "United Kingdom", "~world": "worldwide panel", "~all": "all raters"}
_COLORS = ("#6b6b6b", "#2c6fb0", "#000000", "#c0561f")
_DASHES = ([2, 2], [6, 3], [1, 0], [8, 2, 2, 2])
_SERIES = ("predicted by the reward model", "predicted by the judge", "votes", "longest, votes")

Row = Mapping[str, Any]


def section(rows: Sequence[Row], pictures: Path, reading: str) -> str:
    """The section with its markers; its picture is written to a folder.

    Args:
        rows: Rows of the benchmark.
        pictures: Folder of the picture.
        reading: The text of a person about the numbers, with its heading.
    """
    panels = list(dict.fromkeys((row["data"], row["votes_of"]) for row in rows))
    picture = _draw(rows, panels, pictures)
    tables = [_table(rows, *panel) for panel in panels]
    parts = [
        "## Best of n among people's answers",
        INTRODUCTION,
        f"![Best of n among people's answers](images/{picture.name})",
        *tables,
        reading.strip(),
    ]
    return marked("recorded", "\n\n".join(parts))


def _table(rows: Sequence[Row], data: str, voters: str) -> str:
    own = [row for row in rows if (row["data"], row["votes_of"]) == (data, voters)]
    choosers = list(dict.fromkeys(row["chosen_by"] for row in own))
    head = ["chosen by", "n", *_SERIES[:3], "votes counted", "people"]
    lines = [
        [_NAMES.get(row["chosen_by"], row["chosen_by"]), str(row["n"]), *_cells(row)]
        for chooser in choosers
        for row in own
        if row["chosen_by"] == chooser
    ]
    return f"{data}, votes of: {_NAMES[voters]}\n\n{table(head, lines)}"


def _cells(row: Row) -> list[str]:
    gains = [f"{_points(row[by])} ± {100 * row[f'{by}_sd']:.1f}" for by in ("predicted", "judged")]
    voted = f"{_points(row['voted'])} [{_points(row['low'])}, {_points(row['high'])}]"
    return [*gains, voted, f"{row['votes']:.0f}", f"{row['people']:.0f}"]


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _draw(rows: Sequence[Row], panels: Sequence[tuple[str, str]], folder: Path) -> Path:
    import altair as alt

    drawn = [
        _panel([row for row in rows if (row["data"], row["votes_of"]) == p], *p) for p in panels
    ]
    chart = alt.hconcat(*drawn, spacing=18).properties(
        title=titled(
            "The best of n recorded answers, by a reward model that other people trained",
            "Gain over a random answer, points of the share of wins. Band: 95 % over voters.",
        )
    )
    return save(chart, folder / "recorded.png")


def _panel(rows: Sequence[Row], data: str, voters: str) -> Any:
    import altair as alt

    values = list(_values(rows, voters))
    sizes = [str(n) for n in sorted({row["n"] for row in rows})]
    legend = alt.Legend(symbolType="stroke", symbolSize=900, symbolStrokeWidth=2, labelLimit=260)
    x = alt.X("n:O", title="n", sort=sizes, axis=alt.Axis(labelAngle=0))
    base = alt.Chart(alt.InlineData(values=values))
    lines = base.mark_line(strokeWidth=2, point=True).encode(
        x=x,
        y=alt.Y("gain:Q", title="gain, points"),
        color=alt.Color(
            "series:N", title=None, legend=legend, scale=alt.Scale(domain=_SERIES, range=_COLORS)
        ),
        strokeDash=alt.StrokeDash(
            "series:N", title=None, legend=legend, scale=alt.Scale(domain=_SERIES, range=_DASHES)
        ),
    )
    band = (
        base.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.12)
        .encode(x=x, y=alt.Y("low:Q", title="gain, points"), y2="high:Q")
    )
    title = f"{data}: {_NAMES[voters]}"
    return alt.layer(band, lines).properties(width=230, height=210, title=title)


def _values(rows: Sequence[Row], voters: str) -> Iterator[dict[str, Any]]:
    """A point for each series and n: choices by the voters' own reward, and by length."""
    for row in rows:
        at = {"n": str(row["n"])}
        if row["chosen_by"] == voters:
            yield at | {"series": _SERIES[0], "gain": 100 * row["predicted"]}
            yield at | {"series": _SERIES[1], "gain": 100 * row["judged"]}
            ends = {"low": 100 * row["low"], "high": 100 * row["high"]}
            yield at | {"series": _SERIES[2], "gain": 100 * row["voted"]} | ends
        elif row["chosen_by"] == "longest":
            yield at | {"series": _SERIES[3], "gain": 100 * row["voted"]}
