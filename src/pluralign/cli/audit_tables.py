"""The tables of ``pluralign audit``."""

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from pluralign.auditing import AuditOutcome
from pluralign.audits import EVIDENCE_KINDS, SEVERITIES, Assessment, Finding
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import NOTHING, Number, PrintedColumn, PrintedTable
from pluralign.core import Estimate, count_of
from pluralign.languages import Speech

_STYLES = {"risk": "bold red", "concern": "yellow"}
_MOST = 20
_MOST_CLAIMS = 3
_STATUS = {"found": "found", "clear": "no concern", "not assessed": "not assessed"}


def show_audit(
    outcome: AuditOutcome, folder: Path, output: Output, *, all_checks: bool = False
) -> None:
    """Print findings, gravest first, and the status of each check.

    Args:
        outcome: The findings and checks.
        folder: The folder they were written to.
        output: Where to print.
        all_checks: Whether checks that do not apply are listed, too; else one line counts them.
    """
    if output.as_json:
        output.json({
            "folder": str(folder),
            "record": outcome.record,
            "findings": [f.as_dict() for f in outcome.findings],
            "assessments": [a.as_dict() for a in outcome.assessments],
        })  # fmt: skip
        return
    grave = [f for f in outcome.findings if f.severity != "note"]
    shown = grave if output.whole else grave[:_MOST]
    say = Speech().with_names(outcome.record["places"])
    output.table(_finding_table(shown, say))
    if len(grave) > len(shown):
        output.line(f"... and {len(grave) - len(shown)} more, in {folder}/findings.jsonl")
    for finding in grave[:_MOST_CLAIMS]:
        output.line(f"- {say.sentence(finding.claim)}")
    listed = [a for a in outcome.assessments if a.applies or all_checks]
    output.table(_check_table(listed))
    output.line()
    if len(listed) < len(outcome.assessments):
        output.line(_not_applying([a for a in outcome.assessments if not a.applies]))
    for source, read in outcome.record["evidence"]["read"].items():
        for reason, n in read["dropped"].items():
            output.line(f"{source}: {n:,} of {count_of(read['read'], 'row')} dropped: {reason}")
    counts = outcome.record["outcome"]
    counted = ", ".join(count_of(counts[severity], severity) for severity in SEVERITIES)
    output.line(
        f"{counted} (a note: beyond a threshold, but within the error). Written to {folder}: "
        "findings.jsonl, assessments.jsonl, participation.jsonl, audit.json"
    )


def _finding_table(findings: Sequence[Finding], say: Speech) -> PrintedTable:
    table = PrintedTable(
        title="Findings, gravest first",
        columns=[
            PrintedColumn(head="severity"),
            PrintedColumn(head="check", cut="middle", least=12),
            PrintedColumn(head="subject", cut="middle", least=18),
            PrintedColumn(head="community", cut="middle", least=9),
            PrintedColumn(head="value", interval=True),
            PrintedColumn(head="audit", rank=1),
            PrintedColumn(head="number", cut="middle", rank=2),
            PrintedColumn(head="n", right=True, rank=3),
            PrintedColumn(head="people", right=True, rank=4),
            PrintedColumn(head="claim", rank=9),
        ],
    )
    for f in findings:
        name, estimate = next(iter(f.numbers.items()), ("", None))
        n = f"{estimate.n:,}" if estimate is not None else ""
        known = estimate is not None and estimate.n_raters is not None
        table.rows.append([
            Text(f.severity, style=_STYLES.get(f.severity, "")),
            f.check,
            f.subject,
            f.community or "several",
            _number(estimate),
            f.audit,
            name.replace("_", " "),
            n,
            f"{estimate.n_raters:,}" if estimate is not None and known else "",
            say.sentence(f.claim),
        ])  # fmt: skip
    return table


def _check_table(assessments: Sequence[Assessment]) -> PrintedTable:
    table = PrintedTable(
        title="Checks",
        columns=[
            PrintedColumn(head="check", cut="middle", least=20),
            PrintedColumn(head="status"),
            PrintedColumn(head="question", cut="end", least=30),
            PrintedColumn(head="reason", rank=1),
        ],
    )
    for a in assessments:
        table.rows.append([f"{a.audit}.{a.check}", _STATUS[a.status], a.asks, _reason(a)])
    return table


def _reason(assessment: Assessment) -> str:
    """Why a check was not assessed; how many notes it has where it found no concern or risk."""
    if assessment.status == "not assessed":
        return assessment.reasons[0] if assessment.reasons else ""
    if assessment.status == "clear" and assessment.found:
        return count_of(assessment.found, "note")
    return ""


def _not_applying(checks: Sequence[Assessment]) -> str:
    """The number of checks that do not apply, and the evidence that they read."""
    absent = {kind for check in checks for kind in check.absent}
    kinds = [name for kind, name in EVIDENCE_KINDS.items() if kind in absent]
    verb = "does" if len(checks) == 1 else "do"
    return (
        f"{count_of(len(checks), 'check')} {verb} not apply (--all prints all): there is no "
        f"evidence of the kinds that they read, {', '.join(kinds)}"
    )


def _number(estimate: Estimate | None) -> Number:
    if estimate is None:
        return NOTHING
    if estimate.low is None:
        return Number(f"{estimate.value:.3g}")
    return Number(f"{estimate.value:.3g}", f"{estimate.low:.3g}", f"{estimate.high:.3g}")
