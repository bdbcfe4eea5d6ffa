"""Findings, and what was not assessed."""

from collections.abc import Sequence

from pluralign.audits import SEVERITIES, Finding
from pluralign.core import Estimate
from pluralign.languages.speech import Speech
from pluralign.reports.data import Claim, Column, Row, Section, Table
from pluralign.reports.reading import Run

_MOST, _REASONS = 40, 3
_UNAUDITED = "No audit was made: run `pluralign audit` on the folder first."


def findings(runs: Sequence[Run], say: Speech, community: str | None = None) -> Section:
    """What audits found, gravest first.

    Args:
        runs: The runs.
        say: The language.
        community: Only what concerns this one.
    """
    title = say("Risks found")
    audited = [run for run in runs if run.audit]
    if not audited:
        return Section("findings", title, empty=say(_UNAUDITED))
    found = [
        f for run in audited for f in run.findings if community is None or f.community == community
    ]
    found.sort(key=lambda f: SEVERITIES.index(f.severity))
    grave = [f for f in found if f.severity != "note"]
    told = [
        say(
            "A risk or a concern lies beyond its threshold with its whole interval. A note does so with its value only "
            "and may be chance; notes stand in the table."
        )
    ]
    if len(grave) > _MOST:
        told.append(
            say(
                "The first {count} of {total} are shown.",
                count=say.number(_MOST, 0),
                total=say.number(len(grave), 0),
            )
        )
    if not found:
        return Section("findings", title, empty=say("Nothing was found beyond a threshold."))
    return Section(
        "findings",
        title,
        told,
        claims=[_claim(f, say) for f in grave[:_MOST]],
        tables=[_table(found, say)],
    )


def not_assessed(runs: Sequence[Run], say: Speech) -> Section:
    """What became of every check."""
    rows = [a | {"run": run.name} for run in runs for a in run.assessments]
    columns = [
        Column("run", say("Run")),
        Column("asks", say("Question"), lambda r: say(r["asks"])),
        Column("status", say("Answer"), lambda r: say(_STATUS[r["status"]])),
        Column(
            "measured",
            say("numbers held against the threshold"),
            lambda r: say.number(r["measured"], 0),
            numeric=True,
        ),
        Column("reasons", say("Not assessed because"), _reasons),
    ]
    if not rows:
        return Section("checks", say("What was and was not assessed"), empty=say(_UNAUDITED))
    table = [
        Table(
            "checks",
            say("What was asked of the evidence, and what could not be answered"),
            columns,
            rows,
        )
    ]
    told = [say("“Not assessed” is a result too: it says what nobody can know from this evidence.")]
    return Section("checks", say("What was and was not assessed"), told, tables=table)


def _reasons(row: Row) -> str:
    """The first reasons, and how many more there are."""
    reasons = row["reasons"]
    more = f" (+ {len(reasons) - _REASONS})" if len(reasons) > _REASONS else ""
    return ("; ".join(reasons[:_REASONS]) or "–") + more


_STATUS = {
    "found": "a concern or a risk",
    "clear": "nothing beyond the threshold",
    "not assessed": "not assessed",
}
_LABELS = {"risk": "Risk", "concern": "Concern", "note": "Note"}


def _claim(f: Finding, say: Speech) -> Claim:
    lines = [(say(_number_name(name)), _told(e, say)) for name, e in f.numbers.items()]
    lines += [
        (say("What might cause it"), say(f.causes)),
        (say("What would lessen it"), say(f.remedies)),
        (say("Look further"), say(f.look)),
    ]
    return Claim(
        f.severity,
        say(_LABELS[f.severity]),
        say.sentence(f.claim),
        lines,
        say.number(f.rows.count, 0),
        f.rows.ids,
    )


def _number_name(name: str) -> str:
    return name.replace("_", " ")


def _told(e: Estimate, say: Speech) -> str:
    value = say.number(e.value, 3 if abs(e.value) < 1 else 1)
    parts = [value]
    if e.low is not None and e.high is not None:
        digits = 3 if max(abs(e.low), abs(e.high)) < 1 else 1
        parts = [
            say(
                "{value} [{low} to {high}]",
                value=value,
                low=say.number(e.low, digits),
                high=say.number(e.high, digits),
            )
        ]
    parts.append(say("measured on {count}", count=say.number(e.n, 0)))
    if e.n_raters is not None:
        parts.append(say("{count} people", count=say.number(e.n_raters, 0)))
    return " · ".join(parts)


def _table(found: Sequence[Finding], say: Speech) -> Table:
    rows = []
    for f in found:
        name, e = next(iter(f.numbers.items()))
        rows.append(
            {
                "severity": f.severity, "audit": f.audit, "check": f.check, "subject": f.subject,
                "community": f.community, "claim": str(f.claim), "number": name, "value": e.value, "low": e.low,
                "high": e.high, "n": e.n, "n_raters": e.n_raters, "text": say.sentence(f.claim),
            }
        )  # fmt: skip
    columns = [
        Column("severity", say("How grave"), lambda r: say(_LABELS[r["severity"]])),
        Column("claim", say("Claim"), lambda r: r["text"]),
        Column("value", say("number"), lambda r: say.number(r["value"], 3), numeric=True),
        Column(
            "low",
            say("95 % interval"),
            lambda r: f"{say.number(r['low'], 3)} – {say.number(r['high'], 3)}",
            numeric=True,
        ),
        Column("n", say("measured on"), lambda r: say.number(r["n"], 0), numeric=True),
        Column("n_raters", say("people"), lambda r: say.number(r["n_raters"], 0), numeric=True),
    ]
    return Table("findings", say("All findings"), columns, rows)
