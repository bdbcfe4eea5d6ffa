"""Who took part."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.audits.participants import FEWER, suppressed
from pluralign.languages.speech import Speech
from pluralign.reports.data import Column, Section, Table
from pluralign.reports.reading import Run

SMALL = 5
"""Groups with fewer people are not told of."""
_TOGETHER = "\0" + FEWER


def participation(runs: Sequence[Run], say: Speech) -> Section:
    """How many people speak for each community, how much, and in whose words."""
    title, tables = say("Who took part"), []
    for k, run in enumerate(runs):
        rows = _rows(run, say)
        if rows:
            tables.append(_table(run, rows, say, k))
    told = [
        say(
            "Groups with few people are put together as “others”, so that nobody can be picked out."
        ),
        say("Where the number of people is not known, only shares of answers were published."),
    ]
    empty = None if tables else say("Nothing is recorded of the people behind these runs.")
    return Section("people", title, told if tables else (), tables=tables, empty=empty)


def _rows(run: Run, say: Speech) -> list[dict[str, Any]]:
    if run.participation:
        return [
            r
            | {
                "name": say.place(r["community"]),
                "groups": {a: _groups(counts) for a, counts in r["groups"].items()},
            }
            for r in run.participation
        ]
    return [
        {"community": c, "name": say.place(c), "raters": told["raters"], "pairs": told["pairs"]}
        for c, told in (run.record.get("people") or {}).items()
    ]


def _groups(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of groups without small ones, whatever the audit let through; what it put together stays so."""
    told = suppressed(
        {_TOGETHER if group == FEWER else group: n for group, n in counts.items()}, SMALL
    )
    together = told.pop(_TOGETHER, 0) + told.pop(FEWER, 0)
    return told | ({FEWER: together} if together >= SMALL else {})


def _table(run: Run, rows: Sequence[Mapping[str, Any]], say: Speech, k: int) -> Table:
    def groups(row: Mapping[str, Any]) -> str:
        told = [
            f"{attribute}: "
            + ", ".join(
                f"{say('others') if g == FEWER else g} {say.number(n, 0)}"
                for g, n in counts.items()
            )
            for attribute, counts in row["groups"].items()
            if counts
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
                "pairs_per_rater",
                say("pairs per person"),
                lambda r: say.number(r["pairs_per_rater"], 1),
                numeric=True,
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
    return Table(
        f"people-{k}" if k else "people", say("Who took part: {run}", run=run.name), columns, rows
    )
