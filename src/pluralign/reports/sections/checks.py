"""The checks of audits: which could be made, and which could not."""

from collections.abc import Sequence

from pluralign.audits import EVIDENCE_KINDS, Assessment
from pluralign.languages.speech import Speech
from pluralign.reports.data import Section
from pluralign.reports.page_tables import Column, Row, Table
from pluralign.reports.reading import Run

_REASONS = 3
_STATUS = {
    "found": "a concern or a risk",
    "clear": "no concern or risk",
    "not assessed": "not assessed",
}


def not_assessed(runs: Sequence[Run], say: Speech) -> Section | None:
    """The outcome of every check, those with findings first; None without an audit."""
    if not any(run.assessments for run in runs):
        return None
    rows = [a.as_dict() | {"run": run.name} for run in runs for a in run.assessments if a.applies]
    others = [a for run in runs for a in run.assessments if not a.applies]
    order = list(_STATUS)
    rows.sort(key=lambda row: order.index(row["status"]))
    columns = [
        Column("status", say("Answer"), lambda r: say(_STATUS[r["status"]])),
        Column("asks", say("Question"), lambda r: say(r["asks"])),
        Column(
            "measured",
            say("numbers compared with the threshold"),
            lambda r: say.number(r["measured"], 0),
            numeric=True,
        ),
        Column("reasons", say("Not assessed because"), _reasons),
    ]
    if len(runs) > 1:
        columns.insert(0, Column("run", say("Run")))
    counts = {status: sum(row["status"] == status for row in rows) for status in order}
    text = say(
        "Checks with a concern or a risk: {found}; without one: {clear}; not "
        "assessed for lack of evidence: {missing}. “Not assessed” is a result too: nobody can know "
        "the answer from this evidence.",
        found=say.number(counts["found"], 0),
        clear=say.number(counts["clear"], 0),
        missing=say.number(counts["not assessed"], 0),
    )
    table = Table(
        "checks", say("Questions asked of the evidence, and their answers"), columns, rows
    )
    return Section(
        id="checks",
        title=say("What was and was not assessed"),
        paragraphs=[text, *([_not_applying(others, say)] if others else [])],
        tables=[table],
    )


def _not_applying(checks: Sequence[Assessment], say: Speech) -> str:
    """The number of checks that do not apply, and the evidence that they read."""
    absent = {kind for check in checks for kind in check.absent}
    kinds = [say(name) for kind, name in EVIDENCE_KINDS.items() if kind in absent]
    return say(
        "Checks that do not apply: {count}. They read evidence that was not given: {kinds}.",
        count=say.number(len(checks), 0),
        kinds=say.joined(kinds),
    )


def _reasons(row: Row) -> str:
    """The first reasons, and how many more there are."""
    reasons = row["reasons"]
    more = f" (+ {len(reasons) - _REASONS})" if len(reasons) > _REASONS else ""
    return ("; ".join(reasons[:_REASONS]) or "–") + more
