"""What ``pluralign audit`` prints."""

from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from pluralign.auditing import AuditOutcome
from pluralign.audits import SEVERITIES, Assessment, Finding
from pluralign.cli.screen import console
from pluralign.cli.showing import print_json
from pluralign.core import Estimate, count_of

_STYLES = {"risk": "bold red", "concern": "yellow"}
_BOX = box.SIMPLE_HEAD
_MOST = 20


def show_audit(outcome: AuditOutcome, folder: Path, as_json: bool) -> None:
    """Print findings, gravest first, and what became of each check."""
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "record": outcome.record,
                "findings": [f.as_dict() for f in outcome.findings],
                "assessments": [a.as_dict() for a in outcome.assessments],
            }
        )
        return
    screen = console()
    grave = [f for f in outcome.findings if f.severity != "note"]
    table = Table(
        "severity", "audit", "claim", "number", title="Findings", title_justify="left", box=_BOX
    )
    for f in grave[:_MOST]:
        table.add_row(
            f"[{_STYLES[f.severity]}]{f.severity}[/]",
            escape(f.audit),
            escape(str(f.claim)),
            escape(_number(f)),
        )
    if grave:
        screen.print(table)
    if len(grave) > _MOST:
        screen.print(f"... and {len(grave) - _MOST} more, in {folder}/findings.jsonl", markup=False)
    _show_checks(outcome.assessments)
    for source, read in outcome.record["evidence"]["read"].items():
        for reason, n in read["dropped"].items():
            screen.print(
                f"{source}: {n:,} of {count_of(read['read'], 'row')} dropped: {reason}",
                markup=False,
            )
    counts = outcome.record["outcome"]
    screen.print(
        f"{', '.join(_counted(counts[s], s) for s in SEVERITIES)} (beyond a threshold, but not surely). "
        f"Written to {folder}: "
        "findings.jsonl, assessments.jsonl, participation.jsonl, audit.json",
        markup=False,
        soft_wrap=True,
    )


def _show_checks(assessments: list[Assessment]) -> None:
    table = Table("check", "asks", "status", title="Checks", title_justify="left", box=_BOX)
    for a in assessments:
        status = (
            f"{a.status}: {a.reasons[0]}" if a.status == "not assessed" and a.reasons else a.status
        )
        table.add_row(escape(f"{a.audit}.{a.check}"), escape(a.asks), escape(status))
    console().print(table)


def _counted(n: int, severity: str) -> str:
    return f"{n} {severity}{'' if n == 1 else 's'}"


def _number(finding: Finding) -> str:
    if not finding.numbers:
        return ""
    name, estimate = next(iter(finding.numbers.items()))
    return f"{name.replace('_', ' ')} {_told(estimate)}"


def _told(e: Estimate) -> str:
    interval = "" if e.low is None else f" [{e.low:.3g}, {e.high:.3g}]"
    people = "" if e.n_raters is None else f", {count_of(e.n_raters, 'person', 'people')}"
    return f"{e.value:.3g}{interval} (n={e.n:,}{people})"
