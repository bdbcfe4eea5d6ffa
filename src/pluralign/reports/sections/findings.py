"""Findings of audits: a card for each kind, the worst first."""

from collections.abc import Sequence
from typing import Any

from pluralign.audits import SEVERITIES, Finding
from pluralign.audits.sentences import Place
from pluralign.core import Estimate
from pluralign.languages.speech import Speech
from pluralign.reports.data import Card, Claim, Section
from pluralign.reports.page_tables import (
    Bar,
    Column,
    Row,
    Scale,
    Table,
    interval_column,
    with_interval,
)
from pluralign.reports.reading import Run
from pluralign.reports.sections.kinds import (
    heading_of,
    heading_of_others,
    kind_of,
    number_of,
    of_people,
    title_of,
    written,
)
from pluralign.reports.sections.standings import could_ship, short_names

_MOST, _MOST_CLAIMS = 8, 40
"""Rows of a card before the rest is folded, and findings that it lists one by one."""
_LABELS = {"risk": "Risk", "concern": "Concern", "note": "Note"}
Found = Sequence[tuple[Run, Finding]]


def findings(runs: Sequence[Run], say: Speech, community: str | None = None) -> Section:
    """Findings of audits by kind, gravest first.

    Args:
        runs: The runs.
        say: The language.
        community: Only what concerns this one.
    """
    title = say("Risks found")
    audited = [run for run in runs if run.audit]
    if not audited:
        empty = say("No audit was made: run `pluralign audit` on the folder first.")
        return Section(id="findings", title=title, empty=empty)
    found = _gravest_first(audited, community)
    if not found:
        empty = say("Nothing was found beyond a threshold.")
        return Section(id="findings", title=title, empty=empty)
    grave = [(run, f) for run, f in found if f.severity != "note"]
    shipped = [(run, f) for run, f in grave if could_ship(run, f.subject)]
    others = [(run, f) for run, f in grave if not could_ship(run, f.subject)]
    text = [
        say(
            "A risk or a concern lies beyond its threshold with its whole interval. A note does so "
            "with its value only and may be chance; notes are in the table of all findings."
        )
    ]
    if not grave:
        text.append(say("No risk and no concern was found; the notes are in the table."))
    return Section(
        id="findings",
        title=title,
        paragraphs=text,
        cards=_cards(shipped, say),
        folded=_cards(others, say),
        tables=[_all_findings([f for _, f in found], say)],
    )


def _gravest_first(runs: Sequence[Run], community: str | None) -> list[tuple[Run, Finding]]:
    """The findings of runs, or of one community there, each with its run."""
    found = []
    for run in runs:
        own = [f for f in run.findings if community is None or f.community == community]
        found += [(run, f) for f in own]
    return sorted(found, key=lambda pair: SEVERITIES.index(pair[1].severity))


def _cards(found: Found, say: Speech) -> list[Card]:
    """A card for each kind of finding, those with the gravest finding first."""
    kinds: dict[str, list[tuple[Run, Finding]]] = {}
    for run, f in found:
        kinds.setdefault(kind_of(f), []).append((run, f))
    return [_card(kind, of_kind, say) for kind, of_kind in kinds.items()]


def _card(kind: str, found: Found, say: Speech) -> Card:
    rows = sorted((_row(run, f, say) for run, f in found), key=_worst_first)
    name = number_of(found[0][1])[0]
    # From zero, so that the length of a bar is the size of the number.
    numbers = [0.0]
    for row in rows:
        numbers += [row[key] for key in ("value", "low", "high", "mark") if row[key] is not None]
    scale = Scale.around(numbers)
    columns = _columns(kind, name, rows, scale, say)
    first = found[0][1]
    title = title_of(kind, say)
    about = (
        say("The line marks the people's own value.")
        if any(r["mark"] is not None for r in rows)
        else ""
    )

    def table(of: Sequence[Row], caption: str) -> Table:
        return Table(
            f"card-{kind.replace('/', '-')}",
            caption,
            columns,
            of,
            about=about,
            saved=False,
            stacked=True,
        )

    more = rows[_MOST:]
    further = say("Further rows: {count}", count=say.number(len(more), 0))
    return Card(
        severity=first.severity,
        label=say(_LABELS[first.severity]),
        title=title,
        table=table(rows[:_MOST], title),
        more=table(more, further) if more else None,
        lines=[
            (say("Possible causes"), say(first.causes)),
            (say("Possible remedies"), say(first.remedies)),
            (say("How to look further"), say(first.look)),
        ],
        claims=[_claim(f, say) for _, f in found[:_MOST_CLAIMS]],
        cut=_cut(len(found), say),
    )


def _cut(count: int, say: Speech) -> str:
    """A sentence on the findings that a card does not list one by one, if any."""
    if count <= _MOST_CLAIMS:
        return ""
    return say(
        "The first {count} of {total} are shown.",
        count=say.number(_MOST_CLAIMS, 0),
        total=say.number(count, 0),
    )


def _row(run: Run, f: Finding, say: Speech) -> dict[str, Any]:
    name, number = number_of(f)
    decided = next(iter(f.numbers.values())).value
    others = [v for key, v in f.claim.values.items() if isinstance(v, Place) and key != "community"]
    subject = short_names(run).get(f.subject, f.subject)
    return {
        "subject": subject,
        "community": None if f.community is None else say.place(f.community),
        "other": say.place(others[0].id) if others else None,
        "severity": f.severity,
        "label": say(_LABELS[f.severity]),
        "name": name,
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "mark": of_people(f),
        "gravity": -decided if _small_is_bad(run, f) else decided,
    }


def _small_is_bad(run: Run, f: Finding) -> bool:
    """Whether the check of a finding looks for small numbers, such as few people."""
    limits = run.audit.get("thresholds", ())
    return any(t["below"] for t in limits if (t["audit"], t["check"]) == (f.audit, f.check))


def _worst_first(row: Row) -> tuple[int, float, str, str]:
    """Order of a card: the gravest, then the number that decided."""
    grave = SEVERITIES.index(row["severity"])
    return grave, -row["gravity"], row["subject"], row["community"] or ""


def _columns(kind: str, name: str, rows: Sequence[Row], scale: Scale, say: Speech) -> list[Column]:
    """The columns that a kind of findings needs: none is empty or the same in every row."""
    columns = [Column("subject", say("About"))]
    if len({r["severity"] for r in rows}) > 1:
        columns.insert(0, Column("label", say("Severity")))
    if any(r["community"] for r in rows):
        columns.append(Column("community", say("Community")))
    if any(r["other"] for r in rows):
        columns.append(Column("other", heading_of_others(kind, say), named=True))

    def show(value: float) -> str:
        return written(kind, name, value, say)

    def bar(row: Row) -> Bar:
        return scale.bar(row, row["mark"])

    drawn = len(rows) > 1 or rows[0]["low"] != rows[0]["high"]
    number = Column(
        "value",
        heading_of(kind, name, say),
        lambda r: with_interval(r, show, say),
        bar=bar if drawn else None,
        named=True,
    )
    return [*columns, number]


def _claim(f: Finding, say: Speech) -> Claim:
    lines = [(name.replace("_", " "), _estimate(e, say)) for name, e in f.numbers.items()]
    return Claim(
        f.severity,
        say(_LABELS[f.severity]),
        say.sentence(f.claim),
        lines,
        say.number(f.rows.count, 0),
        f.rows.ids,
    )


def _estimate(e: Estimate, say: Speech) -> str:
    """A number of a finding with its interval, what it was measured on, and its people."""

    def show(value: float) -> str:
        return say.number(value, 3 if abs(e.value) < 1 else 1)

    number = with_interval({"value": e.value, "low": e.low, "high": e.high}, show, say)
    parts = [number, say("measured on {count}", count=say.number(e.n, 0))]
    if e.n_raters is not None:
        parts.append(say("{count} people", count=say.number(e.n_raters, 0)))
    return " · ".join(parts)


def _all_findings(found: Sequence[Finding], say: Speech) -> Table:
    rows = []
    for f in found:
        name, e = next(iter(f.numbers.items()))
        rows.append(
            {
                "severity": f.severity, "audit": f.audit, "check": f.check, "subject": f.subject,
                "community": f.community, "claim": str(f.claim), "number": name, "value": e.value,
                "low": e.low, "high": e.high, "n": e.n, "n_raters": e.n_raters,
                "text": say.sentence(f.claim),
            }
        )  # fmt: skip
    columns = [
        Column("severity", say("Severity"), lambda r: say(_LABELS[r["severity"]])),
        Column("claim", say("Claim"), lambda r: r["text"]),
        Column("value", say("number"), lambda r: say.number(r["value"], 3), numeric=True),
        interval_column(lambda value: say.number(value, 3), say),
        Column("n", say("measured on"), lambda r: say.number(r["n"], 0), numeric=True),
        Column("n_raters", say("people"), lambda r: say.number(r["n_raters"], 0), numeric=True),
    ]
    return Table("findings", say("All findings, notes too"), columns, rows)
