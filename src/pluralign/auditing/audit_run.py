"""Audit evidence, and write what was found."""

import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pluralign._version import __version__
from pluralign.auditing.gathered_evidence import Gathered, Given, gather
from pluralign.audits import SEVERITIES, Assessment, Audit, Finding, run_audits, who_took_part
from pluralign.core import MANIFEST, AnyPath, Reporter, Silent, as_path
from pluralign.runs.audits import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE
from pluralign.runs.folder import RunFolder
from pluralign.runs.record import counts_of
from pluralign.settings.audit import AuditSettings
from pluralign.settings.toml_tables import shown


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """What an audit found; the same lies in its folder.

    Attributes:
        findings: Gravest first.
        assessments: What became of each check.
        record: As in ``audit.json``.
    """

    findings: list[Finding]
    assessments: list[Assessment]
    record: dict[str, Any]

    @property
    def alarmed(self) -> bool:
        """Whether there is a concern or a risk."""
        return any(f.severity != "note" for f in self.findings)


def run_audit(
    given: Given,
    settings: AuditSettings,
    audits: Sequence[Audit],
    out: AnyPath,
    reporter: Reporter | None = None,
) -> AuditOutcome:
    """Audit evidence; write ``findings.jsonl``, ``assessments.jsonl``, ``participation.jsonl`` and ``audit.json``.

    Args:
        given: Where the evidence lies.
        settings: Seed, draws, small cells, methods.
        audits: Which audits, with their thresholds.
        out: Folder to write to; files of an earlier audit in it are replaced.
        reporter: Hears the progress.

    Raises:
        PluralignError: If there is no evidence, or some of it cannot be read.
    """
    reporter, started, out = reporter or Silent(), time.perf_counter(), as_path(out)
    reporter.stage("reading evidence")
    gathered = gather(given, settings.methods)
    evidence = gathered.evidence
    for reason in evidence.missing:
        reporter.note(reason)
    reporter.stage("auditing")
    findings, assessments = run_audits(audits, evidence, settings.context, reporter.progress)
    record = {
        "name": (given.folder or out).resolve().name,
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": shown(settings),
        "thresholds": [
            {"audit": audit.name, "check": check.name} | asdict(check.threshold)
            for audit in audits
            for check in audit.checks
        ],
        "evidence": _told(gathered),
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "seconds": {"total": round(time.perf_counter() - started, 3)},
        "outcome": {s: sum(f.severity == s for f in findings) for s in SEVERITIES},
    }
    folder = RunFolder(out)
    folder.begin(AUDIT)
    folder.write_rows(FINDINGS, (f.as_dict() for f in findings), private=True)
    folder.write_rows(ASSESSMENTS, (a.as_dict() for a in assessments))
    folder.write_rows(PEOPLE, who_took_part(evidence, settings.small), private=True)
    folder.write_json(AUDIT, record)
    return AuditOutcome(findings, assessments, record)


def _told(gathered: Gathered) -> dict[str, Any]:
    """What the record says of the evidence: how much there was, what was dropped, what is missing, whose it is."""
    evidence = gathered.evidence
    return {
        "pairs": len(evidence.pairs),
        "raters": sum(map(len, evidence.raters.values())),
        "answers": len(evidence.answers),
        "survey": evidence.survey.name if evidence.survey else None,
        "methods": sorted(evidence.rewards.margins) if evidence.rewards else [],
        "items": len(evidence.items),
        "missing": list(evidence.missing),
        "read": {name: counts_of(tally) for name, tally in gathered.tallies.items()},
        "licenses": gathered.licenses,
    }
