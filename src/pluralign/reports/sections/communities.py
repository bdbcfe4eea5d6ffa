"""Results for each community, the worst first, and every respondent or method next to them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.core import REFERENCE
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import (
    Column,
    Row,
    Scale,
    Table,
    ends,
    interval_columns,
    numbered,
)
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import (
    Rows,
    answerers_of,
    communities_of,
    could_ship,
    extremes,
    listed,
    measure,
    not_ranked,
    not_steered,
    short_names,
    shown_as,
    titled,
    with_reason,
    worst_first,
)

_MOST = 40
_MOST_COMPARED = 12


def served(runs: Sequence[Run], say: Speech) -> Section | None:
    """Communities with the worst results first; None where no run measured them."""
    title = say("Results for each community, the worst first")
    figures, tables, text = [], [], []
    for k, run in enumerate(run for run in runs if run.served):
        answerers = answerers_of(run)
        ranked = {who: worst_first(run, who, say) for who in answerers}
        name = titled(say("Communities, the worst result first"), run, runs)
        figures.append(_worst_figure(run, ranked, name, say, k))
        comparable = _comparable(run)
        if len(comparable) > 1:
            caption = titled(_all_for_all(run, say), run, runs)
            tables.append(_compared(run, comparable, caption, say, k))
        if not_steered(run):
            tables.append(_left_out(run, runs, say, k))
        everything = [r for rows in ranked.values() for r in rows]
        tables.append(all_served(run, everything, say, numbered("served", k)))
        text += [*not_ranked(ranked[answerers[0]], say), *_coverage(run, say)]
        text += [*_fitted_on(run, say), *_alike(run, say)]
    if not figures:
        if all(run.kind in {"audit", "policies", "knowledge"} for run in runs):
            return None
        empty = say("No run here measured results for communities.")
        return Section(id="served", title=title, empty=empty)
    how = say(
        "Each line is a community, the worst result first. The bar is the 95 % interval: where two "
        "bars overlap widely, their order may be chance."
    )
    return Section(
        id="served", title=title, paragraphs=[how, *text], figures=figures, tables=tables
    )


def _worst_figure(run: Run, ranked: dict[str, Rows], title: str, say: Speech, k: int) -> Figure:
    who = next(iter(ranked))
    base = reference_of(run)
    drawn = []
    for rows in ranked.values():
        for order, row in enumerate(rows[:_MOST]):
            names = {key: row[key] for key in ("who", "name", "shown")}
            drawn.append(names | ends(row) | {"order": order, "base": base.get(row["community"])})
    about = [f"{who}: {extremes(ranked[who], say)}"]
    if len(ranked[who]) > _MOST:
        about.append(
            say(
                "The chart shows the first {count}; the table shows more.",
                count=say.number(_MOST, 0),
            )
        )
    tick = say("The tick marks the model that steering starts from.") if base else None
    draw = partial(
        charts.dot_plot,
        drawn,
        measure(run, say),
        run.kind == "rewards",
        tick,
        who=list(ranked),
        ask=say("Answers by"),
    )
    table = all_served(run, ranked[who], say, numbered("worst", k))
    text = " ".join([*about, *([tick] if tick else [])])
    return Figure(numbered("worst", k), title, text, draw, table)


def _all_for_all(run: Run, say: Speech) -> str:
    if run.kind == "rewards":
        return say("Every method for every community")
    return say("Every model for every community")


def _comparable(run: Run) -> list[str]:
    """Respondents and methods to compare: no ablations, and none of a single community."""
    of = communities_of(run)
    several = [who for who in answerers_of(run) if len(of[who]) > 1] or answerers_of(run)
    return [who for who in several if could_ship(run, who) or who == REFERENCE]


def _compared(run: Run, answerers: Sequence[str], caption: str, say: Speech, k: int) -> Table:
    """Communities down, respondents or methods across: numbers with ranks and intervals."""
    who = answerers[:_MOST_COMPARED]
    rows = compared_rows(run, who, say)
    keys = [f"{end}{n}" for n in range(len(who)) for end in ("low", "high")]
    values = [row[key] for row in rows for key in keys]
    scale = Scale.around(value for value in values if value is not None)
    names = short_names(run)
    columns = [Column("community", say("Community"), lambda r: r["name"])]
    for n, one in enumerate(who):
        columns.append(_compared_column(n, names[one], scale, shown_as(run, say), say))
    about = say(
        "In brackets: the rank among all that have a number for this community. Bars: 95 % "
        "intervals, all on one scale. Communities with the lowest numbers come first."
    )
    return Table(
        numbered("compared", k), caption, columns, rows, folded=False, about=about, saved=False
    )


def _compared_column(n: int, name: str, scale: Scale, show: Any, say: Speech) -> Column:
    keys = {end: f"{end}{n}" for end in ("value", "low", "high")}

    def text(row: Row) -> str:
        number = show(row[keys["value"]])
        rank = row[f"rank{n}"]
        return number if rank is None else f"{number} ({say.number(rank, 0)})"

    def bar(row: Row) -> Any:
        return scale.bar({end: row[key] for end, key in keys.items()})

    return Column(keys["value"], name, text, numeric=True, bar=bar)


def compared_rows(run: Run, who: Sequence[str], say: Speech) -> list[dict[str, Any]]:
    """A row for each community, the worst first, with ``value0``, ``low0``, ``rank0``, ..."""
    number = {(r["who"], r["community"]): r for r in run.served}
    rows = []
    for community in sorted({r["community"] for r in run.served if r["who"] in who}):
        found = {n: number.get((one, community)) for n, one in enumerate(who)}
        values = sorted((r["value"] for r in found.values() if r is not None), reverse=True)
        row: dict[str, Any] = {"community": community, "name": say.place(community)}
        row["lowest"] = sum(values) / len(values)
        for n, r in found.items():
            for end in ("value", "low", "high"):
                row[f"{end}{n}"] = None if r is None else r[end]
            # One number alone has no rank; equal numbers share the better rank.
            ranked = r is not None and len(values) > 1
            row[f"rank{n}"] = 1 + values.index(r["value"]) if r and ranked else None
        rows.append(row)
    rows.sort(key=lambda row: (row["lowest"], row["community"]))
    return rows


def all_served(run: Run, rows: Sequence[dict[str, Any]], say: Speech, name: str) -> Table:
    """A table of numbers for communities, one row for each respondent or method and community."""
    columns = [
        Column("community", say("Community"), lambda r: r["name"]),
        Column("who", say("Answers by"), lambda r: r["who"]),
    ]
    columns += interval_columns(
        say, measure(run, say), score=run.kind == "survey", people=run.kind == "rewards"
    )
    return Table(name, say("All numbers, with their intervals and people"), columns, rows)


def reference_of(run: Run) -> dict[str, float]:
    """Number of the model that steering starts from, for each community."""
    if run.kind != "rewards":
        return {}
    return {r["community"]: r["value"] for r in run.served if r["who"] == REFERENCE}


def _coverage(run: Run, say: Speech) -> list[str]:
    """How many of the communities in the data are steered to, where not all are."""
    others = not_steered(run)
    if not others:
        return []
    return [
        say(
            "{run} does not steer to {count} of the {total} communities in its data; a table below "
            "gives the reasons.",
            run=run.name,
            count=say.number(len(others), 0),
            total=say.number(len(run.record["people"]), 0),
        )
    ]


def _left_out(run: Run, runs: Sequence[Run], say: Speech, k: int) -> Table:
    """Communities that are not steered to, with the reasons; the one with most pairs first."""
    people = run.record["people"]
    rows = [
        {"community": c, "text": with_reason(run, c, say)} | people[c] for c in not_steered(run)
    ]
    rows.sort(key=lambda r: (-r["pairs"], r["community"]))
    caption = titled(say("Communities that are not steered to"), run, runs)
    columns = [Column("text", say("Community and reason"))]
    return Table(numbered("left-out", k), caption, columns, rows, saved=False)


def _fitted_on(run: Run, say: Speech) -> list[str]:
    """Communities for which the reference speaks, where it was fitted in the run."""
    ids = run.record.get("communities", {}).get("reference", ())
    if run.kind != "rewards" or not ids:
        return []
    return [
        say(
            "{run}: the reference, from which steering starts, was fitted on {names}.",
            run=run.name,
            names=listed([say.place(c) for c in ids], say),
        )
    ]


def _alike(run: Run, say: Speech) -> list[str]:
    """How many test pairs no reward could distinguish, where there are any."""
    alike = run.record.get("data", {}).get("alike", {})
    if not alike.get("tied_test_pairs"):
        return []
    return [
        say(
            "{run}: in {count} of {total} test pairs the trunk reads both responses alike. No "
            "reward can prefer one of them, and each such pair counts as half right.",
            run=run.name,
            count=say.number(alike["tied_test_pairs"], 0),
            total=say.number(alike["of_test_pairs"], 0),
        )
    ]
