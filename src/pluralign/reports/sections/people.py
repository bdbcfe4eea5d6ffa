"""The people who took part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pluralign.audits.participants import FEWER, suppressed
from pluralign.languages.speech import Speech
from pluralign.reports.data import Section
from pluralign.reports.page_tables import Column, Table, numbered
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import titled

SMALL = 5
"""Groups with fewer people are not reported."""
_TOGETHER = "\0" + FEWER


def participation(runs: Sequence[Run], say: Speech) -> Section | None:
    """How many people speak for each community, and how much; None where nothing is recorded."""
    tables = []
    for k, run in enumerate(runs):
        rows = _rows(run, say)
        if rows:
            tables.append(_table(run, rows, runs, say, k))
    if not tables:
        return None
    text = [
        say(
            "Groups with few people are put together as “others”, so that nobody can be picked out."
        ),
        say("Where the number of people is not known, only shares of answers were published."),
    ]
    return Section(id="people", title=say("Who took part"), paragraphs=text, tables=tables)


def _rows(run: Run, say: Speech) -> list[dict[str, Any]]:
    """A row for each community, those of most pairs first."""
    if run.participation:
        rows = []
        for one in run.participation:
            groups = {attribute: _groups(counts) for attribute, counts in one.groups.items()}
            rows.append(asdict(one) | {"name": say.place(one.community), "groups": groups})
    else:
        people = run.record.get("people") or {}
        rows = [
            {"community": c, "name": say.place(c), "raters": n["raters"], "pairs": n["pairs"]}
            for c, n in people.items()
        ]
    return sorted(rows, key=lambda r: (-r["pairs"], r["community"]))


def _groups(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of groups without small ones, even where the audit let them through."""
    renamed = {_TOGETHER if group == FEWER else group: n for group, n in counts.items()}
    known = suppressed(renamed, SMALL)
    together = known.pop(_TOGETHER, 0) + known.pop(FEWER, 0)
    return known | ({FEWER: together} if together >= SMALL else {})


def _table(
    run: Run, rows: Sequence[Mapping[str, Any]], runs: Sequence[Run], say: Speech, k: int
) -> Table:
    columns = [
        Column("community", say("Community"), lambda r: r["name"]),
        Column("raters", say("people"), lambda r: say.number(r["raters"], 0), numeric=True),
        Column("pairs", say("pairs"), lambda r: say.number(r["pairs"], 0), numeric=True),
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
        Column("groups", say("groups"), lambda r: _groups_in_words(r["groups"], say)),
    ]
    caption = titled(say("People and pairs of each community"), run, runs)
    return Table(numbered("people", k), caption, columns, rows)


def _groups_in_words(groups: Mapping[str, Mapping[str, int]], say: Speech) -> str:
    """Groups by attribute, with their people."""
    found = []
    for attribute, counts in groups.items():
        named = [
            f"{say('others') if group == FEWER else group} {say.number(n, 0)}"
            for group, n in counts.items()
        ]
        if named:
            found.append(f"{attribute}: {', '.join(named)}")
    return "; ".join(found) or "–"
