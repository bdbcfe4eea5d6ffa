"""The effect of each steer on each community."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.core import REFERENCE
from pluralign.evaluation import Row
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import Column, Table, interval_columns, numbered
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import Rows, nameable, titled

_MOST = 40


def steers(runs: Sequence[Run], say: Speech) -> Section | None:
    """The change that each steer makes for each community; None where nothing was steered."""
    title = say("Steering to one, measured on all")
    rewards = [run for run in runs if run.kind == "rewards"]
    matrices = [(run, _matrix(run, say)) for run in rewards]
    figures = [_figure(run, rows, runs, say, k) for k, (run, rows) in enumerate(matrices) if rows]
    if not figures:
        if not any(isinstance(r, Row) and r.steer for run in rewards for r in run.results):
            return None
        empty = say(
            "The model that steering starts from was not measured: name `reference` among the "
            "methods."
        )
        return Section(id="steers", title=title, empty=empty)
    text = [
        say(
            "A steer is meant for its own people, on the diagonal; the other cells show who else "
            "gains or loses."
        ),
        say(
            "The change is a difference of two numbers and has no interval of its own; the table "
            "has that of each steered number."
        ),
    ]
    return Section(id="steers", title=title, paragraphs=text, figures=figures)


def _figure(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Figure:
    order = list(dict.fromkeys(r["steer_name"] for r in rows))[:_MOST]
    measured = list(dict.fromkeys(r["name"] for r in rows))[:_MOST]
    drawn = [_cell(r, say) for r in rows if r["steer_name"] in order and r["name"] in measured]
    title = titled(say("Every steer on every community: {method}", method=run.method), run, runs)
    about = _about(rows, say)
    if len(drawn) < len(rows):
        about.append(
            say(
                "The chart shows the first {count}; the table shows more.",
                count=say.number(_MOST, 0),
            )
        )
    columns = [
        Column("steer", say("steered to"), lambda r: r["steer_name"]),
        Column("community", say("measured on the people of"), lambda r: r["name"]),
        *interval_columns(say, say("choices predicted correctly")),
        Column(
            "points", say("change in points"), lambda r: say.number(r["points"], 1), numeric=True
        ),
    ]
    draw = partial(charts.steer_matrix, drawn, order, measured, say)
    name = numbered("steers", k)
    return Figure(name, title, " ".join(about), draw, Table(name, title, columns, rows))


def _about(rows: Rows, say: Speech) -> list[str]:
    found = [
        say("Blue: more accurate than the model that steering starts from; orange: less accurate.")
    ]
    worst = min(nameable(rows), key=lambda r: r["points"], default=None)
    if worst is not None:
        found.append(
            say(
                "The largest loss: steering to {steer} changes {community} by {points} points.",
                steer=say.inline(worst["steer"]),
                community=say.inline(worst["community"]),
                points=say.number(worst["points"], 1),
            )
        )
    return found


def _matrix(run: Run, say: Speech) -> Rows:
    """Every steer on every community, steers with the worst results first."""
    mine = _on_all_pairs(run)
    base = {r["community"]: r["value"] for r in mine if r["method"] == REFERENCE}
    rows = [r for r in mine if r["method"] == run.method and r["steer"] and r["community"] in base]
    own = {r["community"]: r["value"] for r in rows if r["steer"] == r["community"]}

    def order(row: Mapping[str, Any]) -> tuple[float, str, float, str]:
        steer, community = row["steer"], row["community"]
        return own.get(steer, 1.0), steer, own.get(community, 2.0), community

    found = []
    for r in sorted(rows, key=order):
        names = {"steer_name": say.place(r["steer"]), "name": say.place(r["community"])}
        found.append(r | names | {"points": 100 * (r["value"] - base[r["community"]])})
    return found


def _on_all_pairs(run: Run) -> Rows:
    """Results of the run's metric on all pairs."""
    results = [r for r in run.results if isinstance(r, Row) and r.metric == run.metric]
    return [r.as_dict() for r in results if r.subset == "all"]


def _cell(row: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    drawn = {"points": round(row["points"], 2), "shown": say.percent(row["value"])}
    return {key: row[key] for key in ("steer_name", "name")} | drawn
