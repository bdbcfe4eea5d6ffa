"""Who took part."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.audits.people import FEWER
from pluralign.reports.data import Column, Section, Table
from pluralign.reports.reading import Run
from pluralign.reports.speech import Speech


def participation(runs: Sequence[Run], say: Speech) -> Section:
    """How many people speak for each community, how much, and in whose words."""
    title, tables = say("Who took part"), []
    for k, run in enumerate(runs):
        rows = _rows(run, say)
        if rows:
            tables.append(_table(run, rows, say, k))
    told = [
        say("Groups with few people are put together as “others”, so that nobody can be picked out."),
        say("Where the number of people is not known, only shares of answers were published."),
    ]
    empty = None if tables else say("Nothing is recorded of the people behind these runs.")
    return Section("people", title, told if tables else (), tables=tables, empty=empty)


def _rows(run: Run, say: Speech) -> list[dict[str, Any]]:
    if run.participation:
        return [r | {"name": say.place(r["community"])} for r in run.participation]
    return [
        {"community": c, "name": say.place(c), "raters": told["raters"], "pairs": told["pairs"]}
        for c, told in (run.record.get("people") or {}).items()
    ]


def _table(run: Run, rows: Sequence[Mapping[str, Any]], say: Speech, k: int) -> Table:
    def groups(row: Mapping[str, Any]) -> str:
        told = [
            f"{attribute}: "
            + ", ".join(f"{say('others') if g == FEWER else g} {say.number(n, 0)}" for g, n in counts.items())
            for attribute, counts in row["groups"].items()
        ]
        return "; ".join(told) or "–"

    columns = [
        Column("community", say("Community"), lambda r: r["name"]),
        Column("raters", say("people"), lambda r: say.number(r["raters"], 0), numeric=True),
        Column("pairs", say("pairs"), lambda r: say.number(r["pairs"], 0), numeric=True),
    ]
    if run.participation:
        columns += [
            Column(
                "pairs_per_rater", say("pairs per person"), lambda r: say.number(r["pairs_per_rater"], 1), numeric=True
            ),
            Column(
                "heaviest_share",
                say("largest share of one person"),
                lambda r: say.percent(r["heaviest_share"]),
                numeric=True,
            ),
            Column(
                "with_words",
                say("pairs with people's own words"),
                lambda r: say.number(r["with_words"], 0),
                numeric=True,
            ),
            Column("groups", say("groups"), groups),
        ]
    return Table(f"people-{k}" if k else "people", say("Who took part: {run}", run=run.name), columns, rows)
